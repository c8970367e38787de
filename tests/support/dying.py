"""Processes that write through the store and kill themselves at a chosen step: ``python dying.py``.

Each line of the input is a write, as JSON, and has a process of its own, forked from this one before anything of the
bridge is built. The steps are the moments before and after every call to Exchange and every change of the state and
the mirror. A line of JSON comes out: what became of the write and how many steps it had, or null when it was killed.
"""

import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.config import load
from bridge.errors import MirrorFilling
from bridge.ews.exchange import EwsExchange
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarName, ETag, Login, Name, ServedCalendar
from bridge.resource import ANY_ETAG, Conditions, Snapshot
from bridge.service import Service, build
from bridge.state.intents import Intents
from bridge.state.personal_lines import PersonalLines
from bridge.sync.freshness import Patience

WATCHED: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (
        EwsExchange,
        (
            "create",
            "update",
            "delete",
            "get",
            "find",
            "update_occurrences",
            "delete_occurrences",
            "move",
            "attach",
            "detach",
            "attachment",
            "calendars",
            "create_calendar",
        ),
    ),
    (Intents, ("begin", "advance", "finish", "drop", "take_over")),
    (PersonalLines, ("put",)),
    (Mirror, ("put", "remove", "apply", "put_calendars")),
)
PULLED: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (EwsExchange, ("calendars", "window", "feed", "get")),
    (Mirror, ("put_calendars", "begin_listing", "apply")),
)
"""What a pull does; what is pulled before and after a write is none of its steps."""
PATIENCE = 60.0
NAME = Name("dying.ics")
MOVED = Name("moved.ics")
TARGET = CalendarName("choir-more")
NEW = CalendarName("new")
_steps = itertools.count(1)
_seen: list[int] = []


def _step(fatal: int) -> None:
    number = next(_steps)
    _seen.append(number)
    if number == fatal:
        os.kill(os.getpid(), signal.SIGKILL)


def _watched(method: Callable[..., Any], fatal: int) -> Callable[..., Any]:
    def watched(*args: Any, **kwargs: Any) -> Any:
        _step(fatal)
        result = method(*args, **kwargs)
        _step(fatal)
        return result

    return watched


def _watch(watched: tuple[tuple[type[Any], tuple[str, ...]], ...], fatal: int) -> None:
    for owner, names in watched:
        for name in names:
            setattr(owner, name, _watched(getattr(owner, name), fatal))


def _read(service: Service, login: Login, served: ServedCalendar) -> Snapshot:
    """Read a calendar, again while it is read for the first time."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return service.store.snapshot(login, served)
        except MirrorFilling:
            if time.monotonic() > end:
                raise


def write(asked: dict[str, Any]) -> dict[str, Any]:
    """Do the ``operation`` that is asked, with its ``body`` and ``match``, and die at the step that is ``fatal``.

    ``config``, ``login``, ``password`` and ``calendar`` say where. To look is to write nothing, and so is to pull, of
    which it may die, too. How the event is served in the end is in the outcome.
    """
    service = build(load(Path(asked["config"])))
    # A busy machine must not let a write begin while a pull goes on behind it: each step has its number
    service.store._questions._patience = Patience(known=60, first=60)
    login = service.accounts.log_in(asked["login"], asked["password"])
    if asked["operation"] == "pull":
        _watch(PULLED, asked["fatal"])
    served = service.store.calendar(login, CalendarName(asked["calendar"]))
    _read(service, login, served)
    if asked["operation"] == "move":
        _read(service, login, service.store.calendar(login, TARGET))
    if asked["operation"] != "pull":
        _watch(WATCHED, asked["fatal"])
    match = frozenset({ETag(asked["match"])}) if asked["match"] else None
    outcome: dict[str, Any] = {}
    if asked["operation"] == "delete":
        service.store.delete(login, served, NAME, Conditions(match))
    elif asked["operation"] in {"move", "rename"}:
        target = served if asked["operation"] == "rename" else service.store.calendar(login, TARGET)
        place = (login, served, NAME, target, MOVED, Conditions(match))
        outcome["created"] = service.store.move(*place, overwrites=bool(asked["body"]))
        outcome["moved"] = sorted(_read(service, login, target).resources)
    elif asked["operation"] == "create calendar":
        made = service.store.create_calendar(login, NEW, asked["body"])
        outcome["calendars"] = [str(one.name) for one in service.store.calendars(login)]
        outcome["folder"] = made.calendar.ref.folder
    elif asked["operation"] == "put":
        conditions = Conditions(match, None if match else frozenset({ANY_ETAG}))
        stored = service.store.put(login, served, NAME, asked["body"].encode(), conditions)
        outcome["created"] = stored.created
    snapshot = _read(service, login, served)
    outcome |= {"steps": len(_seen), "etags": {str(one): str(value.etag) for one, value in snapshot.resources.items()}}
    outcome["text"] = service.store.texts(served, [NAME]).get(NAME, b"").decode()
    service.close()
    return outcome


def main() -> None:
    """Fork for each line of the input."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            sys.stdout.write(json.dumps(write(json.loads(line))) + "\n")
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            sys.stdout.write("null\n")
            sys.stdout.flush()
        elif os.waitstatus_to_exitcode(status):
            sys.exit("the write failed")


if __name__ == "__main__":
    main()
