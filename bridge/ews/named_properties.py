"""Our named properties at Exchange (ids.PROPERTY_SET), on items and folders, and the meeting's global object ids."""

from bridge.ews.xml import Element, find_type, text_element, type_element, type_text
from bridge.ids import PROPERTY_KEPT, PROPERTY_LOOK, PROPERTY_NAME, PROPERTY_SET

CLEAN_GLOBAL_OBJECT_ID = 0x23
"""PidLidCleanGlobalObjectId (MS-OXOCAL 2.2.1.28): what the UID becomes, the same for a series and its instances."""
GLOBAL_OBJECT_ID = 0x03
"""PidLidGlobalObjectId (MS-OXOCAL 2.2.1.27)."""
_OURS = frozenset({PROPERTY_NAME, PROPERTY_KEPT, PROPERTY_LOOK})


def property_uri(name: str) -> Element:
    """Make the path to one of our properties, a string."""
    return type_element("ExtendedFieldURI", PropertySetId=PROPERTY_SET, PropertyName=name, PropertyType="String")


def meeting_uri(number: int) -> Element:
    """Make the path to a binary property of the Meeting set."""
    return type_element(
        "ExtendedFieldURI", DistinguishedPropertySetId="Meeting", PropertyId=str(number), PropertyType="Binary"
    )


def to_property(name: str, value: str) -> Element:
    """Make one of our properties with its value."""
    return type_element("ExtendedProperty", property_uri(name), text_element("Value", value))


def from_property(element: Element) -> tuple[str, str] | None:
    """Read an ExtendedProperty: name and value, or None for one that is not ours."""
    uri = find_type(element, "ExtendedFieldURI")
    if uri is None or (uri.get("PropertySetId") or "").strip("{}").lower() != PROPERTY_SET:
        return None
    name = uri.get("PropertyName") or ""
    return (name, type_text(element, "Value")) if name in _OURS else None
