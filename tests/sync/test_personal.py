"""On another's calendar, alarms, dismissals and snoozes are each viewer's own; on one's own they stand in the event."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.errors import (
    ExchangeTimedOut,
    NotExpressible,
    NotPermitted,
    PreconditionFailed,
    Unavailable,
)
from bridge.item import Item, Uid
from bridge.mapping.personal import LIMIT
from bridge.model import Address, CalendarName, CalendarRef, ETag, Name, OrganisationId, Rights, ServedCalendar
from bridge.resource import Changes, Conditions, Stored
from bridge.state.personal_lines import GONE
from bridge.state.shares import AddedShare

from events import event, instances, override, series
from world import ANN, BEN, World

CLEO = "cleo@example.test"
READER = Rights(read=True, create=False, modify=False, delete=False)
WRITER = Rights(read=True, create=True, modify=True, delete=True)
OWNERS_ACK, ACK = "X-MOZ-LASTACK:20270301T084500Z", "X-MOZ-LASTACK:20270301T085500Z"
SNOOZED = "X-MOZ-SNOOZE-TIME-1804492800000000:20270308T081000Z"
ONE = "one.ics"
WRITES = {"create", "update", "delete", "update_occurrences", "delete_occurrences", "move"}


def alarm(minutes: int) -> str:
    return f"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT{minutes}M\r\nEND:VALARM"


OWNERS = event("u1", "Planning", "X-OTHER:1", OWNERS_ACK, alarm(15))


class Device:
    """A viewer of Ann's calendar and what his app does, as Thunderbird does it."""

    def __init__(self, world: World, address: str) -> None:
        self.world = world
        self.address = address

    @property
    def calendar(self) -> ServedCalendar:
        return self.world.calendar(CalendarName(f"{ANN}~calendar"), self.address)

    def etag(self, name: str = ONE) -> ETag:
        snapshot = self.world.store.snapshot(self.world.login(self.address), self.calendar)
        return snapshot.resources[Name(name)].etag

    def text(self, name: str = ONE) -> str:
        self.etag(name)
        return self.world.store.texts(self.calendar, [Name(name)])[Name(name)].decode()

    def changes(self, token: str | None = None) -> Changes:
        return self.world.store.changes(self.world.login(self.address), self.calendar, token)

    def put(self, text: str | bytes, *, match: ETag | None = None, name: str = ONE) -> Stored:
        body = text if isinstance(text, bytes) else text.encode()
        conditions = Conditions(frozenset({match}) if match else None)
        return self.world.store.put(self.world.login(self.address), self.calendar, Name(name), body, conditions)

    def dismiss(self, *lines: str, at: str = "20270301T085500Z", match: ETag | None = None) -> Stored:
        """Save the event as it is served with these lines in the whole of it, stamped anew."""
        text = self.text()
        end = text.index("BEGIN:VALARM") if "BEGIN:VALARM" in text else text.index("END:VEVENT")
        said = text[:end] + "".join(f"{line}\r\n" for line in lines) + f"LAST-MODIFIED:{at}\r\n" + text[end:]
        return self.put(said, match=match or self.etag())


@pytest.fixture
def shared(world: World) -> World:
    """Let Ben read Ann's calendar and Cleo write there."""
    world.exchange.add_person(CLEO, "secret")
    world.exchange.calendar_of(ANN).readers |= {Address(BEN): READER, Address(CLEO): WRITER}
    world.state.shares.add(OrganisationId("test"), AddedShare(Address(CLEO), Address(ANN), "calendar"))
    return world


@pytest.fixture
def ben(shared: World) -> Device:
    return Device(shared, BEN)


@pytest.fixture
def cleo(shared: World) -> Device:
    return Device(shared, CLEO)


@pytest.fixture
def quiet(shared: World) -> Iterator[Callable[[], Item]]:
    """Give the one item of Ann's calendar; that it is not written to once it was asked for is seen at the end."""
    asked: list[Item] = []

    def item() -> Item:
        (found,) = shared.items()
        asked.append(found)
        return found

    yield item
    assert {one.ref for one in asked} == {found.ref for found in shared.items()}


def test_a_viewer_is_not_shown_what_is_personal_to_the_owner(shared: World, ben: Device) -> None:
    shared.put(ONE, OWNERS, new=True)
    assert ("TRIGGER:-PT15M" in shared.text(ONE), OWNERS_ACK in shared.text(ONE)) == (True, True)
    assert ("VALARM" in ben.text(), "LASTACK" in ben.text(), "X-OTHER:1" in ben.text()) == (False, False, True)


