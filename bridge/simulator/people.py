"""Who works here: people with their calendars and events, from a TOML file or from code, put into a store.

domain = "EXAMPLE"

[[people]]
name = "Anna Berg"
address = "anna@example.com"
aliases = ["a.berg@example.com"]
login = "anna"                     # optional; else what stands before the @
password = "secret"
zone = "W. Europe Standard Time"   # a Windows id; optional, else UTC
room_list = "rooms@example.com"    # this is a room, in that list of rooms; optional
impersonates = true                # a service account, which may ask as anybody; optional

[[people.calendars]]
name = "Calendar"                  # the default calendar; others are further calendars
permissions = { "bob@example.com" = "read", "default" = "freebusy" }   # none, freebusy, read, write

[[people.calendars.events]]
subject = "Lunch"
start = 2026-03-02T12:00:00        # local to `zone` (the event's, else the person's), or with an offset
end = 2026-03-02T13:00:00
# all_day, zone, location, body, busy, sensitivity, html, categories, reminder (minutes), uid
# attendees, optional, resources (lists), organizer: an address or "Name <address>"; my_response, response_requested
# importance, join_url
# recurrence, changed, cancelled, instance: see `event_series`
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from bridge.simulator.event_series import DELETED, MODIFIED, put_event, read_recurrence
from bridge.simulator.extended import INSTANCE
from bridge.simulator.model import LEVELS, Attendee, Body, Person
from bridge.simulator.series import zone_in
from bridge.simulator.store import Store
from bridge.simulator.zones import Zone, named

_PERSON = {"name", "address", "aliases", "login", "password", "zone", "room_list", "impersonates", "calendars"}
_CALENDAR = {"name", "permissions", "events"}
_EVENT = {
    "subject": "Subject",
    "location": "Location",
    "busy": "LegacyFreeBusyStatus",
    "sensitivity": "Sensitivity",
    "uid": "UID",
    "all_day": "IsAllDayEvent",
    "categories": "Categories",
    "attendees": "RequiredAttendees",
    "optional": "OptionalAttendees",
    "resources": "Resources",
    "organizer": "Organizer",
    "my_response": "MyResponseType",
    "response_requested": "IsResponseRequested",
    "importance": "Importance",
    "join_url": "JoinOnlineMeetingUrl",
    "body": "Body",
    "html": "Body",
    "reminder": "ReminderMinutesBeforeStart",
    "start": "Start",
    "end": "End",
    "zone": "StartTimeZone",
    "recurrence": "Recurrence",
    "changed": MODIFIED,
    "cancelled": DELETED,
    "instance": INSTANCE,
}
_PEOPLE = ("attendees", "optional", "resources")
_CHANGE = {"date", "start", "end", "subject", "location", "busy", "sensitivity"}


@dataclass(frozen=True)
class CalendarPlan:
    """A calendar to be made: `events` are the values of items by element name."""

    name: str
    permissions: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[Mapping[str, object]] = ()


@dataclass(frozen=True)
class PersonPlan:
    """A person to be made. The first calendar is the default one, whatever its name."""

    name: str
    address: str
    password: str
    aliases: tuple[str, ...] = ()
    login: str = ""
    domain: str = "EXAMPLE"
    zone: str = "UTC"
    room_list: str = ""
    impersonates: bool = False
    calendars: tuple[CalendarPlan, ...] = (CalendarPlan("Calendar"),)


def settle_people(store: Store, plans: Sequence[PersonPlan]) -> None:
    """Put people, calendars, permissions and events into a store."""
    for plan in plans:
        person = Person(
            name=plan.name,
            address=plan.address,
            password=plan.password,
            mailbox=store.guid(plan.address),
            login=plan.login or plan.address.partition("@")[0],
            domain=plan.domain,
            aliases=plan.aliases,
            zone=plan.zone,
            room_list=plan.room_list,
            impersonates=plan.impersonates,
        )
        store.add_person(person)
    for plan in plans:
        box = store.guid(plan.address)
        for number, calendar in enumerate(plan.calendars):
            parent = store.distinguished(box, "calendar")
            allowed = {address.casefold(): level for address, level in calendar.permissions.items()}
            if number:
                folder = store.add_folder(box, parent.number, calendar.name, "IPF.Appointment", permissions=allowed)
            else:
                folder = store.put_folder(replace(parent, name=calendar.name, permissions=allowed))
            for values in calendar.events:
                put_event(store, folder, values)


def load_people(path: Path) -> tuple[PersonPlan, ...]:
    """Give the people of a TOML file; ValueError says every mistake in it."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    wrong: list[str] = []
    plans = [_person(entry, str(content.get("domain", "EXAMPLE")), wrong) for entry in content.get("people", [])]
    if not plans:
        wrong.append("there is no [[people]]")
    if wrong:
        raise ValueError(f"{path}: " + "; ".join(wrong))
    return tuple(plans)


