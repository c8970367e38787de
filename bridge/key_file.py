"""The key file: text, mode 0600, one ``id:base64`` per line, ``#`` begins a comment. Every key has 32 bytes.

* ``lookup`` is the key that stored things are found by. It is never replaced.
* Every other line is a sealing key. The last one seals; all of them open.

Whoever changes the file puts another in its place, so that a reader finds the one or the other, whole.
"""

import base64
import binascii
import fcntl
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import ConfigurationInvalid

_LOOKUP = "lookup"
_KEY_LENGTH = 32
_KEY_ID = re.compile(r"[a-z0-9-]{1,32}")
_MODE = 0o600
_HEADING = (
    "# Keys of exchange-bridge. Back this file up with the state; nobody else may read it. The last line seals.\n"
)

_Stamp = tuple[int, ...]
"""What a file has others of when it was changed or replaced."""


@dataclass(frozen=True, slots=True)
class KeyLines:
    """What a key file holds: the sealing keys by id, oldest first, and the lookup key."""

    sealing: Mapping[str, bytes] = field(repr=False)
    lookup: bytes = field(repr=False)


class KeyFile:
    """One process's view of the key file. Reading is for one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: _Stamp | None = None

    def read(self) -> KeyLines:
        """Read the file; make one with fresh keys when there is none. Several processes may do so at once.

        Raises ConfigurationInvalid when the file is broken or others may read it.
        """
        with self._troubles():
            if not self.path.exists():
                _create(self.path)
        return self._load()

    def news(self) -> KeyLines | None:
        """Read the file again where it is another one than `read` or this has seen last; None where it is the same.

        Raises ConfigurationInvalid as `read` does, once for each change.
        """
        try:
            now = _stamp(self.path.stat())
        except OSError as error:
            if self._read is None:
                return None
            self._read = None
            raise ConfigurationInvalid([f"{self.path}: the key file cannot be read: {error.strerror}."]) from error
        return None if now == self._read else self._load()

    def age(self) -> float:
        """Give for how many seconds the file has been as it is, by the machine's clock."""
        with self._troubles():
            return max(0.0, time.time() - self.path.stat().st_mtime)

    def add(self, *, seals: bool = True) -> str:
        """Add a new sealing key, and give its id: whoever reads the file from now on seals with it.

        Without ``seals`` it stands before the one that seals, and only opens. Raises ConfigurationInvalid when the file
        is broken or cannot be replaced.
        """
        key_id = ""

        def added(lines: list[str]) -> list[str]:
            nonlocal key_id
            known = _parse(self.path, "".join(lines)).sealing
            key_id = str(1 + max((int(one) for one in known if one.isdecimal()), default=0))
            new = _line(key_id, secrets.token_bytes(_KEY_LENGTH))
            if seals:
                return [*lines, new]
            last = max(number for number, line in enumerate(lines) if _id_of(line) in known)
            return [*lines[:last], new, *lines[last:]]

        self._replace(added)
        return key_id

    def use(self, key_id: str) -> None:
        """Have a sealing key of the file seal from now on. Raises ConfigurationInvalid, also when it is not there."""

        def moved(lines: list[str]) -> list[str]:
            if key_id not in _parse(self.path, "".join(lines)).sealing:
                raise ConfigurationInvalid([f"{self.path}: there is no sealing key {key_id!r} in the key file."])
            others = [line for line in lines if _id_of(line) != key_id]
            return [*others, *(line for line in lines if _id_of(line) == key_id)]

        self._replace(moved)

    def forget(self, key_ids: Collection[str]) -> None:
        """Take sealing keys out of the file; what is sealed with them cannot be read by anybody any more.

        The last one, which seals, stays in any case. Raises ConfigurationInvalid as `add` does.
        """

        def without(lines: list[str]) -> list[str]:
            newest = list(_parse(self.path, "".join(lines)).sealing)[-1]
            gone = set(key_ids) - {newest, _LOOKUP}
            return [line for line in lines if _id_of(line) not in gone]

        self._replace(without)

    def _load(self) -> KeyLines:
        with self._troubles(), self.path.open("rb") as file:
            status = os.fstat(file.fileno())
            self._read = _stamp(status)
            if stat.S_IMODE(status.st_mode) & 0o077:
                advice = f"take their rights away (chmod 600 {self.path})"
                raise ConfigurationInvalid([f"{self.path}: others may read or write the key file; {advice}."])
            return _parse(self.path, file.read().decode("ascii"))

    def _replace(self, change: Callable[[list[str]], list[str]]) -> None:
        """Put a changed file in the place of the present one, of the same owner and mode, one process at a time."""
        with self._troubles(), _alone(self.path.parent):
            status = self.path.stat()
            lines = [f"{line}\n" for line in self.path.read_text(encoding="ascii").splitlines()]
            with _draft(self.path, "".join(change(lines))) as draft:
                draft.chmod(stat.S_IMODE(status.st_mode))
                os.chown(draft, status.st_uid, status.st_gid)  # a bridge of another user than ours must read it
                draft.replace(self.path)
            _sync(self.path.parent)

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError:
            raise ConfigurationInvalid([f"{self.path}: the key file is not text."]) from None
        except OSError as error:
            problem = f"{self.path}: the key file cannot be read or made: {error.strerror}."
            raise ConfigurationInvalid([problem]) from error


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _id_of(line: str) -> str:
    return line.partition(":")[0].strip()


def _line(key_id: str, key: bytes) -> str:
    return f"{key_id}:{base64.b64encode(key).decode()}\n"


@contextmanager
def _draft(path: Path, text: str) -> Iterator[Path]:
    """Give a file beside that holds the text and is on the disk; it is gone at the end, if it is still there."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep every other process from changing the key file in the folder meanwhile."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _sync(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _create(path: Path) -> None:
    """Make the file whole or not at all: it is linked to its name when it is on the disk, and only once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = "".join(_line(key_id, secrets.token_bytes(_KEY_LENGTH)) for key_id in (_LOOKUP, "1"))
    with _draft(path, _HEADING + lines) as draft:
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return  # another process was quicker: its keys are the keys
    _sync(path.parent)


def _parse(path: Path, text: str) -> KeyLines:
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
    return KeyLines(keys, lookup)
