"""Items that are one resource: a single event, or a master with its exceptions, as a client is shown them.

What a client has changed of an occurrence and Exchange has no place for is kept with the master. Such an occurrence is
shown as an event of its own although it is no exception at Exchange; it follows the master in all else. So is one at a
time that the clock shows twice: `second_times`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bridge.item import Item, ItemKind, Uid
from bridge.mapping.availability import effective_status
from bridge.mapping.context import Context
from bridge.mapping.field import Shown
from bridge.mapping.kept import Inherited, Kept, KeptException, KeptLines, parse_kept
from bridge.mapping.lines import Line, parse_line
from bridge.mapping.recurrence import make_series
from bridge.mapping.second_times import second_starts
from bridge.mapping.table import TIMES, field_lines
from bridge.mapping.times import midnights
from bridge.mapping.values import parse_date_time, write_utc
from bridge.occurrences import Series
from bridge.resource import ExceptionRecord, IndexRecord
from bridge.zones import to_rules


@dataclass(frozen=True, slots=True)
class Resource:
    """A master or a single event, and its exceptions by original start.

    Original starts are what the pattern gives; ``told`` has them as Exchange tells them, where it does.
    """

    shown: Shown
    kept: Kept
    exceptions: Mapping[datetime, Item]
    told: Mapping[datetime, datetime]

    @property
    def master(self) -> Item:
        """The master or single event."""
        return self.shown.item

    @property
    def overrides(self) -> tuple[datetime, ...]:
        """The original starts of all occurrences that are shown as events of their own, in order."""
        return tuple(sorted(self.exceptions.keys() | self._kept_alone() | self.seconds))

    @property
    def seconds(self) -> frozenset[datetime]:
        """The original starts of those that are shown so for their time alone: it comes twice."""
        starts = second_starts(self.shown) - set(self.master.deleted) - self.exceptions.keys()
        return starts - self._kept_alone() if starts else starts

    def has(self, original: datetime) -> bool:
        """Whether an exception or an occurrence of the pattern began there."""
        return original in self.exceptions or _is_start(self.shown.series, original)

    def override(self, original: datetime) -> tuple[Shown, KeptLines]:
        """Give such an occurrence, and what is kept for it."""
        item = self.exceptions.get(original) or make_occurrence(self.shown, original)
        own = self.kept.exceptions.get(write_utc(original), KeptException())
        return replace(self.shown, item=item, context=inside(self.shown)), Inherited(self.kept, own)

    def index(self) -> IndexRecord:
        """Give what queries need to know."""
        start, end = _span(self.shown)
        records = (_record(original, item, inside(self.shown)) for original, item in sorted(self.exceptions.items()))
        content = self.master.content
        return IndexRecord(
            start,
            end,
            content.is_all_day,
            effective_status(self.master),
            zone_id=content.start_zone.id,
            recurrence=content.recurrence,
            exceptions=tuple(records),
            deleted=self.master.deleted,
            is_floating=_floats(self.shown, self.kept),
            zone_definition=content.start_zone.definition,
        )

    def _kept_alone(self) -> set[datetime]:
        """Give the original starts of occurrences that something is kept for while they stand as the pattern has it."""
        if self.shown.series is None:
            return set()
        starts = {moment for text in self.kept.exceptions if (moment := parse_start(text))}
        return {start for start in starts - set(self.master.deleted) if _is_start(self.shown.series, start)}


def make_resource(items: Sequence[Item], context: Context, uid: Uid) -> Resource:
    """Take a single event alone, or a master first and then its exceptions; ``uid`` is shown in place of theirs."""
    master = under(items[0], uid)
    kept = parse_kept(master.content.kept)
    series = make_series(master.content)
    if series is None:
        return Resource(Shown(master, context), kept, {}, {})
    told = {_snap(series, start): start for start in master.deleted}
    shown = make_shown(replace(master, deleted=tuple(sorted(told))), context, kept)
    exceptions: dict[datetime, Item] = {}
    for was, item in _exceptions(shown, items[1:]):
        start = _snap(series, was)
        if start not in exceptions:
            exceptions[start] = replace(under(item, uid), original_start=start)
            told[start] = was
    return Resource(shown, kept, exceptions, told)


def make_shown(item: Item, context: Context, kept: KeptLines, start_line: Line | None = None) -> Shown:
    """Show an item by its own DTSTART: the client's line where it is given, else the one it is shown with."""
    series = make_series(item.content)
    shown = Shown(item, context, series, start_line)
    if start_line is None and (series or item.original_start):
        lines = map(parse_line, field_lines(TIMES, shown, kept))
        shown = replace(shown, start_line=next((line for line in lines if line.name == "DTSTART"), None))
    return shown


