"""DeleteFolder: a calendar goes to Deleted Items with all that is in it, from where its owner can take it back."""

from bridge.ews.folders import by_id
from bridge.ews.response import expect
from bridge.ews.xml import Element, message_element
from bridge.model import FolderId


def request(folder: FolderId) -> Element:
    """Ask for a folder to be deleted."""
    return message_element("DeleteFolder", message_element("FolderIds", by_id(folder)), DeleteType="MoveToDeletedItems")


def read(response: Element) -> None:
    """Raise what the code stands for unless the folder was deleted."""
    (message,) = expect(response, 1)
    message.content()
