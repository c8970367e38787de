"""GetFolder: folders by name or id, with the caller's rights on them."""

from collections.abc import Sequence

from bridge.errors import AnswerUnusable, FolderMissing
from bridge.ews.folders import CalendarFolder, folder_shape, from_folder
from bridge.ews.response import ResponseMessage, expect
from bridge.ews.xml import Element, find_message, message_element


def request(folders: Sequence[Element]) -> Element:
    """Ask for folders, each named by `folders.distinguished` or `folders.by_id`."""
    return message_element("GetFolder", folder_shape(), message_element("FolderIds", *folders))


def read(response: Element, count: int) -> tuple[CalendarFolder, ...]:
    """Read the folders in the order asked. Raises what the code of any that could not be got stands for."""
    return tuple(_folder(message) for message in expect(response, count))


def read_existing(response: Element, count: int) -> tuple[CalendarFolder | None, ...]:
    """Read the folders in the order asked, None for those that are not there. Raises what other codes stand for."""
    return tuple(_existing(message) for message in expect(response, count))


def _existing(message: ResponseMessage) -> CalendarFolder | None:
    try:
        return _folder(message)
    except FolderMissing:
        return None


def _folder(message: ResponseMessage) -> CalendarFolder:
    folders = find_message(message.content(), "Folders")
    if folders is None or len(folders) != 1:
        raise AnswerUnusable("Exchange answered without the folder asked for.")
    return from_folder(folders[0])
