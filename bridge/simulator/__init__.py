"""A simulated Exchange: a real HTTP server that speaks EWS, for the demo, for tests, for whoever writes a client.

A product of its own that shares no code with the bridge, so that one mistake cannot cancel the other.
"""

from bridge.simulator.lifelike import lifelike_people
from bridge.simulator.people import CalendarPlan, PersonPlan, load_people
from bridge.simulator.rules import PERSONALITIES, assumed
from bridge.simulator.serving import ServeOptions, serve
from bridge.simulator.simulator import Simulator

__all__ = [
    "PERSONALITIES",
    "CalendarPlan",
    "PersonPlan",
    "ServeOptions",
    "Simulator",
    "assumed",
    "lifelike_people",
    "load_people",
    "serve",
]
