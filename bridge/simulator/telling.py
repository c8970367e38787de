"""How each property of an item is told in an answer.

A function gets what the answer is like (`Told`) and the item, and gives the element, or its text, or None for none.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from bridge.simulator import html_body
from bridge.simulator.bodies import body_of, body_text
from bridge.simulator.call import Call
from bridge.simulator.model import X500, Attendee, Item, Person
from bridge.simulator.rights import item_rights, rights_element
from bridge.simulator.xml import Element, T, add, bool_text, make
from bridge.simulator.zone_xml import duration_text, zone_element
from bridge.simulator.zones import Zone, utc


@dataclass(frozen=True)
class Told:
    """An answer's manner: `rich` for GetItem, `body_type` Best, HTML or Text, `filtered` as FilterHtmlContent."""

    call: Call
    rich: bool
    body_type: str = "Best"
    filtered: bool = False


def item_id(_told: Told, item: Item) -> Element:
    """Give t:ItemId."""
    return make(T + "ItemId", None, {"Id": item.id, "ChangeKey": item.key})


def parent(told: Told, item: Item) -> Element:
    """Give t:ParentFolderId. Source: [V] its ChangeKey is always the same."""
    folder = told.call.store.folder_of(item)
    return make(T + "ParentFolderId", None, {"Id": folder.id, "ChangeKey": "AQAAAA=="})


def text(name: str, default: str | None, _told: Told, item: Item) -> str | None:
    """Give a property that is a text, a word or a number."""
    value = item.values.get(name, default)
    return None if value is None else str(value)


def truth(name: str, _told: Told, item: Item, *, default: bool | None) -> str | None:
    """Give a property that is a truth value."""
    value = item.values.get(name, default)
    return None if value is None else bool_text(value)


def no(_told: Told, _item: Item) -> str:
    """Give false: nothing of ours is ever so."""
    return "false"


def body(told: Told, item: Item) -> Element:
    """Give t:Body in the type asked for. Source: [V] an item without one has an empty text."""
    stored = body_of(item)
    wanted = told.body_type if told.body_type in {"HTML", "Text"} else stored.type
    content = body_text(item) if wanted == "Text" else body_html(told, item)
    return make(T + "Body", content or None, {"BodyType": wanted})


def text_body(_told: Told, item: Item) -> Element:
    """Give t:TextBody."""
    return make(T + "TextBody", body_text(item) or None, {"BodyType": "Text"})


def body_html(told: Told, item: Item) -> str:
    """Give an item's body as HTML, whatever it was written as; nothing for none."""
    stored = body_of(item)
    if not stored.text:
        return ""
    if stored.type == "Text":
        return html_body.from_text(stored.text)
    if stored.is_rtf:
        return stored.text
    return html_body.normalised(stored.text, cleaned=told.filtered or told.call.rules.html_cleaned)


def size(_told: Told, item: Item) -> str:
    """Give a size in bytes that grows with what the item holds; the constant is like recorded items'."""
    files = item.values.get("Attachments")
    properties = sum(len(value) for values in item.extended.values() for value in values)
    attached = sum(len(file.content) for file in files) if isinstance(files, tuple) else 0
    return str(3900 + len(body_of(item).text) + 2 * properties + attached)


def categories(_told: Told, item: Item) -> Element | None:
    """Give t:Categories, None when there are none."""
    found = item.values.get("Categories")
    if not isinstance(found, tuple) or not found:
        return None
    element = make(T + "Categories")
    for name in found:
        add(element, T + "String", name)
    return element


def response_objects(told: Told, item: Item) -> Element:
    """Give what can be answered to the item. Source: [V] 14.3 and 15.20; attendees' as in [D] ResponseObjects."""
    element = make(T + "ResponseObjects")
    names = ["CancelCalendarItem"] if item.attendees else []
    if not owned(told, item):
        names = ["AcceptItem", "TentativelyAcceptItem", "DeclineItem", "ReplyToItem", "ReplyAllToItem"]
    for name in [*names, "ForwardItem"]:
        add(element, T + name)
    return element


def _reminder_set(told: Told, item: Item) -> bool:
    return bool(item.values.get("ReminderIsSet", told.call.rules.default_reminder_set))


def reminder_is_set(told: Told, item: Item) -> str:
    """Give whether a reminder is set."""
    return bool_text(_reminder_set(told, item))


def _minutes(told: Told, item: Item) -> int:
    found = item.values.get("ReminderMinutesBeforeStart")
    return found if isinstance(found, int) else told.call.rules.default_reminder_minutes


def reminder_minutes(told: Told, item: Item) -> str:
    """Give the minutes between reminder and start."""
    return str(_minutes(told, item))


def reminder_time(told: Told, item: Item) -> str | None:
    """Give when the reminder shows, None without one."""
    if not _reminder_set(told, item):
        return None
    return told.call.time_text(item.start - timedelta(minutes=_minutes(told, item)))


def display(name: str, _told: Told, item: Item) -> str:
    """Give the names of a list of attendees."""
    return "; ".join(person.name for person in item.people(name))


def rights(told: Told, item: Item) -> Element:
    """Give t:EffectiveRights."""
    folder = told.call.store.folder_of(item)
    return rights_element(item_rights(told.call.viewer, folder), told.call.level, told.call.personality)


