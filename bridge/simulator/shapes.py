"""Which properties an answer holds: shapes and additional properties, for items and for folders."""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.simulator.call import Call
from bridge.simulator.extended import property_element, read_path, value_of
from bridge.simulator.fields import BY_PATH, FIELDS, ORDER, SHOWN_OF_PRIVATE, Field
from bridge.simulator.model import ExtendedPath, Folder, Item
from bridge.simulator.rights import folder_rights, hidden, rights_element
from bridge.simulator.rules import rank
from bridge.simulator.telling import Told
from bridge.simulator.trouble import EwsError, NotSimulated, invalid
from bridge.simulator.xml import Element, T, add, children, flag, make, name_of, text_of

_FOLDER_ORDER = (
    "FolderId",
    "ParentFolderId",
    "FolderClass",
    "DisplayName",
    "TotalCount",
    "ChildFolderCount",
    "ExtendedProperty",
    "ManagedFolderInformation",
    "EffectiveRights",
    "DistinguishedFolderId",
    "PolicyTag",
    "ArchiveTag",
    "ReplicaList",
    "SharingEffectiveRights",
    "PermissionSet",
    "UnreadCount",
)
# [V] GetFolder and FindFolder recordings
_FOLDER_SHAPES = {
    "IdOnly": {"FolderId"},
    "Default": {"FolderId", "DisplayName", "TotalCount", "ChildFolderCount", "UnreadCount"},
    "AllProperties": set(_FOLDER_ORDER[:9]) | {"UnreadCount"},
}
_FOLDER_SINCE = {"DistinguishedFolderId": "Exchange2013", "PolicyTag": "Exchange2013", "ArchiveTag": "Exchange2013"}
_FOLDER_TAGS = {"IPF.Contact": "ContactsFolder", "IPF.Task": "TasksFolder"}
_SHAPE_OF_2010 = {
    "BaseShape",
    "IncludeMimeContent",
    "BodyType",
    "FilterHtmlContent",
    "ConvertHtmlCodePageToUTF8",
    "AdditionalProperties",
}
_CUSTOM = "Custom"
MOST_FOUND = 255  # characters of a text in what FindItem and FindFolder tell
_PERMISSION_NAMES = {"freebusy": "FreeBusyTimeOnly", "read": "Reviewer", "write": "Editor"}


@dataclass(frozen=True)
class Shape:
    """A shape as asked: the table's rows it means, extended properties, the body's type, whether it is filtered."""

    fields: tuple[Field, ...]
    extended: tuple[tuple[Element, ExtendedPath], ...]
    body_type: str = "Best"
    filtered: bool = False


def _base(shape: Element | None, allowed: set[str]) -> str:
    base = text_of(shape, T + "BaseShape").strip()
    if base not in allowed:
        raise invalid(f"The BaseShape '{base}' is not allowed.")
    return base


def _extended(shape: Element) -> tuple[tuple[Element, ExtendedPath], ...]:
    uris = children(shape.find(T + "AdditionalProperties"))
    return tuple((uri, read_path(uri)) for uri in uris if name_of(uri) == "ExtendedFieldURI")


def read_shape(call: Call, shape: Element | None) -> Shape:
    """Give the item shape a request asks for."""
    base = _base(shape, {"IdOnly", "Default", "AllProperties"})
    assert shape is not None  # noqa: S101 - _base has refused a missing one
    for part in children(shape):
        if name_of(part) not in _SHAPE_OF_2010 and call.personality.level < rank("Exchange2013"):
            raise invalid(f"The element '{part.tag}' is not expected.")
    if flag(text_of(shape, T + "IncludeMimeContent")):
        raise NotSimulated("IncludeMimeContent")
    letter = {"Default": "d", "AllProperties": "a"}.get(base)
    rows = {row.name: row for row in FIELDS if letter and letter in row.shapes and row.known_to(call.level)}
    rows["ItemId"] = BY_PATH["item:ItemId"]
    for uri in children(shape.find(T + "AdditionalProperties")):
        if name_of(uri) == "FieldURI":
            row = path_of(call, uri)
            if row:
                rows[row.name] = row
        elif name_of(uri) not in {"ExtendedFieldURI", "IndexedFieldURI"}:
            raise invalid(f"The element '{uri.tag}' is not expected.")
    ordered = tuple(sorted(rows.values(), key=lambda row: ORDER[row.name]))
    filtered = flag(text_of(shape, T + "FilterHtmlContent"))
    return Shape(ordered, _extended(shape), text_of(shape, T + "BodyType") or "Best", filtered=filtered)


