"""What a server of each year does not know yet, and what 2007 had instead of it."""

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from bridge.simulator import Simulator

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
OLD = "Exchange2007_SP1"
TIMES = "<t:Start>2026-03-28T09:00:00Z</t:Start><t:End>2026-03-28T10:00:00Z</t:End>"
DAILY = (
    "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence>"
    "<t:StartDate>2026-03-28</t:StartDate><t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence>"
    "</t:Recurrence>"
)
WEEKLY = (
    "<t:Recurrence><t:WeeklyRecurrence><t:Interval>2</t:Interval><t:DaysOfWeek>Saturday</t:DaysOfWeek>"
    "<t:FirstDayOfWeek>Monday</t:FirstDayOfWeek></t:WeeklyRecurrence><t:NoEndRecurrence>"
    "<t:StartDate>2026-03-28</t:StartDate></t:NoEndRecurrence></t:Recurrence>"
)
CREATE = (
    '<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>{}</t:CalendarItem></m:Items>'
    "</m:CreateItem>"
)
INLINE = (
    "<t:Attachments><t:FileAttachment><t:Name>a</t:Name><t:IsInline>true</t:IsInline><t:Content>QQ==</t:Content>"
    "</t:FileAttachment></t:Attachments>"
)
BERLIN = (
    '<t:MeetingTimeZone TimeZoneName="Ours"><t:BaseOffset>-PT60M</t:BaseOffset><t:Standard><t:Offset>PT0M</t:Offset>'
    "<t:RelativeYearlyRecurrence><t:DaysOfWeek>Sunday</t:DaysOfWeek><t:DayOfWeekIndex>Last</t:DayOfWeekIndex>"
    "<t:Month>October</t:Month></t:RelativeYearlyRecurrence><t:Time>03:00:00</t:Time></t:Standard><t:Daylight>"
    "<t:Offset>-PT60M</t:Offset><t:RelativeYearlyRecurrence><t:DaysOfWeek>Sunday</t:DaysOfWeek>"
    "<t:DayOfWeekIndex>Last</t:DayOfWeekIndex><t:Month>March</t:Month></t:RelativeYearlyRecurrence>"
    "<t:Time>02:00:00</t:Time></t:Daylight></t:MeetingTimeZone>"
)
NAMED = '<t:MeetingTimeZone TimeZoneName="W. Europe Standard Time"/>'
VIEW = (
    '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:CalendarView '
    'StartDate="2026-03-01T00:00:00Z" EndDate="2026-05-01T00:00:00Z"/><m:ParentFolderIds>'
    '<t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>'
)
FOLDER = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
    '<m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>'
)
Make = Callable[..., Any]


@pytest.fixture
def old(make_sim: Callable[..., Simulator], make_ask: Make) -> Any:
    """Give an asker of a 2007 SP1."""
    return make_ask(make_sim("2007"), OLD)


def by_path(path: str, item: Any) -> str:
    return (
        "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
        f'<t:FieldURI FieldURI="{path}"/></t:AdditionalProperties></m:ItemShape><m:ItemIds>'
        f'<t:ItemId Id="{item.get("Id")}"/></m:ItemIds></m:GetItem>'
    )


@pytest.mark.parametrize(
    "content",
    [
        f'{TIMES}<t:StartTimeZone Id="UTC"/>',
        f'{TIMES}<t:EndTimeZone Id="UTC"/>',
        f"{TIMES}<t:LegacyFreeBusyStatus>WorkingElsewhere</t:LegacyFreeBusyStatus>",
        f"{TIMES}{WEEKLY}",
        f"{INLINE}{TIMES}",
    ],
    ids=["StartTimeZone", "EndTimeZone", "WorkingElsewhere", "FirstDayOfWeek", "IsInline"],
)
def test_2007_is_written_nothing_that_came_later(old: Any, content: str) -> None:
    assert old.code(CREATE.format(content)) == "ErrorSchemaValidation"


