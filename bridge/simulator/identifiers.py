"""Ids as Exchange makes them: opaque for clients, base64, case-sensitive; and the ids of meetings.

The outer form (header, mailbox GUID as text, entry id with its counters) is taken from recorded ids; a client
must not look inside. An item's id changes when it moves, because it names the folder and a number of its own. An
occurrence's id is its master's with the original date within, as .NET ticks.
"""

import base64
import binascii
import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

from bridge.simulator.trouble import EwsError

_ITEM, _FOLDER, _OCCURRENCE = 0x46, 0x2E, 0x51
# Between an item's id and the bytes of an attachment: one attachment id follows, its length (the form is assumed)
_UNIQUE = 16
_ATTACHMENT = b"\x01\x12\x00\x10\x00"
_HEAD = b"\x00\x03\x24\x00"
# MS-OXOCAL 2.2.1.27: the array id every global object id begins with
GOID_HEAD = bytes.fromhex("040000008200E00074C5B7101A82E008")
_VCAL = b"vCal-Uid\x01\x00\x00\x00"
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_TICKS_OF_DAY = 86_400 * 10_000_000
_MARK = struct.Struct("<I16sQB")


@dataclass(frozen=True)
class ItemName:
    """What an item id says: whose mailbox, which folder, which number, for an occurrence its original date."""

    mailbox: str
    folder: int
    number: int
    day: date | None = None


@cache
def _replica(mailbox: str) -> bytes:
    return uuid.uuid5(uuid.UUID(mailbox), "replica").bytes


def _counter(number: int) -> bytes:
    return number.to_bytes(6, "big")


def item_id(name: ItemName) -> str:
    """Give the ItemId of an item."""
    replica = _replica(name.mailbox)
    entry = b"\x00\x00\x00\x00" + uuid.UUID(name.mailbox).bytes + b"\x07\x00" + replica + _counter(name.folder)
    entry += b"\x00\x00" + replica + _counter(name.number)
    raw = _HEAD + name.mailbox.encode()
    if name.day is None:
        raw += b"\x00\x46\x00" + entry + b"\x00"
    else:  # [V] ids of occurrences of a 15.2
        raw += b"\x01\x51\x00\x08" + _ticks(name.day) + b"\x46" + entry + b"\x10"
    return base64.b64encode(raw).decode()


def _ticks(day: date) -> bytes:
    return ((day.toordinal() - 1) * _TICKS_OF_DAY).to_bytes(8, "big")


def _day(ticks: bytes) -> date:
    try:
        return date.min + timedelta(days=int.from_bytes(ticks, "big") // _TICKS_OF_DAY)
    except OverflowError as cause:
        raise EwsError("ErrorInvalidIdMalformed") from cause


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
    if raw[41] not in {_ITEM, _OCCURRENCE}:
        raise EwsError("ErrorInvalidIdMalformed")
    day, entry = (None, raw[43:]) if raw[41] == _ITEM else (_day(raw[44:52]), raw[53:])
    name = ItemName(mailbox, int.from_bytes(entry[38:44], "big"), int.from_bytes(entry[62:68], "big"), day)
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


def attachment_id(name: ItemName, unique: bytes) -> str:
    """Give the AttachmentId of an attachment, which names its item within."""
    return base64.b64encode(base64.b64decode(item_id(name)) + _ATTACHMENT + unique).decode()


def attachment_root(text: str) -> str:
    """Give the ItemId within an AttachmentId; ErrorInvalidIdMalformed for anything else."""
    raw = _decode(text)
    if raw[-_UNIQUE - len(_ATTACHMENT) : -_UNIQUE] != _ATTACHMENT:
        raise EwsError("ErrorInvalidIdMalformed")
    return base64.b64encode(raw[: -_UNIQUE - len(_ATTACHMENT)]).decode()


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


def global_object_id(uid: str, day: date | None = None) -> bytes:
    """Give PidLidGlobalObjectId of that UID: `day` is an occurrence's original date, without it is the clean one.

    Source: MS-OXOCAL 2.2.1.27, MS-OXCICAL UID.
    """
    instance = bytes(4) if day is None else struct.pack(">HBB", day.year, day.month, day.day)
    try:
        raw = bytes.fromhex(uid)
    except ValueError:
        raw = b""
    if raw.startswith(GOID_HEAD) and len(raw) >= 40:
        return raw[:16] + instance + raw[20:]
    data = _VCAL + uid.encode() + b"\x00"
    return GOID_HEAD + instance + bytes(8) + bytes(8) + struct.pack("<I", len(data)) + data


def subscription_id(host: str, unique: bytes, moment: datetime) -> str:
    """Give the id of a subscription. Source: [D] the sample of streaming: server, a GUID, ticks."""
    ticks = int((moment - _EPOCH).total_seconds() * 10_000_000)
    raw = struct.pack("<H", len(host)) + host.encode() + struct.pack("<I", 16) + unique[:16] + struct.pack("<Q", ticks)
    return base64.b64encode(raw).decode()


def watermark(database: str, number: int) -> str:
    """Give the watermark of an event by its number in the database. Source: [D] the samples of Subscribe."""
    return base64.b64encode(_MARK.pack(1, uuid.UUID(database).bytes, number, 1)).decode()


def parse_watermark(database: str, text: str) -> int:
    """Give the number of a watermark; ErrorInvalidWatermark for what is none of that database."""
    try:
        _, _, number, _ = _MARK.unpack(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, struct.error) as cause:
        raise EwsError("ErrorInvalidWatermark") from cause
    if watermark(database, number) != text:
        raise EwsError("ErrorInvalidWatermark")
    return int(number)
