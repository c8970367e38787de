"""Why a judge is not content: the table of explanations, and what of a verdict it does not cover."""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from judges.verdict import Verdict

TABLE = Path(__file__).with_name("explained.toml")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why some of a judge's tests fail: shell patterns of their names, and the reason in a sentence or two."""

    judge: str
    tests: tuple[str, ...]
    why: str

    def covered(self, names: Iterable[str]) -> list[str]:
        """Give those of the names that it explains."""
        return [name for name in names if any(fnmatchcase(name, pattern) for pattern in self.tests)]


def read_table(path: Path = TABLE) -> tuple[Explanation, ...]:
    """Read the table. Raises KeyError for an entry that lacks something."""
    with path.open("rb") as file:
        entries = tomllib.load(file).get("shortfall", [])
    return tuple(Explanation(entry["judge"], tuple(entry["tests"]), entry["why"]) for entry in entries)


def of_judge(table: Sequence[Explanation], judge: str) -> list[Explanation]:
    """Give the explanations for one judge."""
    return [each for each in table if each.judge == judge]


def unexplained(explanations: Sequence[Explanation], verdict: Verdict) -> list[str]:
    """Give the failures that nothing explains."""
    known = {name for each in explanations for name in each.covered(verdict.failed)}
    return [name for name in verdict.failed if name not in known]


def outdated(explanations: Sequence[Explanation], verdict: Verdict) -> list[str]:
    """Give the patterns that explain no failure any more: what they were about passes now, or is called otherwise."""
    return [
        pattern
        for each in explanations
        for pattern in each.tests
        if not any(fnmatchcase(name, pattern) for name in verdict.failed)
    ]
