"""The tables of the state. What names a person, a calendar or an event is sealed, and found by its HMAC.

In the clear are times, process ids, the steps and outcomes of intents, and counts.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, MetaData, String, Table

VERSION = 4

metadata = MetaData()

versions = Table(
    "schema",
    metadata,
    Column("version", Integer, nullable=False),
    Column("probe", LargeBinary, nullable=False),  # opens only with the right keys, the lookup key among them
)

proofs = Table(
    "proofs",
    metadata,
    Column("login", LargeBinary, primary_key=True),
    Column("proved_at", BigInteger, nullable=False, index=True),  # microseconds since 1970
    Column("proof", LargeBinary, nullable=False),
)

refusals = Table(
    "refusals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("login", LargeBinary, nullable=False, index=True),
    Column("refused_at", BigInteger, nullable=False, index=True),  # microseconds since 1970
)

intents = Table(
    "intents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("calendar", LargeBinary, nullable=False),
    Column("resource", LargeBinary, nullable=False),
    Column("owner", String(16), nullable=False),
    Column("claim", Integer, nullable=False),  # how often it changed hands
    Column("step", String, nullable=False),
    Column("opened_at", BigInteger, nullable=False),  # microseconds since 1970
    Column("outcome", String),
    Column("closed_at", BigInteger),  # microseconds since 1970, NULL while open
    Column("push", LargeBinary, nullable=False),  # what is done, where, to what
    Index("intents_by_resource", "resource", "id"),
    Index("intents_by_time", "closed_at"),
    sqlite_autoincrement=True,
)
_is_open = intents.c.closed_at.is_(None)
Index("one_open_intent", intents.c.resource, unique=True, sqlite_where=_is_open, postgresql_where=_is_open)
Index("open_intents", intents.c.calendar, sqlite_where=_is_open, postgresql_where=_is_open)

names = Table(
    "names",
    metadata,
    Column("mailbox", LargeBinary, primary_key=True),
    Column("folder", LargeBinary, primary_key=True),
    Column("name", LargeBinary, nullable=False),
    Column("label", LargeBinary, nullable=False),  # folder id and name
    Index("one_folder_a_name", "mailbox", "name", unique=True),
)

shares = Table(
    "shares",
    metadata,
    Column("viewer", LargeBinary, nullable=False, index=True),
    Column("key", LargeBinary, primary_key=True),  # of viewer, owner and folder
    Column("share", LargeBinary, nullable=False),
)

kept_properties = Table(
    "kept_properties",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("place", LargeBinary, nullable=False),  # viewer, mailbox and folder
    Column("name", LargeBinary, nullable=False),
    Column("property", LargeBinary, nullable=False),  # name and element
    Index("one_property_a_name", "place", "name", unique=True),
)

personal_lines = Table(
    "personal_lines",
    metadata,
    Column("place", LargeBinary, primary_key=True),  # viewer, mailbox and folder
    Column("resource", LargeBinary, primary_key=True),  # its UID there
    Column("gone_at", BigInteger),  # microseconds since 1970, NULL while it is there
    Column("lines", LargeBinary, nullable=False),  # UID and text
)

MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {
    1: shares.create,
    2: kept_properties.create,
    3: personal_lines.create,
}
"""By the version they start from, each to the next one. Every version there ever was has a way to here."""
