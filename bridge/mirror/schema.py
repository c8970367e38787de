"""The tables. What Exchange told stands sealed in them; names, UIDs and ids are found by their HMAC.

In the clear are counts, times of pulling and retrying, and how large a sealed value is.

Each write that changes what is known of a calendar takes its next ``serial``; memory goes by it. ``revision`` is what
clients go by: it moves only when something they read has changed, or when a push has to be told from a pull.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    false,
)

VERSION = 5

metadata = MetaData()


def _calendar() -> Column[int]:
    return Column("calendar", ForeignKey("calendars.id", ondelete="CASCADE"), primary_key=True)


versions = Table(
    "schema",
    metadata,
    Column("version", Integer, nullable=False),
    Column("probe", LargeBinary, nullable=False),  # opens only with the right keys, the lookup key among them
)

calendars = Table(
    "calendars",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", LargeBinary, nullable=False, unique=True),
    Column("viewer", LargeBinary, nullable=False, index=True),
    Column("epoch", LargeBinary, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),  # counts full listings
    Column("is_listing", Boolean, nullable=False),
    Column("pulled_at", BigInteger),  # microseconds since 1970
    Column("cursor", LargeBinary),
    Column("horizon", BigInteger, nullable=False, server_default="0"),  # revision, up to which graves may be gone
    Column("rendering", LargeBinary),  # for which URL the texts are, None for none or for several
    Column("window_start", BigInteger),  # microseconds since 1970; the span that was read before all the rest
    Column("window_end", BigInteger),
    Column("window_at", BigInteger),  # when it was read
    Column("total", Integer),  # how many items Exchange said there are, for telling how far a first pull is
    Column("watcher", String(16)),  # the process that Exchange tells of changes
    Column("is_quiet", Boolean, nullable=False, server_default=false()),  # it has been told of none since a pull began
)

viewers = Table(
    "viewers",
    metadata,
    Column("viewer", LargeBinary, primary_key=True),
    Column("seen_at", BigInteger, nullable=False, index=True),  # microseconds since 1970
)

watchers = Table(
    "watchers",
    metadata,
    Column("id", String(16), primary_key=True),  # a process
    Column("heard_at", BigInteger, nullable=False),  # microseconds since 1970: when it last was in order
)

resources = Table(
    "resources",
    metadata,
    _calendar(),
    Column("name", LargeBinary, primary_key=True),
    Column("uid", LargeBinary, nullable=False),
    Column("serial", BigInteger, nullable=False),  # when the row was last written
    Column("created", BigInteger, nullable=False),  # revision
    Column("pushed", BigInteger, nullable=False),  # revision of the last push, 0 when there was none
    Column("head", LargeBinary, nullable=False),  # Listed, the revision it last changed at among it
    Column("text", LargeBinary, nullable=False),  # the bytes a client is served
    Column("facts", LargeBinary, nullable=False),  # the items they were made from
    Index("resources_by_uid", "calendar", "uid"),
    Index("resources_by_serial", "calendar", "serial"),
)

items = Table(
    "items",
    metadata,
    _calendar(),
    Column("item", LargeBinary, primary_key=True),
    Column("name", LargeBinary, nullable=False),
    Column("generation", BigInteger, nullable=False),  # the full listing that last saw it
    Index("items_by_generation", "calendar", "generation"),
    sqlite_with_rowid=False,
)

graves = Table(  # each ended life of a name, so that a client is told of what it knew and of nothing else
    "graves",
    metadata,
    _calendar(),
    Column("name", LargeBinary, primary_key=True),
    Column("removed", BigInteger, primary_key=True),  # revision
    Column("created", BigInteger, nullable=False),  # revision
    Column("uid", LargeBinary, nullable=False),
    Column("is_pushed", Boolean, nullable=False),
    Column("label", LargeBinary, nullable=False),  # name and UID
    Index("graves_by_revision", "calendar", "removed"),
    Index("graves_by_uid", "calendar", "uid"),
)

pending = Table(
    "pending",
    metadata,
    _calendar(),
    Column("item", LargeBinary, primary_key=True),
    Column("due", BigInteger, nullable=False),  # microseconds since 1970
    Column("label", LargeBinary, nullable=False),  # the item id
)

folder_listings = Table(
    "folder_listings",
    metadata,
    Column("viewer", LargeBinary, primary_key=True),
    Column("mailbox", LargeBinary, primary_key=True),
    Column("listed_at", BigInteger, nullable=False),  # microseconds since 1970
    Column("listing", LargeBinary, nullable=False),
)

busy_months = Table(
    "busy_months",
    metadata,
    Column("month", LargeBinary, primary_key=True),  # of viewer, mailbox and month
    Column("viewer", LargeBinary, nullable=False),
    Column("mailbox", LargeBinary, nullable=False, index=True),
    Column("asked_at", BigInteger, nullable=False),  # microseconds since 1970
    Column("blocks", LargeBinary, nullable=False),
    Index("busy_months_by_age", "viewer", "asked_at"),
)


def _to_5(connection: Connection) -> None:
    """Add what is known of windows, of watching and of who was here."""
    added = ("window_start BIGINT", "window_end BIGINT", "window_at BIGINT", "total INTEGER", "watcher VARCHAR(16)")
    for column in (*added, "is_quiet BOOLEAN NOT NULL DEFAULT FALSE"):
        connection.exec_driver_sql(f"ALTER TABLE calendars ADD COLUMN {column}")
    metadata.create_all(connection, [viewers, watchers])


MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {4: _to_5}
"""By the version they start from, each to the next one. A mirror without a way to here is built anew.

There is no way to 4: before, items did not tell the rules of their zones nor their files, and must be read again.
"""
