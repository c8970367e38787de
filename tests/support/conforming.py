"""The bridge as one WSGI application in front of a simulated Exchange, for tests that send single requests."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.config import load
from bridge.service import build
from bridge.simulator import CalendarPlan, PersonPlan, Simulator
from bridge.storage_plugin.application import make_application

from door import Answer, send

ANN, BEN, CLEO = "ann@example.test", "ben@example.test", "cleo@example.test"
PASSWORD = "correct horse"
HOME = f"/{ANN}/"
CALENDAR, CHOIR = f"{HOME}calendar/", f"{HOME}choir/"
SHARED, SHARED_TO_WRITE = f"{HOME}{BEN}~calendar/", f"{HOME}{CLEO}~calendar/"
D, C, CS, A = (
    "{DAV:}",
    "{urn:ietf:params:xml:ns:caldav}",
    "{http://calendarserver.org/ns/}",
    "{http://apple.com/ns/ical/}",
)
SPACES = (
    'xmlns="DAV:" xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" '
    'xmlns:A="http://apple.com/ns/ical/" xmlns:X="urn:example:x"'
)
PEOPLE = (
    PersonPlan(
        "Ann Example",
        ANN,
        PASSWORD,
        aliases=("a.example@example.test",),
        zone="W. Europe Standard Time",
        calendars=(CalendarPlan("Calendar"), CalendarPlan("Choir")),
    ),
    PersonPlan("Ben Example", BEN, PASSWORD, calendars=(CalendarPlan("Calendar", {ANN: "read"}),)),
    PersonPlan("Cleo Example", CLEO, PASSWORD, calendars=(CalendarPlan("Calendar", {ANN: "write"}),)),
)


def of_events(inside: str) -> str:
    """Give a filter of VEVENTs."""
    return (
        f'<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{inside}</C:comp-filter>'
        "</C:comp-filter></C:filter>"
    )


def setting(inside: str) -> str:
    """Give a PROPPATCH that sets these properties."""
    return f"<propertyupdate {SPACES}><set><prop>{inside}</prop></set></propertyupdate>"


def errors(answer: Answer) -> list[str]:
    """Give what stands in a DAV:error body."""
    return [each.tag for each in answer.xml] if answer.xml.tag == f"{D}error" else []


class Bridge:
    """Sends requests as Ann, unless told otherwise."""

    def __init__(self, app: Any, exchange: Simulator) -> None:
        """Take the application and the Exchange behind it."""
        self._app = app
        self.exchange = exchange

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str = b"",
        *,
        person: str | None = ANN,
        environ: Mapping[str, Any] | None = None,
        **headers: str,
    ) -> Answer:
        """Send one request."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if person is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(f"{person}:{PASSWORD}".encode()).decode()
        raw = body.encode() if isinstance(body, str) else body
        return send(self._app, method, path, raw, sent, environ or {})

    def put(self, path: str, body: bytes | str, **headers: str) -> Answer:
        """PUT an event as clients do."""
        return self.ask(
            "PUT", path, body, environ={}, person=ANN, Content_Type="text/calendar; charset=utf-8", **headers
        )

    def propfind(self, path: str, inside: str, *, depth: str = "0", **headers: str) -> Answer:
        """PROPFIND these properties."""
        body = f"<propfind {SPACES}><prop>{inside}</prop></propfind>"
        return self.ask("PROPFIND", path, body, environ={}, person=ANN, Depth=depth, **headers)

    def report(self, path: str, name: str, inside: str, *, depth: str = "1", **headers: str) -> Answer:
        """Ask a report."""
        return self.ask(
            "REPORT", path, f"<{name} {SPACES}>{inside}</{name}>", environ={}, person=ANN, Depth=depth, **headers
        )

    def query(self, path: str, inside: str, prop: str = "<getetag/>") -> Answer:
        """Ask a calendar-query with a filter of VEVENTs."""
        events = (
            f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{inside}</C:comp-filter></C:comp-filter>'
        )
        return self.report(path, "C:calendar-query", f"<prop>{prop}</prop><C:filter>{events}</C:filter>")

    def sync(self, path: str, token: str = "", prop: str = "<prop><getetag/></prop>", more: str = "") -> Answer:
        """Ask a sync-collection."""
        inside = f"<sync-token>{token}</sync-token><sync-level>1</sync-level>{more}{prop}"
        return self.report(path, "sync-collection", inside, depth="0")

    def names(self, path: str) -> set[str]:
        """Give the names of what is in a calendar."""
        hrefs = self.propfind(path, "<getetag/>", depth="1").responses()
        return {href.removeprefix(path) for href in hrefs} - {""}


@contextmanager
def conforming(folder: Path, personality: str = "2019") -> Iterator[Bridge]:
    """Run a bridge that asks Exchange at every read."""
    with Simulator(PEOPLE, personality=personality) as exchange:
        config = folder / "bridge.toml"
        shares = "".join(f'[[share]]\nviewer = "{ANN}"\nowner = "{owner}"\n' for owner in (BEN, CLEO))
        config.write_text(
            f'[exchange]\nurl = "{exchange.url}"\n[server]\nmax_resource_size = "1 MiB"\n'
            f'[state]\nfolder = "{folder / "own"}"\n[sync]\nfresh = 0\nwatch = false\n{shares}'
        )
        service = build(load(config, {}))
        try:
            yield Bridge(make_application(service), exchange)
        finally:
            service.close()
        assert exchange.outbox == []
        assert exchange.invalid_answers == []
