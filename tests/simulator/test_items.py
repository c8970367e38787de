"""Items as Exchange keeps them: created, read, updated, deleted, moved."""

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from bridge.simulator import Simulator

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
TIMES = "<t:Start>2026-03-03T10:00:00Z</t:Start><t:End>2026-03-03T11:00:00Z</t:End>"
BERLIN = '<t:StartTimeZone Id="W. Europe Standard Time"/>'
GUID = "afce4e51-ebb0-42a5-a351-4fc8f866b6e5"
NAME = f'<t:ExtendedFieldURI PropertySetId="{GUID}" PropertyName="Name" PropertyType="String"/>'
CLEAN = '<t:ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="35" PropertyType="Binary"/>'
Read = Callable[[Any, str], str | None]


def update_text(item_id: Any, updates: str, mode: str = "AutoResolve", key: str | None = None) -> str:
    key = item_id.get("ChangeKey") if key is None else key
    told = f' ChangeKey="{key}"' if key else ""
    return (
        f'<m:UpdateItem ConflictResolution="{mode}" SendMeetingInvitationsOrCancellations="SendToNone">'
        f'<m:ItemChanges><t:ItemChange><t:ItemId Id="{item_id.get("Id")}"{told}/><t:Updates>{updates}</t:Updates>'
        "</t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )


def set_text(path: str, content: str) -> str:
    uri = path if path.startswith("<") else f'<t:FieldURI FieldURI="{path}"/>'
    return f"<t:SetItemField>{uri}<t:CalendarItem>{content}</t:CalendarItem></t:SetItemField>"


SUBJECT = set_text("item:Subject", "<t:Subject>Changed</t:Subject>")


def test_what_is_created_is_read_back(ask: Any, read_xml: Read) -> None:
    item = ask.item(
        ask.create(
            "<t:Subject>Größe &amp; &lt;Ende&gt;</t:Subject><t:Sensitivity>Confidential</t:Sensitivity>"
            '<t:Body BodyType="Text">two\nlines</t:Body><t:Categories><t:String>A</t:String><t:String>B</t:String>'
            "</t:Categories><t:ReminderMinutesBeforeStart>30</t:ReminderMinutesBeforeStart><t:UID>my-uid@x</t:UID>"
            f"{TIMES}<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus><t:Location>Room</t:Location>{BERLIN}"
        )
    )
    assert read_xml(item, "Subject") == "Größe & <Ende>"
    assert read_xml(item, "Body") == "two\r\nlines"
    assert [c.text for c in item.find(f"{T}Categories")] == ["A", "B"]
    assert read_xml(item, "ReminderMinutesBeforeStart") == "30"
    assert read_xml(item, "UID") == "my-uid@x"
    assert read_xml(item, "Start") == "2026-03-03T10:00:00Z"
    assert read_xml(item, "LegacyFreeBusyStatus") == "OOF"
    assert read_xml(item, "Organizer/Mailbox/EmailAddress") == "anna@example.com"
    assert read_xml(item, "TimeZone") == "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"
    assert read_xml(item, "DateTimeCreated") == "2026-03-02T09:30:00Z"


def test_an_item_without_uid_gets_one_of_exchanges_form(ask: Any, read_xml: Read) -> None:
    uid = read_xml(ask.item(ask.create(TIMES)), "UID") or ""
    assert uid.startswith("040000008200E00074C5B7101A82E008")
    assert len(uid) == 112


def test_the_answer_to_create_holds_the_id_and_no_more(ask: Any) -> None:
    (message,) = ask(
        '<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>'
        f"{TIMES}</t:CalendarItem></m:Items></m:CreateItem>"
    )
    item = next(message.iter(f"{T}CalendarItem"))
    assert [etree.QName(child).localname for child in item] == ["ItemId"]
    assert item[0].get("ChangeKey").startswith("DwAAABYAAA")


def test_two_creates_with_one_uid_are_two_items(ask: Any) -> None:
    first, second = (ask.create(f"<t:UID>same</t:UID>{TIMES}") for _ in range(2))
    assert first.get("Id") != second.get("Id")


def test_ids_are_case_sensitive(ask: Any) -> None:
    item_id = ask.create(TIMES)
    wrong = etree.Element("x", Id=item_id.get("Id").swapcase())
    body = f'<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="{wrong.get("Id")}"/>'
    assert ask.code(f"<m:GetItem>{body}</m:ItemIds></m:GetItem>") == "ErrorInvalidIdMalformed"


def test_a_batch_is_answered_in_its_order_and_errors_are_its_parts_own(ask: Any) -> None:
    first, second = ask.create(TIMES), ask.create(TIMES)
    ids = "".join(f'<t:ItemId Id="{i}"/>' for i in (first.get("Id"), "AAMk", second.get("Id")))
    messages = ask(
        f"<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>{ids}</m:ItemIds></m:GetItem>"
    )
    assert [message.get("ResponseClass") for message in messages] == ["Success", "Error", "Success"]
    assert next(messages[2].iter(f"{T}ItemId")).get("Id") == second.get("Id")


def test_a_whole_day_is_the_zones_midnights(ask: Any, read_xml: Read) -> None:
    item = ask.item(
        ask.create(
            "<t:Start>2026-07-03T08:00:00Z</t:Start><t:End>2026-07-03T12:00:00Z</t:End>"
            f"<t:IsAllDayEvent>true</t:IsAllDayEvent>{BERLIN}"
        )
    )
    assert (read_xml(item, "Start"), read_xml(item, "End")) == ("2026-07-02T22:00:00Z", "2026-07-03T22:00:00Z")


def test_times_follow_the_time_zone_context(ask: Any, read_xml: Read) -> None:
    zone = "Eastern Standard Time"
    item_id = ask.create("<t:Start>2026-03-03T10:00:00</t:Start><t:End>2026-03-03T11:00:00</t:End>", zone=zone)
    assert read_xml(ask.item(item_id), "Start") == "2026-03-03T15:00:00Z"
    item = ask.item(item_id, '<t:FieldURI FieldURI="calendar:StartTimeZone"/>', zone="W. Europe Standard Time")
    assert read_xml(item, "Start") == "2026-03-03T16:00:00+01:00"
    assert item.find(f"{T}StartTimeZone").get("Id") == zone


def test_times_are_whole_seconds(ask: Any, read_xml: Read) -> None:
    item_id = ask.create("<t:Start>2026-03-03T10:00:00.750+02:00</t:Start><t:End>2026-03-03T11:00:00Z</t:End>")
    assert read_xml(ask.item(item_id), "Start") == "2026-03-03T08:00:00Z"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("<t:Start>2026-03-03T10:00:00Z</t:Start><t:End>2026-03-03T09:00:00Z</t:End>", "EndDateIsEarlierThanStartDate"),
        ("<t:Start>2026-03-03T10:00:00Z</t:Start><t:End>2036-03-03T09:00:00Z</t:End>", "DurationIsTooLong"),
    ],
)
def test_impossible_times_are_refused(ask: Any, content: str, code: str) -> None:
    body = f'<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>{content}</t:CalendarItem>'
    assert ask.code(f"{body}</m:Items></m:CreateItem>") == f"ErrorCalendar{code}"


