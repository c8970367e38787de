"""FindItem and FindFolder: pages, views, restrictions, shapes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from bridge.simulator import CalendarPlan, PersonPlan, Simulator

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
CALENDAR = '<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds>'


def find_text(view: str, base: str = "IdOnly", paths: str = "", folder: str = CALENDAR) -> str:
    more = f"<t:AdditionalProperties>{paths}</t:AdditionalProperties>" if paths else ""
    return (
        f'<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>{base}</t:BaseShape>{more}</m:ItemShape>'
        f"{view}{folder}</m:FindItem>"
    )


def view_text(start: str, end: str, most: str = "") -> str:
    return f'<m:CalendarView {most} StartDate="{start}" EndDate="{end}"/>'


@pytest.fixture
def week(sim: Simulator) -> Simulator:
    for day in range(1, 8):
        start = datetime(2026, 3, day, 12, tzinfo=UTC)
        sim.add_event("anna@example.com", subject=f"Day {day}", start=start, end=start + timedelta(hours=2))
    return sim


def subjects(message: Any) -> list[str]:
    return [element.text for element in message.iter(f"{T}Subject")]


def test_a_view_holds_what_overlaps_it(ask: Any, week: Simulator) -> None:
    assert week.events("anna@example.com")
    view = view_text("2026-03-02T14:00:00Z", "2026-03-04T12:00:00Z")
    (message,) = ask(find_text(view, paths='<t:FieldURI FieldURI="item:Subject"/>'))
    assert subjects(message) == ["Day 3"]  # Day 2 ends when it begins, Day 4 begins when it ends
    root = message.find(f"{M}RootFolder")
    assert dict(root.attrib) == {"TotalItemsInView": "1", "IncludesLastItemInRange": "true"}


@pytest.mark.usefixtures("week")
def test_a_view_that_holds_too_much_is_cut_when_asked(ask: Any) -> None:
    view = view_text("2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z", 'MaxEntriesReturned="3"')
    (message,) = ask(find_text(view, paths='<t:FieldURI FieldURI="item:Subject"/>'))
    assert subjects(message) == ["Day 1", "Day 2", "Day 3"]
    assert message.find(f"{M}RootFolder").get("IncludesLastItemInRange") == "false"


def test_views_have_their_limits(ask: Any, make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]) -> None:
    assert (
        ask.code(find_text(view_text("2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z"))) == "ErrorCalendarViewRangeTooBig"
    )
    backwards = find_text(view_text("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"))
    assert ask.code(backwards) == "ErrorCalendarEndDateIsEarlierThanStartDate"
    inbox = CALENDAR.replace("calendar", "inbox")
    wrong = find_text(view_text("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"), folder=inbox)
    assert ask.code(wrong) == "ErrorCalendarFolderIsInvalidForCalendarView"
    start = datetime(2026, 3, 3, 12, tzinfo=UTC)
    many = [{"Subject": "x", "Start": start, "End": start}] * 1001
    full = make_sim(
        people=(PersonPlan("Anna", "anna@example.com", "anna-password", calendars=(CalendarPlan("C", {}, many),)),)
    )
    crowded = view_text("2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z")
    assert make_ask(full).code(find_text(crowded)) == "ErrorExceededFindCountLimit"


@pytest.mark.usefixtures("week")
def test_pages_follow_one_another(ask: Any) -> None:
    found, offset = [], 0
    while True:
        view = f'<m:IndexedPageItemView MaxEntriesReturned="3" Offset="{offset}" BasePoint="Beginning"/>'
        (message,) = ask(find_text(view, paths='<t:FieldURI FieldURI="item:Subject"/>'))
        found.append(subjects(message))
        root = message.find(f"{M}RootFolder")
        assert root.get("TotalItemsInView") == "7"
        if root.get("IncludesLastItemInRange") == "true":
            assert root.get("IndexedPagingOffset") is None
            break
        offset = int(root.get("IndexedPagingOffset"))
    assert [len(page) for page in found] == [3, 3, 1]
    assert sorted(sum(found, [])) == [f"Day {n}" for n in range(1, 8)]  # noqa: RUF017 - three short lists


def test_what_find_item_does_not_give(ask: Any) -> None:
    who = "<t:Attendee><t:Mailbox><t:EmailAddress>bob@example.com</t:EmailAddress></t:Mailbox></t:Attendee>"
    ask.create(
        '<t:Body BodyType="Text">secret</t:Body><t:Start>2026-03-03T10:00:00Z</t:Start>'
        f"<t:End>2026-03-03T11:00:00Z</t:End><t:RequiredAttendees>{who}</t:RequiredAttendees>"
    )
    paths = "".join(f'<t:FieldURI FieldURI="{p}"/>' for p in ("item:Body", "calendar:RequiredAttendees"))
    (message,) = ask(find_text("", "AllProperties", paths))
    names = {etree.QName(child).localname for child in next(message.iter(f"{T}CalendarItem"))}
    assert not names & {"Body", "RequiredAttendees"}
    assert next(message.iter(f"{T}RoutingType")).text == "EX"


def test_a_uid_cannot_be_searched_for(ask: Any) -> None:
    restriction = (
        '<m:Restriction><t:IsEqualTo><t:FieldURI FieldURI="calendar:UID"/><t:FieldURIOrConstant>'
        '<t:Constant Value="x"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>'
    )
    assert ask.code(find_text(restriction)) == "ErrorUnsupportedPathForQuery"


@pytest.mark.usefixtures("week")
def test_restrictions_combine(ask: Any) -> None:
    constant = "<t:FieldURIOrConstant><t:Constant Value='2026-03-05T00:00:00Z'/></t:FieldURIOrConstant>"
    contains = (
        '<t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase">'
        '<t:FieldURI FieldURI="item:Subject"/><t:Constant Value="day"/></t:Contains>'
    )
    later = f'<t:IsGreaterThan><t:FieldURI FieldURI="calendar:Start"/>{constant}</t:IsGreaterThan>'
    one = (
        '<t:IsEqualTo><t:FieldURI FieldURI="item:Subject"/><t:FieldURIOrConstant><t:Constant Value="Day 6"/>'
        "</t:FieldURIOrConstant></t:IsEqualTo>"
    )
    text = f"<m:Restriction><t:And>{contains}<t:And>{later}<t:Not>{one}</t:Not></t:And></t:And></m:Restriction>"
    (message,) = ask(find_text(text, paths='<t:FieldURI FieldURI="item:Subject"/>'))
    assert sorted(subjects(message)) == ["Day 5", "Day 7"]


@pytest.mark.usefixtures("week")
def test_the_caller_chooses_the_order(ask: Any) -> None:
    order = '<t:FieldOrder Order="Descending"><t:FieldURI FieldURI="calendar:Start"/></t:FieldOrder>'
    (message,) = ask(find_text(f"<m:SortOrder>{order}</m:SortOrder>", paths='<t:FieldURI FieldURI="item:Subject"/>'))
    assert subjects(message) == [f"Day {n}" for n in range(7, 0, -1)]


def test_calendars_are_found_by_class(ask: Any) -> None:
    text = (
        '<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>'
        '<m:Restriction><t:IsEqualTo><t:FieldURI FieldURI="folder:FolderClass"/><t:FieldURIOrConstant>'
        '<t:Constant Value="IPF.Appointment"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>'
        '<m:ParentFolderIds><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderIds></m:FindFolder>'
    )
    (message,) = ask(text)
    assert [element.text for element in message.iter(f"{T}DisplayName")] == ["Calendar", "Projects"]
    shallow = ask(text.replace("Deep", "Shallow"))
    assert [element.text for element in shallow[0].iter(f"{T}DisplayName")] == ["Calendar"]
