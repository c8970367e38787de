"""XML as DAV uses it: names in Clark form, a parser that trusts nobody, and text that is always well-formed.

Answers are written as strings, never as element trees: a listing has ten thousand responses.
"""

import re
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
CALENDARSERVER = "{http://calendarserver.org/ns/}"
APPLE = "{http://apple.com/ns/ical/}"

_PREFIXES = {"DAV:": "D", "urn:ietf:params:xml:ns:caldav": "C", "http://calendarserver.org/ns/": "CS"}
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
NAMESPACES = "".join(f' xmlns:{prefix}="{uri}"' for uri, prefix in _PREFIXES.items())
"""The declarations that every root element of an answer carries."""

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_XML_ASCII = bytes({*range(0x20)} - {*b"\t\n\r"})


class Malformed(ValueError):
    """The body is not the XML that was asked for; the message says why, without repeating the body."""


def parse(body: bytes) -> etree._Element:
    """Give the root element of a request body.

    Raises Malformed for anything not well-formed, and for a document type: entities are an attack, never a request.
    """
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Malformed("The request body is not well-formed XML.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Malformed("The request body has a document type declaration, which is not accepted.")
    return root


def children(element: etree._Element) -> list[etree._Element]:
    """Give the child elements."""
    return [child for child in element if isinstance(child.tag, str)]


def text(value: str) -> str:
    """Escape character data. Carriage returns survive; what XML cannot hold becomes U+FFFD."""
    escaped = escape(value, {"\r": "&#13;"})
    if escaped.isascii():  # most calendars are, and this search takes a fifth of the other's time
        octets = escaped.encode()
        if len(octets.translate(None, _NOT_XML_ASCII)) == len(octets):
            return escaped
    return _NOT_XML.sub("\ufffd", escaped)


def tags(name: str) -> tuple[str, str, str]:
    """Give the opening, closing and empty tag of a Clark name; foreign namespaces are declared on the element."""
    uri, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
    if uri in _PREFIXES:
        qualified, declared = f"{_PREFIXES[uri]}:{local}", ""
    elif uri:
        qualified, declared = f"x:{local}", f" xmlns:x={quoteattr(uri)}"
    else:
        qualified, declared = local, ""
    return f"<{qualified}{declared}>", f"</{qualified}>", f"<{qualified}{declared}/>"