@pytest.mark.parametrize(
    "path",
    [
        *("calendar:StartTimeZone", "calendar:EndTimeZone", "calendar:IsOrganizer", "calendar:StartTimeZoneId"),
        *("calendar:EnhancedLocation", "item:TextBody", "item:IsAssociated", "item:UniqueBody"),
    ],
)
def test_2007_is_asked_for_nothing_that_came_later(old: Any, path: str) -> None:
    assert old.code(by_path(path, old.create(TIMES))) == "ErrorSchemaValidation"


@pytest.mark.parametrize(
    "text",
    [
        '<m:GetServerTimeZones ReturnFullTimeZoneData="true"/>',
        "<m:GetRoomLists/>",
        "<m:GetRooms><m:RoomList><t:EmailAddress>r@example.com</t:EmailAddress></m:RoomList></m:GetRooms>",
        by_path("item:Subject", {"Id": "x"}).replace(
            "</t:BaseShape>", "</t:BaseShape><t:FilterHtmlContent>true</t:FilterHtmlContent>"
        ),
        by_path("item:Subject", {"Id": "x"}).replace(
            "</t:BaseShape>", "</t:BaseShape><t:NormalizedBodyType>Text</t:NormalizedBodyType>"
        ),
    ],
    ids=["GetServerTimeZones", "GetRoomLists", "GetRooms", "FilterHtmlContent", "NormalizedBodyType"],
)
def test_2007_knows_no_later_operations_and_elements(old: Any, text: str) -> None:
    assert old.code(text) == "ErrorSchemaValidation"


def test_2007_gets_its_files_one_by_one_after_the_item(old: Any) -> None:
    files = INLINE.replace("<t:IsInline>true</t:IsInline>", "")
    assert old.code(CREATE.format(f"{files}{TIMES}")) == "ErrorInvalidPropertySet"
    item = old.create(TIMES)
    inside = f'<m:ParentItemId Id="{item.get("Id")}"/>{files.replace("t:Attachments", "m:Attachments")}'
    assert old.code(f"<m:CreateAttachment>{inside}</m:CreateAttachment>") == "NoError"


def test_2007_knows_no_context(old: Any) -> None:
    assert old.code(FOLDER, zone="UTC") == "ErrorSchemaValidation"
    assert old.code(FOLDER) == "NoError"
    assert old.code(FOLDER, version="Exchange2010") == "ErrorInvalidServerVersion"


@pytest.mark.parametrize(("zone", "name"), [(NAMED, "W. Europe Standard Time"), (BERLIN, "Ours")])
def test_a_series_of_2007_keeps_the_clock_of_its_meeting_time_zone(old: Any, zone: str, name: str) -> None:
    item = old.create(f"{TIMES}{DAILY}{zone}")
    (message,) = old(VIEW)
    starts = [element.text for element in message.iter(f"{T}Start")]
    assert starts == ["2026-03-28T09:00:00Z", "2026-03-29T08:00:00Z", "2026-03-30T08:00:00Z"]
    told = old.item(item).find(f"{T}MeetingTimeZone")
    assert (told.get("TimeZoneName"), told.findtext(f"{T}BaseOffset")) == (name, "-PT1H")
    change = told.find(f"{T}Daylight")
    yearly = {etree.QName(e).localname: e.text for e in change.find(f"{T}RelativeYearlyRecurrence")}
    assert yearly == {"DaysOfWeek": "Sunday", "DayOfWeekIndex": "Last", "Month": "March"}
    assert (change.findtext(f"{T}Offset"), change.findtext(f"{T}Time")) == ("-PT1H", "02:00:00")
    assert told.findtext(f"{T}Standard/{T}Offset") == "PT0S"


