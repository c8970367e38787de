"""Intents: what a push is about to do, on the disk before its first step, and the lock of its resource meanwhile.

At most one intent is open for a resource, whichever viewer and process it is of: the key is organisation, mailbox,
folder and name. Only its owner takes it further. An owner that dies, or gives up on an unknown outcome, leaves it open
with how far it had come; then somebody else takes it over, and exactly one does.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from bridge.database import from_microseconds, to_microseconds
from bridge.errors import BridgeError
from bridge.item import ChangeKey, ItemId, ItemRef, Uid
from bridge.keys import Keys
from bridge.model import Address, CalendarRef, FolderId, Name, OrganisationId, Viewer
from bridge.sealed import SealedColumn
from bridge.state.database import StateDatabase
from bridge.state.liveness import Liveness
from bridge.state.schema import intents

FIRST_STEP = "begun"

SEALED = SealedColumn(intents.c.push, (b"intent", intents.c.resource), json.loads)

_IS_OPEN = intents.c.closed_at.is_(None)


@dataclass(frozen=True, slots=True)
class Intent:
    """A push under way, or how one ended.

    ``ref`` is as its viewer sees the calendar. ``operation``, ``step`` and ``outcome`` are its executor's words: what
    it does, how far it has come, what came out. ``target`` is a hash of what is wanted, ``base`` what the client went
    out from, ``item`` the item that is meant, once there is one. ``owner`` is a process's id, and ``claim`` counts how
    often the intent changed hands. ``before`` is what its executor notes of the items as they were before the first
    step, to tell its own traces by. ``outcome`` and ``closed_at`` are None while it is open.
    """

    id: int
    ref: CalendarRef
    name: Name
    operation: str
    target: str
    base: str | None
    uid: Uid | None = field(repr=False)
    item: ItemRef | None
    step: str
    owner: str
    claim: int
    opened_at: datetime
    outcome: str | None = None
    closed_at: datetime | None = None
    before: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether the resource is locked by it."""
        return self.closed_at is None


class IntentStands(BridgeError):
    """The resource is another's at this moment; ``intent`` is what is known of that. Nothing was changed."""

    def __init__(self, intent: Intent) -> None:
        """Take the intent that stands in the way."""
        super().__init__("Another change of this event is being written.")
        self.intent = intent


