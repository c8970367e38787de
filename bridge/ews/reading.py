"""Reading items: once through the children of a CalendarItem, each looked up by its tag.

Whatever is left out has the value Exchange gives it by default; of what is there twice the first counts. Only the id,
the change key, start and end must be there and make sense, and of a master also when it recurs.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from bridge.ews.attachment_refs import read_attachments
from bridge.ews.bodies import plain_body_uri, read_body, read_text_body, told_body
from bridge.ews.editions import Edition
from bridge.ews.element_readers import (
    Found,
    Read,
    keep_element,
    read_attendees,
    read_categories,
    read_choice,
    read_flag,
    read_instant,
    read_number,
    read_organizer,
    read_property,
    read_reference,
    read_text,
    read_zone,
)
from bridge.ews.items import written
from bridge.ews.meeting_zone import from_meeting_zone
from bridge.ews.named_properties import GLOBAL_OBJECT_ID, meeting_uri
from bridge.ews.recurrence import RecurrenceNotUnderstood, from_recurrence
from bridge.ews.series import from_deleted, from_modified, start_on
from bridge.ews.times import with_rules
from bridge.ews.xml import TYPES, Element, find_type, from_instant, type_element
from bridge.ids import PROPERTY_KEPT, PROPERTY_NAME, make_derived_uid
from bridge.item import (
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
    Response,
    Sensitivity,
    Uid,
    Zone,
)
from bridge.recurrence import Recurrence
from bridge.zone_rules import LAST_TOLD_YEAR

CALENDAR_ITEM = f"{{{TYPES}}}CalendarItem"

READ_ONLY_PATHS = (
    "item:Attachments",
    "item:DateTimeCreated",
    "item:LastModifiedTime",
    "calendar:IsMeeting",
    "calendar:IsCancelled",
    "calendar:CalendarItemType",
    "calendar:MyResponseType",
    "calendar:Organizer",
    "calendar:AppointmentSequenceNumber",
    "calendar:IsOnlineMeeting",
    "calendar:RecurrenceId",
    "calendar:OriginalStart",
    "calendar:ModifiedOccurrences",
    "calendar:DeletedOccurrences",
)
"""What is read beside what is written, of every edition."""
_SINCE_2013 = ("item:TextBody", "calendar:JoinOnlineMeetingUrl")
_ONLY_2007 = ("calendar:TimeZone",)
"""The zone's name for people: all there is where an item was written with no other."""

OUTLINE_PATHS = (
    "calendar:UID",
    "calendar:Start",
    "calendar:End",
    "calendar:LegacyFreeBusyStatus",
    "calendar:CalendarItemType",
)
"""What a listing is asked for: cheap, and among the few that SyncFolderItems gives (never bodies nor people)."""


def shape_paths(edition: Edition) -> list[Element]:
    """Make the paths to all that an item is read by."""
    paths = [row.field_uri() for row in written(edition)]
    paths += [type_element("FieldURI", FieldURI=path) for path in (*READ_ONLY_PATHS, *_further_paths(edition))]
    if edition < Edition.EXCHANGE_2013:
        paths.append(plain_body_uri())
    return [*paths, meeting_uri(GLOBAL_OBJECT_ID)]


def _further_paths(edition: Edition) -> tuple[str, ...]:
    if edition is Edition.EXCHANGE_2007:
        return _ONLY_2007
    return _SINCE_2013 if edition >= Edition.EXCHANGE_2013 else ()


def from_reference(element: Element) -> ItemRef:
    """Read the ItemId of an item. Raises ValueError when it has none."""
    reference = find_type(element, "ItemId")
    if reference is None or not reference.get("Id") or not reference.get("ChangeKey"):
        raise ValueError("no ItemId")
    return ItemRef(ItemId(reference.get("Id") or ""), ChangeKey(reference.get("ChangeKey") or ""))


def from_item(element: Element) -> Item:
    """Read a CalendarItem whole.

    Raises ValueError for one whose id or times are missing or make no sense; RecurrenceNotUnderstood and
    OccurrencesNotUnderstood, kinds of it, for a master of which it is not known when it takes place.
    """
    found: Found = {}
    for child in element:
        read = _READERS.get(child.tag)
        if read is not None:
            read(found, child)
    if "ref" not in found:
        raise ValueError("no ItemId")
    ref: ItemRef = found["ref"]
    kind: ItemKind = found.get("kind") or (ItemKind.MASTER if "recurrence" in found else ItemKind.SINGLE)
    content = _content(found, ref, kind)
    is_master = kind is ItemKind.MASTER
    modified, deleted = found.get("modified_occurrences"), found.get("deleted_occurrences")
    return Item(
        ref=ref,
        content=content,
        kind=kind,
        created=found.get("created"),
        modified=found.get("modified"),
        is_meeting=found.get("is_meeting", False),
        is_cancelled=found.get("is_cancelled", False),
        my_response=found.get("my_response", Response.UNKNOWN),
        organizer=found.get("organizer"),
        sequence=found.get("sequence", 0),
        is_online_meeting=found.get("is_online_meeting", False),
        join_url=found.get("join_url", ""),
        attachments=found.get("attachments", ()),
        exceptions=from_modified(modified, ref) if is_master and modified is not None else (),
        deleted=from_deleted(deleted) if is_master and deleted is not None else (),
        original_start=_original_start(found, kind, content),
    )


