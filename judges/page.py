"""``docs/conformance.md``: the scores, and why something is missing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten

from judges.explained import Explanation, of_judge, unexplained
from judges.verdict import Judge, Verdict

PAGE = Path(__file__).parents[1] / "docs" / "conformance.md"
_BEGIN, _END = "<!-- make judges -->\n", "<!-- end -->"
_FEW = 12
"""So many left-out tests of one reason are named, more are counted."""

Verdicts = Mapping[str, Verdict | str]
"""By the judge's name: the verdict, or why the judge could not be had."""


def markdown(judges: Sequence[Judge], verdicts: Verdicts, table: Sequence[Explanation]) -> str:
    """Give the part of the page that the judges write."""
    lines = ["| judge | what it does | passed | left out |", "|---|---|---|---|"]
    for judge in judges:
        verdict = verdicts[judge.name]
        score, out = (verdict.score, str(len(verdict.skipped))) if isinstance(verdict, Verdict) else ("not run", "")
        lines.append(f"| {judge.name} | {judge.what} | {score} | {out} |")
    for judge in judges:
        verdict = verdicts[judge.name]
        lines += ["", f"### {judge.name}", ""]
        if isinstance(verdict, Verdict):
            lines += _shortfalls(verdict, of_judge(table, judge.name)) + _left_out(verdict)
        else:
            lines.append(f"Not run: {verdict}.")
    return "\n".join(lines)


def _shortfalls(verdict: Verdict, explanations: Sequence[Explanation]) -> list[str]:
    if not verdict.failed:
        return [f"All {len(verdict.passed)} pass."]
    lines = []
    for each in explanations:
        names = each.covered(verdict.failed)
        if names:
            lines.append(f"- {each.why} *Fails:* {', '.join(f'`{name}`' for name in names)}.")
    new = unexplained(explanations, verdict)
    if new:
        lines.append(f"- **Not explained yet:** {', '.join(f'`{name}`' for name in new)}.")
    return lines


def _left_out(verdict: Verdict) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for name, reason in verdict.skipped.items():
        by_reason.setdefault(_cell(reason) or "no reason told", []).append(name)
    if not by_reason:
        return []
    lines = ["", "Left out by the judge itself, with its reason:", ""]
    return lines + [f"- {reason}: {_names(names)}" for reason, names in sorted(by_reason.items())]


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) if len(names) <= _FEW else f"{len(names)} tests"


def _cell(text: str) -> str:
    return shorten(text.replace("|", "\\|").replace("<", "&lt;"), 160, placeholder=" …").rstrip(".:,")


def write(part: str, path: Path = PAGE) -> None:
    """Put the judges' part into the page, in place of what was there."""
    text = path.read_text(encoding="utf-8")
    head, found, rest = text.partition(_BEGIN)
    if not found:
        raise ValueError(f"{path} has no line {_BEGIN.strip()}")
    path.write_text(f"{head}{_BEGIN}{part}\n{_END}{rest.partition(_END)[2]}", encoding="utf-8")
