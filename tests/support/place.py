"""A bridge without HTTP in front of a simulated Exchange, and what asks Exchange itself: for series one by one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import requests

from bridge.config import load
from bridge.model import CalendarName, Login, Name, ServedCalendar
from bridge.resource import Conditions, Listed
from bridge.service import Service, build
from bridge.simulator import Simulator

from bridged import ANN, PASSWORD, PEOPLE
from calendar_view import calendar_view

_NAME = Name("drawn.ics")


@dataclass
class Place:
    """Ann's calendar, in which one series stands at a time."""

    exchange: Simulator
    service: Service
    login: Login
    outlook: requests.Session

    def put(self, text: bytes) -> None:
        """PUT the series. Raises Refused and its kinds."""
        self.service.store.put(self.login, self._calendar, _NAME, text, Conditions())

    def delete(self) -> None:
        """Delete it."""
        self.service.store.delete(self.login, self._calendar, _NAME, Conditions())

    def read(self) -> tuple[Listed, bytes]:
        """Give the series as it is listed and served."""
        calendar = self._calendar
        listed = self.service.store.snapshot(self.login, calendar).resources[_NAME]
        return listed, self.service.store.texts(calendar, [_NAME])[_NAME]

    def only(self) -> tuple[Listed, bytes]:
        """Pull the calendar, and give the one resource in it."""
        calendar = self._calendar
        (listed,) = self.service.store.snapshot(self.login, calendar, fresh=True).resources.values()
        return listed, self.service.store.texts(calendar, [listed.name])[listed.name]

    def view(self, start: datetime, end: datetime, days: int) -> list[tuple[datetime, datetime]]:
        """Give what CalendarView lists, asked for so many days at once."""
        return calendar_view(self.outlook, self.exchange.url, start, end, days=days)

    @property
    def _calendar(self) -> ServedCalendar:
        return self.service.store.calendar(self.login, CalendarName("calendar"))


@contextmanager
def place_of_series(folder: Path) -> Iterator[Place]:
    """Make the place; at its end nobody was mailed, and no answer of Exchange's broke its schema."""
    with Simulator(PEOPLE) as exchange, requests.Session() as outlook:
        outlook.auth = (ANN, PASSWORD)
        config = folder / "bridge.toml"
        config.write_text(
            f'[exchange]\nurl = "{exchange.url}"\n[state]\nfolder = "{folder / "own"}"\n[sync]\nwatch = false\n'
        )
        service = build(load(config))
        try:
            yield Place(exchange, service, service.accounts.log_in(ANN, PASSWORD), outlook)
        finally:
            service.close()
        assert exchange.invalid_answers == []
        assert exchange.outbox == []
