"""A plain CalDAV client of one person, over a connection that stays open until it is closed."""

import http.client
import re
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

CTAG = (
    '<d:propfind xmlns:d="DAV:" xmlns:cs="http://calendarserver.org/ns/">'
    "<d:prop><cs:getctag/><d:sync-token/></d:prop></d:propfind>"
)
LISTING = '<d:propfind xmlns:d="DAV:"><d:prop><d:getetag/></d:prop></d:propfind>'
SYNC = (
    '<d:sync-collection xmlns:d="DAV:"><d:sync-token>{token}</d:sync-token><d:sync-level>1</d:sync-level>'
    "<d:prop><d:getetag/></d:prop></d:sync-collection>"
)
PASSWORD = "secret"
"""Everybody's, in all benchmarks."""
_TOKEN = re.compile(r"sync-token>([^<]+)<")
_GOOD = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT, HTTPStatus.MULTI_STATUS}


class NotYet(Exception):
    """The answer was 503."""


@dataclass
class Client:
    """A person's client, for his default calendar."""

    url: str
    address: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        self._http = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=900)
        login = b64encode(f"{self.address}:{PASSWORD}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}

    def ask(self, method: str, body: str, *, depth: str = "1", name: str = "") -> str:
        """Ask, and give the answer's body. Raises NotYet, and RuntimeError for any other refusal."""
        kind = "text/calendar" if method == "PUT" else "application/xml"
        headers = {**self._headers, "Depth": depth, "Content-Type": kind}
        self._http.request(method, f"/{self.address}/calendar/{name}", body.encode(), headers)
        answer = self._http.getresponse()
        content = answer.read().decode()
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise NotYet
        if answer.status not in _GOOD:
            raise RuntimeError(f"{method}: {answer.status} {content[:200]}")
        return content

    def token(self) -> str:
        """Give the sync token."""
        return token_in(self.ask("PROPFIND", CTAG, depth="0"))

    def close(self) -> None:
        """Close the connection; the next question opens one again."""
        self._http.close()


def token_in(answer: str) -> str:
    """Give the last sync token that an answer tells, "" for none."""
    return next(reversed(_TOKEN.findall(answer)), "")


def until_told(ask: Callable[[], str], pause: float = 0.1) -> tuple[float, str]:
    """Ask until the answer is not 503 any more; give the seconds that took, and the answer."""
    began = time.perf_counter()
    while True:
        try:
            answer = ask()
        except NotYet:
            time.sleep(pause)
        else:
            return time.perf_counter() - began, answer
