"""Where there are several servers: which of them a request comes to, and so whether it finds a subscription.

A request goes to the server that its cookie names, else to the one that has the anchor mailbox, else the mailbox of who
logged in. A subscription is known where it was made. Sources: [D] how to maintain affinity between a group of
subscriptions and the Mailbox server; rule `several_servers`.
"""

from email.message import Message
from http.cookies import CookieError, SimpleCookie

from bridge.simulator.model import Person
from bridge.simulator.store import Store

COOKIE = "X-BackEndOverrideCookie"
_PREFERS, _ANCHOR = "X-PreferServerAffinity", "X-AnchorMailbox"


def server_of(store: Store, headers: Message, login: Person) -> str:
    """Give the name of the server that a request comes to."""
    if prefers(headers) and (named := _cookie(headers.get("Cookie", ""))):
        return named
    anchor = store.person(headers.get(_ANCHOR, ""))
    return f"server-{(anchor or login).mailbox}"


def prefers(headers: Message) -> bool:
    """Tell whether a request asks for affinity; the answer then has the cookie."""
    return headers.get(_PREFERS, "").strip().lower() == "true"


def _cookie(text: str) -> str:
    try:
        found = SimpleCookie(text).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
