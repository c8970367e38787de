"""A client that speaks WSGI to an application, and what it gets."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def xml(self) -> Any:
        """The body parsed."""
        return etree.fromstring(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def responses(self) -> dict[str, Any]:
        """Give the DAV:response elements by href; there must not be two of one href."""
        found = self.xml.findall("{DAV:}response")
        by_href = {each.findtext("{DAV:}href"): each for each in found}
        assert len(by_href) == len(found)
        return by_href

    def properties(self, href: str | None = None, status: int = 200) -> dict[str, Any]:
        """Give the property elements with this status of one response, or of the only one."""
        responses = self.responses()
        response = responses[href] if href is not None else next(iter(responses.values()))
        return {
            prop.tag: prop
            for propstat in response.findall("{DAV:}propstat")
            if f" {status} " in propstat.findtext("{DAV:}status")
            for prop in propstat.find("{DAV:}prop")
        }

    def statuses(self) -> dict[str, str]:
        """Give the response-level status of each response that has one."""
        found = {href: each.findtext("{DAV:}status") for href, each in self.responses().items()}
        return {href: status for href, status in found.items() if status}


def send(
    app: Any, method: str, path: str, body: bytes, headers: Mapping[str, str], environ: Mapping[str, Any]
) -> Answer:
    """Call the application with one request, and hold the answer against PEP 3333."""
    built: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": "",
        "SERVER_NAME": "bridge.test",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        built[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    built.update(environ)
    started: list[Any] = []

    def start_response(status: str, found: list[tuple[str, str]]) -> None:
        started.extend((status, found))

    answer = b"".join(app(built, start_response))
    status, found = started
    for name, value in found:
        assert isinstance(value, str), f"{name} is no string (PEP 3333)"
        assert value.encode("latin-1"), f"{name} is empty"
        assert not any(ord(character) < 32 for character in value)
    length = dict(found).get("Content-Length")
    assert length is None or method.upper() == "HEAD" or int(length) == len(answer)
    return Answer(int(status.split()[0]), dict(found), answer)
