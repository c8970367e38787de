"""Radicale's four plugins. They serve the bridge's own application, and by themselves the stock ``radicale`` command.

What the stock command cannot do through its hooks is not pretended: it reads, and refuses every write, because a
plugin gets what vobject made of an event, cannot withhold the ETag of a changed one, and cannot say 503.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any

from radicale import config, types
from radicale.auth import BaseAuth
from radicale.httputils import NOT_FOUND
from radicale.item import Item
from radicale.rights import BaseRights
from radicale.storage import BaseCollection, BaseStorage
from radicale.web import BaseWeb

from bridge.dav.request import Request
from bridge.errors import LoginRefused, NotFound
from bridge.ids import Path, parse_path
from bridge.model import Login
from bridge.storage_plugin.collection import READ_ONLY, CalendarCollection, HomeCollection, RootCollection
from bridge.storage_plugin.needs import Service

LOG = logging.getLogger(__name__)
CURRENT: ContextVar[Login | None] = ContextVar("login", default=None)
"""Who has logged in with the request that this thread serves."""
_CALLER: ContextVar[str] = ContextVar("caller", default="an unknown address")

ServiceSource = Callable[[], Service]
"""Gives the service, building it at the first call."""


class BridgeAuth(BaseAuth):
    """Asks the accounts. The user of a login is the primary address of its mailbox: the principal's path."""

    def __init__(self, configuration: config.Configuration, service: ServiceSource) -> None:
        """Take Radicale's configuration and the service."""
        super().__init__(configuration)
        self._service = service

    def get_external_login(self, environ: types.WSGIEnviron) -> tuple[()]:
        """Forget the login of the request before; Radicale asks this at the start of each."""
        CURRENT.set(None)
        _CALLER.set(_address(environ))
        return ()

    def _login(self, login: str, password: str) -> str:
        try:
            found = self._service().accounts.log_in(login, password)
        except LoginRefused:
            # No name: people type passwords there
            LOG.warning("Failed login from %s", _CALLER.get())
            return ""
        CURRENT.set(found)
        return found.mailbox.address

    def _sleep_for_constant_exec_time(self, time_ns_begin: int) -> None:
        """Do not make every failed login as slow as the slowest was: one slow Exchange would slow all for ever."""


def _address(environ: types.WSGIEnviron) -> str:
    """Give the address a request came from: behind a proxy of this machine what that one added to X-Forwarded-For."""
    told = str(environ.get("REMOTE_ADDR", ""))
    forwarded = str(environ.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
    for text in (forwarded, told) if told in {"", "127.0.0.1", "::1"} else (told,):
        try:
            return str(ip_address(text))
        except ValueError:
            continue
    return "an unknown address"


class BridgeRights(BaseRights):
    """Everyone reads below his own address and nowhere else. O(1): Radicale asks for every item of a listing."""

    def __init__(self, configuration: config.Configuration) -> None:
        """Take Radicale's configuration."""
        super().__init__(configuration)

    def authorization(self, user: str, user_groups: AbstractSet[str], path: str) -> str:
        """Give Radicale's letters for a path: R for the collections above calendars, r for calendars."""
        del user_groups
        parts = [part for part in path.split("/") if part]
        if not user or (parts and parts[0] != user):
            return ""
        return {0: "R", 1: "R", 2: "r"}.get(len(parts), "")


class BridgeStorage(BaseStorage):
    """The viewer's calendars as Radicale's collections, read only. No lock is taken: the store looks after itself."""

    _is_collision_free = True
    _supports_unicode = True
    _supports_trailing_whitespace = True
    _supports_problematic_chars = True

    def __init__(self, configuration: config.Configuration, service: ServiceSource) -> None:
        """Take Radicale's configuration and the service."""
        super().__init__(configuration)
        self._service = service

    def discover(
        self,
        path: str,
        depth: str = "0",
        child_context_manager: Callable[[str, str | None], AbstractContextManager[None]] | None = None,
        user_groups: AbstractSet[str] = frozenset(),
    ) -> Iterator[Item | BaseCollection]:
        """Give what is at the path, then its members; lazily, since Radicale asks for the principal on every request.

        Raises Unavailable.
        """
        del child_context_manager, user_groups
        login, place = CURRENT.get(), parse_path(path)
        if place == Path():
            yield RootCollection()
            if login is not None and depth != "0":
                yield HomeCollection(login)
        elif login is not None and place is not None and place.principal == login.mailbox.address:
            yield from self._below_home(login, place, with_members=depth != "0")

    def _below_home(self, login: Login, place: Path, *, with_members: bool) -> Iterator[Item | BaseCollection]:
        if place.calendar is None:
            yield HomeCollection(login)
            if with_members:
                store = self._service().store
                yield from (CalendarCollection(store, login, each) for each in store.calendars(login))
            return
        store = self._service().store
        try:
            calendar = CalendarCollection(store, login, store.calendar(login, place.calendar))
        except NotFound:
            return
        if place.name is not None:
            yield from (item for _, item in calendar.get_multi([place.name]) if item is not None)
            return
        yield calendar
        if with_members:
            yield from calendar.get_all()

    def move(self, item: Item, to_collection: BaseCollection, to_href: str) -> None:
        """Refuse."""
        del item, to_collection, to_href
        raise ValueError(READ_ONLY)

    def create_collection(self, href: str, items: Any = None, props: Any = None) -> Any:
        """Refuse."""
        del href, items, props
        raise ValueError(READ_ONLY)

    @contextmanager
    def acquire_lock(self, mode: str, user: str = "", *args: Any, **kwargs: Any) -> Iterator[None]:
        """Lock nothing: a lock over all would stall everybody behind one slow answer of Exchange's."""
        del mode, user, args, kwargs
        yield

    def verify(self) -> bool:
        """Say that there is nothing to repair here."""
        return True


class BridgeWeb(BaseWeb):
    """The front page, in place of Radicale's own pages, which manage collections of a file system."""

    def __init__(self, configuration: config.Configuration, service: ServiceSource) -> None:
        """Take Radicale's configuration and the service."""
        super().__init__(configuration)
        self._service = service

    def get(self, environ: types.WSGIEnviron, base_prefix: str, path: str, *_: Any) -> types.WSGIResponse:
        """Give the front page at ``/.web``."""
        if path.rstrip("/") != "/.web":
            return NOT_FOUND
        request = Request("GET", Path(), base_prefix, environ)
        headers: Mapping[str, str] = {"Content-Type": "text/html; charset=utf-8"}
        return 200, headers, self._service().front_page(request.base_url), None
