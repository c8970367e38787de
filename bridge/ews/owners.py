"""To whom another's calendar belongs: name and primary address of a mailbox that may have been asked for by an alias.

ConvertId tells it from the folder's id, on Exchange; servers that do not know ConvertId are asked as a directory
(ResolveNames). Where neither tells it, the address that was asked for has to do.
"""

from collections.abc import Callable, Sequence
from threading import Lock

from cachetools import LRUCache

from bridge.errors import AccessDenied, ExchangeFailed, RequestRefused, Unavailable
from bridge.ews.operations import convert_id, resolve_names
from bridge.ews.xml import Element
from bridge.model import Address, FolderId, Mailbox

Ask = Callable[[Element], Element]
"""Sends an operation's request and gives the response element."""
_MOST = 10_000
_PASSING = ("ErrorInternalServer", "HTTP ")
"""How codes of troubles begin that pass; after them an owner must not seem to be another one."""


class Owners:
    """The owners of folders, asked of Exchange once in a process. Safe to use from many threads."""

    def __init__(self) -> None:
        """Know nobody yet."""
        self._lock = Lock()
        self._known: LRUCache[FolderId, Address] = LRUCache(_MOST)
        self._names: LRUCache[Address, str] = LRUCache(_MOST)

    def primary(self, ask: Ask, folder: FolderId, asked: Address, viewer: Address) -> Address:
        """Give the primary address of the mailbox that holds the folder, found at ``asked``. Raises Unavailable.

        It is never the viewer's own: a server that tells that tells of the one who asks.
        """
        with self._lock:
            known: Address | None = self._known.get(folder)
        if known is None:
            told = _told(lambda: convert_id.read(ask(convert_id.request(folder))))
            if told is None or told == viewer:
                told = _told(lambda: _named(resolve_names.read(ask(resolve_names.request(asked))), asked))
            known = asked if told is None or told == viewer else told
            with self._lock:
                self._known[folder] = known
        return known

    def name(self, ask: Ask, owner: Address) -> str:
        """Give the display name of an owner; empty where the directory does not tell it, for now or at all."""
        with self._lock:
            known: str | None = self._names.get(owner)
        if known is None:
            try:
                found = resolve_names.read(ask(resolve_names.request(owner)))
            except (AccessDenied, RequestRefused, Unavailable):
                return ""
            known = next((one.display_name for one in found if owner in one.addresses), "")
            with self._lock:
                self._names[owner] = known
        return known


def _named(found: Sequence[Mailbox], asked: Address) -> Address | None:
    return next((one.address for one in found if asked in one.addresses), None)


def _told(ask: Callable[[], Address | None]) -> Address | None:
    """Give the answer, None where the server gives none for good; trouble that passes is raised."""
    try:
        return ask()
    except AccessDenied:
        return None
    except (RequestRefused, ExchangeFailed) as error:
        if error.code.startswith(_PASSING):
            raise
        return None
