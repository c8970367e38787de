"""FindFolder: the calendar folders below others, at any depth, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.errors import AnswerUnusable
from bridge.ews.folders import CALENDAR_CLASS, CalendarFolder, folder_shape, from_folder, is_calendar
from bridge.ews.response import ResponseMessage, expect
from bridge.ews.xml import Element, find_message, find_type, from_boolean, message_element, type_element

PAGE = 100


@dataclass(frozen=True, slots=True)
class FolderPage:
    """One page of the calendars below one folder; ``length`` is how many folders it listed, of any kind."""

    folders: tuple[CalendarFolder, ...]
    is_last: bool
    length: int = 0


def request(parents: Sequence[Element], offset: int = 0) -> Element:
    """Ask for a page of the calendar folders below each of the parents."""
    view = message_element(
        "IndexedPageFolderView", MaxEntriesReturned=str(PAGE), Offset=str(offset), BasePoint="Beginning"
    )
    restriction = message_element(
        "Restriction",
        type_element(
            "Contains",
            type_element("FieldURI", FieldURI="folder:FolderClass"),
            type_element("Constant", Value=CALENDAR_CLASS),
            ContainmentMode="Prefixed",
            ContainmentComparison="IgnoreCase",
        ),
    )
    parent_ids = message_element("ParentFolderIds", *parents)
    return message_element("FindFolder", folder_shape(), view, restriction, parent_ids, Traversal="Deep")


def read(response: Element, count: int) -> tuple[FolderPage, ...]:
    """Read the page of each parent, in the order asked. Raises what an error code stands for."""
    return tuple(_page(message) for message in expect(response, count))


def _page(message: ResponseMessage) -> FolderPage:
    root = find_message(message.content(), "RootFolder")
    if root is None:
        # Some servers leave the whole element out when there is nothing
        return FolderPage((), is_last=True)
    told = root.get("IncludesLastItemInRange")
    listed = find_type(root, "Folders")
    elements = [] if listed is None else list(listed)
    is_last = from_boolean(told) if told else len(elements) < PAGE
    if not elements and not is_last:
        raise AnswerUnusable("Exchange promised further folders and listed none.")
    folders = tuple(from_folder(element) for element in elements if is_calendar(element))
    return FolderPage(folders, is_last, len(elements))
