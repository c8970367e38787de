"""Where the state and the mirror live, and all that is particular to the one or the other kind of database.

Both stores write SQLAlchemy Core that knows no database. Each is built on an engine from here, which belongs to one
process: make it after the fork. `Store` is what they may ask of a database beyond SQL, `sqlite` and `postgresql` are
how each of the two does it.
"""

from bridge.database.postgresql import make_server_engine, open_session, server_name
from bridge.database.sqlite import make_engine
from bridge.database.store import Store, for_writing, naming, store_of
from bridge.database.times import from_microseconds, to_microseconds
from bridge.database.troubles import describe, is_damage, passes, troubles

__all__ = [
    "Store",
    "describe",
    "for_writing",
    "from_microseconds",
    "is_damage",
    "make_engine",
    "make_server_engine",
    "naming",
    "open_session",
    "passes",
    "server_name",
    "store_of",
    "to_microseconds",
    "troubles",
]
