"""The filter of a calendar-query."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from bridge.dav.collations import COLLATIONS
from bridge.dav.filter_grammar import parse_filter
from bridge.dav.filters import ComponentFilter, Filter, PropertyFilter, TextMatch
from bridge.dav.query import find
from bridge.dav.refusals import NotServed
from bridge.dav.time_range import TimeRange
from bridge.mapping.lines import escape, fold
from bridge.recurrence import Daily, Day, Recurrence, Weekly
from bridge.resource import ExceptionRecord, IndexRecord

NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
XML_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\t\r\n"), max_size=6)
UNWRITABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def record(start: datetime = NINE, length: timedelta = HOUR, **more: Any) -> IndexRecord:
    return IndexRecord(start, start + length, **more)


def filter_of(inside: str, root: str = '<C:comp-filter name="VCALENDAR">{}</C:comp-filter>') -> Any:
    text = f'<C:filter xmlns:C="urn:ietf:params:xml:ns:caldav">{root.format(inside)}</C:filter>'
    return parse_filter(etree.fromstring(text))


def event(inside: str) -> str:
    return f'<C:comp-filter name="VEVENT">{inside}</C:comp-filter>'


@pytest.mark.parametrize(
    ("start", "end", "is_in"),
    [
        (NINE - HOUR, NINE, False),
        (NINE - HOUR, NINE + timedelta(seconds=1), True),
        (NINE, NINE + HOUR, True),
        (NINE + timedelta(minutes=20), NINE + timedelta(minutes=40), True),
        (NINE + HOUR, NINE + 2 * HOUR, False),
        (NINE - HOUR, NINE + 2 * HOUR, True),
        (None, NINE, False),
        (None, NINE + timedelta(seconds=1), True),
        (NINE + HOUR, None, False),
        (NINE + timedelta(minutes=59), None, True),
    ],
)
def test_an_event_is_in_a_range_that_it_shares_time_with(
    start: datetime | None, end: datetime | None, *, is_in: bool
) -> None:
    assert TimeRange(start, end).overlaps(record()) is is_in


@pytest.mark.parametrize(
    ("start", "end", "is_in"),
    [
        (NINE, NINE + HOUR, True),
        (NINE - HOUR, NINE + HOUR, True),
        (NINE - HOUR, NINE, False),
        (NINE + timedelta(seconds=1), NINE + HOUR, False),
    ],
)
def test_an_event_of_no_length_is_in_the_range_it_begins_in(start: datetime, end: datetime, *, is_in: bool) -> None:
    assert TimeRange(start, end).overlaps(record(length=timedelta())) is is_in


def test_an_all_day_event_is_taken_at_the_instants_of_its_own_zone() -> None:
    berlin_midnight = datetime(2026, 3, 1, 23, tzinfo=UTC)
    day = record(berlin_midnight, timedelta(days=1), is_all_day=True)
    assert TimeRange(berlin_midnight, berlin_midnight + HOUR).overlaps(day)
    assert not TimeRange(berlin_midnight - HOUR, berlin_midnight).overlaps(day)


MINUTES = st.integers(0, 300)


@given(MINUTES, MINUTES, MINUTES, MINUTES)
def test_a_range_finds_what_a_minute_by_minute_search_finds(begin: int, length: int, start: int, width: int) -> None:
    taken = IndexRecord(NINE + timedelta(minutes=begin), NINE + timedelta(minutes=begin + length))
    asked = TimeRange(NINE + timedelta(minutes=start), NINE + timedelta(minutes=start + width + 1))
    held = set(range(begin, begin + max(length, 1))) if length else {begin}
    assert asked.overlaps(taken) is bool(held & set(range(start, start + width + 1)))


def prop(name: str, inside: str) -> str:
    return event(f'<C:prop-filter name="{name}">{inside}</C:prop-filter>')


def between(start: str, end: str) -> str:
    return f'<C:time-range start="{start}" end="{end}"/>'


def test_a_component_that_is_not_there_matches_only_its_absence(passes: Any) -> None:
    assert passes(event(""), record())
    assert not passes('<C:comp-filter name="VTODO"/>', record())
    assert passes('<C:comp-filter name="VTODO"><C:is-not-defined/></C:comp-filter>', record())
    assert not passes(event("<C:is-not-defined/>"), record())
    assert not passes(event("") + '<C:comp-filter name="VTODO"/>', record())
    assert passes("", record())


def test_a_time_range_is_read(passes: Any) -> None:
    inside = event(between("20260301T093000Z", "20260301T100000Z"))
    assert passes(inside, record())
    assert not passes(inside, record(NINE - HOUR))


@pytest.mark.parametrize(
    ("match", "is_in"),
    [
        ("<C:text-match>lunch@EXAMPLE</C:text-match>", True),
        ('<C:text-match collation="i;octet">lunch@Example</C:text-match>', False),
        ('<C:text-match collation="i;octet">Lunch@Example.com</C:text-match>', True),
        ('<C:text-match negate-condition="yes">lunch</C:text-match>', False),
        ("<C:text-match>dinner</C:text-match>", False),
        ("", True),
        ("<C:is-not-defined/>", False),
    ],
)
def test_a_uid_is_found_by_a_part_of_it_without_reading_a_text(passes: Any, match: str, *, is_in: bool) -> None:
    assert passes(prop("UID", match), record()) is is_in


@SHARED
@given(st.lists(XML_TEXT, max_size=5), XML_TEXT, st.sampled_from(sorted(COLLATIONS)))
def test_of_many_uids_those_are_found_that_hold_the_part(
    list_one: Any, timeline: Any, uids: list[str], part: str, collation: str
) -> None:
    match = TextMatch(part, COLLATIONS[collation])
    wanted = Filter((ComponentFilter("VEVENT", properties=(PropertyFilter("UID", match=match),)),))
    resources = [list_one(b"", record(), f"{number}.ics", uid) for number, uid in enumerate(uids)]
    found = find(wanted, {each.name: each for each in resources}, timeline(*resources), lambda _: {})
    assert found == [each for each in resources if match.holds(each.uid)]


TEXT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:Lunch@Example.com
SUMMARY:Mittag im Café\\, mit Straßenmusik\\nund mehr
DTSTART;TZID=Europe/Berlin:20260301T100000
DTEND;TZID=Europe/Berlin:20260301T110000
CREATED:20260115T120000Z
ATTENDEE;PARTSTAT=ACCEPTED;CN="Ahlgren, Alice":mailto:alice@example.com
ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@exam
 ple.com
CATEGORIES:Food,Work
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
REPEAT:2
DURATION:PT10M
END:VALARM
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("name", "inside", "is_in"),
    [
        ("SUMMARY", "", True),
        ("summary", "<C:text-match>MITTAG im caf</C:text-match>", True),
        ("SUMMARY", "<C:text-match>CAFÉ</C:text-match>", False),
        ("SUMMARY", '<C:text-match collation="i;unicode-casemap">CAFÉ, MIT</C:text-match>', True),
        ("SUMMARY", '<C:text-match collation="i;unicode-casemap">strasse</C:text-match>', False),
        ("SUMMARY", '<C:text-match collation="i;octet">mittag</C:text-match>', False),
        ("SUMMARY", "<C:text-match>Café, mit</C:text-match>", True),
        ("SUMMARY", "<C:text-match>musik\nund</C:text-match>", True),
        ("SUMMARY", '<C:text-match negate-condition="yes">Mittag</C:text-match>', False),
        ("SUMMARY", '<C:text-match negate-condition="yes">Abend</C:text-match>', True),
        ("SUMMARY", "<C:text-match>DISPLAY</C:text-match>", False),
        ("LOCATION", "", False),
        ("LOCATION", "<C:is-not-defined/>", True),
        ("SUMMARY", "<C:is-not-defined/>", False),
        ("ACTION", "", False),
        ("ATTENDEE", "<C:text-match>bob@example.com</C:text-match>", True),
        ("ATTENDEE", '<C:text-match negate-condition="yes">bob</C:text-match>', True),
        ("ATTENDEE", '<C:param-filter name="CN"/>', True),
        ("ATTENDEE", '<C:param-filter name="cn"><C:text-match>ahlgren, a</C:text-match></C:param-filter>', True),
        ("ATTENDEE", '<C:param-filter name="ROLE"/>', False),
        ("ATTENDEE", '<C:param-filter name="ROLE"><C:is-not-defined/></C:param-filter>', True),
        ("CREATED", between("20260115T120000Z", "20260115T120001Z"), True),
        ("CREATED", between("20260115T110000Z", "20260115T120000Z"), False),
        ("DTSTART", between("20260301T090000Z", "20260301T090001Z"), True),
        ("DTSTART", '<C:time-range end="20260301T090000Z"/>', False),
    ],
)
def test_a_property_is_sought(passes: Any, name: str, inside: str, *, is_in: bool) -> None:
    assert passes(prop(name, inside), record(), TEXT) is is_in


@pytest.mark.parametrize(("who", "is_in"), [("alice", False), ("bob", True)])
def test_one_property_must_pass_all_of_a_filter(passes: Any, who: str, *, is_in: bool) -> None:
    """RFC 4791 7.8.6: that somebody else needs to act does not count."""
    inside = (
        f"<C:text-match>mailto:{who}@example.com</C:text-match>"
        '<C:param-filter name="PARTSTAT"><C:text-match>NEEDS-ACTION</C:text-match></C:param-filter>'
    )
    assert passes(prop("ATTENDEE", inside), record(), TEXT) is is_in


@pytest.mark.parametrize(
    ("start", "end", "is_in"),
    [
        ("20260301T084500Z", "20260301T084501Z", True),
        ("20260301T084501Z", "20260301T085500Z", False),
        ("20260301T085500Z", "20260301T085600Z", True),
        ("20260301T090500Z", "20260301T090600Z", True),
        ("20260301T090501Z", "20260301T120000Z", False),
        ("20260301T080000Z", "20260301T084500Z", False),
    ],
)
def test_an_alarm_is_found_when_it_rings_and_when_it_rings_again(
    passes: Any, start: str, end: str, *, is_in: bool
) -> None:
    inside = event(f'<C:comp-filter name="VALARM">{between(start, end)}</C:comp-filter>')
    assert passes(inside, record(), TEXT) is is_in


def test_alarms_are_sought_inside_their_event(passes: Any) -> None:
    action = '<C:comp-filter name="VALARM"><C:prop-filter name="ACTION"><C:text-match>{}</C:text-match></C:prop-filter>'
    assert passes(event(action.format("display") + "</C:comp-filter>"), record(), TEXT)
    assert not passes(event(action.format("audio") + "</C:comp-filter>"), record(), TEXT)
    assert not passes(event('<C:comp-filter name="VALARM"><C:is-not-defined/></C:comp-filter>'), record(), TEXT)
    without = TEXT.replace(b"VALARM", b"VOTHER")
    assert passes(event('<C:comp-filter name="VALARM"><C:is-not-defined/></C:comp-filter>'), record(), without)


def test_a_time_zone_and_the_calendar_itself_are_sought(passes: Any) -> None:
    zone = '<C:comp-filter name="VTIMEZONE"><C:prop-filter name="TZID"><C:text-match>{}</C:text-match></C:prop-filter>'
    assert passes(zone.format("berlin") + "</C:comp-filter>", record(), TEXT)
    assert not passes(zone.format("paris") + "</C:comp-filter>", record(), TEXT)
    assert passes('<C:prop-filter name="PRODID"/>', record(), TEXT)
    assert not passes('<C:prop-filter name="METHOD"/>', record(), TEXT)


SERIES = """BEGIN:VCALENDAR
BEGIN:VEVENT
UID:s
SUMMARY:Weekly
DTSTART;TZID=Europe/Berlin:20260302T100000
DTEND;TZID=Europe/Berlin:20260302T110000
RRULE:FREQ=WEEKLY
END:VEVENT
BEGIN:VEVENT
UID:s
SUMMARY:Moved
RECURRENCE-ID;TZID=Europe/Berlin:20260309T100000
DTSTART;TZID=Europe/Berlin:20260310T100000
DTEND;TZID=Europe/Berlin:20260310T110000
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER;RELATED=END:PT0S
END:VALARM
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
WEEK = timedelta(days=7)
OF_SERIES = IndexRecord(
    MONDAY,
    MONDAY + HOUR,
    zone_id="W. Europe Standard Time",
    recurrence=Recurrence(Weekly(1, (Day.MONDAY,)), date(2026, 3, 2)),
    exceptions=(ExceptionRecord(MONDAY + WEEK, MONDAY + WEEK + 24 * HOUR, MONDAY + WEEK + 25 * HOUR),),
)


