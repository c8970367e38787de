"""Judges that are a project's own pytest suites."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from judges.verdict import Verdict
from judges.workshop import run

_SPACE = re.compile(r"\s+")


def pytest_run(python: Path, source: Path, arguments: Sequence[str], environ: Mapping[str, str]) -> Verdict:
    """Run some of a project's tests in its source folder. Raises RuntimeError when pytest itself fails."""
    report = source / "report.xml"
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *arguments]
    done = run(command, source, environ)
    if done.returncode not in {0, 1} or not report.exists():
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return read_report(report.read_text(encoding="utf-8"))


def read_report(text: str) -> Verdict:
    """Read a JUnit report; a test's name is ``Class.name``. One expected to fail counts as left out."""
    passed: dict[str, None] = {}
    failed: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for case in ET.fromstring(text).iter("testcase"):  # noqa: S314 - the report of a process we started
        name = f"{case.get('classname', '').rpartition('.')[2]}.{case.get('name')}"
        trouble = case.find("failure")
        if trouble is None:
            trouble = case.find("error")
        left_out = case.find("skipped")
        if trouble is not None:
            failed[name] = _short(trouble.get("message", ""))
        elif left_out is not None:
            skipped[name] = _short(left_out.get("message", ""))
        else:
            passed[name] = None
    return Verdict(tuple(each for each in passed if each not in failed), failed, skipped)


def _short(message: str) -> str:
    return _SPACE.sub(" ", message).strip()[:300]