def test_each_viewer_has_his_own_and_the_owner_hers(
    shared: World, ben: Device, cleo: Device, quiet: Callable[[], Item]
) -> None:
    shared.put(ONE, OWNERS, new=True)
    before, item = shared.text(ONE), quiet()
    for device, minutes in ((ben, 5), (cleo, 60)):
        device.dismiss(alarm(minutes))
    ben.dismiss(ACK, SNOOZED)
    for again in (shared.etags, shared.later, shared.restart, shared.lose_mirror):
        again()
        assert shared.text(ONE) == before
        assert [line in ben.text() for line in (alarm(5), ACK, SNOOZED, alarm(60), alarm(15))] == [
            *(True, True, True),
            *(False, False),
        ]
        assert [line in cleo.text() for line in (alarm(60), ACK, alarm(5), alarm(15))] == [True, False, False, False]
    assert item.content.reminder_minutes == 15


def test_a_dismissal_is_one_look_and_no_write_for_readers_and_writers(shared: World, ben: Device, cleo: Device) -> None:
    shared.put(ONE, OWNERS, new=True)
    for device in (ben, cleo):
        etag = device.etag()
        shared.exchange.calls.clear()
        stored = device.dismiss(ACK, match=etag)
        assert (stored.created, device.etag() == etag) == (False, False)
        assert {call: n for call, n in shared.exchange.calls.items() if call != "calendars"} == {"get": 1}


def test_saved_as_it_was_served_nothing_changes_and_the_etag_is_told(shared: World, ben: Device) -> None:
    shared.put(ONE, OWNERS, new=True)
    ben.dismiss(ACK, alarm(5))
    token, etag = ben.changes().token, ben.etag()
    assert ben.put(ben.text(), match=etag) == Stored(created=False, etag=etag)
    assert ben.changes(token).changed == ()


def test_other_devices_are_told_of_it_at_once_and_other_viewers_are_not(
    shared: World, ben: Device, cleo: Device
) -> None:
    shared.put(ONE, OWNERS, new=True)
    tokens = {device: device.changes().token for device in (ben, cleo)}
    ben.dismiss(ACK)
    assert [one.name for one in ben.changes(tokens[ben]).changed] == [ONE]
    shared.later()
    assert cleo.changes(tokens[cleo]).changed == ()


def test_of_two_devices_the_later_one_has_to_read_first(shared: World, ben: Device) -> None:
    shared.put(ONE, OWNERS, new=True)
    old = ben.etag()
    ben.dismiss(ACK, match=old)
    with pytest.raises(PreconditionFailed):
        ben.put(ben.text().replace(ACK, SNOOZED), match=old)
    assert ACK in ben.text()


def test_a_reader_changes_nothing_else(shared: World, ben: Device, quiet: Callable[[], Item]) -> None:
    shared.put(ONE, OWNERS, new=True)
    quiet()
    text, etag = ben.text(), ben.etag()
    for said in (
        text.replace("Planning", "Mine"),
        text.replace("END:VEVENT", f"{alarm(5)}\r\nEND:VEVENT").replace("Planning", "Mine"),
        text.replace("X-OTHER:1", "X-OTHER:2"),
    ):
        with pytest.raises(NotPermitted):
            ben.put(said, match=etag)
    with pytest.raises(NotPermitted):
        ben.put(event("new"), name="new.ics")
    assert (ben.text(), ben.etag()) == (text, etag)


def test_what_a_writer_changes_is_written_and_what_is_personal_is_not(shared: World, cleo: Device) -> None:
    shared.put(ONE, OWNERS, new=True)
    said = cleo.text().replace("Planning", "Changed").replace("END:VEVENT", f"{ACK}\r\n{alarm(5)}\r\nEND:VEVENT")
    shared.exchange.calls.clear()
    cleo.put(said, match=cleo.etag())
    assert {call: n for call, n in shared.exchange.calls.items() if call in WRITES} == {"update": 1}
    (item,) = shared.items()
    assert (item.content.subject, item.content.reminder_minutes) == ("Changed", 15)
    assert (ACK in (item.content.kept or ""), "PT5M" in (item.content.kept or "")) == (False, False)
    assert (ACK in cleo.text(), alarm(5) in cleo.text(), OWNERS_ACK in cleo.text()) == (True, True, False)
    shared.later()
    assert (OWNERS_ACK in shared.text(ONE), alarm(15) in shared.text(ONE)) == (True, True)