@pytest.mark.parametrize(
    ("day", "summary", "is_in"),
    [
        ("02", "Weekly", True),
        ("02", "Moved", False),
        ("09", "Weekly", False),
        ("09", "Moved", False),
        ("10", "Moved", True),
        ("10", "Weekly", False),
        ("16", "Weekly", True),
    ],
)
def test_one_instance_must_pass_the_time_and_the_text(passes: Any, day: str, summary: str, *, is_in: bool) -> None:
    inside = (
        between(f"202603{day}T000000Z", f"202603{day}T235959Z")
        + f'<C:prop-filter name="SUMMARY"><C:text-match>{summary}</C:text-match></C:prop-filter>'
    )
    assert passes(event(inside), OF_SERIES, SERIES) is is_in


def test_a_text_of_another_occurrence_is_not_taken_for_the_exception(passes: Any) -> None:
    strange = SERIES.replace(b"RECURRENCE-ID;TZID=Europe/Berlin:20260309", b"RECURRENCE-ID;TZID=Europe/Berlin:20260323")
    moved = '<C:prop-filter name="SUMMARY"><C:text-match>Moved</C:text-match></C:prop-filter>'
    assert not passes(event(between("20260310T000000Z", "20260311T000000Z") + moved), OF_SERIES, strange)


