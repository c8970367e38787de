"""A simulated Exchange for many people, each with as many events: ``python office.py --people 500 --events 1000``.

A people file of half a million events would take minutes to read; here all people share the same values. Requests and
answers are not checked against schemas, so that the server has little to do. ``bridge`` is a service account.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from client import PASSWORD

from bridge.simulator import Simulator
from bridge.simulator.people import CalendarPlan, PersonPlan, read_event

ZONE = "W. Europe Standard Time"
SERVICE = "bridge@example.test"
EVENTS_A_YEAR = 1_000
"""How densely events lie, half of them in the past."""


def address(number: int) -> str:
    """Give the address of a person."""
    return f"person{number}@example.test"


def events(count: int, today: date) -> Iterator[dict[str, object]]:
    """Give events: nine single ones, then a weekly series of half a year."""
    days = max(365, 365 * count // EVENTS_A_YEAR)
    for number in range(count):
        day = today + timedelta(days=number * 7 % days - days // 2)
        start = datetime.combine(day, time(number % 9 + 8))
        series = {"recurrence": {"every": "week", "count": 26}} if number % 10 == 9 else {}
        described = {
            "subject": f"Event {number}: status of the project",
            "start": start,
            "end": start + timedelta(minutes=45),
            "location": f"Room {number % 40}",
            "body": f"Agenda of the meeting, number {number}: figures, plans, risks.",
            "reminder": 15,
            "uid": f"office-{number}",
        }
        yield read_event(described | series, ZONE)


def people(count: int, most: int) -> list[PersonPlan]:
    """Give the people, and the service account."""
    plan = CalendarPlan("Calendar", events=tuple(events(most, date.today())))  # noqa: DTZ011 - where the machine is
    made = [
        PersonPlan(f"Person {number}", address(number), PASSWORD, zone=ZONE, calendars=(plan,))
        for number in range(count)
    ]
    return [*made, PersonPlan("Bridge", SERVICE, PASSWORD, impersonates=True)]


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--latency", type=int, default=0, help="milliseconds a call")
    arguments = parser.parse_args()
    os.environ.pop("EXCHANGE_SCHEMAS", None)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with Simulator(people(arguments.people, arguments.events), latency=arguments.latency) as simulator:
        print(f"Simulated Exchange: {simulator.url}", flush=True)
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
