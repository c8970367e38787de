"""A calendar object resource (RFC 4791 4.1) as a client sends it: the events of one UID, and what belongs to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.errors import InvalidCalendarData, InvalidCalendarObject, NotExpressible, UnsupportedComponent
from bridge.item import Uid
from bridge.mapping.component import Component, read_components

_OTHER_OBJECTS = frozenset({"VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY", "VPOLL"})
_ONCE = ("UID", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID")


@dataclass(frozen=True, slots=True)
class CalendarObject:
    """A single event or the master of a series, and the changed occurrences of it (RECURRENCE-ID).

    ``master`` is None for instances that come without one; ``overrides`` are in the author's order. ``timezones`` are
    the VTIMEZONEs by TZID; ``more`` holds the calendar's other unfolded lines.
    """

    uid: Uid
    master: Component | None
    overrides: tuple[Component, ...]
    timezones: Mapping[str, Component]
    more: tuple[str, ...] = ()

    @property
    def events(self) -> tuple[Component, ...]:
        """All of them, the master first."""
        return (self.master, *self.overrides) if self.master else self.overrides

    @property
    def event(self) -> Component:
        """The first of them."""
        return self.events[0]


def parse(body: bytes) -> CalendarObject:
    """Read what a client sends.

    Raises InvalidCalendarData for what is not iCalendar, InvalidCalendarObject for what is not the events of one UID
    (RFC 4791 4.1), UnsupportedComponent for tasks, journals and the like, NotExpressible for changes to all later
    occurrences at once.
    """
    calendar = _one_calendar(read_components(body))
    events = [child for child in calendar.children if child.name == "VEVENT"]
    _check_components(calendar, events)
    uid = _one_uid(events)
    for event in events:
        _check_event(event)
    masters = [event for event in events if event.get("RECURRENCE-ID") is None]
    if len(masters) > 1:
        raise InvalidCalendarObject(f"The event of line {masters[1].number} has the UID of the one before it.")
    overrides = tuple(event for event in events if event.get("RECURRENCE-ID") is not None)
    return CalendarObject(uid, masters[0] if masters else None, overrides, _timezones(calendar), _other_lines(calendar))


def _one_calendar(components: Sequence[Component]) -> Component:
    if not components or components[0].name != "VCALENDAR":
        raise InvalidCalendarData("The body is not iCalendar: it does not begin with BEGIN:VCALENDAR.")
    if len(components) > 1:
        raise InvalidCalendarObject(f"A second object begins in line {components[1].number}; one is put at a time.")
    calendar = components[0]
    version = calendar.get("VERSION")
    if version is not None and "2.0" not in version.value:
        raise InvalidCalendarData(f"VERSION in line {version.number} is not 2.0.")
    if (method := calendar.get("METHOD")) is not None:
        raise InvalidCalendarObject(f"METHOD in line {method.number} has no place in a stored object (RFC 4791 4.1).")
    scale = calendar.get("CALSCALE")
    if scale is not None and scale.value.strip().upper() != "GREGORIAN":
        raise NotExpressible(f"CALSCALE in line {scale.number} is not GREGORIAN, the only one Exchange is sent.")
    return calendar


def _check_components(calendar: Component, events: Sequence[Component]) -> None:
    others = [child for child in calendar.children if child.name in _OTHER_OBJECTS]
    if others and events:
        raise InvalidCalendarObject(f"{others[0].name} in line {others[0].number} stands beside an event.")
    if others:
        raise UnsupportedComponent(f"{others[0].name} is not held in this calendar; it holds VEVENT.")
    if not events:
        raise InvalidCalendarObject("There is no VEVENT in the body.")


def _one_uid(events: Sequence[Component]) -> Uid:
    uids = []
    for event in events:
        line = event.get("UID")
        if line is None or not line.text.strip():
            raise InvalidCalendarData(f"The event of line {event.number} has no UID.")
        uids.append(Uid(line.text.strip()))
    if len(set(uids)) > 1:
        raise InvalidCalendarObject("The events have different UIDs (RFC 4791 4.1).")
    return uids[0]


def _check_event(event: Component) -> None:
    for name in _ONCE:
        if len(found := event.all(name)) > 1:
            raise InvalidCalendarData(f"{name} stands twice in the event, again in line {found[1].number}.")
    if event.get("DTSTART") is None:
        raise InvalidCalendarData("The event has no DTSTART.")
    line = event.get("RECURRENCE-ID")
    if line is not None and line.parameter("RANGE") is not None:
        raise NotExpressible(f"RECURRENCE-ID in line {line.number}: RANGE has no counterpart at Exchange.")


def _timezones(calendar: Component) -> dict[str, Component]:
    found = ((child.get("TZID"), child) for child in calendar.children if child.name == "VTIMEZONE")
    return {line.text.strip(): child for line, child in found if line is not None}


def _other_lines(calendar: Component) -> tuple[str, ...]:
    """Give what stands around the event, but for what we write ourselves."""
    properties = [line.raw for line in calendar.lines if line.name not in {"VERSION", "PRODID"}]
    for child in calendar.children:
        if child.name not in {"VEVENT", "VTIMEZONE"}:
            properties.extend(child.raw())
    return tuple(properties)