def test_the_alarm_of_an_exception_rings_with_it_alone(passes: Any) -> None:
    rings = '<C:comp-filter name="VALARM">{}</C:comp-filter>'
    at_its_end = between("20260310T100000Z", "20260310T100001Z")
    assert passes(event(rings.format(at_its_end)), OF_SERIES, SERIES)
    assert not passes(event(rings.format(between("20260302T000000Z", "20260303T000000Z"))), OF_SERIES, SERIES)
    other_day = between("20260316T000000Z", "20260317T000000Z")
    assert not passes(event(other_day + rings.format(at_its_end)), OF_SERIES, SERIES)


def test_an_endless_series_is_in_every_range_that_does_not_end(passes: Any) -> None:
    endless = record(recurrence=Recurrence(Daily(1), date(2026, 3, 1)))
    assert passes(event('<C:time-range start="23000101T000000Z"/>'), endless)
    assert not passes(event('<C:time-range end="20260301T090000Z"/>'), endless)
    over = record(recurrence=Recurrence(Daily(1), date(2026, 3, 1), count=3))
    assert passes(event('<C:time-range start="20260303T093000Z"/>'), over)
    assert not passes(event('<C:time-range start="20260303T100000Z"/>'), over)


def test_a_whole_day_is_asked_for_in_the_zone_of_the_query(passes: Any) -> None:
    """The first of March in Berlin; in New York it begins six hours later and ends six hours later."""
    day = record(
        datetime(2026, 2, 28, 23, tzinfo=UTC), timedelta(days=1), is_all_day=True, zone_id="W. Europe Standard Time"
    )
    new_york = ZoneInfo("America/New_York")
    late = event(between("20260302T040000Z", "20260302T050000Z"))
    early = event(between("20260228T230000Z", "20260301T050000Z"))
    assert (passes(early, day), passes(late, day)) == (True, False)
    assert (passes(early, day, zone=new_york), passes(late, day, zone=new_york)) == (False, True)
    timed = record()
    assert passes(event(between("20260301T090000Z", "20260301T100000Z")), timed, zone=new_york)


