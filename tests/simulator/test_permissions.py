"""Whose calendars are seen by whom, and what Exchange answers to the others."""

from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from bridge.simulator import PersonPlan, Simulator
from bridge.simulator.people import settle_people

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
ANNA, BOB, CARL = (f"{name}@example.com" for name in ("anna", "bob", "carl"))
TIMES = "<t:Start>2026-03-03T10:00:00Z</t:Start><t:End>2026-03-03T11:00:00Z</t:End>"
START, END = datetime(2026, 3, 3, 10, tzinfo=UTC), datetime(2026, 3, 3, 11, tzinfo=UTC)


def theirs(address: str, folder: str = "calendar") -> str:
    mailbox = f"<t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox>"
    return f'<t:DistinguishedFolderId Id="{folder}">{mailbox}</t:DistinguishedFolderId>'


def folder_text(folder: str) -> str:
    return (
        "<m:GetFolder><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>"
        f"<m:FolderIds>{folder}</m:FolderIds></m:GetFolder>"
    )


def rights(message: Any) -> dict[str, bool]:
    found = next(message.iter(f"{T}EffectiveRights"))
    return {child.tag.removeprefix(T): child.text == "true" for child in found}


@pytest.mark.parametrize(
    ("who", "read", "write", "own"),
    [("anna", True, True, True), ("bob", True, False, False), ("carl", True, True, False)],
)
def test_effective_rights_tell_what_one_may(ask: Any, who: str, read: bool, write: bool, own: bool) -> None:
    (message,) = ask(folder_text(theirs(ANNA)), who)
    found = rights(message)
    assert (found["Read"], found["CreateContents"], found["Delete"]) == (read, write, own)


def test_without_rights_there_is_no_folder(ask: Any, sim: Simulator) -> None:
    assert ask.code(folder_text(theirs(BOB)), "anna") == "ErrorFolderNotFound"
    assert ask.code(folder_text(theirs(ANNA, "msgfolderroot")), "bob") == "ErrorFolderNotFound"
    assert ask.code(folder_text(theirs("nobody@example.com"))) == "ErrorNonExistentMailbox"
    projects = f'<t:FolderId Id="{sim.folder(ANNA, "Projects").id}"/>'
    assert ask.code(folder_text(projects), "bob") == "ErrorFolderNotFound"


def test_a_free_busy_reader_sees_the_folder_but_no_item(ask: Any, sim: Simulator) -> None:
    sim.permit(ANNA, BOB, "freebusy")
    item = sim.add_event(ANNA, subject="x", start=START, end=END)
    assert ask.code(folder_text(theirs(ANNA)), "bob") == "NoError"
    shape = "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
    get = f'<m:GetItem>{shape}<m:ItemIds><t:ItemId Id="{item.id}"/></m:ItemIds></m:GetItem>'
    assert ask.code(get, "bob") == "ErrorAccessDenied"


def test_readers_read_and_do_not_write(ask: Any, sim: Simulator) -> None:
    item = sim.add_event(ANNA, subject="x", start=START, end=END)
    shape = "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
    get = f'<m:GetItem>{shape}<m:ItemIds><t:ItemId Id="{item.id}"/></m:ItemIds></m:GetItem>'
    assert ask.code(get, "bob") == "NoError"
    create = (
        f'<m:CreateItem SendMeetingInvitations="SendToNone"><m:SavedItemFolderId>{theirs(ANNA)}</m:SavedItemFolderId>'
        f"<m:Items><t:CalendarItem>{TIMES}</t:CalendarItem></m:Items></m:CreateItem>"
    )
    assert ask.code(create, "bob") == "ErrorAccessDenied"
    assert ask.code(create, "carl") == "NoError"
    assert [event.modified_by for event in sim.events(ANNA)] == ["Anna Berg", "Carl Stone"]


def test_the_organizer_is_the_mailbox_whoever_writes(ask: Any, sim: Simulator) -> None:
    item_id = ask.create(TIMES, who="carl", folder=theirs(ANNA))
    assert ask.item(item_id).findtext(f"{T}Organizer/{T}Mailbox/{T}EmailAddress") == ANNA
    assert sim.records.total("CreateItem", ANNA) == 1


def test_delegates_delete_softly_only(ask: Any, sim: Simulator) -> None:
    item = sim.add_event(ANNA, subject="x", start=START, end=END)
    delete = '<m:DeleteItem DeleteType="{}" SendMeetingCancellations="SendToNone"><m:ItemIds><t:ItemId Id="{}"/>'
    text = delete + "</m:ItemIds></m:DeleteItem>"
    assert ask.code(text.format("SoftDelete", item.id), "bob") == "ErrorAccessDenied"
    assert ask.code(text.format("MoveToDeletedItems", item.id), "carl") == "ErrorCannotDeleteObject"
    assert ask.code(text.format("SoftDelete", item.id), "carl") == "NoError"
    assert sim.events(ANNA) == []


