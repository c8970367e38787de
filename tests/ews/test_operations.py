"""Operations: requests that Exchange's schema allows, answers that are odd."""

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from bridge.errors import (
    AnswerUnusable,
    CursorExpired,
    ExchangeBusy,
    ExchangeFailed,
    FolderMissing,
    ItemChanged,
    ItemMissing,
    RequestRefused,
)
from bridge.ews.editions import Edition
from bridge.ews.folders import by_id, distinguished
from bridge.ews.operations import (
    convert_id,
    create_attachment,
    create_folder,
    create_item,
    delete_attachment,
    delete_folder,
    delete_item,
    find_folder,
    find_item,
    get_attachment,
    get_folder,
    get_item,
    get_room_lists,
    get_rooms,
    get_server_time_zones,
    get_user_availability,
    move_item,
    resolve_names,
    sync_folder_items,
    update_folder,
    update_item,
)
from bridge.ews.operations.get_user_availability import Window
from bridge.ews.xml import Element
from bridge.exchange import Deletion, OccurrenceWrite
from bridge.item import (
    AttachedFile,
    AttachmentId,
    Attribute,
    ChangeKey,
    Content,
    Cursor,
    Item,
    ItemId,
    ItemRef,
    Missing,
    Uid,
    Unreadable,
)
from bridge.model import Address, FolderId
from bridge.recurrence import Day, Recurrence, Weekly
from bridge.simulator.schemas import Schemas
from bridge.zone_definition import ClockChange, ZoneDefinition, ZoneEra
from bridge.zones import to_custom

REF = ItemRef(ItemId("AAMk="), ChangeKey("DwAA"))
FOLDER = FolderId("AAMkF=")
NEWEST, OLDEST = Edition.EXCHANGE_2013, Edition.EXCHANGE_2007
FILE = AttachedFile("Map & more.pdf", "application/pdf", b"%PDF-1.7")
KNOWN = ItemRef(ItemId("AAMkO="), ChangeKey("DwAB"))
WEEKLY = Recurrence(Weekly(2, (Day.MONDAY, Day.FRIDAY), Day.MONDAY), date(2026, 3, 2), count=10)
WEEKLY_OF_2007 = replace(WEEKLY, pattern=Weekly(1, (Day.MONDAY, Day.FRIDAY), Day.MONDAY))
WHOLE = frozenset(map(Attribute, (name for name in Content.__slots__ if name != "uid")))
OF_AN_OCCURRENCE = WHOLE - {Attribute("recurrence")}
CUSTOM = to_custom(
    ZoneDefinition(
        (ZoneEra(3600), ZoneEra(0, (ClockChange(3, 86400, 3600), ClockChange(10, 0, 0, day=4)), date(2020, 1, 1)))
    )
)


# --- requests ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    """Compile Microsoft's schemas of EWS."""
    return Schemas(Path(os.environ["EXCHANGE_SCHEMAS"]) / "schemas")


