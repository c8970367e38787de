"""The table of what a calendar item holds: one row per element, in the schema's order, written and read by it.

The order of `WRITTEN` is that of ItemType and CalendarItemType in types.xsd; Exchange refuses any other
(ErrorSchemaValidation). Reading goes once through an item's children and looks each up by its tag.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bridge.errors import RequestRefused
from bridge.ews.editions import Edition
from bridge.ews.meeting_zone import to_meeting_zone
from bridge.ews.named_properties import property_uri, to_property
from bridge.ews.people import to_attendees
from bridge.ews.recurrence import to_recurrence, to_recurrence_of_2007
from bridge.ews.times import to_zone
from bridge.ews.xml import Element, text_element, to_boolean, to_instant, type_element
from bridge.ids import PROPERTY_KEPT, PROPERTY_NAME
from bridge.item import AttendeeRole, Attribute, BusyStatus, Content


@dataclass(frozen=True, slots=True)
class Row:
    """One element of an item: the attribute of Content it comes from, its path, and how it is made.

    ``to_item`` gives None where the content has nothing for it: left out of a new item, cleared by an update when
    ``is_clearable``, else left as it is. ``editions`` are the first and the last that know the element.
    """

    attribute: Attribute
    path: str
    to_item: Callable[[Content], Element | None]
    is_clearable: bool = True
    editions: tuple[Edition, Edition] = (Edition.EXCHANGE_2007, Edition.EXCHANGE_2013)

    def is_known_to(self, edition: Edition) -> bool:
        """Whether the edition has the element."""
        return self.editions[0] <= edition <= self.editions[1]

    def field_uri(self) -> Element:
        """Make the path to the element, as shapes and updates name it."""
        if ":" in self.path:
            return type_element("FieldURI", FieldURI=self.path)
        return property_uri(self.path)


_ONLY_2007 = (Edition.EXCHANGE_2007, Edition.EXCHANGE_2007)
_SINCE_2010 = (Edition.EXCHANGE_2010, Edition.EXCHANGE_2013)
_EVERY = (Edition.EXCHANGE_2007, Edition.EXCHANGE_2013)


def _row(
    attribute: str,
    path: str,
    to_item: Callable[[Content], Element | None],
    *,
    clearable: bool = True,
    editions: tuple[Edition, Edition] = _EVERY,
) -> Row:
    return Row(Attribute(attribute), path, to_item, clearable, editions)


def _people(name: str, role: AttendeeRole) -> Row:
    return _row("attendees", f"calendar:{name}", to_attendees(name, role))


def _text(name: str, value: str) -> Element | None:
    return text_element(name, value) if value else None


def _body(content: Content) -> Element | None:
    """Make the one body there is: formatted where the content is, else plain."""
    if content.html:
        return text_element("Body", content.html, BodyType="HTML")
    return text_element("Body", content.body, BodyType="Text") if content.body else None


def _categories(content: Content) -> Element | None:
    if not content.categories:
        return None
    return type_element("Categories", *(text_element("String", category) for category in content.categories))


def _reminder_minutes(content: Content) -> Element | None:
    if content.reminder_minutes is None:
        return None
    return text_element("ReminderMinutesBeforeStart", str(content.reminder_minutes))


def _property(name: str, value: str | None) -> Element | None:
    return None if value is None else to_property(name, value)


WRITTEN: tuple[Row, ...] = (
    _row("subject", "item:Subject", lambda c: _text("Subject", c.subject)),
    _row("sensitivity", "item:Sensitivity", lambda c: text_element("Sensitivity", c.sensitivity)),
    _row("body", "item:Body", _body),
    _row("categories", "item:Categories", _categories),
    _row("importance", "item:Importance", lambda c: text_element("Importance", c.importance)),
    _row(
        "reminder_minutes",
        "item:ReminderIsSet",
        lambda c: text_element("ReminderIsSet", to_boolean(value=c.reminder_minutes is not None)),
    ),
    _row("reminder_minutes", "item:ReminderMinutesBeforeStart", _reminder_minutes, clearable=False),
    _row("name_stamp", PROPERTY_NAME, lambda c: _property(PROPERTY_NAME, c.name_stamp)),
    _row("kept", PROPERTY_KEPT, lambda c: _property(PROPERTY_KEPT, c.kept)),
    _row("uid", "calendar:UID", lambda c: text_element("UID", c.uid), clearable=False),
    _row("start", "calendar:Start", lambda c: text_element("Start", to_instant(c.start))),
    _row("end", "calendar:End", lambda c: text_element("End", to_instant(c.end))),
    _row(
        "is_all_day",
        "calendar:IsAllDayEvent",
        lambda c: text_element("IsAllDayEvent", to_boolean(value=c.is_all_day)),
    ),
    _row(
        "busy_status",
        "calendar:LegacyFreeBusyStatus",
        lambda c: text_element("LegacyFreeBusyStatus", c.busy_status),
    ),
    _row("location", "calendar:Location", lambda c: _text("Location", c.location)),
    _people("RequiredAttendees", AttendeeRole.REQUIRED),
    _people("OptionalAttendees", AttendeeRole.OPTIONAL),
    _people("Resources", AttendeeRole.RESOURCE),
    _row(
        "recurrence",
        "calendar:Recurrence",
        lambda c: to_recurrence_of_2007(c.recurrence) if c.recurrence else None,
        editions=_ONLY_2007,
    ),
    _row(
        "recurrence",
        "calendar:Recurrence",
        lambda c: to_recurrence(c.recurrence) if c.recurrence else None,
        editions=_SINCE_2010,
    ),
    _row(
        "start_zone",
        "calendar:MeetingTimeZone",
        lambda c: to_meeting_zone(c.start_zone, c.start),
        editions=_ONLY_2007,
    ),
    _row(
        "start_zone",
        "calendar:StartTimeZone",
        lambda c: to_zone("StartTimeZone", c.start_zone),
        editions=_SINCE_2010,
    ),
    _row("end_zone", "calendar:EndTimeZone", lambda c: to_zone("EndTimeZone", c.end_zone), editions=_SINCE_2010),
)
"""What of an item is written."""

_BY_EDITION: Mapping[Edition, tuple[Row, ...]] = MappingProxyType(
    {edition: tuple(row for row in WRITTEN if row.is_known_to(edition)) for edition in Edition}
)

_TOGETHER: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "html": frozenset({"body"}),
        "start": frozenset({"start_zone"}),
        "end": frozenset({"end_zone"}),
        "start_zone": frozenset({"start"}),
        "end_zone": frozenset({"end"}),
        "is_all_day": frozenset({"start", "end", "start_zone", "end_zone"}),
        "recurrence": frozenset({"start", "end", "start_zone", "end_zone"}),
    }
)
"""What goes with an attribute in an update. A body is one element, formatted or not. Exchange reads a new time in a
zone of its own choice when it is sent without one, and moves the ends of a day to the midnights of the zone it then
knows. The dates of a pattern are those of the start zone, and its first occurrence is start and end. The pattern itself
goes only when it is named: writing it again can cost the series its exceptions."""
_ONE_ZONE: Mapping[str, frozenset[str]] = MappingProxyType(
    {"end": frozenset({"start_zone"}), "end_zone": frozenset({"start_zone"})}
)
"""What goes with it besides for Exchange 2007, which knows one zone for both ends."""
_OF_THE_SERIES = frozenset({"uid", "recurrence"})
_ZONES = frozenset({"start_zone", "end_zone"})


def written(edition: Edition) -> tuple[Row, ...]:
    """Give the rows that a server of the edition knows."""
    return _BY_EDITION[edition]


def to_item(content: Content, edition: Edition) -> Element:
    """Make the CalendarItem of a new event. Raises RequestRefused for what the edition or XML cannot hold."""
    refuse_inexpressible(content, edition)
    made = (row.to_item(content) for row in written(edition))
    return type_element("CalendarItem", *(element for element in made if element is not None))


def rows_for(changed: frozenset[Attribute], edition: Edition) -> tuple[Row, ...]:
    """Give the rows an update of these attributes writes. Raises RequestRefused for the UID, which stays as it is."""
    if "uid" in changed:
        raise RequestRefused("The UID of an event at Exchange cannot be changed.", "ErrorInvalidPropertySet")
    wanted = {str(name) for name in changed}
    wanted |= {other for name in changed for other in _TOGETHER.get(name, ())}
    if edition is Edition.EXCHANGE_2007:
        wanted |= {other for name in changed for other in _ONE_ZONE.get(name, ())}
    return tuple(row for row in written(edition) if row.attribute in wanted)


def rows_for_occurrence(changed: frozenset[Attribute], edition: Edition) -> tuple[Row, ...]:
    """Give the rows an update of one occurrence writes. Raises RequestRefused for what only its series has.

    At Exchange 2007 the zone is among that; the times say by themselves which instants they are.
    """
    if changed & _OF_THE_SERIES:
        raise RequestRefused("One occurrence has no UID and no recurrence of its own.", "ErrorInvalidPropertySet")
    rows = rows_for(changed, edition)
    return rows if edition > Edition.EXCHANGE_2007 else tuple(row for row in rows if row.attribute not in _ZONES)


def refuse_inexpressible(content: Content, edition: Edition) -> None:
    """Raise RequestRefused for what this edition of Exchange cannot hold and would silently change.

    WorkingElsewhere came with Exchange 2013 (LegacyFreeBusyStatus).
    """
    if content.busy_status is BusyStatus.WORKING_ELSEWHERE and edition < Edition.EXCHANGE_2013:
        raise RequestRefused("This version of Exchange does not know 'working elsewhere'.", "ErrorInvalidPropertySet")
