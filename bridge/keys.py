"""The keys: what the bridge stores can be read only with the key file, and only in the place it was sealed for.

The key file is text, mode 0600, one ``id:base64`` per line, ``#`` begins a comment. Every key has 32 bytes.

* ``lookup`` is the key of `Keys.mac`. It is a key of its own and is never replaced: everything stored is found by
  it, so a rotation of the sealing keys moves nothing.
* Every other line is a sealing key. The last one seals; all of them open. A rotation appends a line, and a line may
  go once nothing is sealed with it any more.

The file belongs into the backup of the state. Without it the state cannot be read by anyone.
"""

import base64
import binascii
import hmac
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.errors import BridgeError, ConfigurationInvalid

_LOOKUP = "lookup"
_KEY_LENGTH = 32
_NONCE_LENGTH = 12  # NIST SP 800-38D 8.2.2: 96 random bits, good for 2**32 seals under one key
_TAG_LENGTH = 16
_FORMAT = 1
_KEY_ID = re.compile(r"[a-z0-9-]{1,32}")
_HEADING = (
    "# Keys of exchange-bridge. Back this file up with the state; nobody else may read it. The last line seals.\n"
)


class SealBroken(BridgeError):
    """What is stored here was not sealed for this place with a key of ours, or has been changed since."""


class Keys:
    """Seals and opens stored bytes, and makes the values that stored things are found by.

    Built by `load_keys`. Holds no file and no lock: safe to share between threads and to take over a fork.
    """

    def __init__(self, sealing: Mapping[str, bytes], lookup: bytes) -> None:
        """Take the sealing keys by id, oldest first, and the lookup key; each has 32 bytes."""
        self._ciphers = {key_id: AESGCM(key) for key_id, key in sealing.items()}
        newest = list(sealing)[-1]
        self._cipher = self._ciphers[newest]
        self._header = bytes((_FORMAT, len(newest))) + newest.encode()
        self._lookup = lookup

    def seal(self, plaintext: bytes, bound_to: bytes) -> bytes:
        """Encrypt with the newest key (AES-256-GCM). ``bound_to`` says for which place; `open` must repeat it."""
        nonce = secrets.token_bytes(_NONCE_LENGTH)
        return self._header + nonce + self._cipher.encrypt(nonce, plaintext, self._header + bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Decrypt what `seal` gave. Raises SealBroken: another place, another key, or changed bytes."""
        if sealed.startswith(self._header):  # nearly always: nothing was rotated
            cipher, begin = self._cipher, len(self._header)
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

    def _cipher_of(self, sealed: bytes) -> tuple[AESGCM, int]:
        if len(sealed) < 2 or sealed[0] != _FORMAT:
            raise SealBroken("A stored value is not sealed in a form that is known.")
        begin = 2 + sealed[1]
        cipher = self._ciphers.get(sealed[2:begin].decode("ascii", "replace"))
        if cipher is None:
            raise SealBroken("A stored value is sealed with a key that the key file does not hold.")
        return cipher, begin


def load_keys(path: Path) -> Keys:
    """Read the key file; make one with fresh keys when there is none. Several processes may do so at once.

    Raises ConfigurationInvalid when the file is broken or others may read it.
    """
    try:
        if not path.exists():
            _create(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigurationInvalid(
                [f"{path}: others may read or write the key file; take their rights away (chmod 600 {path})."]
            )
        return _parse(path, path.read_text(encoding="ascii"))
    except UnicodeDecodeError:
        raise ConfigurationInvalid([f"{path}: the key file is not text."]) from None
    except OSError as error:
        raise ConfigurationInvalid([f"{path}: the key file cannot be read or made: {error.strerror}."]) from error


def _create(path: Path) -> None:
    """Make the file whole or not at all: it is linked to its name when it is on the disk, and only once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = {_LOOKUP: secrets.token_bytes(_KEY_LENGTH), "1": secrets.token_bytes(_KEY_LENGTH)}
    lines = "".join(f"{key_id}:{base64.b64encode(key).decode()}\n" for key_id, key in keys.items())
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(_HEADING + lines)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return  # another process was quicker: its keys are the keys
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _parse(path: Path, text: str) -> Keys:
    keys: dict[str, bytes] = {}
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        key_id, _, encoded = line.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != _KEY_LENGTH or not _KEY_ID.fullmatch(key_id):
            problems.append(f"{path}: line {number} is not id:base64 of {_KEY_LENGTH} bytes.")
        elif key_id in keys:
            problems.append(f"{path}: line {number} repeats the id of another key.")
        else:
            keys[key_id] = key
    lookup = keys.pop(_LOOKUP, None)
    if not problems and (lookup is None or not keys):
        problems.append(f"{path}: a key file holds the key {_LOOKUP} and at least one other.")
    if problems or lookup is None:
        raise ConfigurationInvalid(problems)
    return Keys(keys, lookup)
