"""Values and parameters as RFC 5545 3.2 and 3.3 have them, drawn by hypothesis as they stand in a line."""

import base64
from collections.abc import Callable, Mapping
from datetime import date, datetime

from hypothesis import strategies as st

Drawn = st.SearchStrategy[str]
NO_TEXT = "\ufffe\uffff"
"""XML 1.0, in which calendars travel, has no place for these."""


def escaped(text: str) -> str:
    """Write TEXT (RFC 5545 3.3.11)."""
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, written)
    return text


def words(most: int = 60) -> Drawn:
    """Draw characters: of any script, blanks where they hurt, marks that mean something somewhere."""
    of_any_kind = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters=NO_TEXT)
    odd = st.sampled_from(" \u00a0\u0085\u2028\ufeff\u200d,;:\\\"'^%<>&|=äß日😀\U000e0061")
    plain = st.sampled_from("abcde XYZ 0123456789-.")
    return st.text(st.one_of(plain, odd, of_any_kind), max_size=most)


def paragraphs(most: int = 60) -> Drawn:
    """Draw a text of several lines and tabs."""
    return st.lists(st.one_of(words(most), st.sampled_from(["", " ", "\t", "Zoom: https://x.test/?a=1&b=2"]))).map(
        "\n".join
    )


TEXT = st.one_of(
    words().map(escaped),
    paragraphs().map(escaped),
    words().map(lambda text: escaped(text).replace("\\n", "\\N")),
    st.integers(100, 900).map(lambda size: "long " * (size // 5)),
    st.just("<html><body><p>Formatted\\, &amp\\; long</p></body></html>"),
)
SHORT_TEXT = words(20).map(escaped)
TEXTS = st.lists(words(20).map(escaped), min_size=1, max_size=4).map(",".join)
URI = st.sampled_from(
    [
        "https://example.test/a?b=1&c=2,3;d#e",
        "http://example.test/%C3%BC/(x)'y'",
        "mailto:ben@example.test?subject=Hello%20there",
        "geo:52.5,13.4;u=10",
        "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "tel:+49-30-123456,,12345#",
        "cid:part1.0001@example.test",
        "data:text/plain;charset=utf-8,Hello%2C%20there",
        "xmpp:room@chat.example.test?join",
        "ftp://example.test/pub/agenda.pdf",
    ]
)
CAL_ADDRESS = st.sampled_from(
    [
        "mailto:ben@example.test",
        "MAILTO:Cleo@Example.Test",
        "mailto:a.example@example.test",
        "mailto:nobody%2Bcal@example.test",
        "mailto:o'neil@xn--bcher-kva.test",
        "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "invalid:nomail",
        "/principals/users/ben/",
        "https://example.test/people/ben",
    ]
)
INTEGER = st.integers(0, 2**31 - 1).map(str)
PERCENT = st.integers(0, 100).map(str)
BOOLEAN = st.sampled_from(["TRUE", "FALSE"])
FLOATS = st.sampled_from(["0.0", "37.386013", "-122.082932", "52", "-0.5", "180.000000"])
GEO = st.tuples(FLOATS, FLOATS).map(";".join)
BINARY = st.binary(max_size=300).map(lambda data: base64.b64encode(data).decode())
UTC = st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31)).map(  # noqa: DTZ001 - written as UTC
    lambda moment: f"{moment:%Y%m%dT%H%M%SZ}"
)
DATE = st.dates(date(1971, 1, 1), date(2037, 12, 31)).map(lambda day: f"{day:%Y%m%d}")
TIME = st.times().map(lambda moment: f"{moment:%H%M%S}")
DURATION = st.sampled_from(["PT0S", "PT15M", "-PT15M", "+P1D", "P7W", "-P1DT2H3M4S", "PT36H", "-PT900S", "P0D"])
REPEATS = st.tuples(st.sampled_from(["PT5M", "P1D", "PT30S"]), st.integers(1, 9))
PERIOD = st.tuples(UTC, st.sampled_from(["PT1H", "P1DT30M"])).map("/".join)
STATUS_CODE = st.tuples(st.sampled_from(["2.0", "3.1", "3.7", "5.1", "2.8.1"]), SHORT_TEXT).map(";".join)
COLOR = st.sampled_from(["turquoise", "DarkSlateGray", "red", "lightgoldenrodyellow"])
LANGUAGE = st.sampled_from(["de", "en-US", "zh-Hant-TW", "x-klingon"])
MEDIA = st.sampled_from(["text/plain", "application/pdf", "image/svg+xml", "text/html"])
ETAG = st.sampled_from(['"abc"', "W/5", "1646652000000"])


# --- parameters --------------------------------------------------------------------------------------


