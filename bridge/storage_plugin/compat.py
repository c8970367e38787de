"""The one module that leans on Radicale's insides. `tests/storage_plugin/test_compat.py` pins what it leans on.

Radicale keeps routing, the order of login, and its plugins; every answer is ours.
"""

import base64
import binascii
import re
import unicodedata
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from radicale import config, httputils, types
from radicale.app import Application

from bridge.dav.response import Response, plain

Plugin = Callable[[config.Configuration], Any]
ServerAnswer = tuple[str, list[tuple[str, str]], list[bytes]]

METHODS = frozenset(
    {
        *("ACL", "COPY", "DELETE", "GET", "HEAD", "LOCK", "MKCALENDAR", "MKCOL"),
        *("MOVE", "OPTIONS", "POST", "PROPFIND", "PROPPATCH", "PUT", "REPORT", "UNLOCK"),
    }
)
"""What is routed, served or refused by name; anything else is 501."""

_ORIGINAL = "bridge.environ"
_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")
_ESCAPED = re.compile("\u241b([0-9a-f]+);")
_COMPRESS_FROM = 1400
"""Bytes: what fits one packet gains nothing."""


class NamedPlugin:
    """A plugin built by us; Radicale logs the name of what it loads, so this has a short one."""

    def __init__(self, build: Plugin) -> None:
        """Take what builds the plugin from Radicale's configuration."""
        self._build = build

    def __call__(self, configuration: config.Configuration) -> Any:
        """Build it."""
        return self._build(configuration)

    def __repr__(self) -> str:
        """Give the name in Radicale's log."""
        return "exchange-bridge"


def make_configuration(plugins: Mapping[str, Plugin], realm: str) -> config.Configuration:
    """Give Radicale's configuration for our application: our plugins, and its delays, limits and extras off."""
    configuration = config.load()
    values: dict[str, dict[str, Any]] = {
        "auth": {"delay": 0, "realm": realm, "lc_username": False, "strip_domain": False, "urldecode_username": False},
        "server": {"delay_on_error": 0, "validate_path_value": "none", "validate_user_value": "none"},
        "rights": {"permit_delete_collection": False, "permit_overwrite_collection": False},
        "storage": {},
        "web": {},
        "sharing": {"type": "none"},
        "group": {"type": "none"},
        "hook": {"type": "none"},
    }
    for section, build in plugins.items():
        values[section]["type"] = NamedPlugin(build)
    configuration.update(values, "exchange-bridge", privileged=True)
    return configuration


class RoutedApplication(Application, ABC):
    """Radicale's application with every method led to `serve` and every failure to `fail`."""

    @abstractmethod
    def serve(self, environ: Mapping[str, Any], base_prefix: str, path: str) -> Response | None:
        """Answer a request at a sanitised path; None asks an anonymous client to log in. Raises nothing."""

    @abstractmethod
    def fail(self, problem: Exception) -> Response:
        """Give the answer to what was raised outside of `serve`, such as by a login."""

    def _serve(self, environ: types.WSGIEnviron, base_prefix: str, path: str, *_: Any, **__: Any) -> types.WSGIResponse:
        original = environ.get(_ORIGINAL, environ)
        response = self.serve(original, base_prefix, _ESCAPED.sub(lambda found: chr(int(found[1], 16)), path))
        if response is None:
            return httputils.NOT_ALLOWED  # which Radicale turns into a 401, with the realm
        headers, body = _compressed(response, original)
        return response.status, headers, None if response.status in {204, 304} else body, None

    # Radicale finds a method by this name; the names are its own.
    do_ACL = do_COPY = do_DELETE = do_GET = do_HEAD = do_LOCK = _serve  # noqa: N815 - as above
    do_MKCALENDAR = do_MKCOL = do_MOVE = do_OPTIONS = do_POST = _serve  # noqa: N815 - as above
    do_PROPFIND = do_PROPPATCH = do_PUT = do_REPORT = do_UNLOCK = _serve  # noqa: N815 - as above

    def _handle_request(self, environ: types.WSGIEnviron) -> Any:
        if environ["REQUEST_METHOD"].upper() not in METHODS:
            return _server_answer(plain(501, "This method is not known here.", {"Allow": "OPTIONS"}))
        try:
            routable = _routable(environ)
        except UnicodeError:
            return _server_answer(plain(400, "The path is not UTF-8 text."))
        try:
            return super()._handle_request(routable)
        except Exception as error:  # noqa: BLE001 - the last door: Radicale's own last answer would be 500 for all
            return _server_answer(self.fail(error))


def _routable(environ: types.WSGIEnviron) -> dict[str, Any]:
    """Give the environ that Radicale routes by; it cannot stumble over it.

    The path becomes UTF-8 (WSGI hands out Latin-1, PEP 3333); the credentials are decoded once, since a strange
    charset in Content-Type would be taken for theirs and end in a 500; the query and compression are not Radicale's.
    Raises UnicodeError for a path that is not UTF-8.
    """
    routable = dict(environ)
    routable[_ORIGINAL] = environ
    for name in ("HTTP_AUTHORIZATION", "CONTENT_TYPE", "HTTP_ACCEPT_ENCODING", "QUERY_STRING"):
        routable.pop(name, None)
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8")
    routable["PATH_INFO"] = "".join(map(_escape, path))
    credentials = _credentials(environ.get("HTTP_AUTHORIZATION", ""))
    if credentials:
        routable["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(credentials.encode()).decode()
    return routable


def _escape(character: str) -> str:
    """Write what Radicale lets into no path, though it may be in a client's name, so that it comes through.

    It refuses every character of Unicode's categories C: line feeds, the joiners inside an emoji. NUL stays refused.
    """
    is_refused = character == "\u241b" or (character != "\0" and unicodedata.category(character).startswith("C"))
    return f"\u241b{ord(character):x};" if is_refused else character


def _credentials(header: str) -> str | None:
    """Give ``user:password`` of a Basic header (RFC 7617); None for anything else, which is as good as no login."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        raw = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text if ":" in text else None


def _compressed(response: Response, environ: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    """Compress long XML of our own for clients that take gzip; what has an ETag is left as that says."""
    headers, body = dict(response.headers), response.body
    if len(body) < _COMPRESS_FROM or "xml" not in headers.get("Content-Type", "") or "ETag" in headers:
        return headers, body
    headers["Vary"] = ", ".join(["Accept-Encoding", *filter(None, [headers.get("Vary")])])
    if _GZIP.search(environ.get("HTTP_ACCEPT_ENCODING", "")):
        packer = zlib.compressobj(level=1, wbits=16 + zlib.MAX_WBITS)
        headers["Content-Encoding"] = "gzip"
        body = packer.compress(body) + packer.flush()
    return headers, body


def _server_answer(response: Response) -> ServerAnswer:
    headers = {**response.headers, "Content-Length": str(len(response.body))}
    status = HTTPStatus(response.status)
    return f"{status.value} {status.phrase}", list(headers.items()), [response.body]
