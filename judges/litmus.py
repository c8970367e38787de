"""litmus, the WebDAV test suite of neon's author."""

import re

from judges.demo import Demo
from judges.verdict import Judge, Verdict
from judges.workshop import Workshop, run

_SUITE = re.compile(r"^-> running `(\w+)'")
_TEST = re.compile(r"(\w+)\.+ (pass|FAIL|SKIPPED|WARNING)(.*)$")


def _ask(demo: Demo, workshop: Workshop) -> Verdict:
    user, password = demo.people[0]
    command = workshop.command("litmus", "Debian's litmus")
    done = run([command, "-k", f"{demo.url}{user}/", user, password], workshop.home("litmus"))
    return read(done.stdout)


def read(text: str) -> Verdict:
    """Read what litmus prints; a test's name is ``suite.name``."""
    suite, passed, skipped = "", [], {}
    failed: dict[str, str] = {}
    for line in text.splitlines():
        if began := _SUITE.match(line):
            suite = began[1]
        test = _TEST.search(line)
        if test is None:
            continue
        name = f"{suite}.{test[1]}"
        if test[2] == "pass":
            passed.append(name)
        elif test[2] == "FAIL":
            failed[name] = test[3].strip(" ()")
        elif test[2] == "SKIPPED":
            skipped[name] = test[3].strip(" ()")
    return Verdict(tuple(passed), failed, skipped)


LITMUS = Judge("litmus", "the WebDAV test suite litmus, in a person's home", _ask)
