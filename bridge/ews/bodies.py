"""The body of an item, formatted and plain.

item:Body is asked for as what it is kept as (BodyType Best). Where that is HTML, the plain text comes beside it: as
item:TextBody from Exchange 2013 on, before that as PidTagBody (MS-OXOMSG 2.2.3.1), and of what gives neither it is
made here.
"""

from typing import Any

from bridge.ews.plain_text import plain_text
from bridge.ews.xml import Element, find_type, type_element

_PLAIN_BODY = 0x1000


def plain_body_uri() -> Element:
    """Make the path to PidTagBody."""
    return type_element("ExtendedFieldURI", PropertyTag=f"{_PLAIN_BODY:#x}", PropertyType="String")


def is_plain_body(element: Element) -> bool:
    """Whether an ExtendedProperty is PidTagBody."""
    uri = find_type(element, "ExtendedFieldURI")
    tag = uri.get("PropertyTag") if uri is not None else None
    try:
        return tag is not None and int(tag, 0) == _PLAIN_BODY
    except ValueError:
        return False


def read_body(found: dict[str, Any], element: Element) -> None:
    """Read the body under its type."""
    found.setdefault("html" if element.get("BodyType") == "HTML" else "body", element.text or "")


def read_text_body(found: dict[str, Any], element: Element) -> None:
    """Read the plain text beside a formatted one."""
    found.setdefault("plain_body", element.text or "")


def told_body(found: dict[str, Any]) -> tuple[str, str | None]:
    """Give the plain text, and the formatted one where there is one that shows anything; line ends of both are LF."""
    html = found.get("html")
    if not html:
        return _with_lf(found.get("body", "")), None
    body = found.get("plain_body") or plain_text(html)
    if not body.strip() and not _shows_image(html):
        return "", None
    return _with_lf(body), _with_lf(html)


def _shows_image(html: str) -> bool:
    return "<img" in html.lower()


def _with_lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
