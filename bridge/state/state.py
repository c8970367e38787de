"""All of the state, from one engine, one set of keys and one folder."""

from pathlib import Path

from sqlalchemy import Engine

from bridge.database import store_of
from bridge.keys import Keys
from bridge.state.database import StateDatabase
from bridge.state.intents import Intents
from bridge.state.kept_properties import KeptProperties
from bridge.state.liveness import Liveness
from bridge.state.names import Names
from bridge.state.personal_lines import PersonalLines
from bridge.state.processes import Processes
from bridge.state.proofs import Proofs
from bridge.state.sessions import Sessions
from bridge.state.shares import Shares


class State:
    """What must never be lost, and which processes share it. Every method of its parts raises Unavailable.

    Safe to share between threads; several processes may use one. Build it after the fork, with an engine of the
    process's own (``synchronous=FULL``), whose owner disposes of it. Raises ConfigurationInvalid, Unavailable.
    """

    def __init__(self, engine: Engine, keys: Keys, folder: Path) -> None:
        """Take the engine, the keys, and the folder in which processes of one machine show that they live."""
        database = StateDatabase(engine, keys)
        is_for_hosts = store_of(engine).is_for_hosts
        self.processes: Liveness = Sessions(engine, database) if is_for_hosts else Processes(folder)
        self.proofs = Proofs(database, keys)
        self.names = Names(database, keys)
        self.shares = Shares(database, keys)
        self.properties = KeptProperties(database, keys)
        self.personal = PersonalLines(database, keys)
        self.intents = Intents(database, keys, self.processes)

    def close(self) -> None:
        """Leave: open intents of this process may be taken over from now on. The engine is its owner's to close."""
        self.processes.close()
