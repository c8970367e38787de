"""What an item tells of the series it belongs to: a master of its occurrences, an occurrence of its place.

OccurrenceInfoType, DeletedOccurrenceInfoType and OccurrenceItemIdType of types.xsd; MS-OXOCAL for the object ids.
"""

import base64
import binascii
from datetime import date, datetime

from bridge.ews.named_properties import GLOBAL_OBJECT_ID
from bridge.ews.xml import TYPES, Element, find_type, from_instant, type_element, type_text
from bridge.item import ChangeKey, Content, ItemId, ItemRef, OccurrenceRef
from bridge.zones import to_rules

_GOID_DATE = slice(16, 20)
"""Year (two bytes, high one first), month and day of an instance in its global object id (MS-OXOCAL 2.2.1.27)."""


class OccurrencesNotUnderstood(ValueError):
    """A list of changed or deleted occurrences with an entry that makes no sense: the series is not known whole."""


def occurrence_id(master: ItemRef, index: int, change_key: ChangeKey | None = None) -> Element:
    """Name an occurrence by its place in the pattern, counted from 1, deleted ones too."""
    named = type_element("OccurrenceItemId", RecurringMasterId=master.id, InstanceIndex=str(index))
    if change_key is not None:
        named.set("ChangeKey", change_key)
    return named


def from_modified(element: Element, master: ItemRef) -> tuple[OccurrenceRef, ...]:
    """Read ModifiedOccurrences. Raises OccurrencesNotUnderstood.

    One without a change key of its own has the master's (OccurrenceItemId: the key is the same for a master and its
    occurrences). One without OriginalStart is taken for not moved: servers leave out what tells nothing new.
    """
    try:
        return tuple(_changed(one, master) for one in element.iterchildren(f"{{{TYPES}}}Occurrence"))
    except ValueError as error:
        raise OccurrencesNotUnderstood("a changed occurrence that makes no sense") from error


def _changed(element: Element, master: ItemRef) -> OccurrenceRef:
    reference = find_type(element, "ItemId")
    id_ = reference.get("Id") if reference is not None else None
    if reference is None or not id_:
        raise ValueError("no ItemId")
    start = from_instant(type_text(element, "Start"))
    original = type_text(element, "OriginalStart")
    return OccurrenceRef(
        ref=ItemRef(ItemId(id_), ChangeKey(reference.get("ChangeKey") or master.change_key)),
        original_start=from_instant(original) if original else start,
        start=start,
        end=from_instant(type_text(element, "End")),
    )


def from_deleted(element: Element) -> tuple[datetime, ...]:
    """Read DeletedOccurrences: their original starts (UTC). Raises OccurrencesNotUnderstood."""
    try:
        listed = element.iterchildren(f"{{{TYPES}}}DeletedOccurrence")
        return tuple(from_instant(type_text(one, "Start")) for one in listed)
    except ValueError as error:
        raise OccurrencesNotUnderstood("a deleted occurrence that makes no sense") from error


def instance_date(element: Element) -> date | None:
    """Read an ExtendedProperty: the date of an instance where it is a global object id that holds one, else None."""
    uri = find_type(element, "ExtendedFieldURI")
    if uri is None or uri.get("DistinguishedPropertySetId") != "Meeting" or not _is_goid(uri.get("PropertyId")):
        return None
    try:
        high, low, month, day = base64.b64decode(type_text(element, "Value"))[_GOID_DATE]
        return date(high << 8 | low, month, day)
    except (ValueError, binascii.Error):
        return None


def _is_goid(number: str | None) -> bool:
    return number is not None and number.isascii() and number.isdigit() and int(number) == GLOBAL_OBJECT_ID


def start_on(day: date, content: Content) -> datetime | None:
    """Give the instant (UTC) of the event's own time of day on another day of its zone; None in a zone not known.

    All that an instance without a master tells of its place is the day. Where its time was moved this is not where
    the pattern had it, but it names the instance all the same.
    """
    rules = to_rules(content.start_zone)
    if rules is None:
        return None
    local = content.start.astimezone(rules)
    return datetime.combine(day, local.time(), rules).astimezone(content.start.tzinfo)
