"""What this process lately learned of user names and passwords, found in microseconds, without holding a password.

Both memories are keyed by an HMAC, under a key drawn at start, of user name and password together.
"""

import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Generic, NewType, TypeVar

from bridge.model import BasicCredential

Tag = NewType("Tag", bytes)
"""The HMAC of one user name with one password."""

MOST = 10_000
_Fact = TypeVar("_Fact")


class Tagger:
    """Makes the tags of one process."""

    def __init__(self) -> None:
        """Draw the key."""
        self._key = secrets.token_bytes(32)

    def make_tag(self, login: str, credential: BasicCredential) -> Tag:
        """Give the tag of a user name, in the form we compare, and the password."""
        name = login.encode("utf-8", "surrogatepass")
        password = credential.password.encode("utf-8", "surrogatepass")
        return Tag(hmac.digest(self._key, len(name).to_bytes(4) + name + password, "sha256"))


class Recent(Generic[_Fact]):
    """Facts by tag, each until a moment of its own; bounded, the oldest go first. Safe to call from many threads."""

    def __init__(self, now: Callable[[], datetime], most: int = MOST) -> None:
        """Take a clock that gives UTC, and how many facts are held at most."""
        self._now = now
        self._most = most
        self._facts: OrderedDict[Tag, tuple[_Fact, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, tag: Tag, fact: _Fact, until: datetime) -> None:
        """Remember the fact until then."""
        with self._lock:
            self._facts[tag] = (fact, until)
            self._facts.move_to_end(tag)
            while len(self._facts) > self._most:
                self._facts.popitem(last=False)

    def get(self, tag: Tag) -> _Fact | None:
        """Give the fact while it holds, else None."""
        found = self._facts.get(tag)
        return found[0] if found and self._now() < found[1] else None

    def drop(self, tag: Tag) -> None:
        """Forget it."""
        with self._lock:
            self._facts.pop(tag, None)
