"""EWS as XML: its namespaces, making elements, reading values.

Written as Exchange writes; read liberally, since other servers speak EWS too: offsets with and without a colon,
fractions of any length, booleans as digits, elements left out or given twice (the first counts).
"""

from datetime import UTC, datetime

from lxml import etree

from bridge.errors import RequestRefused

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"

Element = etree._Element  # noqa: SLF001 - lxml has no public name for its element class

_PREFIXES = {"m": MESSAGES, "t": TYPES}
_TRUE = frozenset({"true", "1"})


def message_element(name: str, *children: Element, **attributes: str) -> Element:
    """Make an element of the messages namespace."""
    return _make(MESSAGES, name, children, attributes)


def type_element(name: str, *children: Element, **attributes: str) -> Element:
    """Make an element of the types namespace."""
    return _make(TYPES, name, children, attributes)


def text_element(name: str, text: str, **attributes: str) -> Element:
    """Make an element of the types namespace that holds text. Raises RequestRefused for what XML 1.0 cannot hold."""
    element = _make(TYPES, name, (), attributes)
    try:
        element.text = text
    except ValueError as error:
        raise RequestRefused(
            f"{name} holds a control character, which Exchange cannot be sent.", "ErrorSchemaValidation"
        ) from error
    return element


def _make(namespace: str, name: str, children: tuple[Element, ...], attributes: dict[str, str]) -> Element:
    element = etree.Element(f"{{{namespace}}}{name}", attributes, nsmap=_PREFIXES)
    element.extend(children)
    return element


def find_type(element: Element, name: str) -> Element | None:
    """Give the first child of that name in the types namespace."""
    return element.find(f"{{{TYPES}}}{name}")


def find_message(element: Element, name: str) -> Element | None:
    """Give the first child of that name in the messages namespace."""
    return element.find(f"{{{MESSAGES}}}{name}")


def type_text(element: Element, name: str) -> str:
    """Give the text of a child of the types namespace; empty when it is not there."""
    return element.findtext(f"{{{TYPES}}}{name}") or ""


def message_text(element: Element, name: str) -> str:
    """Give the text of a child of the messages namespace; empty when it is not there."""
    return element.findtext(f"{{{MESSAGES}}}{name}") or ""


def from_boolean(text: str | None) -> bool:
    """Read an xs:boolean; what is not there is false."""
    return (text or "").strip().lower() in _TRUE


def to_boolean(*, value: bool) -> str:
    """Write an xs:boolean."""
    return "true" if value else "false"


def from_instant(text: str | None) -> datetime:
    """Read an xs:dateTime as a UTC instant of whole seconds; one without an offset is UTC. Raises ValueError."""
    if not text:
        raise ValueError("no instant")
    instant = datetime.fromisoformat(text.strip())
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC).replace(microsecond=0)
    except OverflowError as error:
        raise ValueError("an instant before year 1 or after 9999") from error


def to_instant(instant: datetime) -> str:
    """Write a UTC instant as Exchange does: ``2025-07-02T10:00:00Z``."""
    return instant.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