REQUESTS: Mapping[str, Callable[[Content], Element]] = {
    "GetFolder": lambda _: get_folder.request([distinguished("calendar", Address("a@b.c")), by_id(FOLDER)]),
    "FindFolder": lambda _: find_folder.request([distinguished("msgfolderroot"), distinguished("deleteditems")], 100),
    "ConvertId": lambda _: convert_id.request(FOLDER),
    "ResolveNames": lambda _: resolve_names.request("anna"),
    "GetRoomLists": lambda _: get_room_lists.request(),
    "GetRooms": lambda _: get_rooms.request(Address("rooms@example.com")),
    "CreateFolder": lambda _: create_folder.request("Choir & more", "stamp"),
    "UpdateFolder": lambda _: update_folder.request(FOLDER, "Choir & more"),
    "DeleteFolder": lambda _: delete_folder.request(FOLDER),
    "MoveItem": lambda _: move_item.request(ItemRef(ItemId("a"), ChangeKey("k")), FOLDER),
    "GetServerTimeZones": lambda _: get_server_time_zones.request(),
    "SyncFolderItems from nothing": lambda _: sync_folder_items.request(FOLDER, None),
    "SyncFolderItems": lambda _: sync_folder_items.request(FOLDER, Cursor("H4sI")),
    "GetItem": lambda _: get_item.request([ItemId("a"), ItemId("b")], NEWEST),
    "FindItem": lambda _: find_item.request(FOLDER, Uid("x@y")),
    "CreateItem": lambda content: create_item.request(FOLDER, content, NEWEST),
    "CreateItem with a zone of its own": lambda content: create_item.request(
        FOLDER, Content(content.uid, "", content.start, content.end, CUSTOM, CUSTOM), NEWEST
    ),
    "CreateItem of a series": lambda content: create_item.request(FOLDER, replace(content, recurrence=WEEKLY), NEWEST),
    "UpdateItem of a series": lambda content: update_item.request(
        REF, replace(content, recurrence=WEEKLY), WHOLE, NEWEST
    ),
    "UpdateItem of occurrences": lambda content: update_item.occurrences_request(
        REF,
        [OccurrenceWrite(3, content, OF_AN_OCCURRENCE), OccurrenceWrite(4, content, OF_AN_OCCURRENCE, KNOWN)],
        NEWEST,
    ),
    "UpdateItem": lambda content: update_item.request(REF, content, WHOLE, NEWEST),
    "UpdateItem to nothing": lambda content: update_item.request(
        REF, Content(content.uid, "", content.start, content.end), WHOLE, NEWEST
    ),
    "CreateItem for 2007": lambda content: create_item.request(
        FOLDER, replace(content, recurrence=WEEKLY_OF_2007), OLDEST
    ),
    "UpdateItem for 2007": lambda content: update_item.request(
        REF, replace(content, recurrence=WEEKLY_OF_2007), WHOLE, OLDEST
    ),
    "UpdateItem of occurrences for 2007": lambda content: update_item.occurrences_request(
        REF, [OccurrenceWrite(3, content, OF_AN_OCCURRENCE)], OLDEST
    ),
    "GetItem of 2007": lambda _: get_item.request([ItemId("a")], OLDEST),
    "GetItem of 2010": lambda _: get_item.request([ItemId("a")], Edition.EXCHANGE_2010),
    "CreateAttachment": lambda _: create_attachment.request(REF, [FILE, replace(FILE, content_type="")]),
    "GetAttachment": lambda _: get_attachment.request(AttachmentId("AAMkA=")),
    "DeleteAttachment": lambda _: delete_attachment.request([AttachmentId("AAMkA="), AttachmentId("AAMkB=")]),
    "DeleteItem": lambda _: delete_item.request(REF, Deletion.TO_DELETED_ITEMS),
    "DeleteItem softly": lambda _: delete_item.request(REF, Deletion.SOFT),
    "DeleteItem of occurrences": lambda _: delete_item.occurrences_request(REF, [2, 9], Deletion.SOFT),
    "GetItem of places": lambda _: get_item.places_request(REF, [1, 2]),
    "GetUserAvailability": lambda content: get_user_availability.request(
        [Address("a@b.c"), Address("d@e.f")], Window(content.start, content.end)
    ),
}


@pytest.mark.schemas
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_what_the_schema_allows(name: str, schemas: Schemas, content: Content) -> None:
    assert schemas.violation(etree.tostring(REQUESTS[name](content))) is None


def test_every_operation_that_can_mail_says_that_it_mails_nobody(content: Content) -> None:
    attributes = {
        name: {key: value for key, value in make(content).attrib.items() if str(key).startswith("Send")}
        for name, make in REQUESTS.items()
        if name.startswith(("CreateItem", "UpdateItem", "DeleteItem"))
    }
    assert all(list(sent.values()) == ["SendToNone"] for sent in attributes.values()), attributes