def _content(found: Found, ref: ItemRef, kind: ItemKind) -> Content:
    start_zone: Zone = found.get("start_zone") or from_meeting_zone(found.get("meeting_zone"), found.get("zone_text"))
    body, html = told_body(found)
    recurrence = None
    if kind is ItemKind.MASTER:
        if "recurrence" not in found:
            raise RecurrenceNotUnderstood("a master without a recurrence")
        recurrence = from_recurrence(found["recurrence"], start_zone)
        start_zone = _zone_of_series(found, start_zone, recurrence)
    end_zone: Zone = found.get("end_zone", start_zone)
    return Content(
        # Very old items have no UID; their id tells them apart as long as they stay where they are
        uid=found.get("uid") or make_derived_uid(Uid("no-uid"), ref.id),
        subject=found.get("subject", ""),
        start=from_instant(found.get("start")),
        end=from_instant(found.get("end")),
        start_zone=start_zone,
        end_zone=start_zone if end_zone.id == start_zone.id else end_zone,
        is_all_day=found.get("is_all_day", False),
        location=found.get("location", ""),
        body=body,
        html=html,
        sensitivity=found.get("sensitivity", Sensitivity.NORMAL),
        busy_status=found.get("busy_status", BusyStatus.BUSY),
        importance=found.get("importance", Importance.NORMAL),
        categories=found.get("categories", ()),
        reminder_minutes=found.get("reminder_minutes", 0) if found.get("has_reminder") else None,
        attendees=tuple(found.get("attendees", ())),
        recurrence=recurrence,
        name_stamp=found.get(PROPERTY_NAME),
        kept=found.get(PROPERTY_KEPT),
    )


def _zone_of_series(found: Found, zone: Zone, recurrence: Recurrence) -> Zone:
    """Give a series' zone with the rules that Exchange expands it by, where these are not ours all the while."""
    if "start_zone_element" not in found:
        return zone
    first, last = recurrence.start.year, recurrence.end.year if recurrence.end else LAST_TOLD_YEAR
    return with_rules(zone, found["start_zone_element"], first - 1, max(first, min(last, LAST_TOLD_YEAR)) + 1)


def _original_start(found: Found, kind: ItemKind, content: Content) -> datetime | None:
    """Give where the pattern has an instance; None for what is none.

    RecurrenceId tells it, and OriginalStart, which a single event may have too, meaning nothing. Where neither is told,
    an instance is known by the date in its global object id, as one without its master is.
    """
    if kind is ItemKind.MASTER:
        return None
    told: datetime | None = found.get("recurrence_id")
    if told is None and kind is not ItemKind.SINGLE:
        told = found.get("original_start")
    if told is None and "instance_date" in found:
        told = start_on(found["instance_date"], content)
    return content.start if told is None and kind is ItemKind.OCCURRENCE else told


def from_outline(element: Element) -> Outline:
    """Read the little that a listing tells of an item; what makes no sense is not known."""
    found: Found = {}
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


def _by_tag(readers: Mapping[str, Read]) -> Mapping[str, Read]:
    return MappingProxyType({f"{{{TYPES}}}{name}": read for name, read in readers.items()})


_READERS = _by_tag(
    {
        "ItemId": read_reference,
        "Subject": read_text("subject"),
        "Sensitivity": read_choice("sensitivity", Sensitivity),
        "Body": read_body,
        "TextBody": read_text_body,
        "Attachments": read_attachments,
        "Categories": read_categories,
        "Importance": read_choice("importance", Importance),
        "DateTimeCreated": read_instant("created"),
        "ReminderIsSet": read_flag("has_reminder"),
        "ReminderMinutesBeforeStart": read_number("reminder_minutes"),
        "ExtendedProperty": read_property,
        "LastModifiedTime": read_instant("modified"),
        "UID": read_text("uid"),
        "RecurrenceId": read_instant("recurrence_id"),
        "Start": read_text("start"),
        "End": read_text("end"),
        "OriginalStart": read_instant("original_start"),
        "IsAllDayEvent": read_flag("is_all_day"),
        "LegacyFreeBusyStatus": read_choice("busy_status", BusyStatus),
        "Location": read_text("location"),
        "IsMeeting": read_flag("is_meeting"),
        "IsCancelled": read_flag("is_cancelled"),
        "CalendarItemType": read_choice("kind", ItemKind),
        "MyResponseType": read_choice("my_response", Response),
        "Organizer": read_organizer,
        "RequiredAttendees": read_attendees(AttendeeRole.REQUIRED),
        "OptionalAttendees": read_attendees(AttendeeRole.OPTIONAL),
        "Resources": read_attendees(AttendeeRole.RESOURCE),
        "AppointmentSequenceNumber": read_number("sequence"),
        "Recurrence": keep_element("recurrence"),
        "ModifiedOccurrences": keep_element("modified_occurrences"),
        "DeletedOccurrences": keep_element("deleted_occurrences"),
        "MeetingTimeZone": keep_element("meeting_zone"),
        "TimeZone": read_text("zone_text"),
        "StartTimeZone": read_zone("start_zone"),
        "EndTimeZone": read_zone("end_zone"),
        "IsOnlineMeeting": read_flag("is_online_meeting"),
        "JoinOnlineMeetingUrl": read_text("join_url"),
    }
)
READ = frozenset(tag.removeprefix(f"{{{TYPES}}}") for tag in _READERS)
"""The elements of an item that are read."""
_OUTLINE_READERS = _by_tag(
    {
        "UID": read_text("uid"),
        "Start": read_instant("start_instant"),
        "End": read_instant("end_instant"),
        "LegacyFreeBusyStatus": read_choice("busy_status", BusyStatus),
        "CalendarItemType": read_choice("kind", ItemKind),
    }
)
