"""The specification of the mapping, beside the fields: what each of them says, and what becomes of everything else.

Every property, parameter and component of RFC 5545, 6638, 7986, 8607, 9073, 9074 and 9253, and every X- property that
the usual clients write, is owned by a field or stands here with its fate. ``docs/mapping.md`` shows these tables, and
each row has a sample that a test puts through.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Note:
    """What a field does: ``reads`` are attributes of `Item` that it shows beside those of the content it owns."""

    to_exchange: str
    to_client: str
    reads: frozenset[str] = frozenset()


class Fate(StrEnum):
    """What becomes of what no field owns."""

    KEPT = "kept"
    OURS = "ours"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Row:
    """A name that no field owns; ``sample`` is a line of it, ``note`` says more than the fate does."""

    source: str
    name: str
    fate: Fate
    sample: str
    note: str = ""


def _reads(*names: str) -> frozenset[str]:
    return frozenset(names)


NOTES: Mapping[str, Note] = MappingProxyType(
    {
        "UID": Note("as it is; it never changes afterwards", "as it is"),
        "RECURRENCE-ID": Note(
            "**shown**: it says which occurrence is meant",
            "in the form of the DTSTART of its series",
            _reads("kind", "original_start", "exceptions"),
        ),
        "SUMMARY": Note("on one line, at most 255 characters", "without blanks at its ends"),
        "DTSTART": Note("see [Times](#times)", "`DTSTART` and `DTEND`, whole days as dates"),
        "RRULE": Note("see [Series](#series)", "the rule that says what Exchange's pattern says"),
        "EXDATE": Note("the occurrence is deleted", "each in a line of its own", _reads("deleted")),
        "LOCATION": Note("on one line, at most 255 characters", "without blanks at its ends"),
        "DESCRIPTION": Note("see [Bodies](#bodies)", "the plain text; formatted HTML in `ALTREP`"),
        "CONFERENCE": Note(
            "**shown**", "where an online meeting is joined (Exchange 2013 and newer)", _reads("join_url")
        ),
        "CLASS": Note(
            "PUBLIC or none: Normal; PRIVATE: Private; CONFIDENTIAL: Confidential; unknown values: Private",
            "Personal is shown as PRIVATE; Normal as nothing",
        ),
        "TRANSP": Note(
            "see [Free and busy](#free-and-busy)",
            "the same table backwards",
            _reads("is_cancelled", "my_response", "is_meeting"),
        ),
        "CATEGORIES": Note("each once, at most 255 characters; none clears them", "one line"),
        "VALARM": Note(
            "on one's own calendar, the first display or sound alarm at or before the start, in minutes, at most five "
            "years; seconds are rounded so that it is not late. Further alarms are kept",
            "a display alarm; the client's own with the new time where Outlook changed it",
        ),
        "PRIORITY": Note("1 to 4: High, 6 to 9: Low, else Normal", "High: 1, Low: 9"),
        "ATTENDEE": Note(
            "see [People](#people)",
            "of a meeting, or of an item with attendees",
            _reads("organizer", "is_meeting", "my_response"),
        ),
        "ATTACH": Note(
            "see [Files](#files); other URIs are kept",
            "a link to the bridge, with FMTTYPE, FILENAME and SIZE",
            _reads("attachments"),
        ),
        "SEQUENCE": Note("**shown**", "when it is not 0", _reads("sequence")),
        "DTSTAMP": Note("**shown**", "always; 1970 where Exchange does not tell", _reads("modified")),
        "CREATED": Note("**shown**", "where Exchange tells", _reads("created")),
        "LAST-MODIFIED": Note("**shown**", "where Exchange tells", _reads("modified")),
    }
)
"""What each field does, by its name."""

ITEM_NOT_SHOWN: Mapping[str, str] = MappingProxyType(
    {
        "ref": "Exchange's id and version of the item: used towards Exchange alone",
        "content": "what is written: the fields own its attributes",
        "is_online_meeting": "`CONFERENCE` says so where there is an address to join at",
    }
)
"""The attributes of `Item` that no field reads, and why."""

_RFC = "RFC 5545"
_MOZ, _APPLE, _OUTLOOK = "Thunderbird", "Apple", "Outlook"
_KEPT, _OURS, _REFUSED = Fate.KEPT, Fate.OURS, Fate.REFUSED

PROPERTIES: tuple[Row, ...] = (
    Row(_RFC, "COMMENT", _KEPT, "COMMENT;LANGUAGE=en:Bring a pen\\, please"),
    Row(_RFC, "COMPLETED", _KEPT, "COMPLETED:20260310T100000Z", "of tasks; means nothing in an event"),
    Row(_RFC, "CONTACT", _KEPT, 'CONTACT;ALTREP="ldap://example.test/cn=Bea":Bea Doe'),
    Row(_RFC, "DUE", _KEPT, "DUE:20260310T100000Z", "of tasks; means nothing in an event"),
    Row(_RFC, "FREEBUSY", _KEPT, "FREEBUSY;FBTYPE=BUSY:20260310T090000Z/PT1H", "means nothing in an event"),
    Row(_RFC, "PERCENT-COMPLETE", _KEPT, "PERCENT-COMPLETE:40", "of tasks; means nothing in an event"),
    Row(_RFC, "RDATE", _REFUSED, "RDATE:20260312T090000Z", "Exchange has series by a rule only"),
    Row(_RFC, "RELATED-TO", _KEPT, "RELATED-TO;RELTYPE=SIBLING:other@example.test"),
    Row(_RFC, "REQUEST-STATUS", _KEPT, "REQUEST-STATUS:2.0;Success"),
    Row(_RFC, "RESOURCES", _KEPT, "RESOURCES:Beamer,Chairs", "words; rooms and things that can be asked are attendees"),
    Row(_RFC, "URL", _KEPT, "URL:https://example.test/agenda?a=1,2;b"),
    Row("RFC 2445", "EXRULE", _REFUSED, "EXRULE:FREQ=DAILY", "Exchange has series by a rule only"),
    Row("RFC 7986", "COLOR", _KEPT, "COLOR:turquoise"),
    Row("RFC 7986", "IMAGE", _KEPT, "IMAGE;VALUE=URI;DISPLAY=BADGE;FMTTYPE=image/png:https://example.test/a.png"),
    Row("RFC 9073", "LOCATION-TYPE", _KEPT, "LOCATION-TYPE:office"),
    Row("RFC 9073", "STRUCTURED-DATA", _KEPT, "STRUCTURED-DATA;FMTTYPE=application/json;VALUE=TEXT:{\\,}"),
    Row("RFC 9253", "CONCEPT", _KEPT, "CONCEPT:https://example.test/concepts/review"),
    Row("RFC 9253", "LINK", _KEPT, "LINK;LINKREL=SOURCE;VALUE=URI:https://example.test/origin"),
    Row("RFC 9253", "REFID", _KEPT, "REFID:itinerary-2026-03"),
    Row(_MOZ, "X-MOZ-FAKED-MASTER", _KEPT, "X-MOZ-FAKED-MASTER:1"),
    Row(_MOZ, "X-MOZ-GENERATION", _KEPT, "X-MOZ-GENERATION:3"),
    Row(_MOZ, "X-MOZ-INVITED-ATTENDEE", _KEPT, "X-MOZ-INVITED-ATTENDEE:mailto:anna@example.test"),
    Row(_MOZ, "X-MOZ-LASTACK", _KEPT, "X-MOZ-LASTACK:20260310T084500Z", "an alarm was dismissed"),
    Row(_MOZ, "X-MOZ-RECEIVED-DTSTAMP", _KEPT, "X-MOZ-RECEIVED-DTSTAMP:20260301T100000Z"),
    Row(_MOZ, "X-MOZ-RECEIVED-SEQUENCE", _KEPT, "X-MOZ-RECEIVED-SEQUENCE:2"),
    Row(_MOZ, "X-MOZ-SEND-INVITATIONS", _KEPT, "X-MOZ-SEND-INVITATIONS:TRUE", "the bridge mails nobody either way"),
    Row(_MOZ, "X-MOZ-SEND-INVITATIONS-UNDISCLOSED", _KEPT, "X-MOZ-SEND-INVITATIONS-UNDISCLOSED:FALSE"),
    Row(
        _MOZ,
        "X-MOZ-SNOOZE-TIME",
        _KEPT,
        "X-MOZ-SNOOZE-TIME:20260310T085500Z",
        "and with an occurrence's time behind it",
    ),
    Row(_APPLE, "X-APPLE-CREATOR-IDENTITY", _KEPT, "X-APPLE-CREATOR-IDENTITY:com.apple.mobilecal"),
    Row(_APPLE, "X-APPLE-EWS-BUSYSTATUS", _KEPT, "X-APPLE-EWS-BUSYSTATUS:BUSY"),
    Row(_APPLE, "X-APPLE-NEEDS-REPLY", _KEPT, "X-APPLE-NEEDS-REPLY:TRUE"),
    Row(_APPLE, "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR", _KEPT, "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC"),
    Row(_APPLE, "X-APPLE-TRAVEL-DURATION", _KEPT, "X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT30M", "blocks no time"),
    Row(_APPLE, "X-APPLE-TRAVEL-START", _KEPT, 'X-APPLE-TRAVEL-START;VALUE=URI;X-TITLE="Home, sweet":geo:52.5,13.4'),
    Row("Calendar Server", "X-CALENDARSERVER-ACCESS", _KEPT, "X-CALENDARSERVER-ACCESS:CONFIDENTIAL", "`CLASS` decides"),
    Row("Calendar Server", "X-CALENDARSERVER-ATTENDEE-COMMENT", _KEPT, "X-CALENDARSERVER-ATTENDEE-COMMENT:Late"),
    Row("Calendar Server", "X-CALENDARSERVER-PRIVATE-COMMENT", _KEPT, "X-CALENDARSERVER-PRIVATE-COMMENT:Maybe"),
    Row(
        _OUTLOOK,
        "X-MICROSOFT-CDO-ATTENDEE-CRITICAL-CHANGE",
        _KEPT,
        "X-MICROSOFT-CDO-ATTENDEE-CRITICAL-CHANGE:20260301T080000Z",
    ),
    Row(_OUTLOOK, "X-MICROSOFT-CDO-INSTTYPE", _KEPT, "X-MICROSOFT-CDO-INSTTYPE:0"),
    Row(
        _OUTLOOK,
        "X-MICROSOFT-CDO-OWNER-CRITICAL-CHANGE",
        _KEPT,
        "X-MICROSOFT-CDO-OWNER-CRITICAL-CHANGE:20260301T080000Z",
    ),
    Row(_OUTLOOK, "X-MICROSOFT-CDO-OWNERAPPTID", _KEPT, "X-MICROSOFT-CDO-OWNERAPPTID:-1452370"),
    Row(_OUTLOOK, "X-MICROSOFT-CDO-REPLYTIME", _KEPT, "X-MICROSOFT-CDO-REPLYTIME:20260301T080000Z"),
    Row(_OUTLOOK, "X-MICROSOFT-DISALLOW-COUNTER", _KEPT, "X-MICROSOFT-DISALLOW-COUNTER:TRUE"),
    Row(_OUTLOOK, "X-MICROSOFT-DONOTFORWARDMEETING", _KEPT, "X-MICROSOFT-DONOTFORWARDMEETING:FALSE"),
    Row(_OUTLOOK, "X-MICROSOFT-LOCATIONS", _KEPT, "X-MICROSOFT-LOCATIONS:[]"),
    Row(
        _OUTLOOK, "X-MICROSOFT-SKYPETEAMSMEETINGURL", _KEPT, "X-MICROSOFT-SKYPETEAMSMEETINGURL:https://example.test/l/1"
    ),
    Row(_OUTLOOK, "X-MS-OLK-AUTOFILLLOCATION", _KEPT, "X-MS-OLK-AUTOFILLLOCATION:TRUE"),
    Row(_OUTLOOK, "X-MS-OLK-CONFTYPE", _KEPT, "X-MS-OLK-CONFTYPE:0"),
    Row("Evolution", "X-EVOLUTION-CALDAV-ETAG", _KEPT, "X-EVOLUTION-CALDAV-ETAG:abc"),
    Row("Evolution", "X-EVOLUTION-CALDAV-HREF", _KEPT, "X-EVOLUTION-CALDAV-HREF:/a/b.ics"),
    Row("Evolution", "X-LIC-ERROR", _KEPT, "X-LIC-ERROR;X-LIC-ERRORTYPE=VALUE-PARSE-ERROR:No value"),
    Row("Google", "X-GOOGLE-CONFERENCE", _KEPT, "X-GOOGLE-CONFERENCE:https://example.test/abc"),
    Row("anybody", "X-…, and names that nobody has registered", _KEPT, "X-BOARD-ROOM;X-FLOOR=2:yes"),
)
"""The properties of an event that no field owns."""

AROUND: tuple[Row, ...] = (
    Row(_RFC, "CALSCALE", _KEPT, "CALSCALE:GREGORIAN", "another calendar is refused"),
    Row(_RFC, "METHOD", _REFUSED, "METHOD:REQUEST", "RFC 4791 4.1 allows none"),
    Row(_RFC, "PRODID", _OURS, "PRODID:-//Example//EN"),
    Row(_RFC, "VERSION", _OURS, "VERSION:2.0", "another version is refused"),
    Row("RFC 7986", "NAME, DESCRIPTION, UID, URL, LAST-MODIFIED, CATEGORIES, COLOR, IMAGE", _KEPT, "NAME:Work"),
    Row("RFC 7986", "REFRESH-INTERVAL", _KEPT, "REFRESH-INTERVAL;VALUE=DURATION:P1W"),
    Row("RFC 7986", "SOURCE", _KEPT, "SOURCE;VALUE=URI:https://example.test/work.ics"),
    Row("KDE", "X-KDE-ICAL-IMPLEMENTATION-VERSION", _KEPT, "X-KDE-ICAL-IMPLEMENTATION-VERSION:1.0"),
    Row("anybody", "X-WR-CALNAME, X-WR-TIMEZONE, X-WR-CALDESC, X-WR-RELCALID, X-…", _KEPT, "X-WR-CALNAME:Work"),
)
"""The properties that stand around the event."""

COMPONENTS: tuple[Row, ...] = (
    Row(_RFC, "VEVENT", _OURS, "", "what this page is about"),
    Row(
        _RFC,
        "VALARM",
        _KEPT,
        "ACTION:EMAIL",
        "the first that fits is the reminder; the others, with all that is in them",
    ),
    Row(_RFC, "VTIMEZONE", _KEPT, "TZID:Home", "a client's own; of known places we write our own"),
    Row(_RFC, "VTODO", _REFUSED, "SUMMARY:Buy milk", "tasks are no calendar items"),
    Row(_RFC, "VJOURNAL", _REFUSED, "SUMMARY:Dear diary", "journals are no calendar items"),
    Row(_RFC, "VFREEBUSY", _REFUSED, "FREEBUSY:20260310T090000Z/PT1H", "busy time is asked for, not stored"),
    Row("RFC 7953", "VAVAILABILITY", _REFUSED, "BUSYTYPE:BUSY", "office hours are no calendar items"),
    Row("RFC 9073", "PARTICIPANT", _KEPT, "PARTICIPANT-TYPE:SPEAKER", "with CALENDAR-ADDRESS and all that is in it"),
    Row("RFC 9073", "VLOCATION", _KEPT, "NAME:The office", "with all that is in it"),
    Row("RFC 9073", "VRESOURCE", _KEPT, "RESOURCE-TYPE:PROJECTOR", "with all that is in it"),
    Row("anybody", "X-…, and names that nobody has registered", _KEPT, "X-A:b", "with all that is in them"),
)
"""The components."""

ALARM_PROPERTIES: tuple[Row, ...] = (
    Row(_RFC, "ACTION, TRIGGER, DURATION, REPEAT", _KEPT, "REPEAT:2"),
    Row(_RFC, "DESCRIPTION, SUMMARY, ATTENDEE, ATTACH", _KEPT, "SUMMARY:Soon"),
    Row("RFC 9074", "UID", _KEPT, "UID:alarm-1"),
    Row("RFC 9074", "ACKNOWLEDGED", _KEPT, "ACKNOWLEDGED:20260310T084500Z", "it was dismissed"),
    Row("RFC 9074", "RELATED-TO", _KEPT, "RELATED-TO;RELTYPE=SNOOZE:alarm-0", "it was put off"),
    Row("RFC 9074", "PROXIMITY", _KEPT, "PROXIMITY:ARRIVE"),
    Row(_APPLE, "X-APPLE-DEFAULT-ALARM", _KEPT, "X-APPLE-DEFAULT-ALARM:TRUE"),
    Row(_APPLE, "X-APPLE-LOCAL-DEFAULT-ALARM", _KEPT, "X-APPLE-LOCAL-DEFAULT-ALARM:TRUE"),
    Row(_APPLE, "X-WR-ALARMUID", _KEPT, "X-WR-ALARMUID:1F2E"),
    Row("Evolution", "X-EVOLUTION-ALARM-UID", _KEPT, "X-EVOLUTION-ALARM-UID:1f2e"),
    Row("KDE", "X-KDE-KCALCORE-ENABLED", _KEPT, "X-KDE-KCALCORE-ENABLED:TRUE"),
)
"""What stands in an alarm, the reminder's included."""

