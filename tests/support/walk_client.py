"""A CalDAV client as honest as apps are: it keeps its own copy by sync tokens and ETags, and asks again after trouble.

What it is told is checked on the spot: no status but those that trouble may have, and an ETag that changes with the
bytes and only with them.
"""

import base64
import http.client
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from lxml import etree

from walk_events import Event, read_event

D = "{DAV:}"
C = "{urn:ietf:params:xml:ns:caldav}"
TRIES = 4
LONGEST_WAIT = 0.3
"""Seconds: apps wait as long as Retry-After says; so long as that, this one."""
SYNC = (
    '<d:sync-collection xmlns:d="DAV:"><d:sync-token>{}</d:sync-token><d:sync-level>1</d:sync-level>'
    "<d:prop><d:getetag/></d:prop></d:sync-collection>"
)
MULTIGET = (
    '<c:calendar-multiget xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:getetag/>'
    "<c:calendar-data/></d:prop>{}</c:calendar-multiget>"
)
CUT = ""
"""Stands among the names that are gone where there is more to be told (507, RFC 6578 3.6)."""
LISTING = '<d:propfind xmlns:d="DAV:"><d:prop><d:getetag/></d:prop></d:propfind>'


class Wrong(AssertionError):
    """The bridge did what it never may."""


@dataclass(frozen=True)
class Answer:
    """The answer to a request, after it was repeated where that was due.

    ``status`` 0: there was none. ``is_retried``: an earlier try may have been carried out.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    is_retried: bool

    @property
    def is_good(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    @property
    def is_trouble(self) -> bool:
        """Whether nobody knows what became of the request: no answer, or 503."""
        return self.status in {0, 503}


@dataclass(frozen=True)
class Held:
    """A resource as the client holds it; ``since`` is the walk's moment at which it was first told of."""

    etag: str
    text: bytes
    event: Event
    since: int


@dataclass
class Copy:
    """The client's copy of one calendar."""

    token: str = ""
    held: dict[str, Held] = field(default_factory=dict)


@dataclass(frozen=True)
class News:
    """What a sync told: names that were given with their ETags, and names that are gone."""

    is_whole: bool
    there: frozenset[str]
    gone: frozenset[str]


