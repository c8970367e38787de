"""Which server keeps an account's subscriptions, so that whatever is about them is asked there.

Exchange 2013 and newer keep subscriptions on a Mailbox server and route by a cookie that the answer to the first
Subscribe sets, asked for by X-PreferServerAffinity and anchored at that first mailbox; Exchange 2010 keeps them on a
Client Access server, which its own cookie tells load balancers (Maintain affinity between a group of subscriptions and
the Mailbox server in Exchange). All mailboxes that one account watches are one group here, since one connection tells
of them all.
"""

import re
import threading

from cachetools import LRUCache

from bridge.model import Address

_NAMES = ("X-BackEndOverrideCookie", "exchangecookie")
_COOKIE = re.compile(rf"(?:^|[,;]\s*)({'|'.join(_NAMES)})=([^\s;,\"\\]*)", re.IGNORECASE)
_MOST_ACCOUNTS = 10_000


class Affinity:
    """The server of one account's subscriptions. Safe to use from many threads."""

    def __init__(self, anchor: Address) -> None:
        """Take the mailbox that was subscribed to first; the server is not known yet."""
        self.anchor = anchor
        self._cookies: dict[str, str] = {}
        self._lock = threading.Lock()

    def headers(self) -> dict[str, str]:
        """Give what goes with each request about the subscriptions."""
        with self._lock:
            cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return {"X-PreferServerAffinity": "true"} | ({"Cookie": cookies} if cookies else {})

    def learn(self, set_cookies: str) -> None:
        """Take the Set-Cookie headers of an answer, joined by commas; Exchange sets each cookie once."""
        told = {match[1]: match[2] for match in _COOKIE.finditer(set_cookies) if match[2]}
        with self._lock:
            self._cookies |= {name: told[key] for name in _NAMES for key in told if key.lower() == name.lower()}

    def forget(self) -> None:
        """Forget the server, which may be gone: the next request is routed by its anchor, and learns where to."""
        with self._lock:
            self._cookies.clear()


class Affinities:
    """The servers of subscriptions by user name. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: LRUCache[str, Affinity] = LRUCache(_MOST_ACCOUNTS)

    def of(self, username: str, mailbox: Address) -> Affinity:
        """Give the account's; a new one is anchored at the mailbox."""
        with self._lock:
            key = username.casefold()
            affinity: Affinity | None = self._known.get(key)
            if affinity is None:
                affinity = self._known[key] = Affinity(mailbox)
            return affinity
