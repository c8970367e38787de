"""The zone a series is written in: one by which Exchange has each occurrence at the moment that the client means.

Exchange expands a series by its own rules for a Windows zone, which are coarser than the tz database, and on servers
that are not updated older. Where they move an occurrence, the series is written with rules of its own.
"""

from dataclasses import replace
from datetime import UTC, tzinfo

from bridge.errors import NotExpressible, Refused
from bridge.item import UTC_ZONE, Content, Zone
from bridge.mapping.calendar_object import CalendarObject
from bridge.mapping.context import Context, ServerZones
from bridge.mapping.field import Asked
from bridge.mapping.lines import Line
from bridge.mapping.moment import Moment, read_moment
from bridge.occurrences import Series, is_expanded_alike
from bridge.zone_rules import make_definition
from bridge.zones import to_custom, to_rules


def zone_asked_for(obj: CalendarObject, context: Context) -> Zone | None:
    """Give the zone whose rules at the server must be known to write a client's series; None where none need be.

    ``UTC`` stands for a zone of the client's own that no Windows zone is like.
    """
    event = obj.master
    line = event.get("DTSTART") if event is not None and event.get("RRULE") else None
    if line is None:
        return None
    try:
        moment = read_moment(line, Asked(obj, context))
    except Refused:
        return None  # the mapping says why
    return None if _needs_no_zone(moment) else moment.zone


def settle_zone(content: Content, asked: Asked) -> Content:
    """Give a series in the zone it is to be written in. Raises NotExpressible where there is none.

    It is held against the server's rules from its start until its end, or as long as the context says.
    """
    line = asked.event.get("DTSTART")
    if content.recurrence is None or content.is_all_day or line is None:
        return content
    moment = read_moment(line, asked)
    if _needs_no_zone(moment):
        return content
    series = Series(content.recurrence, content.start, moment.rules)
    zone = _zone_for(series, content, asked, line)
    end_zone = zone if content.end_zone == content.start_zone else content.end_zone
    return replace(content, start_zone=zone, end_zone=end_zone)


def _needs_no_zone(moment: Moment) -> bool:
    return moment.is_date or moment.rules is UTC


def _zone_for(series: Series, content: Content, asked: Asked, line: Line) -> Zone:
    """Try the zone that the series brought along, then the one its TZID means, then rules made for it."""
    server = asked.context.server
    stored = asked.stored.content.start_zone if asked.stored else UTC_ZONE
    brought = [stored] if stored.definition is not None and to_rules(Zone(stored.id)) is None else []
    for zone in (*brought, content.start_zone):
        rules = _rules_at_server(zone, server)
        if rules is not None and is_expanded_alike(series, rules, server.until, content.end):
            return zone
    if not server.defines_zones:
        raise NotExpressible(f"{line.name} in line {line.number}: Exchange has no zone with the rules of this TZID.")
    last = series.at(series.size).year if series.size else server.until
    years = series.start.year, max(series.start.year, min(last, server.until))
    zone = to_custom(make_definition(series.zone, *years))
    rules = to_rules(zone)
    if rules is None or not is_expanded_alike(series, rules, server.until, content.end):
        raise NotExpressible(
            f"{line.name} in line {line.number}: the clock of this TZID changes more often than Exchange can hold."
        )
    return zone


def _rules_at_server(zone: Zone, server: ServerZones) -> tzinfo | None:
    """Give the rules the server expands a zone by: its own of a Windows id, ours where it tells none.

    None where it does not know the id.
    """
    if zone.definition is not None or zone.id not in server.definitions:
        return to_rules(zone)
    definition = server.definitions[zone.id]
    return None if definition is None else to_rules(Zone(zone.id, definition))
