"""UpdateFolder: another display name or look for a calendar."""

from bridge.ews.folders import by_id
from bridge.ews.named_properties import property_uri, to_property
from bridge.ews.response import expect
from bridge.ews.xml import Element, message_element, text_element, type_element
from bridge.ids import PROPERTY_LOOK
from bridge.model import FolderId


def request(folder: FolderId, display_name: str) -> Element:
    """Ask for a folder to be called so. Raises RequestRefused for what XML cannot hold."""
    named = type_element("CalendarFolder", text_element("DisplayName", display_name))
    return _change(
        folder, type_element("SetFolderField", type_element("FieldURI", FieldURI="folder:DisplayName"), named)
    )


def look_request(folder: FolderId, look: str | None) -> Element:
    """Ask for a folder to have a look, or none. Raises RequestRefused for what XML cannot hold."""
    if look is None:
        return _change(folder, type_element("DeleteFolderField", property_uri(PROPERTY_LOOK)))
    looking = type_element("CalendarFolder", to_property(PROPERTY_LOOK, look))
    return _change(folder, type_element("SetFolderField", property_uri(PROPERTY_LOOK), looking))


def _change(folder: FolderId, update: Element) -> Element:
    change = type_element("FolderChange", by_id(folder), type_element("Updates", update))
    return message_element("UpdateFolder", message_element("FolderChanges", change))


def read(response: Element) -> None:
    """Raise what the code stands for unless it is done."""
    (message,) = expect(response, 1)
    message.content()