class Intents:
    """The intents of all processes. Each method ends on the disk, or raises and has changed nothing."""

    def __init__(self, database: StateDatabase, keys: Keys, processes: Liveness) -> None:
        """Take the processes: this one of them owns what it begins and takes over, while others know it to live."""
        self._database = database
        self._keys = keys
        self._processes = processes

    def begin(  # noqa: PLR0913 - the facts of one push, each said by its name
        self,
        ref: CalendarRef,
        name: Name,
        *,
        operation: str,
        target: str,
        base: str | None,
        uid: Uid | None,
        item: ItemRef | None,
        now: datetime,
        before: Mapping[str, str] = MappingProxyType({}),
    ) -> Intent:
        """Open an intent and so lock the resource. Raises IntentStands when one is open."""
        self._processes.hold()
        owner = self._processes.own_id
        intent = Intent(
            0, ref, name, operation, target, base, uid, item, FIRST_STEP, owner, 0, now, before=dict(before)
        )
        resource = self._resource(ref, name)
        opened = insert(intents).values(
            calendar=self._calendar(ref),
            resource=resource,
            owner=intent.owner,
            claim=intent.claim,
            step=intent.step,
            opened_at=to_microseconds(now),
            push=self._seal(resource, intent),
        )
        with self._database.writing() as connection:
            here = select(intents).where(intents.c.resource == resource, _IS_OPEN)
            standing = connection.execute(here).one_or_none()
            if standing is not None:
                raise IntentStands(self._decode(standing))
            number: int = connection.execute(opened.returning(intents.c.id)).scalar_one()
        return replace(intent, id=number)

    def take_over(self, intent: Intent) -> Intent:
        """Become the owner of an open intent that nobody works on any more: that is the asker's to know.

        Raises IntentStands when somebody else was quicker, or it was closed meanwhile.
        """
        self._processes.hold()
        return self._change(intent, {"owner": self._processes.own_id, "claim": intent.claim + 1})

    def advance(self, intent: Intent, step: str, item: ItemRef | None = None) -> Intent:
        """Note how far it has come, and the item meant from now on. Raises IntentStands when it was taken over."""
        further = intent if item is None else replace(intent, item=item)
        sealed = self._seal(self._resource(intent.ref, intent.name), further)
        return self._change(intent, {"step": step, "push": sealed})

    def finish(self, intent: Intent, outcome: str, now: datetime) -> Intent:
        """Close it with what came out. It is kept for a while, to answer a client's retry. Raises IntentStands."""
        return self._change(intent, {"outcome": outcome, "closed_at": to_microseconds(now)})

    def drop(self, intent: Intent) -> None:
        """Remove it without a trace: nothing was sent. Raises IntentStands when it was taken over."""
        with self._database.writing() as connection:
            if connection.execute(delete(intents).where(*_as_known(intent))).rowcount != 1:
                raise IntentStands(self._now(connection, intent))

    def standing(self, ref: CalendarRef) -> tuple[Intent, ...]:
        """Give the open intents of a calendar, of all its viewers."""
        query = select(intents).where(intents.c.calendar == self._calendar(ref), _IS_OPEN).order_by(intents.c.id)
        with self._database.reading() as connection:
            return tuple(self._decode(row) for row in connection.execute(query))

    def last(self, ref: CalendarRef, name: Name) -> Intent | None:
        """Give the newest intent for a name, open or closed, of whichever viewer."""
        here = select(intents).where(intents.c.resource == self._resource(ref, name))
        with self._database.reading() as connection:
            row = connection.execute(here.order_by(intents.c.id.desc()).limit(1)).one_or_none()
        return None if row is None else self._decode(row)

    def expire(self, before: datetime) -> None:
        """Remove what was closed earlier. Open ones stay, however old."""
        with self._database.writing() as connection:
            connection.execute(delete(intents).where(intents.c.closed_at < to_microseconds(before)))

    # --- rows ---

    def _change(self, intent: Intent, columns: dict[str, Any]) -> Intent:
        with self._database.writing() as connection:
            changed = connection.execute(update(intents).where(*_as_known(intent)).values(columns)).rowcount
            now = self._now(connection, intent)
            if changed != 1:
                raise IntentStands(now)
            return now

    def _now(self, connection: Connection, intent: Intent) -> Intent:
        row = connection.execute(select(intents).where(intents.c.id == intent.id)).one_or_none()
        return intent if row is None else self._decode(row)

    def _calendar(self, ref: CalendarRef) -> bytes:
        place = json.dumps([ref.viewer.organisation, ref.mailbox, ref.folder])
        return self._keys.mac(place.encode("ascii"), "state calendar")

    def _resource(self, ref: CalendarRef, name: Name) -> bytes:
        return self._keys.mac(self._calendar(ref) + name.encode("utf-8", "surrogatepass"), "state resource")

    def _seal(self, resource: bytes, intent: Intent) -> bytes:
        told = {
            "organisation": intent.ref.viewer.organisation,
            "viewer": intent.ref.viewer.address,
            "mailbox": intent.ref.mailbox,
            "folder": intent.ref.folder,
            "name": intent.name,
            "operation": intent.operation,
            "target": intent.target,
            "base": intent.base,
            "uid": intent.uid,
            "item": None if intent.item is None else [intent.item.id, intent.item.change_key],
            "before": intent.before,
        }
        return self._keys.seal(json.dumps(told).encode("ascii"), SEALED.bound(resource))

    def _decode(self, row: Row[Any]) -> Intent:
        told = json.loads(self._keys.open(row.push, SEALED.bound(row.resource)))
        viewer = Viewer(OrganisationId(told["organisation"]), Address(told["viewer"]))
        item = told["item"]
        return Intent(
            id=row.id,
            ref=CalendarRef(viewer, Address(told["mailbox"]), FolderId(told["folder"])),
            name=Name(told["name"]),
            operation=told["operation"],
            target=told["target"],
            base=told["base"],
            uid=None if told["uid"] is None else Uid(told["uid"]),
            item=None if item is None else ItemRef(ItemId(item[0]), ChangeKey(item[1])),
            step=row.step,
            owner=row.owner,
            claim=row.claim,
            opened_at=from_microseconds(row.opened_at),
            outcome=row.outcome,
            closed_at=None if row.closed_at is None else from_microseconds(row.closed_at),
            before=told.get("before", {}),
        )


def _as_known(intent: Intent) -> tuple[ColumnElement[bool], ...]:
    """Give the condition that an intent is open and has not changed hands since it was read."""
    return intents.c.id == intent.id, intents.c.owner == intent.owner, intents.c.claim == intent.claim, _IS_OPEN