# --- answers -----------------------------------------------------------------------------------------


def _read_item(id_: str, subject: str = "s") -> str:
    return (
        f'<m:Items><t:CalendarItem><t:ItemId Id="{id_}" ChangeKey="k"/><t:Subject>{subject}</t:Subject><t:UID>u</t:UID>'
        "<t:Start>2026-01-01T10:00:00Z</t:Start><t:End>2026-01-01T11:00:00Z</t:End></t:CalendarItem></m:Items>"
    )


def _get(answers: Any, *messages: str) -> tuple[Item | Unreadable | Missing, ...]:
    response = answers.element(answers.response("GetItem", *messages))
    return get_item.read(response, [ItemId("a"), ItemId("b"), ItemId("c")])


def test_each_item_of_a_batch_has_its_own_fate(answers: Any) -> None:
    got = _get(answers, _read_item("a"), "ErrorItemNotFound", "ErrorItemCorrupt")
    assert isinstance(got[0], Item)
    assert got[1:] == (Missing(ItemId("b")), Unreadable(ItemId("c"), "ErrorItemCorrupt"))


def test_an_item_that_makes_no_sense_is_unreadable_and_the_others_are_read(answers: Any) -> None:
    broken = _read_item("b").replace("2026-01-01T10:00:00Z", "soon")
    got = _get(answers, _read_item("a"), broken, "<m:Items/>")
    assert [type(one) for one in got] == [Item, Unreadable, Unreadable]


@pytest.mark.parametrize("count", [0, 2, 4])
def test_another_number_of_answers_than_questions_is_unusable(count: int, answers: Any) -> None:
    with pytest.raises(AnswerUnusable):
        _get(answers, *[_read_item("x")] * count)


def test_items_in_another_order_are_unusable(answers: Any) -> None:
    with pytest.raises(AnswerUnusable, match="order"):
        _get(answers, _read_item("b"), _read_item("a"), _read_item("c"))


def test_what_came_before_exchange_stopped_is_read(answers: Any) -> None:
    got = _get(answers, _read_item("a"), get_item.STOPPED, get_item.STOPPED)
    assert len(got) == 1
    assert _get(answers, *[get_item.STOPPED] * 3) == ()


def test_trouble_of_the_mailbox_makes_no_item_unreadable(answers: Any) -> None:
    with pytest.raises(ExchangeFailed):
        _get(answers, _read_item("a"), "ErrorMailboxMoveInProgress", "ErrorItemNotFound")


def _page(answers: Any, inside: str, cursor: Cursor | None = None) -> Any:
    return sync_folder_items.read(answers.element(answers.response("SyncFolderItems", inside)), cursor)


def test_changes_that_are_no_appointments_are_left_out(answers: Any) -> None:
    appointment = '<t:CalendarItem><t:ItemId Id="a" ChangeKey="k"/></t:CalendarItem>'
    message = '<t:Message><t:ItemId Id="m" ChangeKey="k"/></t:Message>'
    changes = (
        f"<t:Create>{message}</t:Create><t:Create>{appointment}</t:Create><t:Update>{appointment}</t:Update>"
        '<t:ReadFlagChange><t:ItemId Id="r"/><t:IsRead>true</t:IsRead></t:ReadFlagChange>'
        '<t:Delete><t:ItemId Id="d"/></t:Delete>'
    )
    inside = "<m:SyncState>s</m:SyncState><m:IncludesLastItemInRange>false</m:IncludesLastItemInRange>"
    page = _page(answers, f"{inside}<m:Changes>{changes}</m:Changes>")
    assert [entry.ref.id for entry in page.entries] == ["a", "a"]
    assert page.removed == (ItemId("d"),)
    assert (page.cursor, page.is_last) == (Cursor("s"), False)


