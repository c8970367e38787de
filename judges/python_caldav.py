"""python-caldav's functional tests, from its source distribution."""

import json

from judges.demo import Demo
from judges.pytest_run import pytest_run
from judges.verdict import Judge, Verdict
from judges.workshop import Workshop

UNSUPPORTED = ("save-load.todo", "save-load.journal")
"""The only features declared to be missing: an Exchange calendar holds neither tasks nor journals."""


def _ask(demo: Demo, workshop: Workshop) -> Verdict:
    user, password = demo.people[0]
    source = workshop.source("caldav")
    server = {
        "type": "external",
        "enabled": True,
        "url": demo.url,
        "username": user,
        "password": password,
        "features": dict.fromkeys(UNSUPPORTED, "unsupported"),
    }
    config = source / "tests" / "caldav_test_servers.json"
    config.write_text(json.dumps({"test-servers": {"bridge": server}}), encoding="utf-8")
    arguments = ["tests/test_caldav.py", "tests/test_async_integration.py", "-k", "bridge"]
    scope = ["-o", "asyncio_default_fixture_loop_scope=function"]  # its own setting is missing: a warning, so an error
    old = ["-W", "ignore:principals:DeprecationWarning"]  # its tests call what it warns of: with any server they fail
    none = {"PYTHON_CALDAV_TEST_EMBEDDED": "0", "PYTHON_CALDAV_TEST_DOCKER": "0"}
    return pytest_run(workshop.python(), source, [*scope, *old, *arguments], none)


PYTHON_CALDAV = Judge("python-caldav", "functional tests of python-caldav, synchronous and asynchronous", _ask)
