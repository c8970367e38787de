"""NTLM at the server's side: the handshake of one connection, done by pyspnego.

Sources: MS-NTHT for the handshake over HTTP; MS-NLMP 2.2.1.3 and 2.2.2.1 for the little that is read of a message
here; [D] Extended Protection, on by default since Exchange 2019 CU14: over TLS a client must name the server's
certificate (RFC 5929) in what it proves.
"""

import os
import struct
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from bridge.simulator.model import Person

_SIGNATURE = b"NTLMSSP\x00"
_NEGOTIATE, _AUTHENTICATE = 1, 3
_NT_RESPONSE, _DOMAIN, _USER, _FLAGS = 20, 28, 36, 60
_UNICODE = 1
_PAIRS_AT = 44  # of an NTLMv2 response: 16 bytes of proof, 28 before the pairs
_CHANNEL_BINDINGS = 10
_USERS = "NTLM_USER_FILE"
_lock = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """What a token led to: a `challenge` to be sent, or an end: `login` as typed, and the `person`, None if refused."""

    challenge: bytes | None = None
    login: str = ""
    person: Person | None = None


@dataclass
class Handshake:
    """The handshake of one connection; `digest` is the SHA-256 of the server's certificate, None without TLS."""

    digest: bytes | None = None
    _acceptor: spnego.ContextProxy | None = field(default=None, repr=False)

    def step(self, token: bytes, people: Sequence[Person]) -> Outcome:
        """Give what becomes of a token of the client's. A broken or untimely one is refused."""
        try:
            kind = struct.unpack_from("<I", token, len(_SIGNATURE))[0] if token.startswith(_SIGNATURE) else 0
            if kind == _NEGOTIATE:
                return self._begin(token)
            if kind == _AUTHENTICATE and self._acceptor is not None:
                return self._end(token, people)
        except (SpnegoError, ValueError, struct.error):
            self._acceptor = None
        return Outcome()

    def _begin(self, token: bytes) -> Outcome:
        with _users(""):
            self._acceptor = spnego.server(
                protocol="ntlm", channel_bindings=_bindings(self.digest), options=spnego.NegotiateOptions.use_ntlm
            )
            return Outcome(challenge=self._acceptor.step(token))

    def _end(self, token: bytes, people: Sequence[Person]) -> Outcome:
        acceptor, self._acceptor = self._acceptor, None
        domain, user = _text(token, _DOMAIN), _text(token, _USER)
        login = f"{domain}\\{user}" if domain else user
        person = _named(people, login)
        if acceptor is None or person is None or (self.digest and not _binds(token)):
            return Outcome(login=login)
        try:
            with _users(f"{domain}:{user}:{person.password}"):
                acceptor.step(token)
        except SpnegoError:
            return Outcome(login=login)
        return Outcome(login=login, person=person if acceptor.complete else None)


def _named(people: Sequence[Person], login: str) -> Person | None:
    """Give who is meant: by address, alias address or account with domain. Whoever has `:` in the password is not."""
    wanted = login.casefold()
    for person in people:
        account = f"{person.domain}\\{person.login}".casefold()
        if (wanted in person.addresses or wanted == account) and ":" not in person.password:
            return person
    return None


@contextmanager
def _users(line: str) -> Iterator[None]:
    """Let pyspnego know one user: it reads them from a file that the process's environment names, so one at a time."""
    with _lock, tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(line)
        file.flush()
        before = os.environ.get(_USERS)
        os.environ[_USERS] = file.name
        try:
            yield
        finally:
            if before is None:
                del os.environ[_USERS]
            else:
                os.environ[_USERS] = before


def _bindings(digest: bytes | None) -> GssChannelBindings | None:
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest) if digest else None


def _bytes(token: bytes, place: int) -> bytes:
    length, _, offset = struct.unpack_from("<HHI", token, place)
    return token[offset : offset + length]


def _text(token: bytes, place: int) -> str:
    (flags,) = struct.unpack_from("<I", token, _FLAGS)
    return _bytes(token, place).decode("utf-16-le" if flags & _UNICODE else "latin-1")


def _binds(token: bytes) -> bool:
    """Tell whether a client names a certificate at all: pyspnego takes sixteen zeros for any."""
    pairs = _bytes(token, _NT_RESPONSE)[_PAIRS_AT:]
    place = 0
    while place + 4 <= len(pairs):
        kind, length = struct.unpack_from("<HH", pairs, place)
        if kind == _CHANNEL_BINDINGS:
            return any(pairs[place + 4 : place + 4 + length])
        if not kind:
            return False
        place += 4 + length
    return False
