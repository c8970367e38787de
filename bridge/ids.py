"""Make and parse pairs for every id. Nobody else builds or takes apart one.

Paths are decoded segments here; the HTTP side percent-encodes them with `make_href`, the only encoder, so that
an href is always the same bytes (clients compare them).
"""

import binascii
import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote, unquote, urlsplit

from bridge.item import AttachmentId, Uid
from bridge.model import Address, CalendarLook, CalendarName, Epoch, ETag, FileKey, Name, Revision

PROPERTY_SET = "afce4e51-ebb0-42a5-a351-4fc8f866b6e5"
"""The GUID of our named properties at Exchange. Never renamed: stored items carry it."""
PROPERTY_NAME = "Name"
PROPERTY_KEPT = "Kept"
PROPERTY_LOOK = "Look"

DEFAULT_CALENDAR = CalendarName("calendar")


class Proxy(Enum):
    """What one does with the calendars of somebody else."""

    READ = "read"
    WRITE = "write"


PROXIES = {kind: CalendarName(f"calendar-proxy-{kind.value}") for kind in Proxy}
"""Below a person, the groups of those who see his calendars; the names are those calendarserver's caldav-proxy uses."""
RESERVED_NAMES = frozenset({"inbox", "outbox", *PROXIES.values()})

_SAFE_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+=-]{0,119}")
_GOID_PREFIX = bytes.fromhex("040000008200E00074C5B7101A82E008")
_GOID_INSTANCE_DATE = slice(16, 20)
_GOID_HEADER = 36

_VCAL_MARK = b"vCal-Uid\x01\x00\x00\x00"
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")


# --- paths -------------------------------------------------------------------------------------------


def make_address(text: str) -> Address:
    """Give the address in the one form we compare: lower case, without ``mailto:`` or an EX prefix kept as is."""
    text = text.strip()
    if text[:7].lower() == "mailto:":
        text = unquote(text[7:])
    return Address(text.lower())


@dataclass(frozen=True, slots=True)
class Path:
    """A place on the server: the root, a principal's home, a calendar or a resource."""

    principal: Address | None = None
    calendar: CalendarName | None = None
    name: Name | None = None

    @property
    def parent(self) -> "Path":
        """The collection that it is in; the root's is the root."""
        if self.name is not None:
            return Path(self.principal, self.calendar)
        return Path() if self.calendar is None else Path(self.principal)


def make_href(path: Path) -> str:
    """Give the path, percent-encoded; collections end in a slash."""
    parts = [part for part in (path.principal, path.calendar, path.name) if part is not None]
    href = "/" + "/".join(map(_quote, parts))
    return href if path.name is not None or href == "/" else href + "/"


def _quote(segment: str) -> str:
    return quote(segment, safe="@~!$'()*,;:=+-._")


def parse_path(decoded: str) -> Path | None:
    """Read a decoded path; None when it is too deep to be ours. A slash inside a segment cannot occur."""
    parts = [part for part in decoded.split("/") if part]
    if len(parts) > 3:
        return None
    principal = make_address(parts[0]) if parts else None
    calendar = CalendarName(parts[1]) if len(parts) > 1 else None
    name = Name(parts[2]) if len(parts) > 2 else None
    return Path(principal, calendar, name)