@pytest.mark.parametrize(
    ("inside", "cursor"),
    [
        ("<m:Changes/>", None),
        ("<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes/>", None),
        ("<m:SyncState>s</m:SyncState><m:IncludesLastItemInRange>false</m:IncludesLastItemInRange>", Cursor("s")),
        ("<m:SyncState>s</m:SyncState><m:Changes><t:Delete/></m:Changes>", None),
        ("<m:SyncState>s</m:SyncState><m:Changes><t:Create><t:CalendarItem/></t:Create></m:Changes>", None),
    ],
    ids=["no state", "an empty state", "a state that leads nowhere", "a removal of nothing", "a creation of nothing"],
)
def test_a_page_that_cannot_be_gone_on_from_is_unusable(inside: str, cursor: Cursor | None, answers: Any) -> None:
    with pytest.raises(AnswerUnusable):
        _page(answers, inside, cursor)


def test_a_state_that_is_not_known_any_more_says_so(answers: Any) -> None:
    with pytest.raises(CursorExpired):
        _page(answers, "ErrorInvalidSyncStateData", Cursor("old"))


@pytest.mark.parametrize("code", ["ErrorItemNotFound", "ErrorFolderNotFound", "ErrorSavedItemFolderNotFound"])
def test_what_a_new_event_does_not_find_is_the_folder(code: str, answers: Any) -> None:
    with pytest.raises(FolderMissing):
        create_item.read(answers.element(answers.response("CreateItem", code)))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ErrorItemNotFound", ItemMissing),
        ("ErrorIrresolvableConflict", ItemChanged),
        ("ErrorServerBusy", ExchangeBusy),
        ("ErrorCalendarDurationIsTooLong", RequestRefused),
        ("ErrorInternalServerError", ExchangeFailed),
    ],
)
def test_a_write_says_why_it_was_not_done(code: str, error: type[Exception], answers: Any) -> None:
    with pytest.raises(error):
        update_item.read(answers.element(answers.response("UpdateItem", code)))
    with pytest.raises(error):
        delete_item.read(answers.element(answers.response("DeleteItem", code)))


def test_a_write_that_tells_no_new_version_is_unusable(answers: Any) -> None:
    for inside in ("", "<m:Items/>", '<m:Items><t:CalendarItem><t:ItemId Id="a"/></t:CalendarItem></m:Items>'):
        with pytest.raises(AnswerUnusable):
            update_item.read(answers.element(answers.response("UpdateItem", inside)))


def test_an_item_of_another_uid_is_not_found(answers: Any) -> None:
    def listed(id_: str, uid: str) -> str:
        return f'<t:CalendarItem><t:ItemId Id="{id_}" ChangeKey="k"/>{uid}</t:CalendarItem>'

    items = listed("a", "<t:UID>mine</t:UID>") + listed("b", "<t:UID>other</t:UID>") + listed("c", "")
    inside = f"<m:RootFolder><t:Items>{items}</t:Items></m:RootFolder>"
    found = find_item.read(answers.element(answers.response("FindItem", inside)), Uid("mine"))
    assert [ref.id for ref in found] == ["a", "c"]


def test_a_listing_without_its_root_is_empty(answers: Any) -> None:
    assert find_item.read(answers.element(answers.response("FindItem", "")), Uid("x")) == ()
    (page,) = find_folder.read(answers.element(answers.response("FindFolder", "")), 1)
    assert (page.folders, page.is_last) == ((), True)


def test_folders_that_are_no_calendars_are_left_out(answers: Any) -> None:
    def folder(kind: str, class_: str) -> str:
        return f'<t:{kind}><t:FolderId Id="{class_}"/><t:FolderClass>{class_}</t:FolderClass></t:{kind}>'

    folders = (
        folder("CalendarFolder", "IPF.Appointment")
        + folder("CalendarFolder", "ipf.appointment.Birthday")
        + folder("CalendarFolder", "IPF.AppointmentsNot")
        + folder("Folder", "IPF.Note")
    )
    inside = f'<m:RootFolder IncludesLastItemInRange="1"><t:Folders>{folders}</t:Folders></m:RootFolder>'
    (page,) = find_folder.read(answers.element(answers.response("FindFolder", inside)), 1)
    assert [one.id for one in page.folders] == ["IPF.Appointment", "ipf.appointment.Birthday"]


