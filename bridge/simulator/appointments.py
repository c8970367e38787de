"""What Exchange makes of an appointment that a client writes: times, zones, whole days, attendees.

Sources: [D] create all-day events, create appointments in a specific time zone, responsecode; the rest `rules`.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from bridge.simulator.call import Call
from bridge.simulator.extended import read_property
from bridge.simulator.fields import BY_NAME, Field
from bridge.simulator.meeting_zone import VALUE as MEETING_ZONE
from bridge.simulator.model import Attendee, ExtendedPath, Item
from bridge.simulator.series import arranged
from bridge.simulator.trouble import EwsError, NotSimulated, invalid
from bridge.simulator.xml import Element, children, name_of
from bridge.simulator.zones import Zone, utc

_DAY = timedelta(days=1)
_LONGEST = timedelta(days=5 * 366)
_LISTS = ("RequiredAttendees", "OptionalAttendees", "Resources")
Values = dict[str, object]
Extended = dict[ExtendedPath, tuple[str, ...]]


def field_of(call: Call, element: Element) -> Field:
    """Give the table's row for an element a client sent; unknown to this server is a schema fault."""
    found = BY_NAME.get(name_of(element))
    if found is None or not found.known_to(call.personality.level):
        raise invalid(f"The element '{element.tag}' is invalid or not expected.")
    return found


def take(call: Call, element: Element) -> object:
    """Give the value of a property a client writes."""
    row = field_of(call, element)
    if not row.known_to(call.level):
        raise EwsError(call.rules.property_newer_than_request, f"{row.path} is newer than the request's version.")
    if row.take is not None:
        return row.take(call, element)
    if row.tell is None:
        raise NotSimulated(f"writing {row.path}")
    raise EwsError("ErrorInvalidPropertySet", f"The property {row.path} cannot be set.")


def take_new(call: Call, element: Element) -> tuple[Values, Extended]:
    """Give values and extended properties of a t:CalendarItem in CreateItem."""
    values: Values = {}
    extended: Extended = {}
    for child in children(element):
        if name_of(child) == "ExtendedProperty":
            path, found = read_property(call, child)
            extended[path] = found
            continue
        if name_of(child) in values:
            raise invalid(f"The element '{child.tag}' is not expected again.")
        values[name_of(child)] = take(call, child)
    check_zones(values)
    if not call.rules.uid_honoured or not values.get("UID"):
        values.pop("UID", None)
    return settle(call, values, new=True, written=True), extended


def check_zones(written: Collection[str]) -> None:
    """Refuse what says the zone in two ways at once. Source: rule `zone_said_twice`."""
    if MEETING_ZONE in written and {"StartTimeZone", "EndTimeZone"} & set(written):
        raise EwsError("ErrorInvalidPropertySet", "MeetingTimeZone does not go with StartTimeZone or EndTimeZone.")


def settle(call: Call, values: Mapping[str, object], *, new: bool = False, written: bool = False) -> Values:
    """Give the values as Exchange keeps them; the errors of impossible times. `written`: a recurrence was given."""
    kept = dict(values)
    meeting_zone = kept.pop(MEETING_ZONE, None)
    if meeting_zone is not None:
        kept["StartTimeZone"] = kept["EndTimeZone"] = meeting_zone
    if new:
        start = _moment(kept.get("Start")) or call.store.clock()
        kept.setdefault("Start", start)
        kept.setdefault("End", start + timedelta(minutes=30))
        if call.zone is not None:
            kept.setdefault("StartTimeZone", call.zone)
    if "StartTimeZone" in kept and ("EndTimeZone" not in kept or call.rules.end_zone_follows_start):
        kept["EndTimeZone"] = kept["StartTimeZone"]
    first, last = _moment(kept["Start"]), _moment(kept["End"])
    if first is None or last is None or last < first:
        raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate")
    if last - first > _LONGEST:
        raise EwsError("ErrorCalendarDurationIsTooLong")
    if kept.get("IsAllDayEvent"):
        kept["Start"], kept["End"] = _whole_days(call, kept, first, last)
    return arranged(kept, written=written)


def _whole_days(call: Call, values: Values, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    zone, end_zone = _zone(values.get("StartTimeZone")), _zone(values.get("EndTimeZone"))
    first, last = zone.to_local(start), end_zone.to_local(end)
    begins = first.replace(hour=0, minute=0, second=0)
    ends = last.replace(hour=0, minute=0, second=0)
    if call.rules.all_day_end_rounds_up and last != ends:
        ends += _DAY
    ends = max(ends, begins + _DAY)
    return zone.to_utc(begins), end_zone.to_utc(ends)


def _zone(value: object) -> Zone:
    return value if isinstance(value, Zone) else utc()


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


def keep_answers(call: Call, before: Item, values: Values) -> Values:
    """Give the values with the answers of attendees that were invited already."""
    if not call.rules.attendees_keep_response:
        return values
    known = {who.address.casefold(): who for who in before.attendees}
    for name in _LISTS:
        people = values.get(name)
        if isinstance(people, tuple):
            values[name] = tuple(_answered(who, known) for who in people)
    return values


def _answered(who: Attendee, known: Mapping[str, Attendee]) -> Attendee:
    old = known.get(who.address.casefold())
    return Attendee(who.name, who.address, old.response, old.answered) if old else who
