"""The names of EWS XML and short ways to write it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from lxml import etree

Element = etree._Element  # noqa: SLF001 - lxml gives its element type no public name

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"

S = f"{{{SOAP}}}"
M = f"{{{MESSAGES}}}"
T = f"{{{TYPES}}}"
E = f"{{{ERRORS}}}"

NAMESPACES = {"m": MESSAGES, "t": TYPES}
_ALLOWED_CONTROLS = "\t\n\r"


def make(tag: str, text: str | None = None, attributes: Mapping[str, str] | None = None) -> Element:
    """Give a new element; `tag` is `{namespace}name`."""
    element = etree.Element(tag, nsmap=NAMESPACES)
    for name, value in (attributes or {}).items():
        element.set(name, value)
    if text is not None:
        element.text = clean(text)
    return element


def add(parent: Element, tag: str, text: str | None = None, attributes: Mapping[str, str] | None = None) -> Element:
    """Give a new last child of `parent`."""
    element = etree.SubElement(parent, tag)
    for name, value in (attributes or {}).items():
        element.set(name, value)
    if text is not None:
        element.text = clean(text)
    return element


def clean(text: str) -> str:
    """Give `text` without the characters XML cannot hold."""
    if text.isprintable():
        return text
    return "".join(c for c in text if c >= " " or c in _ALLOWED_CONTROLS)


def name_of(element: Element) -> str:
    """Give the local name of an element."""
    return etree.QName(element).localname


def children(element: Element | None) -> Iterator[Element]:
    """Give the child elements, no comments and no processing instructions."""
    if element is None:
        return
    for child in element:
        if isinstance(child.tag, str):
            yield child


def text_of(element: Element | None, path: str = "") -> str:
    """Give the text of an element, or of the first found at `path`; nothing is the empty text."""
    found = element if not path or element is None else element.find(path)
    return "" if found is None else (found.text or "")


def flag(text: str | None) -> bool:
    """Give the truth of an xs:boolean."""
    return (text or "").strip() in {"true", "1"}


def bool_text(value: object) -> str:
    """Give an xs:boolean, spelled as Exchange spells it."""
    return "true" if value else "false"


def utc_text(moment: datetime) -> str:
    """Give an instant as Exchange writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