def test_rights_that_are_not_told_are_none(answers: Any) -> None:
    inside = '<m:Folders><t:CalendarFolder><t:FolderId Id="f"/></t:CalendarFolder></m:Folders>'
    (folder,) = get_folder.read(answers.element(answers.response("GetFolder", inside)), 1)
    assert not folder.rights.read
    assert not folder.rights.write


def test_addresses_of_the_directory_are_read_by_their_kind(answers: Any) -> None:
    entries = "".join(
        f'<t:Entry Key="EmailAddress1">{entry}</t:Entry>'
        for entry in (
            "SMTP:Anna@Example.com",
            "smtp:a.berg@example.com",
            "sip:anna@x.y",
            "X500:/o=x",
            "old@example.com",
        )
    )
    inside = (
        "<m:ResolutionSet><t:Resolution><t:Mailbox><t:Name>Anna Berg</t:Name>"
        "<t:EmailAddress>Anna@Example.com</t:EmailAddress></t:Mailbox>"
        f"<t:Contact><t:EmailAddresses>{entries}</t:EmailAddresses></t:Contact></t:Resolution></m:ResolutionSet>"
    )
    (mailbox,) = resolve_names.read(answers.element(answers.response("ResolveNames", inside)))
    assert mailbox.address == "anna@example.com"
    assert mailbox.display_name == "Anna Berg"
    assert mailbox.aliases == {"a.berg@example.com", "old@example.com"}
    nobody = answers.response("ResolveNames", "ErrorNameResolutionNoResults")
    assert resolve_names.read(answers.element(nobody)) == ()


def test_a_server_that_only_repeats_the_mailbox_is_noticed(answers: Any) -> None:
    def told(mailbox: str) -> Address | None:
        inside = f'<m:AlternateId Format="EwsId" Id="x" Mailbox="{mailbox}"/>'
        return convert_id.read(answers.element(answers.response("ConvertId", inside)))

    assert told("Anna@Example.com") == "anna@example.com"
    assert told(convert_id.NOBODY) is None
    assert told("") is None


# --- files -------------------------------------------------------------------------------------------


def _attached(key: str) -> str:
    named = f'<t:AttachmentId Id="x" RootItemId="other" RootItemChangeKey="{key}"/>'
    return f"<m:Attachments><t:FileAttachment>{named}</t:FileAttachment></m:Attachments>"


def test_attaching_tells_the_item_s_last_version_under_the_id_it_was_named_by(answers: Any) -> None:
    response = answers.element(answers.response("CreateAttachment", _attached("k1"), _attached("k2")))
    assert create_attachment.read(response, REF, 2) == ItemRef(REF.id, ChangeKey("k2"))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ErrorAttachmentSizeLimitExceeded", RequestRefused),
        ("ErrorItemNotFound", ItemMissing),
        ("ErrorIrresolvableConflict", ItemChanged),
        ("ErrorInternalServerError", ExchangeFailed),
    ],
)
def test_attaching_says_why_it_was_not_done(code: str, error: type[Exception], answers: Any) -> None:
    with pytest.raises(error):
        create_attachment.read(answers.element(answers.response("CreateAttachment", _attached("k1"), code)), REF, 2)