FILES = ".attachments"
"""The segment below a calendar behind which the files of its events are."""
_FILE_KEY = re.compile(r"[0-9a-f]{24}", re.ASCII)
_FILE_DEPTH = 6
_NOT_IN_FILE_NAMES = re.compile(r"[/\\\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where a file of an event is: at the event's place, behind a key of its own; ``file_name`` is for people."""

    principal: Address
    calendar: CalendarName
    name: Name
    key: FileKey
    file_name: str = ""


def make_file_key(attachment: AttachmentId) -> FileKey:
    """Give the key of a file from its id at Exchange: a hash, which tells nothing and fits a path."""
    return FileKey(hashlib.sha256(attachment.encode()).hexdigest()[:24])


def make_file_url(calendar_url: str, name: Name, attachment: AttachmentId, file_name: str) -> str:
    """Give the URL of a file of the event of this name; that of its calendar ends in a slash."""
    shown = _NOT_IN_FILE_NAMES.sub("_", file_name)
    parts = (FILES, name, make_file_key(attachment), "file" if shown in {"", ".", ".."} else shown)
    return calendar_url + "/".join(_quote(part) for part in parts)


def parse_file_path(decoded: str) -> FilePlace | None:
    """Read a decoded path as the place of a file; None for any other."""
    return _parse_file_parts([part for part in decoded.split("/") if part])


def parse_file_url(url: str) -> FilePlace | None:
    """Read the URL of a file, under whatever host and prefix; None for anything that we did not make."""
    if f"/{FILES}/" not in url:
        return None
    try:
        parts = [unquote(part, errors="strict") for part in urlsplit(url.strip()).path.split("/") if part]
    except ValueError:
        return None
    return _parse_file_parts(parts[-_FILE_DEPTH:])


def principal_of(calendar_url: str) -> Address:
    """Give whose calendar the URL of one is, under whatever host and prefix."""
    parts = [one for one in urlsplit(calendar_url).path.split("/") if one]
    return make_address(unquote(parts[-2])) if len(parts) > 1 else Address("")


def _parse_file_parts(parts: Sequence[str]) -> FilePlace | None:
    if len(parts) != _FILE_DEPTH or parts[2] != FILES or not _FILE_KEY.fullmatch(parts[4]):
        return None
    return FilePlace(make_address(parts[0]), CalendarName(parts[1]), Name(parts[3]), FileKey(parts[4]), parts[5])


def make_calendar_name(display_name: str, taken: frozenset[CalendarName]) -> CalendarName:
    """Give a free path segment for a calendar folder from its display name: a slug, fixed by whoever stores it."""
    slug = re.sub(r"[^\w]+", "-", display_name.casefold()).strip("-_.") or "calendar"
    if slug in RESERVED_NAMES:
        slug += "-calendar"
    candidate, number = slug, 1
    while CalendarName(candidate) in taken:
        number += 1
        candidate = f"{slug}-{number}"
    return CalendarName(candidate)


def make_shared_calendar_name(owner: Address, name: CalendarName) -> CalendarName:
    """Give the segment of another's calendar: ``<owner address>~<name>``."""
    return CalendarName(f"{owner}~{name}")


def parse_shared_calendar_name(name: CalendarName) -> tuple[Address, CalendarName] | None:
    """Read the segment of another's calendar; None for one's own."""
    owner, mark, rest = name.partition("~")
    return (make_address(owner), CalendarName(rest)) if mark and "@" in owner else None


def make_resource_name(uid: Uid) -> Name:
    """Give the name of a resource that no client has named: the UID, or its hash where it does not fit a path."""
    if _SAFE_UID.fullmatch(uid):
        return Name(f"{uid}.ics")
    return Name(hashlib.sha256(uid.encode()).hexdigest()[:40] + ".ics")


def make_derived_uid(uid: Uid, item_created: str) -> Uid:
    """Give the UID under which a second full item of one UID is served; ``item_created`` tells it apart."""
    return Uid(f"{uid}-{hashlib.sha256(item_created.encode()).hexdigest()[:12]}")


# --- versions ----------------------------------------------------------------------------------------


def make_etag(served: bytes) -> ETag:
    """Give the strong ETag of the bytes served."""
    return ETag(f'"{hashlib.sha256(served).hexdigest()[:40]}"')


def make_epoch() -> Epoch:
    """Draw a new epoch: a mirror that starts from nothing has one of its own."""
    return Epoch(secrets.token_hex(8))


_LAST_KEY = "f" * 16


@dataclass(frozen=True, slots=True, order=True)
class SyncPlace:
    """How far a client has been told of a calendar: by revision, and within one by the keys of names."""

    revision: Revision
    key: str = "~"

    @classmethod
    def end(cls, revision: Revision) -> "SyncPlace":
        """Give the place behind all names of a revision, in a first listing that is not at its end."""
        return cls(revision, _LAST_KEY)

    @property
    def whole_revision(self) -> Revision:
        """The last revision of which all was told."""
        return self.revision if self.key >= _LAST_KEY else Revision(self.revision - 1)

    @classmethod
    def of(cls, revision: Revision, name: Name) -> "SyncPlace":
        """Give the place of a name that changed, or went, at a revision."""
        return cls(revision, hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16])