def test_what_a_writer_makes_has_no_reminder_at_the_owner(shared: World, cleo: Device) -> None:
    cleo.put(event("u2", "By Cleo", ACK, alarm(5)), name="by.ics")
    (item,) = shared.items()
    assert item.content.reminder_minutes is None
    assert alarm(5) in cleo.text("by.ics")
    assert ("VALARM" in shared.text("by.ics"), "LASTACK" in shared.text("by.ics")) == (False, False)


def test_what_the_owner_changes_takes_nothing_personal_away(shared: World, ben: Device) -> None:
    shared.put(ONE, OWNERS, new=True)
    ben.dismiss(ACK, alarm(5))
    (item,) = shared.items()
    shared.outlook_changes(item, lambda content: replace(content, subject="Outlook's", reminder_minutes=30))
    shared.later()
    text = ben.text()
    assert [part in text for part in ("Outlook's", ACK, alarm(5), "PT30M")] == [True, True, True, False]


def test_an_occurrence_alone_is_dismissed_and_stays_where_it_is(
    shared: World, ben: Device, quiet: Callable[[], Item]
) -> None:
    moved = override("20270315", "Moved", "20270315T140000")
    shared.put(ONE, series("u1", "Weekly", alarm(15), overrides=[moved]), new=True)
    quiet()
    second = "\r\n".join(override("20270308", "Weekly", "20270308T090000"))
    one_more = f"BEGIN:VEVENT\r\nUID:u1\r\nDTSTAMP:20280101T000000Z\r\n{second}\r\n{ACK}\r\nEND:VEVENT\r\nEND:VCALENDAR"
    ben.put(ben.text().replace("END:VCALENDAR", one_more), match=ben.etag())
    for again in (shared.etags, shared.later, shared.lose_mirror):
        again()
        assert ben.text().count("BEGIN:VEVENT") == 3
        assert ACK in ben.text()
    assert shared.text(ONE).count("BEGIN:VEVENT") == 2
    ben.put(ben.text().replace(f"{ACK}\r\n", ""), match=ben.etag())
    assert ben.text().count("BEGIN:VEVENT") == 2


def test_instances_without_their_series_are_dismissed_one_by_one(shared: World, ben: Device) -> None:
    dates = [override(day, "One", f"{day}T090000") for day in ("20270301", "20270308")]
    shared.put(ONE, instances("u1", *dates), new=True)
    before = [item.ref for item in shared.items()]
    ben.put(ben.text().replace("END:VEVENT", f"{ACK}\r\nEND:VEVENT", 1), match=ben.etag())
    shared.lose_mirror()
    assert ben.text().count(ACK) == 1
    assert [item.ref for item in shared.items()] == before


def test_an_item_that_exchange_makes_anew_keeps_it_and_one_that_is_gone_for_good_does_not(
    shared: World, ben: Device
) -> None:
    shared.put(ONE, OWNERS, new=True)
    ben.dismiss(ACK)
    (item,) = shared.items()

    def comes_back_after(seconds: float) -> None:
        shared.outlook_deletes(shared.items()[0])
        shared.later()
        assert ben.changes().changed == ()
        shared.clock.move(seconds)
        assert ben.changes().changed == ()
        shared.exchange.put_item(shared.exchange.calendar_of(ANN), item.content)
        shared.later()

    comes_back_after(60)
    assert ACK in ben.text()
    comes_back_after(GONE / timedelta(seconds=1) + 60)
    assert ACK not in ben.text()


def test_too_many_alarms_are_refused_before_anything_is_written(shared: World, cleo: Device) -> None:
    with pytest.raises(NotExpressible):
        cleo.put(event("u2", "By Cleo", "X-MOZ-LASTACK:" + "x" * LIMIT), name="by.ics")
    assert shared.items() == []


@pytest.mark.parametrize("done", [True, False])
def test_a_write_whose_answer_was_lost_is_completed_with_what_is_personal(
    shared: World, cleo: Device, done: bool
) -> None:
    shared.put(ONE, OWNERS, new=True)
    etag = cleo.etag()
    said = cleo.text().replace("Planning", "Changed").replace("END:VEVENT", f"{ACK}\r\nEND:VEVENT")
    shared.exchange.fail("update", ExchangeTimedOut("late"), done_first=done)
    with pytest.raises(Unavailable):
        cleo.put(said, match=etag)
    shared.restart()
    assert not cleo.put(said, match=etag).created
    assert (ACK in cleo.text(), "Changed" in cleo.text()) == (True, True)