def path_of(call: Call, uri: Element) -> Field | None:
    """Give the table's row for a FieldURI; None for a path of things that are not appointments."""
    path = uri.get("FieldURI", "")
    row = BY_PATH.get(path)
    if row is None:
        if path.partition(":")[0] in {"item", "calendar"} and path != "item:InternetMessageHeader":
            if path in {"item:MimeContentUTF8", "item:FirstBody"} and call.personality.level >= rank("Exchange2016"):
                return None
            raise invalid(f"The 'FieldURI' attribute is invalid - The value '{path}' is not allowed.")
        return None
    if not row.known_to(call.personality.level):
        raise invalid(f"The 'FieldURI' attribute is invalid - The value '{path}' is not allowed.")
    if not row.known_to(call.level):
        raise EwsError(call.rules.property_newer_than_request, f"{path} is newer than the request's version.")
    return row


def item_element(call: Call, shape: Shape, item: Item, *, rich: bool) -> Element:
    """Give t:CalendarItem; without `rich` nothing that only GetItem gives."""
    element = make(T + "CalendarItem")
    told = Told(call, rich, shape.body_type, filtered=shape.filtered)
    private = hidden(call.viewer, item, call.personality)
    extended_due = bool(shape.extended) and not private
    after = ORDER["ExtendedProperty"]
    for row in shape.fields:
        if extended_due and ORDER[row.name] > after:
            _put_extended(call, shape, item, element)
            extended_due = False
        if row.tell is None or ("r" in row.shapes and not rich) or (private and row.name not in SHOWN_OF_PRIVATE):
            continue
        found = row.tell(told, item)
        if isinstance(found, str):
            add(element, T + row.name, found or None)
        elif found is not None:
            element.append(found)
    if extended_due:
        _put_extended(call, shape, item, element)
    return element


def cut_texts(element: Element) -> Element:
    """Give what FindItem or FindFolder tells with its texts cut. Source: [D] both operations, their remarks."""
    for part in element.iter():
        uri = part.getprevious() if part.tag == T + "Value" else None
        if part.text and (uri is None or uri.get("PropertyType") == "String"):
            part.text = part.text[:MOST_FOUND]
    return element


def _put_extended(call: Call, shape: Shape, item: Item, element: Element) -> None:
    for uri, path in shape.extended:
        values = value_of(item, path)
        if values:
            element.append(property_element(call, uri, values))


@dataclass(frozen=True)
class FolderShape:
    """A folder shape as asked: names of elements and extended properties."""

    names: frozenset[str]
    extended: tuple[tuple[Element, ExtendedPath], ...]


def read_folder_shape(call: Call, shape: Element | None) -> FolderShape:
    """Give the folder shape a request asks for."""
    names = set(_FOLDER_SHAPES[_base(shape, set(_FOLDER_SHAPES))])
    assert shape is not None  # noqa: S101 - _base has refused a missing one
    for uri in children(shape.find(T + "AdditionalProperties")):
        path = uri.get("FieldURI", "")
        if name_of(uri) != "FieldURI" or not path.startswith("folder:"):
            continue
        name = path.removeprefix("folder:")
        if name not in _FOLDER_ORDER and name != "SearchParameters":
            raise invalid(f"The 'FieldURI' attribute is invalid - The value '{path}' is not allowed.")
        if rank(_FOLDER_SINCE.get(name, "Exchange2007")) > call.personality.level:
            raise invalid(f"The 'FieldURI' attribute is invalid - The value '{path}' is not allowed.")
        names.add(name)
    return FolderShape(frozenset(names), _extended(shape))


