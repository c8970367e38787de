"""vdirsyncer's own storage tests, with events."""

from pathlib import Path

from judges.demo import Demo
from judges.pytest_run import pytest_run
from judges.verdict import Judge, Verdict
from judges.workshop import Workshop

_SERVER = Path(__file__).with_name("vdirsyncer_server.py")
_NO_TASKS = ("-k", "not VTODO")
"""What pytest leaves out: tests that are run once with events and once with tasks, the latter."""


def _ask(demo: Demo, workshop: Workshop) -> Verdict:
    user, password = demo.people[0]
    source = workshop.source("vdirsyncer")
    server = source / "tests" / "storage" / "servers" / "bridge" / "__init__.py"
    server.parent.mkdir()
    server.write_text(_SERVER.read_text(encoding="utf-8"), encoding="utf-8")
    environ = {"DAV_SERVER": "bridge", "BRIDGE_URL": demo.url, "BRIDGE_USER": user, "BRIDGE_PASSWORD": password}
    arguments = ["-o", "addopts=", "tests/storage/dav/test_caldav.py", *_NO_TASKS]
    return pytest_run(workshop.python(), source, arguments, environ)


VDIRSYNCER = Judge("vdirsyncer", "storage tests of vdirsyncer with events", _ask)