def test_of_a_series_each_occurrence_is_asked_for_as_the_days_or_the_time_it_is(passes: Any) -> None:
    """Whole days in Berlin but for the second, which is an hour; then hours but for the second, which is a day."""
    midnight, one = datetime(2026, 2, 28, 23, tzinfo=UTC), timedelta(days=1)
    zone, new_york = "W. Europe Standard Time", ZoneInfo("America/New_York")
    days = Recurrence(Daily(10), date(2026, 3, 1), count=2)
    hour = ExceptionRecord(midnight + 10 * one, NINE + 10 * one, NINE + 10 * one + HOUR)
    mostly_days = record(midnight, one, is_all_day=True, zone_id=zone, recurrence=days, exceptions=(hour,))
    day = ExceptionRecord(NINE + 10 * one, midnight + 10 * one, midnight + 11 * one, is_all_day=True)
    mostly_hours = record(zone_id=zone, recurrence=days, exceptions=(day,))
    first_evening = event(between("20260302T040000Z", "20260302T050000Z"))
    second_morning = event(between("20260311T090000Z", "20260311T100000Z"))
    second_evening = event(between("20260312T030000Z", "20260312T040000Z"))
    asked = [first_evening, second_morning, second_evening]
    assert [passes(each, mostly_days, zone=new_york) for each in asked] == [True, True, False]
    assert [passes(each, mostly_hours, zone=new_york) for each in asked] == [False, True, True]


