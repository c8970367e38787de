"""The text of HTML as Exchange makes it: links as `words<address>`, a blank line between paragraphs, marked lists.

Source: [R] for links, rules and pictures the plain parts beside HTML in the archive of amd-gfx, which Exchange Online
has made (2019 to 2026); lists, blanks and tables are assumed.
"""

import re
from dataclasses import dataclass, field

from bridge.simulator.html_body import parsed
from bridge.simulator.xml import Element

_LINES = {"div", "tr", "li", "dt", "dd", "address", "center", "form", "section", "article", "header", "footer"}
_PARAGRAPHS = {"p", "ul", "ol", "dl", "table", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6"}
_LEFT_OUT = {"head", "title", "style", "script"}
_RULE = "_" * 32


@dataclass
class _Text:
    """What has been written: `gap` is how many line breaks are due before the next word."""

    parts: list[str] = field(default_factory=list)
    gap: int = 0

    def words(self, text: str) -> None:
        folded = re.sub(r"[ \t\r\n]+", " ", text)
        at_start = self.gap or not self.parts or self.parts[-1].endswith(("\n", " ", "\t"))
        folded = folded.lstrip(" ") if at_start else folded
        if folded:
            self.put(folded.replace("\xa0", " "))

    def put(self, text: str) -> None:
        if self.parts and self.gap:
            self.parts.append("\n" * self.gap)
        self.gap = 0
        self.parts.append(text)

    def least(self, breaks: int) -> None:
        self.gap = max(self.gap, breaks)


def text_of_html(content: str) -> str:
    """Give the text, its lines ended by CR LF."""
    found = _Text()
    _walk(found, parsed(content)[1])
    lines = [line.rstrip(" ") for line in "".join(found.parts).split("\n")]
    text = "\r\n".join(lines).strip("\r\n")
    return f"{text}\r\n" if text else ""


def _walk(found: _Text, element: Element) -> None:
    for text, child in ((element.text, None), *((child.tail, child) for child in element)):
        if child is not None:
            _element(found, child)
        if text:
            found.words(text)


def _element(found: _Text, element: Element) -> None:
    tag = element.tag
    if not isinstance(tag, str) or tag in _LEFT_OUT:
        return
    breaks = 2 if tag in _PARAGRAPHS else 1 if tag in _LINES else 0
    found.least(breaks)
    if tag == "br":
        found.gap += 1
    elif tag == "hr":
        found.least(1)
        found.put(_RULE)
        found.least(1)
    elif tag == "img":
        found.put(f"[{element.get('alt') or element.get('src', '')}]")
    elif tag == "pre":
        found.put("".join(str(text) for text in element.itertext()).replace("\r\n", "\n"))
    else:
        _opened(found, element)
        _walk(found, element)
        _closed(found, element)
    found.least(breaks)


def _opened(found: _Text, element: Element) -> None:
    parent = element.getparent()
    if element.tag == "li" and parent is not None:
        number = len(list(element.itersiblings("li", preceding=True))) + 1
        found.put(f"  {number}.  " if parent.tag == "ol" else "  *   ")
    if element.tag in {"td", "th"} and element.getprevious() is not None:
        found.put("\t")


def _closed(found: _Text, element: Element) -> None:
    address = element.get("href", "") if element.tag == "a" else ""
    if address and not address.startswith("#"):
        found.put(f"<{address}>")
