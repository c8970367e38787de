"""People and calendars like real ones, made from a seed number: the same seed, date and counts give the same."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice

from bridge.simulator.lifelike_series import recurring, yearly
from bridge.simulator.model import Attendee, Body
from bridge.simulator.people import CalendarPlan, PersonPlan
from bridge.simulator.zones import Zone, named

_FIRST = ("Anna", "Björn", "Chiara", "David", "Elif", "François", "Greta", "Hiroshi", "Ines", "Jonas", "Katarzyna")
_LAST = ("Berg", "Čapek", "Doyle", "Eriksen", "Fontana", "García", "Hoffmann", "Ito", "Jansen", "Keller")
_ZONES = (
    "W. Europe Standard Time",
    "GMT Standard Time",
    "Eastern Standard Time",
    "Tokyo Standard Time",
    "India Standard Time",
    "AUS Eastern Standard Time",
)
_SUBJECTS = (
    "Team meeting",
    "Quarterly review",
    "Lunch with {other}",
    "Call {other}",
    "Design workshop",
    "Interview: developer",
    "Dentist",
    "Train to Zürich",
    "Budget & planning",
    "Focus time",
    "Release “spring”",
    "Besprechung: Größe <neu>",
)
_DAYS = ("Vacation", "Conference", "Out of office", "Birthday {other}", "Moving day", "Public holiday")
_PLACES = ("Room 1.04", "Café am Eck", "Online", "HQ, 3rd floor", "Bâtiment C", "")
_COLOURS = ("Red category", "Green category", "Customer", "Travel", "Personal")
_FURTHER = ("Projects", "Family", "Sports")
_SERIES = 0.1  # how many of the events recur
_SPAN = 120  # days: the past month and the coming three


@dataclass(frozen=True)
class _Maker:
    """Makes the events of one person."""

    dice: random.Random
    around: date
    me: PersonPlan
    others: tuple[PersonPlan, ...]

    def events(self) -> Iterator[dict[str, object]]:
        """Give events without end."""
        while True:
            yield self._series() if self.dice.random() < _SERIES else self._once()

    def _once(self) -> dict[str, object]:
        return self._whole_day() if self.dice.random() < 0.15 else self._timed()

    def _series(self) -> dict[str, object]:
        if self.dice.random() < 0.2:
            day = self._whole_day() | {"Subject": self._subject(("Birthday {other}", "Anniversary"))}
            return yearly(self.dice, day, self.around)
        return recurring(self.dice, self._timed(), self.around)

    def _day(self) -> date:
        return self.around + timedelta(days=self.dice.randrange(-30, _SPAN - 30))

    def _zone(self) -> Zone:
        zone = named(self.dice.choice(_ZONES) if self.dice.random() < 0.2 else self.me.zone)
        if zone is None:
            raise ValueError(f"{self.me.zone} is no Windows time zone")
        return zone

    def _other(self) -> PersonPlan | None:
        return self.dice.choice(self.others) if self.others else None

    def _subject(self, subjects: tuple[str, ...]) -> str:
        other = self._other()
        return self.dice.choice(subjects).format(other=other.name.partition(" ")[0] if other else "a friend")

    def _common(self, zone: Zone, busy: str) -> dict[str, object]:
        values: dict[str, object] = {
            "StartTimeZone": zone,
            "EndTimeZone": zone,
            "LegacyFreeBusyStatus": busy,
            "ReminderIsSet": self.dice.random() < 0.6,
            "ReminderMinutesBeforeStart": self.dice.choice((5, 10, 15, 30, 60, 1440)),
        }
        if place := self.dice.choice(_PLACES):
            values["Location"] = place
        if self.dice.random() < 0.1:
            values["Sensitivity"] = "Private"
        if self.dice.random() < 0.3:
            values["Categories"] = tuple(sorted(self.dice.sample(_COLOURS, self.dice.randint(1, 2))))
        if self.dice.random() < 0.3:
            values["Body"] = Body("Text", "Agenda:\r\n1. Welcome\r\n2. Next steps")
        return values

    def _whole_day(self) -> dict[str, object]:
        zone = named(self.me.zone) or self._zone()
        first = self._day()
        last = first + timedelta(days=self.dice.choice((1, 1, 1, 2, 5)))
        busy = self.dice.choice(("Free", "Free", "OOF", "Busy"))
        return self._common(zone, busy) | {
            "Subject": self._subject(_DAYS),
            "IsAllDayEvent": True,
            "Start": zone.to_utc(datetime.combine(first, time())),
            "End": zone.to_utc(datetime.combine(last, time())),
        }

    def _timed(self) -> dict[str, object]:
        zone = self._zone()
        clock = time(self.dice.randrange(7, 20), self.dice.choice((0, 0, 15, 30, 45)))
        start = zone.to_utc(datetime.combine(self._day(), clock))
        busy = self.dice.choice(("Busy", "Busy", "Busy", "Tentative", "OOF", "Free"))
        values = self._common(zone, busy) | {
            "Subject": self._subject(_SUBJECTS),
            "Start": start,
            "End": start + timedelta(minutes=self.dice.choice((15, 30, 30, 60, 60, 90, 180))),
        }
        return values | (self._meeting() if self.dice.random() < 0.25 else {})

    def _meeting(self) -> dict[str, object]:
        other = self._other()
        outside = Attendee("Pat Customer", "pat@customer.example.net", self.dice.choice(("Accept", "Unknown")))
        if other is None:
            return {"RequiredAttendees": (outside,)}
        someone = Attendee(other.name, other.address, self.dice.choice(("Accept", "Tentative", "Unknown")))
        if self.dice.random() < 0.5:
            return {"RequiredAttendees": (someone, outside), "MeetingRequestWasSent": True}
        answer = self.dice.choice(("Accept", "Tentative", "NoResponseReceived"))
        me = Attendee(self.me.name, self.me.address)
        host = Attendee(other.name, other.address, "Organizer")
        return {"Organizer": host, "RequiredAttendees": (me, outside), "MyResponseType": answer}


def lifelike_people(
    seed: int = 1, count: int = 3, events: int = 60, around: date | None = None
) -> tuple[PersonPlan, ...]:
    """Give `count` people with `events` events each in the month before `around` and the three after.

    Addresses are `first.last@example.com` with the alias `first@example.com`, passwords `first-password`. Most
    events are in the default calendar; the second person may read the first's, the third may write it. A tenth of
    the events are series, begun up to a year before (birthdays: long ago), some of them without end.
    """
    dice = random.Random(seed)
    day = around or date.today()  # noqa: DTZ011 - the demo's people live where the machine is
    bare = tuple(_person(number) for number in range(count))
    made: list[PersonPlan] = []
    for number, person in enumerate(bare):
        others = bare[:number] + bare[number + 1 :]
        maker = _Maker(random.Random(dice.random()), day, person, others)
        further = _FURTHER[: 1 + number % 2]
        shares = [events - len(further) * (events // 5), *([events // 5] * len(further))]
        stream = maker.events()
        permissions = _permissions(bare, number)
        names = ("Calendar", *further)
        calendars = tuple(
            CalendarPlan(name, permissions if name == "Calendar" else {}, tuple(islice(stream, share)))
            for name, share in zip(names, shares, strict=True)
        )
        made.append(replace(person, calendars=calendars))
    return tuple(made)


def _person(number: int) -> PersonPlan:
    turn, place = divmod(number, len(_FIRST))
    first, last = _FIRST[place], _LAST[(number + turn) % len(_LAST)]
    plain = first.lower().translate(str.maketrans("öç", "oc")) + (str(turn) if turn else "")
    family = last.lower().translate(str.maketrans("čí", "ci"))
    return PersonPlan(
        name=f"{first} {last}",
        address=f"{plain}.{family}@example.com",
        aliases=(f"{plain}@example.com",),
        login=plain,
        password=f"{plain}-password",
        zone=_ZONES[number % 3] if number else _ZONES[0],
    )


def _permissions(people: tuple[PersonPlan, ...], number: int) -> dict[str, str]:
    """Give who may do what with the default calendar of person `number`: the next reads, the one after writes."""
    levels = ("read", "write")
    others = [people[(number + step) % len(people)] for step in (1, 2) if step < len(people)]
    granted = {other.address: level for other, level in zip(others, levels, strict=False)}
    return granted | {"default": "freebusy"}
