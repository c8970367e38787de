"""HTML bodies, reduced to what people read: text, its structure and its links.

Outlook wraps a line of text into kilobytes of styles, and Exchange rewrites what it is given: it adds a head, changes
quotes, classes and styles, and drops scripts. The reduced form has none of these, so that it is the same before and
after, small enough for a calendar, and safe to show.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape, unescape
from typing import Any

from lxml import etree
from lxml.html import HTMLParser

_BLOCKS = frozenset({"p", "div", "br", "pre", "blockquote", "hr"})
_FORMATS = frozenset(
    {"a", "b", "i", "u", "s", "sub", "sup", "code", "ul", "ol", "li", "table", "tr", "td", "th", "img"}
    | {f"h{level}" for level in range(1, 7)}
)
_SAME_AS = {"strong": "b", "em": "i", "strike": "s", "del": "s", "ins": "u", "tt": "code"}
_LINKS = {"a": ("href",), "img": ("src", "alt")}
_EMPTY = frozenset({"br", "hr", "img"})
_UNSEEN = frozenset({"head", "style", "script", "title", "template", "noscript", "object", "iframe", "svg"})
_UNSAFE = re.compile(r"(?:javascript|vbscript):", re.IGNORECASE)
_UNSEEN_IN_LINKS = re.compile(r"[\x00-\x20\x7f]+")
"""Browsers leave these out of a link's scheme (WHATWG URL 4.4)."""
_BLANKS = re.compile(r"[\s\xa0]+")
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile(r"<(?:br|hr|/p|/div|/pre|/blockquote)>")
_ANY_TAG = re.compile(r"<[^<>]*>")
_NO_FORMAT = re.compile(r"<(?:p|div|br|pre|blockquote|hr|/\w+)>")
_MOST_REMEMBERED = 64 * 1024
"""Characters of a body whose reduced form is remembered: rendering an event asks for it some times."""
_TOO_LARGE = etree.ErrorTypes.ERR_RESOURCE_LIMIT


def reduce_html(html: str) -> str:
    """Give the reduced form: a part of an HTML document, of the same gist."""
    return _reduced(html) if len(html) <= _MOST_REMEMBERED else _reduced.__wrapped__(html)


@lru_cache(maxsize=128)
def _reduced(html: str) -> str:
    root = _parse(html)
    return "" if root is None else "".join(_tokens(root)).strip()


def readable(html: str) -> str:
    """Give a body with blanks for what XML, and so Exchange, cannot hold."""
    return _UNREADABLE.sub(" ", html)


def formatted(html: str) -> str | None:
    """Give the reduced form of a body that says anything that plain text does not say as well; None for others."""
    reduced = reduce_html(html)
    return reduced if "<" in _NO_FORMAT.sub("", reduced) else None


def plain_text(html: str) -> str:
    """Give the text of what is not formatted, a line for each block."""
    lines = _LINE_END.sub("\n", reduce_html(html)).split("\n")
    return "\n".join(unescape(_ANY_TAG.sub("", line)).strip() for line in lines).strip()


def same_html(first: str, second: str) -> bool:
    """Whether two bodies say the same, however they are written."""
    return gist(reduce_html(first)) == gist(reduce_html(second))


def gist(reduced: str) -> str:
    """Give of a reduced body what stays the same when it is rewritten: texts, formats, links, not blocks and blanks."""
    return _BLANKS.sub(" ", _NO_FORMAT.sub(" ", reduced)).replace(" <", "<").replace("> ", ">").strip()


def _parse(html: str) -> Any:
    """Parse a body; of one that nests deeper than the parser goes, its text alone, for all of it is to be told."""
    text = readable(html)
    for each in (text, _ANY_TAG.sub(" ", text)):
        parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
        try:
            root = etree.fromstring(each.encode(), parser)
        except (etree.ParseError, ValueError):
            return None
        if not any(error.type == _TOO_LARGE for error in parser.error_log):
            return root
    return None


def _tokens(element: Any) -> Iterator[str]:
    """Give the reduced form of an element piece by piece, without recursion: bodies nest deeply."""
    skipped = None
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if skipped is not None:
            if node is not skipped or event == "start":
                continue
            skipped = None
            yield _text(node.tail)
        elif not isinstance(node.tag, str) or node.tag in _UNSEEN:
            skipped = node
        elif event == "start":
            yield _start(node)
            yield _text(node.text)
        else:
            yield _end(node)
            if node is not element:
                yield _text(node.tail)


def _start(node: Any) -> str:
    tag = _SAME_AS.get(node.tag, node.tag)
    if tag not in _BLOCKS and tag not in _FORMATS:
        return ""
    told = ((name, node.get(name)) for name in _LINKS.get(tag, ()))
    links = "".join(f' {name}="{escape(value.strip())}"' for name, value in told if value and not _is_unsafe(value))
    return f"<{tag}{links}>"


def _is_unsafe(link: str) -> bool:
    return _UNSAFE.match(_UNSEEN_IN_LINKS.sub("", link)) is not None


def _end(node: Any) -> str:
    tag = _SAME_AS.get(node.tag, node.tag)
    return f"</{tag}>" if tag in _BLOCKS | _FORMATS and tag not in _EMPTY else ""


def _text(text: str | None) -> str:
    return escape(_BLANKS.sub(" ", text), quote=False) if text else ""
