"""RECURRENCE-ID and EXDATE (RFC 5545 3.8.4.4, 3.8.5.1): the moments at which a series' pattern has an occurrence.

They are written in the form of the DTSTART beside them, as clients that compare texts expect.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.errors import InvalidCalendarData, NotExpressible
from bridge.item import Item
from bridge.mapping.field import Asked, Shown, ShownField
from bridge.mapping.lines import Line, make_line
from bridge.mapping.moment import Moment, read_moment
from bridge.mapping.recurrence import Rule
from bridge.mapping.times import Times, rules_of
from bridge.mapping.values import write_date, write_date_time, write_utc
from bridge.occurrences import Series

_RULE = Rule()


class Original(ShownField):
    """RECURRENCE-ID of a changed occurrence, or of an instance that came without its master."""

    name = "RECURRENCE-ID"
    ical = frozenset({"RECURRENCE-ID"})

    def to_ical(self, shown: Shown) -> list[str]:
        """Write where the pattern has it."""
        original = shown.item.original_start
        return [] if original is None else [_write("RECURRENCE-ID", original, shown)]

    def facts(self, item: Item) -> tuple[object, ...]:  # noqa: ARG002 - the signature is a Field's
        """Stand on nothing: it is what the lines are kept by."""
        return ()


class Deleted(ShownField):
    """EXDATE: which occurrences are deleted. `series` reads it; what no occurrence begins at is kept as it stands."""

    name = "EXDATE"
    ical = frozenset({"EXDATE"})
    rests_on = frozenset({Times.name, Rule.name})

    def to_ical(self, shown: Shown) -> list[str]:
        """Write each in a line of its own."""
        return [_write("EXDATE", moment, shown) for moment in sorted(shown.item.deleted)] if shown.series else []

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the deleted ones, and on the rule: what it leaves out by itself depends on how it is written."""
        return (*_RULE.facts(item), *map(write_utc, sorted(item.deleted)))


def read_override(asked: Asked, series: Series) -> datetime:
    """Give the original start of the occurrence that an override changes.

    Raises NotExpressible where the series has no such occurrence.
    """
    original = find_override(asked, series)
    if original is None:
        line, _ = _recurrence_id(asked)
        raise NotExpressible(f"RECURRENCE-ID in line {line.number} is none of the series' occurrences.")
    return original


def find_override(asked: Asked, series: Series) -> datetime | None:
    """Give the original start of the occurrence that an override changes; None where the series has no such one."""
    number = _number(_recurrence_id(asked)[1], series)
    return None if number is None else series.at(number)


def read_original(asked: Asked) -> datetime:
    """Give the original start of an instance that comes without its master."""
    return _recurrence_id(asked)[1].instant


def read_deleted(asked: Asked, series: Series) -> Iterator[datetime]:
    """Give the original starts that EXDATE names; of dates and times the series does not have, nothing."""
    for line in asked.event.all("EXDATE"):
        for value in line.value.split(","):
            if value.strip():
                number = _number(read_moment(replace(line, value=value), asked), series)
                if number is not None:
                    yield series.at(number)


def _recurrence_id(asked: Asked) -> tuple[Line, Moment]:
    line = asked.event.get("RECURRENCE-ID")
    if line is None:
        raise InvalidCalendarData(f"The event of line {asked.event.number} has no RECURRENCE-ID.")
    return line, read_moment(line, asked)


def _number(moment: Moment, series: Series) -> int | None:
    """Give the number of the occurrence that begins at a moment.

    A date beside a series of times, and a time beside one of whole days, are seen: the day decides.
    """
    if moment.is_date:
        return series.number_on(moment.local.date())
    if series.is_all_day:
        is_midnight = moment.local.time() == datetime.min.time()
        return series.number_on((moment.local if is_midnight else moment.instant.astimezone(series.zone)).date())
    number = series.find(moment.instant)
    if number is None:
        return None
    # Of a time that comes twice, a client means the first and Exchange the second (`bridge.zones.to_instant`).
    shown = moment.instant.astimezone(series.zone).replace(tzinfo=None)
    return number if series.at(number) == moment.instant or series.clock(number) == shown else None


def _write(name: str, moment: datetime, shown: Shown) -> str:
    local, form = _local(moment, shown), shown.start_line
    tzid = form.parameter("TZID") if form else None
    if form is None or "T" not in form.value.upper():
        return f"{name};VALUE=DATE:{write_date(local)}"
    if tzid:
        return make_line(name, write_date_time(local), TZID=tzid)
    is_floating = not form.value.strip().upper().endswith("Z")
    return f"{name}:{write_date_time(local) if is_floating else write_utc(moment)}"


def _local(moment: datetime, shown: Shown) -> datetime:
    """Give what the clock shows then; of a time that the clock skips, what it should have shown."""
    series = shown.series
    if series is None:
        content = shown.item.content
        local = moment.astimezone(rules_of(content, shown.context))
        return local + timedelta(hours=12) if content.is_all_day else local
    number = series.find(moment)
    if number is not None and series.at(number) == moment:
        return series.clock(number)
    return moment.astimezone(series.zone)
