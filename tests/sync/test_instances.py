"""Occurrences that come without their series: one resource, and an item at Exchange for each of them."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from bridge.errors import ExchangeTimedOut, NotExpressible, PreconditionFailed, RequestRefused, Unavailable
from bridge.item import Uid
from bridge.model import ETag
from bridge.recurrence import Day, Recurrence, Weekly

from events import event, instances, override, series
from world import ANN, World

NAME = "dates.ics"
FIRST = override("20270301", "First", "20270301T090000")
SECOND = override("20270308", "Second", "20270308T140000")
THIRD = override("20270315", "Third", "20270315T090000")
READING = {"feed", "get", "find"}


def renamed(lines: tuple[str, ...], summary: str) -> tuple[str, ...]:
    return (*lines[:-1], f"SUMMARY:{summary}")


def subjects(world: World) -> list[str]:
    """Give what Exchange holds."""
    return sorted(item.content.subject for item in world.items())


def served(world: World, name: str = NAME) -> list[str]:
    """Give what a client is served under that name."""
    calendar = Calendar.from_ical(world.text(name))
    assert all("RECURRENCE-ID" in one for one in calendar.walk("VEVENT"))
    return sorted(str(one["SUMMARY"]) for one in calendar.walk("VEVENT"))


def test_each_is_an_item_and_all_are_one_resource(world: World) -> None:
    assert world.put(NAME, instances("d1", FIRST, SECOND, THIRD), new=True).created
    assert subjects(world) == ["First", "Second", "Third"]
    assert list(world.etags()) == [NAME]
    assert served(world) == ["First", "Second", "Third"]


def test_a_new_mirror_puts_them_together_again(world: World) -> None:
    world.put(NAME, instances("d1", FIRST, SECOND, THIRD), new=True)
    before = world.etags()
    world.lose_mirror()
    assert world.etags() == before
    assert served(world) == ["First", "Second", "Third"]


def test_only_what_has_changed_is_written(world: World) -> None:
    world.put(NAME, instances("d1", FIRST, SECOND), new=True)
    world.exchange.calls.clear()
    world.put(NAME, instances("d1", FIRST, renamed(SECOND, "Later"), THIRD), match=ETag(world.etags()[NAME]))
    assert (world.exchange.calls["update"], world.exchange.calls["create"]) == (1, 1)
    assert subjects(world) == served(world) == ["First", "Later", "Third"]
    world.exchange.calls.clear()
    world.put(NAME, world.text(NAME).encode())
    assert set(world.exchange.calls) <= READING


def test_one_that_is_left_out_is_deleted(world: World) -> None:
    world.put(NAME, instances("d1", FIRST, SECOND), new=True)
    world.put(NAME, instances("d1", SECOND))
    assert subjects(world) == served(world) == ["Second"]


def test_deleting_the_resource_deletes_them_all(world: World) -> None:
    world.put(NAME, instances("d1", FIRST, SECOND), new=True)
    world.delete(NAME)
    assert (subjects(world), world.etags()) == ([], {})


def test_what_outlook_does_to_one_of_them_is_seen(world: World) -> None:
    world.put(NAME, instances("d1", FIRST, SECOND, THIRD), new=True)
    etag = world.etags()[NAME]
    first, second, third = sorted(world.items(), key=lambda item: item.content.subject)
    world.outlook_deletes(second)
    world.later()
    assert served(world) == ["First", "Third"]
    assert world.etags()[NAME] != etag
    world.outlook_deletes(first)
    world.outlook_deletes(third)
    world.later()
    assert world.etags() == {}


def test_a_second_item_for_the_same_time_is_served_beside_them(world: World) -> None:
    world.put(NAME, instances("d1", FIRST, SECOND), new=True)
    first = next(item for item in world.items() if item.content.subject == "First")
    world.exchange.put_item(world.exchange.calendar_of(ANN), first.content)
    world.later()
    etags = world.etags()
    assert len(etags) == 2
    assert served(world) == ["First", "Second"]
    (other,) = set(etags) - {NAME}
    assert served(world, other) == ["First"]


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_to_any_of_them_is_made_good_by_the_retry(world: World, after: int, done: bool) -> None:
    body = instances("d1", FIRST, SECOND, THIRD)
    world.exchange.fail("create", ExchangeTimedOut("late"), done_first=done, after=after)
    with pytest.raises(Unavailable):
        world.put(NAME, body, new=True)
    assert world.put(NAME, body, new=True).created
    assert subjects(world) == served(world) == ["First", "Second", "Third"]


def test_a_lost_answer_to_a_deletion_is_made_good_by_the_retry(world: World) -> None:
    world.put(NAME, instances("d1", FIRST, SECOND), new=True)
    etag = ETag(world.etags()[NAME])
    world.exchange.fail("delete", ExchangeTimedOut("late"), done_first=True)
    with pytest.raises(Unavailable):
        world.delete(NAME, match=etag)
    world.delete(NAME, match=etag)
    assert (subjects(world), world.etags()) == ([], {})


def test_what_was_made_before_a_refusal_is_served(world: World) -> None:
    world.etags()
    world.exchange.fail("create", RequestRefused("no", "ErrorQuotaExceeded"), after=1)
    with pytest.raises(NotExpressible, match="ErrorQuotaExceeded"):
        world.put(NAME, instances("d1", FIRST, SECOND), new=True)
    assert subjects(world) == served(world) == ["First"]


def test_a_stale_etag_is_refused_before_anything_is_sent(world: World) -> None:
    world.put(NAME, instances("d1", FIRST), new=True)
    with pytest.raises(PreconditionFailed):
        world.put(NAME, instances("d1", FIRST, SECOND), match=ETag('"old"'))
    assert subjects(world) == ["First"]


def test_a_series_and_its_occurrences_alone_do_not_replace_each_other(world: World) -> None:
    world.put("s.ics", series("s1"), new=True)
    with pytest.raises(NotExpressible, match="RECURRENCE-ID"):
        world.put("s.ics", instances("s1", SECOND))
    world.put(NAME, instances("d1", SECOND), new=True)
    for body in (series("d1"), event("d1")):
        with pytest.raises(NotExpressible, match="RRULE"):
            world.put(NAME, body)
    assert subjects(world) == ["Second", "Weekly"]


@given(st.lists(st.dictionaries(st.sampled_from([1, 8, 15, 22, 29]), st.sampled_from("ABC"), min_size=1), min_size=1))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_after_any_sequence_of_writes_both_sides_hold_the_last(world: World, wanted: list[dict[int, str]]) -> None:
    for each in wanted:
        lines = [override(f"202703{day:02}", text, f"202703{day:02}T090000") for day, text in each.items()]
        world.put(NAME, instances("d1", *lines))
        assert subjects(world) == served(world) == sorted(each.values())
    world.later()
    assert served(world) == sorted(wanted[-1].values())
    world.delete(NAME)
    assert subjects(world) == []


@pytest.mark.parametrize("body", [(FIRST,), (renamed(FIRST, "Mine"), SECOND), (FIRST, SECOND, THIRD)])
def test_where_outlook_changed_one_of_them_none_is_written(world: World, body: tuple[tuple[str, ...], ...]) -> None:
    world.put(NAME, instances("d1", FIRST, SECOND), new=True)
    etag = ETag(world.etags()[NAME])
    second = next(item for item in world.items() if item.content.subject == "Second")
    world.outlook_changes(second, lambda content: replace(content, subject="Theirs"))
    with pytest.raises(PreconditionFailed):
        world.put(NAME, instances("d1", *body), match=etag)
    assert subjects(world) == served(world) == ["First", "Theirs"]
    world.put(NAME, instances("d1", *body))
    assert subjects(world) == sorted(line.removeprefix("SUMMARY:") for lines in body for line in lines[-1:])


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_what_was_changed_or_deleted_before_a_refusal_is_seen_at_once(world: World, verb: str) -> None:
    world.put(NAME, instances("d1", FIRST, SECOND, THIRD), new=True)
    body = [FIRST] if verb == "delete" else [renamed(lines, "Mine") for lines in (FIRST, SECOND, THIRD)]
    world.exchange.fail(verb, RequestRefused("no", "ErrorQuotaExceeded"), after=1)
    with pytest.raises(NotExpressible, match="ErrorQuotaExceeded"):
        world.put(NAME, instances("d1", *body))
    assert subjects(world) == served(world)
    assert subjects(world) != ["First", "Second", "Third"]


def test_one_that_exchange_filed_meanwhile_is_not_made_again(world: World) -> None:
    world.put(NAME, instances("d1", FIRST), new=True)
    etag = ETag(world.etags()[NAME])
    world.put("other.ics", instances("d2", SECOND), new=True)
    second = next(item for item in world.items() if item.content.subject == "Second")
    world.outlook_deletes(second)
    world.exchange.put_item(world.exchange.calendar_of(ANN), replace(second.content, uid=Uid("d1"), name_stamp=None))
    with pytest.raises(PreconditionFailed):
        world.put(NAME, instances("d1", FIRST, SECOND), match=etag)
    world.put(NAME, instances("d1", FIRST, renamed(SECOND, "Mine")))
    assert subjects(world) == served(world) == ["First", "Mine"]


DAYS = st.dictionaries(st.sampled_from([1, 8, 15, 22]), st.sampled_from("ABC"), min_size=1)
FAST = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def dates(texts: dict[int, str]) -> bytes:
    return instances(
        "d1", *(override(f"202703{day:02}", text, f"202703{day:02}T090000") for day, text in texts.items())
    )


@given(DAYS, DAYS, st.sampled_from(["create", "update", "delete"]), st.integers(0, 2), st.booleans())
@FAST
def test_whatever_breaks_off_is_made_good_by_the_retry(
    world: World, before: dict[int, str], after: dict[int, str], verb: str, past: int, done: bool
) -> None:
    world.put(NAME, dates(before))
    etag = ETag(world.etags()[NAME])
    world.exchange.fail(verb, ExchangeTimedOut("late"), done_first=done, after=past)
    try:
        world.put(NAME, dates(after), match=etag)
    except Unavailable:
        world.later()
        world.put(NAME, dates(after), match=etag)
    world.exchange.mend()
    assert subjects(world) == served(world) == sorted(after.values())
    world.delete(NAME)


@given(DAYS, DAYS, st.sampled_from(["create", "update", "delete"]), st.booleans(), st.data())
@FAST
def test_what_outlook_does_before_the_retry_is_not_written_over(
    world: World, before: dict[int, str], after: dict[int, str], verb: str, done: bool, data: st.DataObject
) -> None:
    world.put(NAME, dates(before))
    etag = ETag(world.etags()[NAME])
    world.exchange.fail(verb, ExchangeTimedOut("late"), done_first=done)
    try:
        world.put(NAME, dates(after), match=etag)
    except Unavailable:
        item = data.draw(st.sampled_from(sorted(world.items(), key=lambda one: one.ref.id)))
        world.outlook_changes(item, lambda content: replace(content, subject="Theirs"))
        with pytest.raises(PreconditionFailed):
            world.put(NAME, dates(after), match=etag)
        assert "Theirs" in subjects(world)
        assert subjects(world) == served(world)
    world.exchange.mend()
    world.delete(NAME)


@pytest.mark.parametrize("done", [True, False])
def test_the_retry_of_a_deletion_spares_what_outlook_changed_meanwhile(world: World, done: bool) -> None:
    world.put(NAME, instances("d1", FIRST, SECOND, THIRD), new=True)
    etag = ETag(world.etags()[NAME])
    world.exchange.fail("delete", ExchangeTimedOut("late"), done_first=done, after=1)
    with pytest.raises(Unavailable):
        world.delete(NAME, match=etag)
    third = next(item for item in world.items() if item.content.subject == "Third")
    world.outlook_changes(third, lambda content: replace(content, subject="Theirs"))
    with pytest.raises(PreconditionFailed):
        world.delete(NAME, match=etag)
    assert "Theirs" in subjects(world)


def test_a_series_of_their_uid_stands_beside_them_whatever_becomes_of_the_mirror(world: World) -> None:
    world.put(NAME, instances("d1", FIRST, SECOND), new=True)
    mondays = Recurrence(Weekly(1, (Day.MONDAY,), Day.MONDAY), date(2027, 3, 1), count=5)
    master = world.outlook_adds("d1", "Weekly", recurrence=mondays)
    world.later()
    before = world.etags()
    assert len(before) == 2
    assert served(world) == ["First", "Second"]
    world.lose_mirror()
    assert world.etags() == before
    world.outlook_deletes(master)
    world.later()
    assert list(world.etags()) == [NAME]
