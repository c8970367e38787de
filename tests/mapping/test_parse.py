"""Reading bodies: what is seen in the wild is read, the rest is refused by line."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidCalendarData, Refused
from bridge.mapping.calendar_object import parse
from bridge.mapping.lines import escape, fold, parse_line, split_list, unescape, unfold

Body = Callable[..., bytes]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.replace(b"\r\n", b"\n"),
        lambda body: body.replace(b"\r\n", b"\r"),
        lambda body: body.replace(b"\r\n", b"\r\r\n"),
        lambda body: body.replace(b"\r\n", b"\r\n\r\n") + b"\r\n  \r\n",
        lambda body: body.replace(b"Lunch at ", b"Lunch\r\n  at\r\n\t "),
        lambda body: body.replace(b"BEGIN:", b"begin:").replace(b"END:VEVENT", b"End:vevent"),
    ],
    ids=["byte order mark", "LF", "CR", "CR CR LF", "blank lines", "folded", "small letters"],
)
def test_a_body_is_read_however_its_lines_end(spoil: Callable[[bytes], bytes], make_body: Body) -> None:
    event = parse(spoil(make_body("SUMMARY:Lunch at ten"))).event
    summary = event.get("SUMMARY")
    assert summary is not None
    assert summary.text == "Lunch at ten"


def test_a_line_folded_inside_a_character_is_read(make_body: Body) -> None:
    body = make_body("SUMMARY:Büro").replace("ü".encode(), b"\xc3\r\n \xbc")
    summary = parse(body).event.get("SUMMARY")
    assert summary is not None
    assert summary.text == "Büro"


def test_what_is_not_utf_8_is_refused_by_line(make_body: Body) -> None:
    with pytest.raises(InvalidCalendarData, match=r"^Line 8 is not UTF-8\.$"):
        parse(make_body("SUMMARY:Büro").replace("ü".encode(), b"\xfc"))


def test_characters_that_no_calendar_may_hold_become_spaces(make_body: Body) -> None:
    summary = parse(make_body("SUMMARY:a\x00b\x0bc")).event.get("SUMMARY")
    assert summary is not None
    assert summary.raw == "SUMMARY:a b c"


@pytest.mark.parametrize("body", [b"", b"<html>", b"BEGIN:VCARD\r\nEND:VCARD\r\n", b"\xff\xfeB\x00E\x00"])
def test_what_is_no_calendar_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidCalendarData):
        parse(body)


def test_components_nested_without_end_are_refused() -> None:
    body = b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X-DEEP\r\n" * 100_000
    with pytest.raises(InvalidCalendarData, match="too deep"):
        parse(body)


@pytest.mark.parametrize(
    ("raw", "parameters", "value"),
    [
        ("X-A:b:c;d", (), "b:c;d"),
        ('ATTENDEE;CN="Doe, J: x";X=1,"2,3":mailto:a', (("CN", ("Doe, J: x",)), ("X", ("1", "2,3"))), "mailto:a"),
        ("DTSTART;;VALUE=DATE:20260310", (("VALUE", ("DATE",)),), "20260310"),
        ("X-A;NAME=^'q^'^n^^:v", (("NAME", ('"q"\n^',)),), "v"),
        ("X-A;EMPTY=:v", (("EMPTY", ("",)),), "v"),
    ],
)
def test_a_line_is_taken_apart(raw: str, parameters: object, value: str) -> None:
    line = parse_line(raw)
    assert (line.parameters, line.value) == (parameters, value)


def test_an_empty_parameter_is_not_given_back() -> None:
    assert parse_line("DTSTART;;VALUE=DATE:20260310").raw == "DTSTART;VALUE=DATE:20260310"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.just("\n")))
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    text = text.replace("\ufffe", "").replace("\uffff", "")
    assert unescape(escape(text)) == text


@given(st.lists(st.text("ab,;\\\n:"), min_size=1))
def test_a_list_is_read_as_it_was_written(texts: list[str]) -> None:
    assert split_list(",".join(map(escape, texts))) == texts


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=200)))
def test_lines_are_unfolded_as_they_were_folded(texts: list[str]) -> None:
    lines = ["X:" + text.replace("\ufffe", "").replace("\uffff", "") for text in texts]
    assert [line for _, line in unfold(fold(lines))] == lines


PIECES = st.sampled_from(
    ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "END:VCALENDAR", "UID:1", "DTSTART:20260310", "X-A;B", ";", ":"]
)


@given(st.lists(PIECES | st.text(max_size=5)))
def test_any_body_is_read_or_refused(pieces: list[str]) -> None:
    body = "\r\n".join(pieces).encode("utf-8", "surrogatepass")
    with suppress(Refused):  # anything else fails the test
        assert parse(body).uid
