"""GetServerTimeZones: asked for a single zone, to learn whether the server knows the operation at all.

Exchange has it since 2010. Servers that only speak EWS often do not, and those do not keep to change keys either.
"""

from bridge.ews.response import expect
from bridge.ews.xml import Element, message_element, text_element


def request() -> Element:
    """Ask for the zone UTC, without its rules."""
    ids = message_element("Ids", text_element("Id", "UTC"))
    return message_element("GetServerTimeZones", ids, ReturnFullTimeZoneData="false")


def read(response: Element) -> None:
    """Raise what the code stands for unless the operation is known."""
    (message,) = expect(response, 1)
    message.content()
