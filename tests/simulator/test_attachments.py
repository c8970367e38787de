"""Attachments: how they come and go, what is told of them, and what that does to their item."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from bridge.simulator import Simulator

M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
ANNA = "anna@example.com"
ITEM = "<t:Subject>x</t:Subject><t:Start>2026-03-03T10:00:00Z</t:Start><t:End>2026-03-03T11:00:00Z</t:End>"
SERIES = ITEM + (
    "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence>"
    "<t:StartDate>2026-03-03</t:StartDate><t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence>"
    "</t:Recurrence>"
)
PATHS = "".join(
    f'<t:FieldURI FieldURI="{path}"/>'
    for path in ("item:Attachments", "item:HasAttachments", "calendar:CalendarItemType")
)
MESSAGE = b"Subject: Agenda\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nFirst point\r\n"


def file(name: str = "a.txt", content: bytes = b"abc", more: str = "", late: str = "") -> str:
    """Give t:FileAttachment; `more` stands before, `late` after what 2010 added in between."""
    coded = base64.b64encode(content).decode()
    named = f"<t:Name>{name}</t:Name>" if name else ""
    return f"<t:FileAttachment>{named}{more}{late}<t:Content>{coded}</t:Content></t:FileAttachment>"


def attach(item: Any, *files: str, key: str = "") -> str:
    told = f' ChangeKey="{key}"' if key else ""
    return (
        f'<m:CreateAttachment><m:ParentItemId Id="{item.get("Id")}"{told}/><m:Attachments>{"".join(files)}'
        "</m:Attachments></m:CreateAttachment>"
    )


def named(operation: str, *ids: str, shape: str = "") -> str:
    inside = "".join(f'<t:AttachmentId Id="{one}"/>' for one in ids)
    return f"<m:{operation}>{shape}<m:AttachmentIds>{inside}</m:AttachmentIds></m:{operation}>"


def told(item: Any) -> list[dict[str, str]]:
    """Give what item:Attachments says, a dictionary each, with the id as `Id`."""
    return [
        {etree.QName(child).localname: child.text or child.get("Id") for child in entry}
        for entry in item.iterfind(f"{T}Attachments/*")
    ]


def ids(messages: Any) -> list[Any]:
    return [next(message.iter(f"{T}AttachmentId")) for message in messages]


def codes(messages: Any) -> list[str]:
    return [message.findtext(f"{M}ResponseCode") for message in messages]


def sync(ask: Any, state: str = "") -> tuple[str, list[Any]]:
    told_state = f"<m:SyncState>{state}</m:SyncState>" if state else ""
    (message,) = ask(
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>"
        f'<t:DistinguishedFolderId Id="calendar"/></m:SyncFolderId>{told_state}'
        "<m:MaxChangesReturned>100</m:MaxChangesReturned></m:SyncFolderItems>"
    )
    return message.findtext(f"{M}SyncState"), list(message.find(f"{M}Changes"))


def test_a_file_comes_back_as_it_was(ask: Any) -> None:
    item = ask.create(ITEM)
    more = "<t:ContentType>text/plain</t:ContentType><t:ContentId>c1@x</t:ContentId>"
    (made,) = ids(ask(attach(item, file("Übersicht.txt", b"\x00\xff", more))))
    (message,) = ask(named("GetAttachment", made.get("Id")))
    found = message.find(f"{M}Attachments/{T}FileAttachment")
    assert found.findtext(f"{T}Name") == "Übersicht.txt"
    assert found.findtext(f"{T}ContentType") == "text/plain"
    assert found.findtext(f"{T}ContentId") == "c1@x"
    assert base64.b64decode(found.findtext(f"{T}Content")) == b"\x00\xff"
    read = ask.item(item, PATHS, base="IdOnly")
    assert told(read) == [
        {
            "AttachmentId": made.get("Id"),
            "Name": "Übersicht.txt",
            "ContentType": "text/plain",
            "ContentId": "c1@x",
            "Size": "178",
            "LastModifiedTime": "2026-03-02T09:30:00",
            "IsInline": "false",
            "IsContactPhoto": "false",
        }
    ]
    assert read.findtext(f"{T}HasAttachments") == "true"


def test_every_change_of_attachments_gives_the_item_a_new_key_and_is_told_by_sync(ask: Any) -> None:
    item = ask.create(ITEM)
    state, _ = sync(ask)
    made = ids(ask(attach(item, file("a"), file("b"))))
    assert len({e.get("RootItemChangeKey") for e in made}) == 1
    assert {e.get("RootItemId") for e in made} == {item.get("Id")}
    assert made[0].get("RootItemChangeKey") != item.get("ChangeKey")
    state, changes = sync(ask, state)
    assert [etree.QName(change).localname for change in changes] == ["Update"]
    keys = [e.get("ChangeKey") for change in changes for e in change.iter(f"{T}ItemId")]
    assert keys == [made[0].get("RootItemChangeKey")]
    (deleted,) = ask(named("DeleteAttachment", made[0].get("Id")))
    root = deleted.find(f"{M}RootItemId")
    assert root.get("RootItemId") == item.get("Id")
    read = ask.item(item, PATHS, base="IdOnly")
    assert read.find(f"{T}ItemId").get("ChangeKey") == root.get("RootItemChangeKey")
    assert [entry["Name"] for entry in told(read)] == ["b"]
    assert len(sync(ask, state)[1]) == 1


def test_the_last_one_gone_leaves_no_list(ask: Any) -> None:
    item = ask.create(ITEM)
    (made,) = ids(ask(attach(item, file())))
    ask(named("DeleteAttachment", made.get("Id")))
    read = ask.item(item, PATHS, base="IdOnly")
    assert read.find(f"{T}Attachments") is None
    assert read.findtext(f"{T}HasAttachments") == "false"


def test_files_within_the_body_are_not_to_be_seen(ask: Any) -> None:
    item = ask.create(ITEM)
    ask(attach(item, file("logo.png", more="<t:ContentId>logo</t:ContentId>", late="<t:IsInline>true</t:IsInline>")))
    read = ask.item(item, PATHS, base="IdOnly")
    assert [entry["IsInline"] for entry in told(read)] == ["true"]
    assert read.findtext(f"{T}HasAttachments") == "false"


def test_an_item_can_be_created_with_files_and_not_be_updated_with_any(ask: Any) -> None:
    files = f"<t:Attachments>{file('a')}</t:Attachments>"
    item = ask.create(f"<t:Subject>x</t:Subject>{files}{ITEM.partition('</t:Subject>')[2]}")
    assert [entry["Name"] for entry in told(ask.item(item, PATHS, base="IdOnly"))] == ["a"]
    update = (
        '<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToNone">'
        f'<m:ItemChanges><t:ItemChange><t:ItemId Id="{item.get("Id")}"/><t:Updates>{{}}</t:Updates></t:ItemChange>'
        "</m:ItemChanges></m:UpdateItem>"
    )
    path = '<t:FieldURI FieldURI="item:Attachments"/>'
    setting = f"<t:SetItemField>{path}<t:CalendarItem>{files}</t:CalendarItem></t:SetItemField>"
    assert ask.code(update.format(setting)) == "ErrorInvalidPropertySet"
    assert ask.code(update.format(f"<t:DeleteItemField>{path}</t:DeleteItemField>")) == "ErrorInvalidPropertyDelete"


def test_what_cannot_be_attached_is_refused_alone(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]
) -> None:
    ask = make_ask(make_sim(attachment_limit_bytes=10))
    item = ask.create(ITEM)
    messages = ask(attach(item, file("big", b"x" * 11), file(""), file("fits", b"x" * 10)))
    assert codes(messages) == ["ErrorAttachmentSizeLimitExceeded", "ErrorRequiredPropertyMissing", "NoError"]
    assert messages[1].find(f"{M}MessageXml/{T}ExceptionFieldURI").get("FieldURI") == "attachment:Name"
    assert [entry["Name"] for entry in told(ask.item(item, PATHS, base="IdOnly"))] == ["fits"]


def test_ids_that_name_nothing(ask: Any) -> None:
    item = ask.create(ITEM)
    (made,) = ids(ask(attach(item, file())))
    gone = made.get("Id")
    ask(named("DeleteAttachment", gone))
    for operation in ("GetAttachment", "DeleteAttachment"):
        assert codes(ask(named(operation, gone, item.get("Id"), "AAAA"))) == [
            "ErrorInvalidAttachmentId",
            "ErrorInvalidIdMalformed",
            "ErrorInvalidIdMalformed",
        ]
    ask(
        '<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds>'
        f'<t:ItemId Id="{item.get("Id")}"/></m:ItemIds></m:DeleteItem>'
    )
    assert ask.code(named("GetAttachment", gone)) == "ErrorItemNotFound"
    assert ask.code(attach(item, file())) == "ErrorItemNotFound"
    assert ask.code(attach(ask.create(ITEM), file(), key="no key")) == "ErrorInvalidChangeKey"


def test_readers_read_and_do_not_write(ask: Any) -> None:
    item = ask.create(ITEM)
    (made,) = ids(ask(attach(item, file())))
    assert ask.code(named("GetAttachment", made.get("Id")), "bob") == "NoError"
    assert ask.code(named("DeleteAttachment", made.get("Id")), "bob") == "ErrorAccessDenied"
    assert ask.code(attach(item, file()), "bob") == "ErrorAccessDenied"
    assert ask.code(attach(item, file()), "carl") == "NoError"
    private = ask.create(ITEM.replace("</t:Subject>", "</t:Subject><t:Sensitivity>Private</t:Sensitivity>"))
    (hidden,) = ids(ask(attach(private, file())))
    assert ask.code(named("GetAttachment", hidden.get("Id")), "bob") == "ErrorAccessDenied"
    assert told(ask.item(private, PATHS, "bob", base="IdOnly")) == []


def test_a_file_at_an_occurrence_makes_it_an_exception(sim: Simulator, ask: Any) -> None:
    master = ask.create(SERIES)
    series = sim.store.item_by_id(master.get("Id"))
    second = {"Id": sim.occurrence(series, 2).id}
    (made,) = ids(ask(attach(second, file("of the second"))))
    assert made.get("RootItemId") == second["Id"]
    read = ask.item(second, PATHS, base="IdOnly")
    assert read.findtext(f"{T}CalendarItemType") == "Exception"
    assert [entry["Name"] for entry in told(read)] == ["of the second"]
    assert told(ask.item(master, PATHS, base="IdOnly")) == []
    assert ask.code(named("GetAttachment", made.get("Id"))) == "NoError"
    ask(attach(master, file("of all")))
    third = ask.item({"Id": sim.occurrence(series, 3).id}, PATHS, base="IdOnly")
    assert [entry["Name"] for entry in told(third)] == ["of all"]
    assert third.findtext(f"{T}CalendarItemType") == "Occurrence"


def test_a_moved_item_has_its_files_under_new_ids(sim: Simulator, ask: Any) -> None:
    item = ask.create(ITEM)
    (made,) = ids(ask(attach(item, file())))
    projects = sim.folder(ANNA, "Projects").id
    (message,) = ask(
        f'<m:MoveItem><m:ToFolderId><t:FolderId Id="{projects}"/></m:ToFolderId><m:ItemIds>'
        f'<t:ItemId Id="{item.get("Id")}"/></m:ItemIds></m:MoveItem>'
    )
    (entry,) = told(ask.item(next(message.iter(f"{T}ItemId")), PATHS, base="IdOnly"))
    assert entry["AttachmentId"] != made.get("Id")
    assert ask.code(named("GetAttachment", entry["AttachmentId"])) == "NoError"
    assert ask.code(named("GetAttachment", made.get("Id"))) == "ErrorItemNotFound"


def test_an_attached_message_is_read_whole_if_asked(sim: Simulator, ask: Any) -> None:
    item = sim.store.item_by_id(ask.create(ITEM).get("Id"))
    sim.add_attachment(item, "Agenda", MESSAGE, is_message=True)
    assert [attachment.name for attachment in sim.attachments(item)] == ["Agenda"]
    (entry,) = told(ask.item({"Id": item.id}, PATHS, base="IdOnly"))
    shape = "<m:AttachmentShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:AttachmentShape>"
    (plain,) = ask(named("GetAttachment", entry["AttachmentId"]))
    message = plain.find(f"{M}Attachments/{T}ItemAttachment/{T}Message")
    assert message.find(f"{T}MimeContent") is None
    assert (message.findtext(f"{T}Subject"), message.findtext(f"{T}Body")) == ("Agenda", "First point\r\n")
    (whole,) = ask(named("GetAttachment", entry["AttachmentId"], shape=shape))
    assert base64.b64decode(next(whole.iter(f"{T}MimeContent")).text) == MESSAGE


def test_attaching_an_item_is_not_simulated(ask: Any) -> None:
    item = ask.create(ITEM)
    message = "<t:ItemAttachment><t:Name>n</t:Name><t:Message><t:Subject>s</t:Subject></t:Message></t:ItemAttachment>"
    assert ask.code(attach(item, file(), message)) == "ErrorInvalidOperation"
    assert told(ask.item(item, PATHS, base="IdOnly")) == []


@pytest.mark.parametrize(("version", "known"), [("Exchange2007_SP1", False), ("Exchange2010", True)])
def test_what_2010_added_is_told_to_its_requests(ask: Any, version: str, known: bool) -> None:
    item = ask.create(ITEM)
    ask(attach(item, file()))
    (entry,) = told(ask.item(item, PATHS, base="IdOnly", version=version))
    assert {"Size", "LastModifiedTime", "IsInline", "IsContactPhoto"} & set(entry) == (
        {"Size", "LastModifiedTime", "IsInline", "IsContactPhoto"} if known else set()
    )


def test_calls_are_counted_for_the_mailbox_of_the_item(sim: Simulator, ask: Any) -> None:
    item = ask.create(ITEM)
    (made,) = ids(ask(attach(item, file()), "carl"))
    ask(named("GetAttachment", made.get("Id")), "bob")
    assert (sim.records.total("CreateAttachment", ANNA), sim.records.total("GetAttachment", ANNA)) == (1, 1)