@dataclass(frozen=True, slots=True)
class SyncToken:
    """Where a client stands. ``began``: its first listing is not at its end, and at this revision it began."""

    epoch: Epoch
    place: SyncPlace
    began: Revision | None = None


_TOKEN = re.compile(r"urn:exchange-bridge:sync:([0-9a-f]{16}):(\d{1,18})(?::([0-9a-f]{16})(?::(\d{1,18}))?)?", re.ASCII)


def make_token(epoch: Epoch, revision: Revision) -> str:
    """Give the sync token of one who has been told all there is at a revision, a URI (RFC 6578 6.2)."""
    return f"urn:exchange-bridge:sync:{epoch}:{revision}"


def make_token_within(token: SyncToken) -> str:
    """Give the sync token of one who has been told a part."""
    began = "" if token.began is None else f":{token.began}"
    return f"{make_token(token.epoch, token.place.revision)}:{token.place.key}{began}"


def parse_token(token: str) -> SyncToken | None:
    """Read a sync token; None for anything that we did not make."""
    match = _TOKEN.fullmatch(token.strip())
    if match is None:
        return None
    revision = Revision(int(match[2]))
    place = SyncPlace(revision) if match[3] is None else SyncPlace(revision, match[3])
    return SyncToken(Epoch(match[1]), place, None if match[4] is None else Revision(int(match[4])))


# --- the Name property -------------------------------------------------------------------------------


def make_name_stamp(name: str, mailbox: Address, uid: Uid | None = None) -> str:
    """Give the value of the ``Name`` property: the client's name, and for what it was written."""
    return json.dumps({"name": name, "mailbox": mailbox, "uid": uid}, ensure_ascii=False, separators=(",", ":"))


def parse_name_stamp(stamp: str | None, mailbox: Address, uid: Uid | None = None) -> str | None:
    """Read a ``Name`` property; None when it was written for another mailbox or UID, as on a copied item."""
    if not stamp:
        return None
    try:
        value = json.loads(stamp)
        name, written_for, written_uid = value["name"], value["mailbox"], value["uid"]
    except (ValueError, TypeError, KeyError):
        return None
    if not isinstance(name, str) or written_for != mailbox or written_uid != uid:
        return None
    return name if name and "/" not in name else None


# --- the Look property -------------------------------------------------------------------------------

LONGEST_DESCRIPTION = 2000
"""Characters; what is longer does not go to Exchange with a calendar's look."""
_COLOUR = re.compile(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")
_MOST_ORDER = 2**31


def make_look(look: CalendarLook) -> str | None:
    """Give the value of a folder's ``Look`` property, None where it says nothing."""
    description = look.description if look.description and len(look.description) <= LONGEST_DESCRIPTION else None
    told = {"colour": look.colour, "order": look.order, "description": description}
    said = {name: value for name, value in told.items() if value is not None}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) if said else None


def parse_look(value: str | None) -> CalendarLook:
    """Read a ``Look`` property; what is not as `make_look` writes it is left out."""
    try:
        told = json.loads(value or "{}")
    except ValueError:
        return CalendarLook()
    if not isinstance(told, dict):
        return CalendarLook()
    colour, order, description = told.get("colour"), told.get("order"), told.get("description")
    return CalendarLook(
        colour if isinstance(colour, str) and _COLOUR.fullmatch(colour) else None,
        order if type(order) is int and abs(order) < _MOST_ORDER else None,
        description if isinstance(description, str) and description else None,
    )


# --- UID and global object id (MS-OXOCAL 2.2.1.27, MS-OXCICAL 2.1.3.1.1.20.26) --------------------------


def make_goid(uid: Uid) -> bytes:
    """Give the clean global object id of a UID: itself when it is one in hex, else wrapped as ``vCal-Uid``."""
    if _HEX.fullmatch(uid):
        raw = binascii.unhexlify(uid)
        if raw.startswith(_GOID_PREFIX) and len(raw) > _GOID_HEADER:
            return raw[: _GOID_INSTANCE_DATE.start] + bytes(4) + raw[_GOID_INSTANCE_DATE.stop :]
    data = _VCAL_MARK + uid.encode() + b"\x00"
    return _GOID_PREFIX + bytes(4) + bytes(8) + bytes(8) + len(data).to_bytes(4, "little") + data
