"""Series, as a client sends them, that meet a change of the clock; in zones whose changes are odd ones."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import takewhile
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from hypothesis import assume
from hypothesis import strategies as st

from bridge.zones import IANA_TO_WINDOWS, load_zone

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AROUND = 9 * DAY
ZONES = (
    "Africa/Casablanca",  # on other days each year
    "America/Havana",  # midnight comes twice
    "America/New_York",
    "America/Santiago",  # the hour before midnight comes twice
    "America/Sao_Paulo",  # midnight was skipped, until 2018
    "America/St_Johns",  # at one past midnight, until 2011
    "Asia/Beirut",  # midnight is skipped
    "Asia/Tehran",  # by the Persian year
    "Australia/Lord_Howe",  # by half an hour
    "Europe/Berlin",
    "Europe/Dublin",  # summer time is its standard time
    "Pacific/Auckland",
    "Pacific/Chatham",  # at a quarter to three
)
_BESIDE = (-90, -60, -45, -30, -15, 0, 15, 30, 45, 60, 600)
_LENGTHS = (0, 15, 30, 60, 90, 300, 1500)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True)
class Drawn:
    """A series, and the change of the clock (UTC) that it meets."""

    zone: ZoneInfo
    change: datetime
    is_all_day: bool
    text: bytes


# --- the clocks --------------------------------------------------------------------------------------


@cache
def changes(name: str) -> list[datetime]:
    """Give the changes of a zone's clock (UTC) in 24 years, whether or not the server's table has them."""
    zone = load_zone(name)
    days = (datetime(2007, 1, 1, tzinfo=UTC) + number * DAY for number in range(24 * 365))
    return [_turn(zone, day) for day in days if _offset(zone, day) != _offset(zone, day + DAY)]


def _turn(zone: ZoneInfo, low: datetime) -> datetime:
    before, high = _offset(zone, low), low + DAY
    while high - low > MINUTE:
        middle = (low + (high - low) / 2).replace(second=0, microsecond=0)
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


# --- the series --------------------------------------------------------------------------------------


_OTHERWISE = ["Cairo", "Casablanca", "Asuncion", "Mexico_City", "Santiago", "Sao_Paulo", "Amman", "Damascus", "Tehran"]
OTHERWISE = {id_ for name, id_ in IANA_TO_WINDOWS.items() if name.rsplit("/", 1)[-1] in _OTHERWISE}
"""Zones that servers have otherwise than the tz database. Midnights that Outlook's mark calls whole days are none there
on days on which the two clocks differ: such are only drawn as dates, which Exchange never shifts (docs/mapping.md)."""


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    """Draw a series with an occurrence on the day of a change or beside it; some near it are changed or deleted."""
    name = draw(st.sampled_from(ZONES))
    change = draw(st.sampled_from(changes(name)))
    turn = (change - MINUTE).astimezone(load_zone(name)).replace(tzinfo=None) + MINUTE  # what the clock shows then
    met = turn + MINUTE * draw(st.sampled_from(_BESIDE)) + DAY * draw(st.sampled_from([0, 0, 0, -1, 1]))
    is_all_day = draw(st.integers(0, 5)) == 0
    is_date = is_all_day and (draw(st.booleans()) or IANA_TO_WINDOWS.get(name) in OTHERWISE)
    writer = _Writer(name, is_date=is_date)
    days = st.integers(1, 2).map(lambda number: number * DAY)
    length = draw(days if is_all_day else st.sampled_from(_LENGTHS).map(lambda number: number * MINUTE))
    rule, first = draw(_rules(met.date()))
    start = datetime.combine(first, time() if is_all_day else met.time())
    assume(writer.has(start))  # a series that begins at a time that is skipped is refused
    ending = draw(st.sampled_from(["", "COUNT", "UNTIL"]))
    if ending == "COUNT":
        rule += f";COUNT={draw(st.integers(1, 400))}"
    starts = list(takewhile(lambda one: one < turn + AROUND, rrulestr(rule, dtstart=start)))
    if ending == "UNTIL":
        starts = starts[: draw(st.integers(max(1, len(starts) - 3), len(starts)))]
        rule += f";UNTIL={writer.until(starts[-1])}"
    near = [one for one in starts if one > turn - AROUND]
    fates = {one: draw(st.sampled_from(["stays", "stays", "stays", "deleted", "changed", "moved"])) for one in near}
    more = ["X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"] if is_all_day and not writer.is_date else []
    master = [writer.line("DTSTART", start), writer.line("DTEND", start + length), f"RRULE:{rule}", *more]
    master += [writer.line("EXDATE", one) for one, fate in fates.items() if fate == "deleted"]
    events = [master]
    for one, fate in fates.items():
        if fate in {"changed", "moved"}:
            shift = MINUTE * draw(st.sampled_from([-30, 20, 75])) if fate == "moved" and not is_all_day else 0 * DAY
            if not writer.has(one + shift):
                shift = HOUR
            lines = [writer.line("RECURRENCE-ID", one), writer.line("DTSTART", one + shift)]
            events.append([*lines, writer.line("DTEND", one + shift + length), "SUMMARY:Changed", *more])
    return Drawn(writer.zone, change, is_all_day, _document(events))


@st.composite
def _rules(draw: st.DrawFn, met: date) -> tuple[str, date]:
    """Draw a rule of one of Exchange's six patterns that gives a day, and a day on which it can begin."""
    interval, times = draw(st.integers(1, 3)), draw(st.integers(0, 9))
    weekday, place = _WEEKDAYS[met.weekday()], (met.day - 1) // 7 + 1
    month = f"BYMONTH={met.month}"
    by_day = f"BYDAY={-1 if place > 4 else place}{weekday}"
    by_month_day = f"BYMONTHDAY={met.day if met.day <= 28 else -1}"
    kind = draw(st.sampled_from(["daily", "weekly", "monthly", "monthly by day", "yearly", "yearly by day"]))
    if kind == "daily":
        return f"FREQ=DAILY;INTERVAL={interval}", met - times * interval * DAY
    if kind == "weekly":
        days = {weekday, *draw(st.lists(st.sampled_from(_WEEKDAYS), max_size=3))}
        begins = draw(st.sampled_from(_WEEKDAYS))
        rule = f"FREQ=WEEKLY;INTERVAL={interval};BYDAY={','.join(sorted(days))};WKST={begins}"
        return rule, met - 7 * times * interval * DAY
    if kind.startswith("monthly"):
        rule = f"FREQ=MONTHLY;INTERVAL={interval};{by_day if 'by' in kind else by_month_day}"
        back = met.year * 12 + met.month - 1 - times * interval
        return rule, _first(rule, date(back // 12, back % 12 + 1, 1))
    rule = f"FREQ=YEARLY;{month};{by_day if 'by' in kind else by_month_day}"
    return rule, _first(rule, date(met.year - times, met.month, 1))


def _first(rule: str, day: date) -> date:
    found = rrulestr(rule, dtstart=datetime.combine(day, time())).after(datetime.combine(day, time()), inc=True)
    assert isinstance(found, datetime)
    return found.date()


@dataclass(frozen=True)
class _Writer:
    """Writes a client's properties of local times; whole days are dates, or midnights as Outlook writes them."""

    name: str
    is_date: bool

    @property
    def zone(self) -> ZoneInfo:
        return load_zone(self.name)

    def has(self, local: datetime) -> bool:
        """Say whether the clock shows a time."""
        return local.replace(tzinfo=self.zone).astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) == local

    def line(self, prop: str, local: datetime) -> str:
        if self.is_date:
            return f"{prop};VALUE=DATE:{local:%Y%m%d}"
        return f"{prop};TZID={self.name}:{local:%Y%m%dT%H%M%S}"

    def until(self, local: datetime) -> str:
        if self.is_date:
            return f"{local:%Y%m%d}"
        return f"{local.replace(tzinfo=self.zone).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _document(events: list[list[str]]) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//test//EN"]
    for event in events:
        lines += ["BEGIN:VEVENT", "UID:drawn", "DTSTAMP:20120101T000000Z", *event, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()
