"""A simulated Exchange as a command: it serves until it is told to stop."""

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from bridge.simulator.lifelike import lifelike_people
from bridge.simulator.people import load_people
from bridge.simulator.simulator import Simulator


@dataclass(frozen=True)
class ServeOptions:
    """What `serve` is told: `people` a TOML file, else `count` people are made from `seed` with `events` each."""

    host: str = "127.0.0.1"
    port: int = 8080
    people: Path | None = None
    seed: int = 1
    count: int = 3
    events: int = 60
    personality: str = "2019"
    latency: int = 0
    tls: bool = False
    ntlm: bool = False


def serve(options: ServeOptions, say: Callable[[str], None] = print) -> None:
    """Serve until SIGINT or SIGTERM; `say` is told the addresses and logins when everything is ready."""
    plans = (
        load_people(options.people) if options.people else lifelike_people(options.seed, options.count, options.events)
    )
    simulator = Simulator(
        plans,
        personality=options.personality,
        latency=options.latency,
        host=options.host,
        port=options.port,
        seed=options.seed,
        tls=options.tls,
        ntlm=options.ntlm,
    )
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with simulator:
            say(f"Simulated Exchange ({options.personality}): {simulator.url}")
            say(f"Control: {simulator.control_url}")
            if options.tls:
                say(f"Certificate authority for clients: {simulator.ca_file}")
            checked = "checked against" if simulator.service.schemas else "NOT checked against"
            say(f"Requests and answers are {checked} Microsoft's schemas")
            for plan in plans:
                say(f"  {plan.name}: {plan.address}, password {plan.password}")
            stopped.wait()
    finally:
        for number, action in before.items():
            signal.signal(number, action)
