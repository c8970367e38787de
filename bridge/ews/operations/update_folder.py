"""UpdateFolder: another display name for a calendar."""

from bridge.ews.folders import by_id
from bridge.ews.response import expect
from bridge.ews.xml import Element, message_element, text_element, type_element
from bridge.model import FolderId


def request(folder: FolderId, display_name: str) -> Element:
    """Ask for a folder to be called so. Raises RequestRefused for what XML cannot hold."""
    named = type_element("CalendarFolder", text_element("DisplayName", display_name))
    update = type_element("SetFolderField", type_element("FieldURI", FieldURI="folder:DisplayName"), named)
    change = type_element("FolderChange", by_id(folder), type_element("Updates", update))
    return message_element("UpdateFolder", message_element("FolderChanges", change))


def read(response: Element) -> None:
    """Raise what the code stands for unless it is done."""
    (message,) = expect(response, 1)
    message.content()
