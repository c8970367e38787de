"""The end of a random walk: the troubles are over, and all sides hold the same."""

import random

from sqlalchemy import func, select

from bridge.config import load
from bridge.service import open_state_engine
from bridge.state.schema import intents

from bridged import ANN, PASSWORD
from walk import CALENDARS, Walk
from walk_client import Device, Wrong
from walk_events import Event
from walk_servers import Servers, wait_for

VERSION = "The specified server version is invalid"
"""What an old Exchange says to the first request of each process, which then asks as that server understands."""
QUIET = 45.0
"""Seconds after the last trouble in which all is to be as it should: failures are remembered for some, and more."""


def end(walk: Walk) -> None:
    """Take all troubles away, let everybody read, and compare. Raises Wrong."""
    walk.exchange.faults.clear()
    _touch_unread(walk)
    walk.ledger.moment += 1
    walk.say("the troubles are over")
    found = [""]

    def is_right() -> bool:
        for number, device in enumerate(walk.devices, 1):
            walk.sync(device, number)
        found[0] = _problem(walk)
        return not found[0]

    if not wait_for(is_right, QUIET):
        raise Wrong(found[0])
    _compare_names(walk)
    walk.ledger.close_step([], CALENDARS)
    records = walk.exchange.records
    is_lenient = walk.exchange.service.personality.name == "lenient"  # it knows few operations, and says so
    for what, told in (
        ("mails", walk.exchange.outbox),
        ("answers against the schema", records.invalid_answers),
        (
            "requests that were not understood",
            [one for one in records.refused if VERSION not in one and not is_lenient],
        ),
    ):
        if told:
            raise Wrong(f"{what}: {told}")


def _touch_unread(walk: Walk) -> None:
    """Have somebody at Exchange change what could not be read: else it is read again only after some minutes."""
    walk.ledger.placeholders = False
    for items in (walk.exchange.events(ANN, name) for name in CALENDARS.values()):
        for item in items:
            walk.exchange.change_event(item, Location="Here")


def _truth(walk: Walk) -> dict[str, Event]:
    return {uid: found[0] for uid, found in walk.ledger.look().items()}


def _view(device: Device) -> dict[str, Event]:
    return {held.event.uid: held.event for copy in device.copies.values() for held in copy.held.values()}


def _problem(walk: Walk) -> str:
    """Give wherein the sides differ, or what is not closed; nothing where all is as it should be."""
    there = _truth(walk)
    for number, device in enumerate(walk.devices, 1):
        here = _view(device)
        uids = [uid for uid in sorted({*there, *here}) if there.get(uid) != here.get(uid)]
        if uids:
            lines = [f"{uid}: {there.get(uid)} there, {here.get(uid)} here" for uid in uids]
            return f"device {number} does not hold what Exchange does:\n" + "\n".join(lines)
    if _open_intents(walk.servers):
        return f"{_open_intents(walk.servers)} intents stay open"
    return next(filter(None, (_listed_otherwise(walk, calendar) for calendar in CALENDARS)), "")


def _listed_otherwise(walk: Walk, calendar: str) -> str:
    """Say in what a client that is new is told otherwise than the others hold by now, byte for byte."""
    fresh = Device((ANN, PASSWORD), lambda: walk.servers.urls, random.Random(0))
    etags = fresh.list(calendar)
    texts = fresh.fetch(calendar, list(etags or {}))
    for number, device in enumerate(walk.devices, 1):
        held = device.copies[calendar].held
        if etags != {name: one.etag for name, one in held.items()}:
            return f"{calendar} is listed otherwise than device {number} holds it: {etags}, {held}"
        if texts != {name: (one.etag, one.text) for name, one in held.items()}:
            return f"{calendar} has other texts than device {number} holds: {texts}, {held}"
    return ""


def _compare_names(walk: Walk) -> None:
    """See that every event that clients have made bears the name they gave it."""
    for calendar in CALENDARS:
        for name, held in walk.devices[0].copies[calendar].held.items():
            wanted = walk.names.get(held.event.uid, name)
            if name != wanted:
                raise Wrong(f"{held.event} is called {name}; it was made as {wanted}")


def _open_intents(servers: Servers) -> int:
    engine = open_state_engine(load(servers.config))
    try:
        with engine.connect() as connection:
            count = select(func.count()).select_from(intents).where(intents.c.closed_at.is_(None))
            return int(connection.execute(count).scalar_one())
    finally:
        engine.dispose()