def test_a_meeting_time_zone_can_be_changed(old: Any) -> None:
    item = old.create(f"{TIMES}{DAILY}")
    assert old.item(item).find(f"{T}MeetingTimeZone").get("TimeZoneName") == "UTC"
    old(
        '<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToNone">'
        f'<m:ItemChanges><t:ItemChange><t:ItemId Id="{item.get("Id")}"/><t:Updates><t:SetItemField>'
        f'<t:FieldURI FieldURI="calendar:MeetingTimeZone"/><t:CalendarItem>{NAMED}</t:CalendarItem></t:SetItemField>'
        "</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )
    assert old.item(item).find(f"{T}MeetingTimeZone").get("TimeZoneName") == "W. Europe Standard Time"


@pytest.mark.parametrize(
    ("zone", "code"),
    [
        ('<t:MeetingTimeZone TimeZoneName="Nowhere Time"/>', "ErrorTimeZone"),
        ("<t:MeetingTimeZone/>", "ErrorTimeZone"),
        (BERLIN.replace("PT0M", "x"), "ErrorSchemaValidation"),
    ],
)
@pytest.mark.schemas
def test_meeting_time_zones_that_are_none(old: Any, zone: str, code: str) -> None:
    assert old.code(CREATE.format(f"{TIMES}{zone}")) == code


def test_later_servers_take_a_meeting_time_zone_and_tell_it_to_old_requests(ask: Any) -> None:
    item = ask.create(f"{TIMES}{NAMED}", version=OLD)
    uri = '<t:FieldURI FieldURI="calendar:StartTimeZone"/>'
    new = ask.item(item, uri)
    assert new.find(f"{T}StartTimeZone").get("Id") == "W. Europe Standard Time"
    assert new.find(f"{T}MeetingTimeZone") is None
    assert ask.item(item, version=OLD).find(f"{T}MeetingTimeZone").get("TimeZoneName") == "W. Europe Standard Time"
    assert ask.code(CREATE.format(f'{TIMES}{NAMED}<t:StartTimeZone Id="UTC"/>')) == "ErrorInvalidPropertySet"


def test_2007_tells_what_can_be_answered(old: Any) -> None:
    item = old.item(old.create(TIMES))
    assert [etree.QName(e).localname for e in item.find(f"{T}ResponseObjects")] == ["ForwardItem"]
    assert item.find(f"{T}IsAssociated") is None


@pytest.mark.parametrize("path", ["calendar:InboxReminders", "calendar:DoNotForwardMeeting", "item:Mentions"])
def test_2013_knows_nothing_of_2016(make_sim: Callable[..., Simulator], make_ask: Make, path: str) -> None:
    ask = make_ask(make_sim("2013"), "Exchange2013_SP1")
    item = ask.create(TIMES)
    assert ask.code(by_path(path, item)) == "ErrorSchemaValidation"
    assert ask.code(by_path("calendar:IsOrganizer", item)) == "NoError"
    assert ask.code(FOLDER, version="Exchange2016") == "ErrorInvalidServerVersion"


@pytest.mark.parametrize(("personality", "code"), [("2013", "ErrorSchemaValidation"), ("2019", "NoError")])
def test_attendees_propose_times_since_2016(
    make_sim: Callable[..., Simulator], make_ask: Make, personality: str, code: str
) -> None:
    ask = make_ask(make_sim(personality), "Exchange2013_SP1")
    invited = (
        "<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>bob@example.com</t:EmailAddress></t:Mailbox>"
        "<t:ProposedStart>2026-03-28T11:00:00Z</t:ProposedStart></t:Attendee></t:RequiredAttendees>"
    )
    assert ask.code(CREATE.format(f"{TIMES}{invited}")) == code


@pytest.mark.parametrize(
    ("personality", "code"), [("2010", "ErrorSchemaValidation"), ("2013", "NoError"), ("2019", "NoError")]
)
def test_2010_knows_nothing_of_2013(
    make_sim: Callable[..., Simulator], make_ask: Make, personality: str, code: str
) -> None:
    ask = make_ask(make_sim(personality), "Exchange2010_SP2" if personality == "2010" else "Exchange2013_SP1")
    elsewhere = "<t:LegacyFreeBusyStatus>WorkingElsewhere</t:LegacyFreeBusyStatus>"
    assert ask.code(CREATE.format(f"{TIMES}{elsewhere}")) == code
    item = ask.create(TIMES)
    for path in ("item:TextBody", "calendar:JoinOnlineMeetingUrl", "calendar:IsOrganizer"):
        assert ask.code(by_path(path, item)) == code
    shape = "</t:BaseShape><t:MaximumBodySize>9</t:MaximumBodySize>"
    assert ask.code(by_path("item:Subject", item).replace("</t:BaseShape>", shape)) == code