def test_unknown_zones_are_refused(ask: Any) -> None:
    body = f'<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>{TIMES}'
    zone = '<t:StartTimeZone Id="Europe/Berlin"/></t:CalendarItem></m:Items></m:CreateItem>'
    assert ask.code(body + zone) == "ErrorTimeZone"


def test_an_invitation_mode_is_demanded(ask: Any) -> None:
    body = f"<m:CreateItem><m:Items><t:CalendarItem>{TIMES}</t:CalendarItem></m:Items></m:CreateItem>"
    assert ask.code(body) == "ErrorSendMeetingInvitationsRequired"
    item_id = ask.create(TIMES)
    update = update_text(item_id, SUBJECT).replace(' SendMeetingInvitationsOrCancellations="SendToNone"', "")
    assert ask.code(update) == "ErrorSendMeetingInvitationsOrCancellationsRequired"
    delete = f'<m:DeleteItem DeleteType="HardDelete"><m:ItemIds><t:ItemId Id="{item_id.get("Id")}"/></m:ItemIds>'
    assert ask.code(f"{delete}</m:DeleteItem>") == "ErrorSendMeetingCancellationsRequired"


def test_an_update_changes_the_key_and_what_it_names(ask: Any, read_xml: Read) -> None:
    item_id = ask.create(f"<t:Subject>Old</t:Subject>{TIMES}<t:Location>Room</t:Location>")
    delete = '<t:DeleteItemField><t:FieldURI FieldURI="calendar:Location"/></t:DeleteItemField>'
    (message,) = ask(update_text(item_id, SUBJECT + delete))
    fresh = next(message.iter(f"{T}ItemId"))
    assert fresh.get("Id") == item_id.get("Id")
    assert fresh.get("ChangeKey") != item_id.get("ChangeKey")
    item = ask.item(item_id)
    assert read_xml(item, "Subject") == "Changed"
    assert item.find(f"{T}Location") is None


