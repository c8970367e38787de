"""Extended properties: their paths, their values, and those Exchange computes.

Sources: [D] ExtendedFieldURI, DistinguishedPropertySetId; MS-OXPROPS for the sets' GUIDs; MS-OXOCAL for the global
object ids.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import date, datetime

from bridge.simulator.bodies import PROPERTIES, body_property
from bridge.simulator.call import Call
from bridge.simulator.identifiers import global_object_id
from bridge.simulator.model import ExtendedPath, Item
from bridge.simulator.trouble import EwsError, NotSimulated
from bridge.simulator.xml import Element, T, add, bool_text, children, flag, make, text_of, utc_text

SETS = {
    "Meeting": "6ed8da90-450b-101b-98da-00aa003f1305",
    "Appointment": "00062002-0000-0000-c000-000000000046",
    "Common": "00062008-0000-0000-c000-000000000046",
    "PublicStrings": "00020329-0000-0000-c000-000000000046",
    "Address": "00062004-0000-0000-c000-000000000046",
    "InternetHeaders": "00020386-0000-0000-c000-000000000046",
    "CalendarAssistant": "11000e07-b51b-40d6-af21-caa85edab1d0",
    "UnifiedMessaging": "4442858e-a9e3-4e80-b900-317a210cc15b",
    "Task": "00062003-0000-0000-c000-000000000046",
    "Sharing": "00062040-0000-0000-c000-000000000046",
}
GLOBAL_ID = ExtendedPath(SETS["Meeting"], "3", "Binary")
CLEAN_GLOBAL_ID = ExtendedPath(SETS["Meeting"], "35", "Binary")
# Among the values of an item: which occurrence of a series it is that its mailbox has nothing else of
INSTANCE = "instance"
_COMPUTED = {GLOBAL_ID, CLEAN_GLOBAL_ID}
_UNUSABLE = {"Error", "Null", "Object", "ObjectArray"}


def read_path(uri: Element) -> ExtendedPath:
    """Give the path an ExtendedFieldURI names; ErrorInvalidExtendedProperty when it names none or two."""
    distinguished, guid = uri.get("DistinguishedPropertySetId"), uri.get("PropertySetId")
    name, number, tag = uri.get("PropertyName"), uri.get("PropertyId"), uri.get("PropertyTag")
    kind = uri.get("PropertyType", "")
    if kind in _UNUSABLE:
        raise EwsError("ErrorUnsupportedMapiPropertyType", f"No property of type {kind} can be read or written.")
    if tag is not None and not any((distinguished, guid, name, number)):
        return ExtendedPath("", _number(tag), kind)
    if tag is not None or (distinguished is None) == (guid is None) or (name is None) == (number is None):
        raise EwsError("ErrorInvalidExtendedProperty", "The combination of attributes names no property.")
    key = f"name:{name}" if name is not None else _number(number or "")
    return ExtendedPath((SETS.get(distinguished or "", "") or guid or "").strip("{}").lower(), key, kind)


def _number(text: str) -> str:
    try:
        return str(int(text, 0))
    except ValueError as cause:
        raise EwsError("ErrorInvalidExtendedProperty", f"Not a number: {text}") from cause


def read_property(call: Call, element: Element) -> tuple[ExtendedPath, tuple[str, ...]]:
    """Give path and values of an ExtendedProperty a client sent."""
    uri = element.find(T + "ExtendedFieldURI")
    if uri is None:
        raise EwsError("ErrorInvalidExtendedProperty", "An ExtendedProperty needs an ExtendedFieldURI.")
    path = read_path(uri)
    if path in _COMPUTED:
        raise NotSimulated("writing a global object id")
    if path in PROPERTIES:
        raise NotSimulated("writing a body by a property of MAPI")
    values = element.find(T + "Values")
    if path.type.endswith("Array") != (values is not None):
        raise EwsError("ErrorInvalidExtendedPropertyValue", f"The value does not fit the type {path.type}.")
    holders = list(children(values)) if values is not None else [element.find(T + "Value")]
    return path, tuple(_canonical(call, path.type.removesuffix("Array"), text_of(holder)) for holder in holders)


def _canonical(call: Call, kind: str, text: str) -> str:
    convert = _KINDS.get(kind)
    try:
        return convert(call, text) if convert else text
    except (ValueError, binascii.Error) as cause:
        raise EwsError("ErrorInvalidExtendedPropertyValue", f"Not a value of type {kind}.") from cause


def _binary(_call: Call, text: str) -> str:
    return base64.b64encode(base64.b64decode(text, validate=True)).decode()


_KINDS: dict[str, Callable[[Call, str], str]] = {
    "Integer": lambda _, text: str(int(text)),
    "Long": lambda _, text: str(int(text)),
    "Short": lambda _, text: str(int(text)),
    "Double": lambda _, text: repr(float(text)),
    "Float": lambda _, text: repr(float(text)),
    "Boolean": lambda _, text: bool_text(flag(text)),
    "Binary": _binary,
    "SystemTime": lambda call, text: utc_text(call.read_time(text)),
}


def instance_of(item: Item) -> date | None:
    """Give the original date of an occurrence, or of one that an attendee has without its series."""
    if item.occurrence:
        return item.occurrence.day
    found = item.values.get(INSTANCE)
    return found if isinstance(found, date) else None


def value_of(item: Item, path: ExtendedPath) -> tuple[str, ...] | None:
    """Give the values of an item's extended property, computed ones too; None when it has none."""
    if path in PROPERTIES:
        told = body_property(item, path)
        return None if told is None else (told,)
    if path in _COMPUTED:
        day = instance_of(item) if path == GLOBAL_ID else None
        return (base64.b64encode(global_object_id(item.uid, day)).decode(),)
    return item.extended.get(path)


def property_element(call: Call, uri: Element, values: tuple[str, ...]) -> Element:
    """Give t:ExtendedProperty, naming the property as the client named it."""
    element = make(T + "ExtendedProperty")
    add(element, T + "ExtendedFieldURI", None, {str(name): str(value) for name, value in uri.attrib.items()})
    kind = uri.get("PropertyType", "")
    if kind.startswith("SystemTime"):
        values = tuple(call.time_text(datetime.fromisoformat(value)) for value in values)
    if not kind.endswith("Array"):
        add(element, T + "Value", values[0])
        return element
    holder = add(element, T + "Values")
    for value in values:
        add(holder, T + "Value", value)
    return element
