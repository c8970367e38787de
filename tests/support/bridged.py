"""The whole of it: the served command in front of a simulated Exchange."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from bridge.simulator import CalendarPlan, PersonPlan, Simulator

from commands import PATIENT, Running, command

ANN, BEN, CLEO = "ann@example.test", "ben@example.test", "cleo@example.test"
PASSWORD = "correct horse"
PEOPLE = (
    PersonPlan(
        "Ann Example",
        ANN,
        PASSWORD,
        aliases=("a.example@example.test",),
        zone="W. Europe Standard Time",
        calendars=(CalendarPlan("Calendar", {BEN: "read", CLEO: "write"}), CalendarPlan("Choir & more")),
    ),
    PersonPlan("Ben Example", BEN, PASSWORD),
    PersonPlan("Cleo Example", CLEO, PASSWORD),
)


@dataclass
class Bridged:
    """A bridge that serves at ``url``, and the Exchange behind it."""

    url: str
    exchange: Simulator
    running: Running
    folder: Path

    def calendar(self, person: str = ANN, name: str = "calendar") -> str:
        """Give a calendar's URL."""
        return f"{self.url}{person}/{name}/"

    def ask(
        self,
        method: str,
        url: str,
        body: bytes | str = b"",
        *,
        person: str = ANN,
        password: str = PASSWORD,
        **headers: str,
    ) -> requests.Response:
        """Send one request as a client does."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, url, data=body, headers=sent, auth=(person, password), timeout=60)

    def put(self, name: str, body: bytes, **headers: str) -> requests.Response:
        """PUT an event into Ann's calendar."""
        return self.ask("PUT", self.calendar() + name, body, Content_Type="text/calendar; charset=utf-8", **headers)


@contextmanager
def bridged(
    folder: Path,
    personality: str,
    *,
    fresh: int = 0,
    workers: int = 1,
    reshaping: str = "reset",
    ntlm: bool = False,
    watch: bool = False,
) -> Iterator[Bridged]:
    """Run the command in front of a simulated Exchange; with ``ntlm`` that is asked by NTLM, over TLS.

    ``reshaping`` is its rule `exceptions_on_change`. Without ``watch`` what is done at Exchange is there with the next
    request, since that asks.
    """
    with Simulator(PEOPLE, personality=personality, ntlm=ntlm, tls=ntlm, exceptions_on_change=reshaping) as exchange:
        secured = f'authentication = "ntlm"\nca_file = "{exchange.ca_file}"\n' if ntlm else ""
        with served(folder, exchange, fresh=fresh, workers=workers, secured=secured, watch=watch) as made:
            yield made
        assert exchange.outbox == []
        assert exchange.invalid_answers == []


@contextmanager
def served(
    folder: Path,
    exchange: Simulator,
    *,
    fresh: int = 0,
    workers: int = 1,
    secured: str = "",
    database: str = "",
    watch: bool = False,
) -> Iterator[Bridged]:
    """Run the command in front of this Exchange; ``secured`` are further lines about it, ``database`` is a URL."""
    config = configure(folder, exchange, fresh=fresh, workers=workers, secured=secured, database=database, watch=watch)
    with command(folder, "serve", "--config", str(config), program=PATIENT) as running:
        url = running.wait_for(r"served at (http://\S+)")[1]
        yield Bridged(url, exchange, running, folder)


def configure(
    folder: Path,
    exchange: Simulator,
    *,
    fresh: int = 0,
    workers: int = 1,
    secured: str = "",
    database: str = "",
    watch: bool = False,
) -> Path:
    """Write a configuration and give its path. With a database, the bridge's URL is one that hosts share."""
    config = folder / "bridge.toml"
    shares = "".join(f'[[share]]\nviewer = "{viewer}"\nowner = "{ANN}"\n' for viewer in (BEN, CLEO))
    kept = f'database = "{database}"\n' if database else ""
    shared = 'url = "https://calendar.example.test"\n' if database else ""
    config.write_text(
        f'[exchange]\nurl = "{exchange.url}"\n{secured}[server]\nlisten = "127.0.0.1:0"\nworkers = {workers}\n{shared}'
        f'max_resource_size = "1 MiB"\n[state]\nfolder = "{folder / "own"}"\n{kept}[sync]\nfresh = {fresh}\n'
        f"watch = {str(watch).lower()}\n{shares}"
    )
    return config