def _person(entry: Mapping[str, Any], domain: str, wrong: list[str]) -> PersonPlan:
    who = str(entry.get("address", entry.get("name", "a person")))
    wrong += [f"{who}: unknown setting {name}" for name in sorted(set(entry) - _PERSON)]
    wrong += [f"{who}: {name} is missing" for name in ("name", "address", "password") if not entry.get(name)]
    zone = str(entry.get("zone", "UTC"))
    if named(zone) is None:
        wrong.append(f"{who}: {zone} is no Windows time zone")
        zone = "UTC"
    if not isinstance(entry.get("impersonates", False), bool):
        wrong.append(f"{who}: impersonates is true or false")
    calendars = [_calendar(calendar, who, zone, wrong) for calendar in entry.get("calendars", [])]
    return PersonPlan(
        name=str(entry.get("name", "")),
        address=str(entry.get("address", "")),
        password=str(entry.get("password", "")),
        aliases=tuple(entry.get("aliases", ())),
        login=str(entry.get("login", "")),
        domain=domain,
        zone=zone,
        room_list=str(entry.get("room_list", "")),
        impersonates=bool(entry.get("impersonates", False)),
        calendars=tuple(calendars) or (CalendarPlan("Calendar"),),
    )


def _calendar(entry: Mapping[str, Any], who: str, zone: str, wrong: list[str]) -> CalendarPlan:
    name = str(entry.get("name", "Calendar"))
    wrong += [f"{who}, {name}: unknown setting {key}" for key in sorted(set(entry) - _CALENDAR)]
    permissions = {str(a): str(level) for a, level in entry.get("permissions", {}).items()}
    wrong += [f"{who}, {name}: no level {level}" for level in permissions.values() if level not in LEVELS[:4]]
    events = []
    for event in entry.get("events", []):
        try:
            events.append(read_event(event, zone))
        except (ValueError, TypeError, KeyError) as cause:
            wrong.append(f"{who}, {name}: {event.get('subject', 'an event')}: {cause}")
    return CalendarPlan(name, permissions, tuple(events))


def read_event(entry: Mapping[str, Any], zone_id: str = "UTC") -> dict[str, object]:
    """Give the values of an item from an event's description; ValueError for what is not understood."""
    unknown = set(entry) - set(_EVENT)
    if unknown:
        raise ValueError(f"unknown settings {', '.join(sorted(unknown))}")
    zone = named(str(entry.get("zone", zone_id)))
    if zone is None:
        raise ValueError(f"{entry.get('zone')} is no Windows time zone")
    values: dict[str, object] = {_EVENT[key]: value for key, value in entry.items()}
    values["StartTimeZone"] = values["EndTimeZone"] = zone
    values["Start"], values["End"] = _instant(entry["start"], zone), _instant(entry["end"], zone)
    if "body" in entry:
        values["Body"] = Body("Text", str(entry["body"]))
    if "html" in entry:
        values["Body"] = Body("HTML", str(entry["html"]))
    if "categories" in entry:
        values["Categories"] = tuple(str(name) for name in entry["categories"])
    values |= {_EVENT[key]: tuple(map(_attendee, entry[key])) for key in _PEOPLE if key in entry}
    if "organizer" in entry:
        values["Organizer"] = _attendee(entry["organizer"])
    if "join_url" in entry:
        values["IsOnlineMeeting"] = True
    values["ReminderIsSet"] = "reminder" in entry
    return _read_series(entry, values)


def _attendee(told: object) -> Attendee:
    """Give somebody told by an address, or by `Name <address>`."""
    name, address = parseaddr(str(told)) if str(told).endswith(">") else ("", str(told))
    return Attendee(name or address, address)


def _read_series(entry: Mapping[str, Any], values: dict[str, object]) -> dict[str, object]:
    zone = zone_in(values)
    if "recurrence" in entry:
        values["Recurrence"] = read_recurrence(
            entry["recurrence"], zone.to_local(_instant(entry["start"], zone)).date()
        )
    if "cancelled" in entry:
        values[DELETED] = tuple(entry["cancelled"])
    if "changed" in entry:
        values[MODIFIED] = {change["date"]: _read_change(change, zone) for change in entry["changed"]}
    return values


def _read_change(entry: Mapping[str, Any], zone: Zone) -> dict[str, object]:
    unknown = set(entry) - _CHANGE
    if unknown:
        raise ValueError(f"unknown settings of a changed occurrence: {', '.join(sorted(unknown))}")
    values: dict[str, object] = {_EVENT[key]: value for key, value in entry.items() if key != "date"}
    return values | {_EVENT[key]: _instant(entry[key], zone) for key in ("start", "end") if key in entry}


def _instant(value: object, zone: Zone) -> datetime:
    if isinstance(value, datetime):
        return zone.to_utc(value) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return zone.to_utc(datetime(value.year, value.month, value.day))  # noqa: DTZ001 - local to the zone
    raise ValueError(f"{value!r} is not a time")
