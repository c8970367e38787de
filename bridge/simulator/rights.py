"""Who may do what: levels of permission on calendars, and the errors Exchange answers without them.

Sources: [D] folder permissions and EffectiveRights; the codes are switches in `rules`.
"""

from collections.abc import Mapping

from bridge.simulator.model import LEVELS, Folder, Item, Person
from bridge.simulator.rules import Personality, rank
from bridge.simulator.store import Store
from bridge.simulator.trouble import EwsError
from bridge.simulator.xml import Element, T, add, bool_text, make


def level(viewer: Person, folder: Folder) -> str:
    """Give the level of a viewer's permission on a folder."""
    if viewer.mailbox == folder.mailbox:
        return "owner"
    granted = [folder.permissions[a] for a in viewer.addresses if a in folder.permissions]
    return max([*granted, folder.permissions.get("default", "none")], key=LEVELS.index)


def reaches(viewer: Person, folder: Folder, wanted: str) -> bool:
    """Tell whether the viewer has at least the `wanted` level."""
    return LEVELS.index(level(viewer, folder)) >= LEVELS.index(wanted)


def need_folder(viewer: Person, folder: Folder, rules: Personality, wanted: str = "freebusy") -> Folder:
    """Give the folder back, or raise the error a viewer without the `wanted` level gets."""
    if reaches(viewer, folder, wanted):
        return folder
    if not reaches(viewer, folder, "freebusy"):
        raise EwsError(rules.rules.no_folder_right_code)
    if not reaches(viewer, folder, "read"):
        raise EwsError(rules.rules.freebusy_reader_code)
    raise EwsError(rules.rules.write_right_code)


def need_item(store: Store, viewer: Person, item: Item, rules: Personality, wanted: str = "read") -> Item:
    """Give the item back, or raise the error a viewer without the `wanted` level on its folder gets."""
    folder = store.folder_of(item)
    if not reaches(viewer, folder, "freebusy"):
        raise EwsError(rules.rules.no_item_right_code)
    need_folder(viewer, folder, rules, wanted)
    if wanted == "write" and hidden(viewer, item, rules):
        raise EwsError(rules.rules.write_right_code)
    return item


def hidden(viewer: Person, item: Item, rules: Personality) -> bool:
    """Tell whether this is another's private item, of which only the times are shown."""
    mine = viewer.mailbox == item.mailbox
    return not mine and rules.rules.private_items == "stripped" and item.values.get("Sensitivity") == "Private"


def folder_rights(viewer: Person, folder: Folder) -> Mapping[str, bool]:
    """Give the EffectiveRights of a folder."""
    own, write, read = (reaches(viewer, folder, wanted) for wanted in ("owner", "write", "read"))
    return {
        "CreateAssociated": own,
        "CreateContents": write,
        "CreateHierarchy": own,
        "Delete": own,
        "Modify": own,
        "Read": read,
        "ViewPrivateItems": own,
    }


def item_rights(viewer: Person, folder: Folder) -> Mapping[str, bool]:
    """Give the EffectiveRights of an item in a folder."""
    write = reaches(viewer, folder, "write")
    return {
        "CreateAssociated": False,
        "CreateContents": False,
        "CreateHierarchy": False,
        "Delete": write,
        "Modify": write,
        "Read": reaches(viewer, folder, "read"),
        "ViewPrivateItems": reaches(viewer, folder, "owner"),
    }


def rights_element(rights: Mapping[str, bool], version: int, personality: Personality) -> Element:
    """Give t:EffectiveRights as that request version sees it."""
    element = make(T + "EffectiveRights")
    for name, value in rights.items():
        if name != "ViewPrivateItems" or version >= rank(personality.rules.view_private_since):
            add(element, T + name, bool_text(value))
    return element
