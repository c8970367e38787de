"""Files of events: shown as links, known again by them, and taken from the event where they come in it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import InvalidCalendarData
from bridge.ids import make_file_key, parse_file_url
from bridge.item import AttachedFile, AttachmentId, AttachmentRef, Content, Item, Uid
from bridge.mapping.attachments import WantedFiles
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.series import WantedSeries, to_ical, to_items
from bridge.model import Name

Body = Callable[..., bytes]
START, END = datetime(2026, 3, 10, 9, tzinfo=UTC), datetime(2026, 3, 10, 10, tzinfo=UTC)
CONTENT = Content(Uid("uid-1"), "Lunch", START, END)
AGENDA = AttachmentRef(AttachmentId("AAMk/agenda="), "Tagesordnung, neu.pdf", "application/pdf", 12345)
LOGO = AttachmentRef(AttachmentId("logo"), "logo.png", "image/png", 99, is_inline=True, content_id="logo@1")
KEY = make_file_key(AGENDA.id)
URL = f"https://bridge.test/anna@example.test/calendar/.attachments/lunch.ics/{KEY}/Tagesordnung,%20neu.pdf"


@pytest.fixture
def item(make_item: Callable[..., Item]) -> Item:
    return make_item(CONTENT, attachments=(AGENDA, LOGO))


def attach_lines(text: bytes) -> list[str]:
    unfolded = text.decode().replace("\r\n ", "")
    return [line for line in unfolded.split("\r\n") if line.startswith("ATTACH")]


def files(wanted: WantedSeries) -> WantedFiles:
    return wanted.files[None]


def put(make_body: Body, context: Context, *lines: str, stored: tuple[Item, ...] = ()) -> WantedFiles:
    return files(to_items(parse(make_body(*lines)), context, stored))


def test_a_file_is_shown_as_a_link_and_what_belongs_to_the_text_is_not(context: Context, item: Item) -> None:
    shown = to_ical((item,), context).text
    parameters = 'FMTTYPE=application/pdf;FILENAME="Tagesordnung, neu.pdf";SIZE=12345'
    assert attach_lines(shown) == [f"ATTACH;{parameters}:{URL}"]


def test_a_saved_event_leaves_its_files_and_changes_nothing(context: Context, item: Item) -> None:
    wanted = to_items(parse(to_ical((item,), context).text), context, (item,))
    assert wanted.master == item.content
    assert files(wanted) == WantedFiles(frozenset({KEY}))


@pytest.mark.parametrize(
    "line",
    [
        f"ATTACH:{URL}",
        f"ATTACH;FMTTYPE=x/y;MANAGED-ID=1:{URL}",
        f"ATTACH:{URL.replace('https://bridge.test', 'http://127.0.0.1:5232/prefix')}",
        f"ATTACH:{URL.replace('@', '%40').replace('%20', '+')}",
        f"ATTACH;VALUE=URI:{URL}",
    ],
)
def test_a_link_is_known_whatever_host_prefix_and_parameters_it_bears(
    context: Context, item: Item, make_body: Body, line: str
) -> None:
    wanted = to_items(parse(make_body("DTEND:20260310T100000Z", "SUMMARY:Lunch", line)), context, (item,))
    assert files(wanted) == WantedFiles(frozenset({KEY}))
    assert wanted.master is not None
    assert "ATTACH" not in (wanted.master.kept or "")


def test_a_link_that_is_gone_is_not_wanted(context: Context, item: Item, make_body: Body) -> None:
    assert put(make_body, context, "SUMMARY:Lunch", stored=(item,)) == WantedFiles()


def test_a_link_to_what_the_resource_does_not_have_is_told_apart(context: Context, make_body: Body) -> None:
    place = parse_file_url(URL)
    assert place is not None
    assert put(make_body, context, f"ATTACH:{URL}") == WantedFiles(others=(place,))


@pytest.mark.parametrize(
    ("line", "name", "content_type"),
    [
        ("FMTTYPE=text/plain;FILENAME=a.txt;ENCODING=BASE64;VALUE=BINARY:SGVsbG8=", "a.txt", "text/plain"),
        ("VALUE=BINARY;ENCODING=BASE64;X-FILENAME=b.bin:SGVsbG8=", "b.bin", "application/octet-stream"),
        ('ENCODING=BASE64;X-APPLE-FILENAME="c, d.txt";FMTTYPE=TEXT/Plain:SGVs bG8=', "c, d.txt", "text/plain"),
        ("FMTTYPE=application/pdf;ENCODING=BASE64;VALUE=BINARY:SGVsbG8=", "attachment.pdf", "application/pdf"),
        ("VALUE=BINARY;ENCODING=BASE64:SGVsbG8=", "attachment.bin", "application/octet-stream"),
        ("ENCODING=BASE64;VALUE=BINARY;FILENAME=..\\..\\evil.exe:SGVsbG8=", "evil.exe", "application/octet-stream"),
        ("ENCODING=BASE64;VALUE=BINARY;FILENAME=..:SGVsbG8=", "attachment.bin", "application/octet-stream"),
        ("FILENAME=e.txt:data:text/plain;base64,SGVsbG8=", "e.txt", "text/plain"),
        (":data:text/plain;charset=utf-8,Hel%6Co", "attachment.txt", "text/plain"),
        ("FMTTYPE=image/png:DATA:;base64,SGVsbG8=", "attachment.png", "image/png"),
    ],
)
def test_data_in_the_event_are_a_file(
    context: Context, make_body: Body, line: str, name: str, content_type: str
) -> None:
    line = f"ATTACH{line}" if line.startswith(":") else f"ATTACH;{line}"
    wanted = to_items(parse(make_body(line)), context, ())
    assert files(wanted) == WantedFiles(new=(AttachedFile(name, content_type, b"Hello"),))
    assert wanted.master is not None
    assert "SGVsbG8" not in (wanted.master.kept or "")


def test_a_long_name_keeps_its_ending(context: Context, make_body: Body) -> None:
    wanted = put(make_body, context, f"ATTACH;ENCODING=BASE64;VALUE=BINARY;FILENAME={'a' * 300}.docx:SGVsbG8=")
    assert wanted.new[0].name == "a" * 195 + ".docx"


@pytest.mark.parametrize(
    "line",
    [
        "ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVs*bG8=",
        "ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8",
        "ATTACH:data:text/plain;base64,SGVsbG8ü",
        "ATTACH:data:text/plain",
    ],
)
def test_bad_data_are_refused_by_name(context: Context, make_body: Body, line: str) -> None:
    with pytest.raises(InvalidCalendarData, match=r"^ATTACH in line \d+ is "):
        put(make_body, context, line)


@pytest.mark.parametrize(
    "uri",
    ["https://example.test/a.pdf", "CID:part@1", "https://example.test/.attachments/a/b/c", "ftp://x/.attachments/"],
)
def test_another_uri_is_kept_as_it_is(context: Context, make_body: Body, hold: Any, uri: str) -> None:
    line = f"ATTACH;FMTTYPE=application/pdf;X-A=1:{uri}"
    wanted = to_items(parse(make_body("TRANSP:OPAQUE", line)), context, ())
    assert files(wanted) == WantedFiles()
    assert attach_lines(to_ical(hold(wanted), context).text) == [line]


def test_data_that_were_kept_by_an_older_version_become_a_file_when_they_come_back(
    context: Context, make_item: Callable[..., Item]
) -> None:
    kept = '{"v":1,"more":["ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8="]}'
    item = make_item(Content(Uid("uid-1"), "Lunch", START, END, kept=kept))
    shown = to_ical((item,), context).text
    assert attach_lines(shown) == ["ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8="]
    wanted = to_items(parse(shown), context, (item,))
    assert [file.data for file in files(wanted).new] == [b"Hello"]
    assert wanted.master is not None
    assert "ATTACH" not in (wanted.master.kept or "")


def test_an_occurrence_with_a_file_of_its_own_is_an_exception_and_says_so(context: Context, hold: Any) -> None:
    body = series_body("ATTACH;FILENAME=one.txt;ENCODING=BASE64;VALUE=BINARY:SGVsbG8=")
    wanted = to_items(parse(body), context, ())
    moment = datetime(2026, 3, 17, 9, tzinfo=UTC)
    assert set(wanted.exceptions) == {moment}
    assert [file.name for file in wanted.files[moment].new] == ["one.txt"]
    items = hold(wanted)
    shown = to_ical(items, context).text
    assert len(attach_lines(shown)) == 1
    again = to_items(parse(shown), context, items)
    assert again.exceptions == wanted.exceptions
    assert again.files[moment] == WantedFiles(frozenset({make_file_key(items[1].attachments[0].id)}))


def test_an_override_that_repeats_the_series_link_brings_no_file(context: Context, hold: Any) -> None:
    first = hold(to_items(parse(series_body()), context, ()))
    (master,) = first
    stored = Item(master.ref, master.content, master.kind, attachments=(AGENDA,))
    wanted = to_items(parse(series_body(f"ATTACH:{URL}")), context, (stored,))
    assert wanted.exceptions == {}
    assert wanted.files[None] == WantedFiles()
    assert wanted.files[datetime(2026, 3, 17, 9, tzinfo=UTC)] == WantedFiles(frozenset({KEY}))


def test_an_exception_whose_event_is_gone_is_to_have_the_series_files(context: Context, hold: Any) -> None:
    moved = "SUMMARY:Moved"
    items = hold(to_items(parse(series_body(moved)), context, ()))
    stored = (
        Item(items[0].ref, items[0].content, items[0].kind, exceptions=items[0].exceptions, attachments=(AGENDA,)),
    )
    wanted = to_items(parse(series_body(with_override=False, master=f"ATTACH:{URL}")), context, (*stored, items[1]))
    assert wanted.files[datetime(2026, 3, 17, 9, tzinfo=UTC)] == WantedFiles(frozenset({KEY}))


def series_body(*lines: str, with_override: bool = True, master: str = "X-NOTHING:1") -> bytes:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    times = ["DTSTAMP:20260101T000000Z", "UID:series"]
    whole = ["BEGIN:VEVENT", *times, "DTSTART:20260310T090000Z", "DTEND:20260310T100000Z", master]
    whole += ["RRULE:FREQ=WEEKLY;COUNT=4", "END:VEVENT"]
    changed = ["BEGIN:VEVENT", *times, "RECURRENCE-ID:20260317T090000Z", "DTSTART:20260317T090000Z"]
    changed += ["DTEND:20260317T100000Z", "X-NOTHING:1", *lines, "END:VEVENT"]
    return "\r\n".join([*head, *whole, *(changed if with_override else ()), "END:VCALENDAR", ""]).encode()


def test_the_name_of_the_resource_is_in_the_link(context: Context, item: Item) -> None:
    (line,) = attach_lines(to_ical((item,), context.of(Name("ein Name.ics"))).text)
    assert "/.attachments/ein%20Name.ics/" in line
