"""What a change of a series does to its exceptions and deletions, in each of the three ways servers have."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bridge.simulator import PERSONALITIES, Simulator

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
ANNA = "anna@example.com"
EACH = pytest.mark.parametrize("way", ["reset", "keep", "split"])
PATTERN = "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>{}</t:DaysOfWeek></t:WeeklyRecurrence>"
RANGE = (
    "<t:NumberedRecurrence><t:StartDate>2026-03-03</t:StartDate><t:NumberOfOccurrences>{}</t:NumberOfOccurrences>"
    "</t:NumberedRecurrence>"
)


def set_text(path: str, content: str) -> str:
    return f'<t:SetItemField><t:FieldURI FieldURI="{path}"/><t:CalendarItem>{content}</t:CalendarItem></t:SetItemField>'


def recurrence(days: str = "Tuesday", count: int = 6) -> str:
    told = f"<t:Recurrence>{PATTERN.format(days)}{RANGE.format(count)}</t:Recurrence>"
    return set_text("calendar:Recurrence", told)


def times(start: str, end: str) -> str:
    return set_text("calendar:Start", f"<t:Start>{start}</t:Start>") + set_text("calendar:End", f"<t:End>{end}</t:End>")


LATER = times("2026-03-03T11:00:00Z", "2026-03-03T12:00:00Z")
OTHER_DAYS = recurrence("Tuesday Thursday")


@pytest.fixture
def world(make_sim: Callable[..., Simulator], make_ask: Callable[..., Any], way: str) -> tuple[Simulator, Any]:
    """Give six Tuesdays from 3 March 2026 in Berlin: the second moved, the third renamed, the fourth gone."""
    sim = make_sim(exceptions_on_change=way)
    sim.add_event(
        ANNA,
        subject="Team",
        uid="team",
        start=datetime(2026, 3, 3, 9, tzinfo=UTC),
        end=datetime(2026, 3, 3, 10, tzinfo=UTC),
        recurrence={"every": "week", "count": 6},
        changed=[
            {
                "date": date(2026, 3, 10),
                "subject": "Moved",
                "start": datetime(2026, 3, 10, 15, tzinfo=UTC),
                "end": datetime(2026, 3, 10, 16, tzinfo=UTC),
            },
            {"date": date(2026, 3, 17), "subject": "Renamed"},
        ],
        cancelled=[date(2026, 3, 24)],
    )
    return sim, make_ask(sim)


def change(world: tuple[Simulator, Any], what: str) -> None:
    sim, ask = world
    master = sim.events(ANNA)[0]
    (message,) = ask(
        '<m:UpdateItem ConflictResolution="NeverOverwrite" SendMeetingInvitationsOrCancellations="SendToNone">'
        f'<m:ItemChanges><t:ItemChange><t:ItemId Id="{master.id}" ChangeKey="{master.key}"/>'
        f"<t:Updates>{what}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )
    assert message.get("ResponseClass") == "Success"


def shown(world: tuple[Simulator, Any]) -> list[tuple[str, str]]:
    """Give (start, subject) of what a view shows."""
    _, ask = world
    (message,) = ask(
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>'
        '<m:CalendarView StartDate="2026-01-01T00:00:00Z" EndDate="2027-01-01T00:00:00Z"/><m:ParentFolderIds>'
        '<t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>'
    )
    return [
        ((e.findtext(f"{T}Start") or "")[5:16], e.findtext(f"{T}Subject") or "")
        for e in message.iter(f"{T}CalendarItem")
    ]


AS_IT_WAS = [
    ("03-03T09:00", "Team"),
    ("03-10T15:00", "Moved"),
    ("03-17T09:00", "Renamed"),
    ("03-31T08:00", "Team"),
    ("04-07T08:00", "Team"),
]


@EACH
def test_other_changes_of_the_master_touch_nothing(world: tuple[Simulator, Any]) -> None:
    assert shown(world) == AS_IT_WAS
    change(world, set_text("calendar:Location", "<t:Location>Room</t:Location>"))
    assert shown(world) == AS_IT_WAS


@EACH
def test_a_new_time_of_day(world: tuple[Simulator, Any], way: str) -> None:
    change(world, LATER)
    plain = [(f"03-{day:02}T11:00", "Team") for day in (3, 10, 17, 24)] + [
        ("03-31T10:00", "Team"),
        ("04-07T10:00", "Team"),
    ]
    expected = {
        "reset": plain,
        "keep": [
            plain[0],
            ("03-10T15:00", "Moved"),
            ("03-17T11:00", "Renamed"),
            ("03-31T10:00", "Team"),
            ("04-07T10:00", "Team"),
        ],
        "split": sorted([*plain, ("03-10T15:00", "Moved"), ("03-17T09:00", "Renamed")]),
    }
    assert shown(world) == expected[way]


@EACH
def test_a_new_pattern(world: tuple[Simulator, Any], way: str) -> None:
    change(world, OTHER_DAYS)
    plain = [(f"03-{day:02}T09:00", "Team") for day in (3, 5, 10, 12, 17, 19)]
    expected = {
        "reset": plain,
        "keep": [*plain[:2], ("03-10T15:00", "Moved"), plain[3], ("03-17T09:00", "Renamed"), plain[5]],
        "split": sorted([*plain, ("03-10T15:00", "Moved"), ("03-17T09:00", "Renamed")]),
    }
    assert sorted(shown(world)) == expected[way]


@EACH
def test_the_same_recurrence_again(world: tuple[Simulator, Any], way: str) -> None:
    change(world, recurrence())
    assert (shown(world) == AS_IT_WAS) == (way == "keep")
    assert ("03-24T09:00" in dict(shown(world))) == (way != "keep")


@pytest.mark.parametrize("way", ["reset", "split"])
def test_the_same_recurrence_may_change_nothing(
    make_sim: Callable[..., Simulator], world: tuple[Simulator, Any], way: str
) -> None:
    sim, _ = world
    kind = make_sim(exceptions_on_change=way, same_recurrence_resets=False).service.personality
    sim.service.personality = kind
    change(world, recurrence())
    assert shown(world) == AS_IT_WAS


@EACH
def test_dates_that_the_new_pattern_has_not_are_forgotten(world: tuple[Simulator, Any]) -> None:
    change(world, recurrence("Wednesday"))
    master = world[0].events(ANNA)[0]
    assert (dict(master.exceptions), master.deleted) == ({}, frozenset())


@EACH
def test_a_new_zone_keeps_the_first_instant_and_changes_the_others(world: tuple[Simulator, Any]) -> None:
    change(world, set_text("calendar:StartTimeZone", '<t:StartTimeZone Id="UTC"/>'))
    starts = [start for start, subject in shown(world) if subject == "Team"]
    assert starts[0] == "03-03T09:00"
    assert starts[-1] == "04-07T09:00"


@EACH
def test_without_its_recurrence_a_series_is_one_event_of_the_same_id(world: tuple[Simulator, Any], way: str) -> None:
    sim, _ = world
    before = sim.events(ANNA)[0].id
    change(world, '<t:DeleteItemField><t:FieldURI FieldURI="calendar:Recurrence"/></t:DeleteItemField>')
    assert sim.events(ANNA)[0].id == before
    assert shown(world)[0] == ("03-03T09:00", "Team")
    assert len(shown(world)) == (3 if way == "split" else 1)


@pytest.mark.parametrize("way", ["split"])
def test_what_is_split_off_is_single_and_keeps_its_uid(world: tuple[Simulator, Any]) -> None:
    change(world, LATER)
    sim, _ = world
    assert [(item.kind, item.uid) for item in sim.events(ANNA)] == [
        ("RecurringMaster", "team"),
        *[("Single", "team")] * 2,
    ]


@EACH
def test_a_single_event_becomes_a_series(world: tuple[Simulator, Any]) -> None:
    sim, _ = world
    sim.remove_event(sim.events(ANNA)[0])
    start, end = datetime(2026, 3, 3, 9, tzinfo=UTC), datetime(2026, 3, 3, 10, tzinfo=UTC)
    single = sim.add_event(ANNA, subject="Team", start=start, end=end)
    change(world, recurrence())
    assert len(shown(world)) == 6
    assert sim.events(ANNA)[0].id == single.id


def test_the_way_is_chosen_for_any_personality(make_sim: Callable[..., Simulator]) -> None:
    for name in PERSONALITIES:
        assert make_sim(name).service.personality.rules.exceptions_on_change == "reset"
        assert make_sim(name, exceptions_on_change="split").service.personality.rules.exceptions_on_change == "split"
    with pytest.raises(ValueError, match="reset, keep, split"):
        Simulator(exceptions_on_change="vanish")
    with pytest.raises(TypeError, match="no_such_rule"):
        Simulator(no_such_rule=True)


@pytest.mark.parametrize("way", ["keep"])
def test_what_is_changed_at_exchange_behaves_the_same(world: tuple[Simulator, Any]) -> None:
    sim, _ = world
    master = sim.events(ANNA)[0]
    sim.change_event(sim.occurrence(master, 5), Subject="Late")
    sim.remove_event(sim.occurrence(master, 6))
    assert [subject for _, subject in shown(world)] == ["Team", "Moved", "Renamed", "Late"]
    sim.change_event(master, Start=datetime(2026, 3, 3, 10, tzinfo=UTC), End=datetime(2026, 3, 3, 11, tzinfo=UTC))
    assert [start for start, _ in shown(world)] == ["03-03T10:00", "03-10T15:00", "03-17T10:00", "03-31T09:00"]
