"""CreateFolder: a calendar inside the default calendar, where Outlook puts its own."""

from bridge.errors import AnswerUnusable
from bridge.ews.folders import CALENDAR_FOLDER, distinguished
from bridge.ews.named_properties import to_property
from bridge.ews.response import expect
from bridge.ews.xml import Element, find_message, find_type, message_element, text_element, type_element
from bridge.ids import PROPERTY_LOOK, PROPERTY_NAME
from bridge.model import FolderId


def request(display_name: str, stamp: str, look: str | None = None) -> Element:
    """Ask for a calendar folder with a stamp and a look. Raises RequestRefused for what XML cannot hold."""
    folder = type_element(
        "CalendarFolder", text_element("DisplayName", display_name), to_property(PROPERTY_NAME, stamp)
    )
    if look is not None:
        folder.append(to_property(PROPERTY_LOOK, look))
    parent = message_element("ParentFolderId", distinguished("calendar"))
    return message_element("CreateFolder", parent, message_element("Folders", folder))


def read(response: Element) -> FolderId:
    """Read which folder was made. Raises what an error code stands for, AnswerUnusable when it does not tell."""
    (message,) = expect(response, 1)
    folders = find_message(message.content(), "Folders")
    folder = folders.find(CALENDAR_FOLDER) if folders is not None else None
    reference = find_type(folder, "FolderId") if folder is not None else None
    if reference is None or not reference.get("Id"):
        raise AnswerUnusable("Exchange made a calendar without telling its id.")
    return FolderId(reference.get("Id") or "")
