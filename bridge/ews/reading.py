"""Reading items: once through the children of a CalendarItem, each looked up by its tag.

Whatever is left out has the value Exchange gives it by default; of what is there twice the first counts. Only the id,
the change key, start and end must be there and make sense.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from bridge.ews.items import WRITTEN
from bridge.ews.named_properties import from_property
from bridge.ews.times import from_zone
from bridge.ews.xml import TYPES, Element, find_type, from_boolean, from_instant, type_element, type_text
from bridge.ids import PROPERTY_KEPT, PROPERTY_NAME, make_derived_uid
from bridge.model import (
    UTC_ZONE,
    Attendee,
    AttendeeRole,
    BusyStatus,
    ChangeKey,
    Content,
    Importance,
    Item,
    ItemId,
    ItemKind,
    ItemRef,
    Outline,
    Person,
    Response,
    Sensitivity,
    Uid,
    Zone,
)

CALENDAR_ITEM = f"{{{TYPES}}}CalendarItem"

READ_ONLY_PATHS = (
    "item:Importance",
    "item:DateTimeCreated",
    "item:LastModifiedTime",
    "calendar:IsMeeting",
    "calendar:IsCancelled",
    "calendar:CalendarItemType",
    "calendar:MyResponseType",
    "calendar:Organizer",
    "calendar:RequiredAttendees",
    "calendar:OptionalAttendees",
    "calendar:Resources",
    "calendar:AppointmentSequenceNumber",
    "calendar:IsOnlineMeeting",
)
"""What is read beside what is written."""

OUTLINE_PATHS = (
    "calendar:UID",
    "calendar:Start",
    "calendar:End",
    "calendar:LegacyFreeBusyStatus",
    "calendar:CalendarItemType",
)
"""What a listing is asked for: cheap, and among the few that SyncFolderItems gives (never bodies nor people)."""

_Found = dict[str, Any]
_Read = Callable[[_Found, Element], None]
_Enum = TypeVar("_Enum", bound=StrEnum)


def shape_paths() -> list[Element]:
    """Make the paths to all that an item is read by."""
    return [row.field_uri() for row in WRITTEN] + [type_element("FieldURI", FieldURI=path) for path in READ_ONLY_PATHS]


def from_reference(element: Element) -> ItemRef:
    """Read the ItemId of an item. Raises ValueError when it has none."""
    reference = find_type(element, "ItemId")
    if reference is None or not reference.get("Id") or not reference.get("ChangeKey"):
        raise ValueError("no ItemId")
    return ItemRef(ItemId(reference.get("Id") or ""), ChangeKey(reference.get("ChangeKey") or ""))


def from_item(element: Element) -> Item:
    """Read a CalendarItem whole. Raises ValueError for one whose id or times are missing or make no sense."""
    found: _Found = {}
    for child in element:
        read = _READERS.get(child.tag)
        if read is not None:
            read(found, child)
    if "ref" not in found:
        raise ValueError("no ItemId")
    ref: ItemRef = found["ref"]
    start_zone: Zone = found.get("start_zone", UTC_ZONE)
    content = Content(
        # Very old items have no UID; their id tells them apart as long as they stay where they are
        uid=found.get("uid") or make_derived_uid(Uid("no-uid"), ref.id),
        subject=found.get("subject", ""),
        start=from_instant(found.get("start")),
        end=from_instant(found.get("end")),
        start_zone=start_zone,
        end_zone=found.get("end_zone", start_zone),
        is_all_day=found.get("is_all_day", False),
        location=found.get("location", ""),
        body=found.get("body", ""),
        sensitivity=found.get("sensitivity", Sensitivity.NORMAL),
        busy_status=found.get("busy_status", BusyStatus.BUSY),
        categories=found.get("categories", ()),
        reminder_minutes=found.get("reminder_minutes", 0) if found.get("has_reminder") else None,
        name_stamp=found.get(PROPERTY_NAME),
        kept=found.get(PROPERTY_KEPT),
    )
    return Item(
        ref=ref,
        content=content,
        kind=found.get("kind", ItemKind.SINGLE),
        created=found.get("created"),
        modified=found.get("modified"),
        is_meeting=found.get("is_meeting", False),
        is_cancelled=found.get("is_cancelled", False),
        my_response=found.get("my_response", Response.UNKNOWN),
        organizer=found.get("organizer"),
        attendees=tuple(found.get("attendees", ())),
        importance=found.get("importance", Importance.NORMAL),
        sequence=found.get("sequence", 0),
        is_online_meeting=found.get("is_online_meeting", False),
    )


def from_outline(element: Element) -> Outline:
    """Read the little that a listing tells of an item; what makes no sense is not known."""
    found: _Found = {}
    for child in element:
        read = _OUTLINE_READERS.get(child.tag)
        if read is not None:
            read(found, child)
    return Outline(
        uid=found.get("uid"),
        start=found.get("start_instant"),
        end=found.get("end_instant"),
        busy_status=found.get("busy_status", BusyStatus.BUSY),
        kind=found.get("kind", ItemKind.SINGLE),
    )


# --- one reader per element --------------------------------------------------------------------------


def _text(key: str) -> _Read:
    def read(found: _Found, element: Element) -> None:
        found.setdefault(key, element.text or "")

    return read


def _flag(key: str) -> _Read:
    def read(found: _Found, element: Element) -> None:
        found.setdefault(key, from_boolean(element.text))

    return read


def _choice(key: str, kind: type[_Enum]) -> _Read:
    """Read one of the names of a kind; a name that is not known to us counts as not told."""
    by_name: Mapping[str, _Enum] = MappingProxyType({member.value: member for member in kind})

    def read(found: _Found, element: Element) -> None:
        member = by_name.get((element.text or "").strip())
        if member is not None:
            found.setdefault(key, member)

    return read


def _number(key: str) -> _Read:
    def read(found: _Found, element: Element) -> None:
        text = (element.text or "").strip()
        if text.removeprefix("-").isdecimal():
            found.setdefault(key, int(text))

    return read


def _instant(key: str) -> _Read:
    def read(found: _Found, element: Element) -> None:
        try:
            found.setdefault(key, from_instant(element.text))
        except ValueError:
            return

    return read


def _body(found: _Found, element: Element) -> None:
    found.setdefault("body", (element.text or "").replace("\r\n", "\n").replace("\r", "\n"))


def _categories(found: _Found, element: Element) -> None:
    found.setdefault("categories", tuple(text for text in (child.text for child in element) if text))


def _reference(found: _Found, element: Element) -> None:
    id_, key = element.get("Id"), element.get("ChangeKey")
    if id_ and key:
        found.setdefault("ref", ItemRef(ItemId(id_), ChangeKey(key)))


def _zone(key: str) -> _Read:
    def read(found: _Found, element: Element) -> None:
        found.setdefault(key, from_zone(element))

    return read


def _property(found: _Found, element: Element) -> None:
    ours = from_property(element)
    if ours is not None:
        found.setdefault(*ours)


def _person(element: Element) -> Person | None:
    mailbox = find_type(element, "Mailbox")
    if mailbox is None:
        return None
    return Person(type_text(mailbox, "EmailAddress"), type_text(mailbox, "Name"))


def _organizer(found: _Found, element: Element) -> None:
    person = _person(element)
    if person is not None:
        found.setdefault("organizer", person)


_RESPONSES: Mapping[str, Response] = MappingProxyType({member.value: member for member in Response})


def _attendees(role: AttendeeRole) -> _Read:
    def read(found: _Found, element: Element) -> None:
        people = found.setdefault("attendees", [])
        for child in element:
            person = _person(child)
            if person is not None:
                response = _RESPONSES.get(type_text(child, "ResponseType"), Response.UNKNOWN)
                people.append(Attendee(person, role, response))

    return read


def _by_tag(readers: Mapping[str, _Read]) -> Mapping[str, _Read]:
    return MappingProxyType({f"{{{TYPES}}}{name}": read for name, read in readers.items()})


_READERS = _by_tag(
    {
        "ItemId": _reference,
        "Subject": _text("subject"),
        "Sensitivity": _choice("sensitivity", Sensitivity),
        "Body": _body,
        "Categories": _categories,
        "Importance": _choice("importance", Importance),
        "DateTimeCreated": _instant("created"),
        "ReminderIsSet": _flag("has_reminder"),
        "ReminderMinutesBeforeStart": _number("reminder_minutes"),
        "ExtendedProperty": _property,
        "LastModifiedTime": _instant("modified"),
        "UID": _text("uid"),
        "Start": _text("start"),
        "End": _text("end"),
        "IsAllDayEvent": _flag("is_all_day"),
        "LegacyFreeBusyStatus": _choice("busy_status", BusyStatus),
        "Location": _text("location"),
        "IsMeeting": _flag("is_meeting"),
        "IsCancelled": _flag("is_cancelled"),
        "CalendarItemType": _choice("kind", ItemKind),
        "MyResponseType": _choice("my_response", Response),
        "Organizer": _organizer,
        "RequiredAttendees": _attendees(AttendeeRole.REQUIRED),
        "OptionalAttendees": _attendees(AttendeeRole.OPTIONAL),
        "Resources": _attendees(AttendeeRole.RESOURCE),
        "AppointmentSequenceNumber": _number("sequence"),
        "StartTimeZone": _zone("start_zone"),
        "EndTimeZone": _zone("end_zone"),
        "IsOnlineMeeting": _flag("is_online_meeting"),
    }
)
_OUTLINE_READERS = _by_tag(
    {
        "UID": _text("uid"),
        "Start": _instant("start_instant"),
        "End": _instant("end_instant"),
        "LegacyFreeBusyStatus": _choice("busy_status", BusyStatus),
        "CalendarItemType": _choice("kind", ItemKind),
    }
)