def test_a_file_that_is_gone_already_is_no_error_of_taking_it_away(answers: Any) -> None:
    def left(*messages: str) -> ItemRef:
        response = answers.element(answers.response("DeleteAttachment", *messages))
        return delete_attachment.read(response, REF, len(messages))

    done = '<m:RootItemId RootItemId="a" RootItemChangeKey="k3"/>'
    assert left(done, "ErrorInvalidAttachmentId") == ItemRef(REF.id, ChangeKey("k3"))
    assert left("ErrorInvalidAttachmentId") == REF
    with pytest.raises(ItemMissing):
        left(done, "ErrorItemNotFound")
    with pytest.raises(AnswerUnusable):
        left("")


def _fetched(answers: Any, inside: str) -> AttachedFile:
    wrapped = f"<m:Attachments>{inside}</m:Attachments>" if inside.startswith("<") else inside
    return get_attachment.read(answers.element(answers.response("GetAttachment", wrapped)))


def test_a_file_is_fetched_with_its_bytes(answers: Any) -> None:
    head = '<t:AttachmentId Id="x"/><t:Name>a.bin</t:Name><t:ContentType>application/x</t:ContentType>'
    file = f"<t:FileAttachment>{head}<t:Content>AQID\r\nBAU=</t:Content></t:FileAttachment>"
    assert _fetched(answers, file) == AttachedFile("a.bin", "application/x", bytes([1, 2, 3, 4, 5]))
    empty = "<t:FileAttachment><t:Name>empty</t:Name><t:Content/></t:FileAttachment>"
    assert _fetched(answers, empty) == AttachedFile("empty", "", b"")


@pytest.mark.parametrize(
    ("kind", "mime", "data"),
    [
        ("Message", b"Subject: x\r\n\r\ny", b"Subject: x\r\n\r\ny"),
        (
            "CalendarItem",
            b"BEGIN:VCALENDAR\r\n",
            b"MIME-Version: 1.0\r\nContent-Type: text/calendar; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\n",
        ),
    ],
)
def test_an_attached_item_is_fetched_as_a_message(kind: str, mime: bytes, data: bytes, answers: Any) -> None:
    content = f"<t:MimeContent>{base64.b64encode(mime).decode()}</t:MimeContent>"
    item = f"<t:ItemAttachment><t:Name>Plan</t:Name><t:{kind}>{content}</t:{kind}></t:ItemAttachment>"
    assert _fetched(answers, item) == AttachedFile("Plan.eml", "message/rfc822", data)


@pytest.mark.parametrize(
    ("inside", "error"),
    [
        ("ErrorInvalidAttachmentId", ItemMissing),
        ("ErrorItemNotFound", ItemMissing),
        ("", AnswerUnusable),
        ("<t:ItemAttachment><t:Message/></t:ItemAttachment>", AnswerUnusable),
        ("<t:FileAttachment><t:Content>A</t:Content></t:FileAttachment>", AnswerUnusable),
    ],
)
def test_a_file_that_is_not_there_or_makes_no_sense_is_not_made_up(
    inside: str, error: type[Exception], answers: Any
) -> None:
    with pytest.raises(error):
        _fetched(answers, inside)


@pytest.mark.recordings
def test_the_documented_answers_about_files_are_read(schemas_root: Path) -> None:
    def element(operation: str, name: str) -> Element:
        root = etree.parse(schemas_root / "documented" / operation / f"resp-{name}.xml").getroot()
        return next(root.iter(f"{{http://schemas.microsoft.com/exchange/services/2006/messages}}{operation}Response"))

    created = element("CreateAttachment", "how-to-add-attachments-by-using-ews-in-exchange-17")
    assert create_attachment.read(created, REF, 1).change_key.startswith("CQAAABYAAAAFI5DJ")
    deleted = element("DeleteAttachment", "how-to-delete-attachments-by-using-ews-in-exchange-6")
    assert delete_attachment.read(deleted, REF, 5) == ItemRef(REF.id, ChangeKey("AAAXulck"))
    got = get_attachment.read(element("GetAttachment", "getattachment-operation-1"))
    assert got == AttachedFile("SomeFile", "", bytes([1, 2, 3, 4, 5]))
