"""GetServerTimeZones: whether the server knows the operation at all, and the rules it has for a zone.

Exchange has it since 2010. Servers that only speak EWS often do not, and those do not keep to change keys either.
"""

from bridge.ews.response import expect
from bridge.ews.times import DefinitionNotUnderstood, from_definition
from bridge.ews.xml import TYPES, Element, find_message, message_element, text_element, to_boolean
from bridge.item import UTC_ZONE
from bridge.zone_definition import ZoneDefinition


def request(id_: str = UTC_ZONE.id, *, full: bool = False) -> Element:
    """Ask for one zone; its rules come where it is asked for in full."""
    ids = message_element("Ids", text_element("Id", id_))
    return message_element("GetServerTimeZones", ids, ReturnFullTimeZoneData=to_boolean(value=full))


def read(response: Element) -> None:
    """Raise what the code stands for unless the operation is known."""
    (message,) = expect(response, 1)
    message.content()


def read_definition(response: Element, id_: str) -> ZoneDefinition | None:
    """Give the rules of the zone that was asked for; None where the server does not know it, or they make no sense."""
    (message,) = expect(response, 1)
    told = find_message(message.content(), "TimeZoneDefinitions")
    for element in () if told is None else told.iterchildren(f"{{{TYPES}}}TimeZoneDefinition"):
        if (element.get("Id") or "").casefold() == id_.casefold():
            try:
                return from_definition(element)
            except DefinitionNotUnderstood:
                return None
    return None
