"""``exchange-bridge demo``: a simulated Exchange and the bridge in front of it, to look at."""

import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import click

from bridge.cli.server import check_free, run
from bridge.cli.settings import told
from bridge.config import ExchangeSettings, Listen, ServerSettings, Settings, Share, StateSettings, SyncSettings
from bridge.ids import make_address
from bridge.item import Zone
from bridge.simulator.lifelike import lifelike_people
from bridge.simulator.people import PersonPlan
from bridge.simulator.simulator import Simulator

SEED = 1
FRESH = 2.0
"""Seconds: in a demo a change made at Exchange is to be seen at once."""


@click.command()
@click.option("--port", default=5232, show_default=True, type=click.IntRange(0, 65535), help="Of 127.0.0.1; 0: any.")
@click.option("--open-nothing", is_flag=True, help="Do not open the front page in a browser.")
def demo(port: int, *, open_nothing: bool) -> None:
    """Run a simulated Exchange with three people and the bridge in front of it, until Ctrl-C.

    Nothing is left behind: the state lives in a temporary folder, the simulated mailboxes in memory.
    """
    listen = Listen("127.0.0.1", port)
    check_free(listen)
    people = lifelike_people(SEED)
    with _simulated(people) as exchange_url, tempfile.TemporaryDirectory(prefix="exchange-bridge-demo-") as folder:
        settings = Settings(
            exchange=ExchangeSettings(exchange_url, time_zone=Zone(people[0].zone)),
            server=ServerSettings(listen, threads=16),
            state=StateSettings(Path(folder)),
            sync=SyncSettings(FRESH),
            shares=_shares(people),
        )

        def say(url: str) -> None:
            click.echo(_explanation(url, exchange_url, people))
            if not open_nothing and _has_screen():
                webbrowser.open(url)

        with told():
            run(settings, say)


def _shares(people: Sequence[PersonPlan]) -> tuple[Share, ...]:
    """Let everybody see the calendars that others let him read."""
    return tuple(
        Share(make_address(viewer), make_address(owner.address))
        for owner in people
        for viewer, level in owner.calendars[0].permissions.items()
        if level in {"read", "write"}
    )


def _explanation(url: str, exchange_url: str, people: Sequence[PersonPlan]) -> str:
    width = max(len(person.address) for person in people)
    logins = "\n".join(f"  {person.address:<{width}}  {person.password}" for person in people)
    first = people[0]
    return f"""
Exchange calendars are served at {url}

Log in as one of these people of the simulated Exchange:

  {"user name":<{width}}  password
{logins}

In Thunderbird: Calendar, New Calendar, On the Network; then
  Username  {first.address}
  Location  {url}
  Find Calendars, password {first.password}, Subscribe.

{url} in a browser says how to connect other apps.
The simulated Exchange: {exchange_url}
Ctrl-C ends everything.
"""


def _has_screen() -> bool:
    return sys.stdout.isatty() and (
        sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    )


@contextmanager
def _simulated(people: Sequence[PersonPlan]) -> Iterator[str]:
    """Run the simulated Exchange in a process of its own, so that no thread of it is there when workers fork."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_simulate, args=(theirs, people), name="simulated Exchange", daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join(timeout=5)


def _simulate(pipe: Connection, people: Sequence[PersonPlan]) -> None:
    """Simulate until the other end of the pipe is closed, also because its process is no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("bridge.simulator").setLevel(logging.ERROR)
    with Simulator(people, seed=SEED) as simulator:
        pipe.send(simulator.url)
        try:
            pipe.recv()
        except EOFError:
            return