@pytest.mark.parametrize(
    ("mode", "key", "code"),
    [
        ("NeverOverwrite", None, "ErrorIrresolvableConflict"),
        ("AutoResolve", None, "NoError"),
        ("AlwaysOverwrite", None, "NoError"),
        ("AutoResolve", "", "ErrorChangeKeyRequired"),
        ("NeverOverwrite", "", "ErrorChangeKeyRequired"),
        ("AlwaysOverwrite", "", "NoError"),
        ("AutoResolve", "####", "ErrorInvalidChangeKey"),
    ],
)
def test_a_stale_key_is_a_conflict_or_not(ask: Any, mode: str, key: str | None, code: str) -> None:
    item_id = ask.create(TIMES)
    ask(update_text(item_id, SUBJECT))
    assert ask.code(update_text(item_id, SUBJECT, mode, key)) == code


def test_changes_of_one_call_are_applied_one_by_one_and_not_undone(ask: Any, read_xml: Read) -> None:
    first, second, third = (ask.create(TIMES) for _ in range(3))
    changes = "".join(
        f'<t:ItemChange><t:ItemId Id="{item.get("Id")}" ChangeKey="{key}"/>'
        f"<t:Updates>{SUBJECT}</t:Updates></t:ItemChange>"
        for item, key in (
            (first, first.get("ChangeKey")),
            (second, first.get("ChangeKey")),
            (third, third.get("ChangeKey")),
        )
    )
    messages = ask(
        '<m:UpdateItem ConflictResolution="NeverOverwrite" SendMeetingInvitationsOrCancellations="SendToNone">'
        f"<m:ItemChanges>{changes}</m:ItemChanges></m:UpdateItem>"
    )
    assert [message.get("ResponseClass") for message in messages] == ["Success", "Error", "Success"]
    assert [read_xml(ask.item(item), "Subject") for item in (first, second, third)] == ["Changed", None, "Changed"]


def test_the_changes_of_one_item_are_made_together_or_not(ask: Any, read_xml: Read) -> None:
    item_id = ask.create(f"<t:Subject>Old</t:Subject>{TIMES}")
    bad = set_text("calendar:End", "<t:End>2026-03-01T00:00:00Z</t:End>")
    assert ask.code(update_text(item_id, SUBJECT + bad)) == "ErrorCalendarEndDateIsEarlierThanStartDate"
    item = ask.item(item_id)
    assert read_xml(item, "Subject") == "Old"
    assert item.find(f"{T}ItemId").get("ChangeKey") == item_id.get("ChangeKey")


def test_the_uid_stays(ask: Any) -> None:
    item_id = ask.create(f"<t:UID>one</t:UID>{TIMES}")
    assert ask.code(update_text(item_id, set_text("calendar:UID", "<t:UID>two</t:UID>"))) == "ErrorInvalidPropertySet"
    assert ask.code(update_text(item_id, set_text("calendar:UID", "<t:UID>one</t:UID>"))) == "NoError"