def test_anothers_private_item_shows_its_times_and_nothing_else(ask: Any, sim: Simulator) -> None:
    item = sim.add_event(ANNA, subject="secret", location="x", sensitivity="Private", start=START, end=END)
    shape = "<m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"
    get = f'<m:GetItem>{shape}<m:ItemIds><t:ItemId Id="{item.id}"/></m:ItemIds></m:GetItem>'
    (message,) = ask(get, "carl")
    found = next(message.iter(f"{T}CalendarItem"))
    assert found.findtext(f"{T}Start") == "2026-03-03T10:00:00Z"
    assert found.find(f"{T}Subject") is None
    assert found.find(f"{T}Location") is None
    (own,) = ask(get)
    assert next(own.iter(f"{T}Subject")).text == "secret"


def test_permissions_are_told_to_the_owner(ask: Any) -> None:
    text = folder_text(theirs(ANNA)).replace(
        "</t:BaseShape>",
        '</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="folder:PermissionSet"/></t:AdditionalProperties>',
    )
    (message,) = ask(text)
    levels = [element.text for element in message.iter(f"{T}CalendarPermissionLevel")]
    assert levels == ["None", "None", "Reviewer", "Editor"]
    (message,) = ask(text, "bob")
    assert list(message.iter(f"{T}PermissionSet")) == []


def test_folders_are_made_renamed_and_deleted(ask: Any, sim: Simulator) -> None:
    guid = "afce4e51-ebb0-42a5-a351-4fc8f866b6e5"
    uri = f'<t:ExtendedFieldURI PropertySetId="{guid}" PropertyName="Look" PropertyType="String"/>'
    make = (
        '<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderId><m:Folders>'
        f"<t:CalendarFolder><t:DisplayName>New</t:DisplayName><t:ExtendedProperty>{uri}<t:Value>#f00</t:Value>"
        "</t:ExtendedProperty></t:CalendarFolder></m:Folders></m:CreateFolder>"
    )
    (message,) = ask(make)
    folder = next(message.iter(f"{T}FolderId"))
    assert ask.code(make) == "ErrorFolderExists"
    rename = (
        f'<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id="{folder.get("Id")}"/><t:Updates>'
        '<t:SetFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:CalendarFolder>'
        "<t:DisplayName>Renamed</t:DisplayName></t:CalendarFolder></t:SetFolderField></t:Updates></t:FolderChange>"
        "</m:FolderChanges></m:UpdateFolder>"
    )
    assert ask.code(rename) == "NoError"
    get = folder_text(f'<t:FolderId Id="{folder.get("Id")}"/>').replace(
        "</t:BaseShape>", f"</t:BaseShape><t:AdditionalProperties>{uri}</t:AdditionalProperties>"
    )
    (message,) = ask(get)
    assert next(message.iter(f"{T}DisplayName")).text == "Renamed"
    assert next(message.iter(f"{T}FolderClass")).text == "IPF.Appointment"
    assert next(message.iter(f"{T}Value")).text == "#f00"
    delete = '<m:DeleteFolder DeleteType="{}"><m:FolderIds><t:FolderId Id="{}"/></m:FolderIds></m:DeleteFolder>'
    assert ask.code(delete.format("MoveToDeletedItems", folder.get("Id"))) == "NoError"
    assert (
        sim.store.folder_by_id(folder.get("Id")).parent
        == sim.store.distinguished(sim.person(ANNA).mailbox, "deleteditems").number
    )
    assert ask.code(delete.format("HardDelete", folder.get("Id"))) == "NoError"
    assert ask.code(get) == "ErrorFolderNotFound"
    own = sim.folder(ANNA).id
    assert ask.code(delete.format("HardDelete", own)) == "ErrorDeleteDistinguishedFolder"


def test_rooms_are_told_by_their_lists(ask: Any, sim: Simulator) -> None:
    def told(text: str) -> Any:
        return etree.fromstring(ask.post(text).content)

    assert told("<m:GetRoomLists/>").findall(f".//{T}Address") == []
    rooms = [PersonPlan(name, f"{name}@example.com", "x", room_list="b1@example.com") for name in ("Attic", "Cellar")]
    settle_people(sim.store, rooms)
    assert [one.text for one in told("<m:GetRoomLists/>").iter(f"{T}EmailAddress")] == ["b1@example.com"]
    text = "<m:GetRooms><m:RoomList><t:EmailAddress>{}</t:EmailAddress></m:RoomList></m:GetRooms>"
    assert [one.text for one in told(text.format("B1@example.com")).iter(f"{T}Name")] == ["Attic", "Cellar"]
    none = told(text.format("b2@example.com"))
    assert none.findtext(f".//{M}ResponseCode") == "ErrorNameResolutionNoResults"
    assert sim.invalid_answers == []


def test_names_are_resolved(ask: Any) -> None:
    text = '<m:ResolveNames ReturnFullContactData="true"><m:UnresolvedEntry>{}</m:UnresolvedEntry></m:ResolveNames>'
    (message,) = ask(text.format("a.berg@example.com"))
    assert next(message.iter(f"{T}EmailAddress")).text == ANNA
    assert [entry.text for entry in message.iter(f"{T}Entry")] == [f"SMTP:{ANNA}", "smtp:a.berg@example.com"]
    (message,) = ask(text.format("stone"))
    assert message.get("ResponseClass") == "Warning"
    assert message.findtext(f"{M}ResponseCode") == "ErrorNameResolutionMultipleResults"
    assert [element.text for element in message.iter(f"{T}EmailAddress")] == [BOB, CARL]
    assert ask.code(text.format("zzz")) == "ErrorNameResolutionNoResults"
