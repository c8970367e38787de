"""What goes wrong with a database: what passes by itself, and what does not."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bridge.database import postgresql, sqlite
from bridge.errors import Unavailable

RETRY = 5.0
"""Seconds after which a client may come back to a server: about as long as a restart takes."""

_log = logging.getLogger(__name__)


@contextmanager
def troubles(store: str) -> Iterator[None]:
    """Raise Unavailable, naming the store, where the database cannot be used now: locked, full, or not there.

    Damage is raised as it comes: it does not pass.
    """
    try:
        yield
    except DBAPIError as error:
        if is_damage(error) or not passes(error):
            raise
        if isinstance(error.orig, psycopg.Error):
            # Which server it is, and how it is called, is nothing for people at a calendar app
            _log.warning("%s cannot be used now: %s", store, describe(error))
            raise Unavailable(f"{store} cannot be used now.", RETRY) from error
        raise Unavailable(f"{store} cannot be used now ({error.orig}).") from error
    except PoolTimeout as error:
        raise Unavailable(f"{store} cannot be used now (too many wait for it).", RETRY) from error
    except OSError as error:
        raise Unavailable(f"{store} cannot be used now ({error.strerror}).") from error


def is_damage(error: DBAPIError) -> bool:
    """Say whether the database is no sound one, and not only out of reach."""
    return sqlite.is_damage(error) or postgresql.is_damage(error)


def passes(error: DBAPIError) -> bool:
    """Say whether the same may go well later."""
    return isinstance(error, OperationalError) or postgresql.passes(error)


def describe(error: DBAPIError) -> str:
    """Give what the driver says, in one line. It holds no parameters of statements, and may name the server."""
    return str(error.orig).strip().partition("\n")[0]
