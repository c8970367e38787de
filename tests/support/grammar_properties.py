"""The properties an event may have, by where they are defined, and what their values and parameters may be."""

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from grammar_values import (
    BINARY,
    BOOLEAN,
    CAL_ADDRESS,
    COLOR,
    DATE,
    DURATION,
    ETAG,
    FREE_PARAMETERS,
    GEO,
    INTEGER,
    PARAMETERS,
    PERIOD,
    SHORT_TEXT,
    STATUS_CODE,
    TEXT,
    TEXTS,
    TIME,
    URI,
    UTC,
    Drawn,
)


@dataclass(frozen=True)
class Kind:
    """A property: parameters that go with a form of its value and the value, for each form; parameters besides.

    ``is_once``: it must not stand twice in one component.
    """

    forms: tuple[tuple[str, Drawn], ...]
    parameters: tuple[str, ...] = ()
    is_once: bool = False


def kind(value: Drawn, *parameters: str, once: bool = False, also: tuple[tuple[str, Drawn], ...] = ()) -> Kind:
    """Give a property of one form, and others that its VALUE may choose."""
    return Kind((("", value), *also), parameters, once)


_TEXTUAL = ("ALTREP", "LANGUAGE")
_PERSON = ("CN", "DIR", "LANGUAGE", "SENT-BY", "EMAIL", "SCHEDULE-AGENT", "SCHEDULE-STATUS", "SCHEDULE-FORCE-SEND")
_BINARY = (";ENCODING=BASE64;VALUE=BINARY", BINARY)
_WORD = st.sampled_from(["Billing", "office", "X-room", "A\\, b"])

