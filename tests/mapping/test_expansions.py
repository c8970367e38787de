"""Two expansions agree: of what is served, by recurring-ical-events, and of the index record, by our own arithmetic."""

from collections.abc import Callable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from bridge.errors import NotExpressible
from bridge.item import Item, Zone
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.lines import Line
from bridge.mapping.pattern import to_pattern
from bridge.mapping.rrule import parse_rrule
from bridge.mapping.series import WantedSeries, changed, to_ical, to_items
from bridge.pattern_days import steps
from bridge.recurrence import Recurrence
from bridge.zones import WINDOWS_TO_IANA, load_zone, to_instant, to_rules

from drawn import CLOCKS, DATES, DAY, instant, judge, masters, ours, series

Hold = Callable[[WantedSeries], tuple[Item, ...]]


@settings(max_examples=300, deadline=None)
@given(series(), st.integers(-40, 2000), st.integers(1, 100))
def test_what_is_served_of_a_series_of_exchanges_is_what_the_index_says(
    context: Context, items: tuple[Item, ...], after: int, length: int
) -> None:
    zone = load_zone(WINDOWS_TO_IANA[items[0].content.start_zone.id])
    shown = to_ical(items, context)
    for begin in (items[0].content.start + DAY * after, items[0].content.start - DAY):
        end = begin + DAY * length
        assert ours(shown.index, begin, end) == judge(shown.text, begin, end, zone)


@settings(max_examples=200, deadline=None)
@given(series())
def test_saving_a_series_as_it_was_served_changes_nothing(context: Context, items: tuple[Item, ...]) -> None:
    served = to_ical(items, context).text
    wanted = to_items(parse(served), context, items)
    assert wanted.master is not None
    assert changed(items[0].content, wanted.master) == frozenset()
    assert dict(wanted.exceptions) == {item.original_start: item.content for item in items[1:]}
    assert wanted.deleted == frozenset(items[0].deleted)


@settings(max_examples=200, deadline=None)
@given(masters(), st.integers(1, 30))
def test_a_series_read_by_someone_who_knows_nothing_of_it_is_the_same_series(
    context: Context, hold: Hold, master: Item, days: int
) -> None:
    """The canonical rule is read back as the pattern it was made of."""
    assume(all(is_exchanges(one, master.content.start_zone) for one in (master.content.start, master.content.end)))
    shown = to_ical((master,), context)
    elsewhere = Context(context.mailbox, master.content.start_zone)
    try:
        wanted = to_items(parse(shown.text), elsewhere, ())
    except NotExpressible as refused:
        assert "longer than it takes to the next" in str(refused)  # noqa: PT017 - one reason alone is right
        return
    begin = master.content.start - DAY
    again = to_ical(hold(wanted), elsewhere)
    assert ours(again.index, begin, begin + DAY * days * 30) == ours(shown.index, begin, begin + DAY * days * 30)
    assert wanted.deleted == frozenset()


def is_exchanges(start: datetime, zone: Zone) -> bool:
    """Whether a series of Exchange's can begin or end then: of a time that comes twice it is the second."""
    rules = to_rules(zone)
    return rules is None or to_instant(start.astimezone(rules).replace(tzinfo=None), rules) == start


# --- rules as clients write them ---------------------------------------------------------------------

WEEKDAYS = st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, unique=True).map(",".join)
NUMBERS = st.sampled_from(["1", "2", "3", "4", "5", "-1"])


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Draw a rule of parts that clients write."""
    parts = [f"FREQ={draw(st.sampled_from(['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY']))}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 5))}")
    if draw(st.booleans()):
        parts.append(f"BYDAY={draw(WEEKDAYS | st.tuples(NUMBERS, WEEKDAYS).map(''.join))}")
    if draw(st.booleans()):
        days = st.integers(1, 31).map(str) | st.sampled_from(
            ["-1", "28,29,30", "8,9,10,11,12,13,14", "-7,-6,-5,-4,-3,-2,-1"]
        )
        parts.append(f"BYMONTHDAY={draw(days)}")
    if draw(st.booleans()):
        months = st.integers(1, 12).map(str) | st.sampled_from(["1,4,7,10", "2,8", "1,2", "1,2,3,4,5,6,7,8,9,10,11,12"])
        parts.append(f"BYMONTH={draw(months)}")
    if draw(st.integers(0, 3)) == 0:
        parts.append(f"BYSETPOS={draw(NUMBERS)}")
    if draw(st.booleans()):
        parts.append(f"WKST={draw(st.sampled_from(['SU', 'MO', 'WE']))}")
    return ";".join(parts)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(rules(), DATES, CLOCKS, st.data())
def test_what_becomes_of_a_clients_rule_is_what_the_rule_says(
    context: Context, hold: Hold, rule: str, day: date, clock: time, data: st.DataObject
) -> None:
    zone = ZoneInfo("America/New_York")
    first = datetime.combine(first_day(rule, day), clock)
    ending = data.draw(st.sampled_from(["", ";COUNT=7", ";UNTIL"]))
    if ending == ";UNTIL":
        ending = f";UNTIL={instant(first + DAY * data.draw(st.integers(0, 900)), zone):%Y%m%dT%H%M%SZ}"
    body = body_of(first, rule + ending)
    try:
        wanted = to_items(parse(body), context, ())
    except NotExpressible:
        reject()
    shown = to_ical(hold(wanted), context)
    begin = shown.index.start + DAY * data.draw(st.integers(-3, 2000))
    for window in ((begin, begin + DAY * 100), (shown.index.start - DAY, shown.index.start + DAY * 70)):
        expected = judge(body, *window, zone)
        told = ours(shown.index, *window)
        assert judge(shown.text, *window, zone) == told
        assert clocks(told, zone) == clocks(expected, zone)


def clocks(spans: list[tuple[datetime, datetime]], zone: ZoneInfo) -> list[tuple[datetime, ...]]:
    """Give spans by the zone's clock: of a time that comes twice, a rule means the first and Exchange the second."""
    return sorted(tuple(one.astimezone(zone).replace(tzinfo=None, fold=0) for one in span) for span in spans)


def first_day(rule: str, day: date) -> date:
    """Give a day on which the rule can begin; what follows from it is for the judge to say."""
    try:
        pattern, _ = to_pattern(parse_rrule(Line("RRULE", rule)), day)
    except NotExpressible:
        reject()
    return steps(Recurrence(pattern, day)).day(1)


def body_of(start: date, rule: str) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:uid-1"]
    lines += [f"DTSTART;TZID=America/New_York:{start:%Y%m%dT%H%M%S}", "DURATION:PT90M", f"RRULE:{rule}"]
    return "\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR", ""]).encode()
