"""The body of an item, and the MAPI properties that say the same.

Sources: MS-OXCMSG 2.2.1.58 (PidTagBody, PidTagNativeBody, PidTagHtml and their like), MS-OXBBODY for what is native;
[D] of Microsoft's devmsg blog, "No to multiple bodies on a message": the plain one is made of the one that is kept; [R]
an MSDN forum and Stack Overflow 20712500 for an appointment of 2010: RTF in sync and native 2, after an update HTML, 3.
"""

import base64

from bridge.simulator.html_text import text_of_html
from bridge.simulator.model import Body, ExtendedPath, Item

_TEXT, _RTF, _HTML = "1", "2", "3"
PLAIN = ExtendedPath("", str(0x1000), "String")
HTML = ExtendedPath("", str(0x1013), "Binary")
NATIVE = ExtendedPath("", str(0x1016), "Integer")
RTF_IN_SYNC = ExtendedPath("", str(0x0E1F), "Boolean")
CODE_PAGE = ExtendedPath("", str(0x3FDE), "Integer")
PROPERTIES = frozenset({PLAIN, HTML, NATIVE, RTF_IN_SYNC, CODE_PAGE})
_UTF_8 = "65001"


def body_of(item: Item) -> Body:
    """Give the body an item holds, an empty text for none."""
    found = item.values.get("Body")
    return found if isinstance(found, Body) else Body()


def body_text(item: Item) -> str:
    """Give an item's body as text, whatever it was written as."""
    stored = body_of(item)
    return text_of_html(stored.text) if stored.type == "HTML" else stored.text


def body_property(item: Item, path: ExtendedPath) -> str | None:
    """Give the value of one of PROPERTIES, None for an item without it."""
    stored = body_of(item)
    if not stored.text:
        return None
    is_html = stored.type == "HTML" and not stored.is_rtf
    values = {
        PLAIN: body_text(item),
        HTML: base64.b64encode(stored.text.encode()).decode() if is_html else None,
        NATIVE: _HTML if is_html else _RTF if stored.is_rtf else _TEXT,
        RTF_IN_SYNC: "true" if stored.is_rtf else "false",
        CODE_PAGE: _UTF_8,
    }
    return values[path]
