"""A simulated Exchange that runs in a thread."""

import logging
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bridge.simulator.attachments import held
from bridge.simulator.certificate import make_certificate
from bridge.simulator.event_series import put_event
from bridge.simulator.faults import Faults, Knob
from bridge.simulator.model import Attachment, Folder, Item, Mail, Person
from bridge.simulator.people import PersonPlan, read_event, settle_people
from bridge.simulator.records import Records
from bridge.simulator.rules import NOTIFICATIONS, PERSONALITIES
from bridge.simulator.schemas import find_schemas
from bridge.simulator.series import arranged, series_of
from bridge.simulator.series_changes import WAYS, put_change
from bridge.simulator.server import CONTROL_PATH, Server
from bridge.simulator.service import Service
from bridge.simulator.store import Store, now
from bridge.simulator.subscriptions import Subscription

_LOG = logging.getLogger("bridge.simulator")


class Simulator:
    """A simulated Exchange on a port of this machine; use it with `with`.

    `people` are plans (`PersonPlan`, `lifelike_people`, `load_people`); `latency` is in milliseconds; port 0 takes
    a free one; the same `seed` and `clock` give the same ids. `sim.url` is the EWS address. `tls` serves HTTPS with
    a certificate of an authority in `sim.ca_file`; `ntlm` offers NTLM beside Basic.
    `switches` change single rules of the personality: `exceptions_on_change="keep"`.
    """

    def __init__(  # noqa: PLR0913 - what a server can be like, by name
        self,
        people: Sequence[PersonPlan] = (),
        *,
        personality: str = "2019",
        latency: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        clock: Callable[[], datetime] = now,
        tls: bool = False,
        ntlm: bool = False,
        **switches: Any,
    ) -> None:
        if personality not in PERSONALITIES:
            raise ValueError(f"no personality {personality}; there are {', '.join(PERSONALITIES)}")
        self.store = Store(seed, clock)
        settle_people(self.store, people)
        kind = PERSONALITIES[personality]
        kind = replace(kind, rules=replace(kind.rules, **switches))
        for name, ways in (("exceptions_on_change", WAYS), ("notifications", NOTIFICATIONS)):
            if getattr(kind.rules, name) not in ways:
                raise ValueError(f"{name} is one of {', '.join(ways)}")
        self.service = Service(self.store, kind, find_schemas())
        if self.service.schemas is None:
            _LOG.warning("EXCHANGE_SCHEMAS names no schemas: requests and answers are not checked against them")
        if latency:
            self.faults.add(Knob("latency", milliseconds=latency))
        self._server = Server((host, port), self.service, ntlm=ntlm)
        self._folder = tempfile.TemporaryDirectory(prefix="simulated-exchange-") if tls else None
        if self._folder:
            self._server.certificate = make_certificate(Path(self._folder.name), host)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="simulator")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving; every connection is ended and every thread has finished when this returns.

        One that was never started gives its port back.
        """
        if self._thread.ident is None:
            self._server.server_close()
        else:
            self._server.close()
            self._thread.join()
        if self._folder:
            self._folder.cleanup()

    @property
    def base(self) -> str:
        """Give `http://host:port`, or `https://host:port` with TLS."""
        host, port = self._server.server_address[:2]
        return f"http{'s' if self._server.certificate else ''}://{host!s}:{port}"

    @property
    def ca_file(self) -> Path:
        """Give the authority's certificate, a PEM file that is removed when the simulator stops."""
        if self._server.certificate is None:
            raise ValueError("this simulator serves without TLS")
        return self._server.certificate.ca_file

    @property
    def url(self) -> str:
        """Give the EWS address."""
        return f"{self.base}/EWS/Exchange.asmx"

    @property
    def control_url(self) -> str:
        """Give the control address."""
        return f"{self.base}{CONTROL_PATH}"

    @property
    def faults(self) -> Faults:
        """Give the knobs."""
        return self.service.faults

    @property
    def records(self) -> Records:
        """Give the counts and what was seen."""
        return self.service.records

    @property
    def invalid_answers(self) -> list[str]:
        """Give the answers of ours that broke the schema; a test asserts there are none."""
        return self.service.records.invalid_answers

    @property
    def refused(self) -> list[str]:
        """Give what was refused because it was not understood or cannot be simulated yet."""
        return self.service.records.refused

    @property
    def outbox(self) -> list[Mail]:
        """Give the mails Exchange would have sent."""
        return self.store.outbox

    def trouble(self, kind: str, **settings: Any) -> None:
        """Set a knob: `sim.trouble("busy_503", operation="GetItem", count=1, seconds=3)`."""
        self.faults.add(Knob(kind, **settings))

    def expire_sync_states(self) -> None:
        """Make every sync state given so far invalid."""
        self.store.sync_epoch += 1

    def lose_subscriptions(self) -> None:
        """Forget every subscription, as a server does that is restarted; held streams break."""
        self.service.subscriptions.lose()

    def allow_notifications(self, which: str) -> None:
        """Allow `none`, `pull` or `streaming` (both) from now on, in place of the rule; what there is goes on."""
        if which not in NOTIFICATIONS:
            raise ValueError(f"notifications is one of {', '.join(NOTIFICATIONS)}")
        self.service.subscriptions.allowed = which

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """Give the subscriptions that are alive, oldest first."""
        return self.service.subscriptions.alive

    # Seeding and looking, without HTTP

    def person(self, address: str) -> Person:
        """Give whose address that is."""
        person = self.store.person(address)
        if person is None:
            raise KeyError(address)
        return person

    def folder(self, address: str, name: str = "") -> Folder:
        """Give a calendar by its display name, the default one without."""
        mailbox = self.person(address).mailbox
        if not name:
            return self.store.distinguished(mailbox, "calendar")
        found = self.store.mailboxes[mailbox].folders.values()
        return next(folder for folder in found if folder.name == name)

    def add_calendar(self, address: str, name: str, permissions: Mapping[str, str] | None = None) -> Folder:
        """Give a new calendar beside the default one; `permissions` go from address to none, freebusy, read, write."""
        parent = self.folder(address)
        allowed = {who.casefold(): level for who, level in (permissions or {}).items()}
        return self.store.add_folder(parent.mailbox, parent.number, name, "IPF.Appointment", permissions=allowed)

    def permit(self, address: str, who: str, level: str, calendar: str = "") -> None:
        """Let somebody do `level` with a calendar; an alias of theirs will do."""
        folder = self.folder(address, calendar)
        granted = {**folder.permissions, who.casefold(): level}
        self.store.put_folder(replace(folder, permissions=granted))

    def add_event(self, address: str, calendar: str = "", **event: Any) -> Item:
        """Give a new event, described as in the people file: subject, start, end, zone, all_day, ..."""
        folder = self.folder(address, calendar)
        return put_event(self.store, folder, read_event(event, self.person(address).zone))

    def change_event(self, item: Item, **values: object) -> Item:
        """Give the event after a change at Exchange; `values` go by element name (`Subject="x"`)."""
        with self.store.lock:
            current = self.store.item_by_id(item.id)
            written = "Recurrence" in values
            changed = replace(current, values=arranged({**current.values, **values}, written=written))
            return put_change(self.store, self.service.personality.rules, current, changed, written=written)

    def add_attachment(self, item: Item, name: str, content: bytes = b"", **described: Any) -> Item:
        """Give the item after somebody attached a file at Exchange.

        `described`: content_type, content_id, content_location, inline; `is_message` makes it an attached message,
        whose MIME form is the content.
        """
        with self.store.lock:
            file = Attachment(self.store.random.randbytes(16), name, content, self.store.clock(), **described)
            current = self.store.item_by_id(item.id)
            return self.change_event(current, Attachments=(*held(current), file))

    def attachments(self, item: Item) -> tuple[Attachment, ...]:
        """Give an item's attachments as they are now."""
        return held(self.store.item_by_id(item.id))

    def respond(self, item: Item, address: str, response: str) -> Item:
        """Give the organizer's item after an attendee answered: `Accept`, `Tentative`, `Decline`."""
        with self.store.lock:
            current, moment = self.store.item_by_id(item.id), self.store.clock()
            lists = {
                name: tuple(
                    replace(who, response=response, answered=moment) if who.address == address else who
                    for who in current.people(name)
                )
                for name in ("RequiredAttendees", "OptionalAttendees", "Resources")
                if current.people(name)
            }
            return self.change_event(current, **lists)

    def occurrence(self, master: Item, index: int) -> Item:
        """Give an occurrence of a series by its index from 1, deleted ones counted; it can be changed and removed."""
        series = series_of(self.store.item_by_id(master.id))
        day = series.recurrence.day(index)
        if day is None or not series.holds(day):
            raise KeyError(index)
        return series.item(day)

    def remove_event(self, item: Item) -> None:
        """Remove an event for good, or one of several occurrences, as somebody at Exchange would."""
        current = self.store.item_by_id(item.id)
        if current.occurrence:
            touch = self.service.personality.rules.occurrence_touches_series
            self.store.remove_occurrence(current, current.modified_by, touch=touch)
        else:
            self.store.remove_item(current)

    def change_password(self, address: str, password: str) -> None:
        """Let somebody log in with another password from now on."""
        box = self.store.mailboxes[self.person(address).mailbox]
        box.owner = replace(box.owner, password=password)

    def events(self, address: str, calendar: str = "") -> list[Item]:
        """Give the events of a calendar, oldest first."""
        with self.store.lock:
            return list(self.store.items_in(self.folder(address, calendar)))
