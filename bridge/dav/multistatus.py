"""DAV:response elements, written as strings (RFC 4918 14.24)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Generic, TypeVar

from bridge.dav.xml import CALDAV, tags, text
from bridge.errors import Unavailable

Subject = TypeVar("Subject")


class Kind(Enum):
    """What a request wants of each resource."""

    NAMED = "the properties it names"
    ALL = "the usual ones, and those it names beside"
    NAMES = "the names of all there are"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which properties a request asks for, by Clark name."""

    kind: Kind
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Property(Generic[Subject]):
    """A live property of one kind of resource: its Clark name, and its value as ready XML; None where it has none.

    ``in_allprop``: whether an allprop request gets it (RFC 4918 9.1 leaves CalDAV's own out).
    """

    name: str
    value: Callable[[Subject], str | None]
    in_allprop: bool = False


Kept = Callable[[Subject], Mapping[str, str]]
"""Gives the elements, by name, that a client has stored at something: they stand before what is known otherwise."""


class ResponseWriter(Generic[Subject]):
    """Writes the response of any number of resources of one kind to one selection."""

    def __init__(
        self,
        table: Mapping[str, Property[Subject]],
        selection: Selection,
        *,
        kept: Kept[Subject] | None = None,
        keeps_going: bool = False,
        minimal: bool = False,
    ) -> None:
        """Take the properties of this kind of resource, and what is asked for.

        ``keeps_going``: a value that raises Unavailable is answered with 503 in its place, so that one unreachable
        calendar does not hide the others of a home; otherwise the error is raised. ``minimal``: what is not there is
        left out (RFC 8144 2.1).
        """
        names = list(dict.fromkeys(selection.names))
        if selection.kind is Kind.NAMES:
            names = list(table)
        elif selection.kind is Kind.ALL:
            names = [*(p.name for p in table.values() if p.in_allprop), *names]
        self._kind = selection.kind
        self._kept = kept
        self._keeps_going = keeps_going
        self._minimal = minimal
        self._rows = [
            (name, *tags(name), table[name].value if name in table else None) for name in dict.fromkeys(names)
        ]

    def __call__(self, href: str, subject: Subject) -> str:
        """Give the response element. Raises what a property's value raises."""
        kept = self._kept(subject) if self._kept is not None else {}
        if self._kind is Kind.NAMES:
            names = dict.fromkeys([*(empty for _, _, _, empty, _ in self._rows), *(tags(name)[2] for name in kept)])
            return f"<D:response><D:href>{href}</D:href>{_propstat(''.join(names), 200)}</D:response>"
        found: list[str] = []
        missing = later = ""
        for name, opening, closing, empty, value in self._rows:
            if name in kept:
                found.append(kept[name])
                continue
            try:
                shown = None if value is None else value(subject)
            except Unavailable:
                if not self._keeps_going:
                    raise
                later += empty
                continue
            if shown is None:
                missing += empty
            else:
                found.append(f"{opening}{shown}{closing}" if shown else empty)
        if self._kind is Kind.ALL:
            found += self._dead(kept)
        if self._minimal:
            missing = ""
        parts = _propstat("".join(found), 200) if found or not (missing or later) else ""
        if missing:
            parts += _propstat(missing, 404)
        if later:
            parts += _propstat(later, 503)
        return f"<D:response><D:href>{href}</D:href>{parts}</D:response>"

    def _dead(self, kept: Mapping[str, str]) -> list[str]:
        """Give what an allprop gets of kept elements: all but CalDAV's own (RFC 4791 5.2)."""
        asked = {name for name, *_ in self._rows}
        return [element for name, element in kept.items() if name not in asked and not name.startswith(CALDAV)]


@dataclass(frozen=True, slots=True)
class PropertyRefusal:
    """Why a property is not set: a sentence, the violated precondition as ready XML or "", and a status."""

    sentence: str
    precondition: str = ""
    status: int = 403


def status_response(href: str, status: int) -> str:
    """Give the response of a resource that has no properties to show, such as one that is gone."""
    return f"<D:response><D:href>{href}</D:href><D:status>{_status(status)}</D:status></D:response>"


def cut_response(href: str) -> str:
    """Give the response that says of a collection that more of it is to come (RFC 6578 3.6)."""
    return (
        f"<D:response><D:href>{href}</D:href><D:status>{_status(507)}</D:status>"
        "<D:error><D:number-of-matches-within-limits/></D:error></D:response>"
    )


def change_response(href: str, names: Iterable[str], refusals: Mapping[str, PropertyRefusal]) -> str:
    """Give the response to a PROPPATCH of these properties; see `changed_properties`."""
    return f"<D:response><D:href>{href}</D:href>{changed_properties(names, refusals)}</D:response>"


def changed_properties(names: Iterable[str], refusals: Mapping[str, PropertyRefusal]) -> str:
    """Give what became of setting properties: all of them, or none (RFC 4918 9.2).

    Where one is refused, those that could have been set are answered 424.
    """
    done = "".join(tags(name)[2] for name in names if name not in refusals)
    parts = _propstat(done, 424 if refusals else 200) if done else ""
    return parts + "".join(
        f"<D:propstat><D:prop>{tags(name)[2]}</D:prop><D:status>{_status(refusal.status)}</D:status>"
        f"{f'<D:error>{refusal.precondition}</D:error>' if refusal.precondition else ''}"
        f"<D:responsedescription>{text(refusal.sentence)}</D:responsedescription></D:propstat>"
        for name, refusal in refusals.items()
    )


def _propstat(properties: str, status: int) -> str:
    return f"<D:propstat><D:prop>{properties}</D:prop><D:status>{_status(status)}</D:status></D:propstat>"


_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}


def _status(status: int) -> str:
    return _STATUS[status]