def test_extended_properties_are_kept_and_survive_a_move(ask: Any, sim: Simulator, read_xml: Read) -> None:
    content = f"<t:ExtendedProperty>{NAME}<t:Value>x.ics</t:Value></t:ExtendedProperty>"
    item_id = ask.create(f"{content}<t:UID>u1</t:UID>{TIMES}")
    target = sim.folder("anna@example.com", "Projects").id
    (message,) = ask(
        f'<m:MoveItem><m:ToFolderId><t:FolderId Id="{target}"/></m:ToFolderId>'
        f'<m:ItemIds><t:ItemId Id="{item_id.get("Id")}"/></m:ItemIds></m:MoveItem>'
    )
    moved = next(message.iter(f"{T}ItemId"))
    assert moved.get("Id") != item_id.get("Id")
    item = ask.item(moved, NAME)
    assert read_xml(item, "ExtendedProperty/Value") == "x.ics"
    assert item.find(f"{T}ExtendedProperty/{T}ExtendedFieldURI").get("PropertyName") == "Name"
    assert read_xml(item, "UID") == "u1"
    gone = f'<m:ItemIds><t:ItemId Id="{item_id.get("Id")}"/></m:ItemIds></m:GetItem>'
    shape = "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
    assert ask.code(shape + gone) == "ErrorItemNotFound"


def test_extended_properties_of_every_kind(ask: Any) -> None:
    kinds = {
        "Integer": ("7", "7"),
        "Boolean": ("1", "true"),
        "Binary": ("AAEC", "AAEC"),
        "SystemTime": ("2026-03-03T10:00:00+01:00", "2026-03-03T09:00:00Z"),
        "Double": ("1.50", "1.5"),
    }
    uris = {k: f'<t:ExtendedFieldURI PropertySetId="{GUID}" PropertyName="{k}" PropertyType="{k}"/>' for k in kinds}
    listed = f'<t:ExtendedFieldURI PropertySetId="{GUID}" PropertyId="0x10f3" PropertyType="StringArray"/>'
    content = "".join(
        f"<t:ExtendedProperty>{uris[k]}<t:Value>{given}</t:Value></t:ExtendedProperty>"
        for k, (given, _) in kinds.items()
    )
    several = "<t:Values><t:Value>a</t:Value><t:Value>b</t:Value></t:Values>"
    listed_by_number = listed.replace("0x10f3", "4339")
    item_id = ask.create(f"{content}<t:ExtendedProperty>{listed_by_number}{several}</t:ExtendedProperty>{TIMES}")
    item = ask.item(item_id, "".join(uris.values()) + listed_by_number)
    found = ["|".join(v.text for v in p.iter(f"{T}Value")) for p in item.iter(f"{T}ExtendedProperty")]
    assert found == [told for _, told in kinds.values()] + ["a|b"]


def test_the_global_object_id_holds_the_uid(ask: Any, read_xml: Read) -> None:
    item = ask.item(ask.create(f"<t:UID>abc</t:UID>{TIMES}"), CLEAN)
    value = read_xml(item, "ExtendedProperty/Value") or ""
    (message,) = ask(
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:Restriction>'
        f'<t:IsEqualTo>{CLEAN}<t:FieldURIOrConstant><t:Constant Value="{value}"/></t:FieldURIOrConstant></t:IsEqualTo>'
        '</m:Restriction><m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>'
    )
    assert next(message.iter(f"{T}ItemId")).get("Id") == item.find(f"{T}ItemId").get("Id")


def test_attendees_make_a_meeting_and_mail_goes_out_only_when_asked(ask: Any, sim: Simulator, read_xml: Read) -> None:
    who = "<t:Attendee><t:Mailbox><t:EmailAddress>bob@example.com</t:EmailAddress></t:Mailbox></t:Attendee>"
    content = f"<t:Subject>Meet</t:Subject>{TIMES}<t:RequiredAttendees>{who}</t:RequiredAttendees>"
    item = ask.item(ask.create(content))
    assert read_xml(item, "IsMeeting") == "true"
    assert read_xml(item, "RequiredAttendees/Attendee/Mailbox/Name") == "Bob Stone"
    assert sim.outbox == []
    text = f"<t:CalendarItem>{content}</t:CalendarItem></m:Items></m:CreateItem>"
    ask(f'<m:CreateItem SendMeetingInvitations="SendToAllAndSaveCopy"><m:Items>{text}')
    assert [(mail.kind, mail.recipients) for mail in sim.outbox] == [("request", ("bob@example.com",))]