def test_a_text_that_cannot_be_read_is_not_hidden(passes: Any) -> None:
    assert passes(prop("SUMMARY", "<C:text-match>x</C:text-match>"), record(), b"\r\nSUMMARY:x\r\nbegin:vevent")


@given(st.text(max_size=20), st.integers(0, 19), st.integers(1, 20), st.sampled_from(sorted(COLLATIONS)))
def test_what_a_text_holds_is_not_ruled_out_by_its_bytes(text: str, begin: int, length: int, collation: str) -> None:
    text = UNWRITABLE.sub(" ", text)
    part = text[begin : begin + length]
    match = TextMatch(part, COLLATIONS[collation])
    written = fold(["BEGIN:VCALENDAR", "BEGIN:VEVENT", f"SUMMARY:{escape(text)}", "END:VEVENT", "END:VCALENDAR"])
    wanted = Filter((ComponentFilter("VEVENT", properties=(PropertyFilter("SUMMARY", match=match),)),))
    assert match.holds(text.replace("\r", "")) or "\r" in part
    assert "\r" in part or wanted.may_hold(written.replace(b"\r\n ", b""))


@pytest.mark.parametrize(
    ("inside", "precondition"),
    [
        (event("<C:time-range/>"), "valid-filter"),
        (event('<C:time-range start="20260301"/>'), "valid-filter"),
        (event('<C:time-range start="20260301T090000"/>'), "valid-filter"),
        (event('<C:time-range start="00000101T000000Z"/>'), "valid-filter"),
        (event('<C:time-range start="20260301T090000Z" end="20260301T090000Z"/>'), "valid-filter"),
        (event('<C:is-not-defined/><C:time-range start="20260301T090000Z"/>'), "valid-filter"),
        (event('<C:time-range start="20260301T090000Z"/>' * 2), "valid-filter"),
        (event("<C:text-match>x</C:text-match>"), "valid-filter"),
        ('<C:comp-filter/><C:comp-filter name=""/>', "valid-filter"),
        ('<C:time-range start="20260301T090000Z"/>', "valid-filter"),
        ("<C:is-not-defined/>", "valid-filter"),
        (event("<C:prop-filter/>"), "valid-filter"),
        (prop("SUMMARY", "<C:is-not-defined/><C:text-match>x</C:text-match>"), "valid-filter"),
        (prop("SUMMARY", "<C:text-match>x</C:text-match>" * 2), "valid-filter"),
        (prop("SUMMARY", '<C:comp-filter name="VALARM"/>'), "valid-filter"),
        (prop("SUMMARY", '<C:text-match negate-condition="maybe">x</C:text-match>'), "valid-filter"),
        (prop("CREATED", '<C:time-range end="20260301T090000Z"/><C:text-match>x</C:text-match>'), "valid-filter"),
        (prop("X", '<C:param-filter name="Y"><C:param-filter name="Z"/></C:param-filter>'), "valid-filter"),
        ('<C:comp-filter name="VALARM"/>', "supported-filter"),
        ('<C:comp-filter name="X-THING"/>', "supported-filter"),
        (event('<C:comp-filter name="X-THING"/>'), "supported-filter"),
        (event("<C:unknown/>"), "supported-filter"),
        (prop("SUMMARY", '<C:time-range end="20260301T090000Z"/>'), "supported-filter"),
        (prop("SUMMARY", '<C:text-match match-type="equals">x</C:text-match>'), "supported-filter"),
        (
            event('<C:comp-filter name="VALARM"><C:time-range end="20260301T090000Z"/></C:comp-filter>'),
            "supported-filter",
        ),
        ('<C:comp-filter name="VEVENT" test="anyof"/>', "supported-filter"),
        (prop("UID", '<C:text-match collation="i;unknown">x</C:text-match>'), "supported-collation"),
    ],
)
def test_a_filter_that_cannot_be_evaluated_is_refused_by_its_precondition(inside: str, precondition: str) -> None:
    with pytest.raises(NotServed) as refused:
        filter_of(inside)
    assert (refused.value.status, refused.value.precondition) == (403, f"<C:{precondition}/>")


@pytest.mark.parametrize("root", ["", "<C:comp-filter name='VEVENT'/>", "<C:comp-filter name='VCALENDAR'/>" * 2])
def test_a_filter_has_one_root_named_vcalendar(root: str) -> None:
    with pytest.raises(NotServed, match="one comp-filter"):
        filter_of("", root)
