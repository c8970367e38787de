"""What an event says at length: DESCRIPTION, and the HTML forms of it; and where an online meeting is joined.

Thunderbird has HTML in a ``data:`` URI of ALTREP (RFC 5545 3.2.1), Outlook and Evolution in X-ALT-DESC, RFC 9073 6.5 in
STYLED-DESCRIPTION. Exchange has one body, plain or HTML, and makes the plain text of the latter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bridge.item import Item
from bridge.mapping.data_uri import parse_data_uri
from bridge.mapping.field import Asked, Field, Shown, ShownField, attributes
from bridge.mapping.lines import Line, escape, make_line, parse_line, without_parameter
from bridge.mapping.markup import formatted, gist, plain_text, readable, same_html

_HTML = "text/html"
_MOST_KEPT = 16 * 1024
_MOST_SHOWN = 256 * 1024
"""Characters of reduced HTML that clients are shown; of more, pictures in it among them, they are shown the text."""
_STYLED = ("X-ALT-DESC", "STYLED-DESCRIPTION")


@dataclass(frozen=True, slots=True)
class _Said:
    """What lines say: the plain text, and the HTML beside it."""

    text: str
    html: str | None

    def leaves_text(self, was: "_Said") -> bool:
        """Whether the text is what was shown."""
        return _trimmed(self.text) == _trimmed(was.text)

    def leaves_html(self, was: "_Said") -> bool:
        """Whether the HTML is what was shown, or left out beside a text."""
        if self.html is None:
            return was.html is None or bool(self.text)
        return was.html is not None and same_html(self.html, was.html)

    def outdates_html(self, was: "_Said") -> bool:
        """Whether there is a new text beside the HTML that was shown with the old one."""
        return bool(self.text) and not self.leaves_text(was) and was.html is not None and self.leaves_html(was)


class Description(Field):
    """The body of the item."""

    name = "DESCRIPTION"
    ical = frozenset({"DESCRIPTION", *_STYLED})
    attributes = attributes("body", "html")

    def to_item(self, asked: Asked) -> Mapping[str, Any]:
        """Take text and HTML. What the client left as it was shown is not changed by what he left out.

        An app that knows no HTML gives the text back alone: the HTML that others see stays. Where it changed the text,
        and the HTML beside it is what was shown, the text is what the user wrote.
        """
        now, was = _read(asked.event.lines), _read(map(parse_line, asked.lines))
        stored = asked.stored.content if asked.stored else None
        if stored is not None and now.leaves_text(was) and now.leaves_html(was):
            return {"body": stored.body, "html": stored.html}
        return _body(now.text, None if now.outdates_html(was) else now.html)

    def worth_keeping(self, lines: Sequence[str], was: Sequence[str]) -> Sequence[str] | None:
        """Keep what was shown where a client gives back its text alone: others still see the HTML.

        Long HTML is not kept a second time: what is made of the item says as much.
        """
        if sum(map(len, lines)) > _MOST_KEPT:
            return None
        now, before = (_read(map(parse_line, one)) for one in (lines, was))
        if now.outdates_html(before):
            return [_without_html(line) for line in map(parse_line, lines) if line.name == "DESCRIPTION"]
        is_left_out = now.html is None and before.html is not None and now.leaves_html(before)
        return was if is_left_out and now.leaves_text(before) else lines

    def to_ical(self, shown: Shown) -> Sequence[str]:
        """Write the plain text, nothing for an empty one, with formatted HTML in its ALTREP."""
        return self.merge(shown, ())

    def merge(self, shown: Shown, lines: Sequence[str]) -> Sequence[str]:
        """Write the HTML where the client has his."""
        text, html = shown.item.content.body.rstrip(), _formatted(shown.item)
        if html is None:
            return [f"DESCRIPTION:{escape(text)}"] if text else []
        form = next((line.name for line in map(parse_line, lines) if line.name in _STYLED), None)
        if form is None:
            return [make_line("DESCRIPTION", escape(text), ALTREP=f"data:{_HTML},{quote(html, safe='')}")]
        value = {"VALUE": "TEXT"} if form == "STYLED-DESCRIPTION" else {}
        plain = [f"DESCRIPTION:{escape(text)}"] if text else []
        return [*plain, make_line(form, escape(html), FMTTYPE=_HTML, **value)]

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on what is read: the gist of HTML; of a text not what servers trim, the blanks at its lines' ends."""
        html = _formatted(item)
        return _trimmed(item.content.body) if html is None else (_HTML, gist(html))


class Conference(ShownField):
    """CONFERENCE (RFC 7986 5.11): where an online meeting is joined, as Exchange tells it."""

    name = "CONFERENCE"
    ical = frozenset({"CONFERENCE"})

    def to_ical(self, shown: Shown) -> list[str]:
        """Write the address."""
        url = "".join(shown.item.join_url.split())
        return [f"CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO:{url}"] if url else []

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the address."""
        return (item.join_url,)


def _without_html(line: Line) -> str:
    return without_parameter(line, "ALTREP") if _from_data(line.parameter("ALTREP") or "") else line.raw


def _body(text: str, html: str | None) -> dict[str, str | None]:
    """Give a body: HTML that says no more than a text is one."""
    if html is None or formatted(html) is not None:
        return {"body": text, "html": html}
    return {"body": text or plain_text(html), "html": None}


def _formatted(item: Item) -> str | None:
    """Give the reduced HTML of an item that has more than plain text in it, and not too much."""
    reduced = formatted(item.content.html) if item.content.html else None
    return reduced if reduced and len(reduced) <= _MOST_SHOWN else None


def _trimmed(text: str) -> tuple[str, ...]:
    return tuple(line.rstrip() for line in text.rstrip().splitlines())


def _read(lines: Iterable[Line]) -> _Said:
    text, found = "", None
    for line in lines:
        if line.name == "DESCRIPTION":
            text = line.text.rstrip()
            found = _from_data(line.parameter("ALTREP") or "") or found
        elif line.name in _STYLED and (line.parameter("FMTTYPE") or _HTML).partition(";")[0].strip().lower() == _HTML:
            found = found or line.text.strip() or None
    return _Said(text, found)


def _from_data(text: str) -> str | None:
    """Read the HTML of a ``data:`` URI, None for another URI and for what cannot be read."""
    try:
        uri = parse_data_uri(text)
    except ValueError:
        return None
    if uri is None or uri.media_type != _HTML:
        return None
    try:
        html = uri.data.decode(uri.charset, "replace")
    except LookupError:
        html = uri.data.decode("utf-8", "replace")
    return readable(html) or None