def folder_element(call: Call, shape: FolderShape, folder: Folder) -> Element:
    """Give t:CalendarFolder, t:Folder or the like."""
    tag = "CalendarFolder" if folder.is_calendar else _FOLDER_TAGS.get(folder.folder_class, "Folder")
    element = make(T + tag)
    for name in _FOLDER_ORDER:
        if name == "ExtendedProperty":
            for uri, path in shape.extended:
                if path in folder.extended:
                    element.append(property_element(call, uri, folder.extended[path]))
        elif name in shape.names:
            _tell_folder(call, folder, element, name)
    return element


def _tell_folder(call: Call, folder: Folder, element: Element, name: str) -> None:
    box = call.store.mailboxes[folder.mailbox]
    texts: dict[str, Callable[[], str]] = {
        "FolderClass": lambda: "" if folder.folder_class == "IPF" else folder.folder_class,
        "DisplayName": lambda: folder.name,
        "TotalCount": lambda: str(len(box.items[folder.number])),
        "ChildFolderCount": lambda: str(len(call.store.below(folder, deep=False))),
        "DistinguishedFolderId": lambda: folder.distinguished,
        "UnreadCount": lambda: "0" if _counts_unread(folder) else "",
    }
    if name == "FolderId":
        add(element, T + name, None, {"Id": folder.id, "ChangeKey": folder.key})
    elif name == "ParentFolderId" and folder.parent:
        add(element, T + name, None, {"Id": box.folders[folder.parent].id, "ChangeKey": "AQAAAA=="})
    elif name == "EffectiveRights":
        element.append(rights_element(folder_rights(call.viewer, folder), call.level, call.personality))
    elif name == "PermissionSet" and folder.is_calendar and folder_rights(call.viewer, folder)["Modify"]:
        element.append(_permissions(call, folder))
    elif name in texts and texts[name]():
        add(element, T + name, texts[name]())


def _counts_unread(folder: Folder) -> bool:
    """Tell whether the schema has UnreadCount for such a folder: not for calendars and contacts."""
    return not folder.is_calendar and folder.folder_class != "IPF.Contact"


def _permissions(call: Call, folder: Folder) -> Element:
    holder = make(T + "PermissionSet")
    entries = add(holder, T + "CalendarPermissions")
    rows: list[tuple[str | None, str, str]] = [
        (None, "Default", folder.permissions.get("default", "none")),
        (None, "Anonymous", "none"),
    ]
    for address, granted in folder.permissions.items():
        person = call.store.person(address)
        if person:
            rows.append((person.address, person.name, granted))
    for mail, name, granted in rows:
        entry = add(entries, T + "CalendarPermission")
        user = add(entry, T + "UserId")
        if mail:
            add(user, T + "PrimarySmtpAddress", mail)
            add(user, T + "DisplayName", name)
        else:
            add(user, T + "DistinguishedUser", name)
        reads, writes = granted in {"read", "write"}, granted == "write"
        for right, value in (("CanCreateItems", writes), ("CanCreateSubFolders", False), ("IsFolderOwner", False)):
            add(entry, T + right, "true" if value else "false")
        add(entry, T + "IsFolderVisible", "true" if reads else "false")
        add(entry, T + "IsFolderContact", "false")
        add(entry, T + "EditItems", "All" if writes else "None")
        add(entry, T + "DeleteItems", "All" if writes else "None")
        add(entry, T + "ReadItems", "FullDetails" if reads else ("TimeOnly" if granted == "freebusy" else "None"))
        kept = _PERMISSION_NAMES.get(granted, "None") if call.rules.permission_levels_kept else _CUSTOM
        add(entry, T + "CalendarPermissionLevel", kept)
    return holder
