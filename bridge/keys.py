"""The keys: what the bridge stores can be read only with the key file, and only in the place it was sealed for.

Of the key file (`bridge.key_file`), ``lookup`` is the key of `Keys.mac`. It is a key of its own and is never replaced:
everything stored is found by it, so a rotation of the sealing keys moves nothing. Of the others the last one seals, and
all of them open. A rotation appends a line, which running processes notice (`LOOK_EVERY`), and a line may go once
nothing is sealed with it any more (`bridge.sealed`).

The file belongs into the backup of the state. Without it the state cannot be read by anyone.
"""

import hmac
import logging
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.errors import BridgeError, ConfigurationInvalid
from bridge.key_file import KeyFile, KeyLines

LOOK_EVERY = 1.0
"""Seconds for which a process seals without looking whether there is a newer key."""

_NONCE_LENGTH = 12  # NIST SP 800-38D 8.2.2: 96 random bits, good for 2**32 seals under one key
_TAG_LENGTH = 16
_FORMAT = 1

_log = logging.getLogger(__name__)


class SealBroken(BridgeError):
    """What is stored here was not sealed for this place with a key of ours, or has been changed since."""


class Source(Protocol):
    """Where newer keys come from."""

    def news(self) -> KeyLines | None:
        """Give the keys where they have changed since this was asked last. Raises ConfigurationInvalid."""


class _Ring:
    """The sealing keys as of one moment, oldest first."""

    __slots__ = ("cipher", "ciphers", "header", "newest")

    def __init__(self, ciphers: Mapping[str, AESGCM], newest: str) -> None:
        self.ciphers = ciphers
        self.newest = newest
        self.cipher = ciphers[newest]
        self.header = bytes((_FORMAT, len(newest))) + newest.encode()


class Keys:
    """Seals and opens stored bytes, and makes the values that stored things are found by.

    Built by `load_keys`. Safe to share between threads. A key that this process has known opens to its end, also when
    the file has it no more: what was read before may have to be opened still.
    """

    def __init__(self, sealing: Mapping[str, bytes], lookup: bytes, source: Source | None = None) -> None:
        """Take the sealing keys by id, oldest first, and the lookup key; each has 32 bytes.

        ``source`` is asked for newer ones at most every `LOOK_EVERY` seconds, and at once when a value was sealed with
        a key that is not known.
        """
        self._lookup = lookup
        self._source = source
        self._looking = threading.Lock()
        self._looked_at = time.monotonic()
        self._ring = _ring({}, sealing)

    def seal(self, plaintext: bytes, bound_to: bytes) -> bytes:
        """Encrypt with the newest key (AES-256-GCM). ``bound_to`` says for which place; `open` must repeat it."""
        ring = self._current()
        nonce = secrets.token_bytes(_NONCE_LENGTH)
        return ring.header + nonce + ring.cipher.encrypt(nonce, plaintext, ring.header + bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Decrypt what `seal` gave. Raises SealBroken: another place, another key, or changed bytes."""
        ring = self._ring
        if sealed.startswith(ring.header):  # nearly always: nothing was rotated
            cipher, begin = ring.cipher, len(ring.header)
        else:
            cipher, begin = self._cipher_of(sealed)
        nonce_end = begin + _NONCE_LENGTH
        if len(sealed) < nonce_end + _TAG_LENGTH:
            raise SealBroken("A stored value is cut off.")
        try:
            return cipher.decrypt(sealed[begin:nonce_end], sealed[nonce_end:], sealed[:begin] + bound_to)
        except InvalidTag:
            raise SealBroken(
                "A stored value is damaged, or was sealed with another key or for another place."
            ) from None

    def mac(self, data: bytes, purpose: str) -> bytes:
        """Give the 16 bytes under which ``data`` is found: HMAC-SHA-256, cut (RFC 2104 5).

        The same data gives another value for another purpose, and the same one after a rotation.
        """
        label = purpose.encode()
        return hmac.digest(self._lookup, bytes((len(label),)) + label + data, "sha256")[:16]

    @property
    def newest(self) -> str:
        """The id of the key that seals."""
        return self._current().newest

    @property
    def mark(self) -> bytes:
        """What every value begins with that is sealed with the newest key, and no other."""
        return self._current().header

    def _current(self) -> _Ring:
        if self._source is not None and time.monotonic() - self._looked_at >= LOOK_EVERY:
            self._look(self._source)
        return self._ring

    def _look(self, source: Source) -> None:
        """Take newer keys in. Who asks while another thread does so has them afterwards, too."""
        with self._looking:
            self._looked_at = time.monotonic()
            try:
                news = source.news()
            except ConfigurationInvalid as error:
                _log.warning("The keys stay those that were read before: %s", error)
                return
            if news is None:
                return
            if news.lookup != self._lookup:
                _log.warning("The keys stay those that were read before: the key file has another lookup key now.")
                return
            self._ring = _ring(self._ring.ciphers, news.sealing)

    def _cipher_of(self, sealed: bytes) -> tuple[AESGCM, int]:
        if len(sealed) < 2 or sealed[0] != _FORMAT:
            raise SealBroken("A stored value is not sealed in a form that is known.")
        begin = 2 + sealed[1]
        key_id = sealed[2:begin].decode("ascii", "replace")
        cipher = self._ring.ciphers.get(key_id)
        if cipher is None and self._source is not None:
            self._look(self._source)
            cipher = self._ring.ciphers.get(key_id)
        if cipher is None:
            raise SealBroken("A stored value is sealed with a key that the key file does not hold.")
        return cipher, begin


def load_keys(path: Path) -> Keys:
    """Read the key file; make one with fresh keys when there is none. Several processes may do so at once.

    Raises ConfigurationInvalid when the file is broken or others may read it.
    """
    file = KeyFile(path)
    lines = file.read()
    return Keys(lines.sealing, lines.lookup, file)


def _ring(known: Mapping[str, AESGCM], sealing: Mapping[str, bytes]) -> _Ring:
    return _Ring({**known, **{key_id: AESGCM(key) for key_id, key in sealing.items()}}, list(sealing)[-1])
