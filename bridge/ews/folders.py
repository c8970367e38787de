"""Folders: how they are named in a request, what is asked of them, and how a calendar folder is read."""

from dataclasses import dataclass

from bridge.errors import AnswerUnusable
from bridge.ews.named_properties import from_property, property_uri
from bridge.ews.xml import (
    TYPES,
    Element,
    find_type,
    from_boolean,
    message_element,
    text_element,
    type_element,
    type_text,
)
from bridge.ids import PROPERTY_LOOK, PROPERTY_NAME
from bridge.model import Address, FolderId, Rights

CALENDAR_FOLDER = f"{{{TYPES}}}CalendarFolder"
CALENDAR_CLASS = "IPF.Appointment"
"""The class of calendar folders; kinds of them go on with a dot (``IPF.Appointment.Birthday``)."""


MOST_FOUND = 255
"""Characters of a text that FindFolder and FindItem tell at most (their documentation's remarks)."""


@dataclass(frozen=True, slots=True)
class CalendarFolder:
    """A calendar folder as EWS tells it."""

    id: FolderId
    display_name: str
    rights: Rights
    stamp: str | None
    look: str | None
    total: int | None = None

    @property
    def may_be_cut(self) -> bool:
        """Whether FindFolder may have told a part of a property only; GetFolder tells all of it."""
        return any(text is not None and len(text) >= MOST_FOUND for text in (self.stamp, self.look))


def folder_shape() -> Element:
    """Make the shape of all that is read of a folder."""
    uris = [
        type_element("FieldURI", FieldURI=f"folder:{name}") for name in ("DisplayName", "TotalCount", "EffectiveRights")
    ]
    uris += [property_uri(PROPERTY_NAME), property_uri(PROPERTY_LOOK)]
    uris.insert(0, type_element("FieldURI", FieldURI="folder:FolderClass"))
    return message_element(
        "FolderShape",
        text_element("BaseShape", "IdOnly"),
        type_element("AdditionalProperties", *uris),
    )


def distinguished(name: str, mailbox: Address | None = None) -> Element:
    """Name a folder that every mailbox has; without a mailbox that of the credential's own."""
    folder = type_element("DistinguishedFolderId", Id=name)
    if mailbox is not None:
        folder.append(type_element("Mailbox", text_element("EmailAddress", mailbox)))
    return folder


def by_id(folder: FolderId) -> Element:
    """Name a folder by its id."""
    return type_element("FolderId", Id=folder)


def from_folder(element: Element) -> CalendarFolder:
    """Read a folder. Raises AnswerUnusable when it has no id."""
    reference = find_type(element, "FolderId")
    if reference is None or not reference.get("Id"):
        raise AnswerUnusable("Exchange told of a folder without an id.")
    ours = dict(filter(None, map(from_property, element.iterchildren(f"{{{TYPES}}}ExtendedProperty"))))
    return CalendarFolder(
        id=FolderId(reference.get("Id") or ""),
        display_name=type_text(element, "DisplayName"),
        rights=_from_rights(find_type(element, "EffectiveRights")),
        stamp=ours.get(PROPERTY_NAME),
        look=ours.get(PROPERTY_LOOK),
        total=_from_count(type_text(element, "TotalCount")),
    )


def is_calendar(element: Element) -> bool:
    """Say whether a folder of a listing is a calendar; a server may not have kept to the restriction asked for."""
    folder_class = type_text(element, "FolderClass").lower()
    wanted = CALENDAR_CLASS.lower()
    return element.tag == CALENDAR_FOLDER and (not folder_class or f"{folder_class}.".startswith(f"{wanted}."))


def _from_count(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _from_rights(element: Element | None) -> Rights:
    """Read a folder's EffectiveRights as rights on its items; none where a server leaves them out.

    Modify and Delete of a folder are about the folder itself: an Editor lacks both and may change every item. Whoever
    may create items may also change at least his own (all levels but Contributor and NoneditingAuthor), so
    CreateContents stands for all of writing; Exchange still refuses what a viewer may not do to a single item.
    """
    if element is None:
        return Rights(read=False, create=False, modify=False, delete=False)
    creates = from_boolean(type_text(element, "CreateContents"))
    return Rights(
        read=from_boolean(type_text(element, "Read")),
        create=creates,
        modify=creates or from_boolean(type_text(element, "Modify")),
        delete=creates or from_boolean(type_text(element, "Delete")),
    )