def make_occurrence(master: Shown, original: datetime) -> Item:
    """Give the occurrence of a series that begins at ``original``, as the pattern has it."""
    item, series = master.item, master.series
    end = series.end(original, item.content.end) if series else item.content.end
    content = replace(item.content, start=original, end=end, recurrence=None, name_stamp=None, kept=None)
    return replace(item, content=content, kind=ItemKind.OCCURRENCE, exceptions=(), deleted=(), original_start=original)


def inside(master: Shown) -> Context:
    """Give the context of a series' occurrences: floating times and days are in the series' zone."""
    zone = master.item.content.start_zone
    return replace(master.context, zone=zone) if to_rules(zone) else master.context


def under(item: Item, uid: Uid) -> Item:
    """Give the item under another UID."""
    return item if item.content.uid == uid else replace(item, content=replace(item.content, uid=uid))


# --- instances without a master ----------------------------------------------------------------------


def instance_start(item: Item) -> datetime | None:
    """Give the original start of an instance that came without its master; None for anything else.

    Exchange tells it, or else we have kept it.
    """
    if item.content.recurrence is not None or item.kind is ItemKind.MASTER:
        return None
    if item.original_start is None and '"original":' in (item.content.kept or ""):
        return parse_start(parse_kept(item.content.kept).original or "")
    return item.original_start


def instances_index(instances: Iterable[tuple[datetime, Item]], context: Context) -> IndexRecord:
    """Give what queries need to know of instances without a master, in order."""
    given = list(instances)
    records = [_record(original, item, context) for original, item in given]
    content = given[0][1].content
    return IndexRecord(
        min(record.start for record in records),
        max(record.end for record in records),
        content.is_all_day,
        records[0].busy_status,
        zone_id=content.start_zone.id,
        exceptions=tuple(records),
        has_master=False,
        zone_definition=content.start_zone.definition,
    )


def parse_start(text: str) -> datetime | None:
    """Read an original start as it is kept; None for what is none."""
    try:
        return parse_date_time(text)[0].replace(tzinfo=UTC)
    except ValueError:
        return None


# --- small facts -------------------------------------------------------------------------------------


def _exceptions(master: Shown, items: Sequence[Item]) -> Iterable[tuple[datetime, Item]]:
    """Give the exceptions by original start as Exchange tells it; those that could not be read as the master has them.

    So their time is not free, and the occurrence does not stand where it was.
    """
    listed = {one.ref.id: one for one in master.item.exceptions}
    for item in items:
        one = listed.get(item.ref.id)
        yield item.original_start or (one.original_start if one else item.content.start), item
    for one in listed.values():
        item = make_occurrence(master, one.original_start)
        yield (
            one.original_start,
            replace(item, ref=one.ref, content=replace(item.content, start=one.start, end=one.end)),
        )


def _snap(series: Series, moment: datetime) -> datetime:
    number = series.find(moment)
    return moment if number is None else series.at(number)


def _is_start(series: Series | None, moment: datetime) -> bool:
    number = series.find(moment) if series else None
    return series is not None and number is not None and series.at(number) == moment


def _record(original: datetime, item: Item, context: Context) -> ExceptionRecord:
    start, end = _span(Shown(item, context))
    return ExceptionRecord(original, start, end, effective_status(item), item.content.is_all_day)


def _floats(shown: Shown, kept: KeptLines) -> bool:
    """Whether an event is shown without a zone: only a client's own lines say so."""
    if shown.item.content.is_all_day or not kept.holds(TIMES.name):
        return False
    lines = map(parse_line, field_lines(TIMES, shown, kept))
    start = next((line for line in lines if line.name == "DTSTART"), None)
    return start is not None and not start.parameter("TZID") and not start.value.upper().endswith("Z")


def _span(shown: Shown) -> tuple[datetime, datetime]:
    content = shown.item.content
    return midnights(content, shown.context) if content.is_all_day else (content.start, content.end)
