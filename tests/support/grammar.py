"""Valid calendar objects, drawn by hypothesis from the grammar of RFC 5545 3.6 and its extensions.

Written from the RFCs and from what clients send, not from what the bridge can do. What is drawn is one resource of
RFC 4791 4.1: an event, or a series with changed occurrences, or such occurrences alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from grammar_properties import (
    AROUND,
    OF_ALARMS,
    OF_EVENTS,
    OF_PARTS,
    PEOPLE,
    properties,
    several_properties,
)
from grammar_values import BINARY, CAL_ADDRESS, DURATION, REPEATS, TEXT, escaped, words
from grammar_values import UTC as UTC_VALUES

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Form:
    """A form of times: what their lines have for parameters, how they end, their rules, the VTIMEZONE beside them."""

    parameters: str
    suffix: str = ""
    rules: ZoneInfo | None = None
    timezone: str = ""
    is_date: bool = False

    def line(self, name: str, *moments: datetime) -> str:
        """Write a property of these clock times."""
        shape = "%Y%m%d" if self.is_date else "%Y%m%dT%H%M%S"
        return f"{name}{self.parameters}:" + ",".join(f"{moment:{shape}}{self.suffix}" for moment in moments)

    def until(self, moment: datetime) -> str:
        """Write a moment as UNTIL has to be beside such a DTSTART (RFC 5545 3.3.10)."""
        if self.rules is None:
            return self.line("", moment)[len(self.parameters) + 1 :]
        return f"{moment.replace(tzinfo=self.rules).astimezone(UTC):%Y%m%dT%H%M%SZ}"


BERLIN, NEW_YORK, KOLKATA = (ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata"))
_CENTRAL = """BEGIN:VTIMEZONE
TZID:{tzid}
{more}BEGIN:DAYLIGHT
TZNAME:CEST
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZNAME:CET
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
"""
_FIXED = """BEGIN:VTIMEZONE
TZID:{tzid}
{more}BEGIN:STANDARD
TZNAME:Ship
TZOFFSETFROM:{offset}
TZOFFSETTO:{offset}
DTSTART:19700101T000000
COMMENT:On board
END:STANDARD
END:VTIMEZONE
"""
WHOLE_DAYS = Form(";VALUE=DATE", is_date=True)
IN_UTC = Form("", "Z", ZoneInfo("UTC"))
FLOATING = Form("")
IN_BERLIN = Form(";TZID=Europe/Berlin", "", BERLIN, _CENTRAL.format(tzid="Europe/Berlin", more=""))
SERIES_FORMS = (
    WHOLE_DAYS,
    IN_UTC,
    FLOATING,
    IN_BERLIN,
    Form(";VALUE=DATE-TIME;TZID=Europe/Berlin", "", BERLIN, IN_BERLIN.timezone),
    Form(";TZID=America/New_York", "", NEW_YORK),
    Form(";TZID=W. Europe Standard Time", "", BERLIN, _CENTRAL.format(tzid="W. Europe Standard Time", more="")),
    Form(
        ';TZID="(UTC+01:00) Amsterdam, Berlin"',
        "",
        BERLIN,
        _CENTRAL.format(tzid="(UTC+01:00) Amsterdam\\, Berlin", more="X-MICROSOFT-CDO-TZID:4\n"),
    ),
    Form(
        ";TZID=/freeassociation.sourceforge.net/Europe/Berlin",
        "",
        BERLIN,
        _CENTRAL.format(tzid="/freeassociation.sourceforge.net/Europe/Berlin", more="X-LIC-LOCATION:Europe/Berlin\n"),
    ),
    Form(";TZID=India", "", KOLKATA, _FIXED.format(tzid="India", more="TZURL:https://x.test/i\n", offset="+0530")),
)
FORMS = (*SERIES_FORMS, Form(";TZID=Ship", "", None, _FIXED.format(tzid="Ship", more="", offset="+0017")))


@dataclass(frozen=True)
class Rule:
    """A rule that begins on any of its first ``days``, and when its occurrences are, from 0."""

    text: str
    step: Callable[[date, int], date]


def months(day: date, number: int) -> date:
    """Give the same day so many months later; the day is at most 28."""
    years, month = divmod(day.month - 1 + number, 12)
    return day.replace(year=day.year + years, month=month + 1)


RULES = (
    Rule("FREQ=DAILY", lambda day, number: day + DAY * number),
    Rule("FREQ=DAILY;INTERVAL=3", lambda day, number: day + DAY * 3 * number),
    Rule("FREQ=WEEKLY", lambda day, number: day + DAY * 7 * number),
    Rule("INTERVAL=2;FREQ=WEEKLY;WKST=MO", lambda day, number: day + DAY * 14 * number),
    Rule("FREQ=MONTHLY", months),
    Rule("FREQ=MONTHLY;INTERVAL=5", lambda day, number: months(day, 5 * number)),
    Rule("FREQ=YEARLY", lambda day, number: day.replace(year=day.year + number)),
)
HARD_RULES = (
    ("FREQ=MONTHLY;BYDAY=2TU", date(2026, 3, 10)),
    ("FREQ=MONTHLY;BYMONTHDAY=-1", date(2026, 3, 31)),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", date(2026, 3, 31)),
    ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", date(2026, 11, 26)),
    ("FREQ=WEEKLY;BYDAY=MO,WE,FR;WKST=SU;COUNT=7", date(2026, 3, 2)),
    ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=20", date(2026, 3, 31)),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", date(2026, 5, 11)),
    ("FREQ=HOURLY;INTERVAL=5;COUNT=9", date(2026, 3, 2)),
    ("FREQ=MONTHLY;BYMONTHDAY=1,15", date(2026, 3, 1)),
    ("FREQ=YEARLY;BYYEARDAY=100", date(2026, 4, 10)),
    ("RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=OMIT", date(2026, 3, 2)),
    ("RSCALE=CHINESE;FREQ=YEARLY", date(2026, 3, 2)),
    ("FREQ=WEEKLY;BYDAY=TU", date(2026, 3, 2)),
)
"""Rules and a day to begin on; the last does not give its first day."""


# --- components --------------------------------------------------------------------------------------


@st.composite
def alarms(draw: st.DrawFn) -> list[str]:
    """Draw an alarm of any action (RFC 5545 3.6.6, RFC 9074), with a place in it now and then."""
    action = draw(st.sampled_from(["AUDIO", "DISPLAY", "DISPLAY", "EMAIL", "PROCEDURE", "NONE", "X-BLINK", "audio"]))
    triggers = st.one_of(
        st.tuples(st.sampled_from(["", ";VALUE=DURATION", ";RELATED=START", ";RELATED=END"]), DURATION),
        st.tuples(st.just(";VALUE=DATE-TIME"), UTC_VALUES),
    )
    lines = [f"ACTION:{action}", "TRIGGER" + ":".join(draw(triggers))]
    if action in {"DISPLAY", "EMAIL", "PROCEDURE"}:
        lines.append(f"DESCRIPTION:{draw(TEXT)}")
    if action == "EMAIL":
        lines += [f"SUMMARY:{draw(TEXT)}", *(f"ATTENDEE:{one}" for one in draw(st.lists(CAL_ADDRESS, min_size=1)))]
    if action in {"AUDIO", "PROCEDURE"} and draw(st.booleans()):
        lines.append(f"ATTACH;FMTTYPE=audio/basic;ENCODING=BASE64;VALUE=BINARY:{draw(BINARY)}")
    if draw(st.booleans()):
        duration, repeat = draw(REPEATS)
        lines += [f"DURATION:{duration}", f"REPEAT:{repeat}"]
    lines += draw(several_properties(OF_ALARMS, 3))
    place = draw(parts("VLOCATION")) if draw(st.integers(0, 3)) == 0 else []
    return ["BEGIN:VALARM", *lines, *place, "END:VALARM"]


@st.composite
def parts(draw: st.DrawFn, name: str) -> list[str]:
    """Draw a component of RFC 9073, or one that no RFC knows yet; participants may have places and resources."""
    inside: list[str] = []
    if name == "PARTICIPANT":
        inside = [f"PARTICIPANT-TYPE:{draw(st.sampled_from(['SPEAKER', 'SPONSOR', 'X-BAND']))}"]
    lines = [*inside, *draw(several_properties(OF_PARTS[name], 3))]
    if name == "PARTICIPANT" and draw(st.booleans()):
        lines += draw(parts(draw(st.sampled_from(["VLOCATION", "VRESOURCE"]))))
    uid = draw(words(10).map(escaped))
    return [f"BEGIN:{name}", f"UID:part-{uid}", *lines, f"END:{name}"]


@st.composite
def people(draw: st.DrawFn) -> list[str]:
    """Draw an organizer and attendees; none more often than not."""
    if draw(st.integers(0, 2)):
        return []
    organizer = draw(properties("ORGANIZER", PEOPLE["ORGANIZER"]))
    return [organizer, *draw(st.lists(properties("ATTENDEE", PEOPLE["ATTENDEE"]), max_size=4))]


@st.composite
def contents(draw: st.DrawFn) -> list[str]:
    """Draw all of an event but for its UID and when it is: properties in any order, then components."""
    lines = [f"DTSTAMP:{draw(UTC_VALUES)}", *draw(several_properties(OF_EVENTS, 10)), *draw(people())]
    draw(st.randoms(use_true_random=False)).shuffle(lines)
    for alarm in draw(st.lists(alarms(), max_size=3)):
        lines += alarm
    if draw(st.integers(0, 2)) == 0:
        for name in draw(st.lists(st.sampled_from(list(OF_PARTS)), max_size=3)):
            lines += draw(parts(name))
    return lines


@st.composite
def ends(draw: st.DrawFn, form: Form, start: datetime) -> list[str]:
    """Draw how an event says how long it is: DTEND, perhaps in another zone, DURATION or nothing."""
    kind = draw(st.sampled_from(["DTEND", "DTEND", "DURATION", ""]))
    length = (
        draw(st.integers(1, 2)) * DAY if form.is_date else timedelta(minutes=draw(st.sampled_from([1, 30, 90, 200])))
    )
    if kind == "DURATION":
        days = draw(st.sampled_from(["P1D", "P2D", "P1W"]))
        return [f"DURATION:{days if form.is_date else draw(st.sampled_from(['PT0S', 'PT1H30M', 'PT45M']))}"]
    if not kind:
        return []
    if form.rules and draw(st.integers(0, 4)) == 0:
        end = (start + length).replace(tzinfo=form.rules).astimezone(NEW_YORK)
        return [Form(";TZID=America/New_York").line("DTEND", end.replace(tzinfo=None))]
    return [form.line("DTEND", start + length)]


# --- calendar objects --------------------------------------------------------------------------------

DATES = st.dates(date(2019, 1, 1), date(2034, 12, 28)).map(lambda day: day.replace(day=min(day.day, 28)))
CLOCKS = st.times(time(4), time(18)).map(lambda moment: moment.replace(second=0, microsecond=0))


def clock_of(form: Form, day: date, clock: time) -> datetime:
    """Give a clock time of a day; of whole days its beginning."""
    return datetime.combine(day, time() if form.is_date else clock)


@st.composite
def single(draw: st.DrawFn) -> tuple[list[list[str]], Sequence[Form]]:
    """Draw an event that takes place once."""
    form = draw(st.sampled_from(FORMS))
    start = clock_of(form, draw(DATES), draw(CLOCKS))
    return [[form.line("DTSTART", start), *draw(ends(form, start)), *draw(contents())]], [form]


@st.composite
def series(draw: st.DrawFn) -> tuple[list[list[str]], Sequence[Form]]:
    """Draw a series with occurrences that are left out and others that are changed; or those that are changed alone."""
    form, rule, first = draw(st.sampled_from(SERIES_FORMS)), draw(st.sampled_from(RULES)), draw(DATES)
    clock, size = draw(CLOCKS), draw(st.integers(2, 12))
    starts = [clock_of(form, rule.step(first, number), clock) for number in range(size)]
    ending = draw(st.sampled_from(["", f";COUNT={size}", f";UNTIL={form.until(starts[-1])}"]))
    numbers = draw(st.lists(st.integers(0, size - 1), max_size=4, unique=True))
    cut = draw(st.integers(0, len(numbers)))
    dates = [form.line("EXDATE", *sorted(starts[number] for number in numbers[:cut]))] if cut else []
    if draw(st.integers(0, 19)) == 0:
        dates.append(form.line("RDATE", starts[0] + DAY * 400))
    master = [form.line("DTSTART", starts[0]), f"RRULE:{rule.text}{ending}", *dates, *draw(ends(form, starts[0]))]
    overrides = []
    for number in numbers[cut:]:
        start = clock_of(form, starts[number].date(), draw(CLOCKS))
        head = [form.line("RECURRENCE-ID", starts[number]), form.line("DTSTART", start)]
        overrides.append([*head, *draw(ends(form, start)), *draw(contents())])
    if overrides and draw(st.integers(0, 9)) == 0:
        return overrides, [form]
    return [[*master, *draw(contents())], *overrides], [form]


@st.composite
def hard_series(draw: st.DrawFn) -> tuple[list[list[str]], Sequence[Form]]:
    """Draw a series of a rule of which Exchange may have no pattern, or that may not give its first day."""
    form, (rule, day) = draw(st.sampled_from(SERIES_FORMS[:4])), draw(st.sampled_from(HARD_RULES))
    return [[form.line("DTSTART", clock_of(form, day, draw(CLOCKS))), f"RRULE:{rule}", *draw(contents())]], [form]


@st.composite
def calendar_objects(draw: st.DrawFn) -> bytes:
    """Draw a calendar object as it travels: lines folded, names in the case that some client writes."""
    drawn = draw(st.one_of(single(), single(), single(), series(), series(), series(), hard_series()))
    return draw(travelling(*drawn))


@st.composite
def travelling(draw: st.DrawFn, components: list[list[str]], forms: Sequence[Form]) -> bytes:
    """Draw how events travel: what stands around them, and how their lines are folded and their names written."""
    uid = "uid-" + draw(words(30).map(escaped))
    timezones = {form.timezone for form in forms if form.timezone}
    if any("America/New_York" in line for one in components for line in one):
        timezones.add("")  # without a VTIMEZONE of its own, as many clients leave it out
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Some Client//EN", *draw(several_properties(AROUND, 2))]
    lines += [line for timezone in sorted(timezones) for line in timezone.splitlines()]
    for one in components:
        lines += ["BEGIN:VEVENT", f"UID:{uid}", *one, "END:VEVENT"]
    lines.append("END:VCALENDAR")
    if draw(st.integers(0, 5)) == 0:
        lines = [lowered(line) for line in lines]
    width, blank = draw(st.sampled_from([75, 75, 75, 31, 2000])), draw(st.sampled_from([b" ", b" ", b"\t"]))
    return b"".join(folded(line.encode(), width, blank) + b"\r\n" for line in lines)


def lowered(line: str) -> str:
    """Write the name of a property, or of a component, in small letters: names have no case."""
    end = min(place for mark in ":;" if (place := line.find(mark)) >= 0)
    name, rest = line[:end], line[end:]
    return name.lower() + (rest.lower() if name in {"BEGIN", "END"} else rest)


def folded(line: bytes, width: int, blank: bytes) -> bytes:
    """Fold a line after so many octets, within a character too, as RFC 5545 3.1 tells readers to expect."""
    return (b"\r\n" + blank).join(line[place : place + width] for place in range(0, len(line), width)) or line
