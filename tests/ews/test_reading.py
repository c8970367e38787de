"""Reading items: what real servers sent, and what others send in its place."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from bridge.ews.folders import from_folder, is_calendar
from bridge.ews.reading import CALENDAR_ITEM, from_item, from_outline
from bridge.ews.xml import TYPES, Element, from_boolean, from_instant
from bridge.item import (
    AttachmentId,
    AttachmentRef,
    AttendeeRole,
    BusyStatus,
    Item,
    ItemKind,
    Outline,
    Person,
    Response,
    Uid,
    Zone,
)


def _element(inside: str) -> Element:
    return etree.fromstring(f'<t:CalendarItem xmlns:t="{TYPES}">{inside}</t:CalendarItem>')


def _item(inside: str = "") -> Item:
    return from_item(
        _element(
            '<t:ItemId Id="Id" ChangeKey="Key"/><t:UID>u</t:UID><t:Start>2026-01-01T10:00:00Z</t:Start>'
            f"<t:End>2026-01-01T11:00:00Z</t:End>{inside}"
        )
    )


# --- recordings --------------------------------------------------------------------------------------


def _recorded(root: Path, *parts: str) -> list[Element]:
    return list(etree.parse(root.joinpath("recordings", *parts)).iter(CALENDAR_ITEM))


@pytest.mark.recordings
def test_an_appointment_of_exchange_online_is_read(schemas_root: Path) -> None:
    (element,) = _recorded(schemas_root, "GetItemResponse", "CalendarTest.testGetCalendarItem-4.xml")
    item = from_item(element)
    assert item.content.subject == "Test Get Item 2"
    assert item.content.start == datetime(2015, 7, 1, 8, tzinfo=UTC)
    assert item.content.end == datetime(2015, 7, 1, 9, tzinfo=UTC)
    assert item.content.reminder_minutes == 15
    assert item.content.uid.startswith("040000008200E00074C5B7101A82E008")
    assert item.kind is ItemKind.SINGLE
    assert item.my_response is Response.ORGANIZER
    assert item.organizer == Person("garethp@garethp2.onmicrosoft.com", "Gareth Parker")
    assert item.created == item.modified == datetime(2020, 9, 10, 14, 15, 14, tzinfo=UTC)


@pytest.mark.recordings
def test_a_series_of_exchange_2019_is_read_as_a_master(schemas_root: Path) -> None:
    (element,) = _recorded(schemas_root, "GetItemResponse", "CalendarTest.testRecurringEventSupport-4.xml")
    item = from_item(element)
    assert (item.kind, item.content.location) == (ItemKind.MASTER, "Conference Room A")


@pytest.mark.recordings
def test_a_series_of_exchange_2010_is_read_with_its_zone_and_offsets(schemas_root: Path) -> None:
    (element,) = _recorded(schemas_root, "Exchange2010", "GetItem-RecurringMaster-14.3.123-full-timezone.xml")
    item = from_item(element)
    told = element.findtext(f"{{{TYPES}}}Start")
    assert told is not None
    assert not told.endswith("Z")
    assert item.content.start == datetime.fromisoformat(told)
    assert item.content.start_zone.definition is None
    assert item.content.start_zone.id == "W. Europe Standard Time"


@pytest.mark.recordings
def test_every_recorded_calendar_item_is_read(schemas_root: Path) -> None:
    read = 0
    for path in sorted(schemas_root.joinpath("recordings").rglob("*.xml")):
        for element in etree.parse(path).iter(CALENDAR_ITEM):
            if element.find(f"{{{TYPES}}}Start") is not None:
                from_item(element)
                read += 1
            else:
                from_outline(element)
    assert read >= 20


@pytest.mark.recordings
def test_the_calendars_of_a_real_mailbox_are_told_apart_from_its_other_folders(schemas_root: Path) -> None:
    names = {"testGetCalendarItem-0", "testPickCalendar-0"}
    seen: dict[str, bool] = {}
    for name in names:
        tree = etree.parse(schemas_root / "recordings" / "FindFolderResponse" / f"CalendarTest.{name}.xml")
        for folders in tree.iter(f"{{{TYPES}}}Folders"):
            for folder in folders:
                read = from_folder(folder)
                assert read.rights.read
                seen[read.display_name] = is_calendar(folder)
    assert seen["Birthdays"]
    assert seen["United States holidays"]


# --- read liberally ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T10:00:00Z",
        "2026-01-01T10:00:00.999999999Z",
        "2026-01-01T10:00:00.1234567Z",
        "2026-01-01T11:00:00+01:00",
        "2026-01-01T11:00:00+0100",
        "2026-01-01T05:30:00-04:30",
        "2026-01-01T10:00:00",
        " 2026-01-01T10:00:00Z ",
    ],
)
def test_an_instant_is_read_in_every_form(text: str) -> None:
    assert from_instant(text) == datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", None, "yesterday", "2026-13-01T10:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_instant_is_said_to_be_none(text: str | None) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the kind is all that callers use
        from_instant(text)


def test_a_boolean_is_a_word_or_a_digit() -> None:
    assert [from_boolean(text) for text in ("true", "1", " True ", "false", "0", "", None)] == [True] * 3 + [False] * 4


def test_what_is_left_out_has_its_default() -> None:
    item = _item()
    assert item.content.subject == item.content.body == item.content.location == ""
    assert item.content.start_zone == item.content.end_zone == Zone("UTC")
    assert item.content.busy_status is BusyStatus.BUSY
    assert item.content.reminder_minutes is None
    assert item.content.attendees == ()


def test_of_what_is_there_twice_the_first_counts() -> None:
    item = _item(
        "<t:Subject>first</t:Subject><t:Subject>second</t:Subject>"
        "<t:IsAllDayEvent>1</t:IsAllDayEvent><t:IsAllDayEvent>false</t:IsAllDayEvent>"
    )
    assert (item.content.subject, item.content.is_all_day) == ("first", True)


def test_line_ends_of_a_body_are_line_feeds() -> None:
    item = _item('<t:Body BodyType="Text">a&#xD;\nb&#xD;c\r\nd</t:Body>')
    assert item.content.body == "a\nb\nc\nd"


def _plain(text: str) -> str:
    uri = '<t:ExtendedFieldURI PropertyTag="0x1000" PropertyType="String"/>'
    return f"<t:ExtendedProperty>{uri}<t:Value>{text}</t:Value></t:ExtendedProperty>"


FORMATTED = '<t:Body BodyType="HTML">&lt;p&gt;One&lt;/p&gt;&#xD;\n&lt;p&gt;Two&lt;/p&gt;</t:Body>'


@pytest.mark.parametrize(
    ("beside", "plain"),
    [
        ('<t:TextBody BodyType="Text">One&#xD;\nTwo as told</t:TextBody>', "One\nTwo as told"),
        (_plain("One&#xD;\nTwo as told"), "One\nTwo as told"),
        ("", "One\n\nTwo"),
        ('<t:TextBody BodyType="Text"/>', "One\n\nTwo"),
    ],
    ids=["TextBody", "PidTagBody", "nothing", "an empty TextBody"],
)
def test_a_formatted_body_comes_with_its_plain_text(beside: str, plain: str) -> None:
    content = _item(FORMATTED + beside).content
    assert content.html == "<p>One</p>\n<p>Two</p>"
    assert content.body == plain


@pytest.mark.parametrize("beside", ["", '<t:TextBody BodyType="Text">a\nb</t:TextBody>', _plain("a\nb")])
def test_a_plain_body_is_plain_whatever_is_beside_it(beside: str) -> None:
    content = _item(f'<t:Body BodyType="Text">a\nb</t:Body>{beside}').content
    assert (content.body, content.html) == ("a\nb", None)


def test_a_formatted_body_that_shows_nothing_is_none() -> None:
    empty = "&lt;html&gt;&lt;body&gt;&lt;p&gt;&amp;nbsp;&lt;/p&gt;&lt;/body&gt;&lt;/html&gt;"
    content = _item(
        f'<t:Body BodyType="HTML">{empty}</t:Body><t:TextBody BodyType="Text"> &#xD;\n</t:TextBody>'
    ).content
    assert (content.body, content.html) == ("", None)
    image = _item('<t:Body BodyType="HTML">&lt;IMG src="cid:x"&gt;</t:Body>').content
    assert (image.body, image.html) == ("", '<IMG src="cid:x">')


def test_files_and_attached_items_are_listed_and_what_cannot_be_fetched_is_not() -> None:
    item = _item(
        '<t:Attachments><t:FileAttachment><t:AttachmentId Id="f1"/><t:Name>a.png</t:Name>'
        "<t:ContentType>image/png</t:ContentType><t:ContentId>img1</t:ContentId><t:Size>4711</t:Size>"
        "<t:IsInline>true</t:IsInline></t:FileAttachment>"
        '<t:ItemAttachment><t:AttachmentId Id="i1"/><t:Name>Re: plan</t:Name><t:Size>nonsense</t:Size>'
        "</t:ItemAttachment>"
        '<t:ReferenceAttachment><t:AttachmentId Id="r1"/><t:Name>link</t:Name></t:ReferenceAttachment>'
        "<t:FileAttachment><t:Name>no id</t:Name></t:FileAttachment></t:Attachments>"
    )
    assert item.attachments == (
        AttachmentRef(AttachmentId("f1"), "a.png", "image/png", 4711, is_inline=True, content_id="img1"),
        AttachmentRef(AttachmentId("i1"), "Re: plan.eml", "message/rfc822"),
    )


def test_where_an_online_meeting_is_joined_is_read() -> None:
    inside = "<t:IsOnlineMeeting>true</t:IsOnlineMeeting><t:JoinOnlineMeetingUrl>https://x.invalid/j</t:JoinOnlineMeetingUrl>"
    assert (_item(inside).is_online_meeting, _item(inside).join_url) == (True, "https://x.invalid/j")
    assert (_item().is_online_meeting, _item().join_url) == (False, "")


def test_the_minutes_of_a_reminder_that_is_off_do_not_count() -> None:
    minutes = "<t:ReminderMinutesBeforeStart>15</t:ReminderMinutesBeforeStart>"
    assert _item(f"<t:ReminderIsSet>false</t:ReminderIsSet>{minutes}").content.reminder_minutes is None
    assert _item(f"<t:ReminderIsSet>1</t:ReminderIsSet>{minutes}").content.reminder_minutes == 15


def test_people_stand_in_the_lists_they_came_in() -> None:
    def people(name: str, address: str, response: str) -> str:
        mailbox = f"<t:Mailbox><t:Name>N</t:Name><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox>"
        return f"<t:{name}><t:Attendee>{mailbox}<t:ResponseType>{response}</t:ResponseType></t:Attendee></t:{name}>"

    item = _item(
        people("RequiredAttendees", "r@x", "Accept")
        + people("OptionalAttendees", "o@x", "Nonsense")
        + people("Resources", "room@x", "Decline")
    )
    assert [(one.role, one.person.address, one.response) for one in item.content.attendees] == [
        (AttendeeRole.REQUIRED, "r@x", Response.ACCEPT),
        (AttendeeRole.OPTIONAL, "o@x", Response.UNKNOWN),
        (AttendeeRole.RESOURCE, "room@x", Response.DECLINE),
    ]


def test_a_property_of_another_set_is_not_ours() -> None:
    def stamped(set_id: str) -> Item:
        uri = f'<t:ExtendedFieldURI PropertySetId="{set_id}" PropertyName="Kept" PropertyType="String"/>'
        return _item(f"<t:ExtendedProperty>{uri}<t:Value>x</t:Value></t:ExtendedProperty>")

    assert stamped("AFCE4E51-EBB0-42A5-A351-4FC8F866B6E5").content.kept == "x"
    assert stamped("00020329-0000-0000-c000-000000000046").content.kept is None


def test_the_id_of_utc_that_windows_writes_is_utc() -> None:
    assert _item('<t:StartTimeZone Id="tzone://Microsoft/Utc" Name="x"/>').content.start_zone == Zone("UTC")


def test_an_item_without_a_uid_gets_one_that_stays() -> None:
    inside = (
        '<t:ItemId Id="{}" ChangeKey="Key"/><t:Start>2026-01-01T10:00:00Z</t:Start><t:End>2026-01-01T11:00:00Z</t:End>'
    )
    one, again, other = (from_item(_element(inside.format(id_))).content.uid for id_ in ("A", "A", "a"))
    assert one == again != other


@pytest.mark.parametrize(
    "inside",
    [
        "<t:Start>2026-01-01T10:00:00Z</t:Start><t:End>2026-01-01T11:00:00Z</t:End>",
        '<t:ItemId Id="a" ChangeKey="b"/><t:End>2026-01-01T11:00:00Z</t:End>',
        '<t:ItemId Id="a" ChangeKey="b"/><t:Start>soon</t:Start><t:End>2026-01-01T11:00:00Z</t:End>',
    ],
)
def test_an_item_without_id_or_times_is_not_made_up(inside: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the kind is all that callers use
        from_item(_element(inside))


def test_an_outline_tells_what_it_can() -> None:
    outline = from_outline(
        _element(
            "<t:UID>u</t:UID><t:Start>2026-01-01T10:00:00Z</t:Start><t:End>never</t:End>"
            "<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus><t:CalendarItemType>RecurringMaster</t:CalendarItemType>"
        )
    )
    start = datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert outline == Outline(Uid("u"), start, None, BusyStatus.OUT_OF_OFFICE, ItemKind.MASTER)