_WITH_PEOPLE = "stays with the person, whatever Outlook changes of the others"
PARAMETERS: tuple[Row, ...] = (
    Row(_RFC, "ALTREP", _KEPT, 'LOCATION;ALTREP="https://example.test/map":Canteen', "of DESCRIPTION: the HTML body"),
    Row(_RFC, "CN", _KEPT, "ATTENDEE;CN=Bea:mailto:bea@example.test", "the name in Exchange's list"),
    Row(_RFC, "CUTYPE", _KEPT, "ATTENDEE;CUTYPE=GROUP:mailto:bea@example.test", "ROOM and RESOURCE make a resource"),
    Row(
        _RFC,
        "DELEGATED-FROM",
        _KEPT,
        'ATTENDEE;DELEGATED-FROM="mailto:c@example.test":mailto:bea@example.test',
        _WITH_PEOPLE,
    ),
    Row(
        _RFC,
        "DELEGATED-TO",
        _KEPT,
        'ATTENDEE;DELEGATED-TO="mailto:c@example.test":mailto:bea@example.test',
        _WITH_PEOPLE,
    ),
    Row(_RFC, "DIR", _KEPT, 'ATTENDEE;DIR="ldap://example.test/cn=Bea":mailto:bea@example.test', _WITH_PEOPLE),
    Row(
        _RFC,
        "ENCODING",
        _KEPT,
        "IMAGE;VALUE=BINARY;ENCODING=BASE64;FMTTYPE=image/gif:R0lGODlhAQABAAAAACw=",
        "of ATTACH: a file",
    ),
    Row(_RFC, "FMTTYPE", _KEPT, "IMAGE;FMTTYPE=image/png;VALUE=URI:https://example.test/a.png"),
    Row(_RFC, "FBTYPE", _KEPT, "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260310T090000Z/PT1H"),
    Row(_RFC, "LANGUAGE", _KEPT, "SUMMARY;LANGUAGE=de:Mittagessen", "while the text is the client's"),
    Row(
        _RFC,
        "MEMBER",
        _KEPT,
        'ATTENDEE;MEMBER="mailto:a@example.test","mailto:b@example.test":mailto:bea@example.test',
        _WITH_PEOPLE,
    ),
    Row(
        _RFC,
        "PARTSTAT",
        _KEPT,
        "ATTENDEE;PARTSTAT=TENTATIVE:mailto:bea@example.test",
        "until an answer arrives at Exchange",
    ),
    Row(_RFC, "RANGE", _REFUSED, "RECURRENCE-ID;RANGE=THISANDFUTURE:20260311T090000Z", "see [Series](#series)"),
    Row(_RFC, "RELATED", _KEPT, "TRIGGER;RELATED=END:-PT5M", "of an alarm at the end: kept with it"),
    Row(_RFC, "RELTYPE", _KEPT, "RELATED-TO;RELTYPE=CHILD:other@example.test"),
    Row(_RFC, "ROLE", _KEPT, "ATTENDEE;ROLE=CHAIR:mailto:bea@example.test", "see [People](#people)"),
    Row(_RFC, "RSVP", _KEPT, "ATTENDEE;RSVP=TRUE:mailto:bea@example.test", _WITH_PEOPLE),
    Row(_RFC, "SENT-BY", _KEPT, 'ORGANIZER;SENT-BY="mailto:sec@example.test":mailto:anna@example.test', _WITH_PEOPLE),
    Row(_RFC, "TZID", _KEPT, "DTSTART;TZID=/vendor.example/Europe/Berlin:20260310T100000", "see [Times](#times)"),
    Row(_RFC, "VALUE", _KEPT, "X-DAY;VALUE=DATE:20260310"),
    Row("RFC 6638", "SCHEDULE-AGENT", _KEPT, "ATTENDEE;SCHEDULE-AGENT=NONE:mailto:bea@example.test", _WITH_PEOPLE),
    Row(
        "RFC 6638",
        "SCHEDULE-FORCE-SEND",
        _KEPT,
        "ATTENDEE;SCHEDULE-FORCE-SEND=REQUEST:mailto:bea@example.test",
        _WITH_PEOPLE,
    ),
    Row("RFC 6638", "SCHEDULE-STATUS", _KEPT, 'ATTENDEE;SCHEDULE-STATUS="2.0":mailto:bea@example.test', _WITH_PEOPLE),
    Row("RFC 7986", "DISPLAY", _KEPT, "IMAGE;VALUE=URI;DISPLAY=BADGE:https://example.test/a.png"),
    Row(
        "RFC 7986",
        "EMAIL",
        _KEPT,
        "ATTENDEE;EMAIL=bea@example.test:urn:uuid:1f2e",
        "the address where the value is none",
    ),
    Row("RFC 7986", "FEATURE", _KEPT, "CONFERENCE;VALUE=URI;FEATURE=PHONE:tel:+1-412-555-0123"),
    Row("RFC 7986", "LABEL", _KEPT, 'CONFERENCE;VALUE=URI;LABEL="Dial in, please":tel:+1-412-555-0123'),
    Row("RFC 8607", "FILENAME", _KEPT, "ATTACH;FILENAME=a.txt:https://example.test/a.txt"),
    Row(
        "RFC 8607",
        "MANAGED-ID",
        _KEPT,
        "ATTACH;MANAGED-ID=1:https://example.test/a.txt",
        "no managed attachments by POST",
    ),
    Row("RFC 8607", "SIZE", _KEPT, "ATTACH;SIZE=4:https://example.test/a.txt"),
    Row("RFC 9073", "DERIVED", _KEPT, "STRUCTURED-DATA;DERIVED=TRUE;VALUE=TEXT:a"),
    Row("RFC 9073", "ORDER", _KEPT, "COMMENT;ORDER=1:first"),
    Row("RFC 9073", "SCHEMA", _KEPT, 'STRUCTURED-DATA;SCHEMA="https://schema.org/Event";VALUE=TEXT:a'),
    Row("RFC 9253", "GAP", _KEPT, "RELATED-TO;RELTYPE=FINISHTOSTART;GAP=PT5M:other@example.test"),
    Row("RFC 9253", "LINKREL", _KEPT, "LINK;LINKREL=SOURCE;VALUE=URI:https://example.test/origin"),
    Row("anybody", "X-…, and names that nobody has registered", _KEPT, "SUMMARY;X-FLOOR=2:Lunch"),
)
"""The parameters. Kept means: they come back with their property, while what it says is what the client said."""
