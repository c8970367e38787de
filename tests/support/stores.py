"""Where the stores of a test live: in files of SQLite's, or in schemas of PostgreSQL's."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine

from bridge.database import make_engine, make_server_engine

from postgres import execute, wait_for_the_dead

ON_SQLITE, ON_POSTGRESQL = "sqlite", "postgresql"


class Stores(Protocol):
    """Stores by name, all empty at first. ``place`` says where, to `open_engine` in another process."""

    @property
    def place(self) -> str: ...

    def engine(self, name: str) -> Engine:
        """Give an engine, which its taker disposes of."""

    def run_sql(self, name: str, *statements: str) -> list[tuple[Any, ...]]:
        """Execute statements beside the engines, and give the rows of the last one."""


class Files:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.place = str(folder)

    def engine(self, name: str) -> Engine:
        return open_engine(self.place, name)

    def run_sql(self, name: str, *statements: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(Path(self.place) / f"{name}.db")) as connection:
            rows = [connection.execute(statement).fetchall() for statement in statements]
            connection.commit()
        return rows[-1]


class Schemas:
    """Schemas of a database that is the test's own."""

    def __init__(self, url: str) -> None:
        self.place = url

    def engine(self, name: str) -> Engine:
        return open_engine(self.place, name)

    def run_sql(self, name: str, *statements: str) -> list[tuple[Any, ...]]:
        return execute(self.place, f"SET search_path TO {schema_of(name)}", *statements)


def open_engine(place: str, name: str) -> Engine:
    """Give the engine of a store: ``place`` is a folder, or the URL of a database."""
    if place.startswith("postgresql://"):
        return make_server_engine(place, schema_of(name))
    return make_engine(Path(place) / f"{name}.db", "FULL")


def wait_for_death(place: str, *living: str) -> None:
    """Wait until a process that was killed passes for dead. The living, named by their ids, are not waited for."""
    if place.startswith("postgresql://"):
        wait_for_the_dead(place, *living)


def schema_of(name: str) -> str:
    """Give the schema of a store."""
    return f"exchange_bridge_{name}"
