"""A bridge without HTTP: the store over an in-memory Exchange, on files, with a clock that tests move."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.database import make_engine
from bridge.exchange import Waiters
from bridge.item import Content, Item, Uid
from bridge.keys import load_keys
from bridge.mirror.mirror import Mirror
from bridge.model import (
    Address,
    BasicCredential,
    CalendarName,
    Caller,
    ETag,
    Login,
    Name,
    OrganisationId,
    ServedCalendar,
    Viewer,
)
from bridge.resource import Conditions, Stored
from bridge.state.state import State
from bridge.sync.calendars import Shared
from bridge.sync.freshness import Patience
from bridge.sync.store import CalendarStore, StoreSettings
from bridge.sync.watch import Watches

from events import START
from memory_exchange import MemoryExchange

ANN = "ann@example.test"
BEN = "ben@example.test"
CALENDAR = CalendarName("calendar")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        """Begin on a Monday morning."""
        self.at = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Give the time, UTC."""
        return self.at

    def move(self, seconds: float) -> None:
        """Let seconds pass."""
        self.at += timedelta(seconds=seconds)


class World:
    """Two people at one Exchange; Ann's calendar is read by Ben. `restart` and `lose_mirror` do what they say."""

    def __init__(self, folder: Path, exchange: MemoryExchange | None = None) -> None:
        """Take where the files go and, if not a new one, the Exchange."""
        self.folder = folder
        self.clock = Clock()
        self.exchange = exchange or MemoryExchange()
        for address in (ANN, BEN):
            self.exchange.add_person(address, "secret")
        self.refused: list[Caller] = []
        self.waiters = Waiters(8)
        self.url = "https://bridge.test"
        self.patience = Patience(known=30, first=30)  # a busy machine must not make answers old
        self.watches: Watches | None = None
        self.keep: timedelta | None = None
        self._open()

    def _open(self) -> None:
        keys = load_keys(self.folder / "key")
        self._engines = (
            make_engine(self.folder / "mirror.db", "NORMAL"),
            make_engine(self.folder / "state.db", "FULL"),
        )
        self.mirror = Mirror(self._engines[0], keys)
        self.state = State(self._engines[1], keys, self.folder)
        self.store = CalendarStore(
            self.exchange,
            self.mirror,
            self.state,
            StoreSettings(
                fresh=15,
                shares=(Shared(Address(BEN), Address(ANN)),),
                url=self.url,
                most_bytes=100_000,
                patience=self.patience,
                watches=self.watches,
                keep=self.keep,
            ),
            self.waiters,
            now=self.clock,
            logins=self,
        )

    def forget(self, caller: Caller) -> None:
        """Hear that a credential was refused."""
        self.refused.append(caller)

    def proved(self, caller: Caller) -> None:
        """Hear that a credential was good."""

    def close(self) -> None:
        """Give back files and threads."""
        self.store.close()
        self.state.close()
        for engine in self._engines:
            engine.dispose()

    def restart(self) -> None:
        """End the process and start another one on the same files."""
        self.close()
        self._open()

    def lose_mirror(self) -> None:
        """Delete the mirror between two processes."""
        self.close()
        for path in self.folder.glob("mirror.db*"):
            path.unlink()
        self._open()

    # --- who and what --------------------------------------------------------------------------------

    def login(self, address: str = ANN) -> Login:
        """Log a person in."""
        _, mailbox = self.exchange.passwords[address]
        viewer = Viewer(OrganisationId("test"), mailbox.address)
        return Login(Caller(viewer, BasicCredential(address, "secret")), mailbox)

    def calendar(self, name: CalendarName = CALENDAR, address: str = ANN) -> ServedCalendar:
        """Give a calendar of a person's home."""
        return self.store.calendar(self.login(address), name)

    def later(self) -> None:
        """Let so much time pass that the next read pulls."""
        self.clock.move(16)

    # --- the client's side ---------------------------------------------------------------------------

    def put(
        self, name: str, body: bytes, *, match: ETag | None = None, new: bool = False, address: str = ANN
    ) -> Stored:
        """PUT as a client does."""
        conditions = Conditions(
            frozenset({match}) if match else None,
            frozenset({ETag("*")}) if new else None,
        )
        return self.store.put(self.login(address), self.calendar(address=address), Name(name), body, conditions)

    def delete(self, name: str, *, match: ETag | None = None) -> None:
        """DELETE as a client does."""
        conditions = Conditions(frozenset({match}) if match else None)
        self.store.delete(self.login(), self.calendar(), Name(name), conditions)

    def etags(self) -> dict[str, str]:
        """List Ann's calendar as a client sees it now."""
        snapshot = self.store.snapshot(self.login(), self.calendar())
        return {str(name): str(listed.etag) for name, listed in snapshot.resources.items()}

    def text(self, name: str) -> str:
        """GET one resource."""
        served = self.calendar()
        self.store.snapshot(self.login(), served)
        return self.store.texts(served, [Name(name)])[Name(name)].decode()

    # --- Outlook's side ------------------------------------------------------------------------------

    def outlook_adds(self, uid: str, subject: str = "From Outlook", **changes: object) -> Item:
        """Create an item in Ann's calendar without the bridge."""
        content = Content(Uid(uid), subject, START, START + timedelta(hours=1), **changes)  # type: ignore[arg-type]
        return self.exchange.put_item(self.exchange.calendar_of(ANN), content)

    def outlook_changes(self, item: Item, change: Callable[[Content], Content]) -> Item:
        """Change an item in Ann's calendar without the bridge."""
        return self.exchange.put_item(self.exchange.calendar_of(ANN), change(item.content), item=item)

    def outlook_changes_occurrence(self, master: Item, start: datetime, change: Callable[[Content], Content]) -> None:
        """Change one occurrence of a series in Ann's calendar without the bridge."""
        plain = replace(master.content, start=start, end=start + (master.content.end - master.content.start))
        self.exchange.put_occurrence(self.exchange.calendar_of(ANN), master.ref.id, start, change(plain))

    def outlook_deletes_occurrence(self, master: Item, start: datetime) -> None:
        """Delete one occurrence of a series in Ann's calendar without the bridge."""
        self.exchange.drop_occurrence(self.exchange.calendar_of(ANN), master.ref.id, start)

    def exceptions(self) -> dict[datetime, Content]:
        """Give the changed occurrences of the one series that Exchange holds in Ann's calendar, by original start."""
        folder = self.exchange.calendar_of(ANN)
        (series,) = folder.items.values()
        return {one.original_start: folder.occurrences[one.ref.id].content for one in series.exceptions}

    def outlook_deletes(self, item: Item) -> None:
        """Delete an item of Ann's calendar without the bridge."""
        self.exchange.drop_item(self.exchange.calendar_of(ANN), item.ref.id)

    def items(self) -> list[Item]:
        """Give what Exchange holds in Ann's calendar."""
        return list(self.exchange.calendar_of(ANN).items.values())