RFC_5545: Mapping[str, Kind] = {
    "CLASS": kind(st.sampled_from(["PUBLIC", "PRIVATE", "CONFIDENTIAL", "X-BOARD", "private"]), once=True),
    "CREATED": kind(UTC, once=True),
    "DESCRIPTION": kind(TEXT, *_TEXTUAL, once=True),
    "GEO": kind(GEO, once=True),
    "LAST-MODIFIED": kind(UTC, once=True),
    "LOCATION": kind(TEXT, *_TEXTUAL, once=True),
    "PRIORITY": kind(st.integers(0, 9).map(str), once=True),
    "SEQUENCE": kind(INTEGER, once=True),
    "STATUS": kind(st.sampled_from(["TENTATIVE", "CONFIRMED", "CANCELLED", "Confirmed"]), once=True),
    "SUMMARY": kind(TEXT, *_TEXTUAL, once=True),
    "TRANSP": kind(st.sampled_from(["OPAQUE", "TRANSPARENT"]), once=True),
    "URL": kind(URI, once=True, also=((";VALUE=URI", URI),)),
    "ATTACH": kind(URI, "FMTTYPE", "MANAGED-ID", "SIZE", "FILENAME", also=(_BINARY,)),
    "CATEGORIES": kind(TEXTS, "LANGUAGE"),
    "COMMENT": kind(TEXT, *_TEXTUAL),
    "CONTACT": kind(TEXT, *_TEXTUAL),
    "REQUEST-STATUS": kind(STATUS_CODE, "LANGUAGE"),
    "RELATED-TO": kind(SHORT_TEXT, "RELTYPE", "GAP", also=((";VALUE=URI", URI), (";VALUE=UID", SHORT_TEXT))),
    "RESOURCES": kind(TEXTS, *_TEXTUAL),
}
EXTENSIONS: Mapping[str, Kind] = {
    # RFC 7986
    "COLOR": kind(COLOR, once=True),
    "CONFERENCE": Kind(((";VALUE=URI", URI),), ("FEATURE", "LABEL", "LANGUAGE")),
    "IMAGE": Kind(((";VALUE=URI", URI), _BINARY), ("FMTTYPE", "DISPLAY", "ALTREP")),
    # RFC 9073
    "STRUCTURED-DATA": Kind(((";VALUE=TEXT", TEXT), _BINARY, (";VALUE=URI", URI)), ("FMTTYPE", "SCHEMA")),
    "STYLED-DESCRIPTION": Kind(((";VALUE=TEXT", TEXT), (";VALUE=URI", URI)), ("FMTTYPE", "DERIVED", *_TEXTUAL)),
    # RFC 9253
    "CONCEPT": kind(URI),
    "LINK": Kind(((";VALUE=URI;LINKREL=SOURCE", URI), (";VALUE=UID;LINKREL=SOURCE", SHORT_TEXT)), ("LABEL", "FMTTYPE")),
    "REFID": kind(SHORT_TEXT),
    # iana-prop of a time to come, and x-prop of every type
    "SOME-TIME": kind(TEXT, *_TEXTUAL),
    "X-FREE": kind(
        TEXT,
        *FREE_PARAMETERS,
        also=(
            (";VALUE=BOOLEAN", BOOLEAN),
            (";VALUE=CAL-ADDRESS", CAL_ADDRESS),
            (";VALUE=DATE", DATE),
            (";VALUE=DATE-TIME", UTC),
            (";VALUE=DURATION", DURATION),
            (";VALUE=FLOAT", GEO),
            (";VALUE=INTEGER", INTEGER),
            (";VALUE=PERIOD", PERIOD),
            (";VALUE=RECUR", st.just("FREQ=WEEKLY;BYDAY=MO,WE")),
            (";VALUE=TIME", TIME),
            (";VALUE=URI", URI),
            (";VALUE=UTC-OFFSET", st.just("-0330")),
            (";VALUE=X-OWN", TEXT),
        ),
    ),
}
CLIENTS: Mapping[str, Kind] = {
    # Thunderbird
    "X-MOZ-LASTACK": kind(UTC, once=True),
    "X-MOZ-SNOOZE-TIME": kind(UTC, once=True),
    "X-MOZ-SNOOZE-TIME-1646652000000000": kind(UTC, once=True),
    "X-MOZ-GENERATION": kind(INTEGER, once=True),
    "X-MOZ-SEND-INVITATIONS": kind(BOOLEAN, once=True),
    "X-MOZ-SEND-INVITATIONS-UNDISCLOSED": kind(BOOLEAN, once=True),
    "X-MOZ-FAKED-MASTER": kind(st.just("1"), once=True),
    # Apple
    "X-APPLE-STRUCTURED-LOCATION": Kind(
        ((";VALUE=URI", st.just("geo:52.5,13.4")),), ("X-TITLE", "X-ADDRESS", "X-APPLE-RADIUS", "X-APPLE-MAPKIT-HANDLE")
    ),
    "X-APPLE-TRAVEL-DURATION": Kind(((";VALUE=DURATION", DURATION),), is_once=True),
    "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR": kind(st.just("AUTOMATIC"), once=True),
    "X-APPLE-CREATOR-IDENTITY": kind(st.just("com.apple.mobilecal"), once=True),
    "X-APPLE-NEEDS-REPLY": kind(BOOLEAN, once=True),
    "X-CALENDARSERVER-ACCESS": kind(st.sampled_from(["PRIVATE", "RESTRICTED", "CONFIDENTIAL"]), once=True),
    # Outlook
    "X-ALT-DESC": Kind(((";FMTTYPE=text/html", TEXT),), is_once=True),
    "X-MICROSOFT-CDO-BUSYSTATUS": kind(st.sampled_from(["BUSY", "FREE", "TENTATIVE", "OOF"]), once=True),
    "X-MICROSOFT-CDO-INTENDEDSTATUS": kind(st.sampled_from(["BUSY", "FREE", "TENTATIVE", "OOF"]), once=True),
    "X-MICROSOFT-CDO-IMPORTANCE": kind(st.sampled_from("012"), once=True),
    "X-MICROSOFT-CDO-APPT-SEQUENCE": kind(INTEGER, once=True),
    "X-MICROSOFT-CDO-OWNERAPPTID": kind(INTEGER, once=True),
    "X-MICROSOFT-CDO-ALLDAYEVENT": kind(BOOLEAN, once=True),
    "X-MICROSOFT-CDO-INSTTYPE": kind(st.sampled_from("0123"), once=True),
    "X-MICROSOFT-DISALLOW-COUNTER": kind(BOOLEAN, once=True),
    "X-MICROSOFT-SKYPETEAMSMEETINGURL": kind(URI, once=True),
    "X-MS-OLK-APPTSEQTIME": kind(UTC, once=True),
    "X-MS-OLK-CONFTYPE": kind(st.just("0"), once=True),
    # Evolution, KDE, Google by way of DAVx5, calendar servers
    "X-EVOLUTION-CALDAV-ETAG": kind(ETAG, once=True),
    "X-EVOLUTION-CALDAV-HREF": kind(URI, once=True),
    "X-LIC-ERROR": kind(TEXT, "X-LIC-ERRORTYPE"),
    "X-KDE-KCALCORE-ENABLED": kind(BOOLEAN, once=True),
    "X-KDE-VOLATILE-AKONADI-ID": kind(INTEGER, once=True),
    "X-GOOGLE-CONFERENCE": kind(URI, once=True),
    "X-GOOGLE-CALENDAR-CONTENT-TITLE": kind(SHORT_TEXT, once=True),
    "X-SINGLE-PROPERTY": kind(TEXT),
    "X-RADICALE-NAME": kind(SHORT_TEXT, once=True),
}
OF_EVENTS: Mapping[str, Kind] = {**RFC_5545, **EXTENSIONS, **CLIENTS}
PEOPLE: Mapping[str, Kind] = {
    "ORGANIZER": kind(CAL_ADDRESS, *_PERSON, once=True),
    "ATTENDEE": kind(
        CAL_ADDRESS,
        *_PERSON,
        "CUTYPE",
        "MEMBER",
        "ROLE",
        "PARTSTAT",
        "RSVP",
        "DELEGATED-TO",
        "DELEGATED-FROM",
        "X-NUM-GUESTS",
        also=((";VALUE=CAL-ADDRESS", CAL_ADDRESS),),
    ),
}
OF_ALARMS: Mapping[str, Kind] = {
    # RFC 9074
    "UID": kind(SHORT_TEXT, once=True),
    "ACKNOWLEDGED": kind(UTC, once=True),
    "RELATED-TO": kind(SHORT_TEXT, "RELTYPE"),
    "PROXIMITY": kind(st.sampled_from(["ARRIVE", "DEPART", "CONNECT", "DISCONNECT", "X-NEAR"]), once=True),
    # What clients add
    "X-WR-ALARMUID": kind(st.just("9C9A3B0D"), once=True),
    "X-APPLE-DEFAULT-ALARM": kind(BOOLEAN, once=True),
    "X-APPLE-LOCAL-DEFAULT-ALARM": kind(BOOLEAN, once=True),
    "X-EVOLUTION-ALARM-UID": kind(SHORT_TEXT, once=True),
    "X-MOZ-LASTACK": kind(UTC, once=True),
    "X-KDE-KCALCORE-ENABLED": kind(BOOLEAN, once=True),
    "SOME-TIME": kind(TEXT),
}
OF_PARTS: Mapping[str, Mapping[str, Kind]] = {
    # RFC 9073 7
    "PARTICIPANT": {
        "CALENDAR-ADDRESS": kind(CAL_ADDRESS, once=True),
        "SUMMARY": kind(TEXT, *_TEXTUAL, once=True),
        "GEO": kind(GEO, once=True),
        "URL": kind(URI, once=True),
        "STRUCTURED-DATA": EXTENSIONS["STRUCTURED-DATA"],
        "STYLED-DESCRIPTION": EXTENSIONS["STYLED-DESCRIPTION"],
        "RELATED-TO": RFC_5545["RELATED-TO"],
    },
    "VLOCATION": {
        "NAME": kind(TEXT, *_TEXTUAL, once=True),
        "GEO": kind(GEO, once=True),
        "LOCATION-TYPE": kind(TEXTS, once=True),
        "DESCRIPTION": kind(TEXT, once=True),
        "URL": kind(URI, once=True),
        "STRUCTURED-DATA": EXTENSIONS["STRUCTURED-DATA"],
    },
    "VRESOURCE": {
        "NAME": kind(TEXT, *_TEXTUAL, once=True),
        "RESOURCE-TYPE": kind(_WORD, once=True),
        "GEO": kind(GEO, once=True),
        "STRUCTURED-DATA": EXTENSIONS["STRUCTURED-DATA"],
    },
    "X-COMPONENT": {"X-FREE": EXTENSIONS["X-FREE"], "SUMMARY": kind(TEXT), "DTSTART": kind(UTC, once=True)},
    "SOME-COMPONENT": {"SOME-TIME": kind(TEXT), "ATTENDEE": PEOPLE["ATTENDEE"]},
}
AROUND: Mapping[str, Kind] = {
    # RFC 7986 5
    "NAME": kind(TEXT, *_TEXTUAL),
    "DESCRIPTION": kind(TEXT, *_TEXTUAL),
    "UID": kind(SHORT_TEXT, once=True),
    "LAST-MODIFIED": kind(UTC, once=True),
    "URL": kind(URI, once=True),
    "CATEGORIES": kind(TEXTS),
    "REFRESH-INTERVAL": Kind(((";VALUE=DURATION", st.just("P1W")),), is_once=True),
    "SOURCE": Kind(((";VALUE=URI", URI),), is_once=True),
    "COLOR": kind(COLOR, once=True),
    "IMAGE": EXTENSIONS["IMAGE"],
    # What clients add
    "CALSCALE": kind(st.just("GREGORIAN"), once=True),
    "X-WR-CALNAME": kind(TEXT, once=True),
    "X-WR-TIMEZONE": kind(st.just("Europe/Berlin"), once=True),
    "X-MS-OLK-FORCEINSPECTOROPEN": kind(BOOLEAN, once=True),
    "X-KDE-ICAL-IMPLEMENTATION-VERSION": kind(st.just("1.0"), once=True),
    "X-FREE": EXTENSIONS["X-FREE"],
}


@st.composite
def properties(draw: st.DrawFn, name: str, one: Kind) -> str:
    """Draw a line of this property, with some of the parameters it may have and some that any may have."""
    fixed, value = draw(st.sampled_from(one.forms))
    names = st.sampled_from([*one.parameters, *FREE_PARAMETERS])
    chosen = draw(st.lists(names, max_size=3, unique=True)) if draw(st.integers(0, 2)) == 0 else []
    return f"{name}{fixed}{''.join(f';{each}={draw(PARAMETERS[each])}' for each in chosen)}:{draw(value)}"


@st.composite
def several_properties(draw: st.DrawFn, kinds: Mapping[str, Kind], most: int) -> list[str]:
    """Draw lines of some of these properties."""
    names = draw(st.lists(st.sampled_from(list(kinds)), max_size=most))
    wanted = [name for number, name in enumerate(names) if not kinds[name].is_once or name not in names[:number]]
    return [draw(properties(name, kinds[name])) for name in wanted]