class Device:
    """One device of a person's. ``urls`` gives where the bridge is served now; one of them is chosen for each try."""

    def __init__(self, login: tuple[str, str], urls: Callable[[], list[str]], chance: random.Random) -> None:
        """Take the person's address and password, where to ask, and what chooses."""
        self.address, password = login
        self._authorization = "Basic " + base64.b64encode(f"{self.address}:{password}".encode()).decode()
        self._urls = urls
        self._chance = chance
        self.copies: dict[str, Copy] = {}
        self._bytes_of: dict[tuple[str, str], bytes] = {}

    def ask(self, method: str, path: str, body: bytes | str = b"", **headers: str) -> Answer:
        """Send a request, again after a 503 or where there is no answer, as apps do."""
        content = body.encode() if isinstance(body, str) else body
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        for number in range(1, TRIES + 1):
            answer = self._once(method, path, content, sent, is_retried=number > 1)
            if not answer.is_trouble or number == TRIES:
                break
            told = float(answer.headers.get("retry-after", "1"))
            time.sleep(min(told, LONGEST_WAIT) * self._chance.random())
        return answer

    def _once(self, method: str, path: str, body: bytes, headers: dict[str, str], *, is_retried: bool) -> Answer:
        parts = urlsplit(self._chance.choice(self._urls()))
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=90)
        try:
            connection.request(method, path, body, {"Authorization": self._authorization, **headers})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            result = Answer(answer.status, told, answer.read(), is_retried)
        except (OSError, http.client.HTTPException):
            return Answer(0, {}, b"", is_retried)
        finally:
            connection.close()
        if result.status == 503 and int(told.get("retry-after", "0")) < 1:
            raise Wrong(f"503 without Retry-After to {method} {path}")
        return result

    def path(self, calendar: str, name: str = "") -> str:
        """Give the path of a calendar or a resource."""
        return f"/{self.address}/{calendar}/{name}"

    # --- its own copy --------------------------------------------------------------------------------

    def sync(self, calendar: str, moment: int) -> News | None:
        """Bring the copy up to date; give what was told, None in trouble: then the copy is as before."""
        copy = self.copies.setdefault(calendar, Copy())
        pages = self._pages(calendar, copy.token)
        if pages is None:
            return None
        is_whole, etags, gone, token = pages
        if is_whole:
            gone = frozenset(copy.held) - frozenset(etags)
        wanted = [name for name, etag in etags.items() if name not in copy.held or copy.held[name].etag != etag]
        texts = self.fetch(calendar, wanted)
        if texts is None:
            return None
        for name, (etag, text) in texts.items():
            before = copy.held.get(name)
            since = before.since if before else moment
            copy.held[name] = Held(etag, text, read_event(calendar, text), since)
        for name in gone | (frozenset(wanted) - frozenset(texts)):
            copy.held.pop(name, None)
        # What changed between the two requests comes once more with this token
        copy.token = token
        return News(is_whole, frozenset(etags), gone | (frozenset(wanted) - frozenset(texts)))

    def _pages(self, calendar: str, token: str) -> tuple[bool, dict[str, str], frozenset[str], str] | None:
        """Follow the pages of a sync from a token, or from the beginning where it is not known any more.

        Gives whether that was all there is, the ETags, the names that are gone, and the last token; None in trouble.
        """
        etags: dict[str, str] = {}
        gone: set[str] = set()
        is_whole, is_cut = not token, True
        while is_cut:
            answer = self._report(calendar, SYNC.format(token))
            if answer.status == 403 and b"valid-sync-token" in answer.body and token:
                is_whole, token, etags, gone = True, "", {}, set()
                continue
            if answer.is_trouble:
                return None
            there, went, token = _read_sync(self._good(answer, "sync-collection"))
            is_cut = CUT in went
            gone = (gone - set(there)) | (went - {CUT})
            etags = {name: etag for name, etag in etags.items() if name not in went} | there
        return is_whole, etags, frozenset(gone), token

    def _report(self, calendar: str, body: str) -> Answer:
        return self.ask("REPORT", self.path(calendar), body, Depth="1", Content_Type="text/xml; charset=utf-8")

    def fetch(self, calendar: str, names: list[str]) -> dict[str, tuple[str, bytes]] | None:
        """Get ETags and bytes of those of the resources that are there; None in trouble."""
        if not names:
            return {}
        hrefs = "".join(f"<d:href>{self.path(calendar, name)}</d:href>" for name in names)
        answer = self._report(calendar, MULTIGET.format(hrefs))
        if answer.is_trouble:
            return None
        found = _read_texts(self._good(answer, "calendar-multiget"))
        for name, (etag, text) in found.items():
            self.note(calendar, name, etag, text)
        return found

    def note(self, calendar: str, name: str, etag: str, text: bytes) -> None:
        """Hold an ETag and bytes that were told against those told before. Raises Wrong."""
        known = self._bytes_of.setdefault((calendar + "/" + name, etag), text)
        if known != text:
            raise Wrong(f"one ETag for two texts of {calendar}/{name}:\n{known.decode()}\n{text.decode()}")
        before = self.copies[calendar].held.get(name) if calendar in self.copies else None
        if before is not None and before.text == text and before.etag != etag:
            raise Wrong(f"another ETag for the same bytes of {calendar}/{name}")

    def list(self, calendar: str) -> dict[str, str] | None:
        """List a calendar's names with their ETags as a client that is new; None in trouble."""
        answer = self.ask("PROPFIND", self.path(calendar), LISTING, Depth="1", Content_Type="text/xml")
        if answer.is_trouble:
            return None
        etags, _, _ = _read_sync(self._good(answer, "PROPFIND"))
        return etags

    @staticmethod
    def _good(answer: Answer, what: str) -> bytes:
        if answer.status != 207:
            raise Wrong(f"{answer.status} to {what}: {answer.body.decode()[:500]}")
        return answer.body


def _name(response: etree._Element) -> str:
    return unquote(response.findtext(f"{D}href", "")).rsplit("/", 1)[1]


def _read_sync(body: bytes) -> tuple[dict[str, str], frozenset[str], str]:
    root = etree.fromstring(body)
    etags, gone = {}, set()
    for response in root.iter(f"{D}response"):
        name, etag = _name(response), response.findtext(f".//{D}getetag")
        status = response.findtext(f"{D}status", "")
        if "507" in status:
            gone.add(CUT)
        elif "404" in status:
            gone.add(name)
        elif name and etag:
            etags[name] = etag
    return etags, frozenset(gone), root.findtext(f"{D}sync-token", "")


def _read_texts(body: bytes) -> dict[str, tuple[str, bytes]]:
    found = {}
    for response in etree.fromstring(body).iter(f"{D}response"):
        text = response.findtext(f".//{C}calendar-data")
        if text is not None:
            told = text.replace("\r\n", "\n").replace("\n", "\r\n")
            found[_name(response)] = (response.findtext(f".//{D}getetag", ""), told.encode())
    return found
