"""The plain text of an HTML body, for servers that give none: its words, a line for each block.

Simple on purpose. Tables, quotes and lists lose their shape but for line ends and a dash before the items of a list;
links keep their words only. White space is put together as a browser does it, but inside of ``pre``.
"""

import re
from collections.abc import Iterator

from lxml import etree
from lxml import html as lxml_html

from bridge.ews.xml import Element

_SKIPPED = frozenset({"head", "style", "script", "title", "template"})
_BLOCKS = frozenset(
    {
        *("address", "article", "blockquote", "body", "dd", "div", "dl", "dt", "footer", "form", "h1", "h2", "h3"),
        *("h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul"),
    }
)
_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6"})
"""With an empty line before and after."""
_CELLS = frozenset({"td", "th"})
_HARD_SPACE = "\xa0"
_SPACE = re.compile(r"[ \t\r\n\f]+")
_LINE, _PARAGRAPH, _BREAK = "\x01", "\x02", "\x03"
"""Marks among the words: a line ends if it is not empty; an empty line follows; a line ends in any case."""
_MARKS = re.compile(r"([\x01\x02\x03])")
_DEEPEST = 200
"""Nested elements that are looked into; deeper ones are no letter that anybody wrote."""


def plain_text(html: str) -> str:
    """Give the text of an HTML document or a part of one, with LF line ends and no blank lines at its ends."""
    root = _parse(html)
    if root is None:
        return ""
    return _lines("".join(_words(root, is_pre=False, depth=0)))


def _parse(html: str) -> Element | None:
    # Read as UTF-8, whatever a meta element says: it is text already
    parser = lxml_html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root: Element | None = lxml_html.document_fromstring(html.encode("utf-8", "replace"), parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None
    return root


def _words(element: Element, *, is_pre: bool, depth: int) -> Iterator[str]:
    tag = element.tag if isinstance(element.tag, str) else ""
    if tag in _SKIPPED or depth > _DEEPEST:
        return
    mark = _PARAGRAPH if _is_spaced(element, tag) else _LINE if tag in _BLOCKS else ""
    yield _BREAK if tag == "br" else mark
    if tag == "li":
        yield "- "
    inside_pre = is_pre or tag == "pre"
    yield _text(element.text, is_pre=inside_pre)
    for child in element:
        yield from _words(child, is_pre=inside_pre, depth=depth + 1)
        yield _text(child.tail, is_pre=inside_pre)
    yield " " if tag in _CELLS else mark


def _is_spaced(element: Element, tag: str) -> bool:
    """Whether empty lines stand around it: Word's own paragraphs (``MsoNormal``) have none."""
    return tag in _SPACED and not (element.get("class") or "").startswith("Mso")


def _text(text: str | None, *, is_pre: bool) -> str:
    if not text:
        return ""
    clean = _MARKS.sub("", text)
    if not is_pre:
        return _SPACE.sub(" ", clean)
    return clean.replace("\r\n", "\n").replace("\n", _BREAK).replace(" ", _HARD_SPACE)


def _lines(marked: str) -> str:
    lines, line = [], ""
    for part in _MARKS.split(marked):
        if part not in {_LINE, _PARAGRAPH, _BREAK}:
            # Of several blanks one is shown, and none at the beginning of a line
            line = _SPACE.sub(" ", line + part).lstrip(" ")
            continue
        if line.strip(" ") or part == _BREAK:
            lines.append(_shown(line))
            line = ""
        if part == _PARAGRAPH and lines and lines[-1]:
            lines.append("")
    lines.append(_shown(line))
    return "\n".join(lines).strip("\n")


def _shown(line: str) -> str:
    return line.replace(_HARD_SPACE, " ").rstrip(" ")
