"""ATTACH (RFC 5545 3.8.1.1): the files of an event, shown as links to the bridge (parameters of RFC 8607 4).

A link that comes back means the file that is there, whatever of its parameters a client has dropped and under whatever
host and prefix it has found the bridge. Data in the event itself become files. Any other URI is none of this field's:
it is kept.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from mimetypes import MimeTypes
from typing import Any

from bridge.errors import InvalidCalendarData
from bridge.ids import FilePlace, make_file_key, make_file_url, parse_file_url, principal_of
from bridge.item import AttachedFile, AttachmentRef, Item
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.data_uri import decode_base64, parse_data_uri
from bridge.mapping.field import Asked, Field, Shown
from bridge.mapping.lines import Line, make_line, parse_line
from bridge.model import FileKey

MOST_FILES = 100
"""Files that one resource may have after a client has added some."""
_TYPE = re.compile(r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}", re.ASCII)
_UNKNOWN_TYPE = "application/octet-stream"
_NAMES = ("FILENAME", "X-FILENAME", "X-APPLE-FILENAME", "X-LABEL")
_LONGEST_NAME = 200
"""Characters of a file's name, its ending among them."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ENDINGS = MimeTypes()
"""Python's own table, whatever the machine's says."""


@dataclass(frozen=True, slots=True)
class WantedFiles:
    """What a client says of one event's files.

    ``links`` are keys of files that some item of the resource has; ``others`` are links to what is none of these;
    ``new`` came with the event.
    """

    links: frozenset[FileKey] = frozenset()
    others: tuple[FilePlace, ...] = ()
    new: tuple[AttachedFile, ...] = ()

    @property
    def are_brought(self) -> bool:
        """Whether files come to the event that are not at the resource."""
        return bool(self.others or self.new)


class Attachments(Field):
    """The files of an event. They are no part of an item's content: `sync` attaches and detaches them."""

    name = "ATTACH"
    ical = frozenset({"ATTACH"})

    def take(self, event: Component, context: Context) -> Sequence[Line]:
        """Give the data, and the links to the viewer's files: another's, as an invitation brings, is kept as it is."""
        return [line for line in event.all("ATTACH") if _is_data(line) or _place(line, context)]

    def to_item(self, asked: Asked) -> Mapping[str, Any]:  # noqa: ARG002 - the signature is a Field's
        """Give nothing: see `read_files`."""
        return {}

    def to_ical(self, shown: Shown) -> list[str]:
        """Write a link for each file that is not a part of the event's text."""
        return [_link(shown, one) for one in shown_files(shown.item)]

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on which files there are."""
        return tuple(sorted(one.id for one in shown_files(item)))

    def worth_keeping(self, lines: Sequence[str], was: Sequence[str]) -> None:
        """Keep nothing: the links are made of the item."""

    def is_same(self, lines: Sequence[str], shown: Sequence[str]) -> bool:
        """Whether a client's lines are the links that were shown, and nothing else."""
        taken = [parse_line(raw) for raw in lines]
        return not any(map(_is_data, taken)) and _keys(taken) == _keys(map(parse_line, shown))


def shown_files(item: Item) -> list[AttachmentRef]:
    """Give the files of an item that a client is shown: not those that its text is made of."""
    return [one for one in item.attachments if not one.is_inline]


def keys_of(items: Iterable[Item]) -> frozenset[FileKey]:
    """Give the keys of the files that clients are shown of items."""
    return frozenset(make_file_key(one.id) for item in items for one in shown_files(item))


def read_files(event: Component, context: Context, known: frozenset[FileKey]) -> WantedFiles:
    """Read what a client says of an event's files; ``known`` are those that the resource has.

    Raises InvalidCalendarData for data that cannot be read.
    """
    links: set[FileKey] = set()
    others: dict[FileKey, FilePlace] = {}
    new: list[AttachedFile] = []
    for line in event.all("ATTACH"):
        if _is_data(line):
            new.append(_read_data(line))
        elif (place := _place(line, context)) is not None and place.key in known:
            links.add(place.key)
        elif place is not None:
            others[place.key] = place
    return WantedFiles(frozenset(links), tuple(others.values()), tuple(new))


def _place(line: Line, context: Context) -> FilePlace | None:
    """Read a link to a file of the viewer's, in whichever of his calendars; None for any other URI."""
    place = parse_file_url(line.value)
    return place if place and place.principal == principal_of(context.calendar_url) else None


# --- links -------------------------------------------------------------------------------------------


def _link(shown: Shown, file: AttachmentRef) -> str:
    url = make_file_url(shown.context.calendar_url, shown.context.name, file.id, file.name)
    parameters = {"FMTTYPE": _type(file.content_type), "FILENAME": _name(file.name)}
    if file.size:
        parameters["SIZE"] = str(file.size)
    return make_line("ATTACH", url, **{name: value for name, value in parameters.items() if value})


def _keys(lines: Iterable[Line]) -> set[FileKey]:
    places = (parse_file_url(line.value) for line in lines)
    return {place.key for place in places if place}


def _type(text: str | None) -> str:
    """Give a media type without its parameters, "" for what is none."""
    found = _TYPE.fullmatch((text or "").split(";")[0].strip())
    return found[0].lower() if found else ""


# --- data --------------------------------------------------------------------------------------------


def _is_data(line: Line) -> bool:
    parameters = ((line.parameter(name) or "").upper() for name in ("ENCODING", "VALUE"))
    return any(value in {"BASE64", "B", "BINARY"} for value in parameters) or line.value[:5].lower() == "data:"


def _read_data(line: Line) -> AttachedFile:
    try:
        uri = parse_data_uri(line.value)
        data = uri.data if uri else decode_base64(line.value)
    except ValueError as problem:
        raise InvalidCalendarData(f"ATTACH in line {line.number} is {problem}.") from None
    told = (_type(uri.media_type) or "text/plain") if uri else ""
    content_type = _type(line.parameter("FMTTYPE")) or told or _UNKNOWN_TYPE
    names = (_name(line.parameter(name) or "") for name in _NAMES)
    ending = _ENDINGS.guess_extension(content_type) or ".bin"
    return AttachedFile(next(filter(None, names), f"attachment{ending}"), content_type, data)


def _name(text: str) -> str:
    """Give a file's name without its folders, and without what no name has; a long one keeps its ending."""
    name = _CONTROL.sub("", re.split(r"[/\\]", text)[-1]).strip()
    if len(name) > _LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        name = (
            f"{stem[: _LONGEST_NAME - len(ending) - 1]}.{ending}" if dot and len(ending) < 20 else name[:_LONGEST_NAME]
        )
    return name if name.strip(".") else ""
