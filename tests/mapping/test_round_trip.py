"""Round trips over large spaces: what is put comes back, and what was served changes nothing when it is put."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.item import (
    Attendee,
    AttendeeRole,
    BusyStatus,
    ChangeKey,
    Content,
    Importance,
    Item,
    ItemId,
    ItemRef,
    Person,
    Response,
    Sensitivity,
    Uid,
    Zone,
)
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.lines import escape, make_line
from bridge.mapping.series import changed
from bridge.zones import WINDOWS_TO_IANA

from single_event import to_ical, to_item

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=40)
LONG_TEXT = TEXT | st.text('ab \n\t,;:\\"^é😀', max_size=400)
ONE_LINE = st.text("ab ,;:\\\"^'é😀", max_size=300)
ZONES = st.sampled_from([*WINDOWS_TO_IANA, "tzone://Microsoft/Custom", "Nowhere"]).map(Zone)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - they become UTC here
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
PEOPLE = st.builds(
    Person, st.sampled_from(["bea@example.test", "ANNA@example.test", "/o=Org/cn=old", "o'n@x.test"]), TEXT
)

ATTENDEES = st.lists(
    st.builds(Attendee, PEOPLE, st.sampled_from(AttendeeRole), st.sampled_from(Response)), max_size=3
).map(lambda people: tuple(sorted(people, key=lambda one: list(AttendeeRole).index(one.role))))
TAGS = ["<b>", "</b>", "<p class=x>", "<a href='http://x.test/?a=1&amp;b'>", "</a>", "<br/>", "<style>p{}</style>"]
HTML = st.lists(st.sampled_from(TAGS) | TEXT).map("".join)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """Any content that Exchange could hold, whoever wrote it."""
    start = draw(MOMENTS)
    return Content(
        uid=draw(st.text("ab,; \\é", min_size=1).map(lambda text: "u" + text + "u").map(Uid)),
        subject=draw(LONG_TEXT),
        start=start,
        end=start + timedelta(minutes=draw(st.integers(0, 5000))),
        start_zone=draw(ZONES),
        end_zone=draw(ZONES),
        is_all_day=draw(st.booleans()),
        location=draw(TEXT),
        body=draw(LONG_TEXT),
        sensitivity=draw(st.sampled_from(Sensitivity)),
        busy_status=draw(st.sampled_from(BusyStatus)),
        categories=draw(st.lists(TEXT, max_size=3).map(tuple)),
        reminder_minutes=draw(st.none() | st.integers(0, 3_000_000)),
        html=draw(st.none() | HTML),
        attendees=draw(ATTENDEES),
        importance=draw(st.sampled_from(Importance)),
        kept=draw(st.none() | TEXT),
    )


ITEMS = st.builds(
    Item,
    ref=st.just(ItemRef(ItemId("item"), ChangeKey("key"))),
    content=contents(),
    created=st.none() | MOMENTS,
    modified=st.none() | MOMENTS,
    is_meeting=st.booleans(),
    is_cancelled=st.booleans(),
    my_response=st.sampled_from(Response),
    organizer=st.none() | PEOPLE,
    sequence=st.integers(0, 9),
)


@given(item=ITEMS)
def test_saving_what_was_served_of_any_item_changes_nothing(context: Context, item: Item) -> None:
    served = to_ical(item, context).text
    wanted = to_item(parse(served), context, item)
    assert changed(item.content, wanted.content) == frozenset()
    assert to_ical(item, context).text == served


@given(item=ITEMS, zone=ZONES)
def test_what_is_served_tells_the_instants(context: Context, item: Item, zone: Zone) -> None:
    """A client that knows nothing of the item reads the same times; whole days are the same days in any zone."""
    shown = to_ical(item, context)
    elsewhere = Context(context.mailbox, zone)
    content = to_item(parse(shown.text), elsewhere, None).content
    assert content.is_all_day == item.content.is_all_day
    if content.is_all_day:
        assert to_ical(Item(item.ref, content), elsewhere).text.count(b"VALUE=DATE") == 2
        assert event_lines(shown.text, b"DTSTART", b"DTEND") == event_lines(
            to_ical(Item(item.ref, content), elsewhere).text, b"DTSTART", b"DTEND"
        )
    else:
        assert (content.start, content.end) == (item.content.start, item.content.end)


@st.composite
def events(draw: st.DrawFn) -> list[str]:
    """Lines of an event as some client might write them."""
    text = draw(st.sampled_from([ONE_LINE, LONG_TEXT]))
    lines = [f"UID:{escape('uid' + draw(ONE_LINE) + '1')}", *draw(st.sampled_from(TIMES))]
    for name in ("SUMMARY", "LOCATION", "DESCRIPTION", "CATEGORIES", "X-OTHER", "COMMENT"):
        if draw(st.booleans()):
            parameters = draw(st.sampled_from([{}, {"LANGUAGE": "de"}, {"ALTREP": "http://x.test/?a=1;b"}]))
            lines.append(make_line(name, escape(draw(text)), **parameters))
    lines += draw(st.lists(st.sampled_from(FIXED), unique=True))
    for alarm in draw(st.lists(st.sampled_from(ALARMS), max_size=3)):
        lines += ["BEGIN:VALARM", *alarm, "END:VALARM"]
    return lines


TIMES = (
    ["DTSTART:20260310T090000Z", "DTEND:20260310T100000Z"],
    ["DTSTART;TZID=Europe/Oslo:20260310T090000", "DURATION:P1DT1H"],
    ["DTSTART;TZID=Eastern Standard Time:20261101T013000"],
    ["DTSTART;VALUE=DATE:20260310", "DTEND;VALUE=DATE:20260312"],
    ["DTSTART;VALUE=DATE:20260310", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"],
    ["DTSTART:20260329T023000", "DTEND;TZID=Asia/Tokyo:20260330T100000"],
)
FIXED = (
    "CLASS:CONFIDENTIAL",
    "TRANSP:TRANSPARENT",
    "STATUS:CONFIRMED",
    "STATUS:TENTATIVE",
    "X-MICROSOFT-CDO-BUSYSTATUS:OOF",
    "ORGANIZER:mailto:bea@example.test",
    "ORGANIZER;CN=Anna:mailto:anna@example.test",
    "ATTENDEE;PARTSTAT=DECLINED:mailto:anna@example.test",
    "ATTENDEE;ROLE=CHAIR;RSVP=TRUE;CN=Bea:mailto:bea@example.test",
    "ATTENDEE;CUTYPE=ROOM;SCHEDULE-AGENT=CLIENT:mailto:room@example.test",
    "X-ALT-DESC;FMTTYPE=text/html:<p>Hello <b>all</b></p>",
    "PRIORITY:5",
    "SEQUENCE:4",
    "DTSTAMP:20200101T000000Z",
    "CREATED:20200101T000000Z",
    "LAST-MODIFIED:20200101T000000Z",
    "GEO:1.0;2.0",
    "URL:http://x.test/,;",
)
ALARMS = (
    ["ACTION:DISPLAY", "TRIGGER:-PT15M", "DESCRIPTION:Go"],
    ["ACTION:AUDIO", "TRIGGER;RELATED=END:PT0S"],
    ["ACTION:EMAIL", "TRIGGER:-P1D", "SUMMARY:Go", "DESCRIPTION:Go", "ATTENDEE:mailto:anna@example.test"],
    ["ACTION:DISPLAY", "TRIGGER;VALUE=DATE-TIME:20260310T080000Z", "DESCRIPTION:Go"],
)


@given(lines=events())
def test_whatever_a_client_puts_comes_back(
    context: Context, make_body: Callable[..., bytes], make_item: Callable[..., Item], lines: list[str]
) -> None:
    body = make_body(*lines)
    item = make_item(to_item(parse(body), context, None).content)
    served = to_ical(item, context).text
    assert event_lines(served) == event_lines(body)
    assert changed(item.content, to_item(parse(served), context, item).content) == frozenset()


@given(first=events(), second=events())
def test_whatever_a_client_puts_over_something_comes_back(
    context: Context, make_body: Callable[..., bytes], make_item: Callable[..., Item], first: Any, second: Any
) -> None:
    stored = make_item(to_item(parse(make_body(*first)), context, None).content)
    body = make_body(*second)
    item = make_item(to_item(parse(body), context, stored).content)
    back = event_lines(to_ical(item, context, parse(body).uid).text)
    # Who gives the text back alone does not take the HTML from others; who writes another text outdates it.
    assert without_html(back) == without_html(event_lines(body))


def without_html(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if not line.startswith(b"X-ALT-DESC")]


def event_lines(body: bytes, *names: bytes) -> list[bytes]:
    """Give the event's unfolded lines in order of the alphabet; of these names only, when there are any."""
    text = body.replace(b"\r\n ", b"").split(b"BEGIN:VEVENT\r\n")[1].split(b"END:VEVENT")[0]
    return sorted(line for line in text.split(b"\r\n") if not names or line.startswith(names))
