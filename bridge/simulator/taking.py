"""How each property a client writes is understood: a function gets the call and the element, and gives the value."""

import re

from bridge.simulator.call import Call
from bridge.simulator.html_body import through_rtf
from bridge.simulator.model import X500, Attendee, Body
from bridge.simulator.rules import rank
from bridge.simulator.trouble import EwsError, invalid
from bridge.simulator.xml import Element, T, children, flag, name_of, text_of
from bridge.simulator.zone_xml import read_zone
from bridge.simulator.zones import Zone, fixed, named, renamed

SENSITIVITY = {"Normal": "", "Personal": "", "Private": "", "Confidential": ""}
IMPORTANCE = {"Low": "", "Normal": "", "High": ""}
# WorkingElsewhere from 2013 on: MS-OXWSMTGS' test suite, R4001
FREE_BUSY = {"Free": "", "Tentative": "", "Busy": "", "OOF": "", "NoData": "", "WorkingElsewhere": "Exchange2013"}


def take_text(_call: Call, element: Element) -> str:
    """Give a text."""
    return element.text or ""


def take_bool(_call: Call, element: Element) -> bool:
    """Give a truth value."""
    if (element.text or "").strip() not in {"true", "false", "1", "0"}:
        raise invalid(f"The '{element.tag}' element is invalid - '{element.text}' is not a valid Boolean value.")
    return flag(element.text)


def take_online(call: Call, element: Element) -> bool:
    """Give whether it is online; since 2016 that is told and not written. Source: MS-OXWSMTGS' test suite, R2301."""
    if call.personality.level >= rank("Exchange2016"):
        raise EwsError("ErrorInvalidPropertySet", "The property calendar:IsOnlineMeeting cannot be set.")
    return take_bool(call, element)


def take_int(least: int, most: int, _call: Call, element: Element) -> int:
    """Give a whole number within limits."""
    try:
        number = int(element.text or "")
    except ValueError:
        number = least - 1
    if least <= number <= most:
        return number
    raise invalid(f"The '{element.tag}' element is invalid - The value '{element.text}' is not allowed.")


def take_choice(choices: dict[str, str], call: Call, element: Element) -> str:
    """Give one of some words, of those the server has."""
    word = (element.text or "").strip()
    if word not in choices or rank(choices[word]) > call.personality.level:
        raise invalid(f"The '{element.tag}' element is invalid - The value '{word}' is not allowed.")
    return word


def take_item_class(_call: Call, element: Element) -> str:
    """Give an item class of appointments. Source: [D] ItemClass."""
    found = (element.text or "").strip()
    if found.casefold() == "ipm.appointment" or found.casefold().startswith("ipm.appointment."):
        return found
    raise EwsError("ErrorObjectTypeChanged", f"A calendar item cannot be of class {found}.")


def take_time(call: Call, element: Element) -> object:
    """Give an instant."""
    return call.read_time(element.text or "")


def take_body(call: Call, element: Element) -> Body:
    """Give a body; where HTML is kept as RTF, what that leaves of it (rule `html_through_rtf`)."""
    kind, text = element.get("BodyType"), element.text or ""
    if kind == "Text":
        lines = "\r\n".join(re.split(r"\r\n|\r|\n", text))
        return Body(kind, lines if call.rules.text_lines_by_crlf else text)
    if kind != "HTML":
        raise invalid("The required attribute 'BodyType' is missing or invalid.")
    if text and call.rules.html_through_rtf:
        return Body(kind, through_rtf(text), is_rtf=name_of(call.request) == "CreateItem")
    return Body(kind, text)


def take_strings(_call: Call, element: Element) -> tuple[str, ...]:
    """Give a list of texts, each once. Assumed: repeated categories are one."""
    return tuple(dict.fromkeys(text_of(child) for child in children(element)))


def take_zone(call: Call, element: Element) -> Zone:
    """Give a zone by its definition or its id. Source: [D] responsecode, ErrorTimeZone."""
    young = call.personality.young_zones
    zone = zone_or_error(call, read_zone(element, young=young), element.get("Id", ""))
    is_custom = named(zone.id, young=young) is None
    return renamed(zone) if is_custom and call.rules.zone_parts_renamed else zone


def zone_or_error(call: Call, zone: Zone | None, name: str) -> Zone:
    """Give a zone that was found by a name, or what the server makes of an unknown name."""
    if zone is not None:
        return zone
    if call.rules.unknown_zone_accepted:
        return fixed(name)
    raise EwsError("ErrorTimeZone", f"The time zone {name} is not known to this server.")


def take_attendees(call: Call, element: Element) -> tuple[Attendee, ...]:
    """Give people invited; a name is filled from the directory. Answers told by a client are ignored."""
    found: dict[str, Attendee] = {}
    for attendee in children(element):
        if name_of(attendee) != "Attendee":
            raise invalid(f"The element '{attendee.tag}' is not expected.")
        mailbox = attendee.find(T + "Mailbox")
        address = text_of(mailbox, T + "EmailAddress").strip()
        if not address:
            raise EwsError("ErrorInvalidRecipients", "An attendee needs an e-mail address.")
        known = call.store.person(address)
        if known and address.casefold().startswith(X500):
            address = known.address  # rule x500_resolved
        name = text_of(mailbox, T + "Name") or (known.name if known else address)
        found.setdefault(address.casefold(), Attendee(name, address))
    return tuple(found.values())