def test_a_body_is_given_in_the_type_asked_for(ask: Any) -> None:
    item_id = ask.create(
        f'<t:Body BodyType="HTML">&lt;p&gt;one&lt;/p&gt;&lt;p&gt;two &amp;amp;&lt;/p&gt;</t:Body>{TIMES}'
    )
    text = (
        "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:BodyType>Text</t:BodyType></m:ItemShape>"
        f'<m:ItemIds><t:ItemId Id="{item_id.get("Id")}"/></m:ItemIds></m:GetItem>'
    )
    (message,) = ask(text)
    body = next(message.iter(f"{T}Body"))
    assert (body.get("BodyType"), body.text) == ("Text", "one\r\n\r\ntwo &\r\n")
    best = ask.item(item_id).find(f"{T}Body")
    assert best.get("BodyType") == "HTML"
    assert "<body>\r\n<p>one</p><p>two &amp;</p>\r\n</body>" in best.text


def test_deleting(ask: Any, sim: Simulator) -> None:
    item_id = ask.create(TIMES)
    delete = '<m:DeleteItem DeleteType="{}" SendMeetingCancellations="SendToNone"><m:ItemIds><t:ItemId Id="{}"/>'
    moved = delete.format("MoveToDeletedItems", item_id.get("Id")) + "</m:ItemIds></m:DeleteItem>"
    assert ask.code(moved) == "NoError"
    assert ask.code(moved) == "ErrorItemNotFound"
    kept = sim.store.distinguished(sim.person("anna@example.com").mailbox, "deleteditems")
    assert len(list(sim.store.items_in(kept))) == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("<t:IsRecurring>true</t:IsRecurring>", "ErrorInvalidPropertySet"),
        ("<t:Nonsense>1</t:Nonsense>", "ErrorSchemaValidation"),
        ("<t:LegacyFreeBusyStatus>Sleeping</t:LegacyFreeBusyStatus>", "ErrorSchemaValidation"),
    ],
)
def test_what_cannot_be_written_is_refused(
    ask: Any, monkeypatch: pytest.MonkeyPatch, sim: Simulator, content: str, code: str
) -> None:
    monkeypatch.setattr(sim.service, "schemas", None)  # the item table alone must refuse it
    body = f'<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>{content}</t:CalendarItem>'
    assert ask.code(f"{body}</m:Items></m:CreateItem>") == code


def test_a_fault_comes_before_anything_is_written(ask: Any, sim: Simulator, read_xml: Read) -> None:
    old = f"<t:InReplyTo>x</t:InReplyTo>{TIMES}"  # not simulated
    both = f"<t:CalendarItem>{TIMES}</t:CalendarItem><t:CalendarItem>{old}</t:CalendarItem>"
    text = f'<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items>{both}</m:Items></m:CreateItem>'
    assert ask.post(text).status_code == 500
    assert sim.events("anna@example.com") == []
    first, second = ask.create(TIMES), ask.create(TIMES)
    attachment = set_text("calendar:ConferenceType", "<t:ConferenceType>9</t:ConferenceType>")
    changes = "".join(
        f'<t:ItemChange><t:ItemId Id="{item.get("Id")}"/><t:Updates>{updates}</t:Updates></t:ItemChange>'
        for item, updates in ((first, SUBJECT), (second, attachment))
    )
    answer = ask.post(
        '<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToNone">'
        f"<m:ItemChanges>{changes}</m:ItemChanges></m:UpdateItem>"
    )
    assert answer.status_code == 500
    assert read_xml(ask.item(first), "Subject") is None


def test_ids_that_differ_in_case_only_do_occur(ask: Any, sim: Simulator) -> None:
    assert ask
    made = [sim.add_event("anna@example.com", start=f, end=f).id for f in [sim.store.clock()] * 300]
    assert len({item_id.lower() for item_id in made}) < len(set(made)) == 300