def web_link(_told: Told, item: Item) -> str:
    """Give the link into the web client, of a host that does not exist."""
    return f"https://exchange.invalid/owa/?itemid={quote(item.id, safe='')}&exvsurl=1&path=/calendar/item"


def conversation(_told: Told, item: Item) -> Element:
    """Give t:ConversationId, made of the UID."""
    raw = (
        b"\x00\x04\x24\x00" + item.mailbox.encode() + b"\x00\x10\x00" + hashlib.sha256(item.uid.encode()).digest()[:16]
    )
    return make(T + "ConversationId", None, {"Id": base64.b64encode(raw).decode()})


def _owner(told: Told, item: Item) -> Person:
    return told.call.store.mailboxes[item.mailbox].owner


def owned(told: Told, item: Item) -> bool:
    """Tell whether the mailbox is the item's organizer."""
    found = item.values.get("Organizer")
    return not isinstance(found, Attendee) or found.address.casefold() in _owner(told, item).addresses


def is_meeting(told: Told, item: Item) -> str:
    """Give whether anybody is invited, or the mailbox was."""
    return bool_text(item.attendees or not owned(told, item))


def is_organizer(told: Told, item: Item) -> str:
    """Give whether the mailbox is the organizer."""
    return bool_text(owned(told, item))


def my_response(told: Told, item: Item) -> str:
    """Give the mailbox's own answer."""
    return "Organizer" if owned(told, item) else str(item.values.get("MyResponseType", "NoResponseReceived"))


def state(told: Told, item: Item) -> str:
    """Give the bits 1 meeting and 2 received. Source: MS-OXOCAL PidLidAppointmentStateFlags."""
    received = not owned(told, item)
    return str((1 if item.attendees or received else 0) + (2 if received else 0))


def organizer(told: Told, item: Item) -> Element:
    """Give t:Organizer: by SMTP from GetItem, by X.500 name else. Source: [V]."""
    found = item.values.get("Organizer")
    owner = _owner(told, item)
    who = found if isinstance(found, Attendee) else Attendee(owner.name, owner.address)
    element = make(T + "Organizer")
    person = told.call.store.person(who.address)
    if person and not told.rich and told.call.rules.find_organizer_is_ex:
        _mailbox(element, who.name, person.legacy_name, "EX", "OneOff")
    else:
        _mailbox(element, who.name, who.address, _routing(who), "Mailbox" if person else "OneOff")
    return element


def _routing(who: Attendee) -> str:
    """Give the kind of an address: one of the directory that leads to nobody is told as it is. Assumed."""
    return "EX" if who.address.casefold().startswith(X500) else "SMTP"


def attendees(name: str, told: Told, item: Item) -> Element | None:
    """Give one list of attendees, None when nobody is in it."""
    people = item.people(name)
    if told.call.rules.resources_read_as_required:
        people = {"RequiredAttendees": people + item.people("Resources"), "Resources": ()}.get(name, people)
    if not people:
        return None
    element = make(T + name)
    for who in people:
        attendee = add(element, T + "Attendee")
        known = told.call.store.person(who.address)
        _mailbox(attendee, who.name, who.address, _routing(who), "Mailbox" if known else "OneOff")
        add(attendee, T + "ResponseType", who.response)
        if who.answered:
            add(attendee, T + "LastResponseTime", told.call.time_text(who.answered))
    return element


def _mailbox(holder: Element, name: str, address: str, routing: str, kind: str) -> None:
    mailbox = add(holder, T + "Mailbox")
    add(mailbox, T + "Name", name)
    if address:
        add(mailbox, T + "EmailAddress", address)
    add(mailbox, T + "RoutingType", routing)
    add(mailbox, T + "MailboxType", kind)


def duration(_told: Told, item: Item) -> str:
    """Give the length."""
    return duration_text(item.end - item.start)


def zone_of(item: Item, name: str) -> Zone:
    """Give StartTimeZone or EndTimeZone; UTC when none was ever told."""
    found = item.values.get(name)
    return found if isinstance(found, Zone) else utc()


def zone_text(_told: Told, item: Item) -> str:
    """Give the zone's display name; `UTC` for an item without. Source: [V] 15.20 and 15.2."""
    found = item.values.get("StartTimeZone")
    return (found.name or found.id) if isinstance(found, Zone) else "UTC"


def zone(name: str, _told: Told, item: Item) -> Element:
    """Give the definition of StartTimeZone or EndTimeZone. Source: [V] 14.3 sends them whole."""
    return zone_element(T + name, zone_of(item, name))


def zone_id(name: str, _told: Told, item: Item) -> str:
    """Give the id of a zone."""
    return zone_of(item, name).id


def wall_clock(name: str, _told: Told, item: Item) -> str:
    """Give start or end in the item's own zone."""
    moment = item.start if name == "Start" else item.end
    return zone_of(item, name + "TimeZone").to_local(moment).strftime("%Y-%m-%dT%H:%M:%S")


def enhanced_location(_told: Told, item: Item) -> Element | None:
    """Give t:EnhancedLocation with the display name only, None without a location. Assumed for plain locations."""
    found = item.values.get("Location")
    if not found:
        return None
    element = make(T + "EnhancedLocation")
    add(element, T + "DisplayName", str(found))
    add(add(element, T + "PostalAddress"), T + "LocationSource", "None")
    return element