def test_a_retry_does_not_take_back_what_another_device_has_dismissed_since(shared: World, cleo: Device) -> None:
    shared.put(ONE, OWNERS, new=True)
    etag, said = cleo.etag(), cleo.text().replace("END:VEVENT", f"{ACK}\r\nEND:VEVENT")
    break_off(shared, cleo, said, etag)
    shared.later()
    cleo.put(cleo.text().replace(ACK, SNOOZED), match=cleo.etag())
    with pytest.raises(PreconditionFailed):
        cleo.put(said, match=etag)
    assert SNOOZED in cleo.text()


def break_off(world: World, device: Device, said: str, match: ETag) -> None:
    """PUT, and die when what is personal has been stored, before the mirror is let know."""

    def died(*_asked: object, **_more: object) -> None:
        raise ConnectionError

    def put(ref: CalendarRef, uid: Uid, text: str | None) -> None:
        store(ref, uid, text)
        patch.setattr(world.mirror, "put", died)

    store = world.state.personal.put
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.state.personal, "put", put)
        with pytest.raises(ConnectionError):
            device.put(said, match=match)


def test_a_dismissal_that_broke_off_is_answered_as_done_after_the_retry(shared: World, ben: Device) -> None:
    shared.put(ONE, OWNERS, new=True)
    etag, said = ben.etag(), ben.text().replace("END:VEVENT", f"{ACK}\r\nEND:VEVENT")
    break_off(shared, ben, said, etag)
    shared.restart()
    assert not ben.put(said, match=etag).created
    assert ACK in ben.text()


@pytest.mark.parametrize("settler", [ANN, CLEO])
def test_whoever_clears_up_a_dismissal_that_broke_off_the_viewer_is_shown_it(
    shared: World, ben: Device, cleo: Device, settler: str
) -> None:
    shared.put(ONE, OWNERS, new=True)
    break_off(shared, ben, ben.text().replace("END:VEVENT", f"{ACK}\r\nEND:VEVENT"), ben.etag())
    shared.later()
    assert ACK not in (shared.text(ONE) if settler == ANN else cleo.text())
    shared.later()
    assert ACK in ben.text()


# --- one's own calendar ------------------------------------------------------------------------------


def save(world: World, *lines: str) -> None:
    """Save Ann's event as it is served with these lines in the whole of it, stamped anew."""
    text = world.text(ONE)
    end = text.index("BEGIN:VALARM")
    said = text[:end] + "".join(f"{line}\r\n" for line in lines) + "LAST-MODIFIED:20270301T085500Z\r\n" + text[end:]
    world.put(ONE, said.encode(), match=ETag(world.etags()[ONE]))


@pytest.mark.parametrize(
    "body",
    [
        event("u1", "Planning", "X-OTHER:1", alarm(15)),
        series("u1", "Weekly", alarm(15), overrides=[override("20270315", "Moved", "20270315T140000")]),
    ],
    ids=["single", "series"],
)
def test_ones_own_dismissals_and_snoozes_stay_with_the_event_and_cost_one_write(world: World, body: bytes) -> None:
    world.put(ONE, body, new=True)
    (before,) = world.items()
    for line in (ACK, SNOOZED, "X-MOZ-GENERATION:2"):
        world.exchange.calls.clear()
        save(world, line)
        assert world.exchange.calls == {"update": 1, "get": world.exchange.calls["get"]}
    (after,) = world.items()
    assert after.content == replace(before.content, kept=after.content.kept)
    assert (after.exceptions, after.deleted) == (before.exceptions, before.deleted)
    for again in (world.later, world.lose_mirror):
        again()
        assert [line in world.text(ONE) for line in (ACK, SNOOZED, "X-MOZ-GENERATION:2")] == [True, True, True]


def test_one_occurrence_of_ones_own_is_dismissed_by_one_write_and_stays_where_it_is(world: World) -> None:
    world.put(ONE, series("u1", "Weekly", alarm(15)), new=True)
    (before,) = world.items()
    second = "\r\n".join(override("20270308", "Weekly", "20270308T090000"))
    own = f"BEGIN:VEVENT\r\nUID:u1\r\nDTSTAMP:20280101T000000Z\r\n{second}\r\n{ACK}\r\n{alarm(15)}\r\nEND:VEVENT"
    said = world.text(ONE).replace("END:VCALENDAR", f"{own}\r\nEND:VCALENDAR")
    world.exchange.calls.clear()
    world.put(ONE, said.encode(), match=ETag(world.etags()[ONE]))
    assert world.exchange.calls == {"update": 1, "get": 1}
    (after,) = world.items()
    assert after.content == replace(before.content, kept=after.content.kept)
    assert after.exceptions == ()
    world.lose_mirror()
    assert world.text(ONE).count(ACK) == 1
