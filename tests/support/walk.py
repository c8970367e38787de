"""The random walk: two devices and somebody at Exchange change the same calendars, while everything fails."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from time import monotonic, sleep

from bridge.simulator import Simulator
from bridge.simulator.model import Item

from bridged import ANN, PASSWORD
from events import event, override, series
from walk_client import Answer, Device, Held, Wrong
from walk_events import BERLIN, Event, at_exchange, cancel, read_event, rename, shift
from walk_events import moved as moved_to
from walk_events import override as overridden
from walk_faults import set_trouble
from walk_ledger import Deed, Ledger, State
from walk_servers import Calls, Servers, wait_for

CALENDARS = {"calendar": "", "choir-more": "Choir & more"}
"""The client's names of the calendars, and Exchange's."""
MOST = 25
"""So many events there are at most: what is deleted often enough meets what is made."""
PATIENCE = 4
"""So often a device reads in vain before the troubles are taken away."""
BREATH = 20.0
"""Seconds in which a device can read again when nothing fails any more; failures are remembered for some."""
SETTLE = 0.03
"""Seconds in which what a dead process has sent reaches Exchange."""


@dataclass(frozen=True)
class Chosen:
    """A resource that a device chose from its own copy."""

    calendar: str
    name: str
    held: Held


class Walk:
    """A walk whose choices are all drawn from one seed."""

    def __init__(self, exchange: Simulator, servers: Servers, seed: int) -> None:
        """Take both sides; the walk begins with whatever Exchange holds."""
        self.exchange, self.servers = exchange, servers
        self.calls = Calls(exchange)
        self.chance = random.Random(seed)
        self.ledger = Ledger(lambda: at_exchange(exchange, ANN, CALENDARS))
        self.devices = [
            Device((ANN, PASSWORD), lambda: self.servers.urls, random.Random(seed + number)) for number in (1, 2)
        ]
        self.names: dict[str, str] = {}
        self.log: list[str] = []
        self._count = 0
        self._is_alone = True
        self._failed = 0
        self._finds_conflicts = exchange.service.personality.name != "lenient"

    def run(self, steps: int) -> None:
        """Walk so many steps. Raises Wrong."""
        kinds = {
            self._client_step: 50,
            self._exchange_step: 20,
            self._trouble_step: 15,
            self._together_step: 8,
            self._kill_step: 3,
            self._expire_step: 2,
            self._mirror_step: 2,
        }
        for _ in range(steps):
            self.ledger.moment += 1
            if self.chance.random() < 0.1:
                self.exchange.faults.clear()
            if self._failed > PATIENCE:
                self._breathe()
            (kind,) = self.chance.choices(list(kinds), list(kinds.values()))
            kind()

    def say(self, what: str) -> None:
        """Note what happens, for the message of a failure."""
        self.log.append(f"{self.ledger.moment:4} {monotonic() % 1000:8.3f} {what}")

    def _breathe(self) -> None:
        """Take the troubles away and wait until both devices can read again: else most of the walk would be 503s."""
        self.say("no trouble for a while")
        self.exchange.faults.clear()
        self._failed = 0
        for number, device in enumerate(self.devices, 1):
            if not wait_for(partial(self.sync, device, number), BREATH):
                raise Wrong(f"without any trouble, device {number} cannot read for {BREATH} s")

    # --- steps ---------------------------------------------------------------------------------------

    def _client_step(self) -> None:
        self._close([self._device_acts(self.chance.choice(self.devices), self.chance)()])

    def _exchange_step(self) -> None:
        self._close([self._somebody_at_exchange(self.chance)()])

    def _trouble_step(self) -> None:
        told = set_trouble(self.exchange, self.chance, sorted(self.ledger.now))
        self.ledger.placeholders |= told.startswith(("unreadable", "batch", "item_error"))
        self.say(f"trouble: {told}")

    def _expire_step(self) -> None:
        self.say("all sync states expire")
        self.exchange.expire_sync_states()

    def _mirror_step(self) -> None:
        self.say("the mirror is deleted")
        self.servers.lose_mirror()
        self._client_step()

    def _together_step(self) -> None:
        """Let both devices and somebody at Exchange act at once."""
        acts = [self._device_acts(device, self.chance) for device in self.devices]
        acts.append(self._somebody_at_exchange(self.chance))
        self.say("together:")
        self._is_alone = False
        with ThreadPoolExecutor(len(acts)) as pool:
            running = [pool.submit(act) for act in acts]
        self._is_alone = True
        self._close([one.result() for one in running])

    def _kill_step(self) -> None:
        """Kill a worker, a command, or the mirror, while a device is served."""
        number = self.chance.choice(self.servers.numbers)
        ways: dict[str, Callable[[], None]] = {
            "a worker is killed": partial(self.servers.kill_worker, number, self.chance.choice),
            "a server is killed": partial(self.servers.kill, number),
            "the mirror is deleted meanwhile": self.servers.lose_mirror,
        }
        way = self.chance.choice(list(ways))
        self.say(way)
        act = self._device_acts(self.chance.choice(self.devices), self.chance)

        def kill() -> None:
            ways[way]()
            if number not in self.servers.numbers:
                self.servers.start(number)

        killer = threading.Timer(self.chance.random() * 0.1, kill)
        killer.start()
        deed = act()
        killer.join()
        sleep(SETTLE)
        self._close([deed])

    def _close(self, deeds: list[Deed | None]) -> None:
        self.calls.wait_until_none()
        self.ledger.close_step([deed for deed in deeds if deed is not None], CALENDARS)

    # --- a device ------------------------------------------------------------------------------------

    def _device_acts(self, device: Device, chance: random.Random) -> Callable[[], Deed | None]:
        """Choose what a device does; its copy may be old."""
        self._count += 1
        label, who = f"W{self._count}", self.devices.index(device) + 1
        choices: list[Callable[[], Deed | None]] = [partial(self._reads, device, who)] * 3
        if len(self.ledger.now) < MOST:
            choices += [partial(self._create, device, label, chance.random())] * 2
        found = [
            Chosen(calendar, name, held)
            for calendar, copy in device.copies.items()
            for name, held in copy.held.items()
            if held.event.uid in self.ledger.history
        ]
        if found:
            chosen = chance.choice(found)
            choices += [partial(self._change, device, chosen, label, chance.randrange(100))] * 5
            choices += [partial(self._delete, device, chosen), partial(self._move, device, chosen)]
        act, reads_then = chance.choice(choices), chance.random() < 0.6

        def acting() -> Deed | None:
            deed = act()
            if reads_then:
                self.sync(device, who)
            return deed

        return acting

    def _reads(self, device: Device, who: int) -> None:
        self.sync(device, who)

    def sync(self, device: Device, who: int) -> bool:
        """Let a device read all calendars; say whether it could."""
        could = True
        for calendar in CALENDARS:
            before = dict(device.copies[calendar].held) if calendar in device.copies else {}
            news = device.sync(calendar, self.ledger.moment)
            if news is None:
                self.say(f"device {who} cannot read {calendar}")
                could = False
                continue
            told = f"{sorted(news.there)}, gone {sorted(news.gone)}" if news.there or news.gone else "nothing new"
            self.say(f"device {who} reads {calendar}: {told}")
            self.ledger.check_view(calendar, before, device.copies[calendar], news)
            self.ledger.check_own_changes(calendar, device.copies[calendar])
        self._failed = 0 if could else self._failed + 1
        return could

    def _create(self, device: Device, label: str, kind: float) -> Deed:
        calendar, uid = ("calendar" if kind < 0.7 else "choir-more"), f"uid-{label}"
        name = f"{uid}.ics" if kind * 10 % 1 < 0.5 else f"named-{label}.ics"
        if kind * 100 % 1 < 0.6:
            body = event(uid, label, start=f"{self._day(kind):%Y%m%d}T090000Z")
        else:
            changed = override("20270308", f"{label} changed", "20270308T140000")
            body = series(uid, label, "EXDATE;TZID=Europe/Berlin:20270322T090000", overrides=[changed])
        self.names[uid] = name
        answer = self._put(device, calendar, name, body, If_None_Match="*")
        return self._deed(answer, None, read_event(calendar, body), "")

    @staticmethod
    def _day(number: float) -> date:
        """Give a day: of the months that are read first, or one far from them."""
        return date(2027, 3, 1) if number * 1000 % 2 < 1 else datetime.now(UTC).date() + timedelta(days=3)

    def _change(self, device: Device, chosen: Chosen, label: str, kind: int) -> Deed | None:
        text, known = chosen.held.text, chosen.held.event
        if known.is_series and known.days and kind < 60:
            day = known.days[kind % len(known.days)]
            body = cancel(text, day) if kind % 2 else overridden(text, day, label)
        elif known.is_series or kind < 50:
            body = rename(text, label)
        else:
            body = shift(text, kind % 5 + 1, label)
        answer = self._put(device, chosen.calendar, chosen.name, body, If_Match=chosen.held.etag)
        return self._on_chosen(device, chosen, answer, read_event(chosen.calendar, body))

    def _delete(self, device: Device, chosen: Chosen) -> Deed | None:
        path, uid = device.path(chosen.calendar, chosen.name), chosen.held.event.uid
        was_gone = self.ledger.was_absent(chosen.held.event, chosen.held.since)
        self.ledger.expect(uid)
        self.ledger.leaves(chosen.calendar, uid)
        answer = device.ask("DELETE", path, If_Match=chosen.held.etag)
        self.say(f"DELETE {path}: {_told(answer)}")
        if answer.is_good and was_gone:
            # What the device has seen is gone in any case; another item of that UID is not its to delete
            device.copies[chosen.calendar].held.pop(chosen.name, None)
            return Deed(uid, frozenset({self.ledger.now.get(uid), None}))
        return self._on_chosen(device, chosen, answer, None)

    def _move(self, device: Device, chosen: Chosen) -> Deed | None:
        other = next(one for one in CALENDARS if one != chosen.calendar)
        path, target = device.path(chosen.calendar, chosen.name), device.path(other, chosen.name)
        wanted = moved_to(chosen.held.event, other)
        self.ledger.expect(wanted.uid, wanted)
        self.ledger.leaves(chosen.calendar, wanted.uid)
        answer = device.ask("MOVE", path, Destination=target, Overwrite="F", If_Match=chosen.held.etag)
        self.say(f"MOVE {path} to {other}: {_told(answer)}")
        is_there = self.ledger.now.get(chosen.held.event.uid)
        if answer.status in {409, 412} and is_there is not None and is_there.calendar == other:
            return None
        return self._on_chosen(device, chosen, answer, wanted)

    def _put(self, device: Device, calendar: str, name: str, body: bytes, **conditions: str) -> Answer:
        path, wanted = device.path(calendar, name), read_event(calendar, body)
        self.ledger.expect(wanted.uid, wanted)
        headers = {"Content_Type": "text/calendar; charset=utf-8", **conditions}
        answer = device.ask("PUT", path, body, **headers)
        self.say(f"PUT {path} ({wanted}): {_told(answer)}")
        return answer

    def _on_chosen(self, device: Device, chosen: Chosen, answer: Answer, wanted: State) -> Deed | None:
        """Judge the answer to a write on what a device has held; what is not a 2xx must have a reason."""
        uid, calendar = chosen.held.event.uid, chosen.calendar
        if answer.status == 404 and (wanted is None or wanted.calendar != calendar):
            if not self.ledger.was_absent(chosen.held.event, chosen.held.since):
                raise Wrong(f"404 for {calendar}/{chosen.name}, which never was gone")
        elif answer.status in {409, 412}:
            self._see_why(device, chosen)
        else:
            if answer.is_good and wanted is None:
                device.copies[calendar].held.pop(chosen.name, None)
            return self._deed(answer, self.ledger.now.get(uid), wanted, chosen.held.etag, uid)
        return Deed(uid, frozenset({self.ledger.now.get(uid), wanted})) if answer.is_retried else None

    def _see_why(self, device: Device, chosen: Chosen) -> None:
        """Read what a conflict is about: it must not have the ETag that was sent."""
        found = device.fetch(chosen.calendar, [chosen.name])
        if found and found.get(chosen.name, ("", b""))[0] == chosen.held.etag:
            raise Wrong(f"a conflict told of {chosen.calendar}/{chosen.name}, whose ETag is the one that was sent")

    def _deed(self, answer: Answer, before: State, wanted: State, base: str, uid: str = "") -> Deed:
        uid = uid or (wanted.uid if wanted else "")
        where = {one.calendar for one in (before, wanted) if one is not None}
        if answer.is_good:
            deed = Deed(uid, frozenset({wanted}), where=tuple(where), base=base)
            if self._is_alone:
                self.ledger.note_ours(deed)
            return deed
        if answer.is_trouble:
            return Deed(uid, frozenset({before, wanted}), base=base)
        raise Wrong(f"{answer.status} for {uid}: {answer.body.decode()[:300]}")

    # --- somebody at Exchange --------------------------------------------------------------------------

    def _somebody_at_exchange(self, chance: random.Random) -> Callable[[], Deed | None]:
        """Choose what is done at Exchange."""
        self._count += 1
        label = f"X{self._count}"
        present = list(self.ledger.now.values())
        if not present or (len(present) < MOST and chance.random() < 0.25):
            return partial(self._add, chance.choice(list(CALENDARS)), label, is_series=chance.random() < 0.4)
        event = chance.choice(present)
        ways: list[Callable[[], Deed | None]] = [
            partial(self._rename, event, label),
            partial(self._rename, event, label),
            partial(self._remove, event),
            partial(self._move_there, event),
            partial(self._replace, event, label),
        ]
        if event.is_series and event.days:
            ways += [partial(self._touch_occurrence, event, chance.choice(event.days), label)] * 3
        return chance.choice(ways)

    def _add(self, calendar: str, label: str, *, is_series: bool) -> Deed:
        start = datetime(2027, 3, 1, 9, tzinfo=BERLIN)
        if not is_series:
            start = datetime.combine(self._day(len(self.log) / 1000), time(9), BERLIN)
        more = {"recurrence": {"every": "week", "count": 10}} if is_series else {}
        end = start + timedelta(hours=1)
        with self.exchange.store.lock:
            self.exchange.add_event(
                ANN, CALENDARS[calendar], subject=label, uid=f"uid-{label}", start=start, end=end, **more
            )
            after = self._now(f"uid-{label}")
            self.ledger.expect(f"uid-{label}", after)
        self.say(f"at Exchange {label} is added to {calendar}")
        return Deed(f"uid-{label}", frozenset({after}), is_ours=False)

    def _rename(self, event: Event, label: str) -> Deed | None:
        def change(item: Item) -> None:
            self.exchange.change_event(item, Subject=label)

        return self._at_exchange(event, f"is called {label}", change, overrules=label)

    def _remove(self, event: Event) -> Deed | None:
        self.ledger.leaves(event.calendar, event.uid)
        return self._at_exchange(event, "is removed", self.exchange.remove_event)

    def _move_there(self, event: Event) -> Deed | None:
        other = next(one for one in CALENDARS if one != event.calendar)

        def change(item: Item) -> None:
            self.exchange.store.move_item(item, self.exchange.folder(ANN, CALENDARS[other]), "Ann Example")

        self.ledger.leaves(event.calendar, event.uid)
        return self._at_exchange(event, f"is moved to {other}", change)

    def _replace(self, event: Event, label: str) -> Deed | None:
        """Delete an event and make another one of its UID, as imports do."""

        def change(item: Item) -> None:
            self.exchange.remove_event(item)
            values = {**item.values, "Subject": label}
            folder = self.exchange.folder(ANN, CALENDARS[event.calendar])
            self.exchange.store.add_item(folder, values)

        self.names.pop(event.uid, None)
        self.ledger.leaves(event.calendar, event.uid)
        return self._at_exchange(event, f"is deleted and made anew as {label}", change)

    def _touch_occurrence(self, event: Event, day: object, label: str) -> Deed | None:
        def change(item: Item) -> None:
            index = next(number for number in range(1, 11) if self._occurrence_day(item, number) == day)
            occurrence = self.exchange.occurrence(item, index)
            if label.endswith(("1", "3", "5")):
                self.exchange.remove_event(occurrence)
            else:
                self.exchange.change_event(occurrence, Subject=label)
            if not self.exchange.service.personality.rules.occurrence_touches_series:
                # Such a server tells nobody of changed occurrences until the series itself is changed
                self.exchange.change_event(item, Location=label)

        return self._at_exchange(event, f"of {day} becomes {label}", change)

    def _occurrence_day(self, master: Item, number: int) -> object:
        return (master.start.astimezone(BERLIN) + timedelta(weeks=number - 1)).date()

    def _at_exchange(
        self, event: Event, what: str, change: Callable[[Item], object], overrules: str = ""
    ) -> Deed | None:
        """Change an item where it is; somebody else may have been quicker."""
        with self.exchange.store.lock:
            items = self.exchange.events(ANN, CALENDARS[event.calendar])
            item = next((one for one in items if one.uid == event.uid), None)
            if item is None:
                return None
            self.ledger.expect(event.uid)
            try:
                change(item)
            except (KeyError, StopIteration):
                return None
            after = self._now(event.uid)
            self.ledger.expect(event.uid, after)
        self.say(f"at Exchange {event.uid} ({event}) {what}")
        return Deed(event.uid, frozenset({after}), is_ours=False, overrules=overrules if self._finds_conflicts else "")

    def _now(self, uid: str) -> State:
        found = at_exchange(self.exchange, ANN, CALENDARS).get(uid, [])
        return found[0] if found else None


def _told(answer: Answer) -> str:
    return f"{answer.status or 'no answer'}{' (after a retry)' if answer.is_retried else ''}"