def written(text: str) -> str:
    """Write a parameter's value: escaped as RFC 6868 says, and quoted where it must be."""
    text = text.replace("^", "^^").replace('"', "^'").replace("\n", "^n")
    return f'"{text}"' if any(mark in text for mark in ";:,") else text


def quoted(text: str) -> str:
    """Write a parameter's value in quotes, whether it must be or not."""
    bare = written(text)
    return bare if bare.startswith('"') else f'"{bare}"'


def several(values: Drawn, write: Callable[[str], str] = quoted) -> Drawn:
    """Draw one to three values with commas between them."""
    return st.lists(values.map(write), min_size=1, max_size=3).map(",".join)


PARAMETER_TEXT = st.one_of(words(30), st.sampled_from(["Doe, Bea", 'The "Boss"', "two\nlines", "a^b^^c", ""]))
PARAMETERS: Mapping[str, Drawn] = {
    # RFC 5545 3.2
    "ALTREP": URI.map(quoted),
    "CN": st.one_of(PARAMETER_TEXT.map(written), PARAMETER_TEXT.map(quoted)),
    "CUTYPE": st.sampled_from(["INDIVIDUAL", "GROUP", "RESOURCE", "ROOM", "UNKNOWN", "X-ROBOT", "individual"]),
    "DELEGATED-FROM": several(CAL_ADDRESS),
    "DELEGATED-TO": several(CAL_ADDRESS),
    "DIR": URI.map(quoted),
    "FMTTYPE": MEDIA,
    "LANGUAGE": LANGUAGE,
    "MEMBER": several(CAL_ADDRESS),
    "PARTSTAT": st.sampled_from(["NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED", "X-MAYBE"]),
    "RELATED": st.sampled_from(["START", "END"]),
    "RELTYPE": st.sampled_from(["PARENT", "CHILD", "SIBLING", "SNOOZE", "DEPENDS-ON", "X-SEE"]),
    "ROLE": st.sampled_from(["CHAIR", "REQ-PARTICIPANT", "OPT-PARTICIPANT", "NON-PARTICIPANT", "X-GUEST"]),
    "RSVP": BOOLEAN,
    "SENT-BY": CAL_ADDRESS.map(quoted),
    # RFC 6638 7, RFC 7986 6, RFC 8607 4, RFC 9073 5, RFC 9253 6
    "SCHEDULE-AGENT": st.sampled_from(["CLIENT", "NONE", "SERVER"]),
    "SCHEDULE-STATUS": st.sampled_from(['"1.2"', "2.0", '"5.3,5.1"']),
    "SCHEDULE-FORCE-SEND": st.just("REQUEST"),
    "DISPLAY": several(st.sampled_from(["BADGE", "GRAPHIC", "FULLSIZE", "THUMBNAIL"]), str),
    "EMAIL": st.sampled_from(["ben@example.test", '"ben@example.test"']),
    "FEATURE": several(st.sampled_from(["AUDIO", "CHAT", "FEED", "MODERATOR", "PHONE", "SCREEN", "VIDEO"]), str),
    "LABEL": PARAMETER_TEXT.map(quoted),
    "MANAGED-ID": st.sampled_from(["aUNhbGVuZGFy", '"a:b"']),
    "FILENAME": PARAMETER_TEXT.map(written),
    "SIZE": st.integers(0, 10**9).map(str),
    "DERIVED": BOOLEAN,
    "ORDER": st.integers(1, 99).map(str),
    "SCHEMA": st.just('"https://schema.org/FlightReservation"'),
    "GAP": st.sampled_from(["P1D", "-PT5H"]),
    "LINKREL": st.sampled_from(["SOURCE", '"https://example.test/rel/agenda"']),
    # What clients add
    "X-NUM-GUESTS": st.integers(0, 9).map(str),
    "X-TITLE": PARAMETER_TEXT.map(quoted),
    "X-ADDRESS": PARAMETER_TEXT.map(quoted),
    "X-APPLE-RADIUS": st.just("70.58"),
    "X-APPLE-MAPKIT-HANDLE": st.just("CAESvAEaEglXsgCQ"),
    "X-EVOLUTION-CALDAV-ATTACHMENT-NAME": PARAMETER_TEXT.map(written),
    "X-LABEL": PARAMETER_TEXT.map(quoted),
    "X-LIC-ERRORTYPE": st.just("PROPERTY-PARSE-ERROR"),
    # x-param and iana-param
    "X-more": several(PARAMETER_TEXT, written),
    "SOME-DAY": several(PARAMETER_TEXT, quoted),
}
FREE_PARAMETERS = ("X-more", "SOME-DAY")
