"""HTML as Exchange tells it: brought into one form, or made of a text or of what was left by RTF.

Sources: [R] the mails of Exchange servers in public archives (dri-devel, amd-gfx, git) and bodies that Graph gave, for
the frame around a text, what is said to be converted, and the plus sign as a reference; [R] Stack Overflow 20712500 for
RTF. What is cleaned away: rule `html_unsafe`. The rest `rules`.
"""

import html
import re
from collections.abc import Iterator

from lxml import etree
from lxml import html as parser

from bridge.simulator.xml import Element

_META = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
_MADE = '<meta name="Generator" content="Microsoft Exchange Server">\r\n<!-- converted from {} -->\r\n'
_QUOTES = "<style><!-- .EmailQuote { margin-left: 1pt; padding-left: 4pt; border-left: #800000 2px solid; } --></style>"
_RAW = ("script", "style")
_VOID = ("area", "br", "col", "hr", "img", "input", "link", "meta")
_UNSAFE = ("script", "object", "embed", "applet", "iframe", "form", "base")
_ADDRESS = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)]", re.IGNORECASE)
# What an RTF keeps of HTML, and what each element becomes; an element that is not here leaves its content
_OF_RTF = {
    "b": "b",
    "strong": "b",
    "i": "i",
    "em": "i",
    "u": "u",
    "a": "a",
    "br": "br",
    "li": "li",
    "ul": "ul",
    "ol": "ol",
    "p": "div",
    "div": "div",
    "tr": "div",
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "div"),
}


def parsed(content: str) -> tuple[Element | None, Element]:
    """Give the head, None without one, and the body of HTML, however much of a document it is."""
    whole = content if re.search(r"<(html|body|head)\b", content, re.IGNORECASE) else f"<body>{content}</body>"
    # As bytes, so that a charset it names is not believed: it was decoded when it came
    reader = parser.HTMLParser(encoding="utf-8")
    try:
        root = parser.document_fromstring(whole.encode(), parser=reader)
    except etree.ParserError:  # a comment that never ends is all there is
        root = parser.document_fromstring(b"<body></body>", parser=reader)
    body = root.find("body")
    return root.find("head"), body if body is not None else etree.SubElement(root, "body")


def normalised(content: str, *, cleaned: bool) -> str:
    """Give HTML as a document of one form; `cleaned` is without scripts, their attributes and comments."""
    head, body = parsed(content.replace("\r\n", "\n"))
    for element in (head, body):
        if element is not None and cleaned:
            _clean(element)
    kept = [_text(element).strip() for element in (head if head is not None else ()) if not _says_charset(element)]
    return _document("\r\n".join((_META, *kept)), _inner(body).strip(), _attributes(body))


def from_text(content: str) -> str:
    """Give HTML that shows a text."""
    lines = "<br>\r\n".join(_line(line) for line in content.splitlines())
    return _document(
        f"{_META}\r\n{_MADE.format('text')}{_QUOTES}",
        f'<font size="2"><span style="font-size:11pt;"><div class="PlainText">{lines or "&nbsp;"}</div></span></font>',
    )


def through_rtf(content: str) -> str:
    """Give HTML that has been RTF: some of its emphasis, links, lines and lists are left."""
    _, body = parsed(content)
    _clean(body)
    return _document(
        f"{_META}\r\n{_MADE.format('rtf')}{_QUOTES}",
        f'<font face="Calibri" size="2"><span style="font-size:11pt;">{"".join(_of_rtf(body))}</span></font>',
    )


def _document(head: str, body: str, attributes: str = "") -> str:
    return f"<html>\r\n<head>\r\n{head}\r\n</head>\r\n<body{attributes}>\r\n{body}\r\n</body>\r\n</html>\r\n"


def _inner(element: Element) -> str:
    return _escaped(element.text) + "".join(_text(child) for child in element)


def _text(element: Element) -> str:
    """Give an element and what stands behind it."""
    if not isinstance(element.tag, str):
        return f"<!--{element.text}-->{_escaped(element.tail)}"
    inside = (element.text or "").replace("\n", "\r\n") if element.tag in _RAW else _inner(element)
    end = "" if element.tag in _VOID else f"</{element.tag}>"
    return f"<{element.tag}{_attributes(element)}>{inside}{end}{_escaped(element.tail)}"


def _attributes(element: Element) -> str:
    return "".join(f' {name!s}="{html.escape(str(value))}"' for name, value in element.attrib.items())


def _escaped(text: str | None) -> str:
    return html.escape(text or "", quote=False).replace("\n", "\r\n").replace("\xa0", "&nbsp;").replace("+", "&#43;")


def _line(line: str) -> str:
    """Give a line of a text: addresses become links, each but the last of several blanks is one that is not broken."""
    found, last = [], 0
    for match in _ADDRESS.finditer(line):
        address = html.escape(match[0])
        found += [_blanks(line[last : match.start()]), f'<a href="{address}">{_escaped(match[0])}</a>']
        last = match.end()
    return "".join([*found, _blanks(line[last:])])


def _blanks(text: str) -> str:
    return re.sub(r" (?= )|^ ", "&nbsp;", _escaped(text))


def _says_charset(element: Element) -> bool:
    if element.tag != "meta":
        return False
    return element.get("http-equiv", "").casefold() == "content-type" or element.get("charset") is not None


def _clean(root: Element) -> None:
    for element in list(root.iter()):
        if not isinstance(element.tag, str) or element.tag in _UNSAFE:
            _drop(element, root)
            continue
        for name, value in list(element.attrib.items()):
            if str(name).startswith("on") or str(value).strip().casefold().startswith("javascript:"):
                del element.attrib[name]


def _drop(element: Element, root: Element) -> None:
    """Take an element away and leave what stands behind it."""
    parent = element.getparent()
    if parent is None or element is root:
        return
    before = element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + (element.tail or "")
    else:
        parent.text = (parent.text or "") + (element.tail or "")
    parent.remove(element)


def _of_rtf(element: Element) -> Iterator[str]:
    yield _escaped(element.text)
    for child in element:
        tag = _OF_RTF.get(str(child.tag), "")
        if child.tag not in {"style", "title"}:
            link = f' href="{html.escape(str(child.get("href", "")))}"' if tag == "a" else ""
            inside = "".join(_of_rtf(child)) + (
                "\t" if child.tag in {"td", "th"} and child.getnext() is not None else ""
            )
            yield (f"<{tag}{link}>{inside}" if tag else inside) + (f"</{tag}>" if tag not in {"", "br"} else "")
        yield _escaped(child.tail)
