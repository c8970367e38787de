"""Ids as Exchange makes them: opaque for clients, base64, case-sensitive; and the ids of meetings.

The outer form (header, mailbox GUID as text, entry id with its counters) is taken from recorded ids; a client
must not look inside. An item's id changes when it moves, because it names the folder and a number of its own.
"""

import base64
import binascii
import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from bridge.simulator.trouble import EwsError

_ITEM, _FOLDER = 0x46, 0x2E
_HEAD = b"\x00\x03\x24\x00"
# MS-OXOCAL 2.2.1.27: the array id every global object id begins with
GOID_HEAD = bytes.fromhex("040000008200E00074C5B7101A82E008")
_VCAL = b"vCal-Uid\x01\x00\x00\x00"
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_ITEM_LENGTH = 112
_FOLDER_LENGTH = 82


@dataclass(frozen=True)
class ItemName:
    """What an item id says: whose mailbox, which folder, which number."""

    mailbox: str
    folder: int
    number: int


@cache
def _replica(mailbox: str) -> bytes:
    return uuid.uuid5(uuid.UUID(mailbox), "replica").bytes


def _counter(number: int) -> bytes:
    return number.to_bytes(6, "big")


def item_id(name: ItemName) -> str:
    """Give the ItemId of an item."""
    replica = _replica(name.mailbox)
    raw = _HEAD + name.mailbox.encode() + b"\x00\x46\x00\x00\x00\x00\x00" + uuid.UUID(name.mailbox).bytes
    raw += b"\x07\x00" + replica + _counter(name.folder) + b"\x00\x00" + replica + _counter(name.number) + b"\x00"
    return base64.b64encode(raw).decode()


def folder_id(mailbox: str, number: int) -> str:
    """Give the FolderId of a folder."""
    raw = _HEAD + mailbox.encode() + b"\x00\x2e\x00\x00\x00\x00\x00" + uuid.UUID(mailbox).bytes
    raw += b"\x01\x00" + _replica(mailbox) + _counter(number) + b"\x00\x00\x00"
    return base64.b64encode(raw).decode()


def _decode(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as cause:
        raise EwsError("ErrorInvalidIdMalformed") from cause
    if base64.b64encode(raw).decode() != text or raw[: len(_HEAD)] != _HEAD or len(raw) < 60:
        raise EwsError("ErrorInvalidIdMalformed")
    return raw


def parse_item_id(text: str) -> ItemName:
    """Give what an ItemId says; ErrorInvalidIdMalformed for anything else."""
    raw = _decode(text)
    mailbox = raw[4:40].decode("ascii", "replace")
    if raw[41] != _ITEM:
        raise EwsError("ErrorInvalidIdMalformed")
    name = ItemName(mailbox, int.from_bytes(raw[81:87], "big"), int.from_bytes(raw[105:111], "big"))
    if _known(mailbox) and item_id(name) == text:
        return name
    raise EwsError("ErrorInvalidIdMalformed")


def parse_folder_id(text: str) -> tuple[str, int]:
    """Give (mailbox, number) of a FolderId; ErrorInvalidIdMalformed for anything else."""
    raw = _decode(text)
    mailbox, number = raw[4:40].decode("ascii", "replace"), int.from_bytes(raw[81:87], "big")
    if raw[41] == _FOLDER and _known(mailbox) and folder_id(mailbox, number) == text:
        return mailbox, number
    raise EwsError("ErrorInvalidIdMalformed")


def _known(mailbox: str) -> bool:
    try:
        return str(uuid.UUID(mailbox)) == mailbox
    except ValueError:
        return False


def change_key(mailbox: str, change: int, *, folder: bool = False) -> str:
    """Give the ChangeKey for a change number. Source: [V] form of recorded keys."""
    raw = struct.pack("<II", 2 if folder else 15, 22) + _replica(mailbox) + _counter(change)
    return base64.b64encode(raw).decode()


def check_change_key(text: str) -> None:
    """Refuse what is no change key at all with ErrorInvalidChangeKey."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as cause:
        raise EwsError("ErrorInvalidChangeKey") from cause
    if len(raw) < 4:
        raise EwsError("ErrorInvalidChangeKey")


def new_uid(moment: datetime, unique: bytes) -> str:
    """Give the UID Exchange makes for a new appointment: a global object id in hex. Source: [V], MS-OXOCAL."""
    ticks = int((moment - _EPOCH).total_seconds() * 10_000_000)
    raw = GOID_HEAD + bytes(4) + struct.pack("<Q", ticks) + bytes(8) + struct.pack("<I", 16) + unique[:16]
    return raw.hex().upper()


def global_object_id(uid: str) -> bytes:
    """Give PidLidGlobalObjectId of a single item of that UID. Source: MS-OXOCAL 2.2.1.27, MS-OXCICAL UID."""
    try:
        raw = bytes.fromhex(uid)
    except ValueError:
        raw = b""
    if raw.startswith(GOID_HEAD) and len(raw) >= 40:
        return raw[:16] + bytes(4) + raw[20:]
    data = _VCAL + uid.encode() + b"\x00"
    return GOID_HEAD + bytes(4) + bytes(8) + bytes(8) + struct.pack("<I", len(data)) + data
