"""Series over the wire: masters, occurrences, exceptions, deletions, and the errors of each."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from lxml import etree

from bridge.simulator import Simulator

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
ANNA = "anna@example.com"
Read = Callable[[Any, str], str | None]
BERLIN = '<t:StartTimeZone Id="W. Europe Standard Time"/>'
TUESDAYS = "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Tuesday</t:DaysOfWeek></t:WeeklyRecurrence>"
DAILY = "<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>"
MONTHLY_BY_DAY = (
    "<t:AbsoluteMonthlyRecurrence><t:Interval>1</t:Interval><t:DayOfMonth>31</t:DayOfMonth>"
    "</t:AbsoluteMonthlyRecurrence>"
)
MONTHLY_BY_POSITION = (
    "<t:RelativeMonthlyRecurrence><t:Interval>2</t:Interval><t:DaysOfWeek>Weekday</t:DaysOfWeek>"
    "<t:DayOfWeekIndex>Last</t:DayOfWeekIndex></t:RelativeMonthlyRecurrence>"
)
YEARLY_BY_DAY = (
    "<t:AbsoluteYearlyRecurrence><t:DayOfMonth>24</t:DayOfMonth><t:Month>December</t:Month>"
    "</t:AbsoluteYearlyRecurrence>"
)
YEARLY_BY_POSITION = (
    "<t:RelativeYearlyRecurrence><t:DaysOfWeek>Sunday</t:DaysOfWeek><t:DayOfWeekIndex>Second</t:DayOfWeekIndex>"
    "<t:Month>May</t:Month></t:RelativeYearlyRecurrence>"
)
# 3 March 2026 is a Tuesday; the clocks of Berlin change on 29 March
TIMES = "<t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T10:00:00Z</t:End>"
SERIES_PATHS = "".join(
    f'<t:FieldURI FieldURI="calendar:{name}"/>'
    for name in ("Start", "End", "CalendarItemType", "RecurrenceId", "OriginalStart", "IsRecurring", "Location")
)


def ending(count: int = 6, start: str = "2026-03-03") -> str:
    return (
        f"<t:NumberedRecurrence><t:StartDate>{start}</t:StartDate>"
        f"<t:NumberOfOccurrences>{count}</t:NumberOfOccurrences></t:NumberedRecurrence>"
    )


def series_text(pattern: str = TUESDAYS, ends: str = "", times: str = TIMES, zone: str = BERLIN) -> str:
    return f"<t:Subject>Team</t:Subject>{times}<t:Recurrence>{pattern}{ends or ending()}</t:Recurrence>{zone}"


def occurrence(master: Any, index: int, key: str = "") -> str:
    told = f' ChangeKey="{key}"' if key else ""
    return f'<t:OccurrenceItemId RecurringMasterId="{master.get("Id")}"{told} InstanceIndex="{index}"/>'


def item_id(master: Any, key: str = "") -> str:
    told = f' ChangeKey="{key}"' if key else ""
    return f'<t:ItemId Id="{master.get("Id")}"{told}/>'


def get_text(*ids: str, base: str = "AllProperties", paths: str = "") -> str:
    more = f"<t:AdditionalProperties>{paths}</t:AdditionalProperties>" if paths else ""
    return (
        f"<m:GetItem><m:ItemShape><t:BaseShape>{base}</t:BaseShape>{more}</m:ItemShape>"
        f"<m:ItemIds>{''.join(ids)}</m:ItemIds></m:GetItem>"
    )


def update_text(*changes: tuple[str, str], mode: str = "AlwaysOverwrite") -> str:
    told = "".join(f"<t:ItemChange>{named}<t:Updates>{what}</t:Updates></t:ItemChange>" for named, what in changes)
    return (
        f'<m:UpdateItem ConflictResolution="{mode}" SendMeetingInvitationsOrCancellations="SendToNone">'
        f"<m:ItemChanges>{told}</m:ItemChanges></m:UpdateItem>"
    )


def set_text(path: str, content: str) -> str:
    return f'<t:SetItemField><t:FieldURI FieldURI="{path}"/><t:CalendarItem>{content}</t:CalendarItem></t:SetItemField>'


def set_times(start: str, end: str) -> str:
    return set_text("calendar:Start", f"<t:Start>{start}</t:Start>") + set_text("calendar:End", f"<t:End>{end}</t:End>")


def delete_text(*ids: str, kind: str = "HardDelete") -> str:
    return (
        f'<m:DeleteItem DeleteType="{kind}" SendMeetingCancellations="SendToNone"><m:ItemIds>{"".join(ids)}</m:ItemIds>'
        "</m:DeleteItem>"
    )


def view_text(start: str, end: str, paths: str = SERIES_PATHS) -> str:
    return (
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>'
        f'{paths}</t:AdditionalProperties></m:ItemShape><m:CalendarView StartDate="{start}" EndDate="{end}"/>'
        '<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>'
    )


SUBJECT = set_text("item:Subject", "<t:Subject>Changed</t:Subject>")
LOCATION = set_text("calendar:Location", "<t:Location>Elsewhere</t:Location>")


def codes(messages: list[Any]) -> list[str]:
    return [message.findtext(f"{M}ResponseCode") for message in messages]


def item_of(message: Any) -> Any:
    assert message.get("ResponseClass") == "Success", etree.tostring(message)
    return next(message.iter(f"{T}CalendarItem"))


def starts(messages: list[Any]) -> list[str]:
    return [element.findtext(f"{T}Start") for element in messages[0].iter(f"{T}CalendarItem")]


YEAR = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")


def test_a_master_is_told_as_a_real_server_tells_it(ask: Any, read_xml: Read) -> None:
    master = ask.create(series_text())
    item = ask.item(master)
    assert read_xml(item, "CalendarItemType") == "RecurringMaster"
    assert read_xml(item, "IsRecurring") == "false"
    assert read_xml(item, "ItemClass") == "IPM.Appointment"
    assert read_xml(item, "Recurrence/WeeklyRecurrence/DaysOfWeek") == "Tuesday"
    assert read_xml(item, "Recurrence/WeeklyRecurrence/FirstDayOfWeek") == "Sunday"
    assert read_xml(item, "Recurrence/NumberedRecurrence/StartDate") == "2026-03-03+01:00"
    assert read_xml(item, "FirstOccurrence/Start") == "2026-03-03T09:00:00Z"
    assert read_xml(item, "LastOccurrence/Start") == "2026-04-07T08:00:00Z"
    assert item.find(f"{T}FirstOccurrence/{T}ItemId").get("ChangeKey") == master.get("ChangeKey")
    for name in ("ModifiedOccurrences", "DeletedOccurrences", "RecurrenceId", "OriginalStart"):
        assert item.find(T + name) is None


def test_occurrences_keep_the_wall_clock_across_the_change_of_clocks(ask: Any, sim: Simulator, read_xml: Read) -> None:
    master = ask.create(series_text())
    assert starts(ask(view_text(*YEAR))) == [
        "2026-03-03T09:00:00Z",
        "2026-03-10T09:00:00Z",
        "2026-03-17T09:00:00Z",
        "2026-03-24T09:00:00Z",
        "2026-03-31T08:00:00Z",
        "2026-04-07T08:00:00Z",
    ]
    fifth = item_of(ask(get_text(occurrence(master, 5)))[0])
    assert read_xml(fifth, "CalendarItemType") == "Occurrence"
    assert read_xml(fifth, "IsRecurring") == "true"
    assert read_xml(fifth, "ItemClass") == "IPM.Appointment.Occurrence"
    assert read_xml(fifth, "RecurrenceId") == "2026-03-31T08:00:00Z"
    assert read_xml(fifth, "UID") == sim.events(ANNA)[0].uid
    assert fifth.find(f"{T}Recurrence") is None
    assert fifth.find(f"{T}OriginalStart") is None  # told when asked for by name
    told = item_of(ask(get_text(occurrence(master, 5), base="IdOnly", paths=SERIES_PATHS))[0])
    assert read_xml(told, "OriginalStart") == "2026-03-31T08:00:00Z"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (DAILY, ["03-03", "03-04", "03-05"]),
        (TUESDAYS.replace("Tuesday", "Thursday Monday"), ["03-05", "03-09", "03-12"]),
        (
            MONTHLY_BY_DAY,
            ["03-31", "04-30", "05-31"],
        ),
        (
            MONTHLY_BY_POSITION,
            ["03-31", "05-29", "07-31"],
        ),
        (
            YEARLY_BY_DAY,
            ["12-24"],
        ),
        (
            YEARLY_BY_POSITION,
            ["05-10"],
        ),
    ],
)
def test_each_pattern_is_kept_and_expanded(ask: Any, pattern: str, expected: list[str]) -> None:
    master = ask.create(series_text(pattern, ending(3)))
    assert [start[5:10] for start in starts(ask(view_text(*YEAR)))] == expected
    told = ask.item(master).find(f"{T}Recurrence")[0]
    sent = etree.fromstring(f'<x xmlns:t="{T[1:-1]}">{pattern}</x>')[0]
    told_values = {(etree.QName(e).localname, e.text) for e in told if not e.tag.endswith("FirstDayOfWeek")}
    sent_values = {(etree.QName(e).localname, e.text) for e in sent}
    assert told.tag == sent.tag
    assert {(n, frozenset((v or "").split())) for n, v in told_values} == {
        (n, frozenset((v or "").split())) for n, v in sent_values
    }


def test_a_start_that_is_no_occurrence_moves_to_the_first(ask: Any, read_xml: Read) -> None:
    item = ask.item(ask.create(series_text(TUESDAYS.replace("Tuesday", "Friday"))))
    assert read_xml(item, "Start") == "2026-03-06T09:00:00Z"
    assert read_xml(item, "End") == "2026-03-06T10:00:00Z"
    assert read_xml(item, "Recurrence/NumberedRecurrence/StartDate") == "2026-03-06+01:00"
    assert read_xml(item, "LastOccurrence/Start") == "2026-04-10T08:00:00Z"


def test_a_series_without_end_has_no_last_occurrence(ask: Any, read_xml: Read) -> None:
    endless = "<t:NoEndRecurrence><t:StartDate>2006-03-07</t:StartDate></t:NoEndRecurrence>"
    old = "<t:Start>2006-03-07T09:00:00Z</t:Start><t:End>2006-03-07T10:00:00Z</t:End>"
    item = ask.item(ask.create(series_text(ends=endless, times=old)))
    assert item.find(f"{T}LastOccurrence") is None
    assert read_xml(item, "ReminderDueBy") == "2026-03-03T09:00:00Z"  # the next one, twenty years on
    assert len(starts(ask(view_text(*YEAR)))) == 52


def test_whole_days_are_midnights_of_their_zone_on_both_sides_of_the_change(ask: Any) -> None:
    times = "<t:Start>2026-03-28T00:00:00+01:00</t:Start><t:End>2026-03-29T00:00:00+01:00</t:End>"
    ends = ending(3, "2026-03-28")
    ask.create(series_text(DAILY, ends, f"{times}<t:IsAllDayEvent>true</t:IsAllDayEvent>"))
    assert starts(ask(view_text(*YEAR))) == ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]


@pytest.mark.parametrize(
    ("pattern", "ends", "code"),
    [
        (DAILY.replace("1", "0"), "", "ErrorCalendarOutOfRange"),
        (DAILY.replace("1", "1000"), "", "ErrorCalendarOutOfRange"),
        (TUESDAYS.replace("1", "100"), "", "ErrorCalendarOutOfRange"),
        (DAILY, ending(0), "ErrorCalendarOutOfRange"),
        (DAILY, ending(1000), "ErrorCalendarOutOfRange"),
        (TUESDAYS.replace("Tuesday", "Weekday"), "", "ErrorCalendarInvalidDayForWeeklyRecurrence"),
        (TUESDAYS.replace("Tuesday", ""), "", "ErrorCalendarInvalidRecurrence"),
        (DAILY, "until 2026-03-02", "ErrorCalendarInvalidRecurrence"),
        (TUESDAYS.replace("Tuesday", "Monday"), "until 2026-03-05", "ErrorRecurrenceHasNoOccurrence"),
        (DAILY, "until 4500-09-02", "ErrorRecurrenceEndDateTooBig"),
        (DAILY, "long", "ErrorOccurrenceTimeSpanTooBig"),
    ],
)
def test_impossible_recurrences_are_refused(ask: Any, sim: Simulator, pattern: str, ends: str, code: str) -> None:
    if ends.startswith("until "):
        ends = (
            f"<t:EndDateRecurrence><t:StartDate>2026-03-03</t:StartDate><t:EndDate>{ends[6:]}</t:EndDate>"
            "</t:EndDateRecurrence>"
        )
    times = TIMES.replace("2026-03-03T10", "2026-03-04T10") if ends == "long" else TIMES
    content = series_text(pattern, "" if ends == "long" else ends, times)
    body = f'<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>{content}</t:CalendarItem>'
    assert ask.code(f"{body}</m:Items></m:CreateItem>") == code
    assert sim.events(ANNA) == []


def test_the_first_day_of_weeks_is_not_of_2010_itself(ask: Any) -> None:
    old = ask.create(series_text(), version="Exchange2010")
    assert ask.item(old, version="Exchange2010").find(f"{T}Recurrence/{T}WeeklyRecurrence/{T}FirstDayOfWeek") is None
    pattern = TUESDAYS.replace("</t:DaysOfWeek>", "</t:DaysOfWeek><t:FirstDayOfWeek>Monday</t:FirstDayOfWeek>")
    body = f"<m:Items><t:CalendarItem>{series_text(pattern)}</t:CalendarItem></m:Items></m:CreateItem>"
    create = f'<m:CreateItem SendMeetingInvitations="SendToNone">{body}'
    assert ask.code(create, version="Exchange2010") == "ErrorSchemaValidation"
    assert ask.code(create, version="Exchange2010_SP1") == "NoError"


def test_changing_one_occurrence_makes_an_exception_of_it(ask: Any, read_xml: Read) -> None:
    master = ask.create(series_text())
    moved = set_times("2026-03-11T15:00:00Z", "2026-03-11T16:00:00Z") + LOCATION
    (message,) = ask(update_text((occurrence(master, 2), moved)))
    changed = next(message.iter(f"{T}ItemId"))
    item = ask.item(changed)
    assert read_xml(item, "CalendarItemType") == "Exception"
    assert read_xml(item, "Location") == "Elsewhere"
    assert read_xml(item, "Subject") == "Team"
    assert (read_xml(item, "Start"), read_xml(item, "RecurrenceId")) == ("2026-03-11T15:00:00Z", "2026-03-10T09:00:00Z")
    told = ask.item(master)
    (entry,) = told.find(f"{T}ModifiedOccurrences")
    assert [child.text for child in entry][1:] == [
        "2026-03-11T15:00:00Z",
        "2026-03-11T16:00:00Z",
        "2026-03-10T09:00:00Z",
    ]
    assert entry[0].get("Id") == changed.get("Id")
    key = told.find(f"{T}ItemId").get("ChangeKey")
    assert key == changed.get("ChangeKey") != master.get("ChangeKey")
    assert "2026-03-11T15:00:00Z" in starts(ask(view_text(*YEAR)))
    assert "2026-03-10T09:00:00Z" not in starts(ask(view_text(*YEAR)))


def test_what_an_exception_shares_follows_the_master(ask: Any, read_xml: Read) -> None:
    master = ask.create(series_text())
    ask(update_text((occurrence(master, 2), LOCATION)))
    ask(update_text((item_id(master), SUBJECT + set_text("calendar:Location", "<t:Location>Room</t:Location>"))))
    second = item_of(ask(get_text(occurrence(master, 2)))[0])
    assert (read_xml(second, "Subject"), read_xml(second, "Location")) == ("Changed", "Elsewhere")


def test_what_an_exception_lacks_stays_away(ask: Any) -> None:
    master = ask.create(series_text().replace("</t:End>", "</t:End><t:Location>Room</t:Location>", 1))
    clear = '<t:DeleteItemField><t:FieldURI FieldURI="calendar:Location"/></t:DeleteItemField>'
    ask(update_text((occurrence(master, 2), clear)))
    first, second = (item_of(m) for m in ask(get_text(occurrence(master, 1), occurrence(master, 2))))
    assert first.findtext(f"{T}Location") == "Room"
    assert second.find(f"{T}Location") is None


def test_a_deleted_occurrence_keeps_its_index(ask: Any, read_xml: Read) -> None:
    master = ask.create(series_text())
    second = item_of(ask(get_text(occurrence(master, 2)))[0]).find(f"{T}ItemId")
    assert codes(ask(delete_text(occurrence(master, 2)))) == ["NoError"]
    indexes = [occurrence(master, index) for index in (1, 2, 3, 6, 7, 0)]
    out = "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"
    gone = "ErrorCalendarOccurrenceIsDeletedFromRecurrence"
    assert codes(ask(get_text(*indexes))) == ["NoError", gone, "NoError", "NoError", out, out]
    assert codes(ask(delete_text(occurrence(master, 2)))) == [gone]
    assert codes(ask(get_text(item_id(second)))) == ["ErrorItemNotFound"]
    item = ask.item(master)
    assert read_xml(item, "DeletedOccurrences/DeletedOccurrence/Start") == "2026-03-10T09:00:00Z"
    assert item.find(f"{T}ItemId").get("ChangeKey") != master.get("ChangeKey")
    assert len(starts(ask(view_text(*YEAR)))) == 5


def test_an_exception_can_be_deleted_and_the_first_and_last_move(ask: Any, read_xml: Read) -> None:
    master = ask.create(series_text())
    (changed,) = ask(update_text((occurrence(master, 1), SUBJECT)))
    exception = next(changed.iter(f"{T}ItemId"))
    gone = delete_text(item_id(exception), occurrence(master, 6), kind="MoveToDeletedItems")
    assert codes(ask(gone)) == ["NoError", "NoError"]
    item = ask.item(master)
    assert item.find(f"{T}ModifiedOccurrences") is None
    assert read_xml(item, "FirstOccurrence/Start") == "2026-03-10T09:00:00Z"
    assert read_xml(item, "LastOccurrence/Start") == "2026-03-31T08:00:00Z"


def test_deleting_the_last_occurrence_left_deletes_the_series(ask: Any, sim: Simulator) -> None:
    master = ask.create(series_text(ends=ending(2)))
    assert codes(ask(delete_text(occurrence(master, 1), occurrence(master, 2)))) == ["NoError", "NoError"]
    assert sim.events(ANNA) == []
    assert codes(ask(get_text(item_id(master)))) == ["ErrorItemNotFound"]


def test_deleting_the_master_deletes_all(ask: Any) -> None:
    master = ask.create(series_text())
    occurrences = [e.find(f"{T}ItemId") for e in ask(view_text(*YEAR))[0].iter(f"{T}CalendarItem")]
    ask(delete_text(item_id(master)))
    assert starts(ask(view_text(*YEAR))) == []
    assert codes(ask(get_text(item_id(occurrences[3])))) == ["ErrorItemNotFound"]


def test_ids_of_occurrences_lead_to_their_master_and_back(ask: Any) -> None:
    master = ask.create(series_text())
    third = next(ask(get_text(occurrence(master, 3)))[0].iter(f"{T}ItemId"))
    named = f'<t:RecurringMasterItemId OccurrenceId="{third.get("Id")}"/>'
    found = next(ask(get_text(named))[0].iter(f"{T}ItemId"))
    assert (found.get("Id"), third.get("ChangeKey")) == (master.get("Id"), master.get("ChangeKey"))
    view = [e.find(f"{T}ItemId").get("Id") for e in ask(view_text(*YEAR))[0].iter(f"{T}CalendarItem")]
    assert view[2] == third.get("Id")
    assert len(set(view)) == 6


def test_ids_of_the_wrong_kind_are_refused(ask: Any) -> None:
    master, single = ask.create(series_text()), ask.create(TIMES)
    wrong = f'<t:RecurringMasterItemId OccurrenceId="{master.get("Id")}"/>'
    assert codes(ask(get_text(occurrence(single, 1), wrong))) == [
        "ErrorCalendarCannotUseIdForRecurringMasterId",
        "ErrorCalendarCannotUseIdForOccurrenceId",
    ]


def test_an_occurrence_cannot_be_moved_to_another_folder(ask: Any, sim: Simulator) -> None:
    master = ask.create(series_text())
    target = sim.folder(ANNA, "Projects").id
    move = (
        f'<m:MoveItem><m:ToFolderId><t:FolderId Id="{target}"/></m:ToFolderId><m:ItemIds>{{}}</m:ItemIds></m:MoveItem>'
    )
    assert ask.code(move.format(occurrence(master, 1))) == "ErrorCalendarCannotMoveOrCopyOccurrence"
    ask(update_text((occurrence(master, 2), SUBJECT)))
    (message,) = ask(move.format(item_id(master)))
    assert len(ask.item(next(message.iter(f"{T}ItemId"))).find(f"{T}ModifiedOccurrences")) == 1


@pytest.mark.parametrize(
    ("index", "start", "end", "code"),
    [
        (2, "2026-03-04T09:00:00Z", "2026-03-04T10:00:00Z", "NoError"),
        (2, "2026-03-03T22:30:00Z", "2026-03-03T22:45:00Z", "ErrorOccurrenceCrossingBoundary"),  # still 3 March
        (2, "2026-03-03T23:30:00Z", "2026-03-03T23:45:00Z", "NoError"),  # 4 March in Berlin
        (2, "2026-02-24T09:00:00Z", "2026-02-24T10:00:00Z", "ErrorOccurrenceCrossingBoundary"),
        (2, "2026-03-17T15:00:00Z", "2026-03-17T16:00:00Z", "ErrorOccurrenceCrossingBoundary"),
        (2, "2026-03-16T09:00:00Z", "2026-03-17T09:00:00Z", "NoError"),
        (2, "2026-03-16T09:00:00Z", "2026-03-17T09:30:00Z", "ErrorOccurrenceTimeSpanTooBig"),
        (1, "2026-01-01T09:00:00Z", "2026-01-01T10:00:00Z", "NoError"),
        (6, "2026-12-24T09:00:00Z", "2026-12-24T10:00:00Z", "NoError"),
    ],
)
def test_an_occurrence_stays_between_its_neighbours(ask: Any, index: int, start: str, end: str, code: str) -> None:
    master = ask.create(series_text())
    assert codes(ask(update_text((occurrence(master, index), set_times(start, end))))) == [code]
    assert (ask.item(master).find(f"{T}ModifiedOccurrences") is not None) == (code == "NoError")


def test_the_neighbours_are_where_they_have_been_moved(ask: Any) -> None:
    master = ask.create(series_text())
    ask(update_text((occurrence(master, 3), set_times("2026-03-20T09:00:00Z", "2026-03-20T10:00:00Z"))))
    there = set_times("2026-03-19T09:00:00Z", "2026-03-19T10:00:00Z")
    assert codes(ask(update_text((occurrence(master, 2), there)))) == ["NoError"]
    assert codes(
        ask(update_text((occurrence(master, 3), set_times("2026-03-19T12:00:00Z", "2026-03-19T13:00:00Z"))))
    ) == ["ErrorOccurrenceCrossingBoundary"]


@pytest.mark.parametrize(("bound", "code"), [(True, "ErrorOccurrenceCrossingBoundary"), (False, "NoError")])
def test_a_deleted_neighbour_bounds_or_not(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any], bound: bool, code: str
) -> None:
    ask = make_ask(make_sim(deleted_neighbours_bound=bound))
    master = ask.create(series_text())
    ask(delete_text(occurrence(master, 3)))
    there = set_times("2026-03-18T09:00:00Z", "2026-03-18T10:00:00Z")
    assert codes(ask(update_text((occurrence(master, 2), there)))) == [code]


def test_what_cannot_be_set_on_an_occurrence(ask: Any) -> None:
    master = ask.create(series_text())
    again = set_text("calendar:Recurrence", f"<t:Recurrence>{DAILY}{ending()}</t:Recurrence>")
    other = set_text("calendar:UID", "<t:UID>other</t:UID>")
    refused = codes(ask(update_text((occurrence(master, 2), again), (occurrence(master, 2), other))))
    assert refused == ["ErrorInvalidPropertySet"] * 2
    assert ask.item(master).find(f"{T}ModifiedOccurrences") is None


def test_mail_about_what_is_deleted_is_refused(ask: Any, sim: Simulator) -> None:
    who = "<t:Attendee><t:Mailbox><t:EmailAddress>bob@example.com</t:EmailAddress></t:Mailbox></t:Attendee>"
    meeting = ask.create(f"{TIMES}<t:RequiredAttendees>{who}</t:RequiredAttendees>")
    ask(delete_text(item_id(meeting), kind="MoveToDeletedItems"))
    trash = sim.store.distinguished(sim.person(ANNA).mailbox, "deleteditems")
    (gone,) = sim.store.items_in(trash)
    named = f'<t:ItemId Id="{gone.id}"/>'
    assert codes(ask(update_text((named, SUBJECT)))) == ["NoError"]
    loud = update_text((named, SUBJECT)).replace("SendToNone", "SendToAllAndSaveCopy")
    assert codes(ask(loud)) == ["ErrorCalendarCannotUpdateDeletedItem"]
    assert sim.outbox == []


@pytest.mark.parametrize("mode", ["AlwaysOverwrite", "AutoResolve", "NeverOverwrite"])
def test_many_occurrences_change_in_one_call(ask: Any, mode: str) -> None:
    master = ask.create(series_text())
    key = master.get("ChangeKey")
    changes = [(occurrence(master, index, key), SUBJECT) for index in (1, 3, 5)]
    assert codes(ask(update_text(*changes, mode=mode))) == ["NoError"] * 3
    assert len(ask.item(master).find(f"{T}ModifiedOccurrences")) == 3
    late = codes(ask(update_text((occurrence(master, 2, key), SUBJECT), mode=mode)))
    assert late == (["ErrorIrresolvableConflict"] if mode == "NeverOverwrite" else ["NoError"])


@pytest.mark.parametrize(
    ("mode", "third"),
    [("AlwaysOverwrite", "NoError"), ("AutoResolve", "NoError"), ("NeverOverwrite", "ErrorIrresolvableConflict")],
)
def test_a_strict_server_takes_the_first_change_for_a_conflict_with_the_next(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any], mode: str, third: str
) -> None:
    ask = make_ask(make_sim("online"))
    master = ask.create(series_text())
    changes = [(occurrence(master, index, master.get("ChangeKey")), SUBJECT) for index in (1, 3)]
    assert codes(ask(update_text(*changes, mode=mode))) == ["NoError", third]


def test_the_feed_lists_masters_once_and_an_occurrences_change_as_theirs(ask: Any) -> None:
    master = ask.create(series_text())

    def sync(state: str = "") -> tuple[list[tuple[str, str]], str]:
        told = f"<m:SyncState>{state}</m:SyncState>" if state else ""
        shape = "<m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"
        folder = '<m:SyncFolderId><t:DistinguishedFolderId Id="calendar"/></m:SyncFolderId>'
        most = "<m:MaxChangesReturned>10</m:MaxChangesReturned>"
        (message,) = ask(f"<m:SyncFolderItems>{shape}{folder}{told}{most}</m:SyncFolderItems>")
        assert next(message.iter(f"{T}Recurrence", f"{T}ModifiedOccurrences"), None) is None
        found = [
            (etree.QName(change).localname, next(change.iter(f"{T}ItemId")).get("Id"))
            for change in message.find(f"{M}Changes")
        ]
        return found, message.findtext(f"{M}SyncState")

    changes, state = sync()
    assert changes == [("Create", master.get("Id"))]
    ask(update_text((occurrence(master, 2), SUBJECT)))
    changes, state = sync(state)
    assert changes == [("Update", master.get("Id"))]
    ask(delete_text(occurrence(master, 3)))
    assert sync(state)[0] == [("Update", master.get("Id"))]


def test_a_paged_search_lists_masters_without_their_recurrence(ask: Any) -> None:
    master = ask.create(series_text())
    text = (
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>'
        '<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>'
    )
    (item,) = ask(text)[0].iter(f"{T}CalendarItem")
    assert item.find(f"{T}ItemId").get("Id") == master.get("Id")
    assert item.findtext(f"{T}CalendarItemType") == "RecurringMaster"
    assert item.find(f"{T}Recurrence") is None


def test_a_view_shows_what_reaches_into_it_and_no_more(ask: Any) -> None:
    master = ask.create(series_text())
    ask(update_text((occurrence(master, 2), set_times("2026-03-12T09:00:00Z", "2026-03-12T10:00:00Z"))))
    assert starts(ask(view_text("2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z"))) == []
    assert starts(ask(view_text("2026-03-12T09:30:00Z", "2026-03-12T09:40:00Z"))) == ["2026-03-12T09:00:00Z"]
    assert starts(ask(view_text("2026-03-03T10:00:00Z", "2026-03-12T09:00:00Z"))) == []


def test_a_view_of_too_many_occurrences_is_refused(ask: Any) -> None:
    for _ in range(3):
        ask.create(series_text(DAILY, ending(999)))
    assert ask.code(view_text("2026-03-01T00:00:00Z", "2027-03-01T00:00:00Z")) == "ErrorExceededFindCountLimit"
    assert ask.code(view_text("2026-03-01T00:00:00Z", "2026-06-01T00:00:00Z")) == "NoError"


def test_the_lenient_server_tells_series_in_its_own_way(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]
) -> None:
    sim = make_sim("lenient")
    ask = make_ask(sim)
    master = ask.create(series_text())
    ask(delete_text(occurrence(master, 2)))
    third = item_of(ask(get_text(occurrence(master, 2)))[0])  # what is left is counted
    assert third.findtext(f"{T}Start") == "2026-03-17T09:00:00.000000000+0000"
    (message,) = ask(update_text((occurrence(master, 2), SUBJECT)))
    exception = next(message.iter(f"{T}ItemId"))
    told = ask.item(master)
    assert told.find(f"{T}ItemId").get("ChangeKey") == master.get("ChangeKey") != exception.get("ChangeKey")
    assert told.findtext(f"{T}Recurrence/*/{T}StartDate") == "2026-03-03T00:00:00.000000000+0100"
    (viewed,) = ask(view_text("2026-03-20T00:00:00Z", "2026-03-28T00:00:00Z"))[0].iter(f"{T}CalendarItem")
    assert viewed.find(f"{T}ItemId").get("Id") == master.get("Id")
    assert starts(ask(view_text("2026-03-11T00:00:00Z", "2026-03-12T00:00:00Z"))) == []


def test_a_series_of_another_is_read_and_written_by_rights_alone(ask: Any, read_xml: Read) -> None:
    master = ask.create(series_text().replace("<t:Start>", "<t:Sensitivity>Private</t:Sensitivity><t:Start>", 1))
    told = item_of(ask(get_text(item_id(master)), "bob")[0])
    assert told.find(f"{T}Subject") is None
    assert read_xml(told, "Recurrence/WeeklyRecurrence/DaysOfWeek") == "Tuesday"
    assert codes(ask(update_text((occurrence(master, 2), SUBJECT)), "bob")) == ["ErrorAccessDenied"]
    shared = ask.create(series_text())
    assert codes(ask(update_text((occurrence(shared, 2), SUBJECT)), "carl")) == ["NoError"]


def test_the_global_object_id_of_an_occurrence_bears_its_original_date(ask: Any) -> None:
    uris = "".join(
        f'<t:ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="{number}" PropertyType="Binary"/>'
        for number in (3, 35)
    )
    master = ask.create(f"{series_text().replace('<t:Start>', '<t:UID>abc</t:UID><t:Start>', 1)}")
    ids = (item_id(master), occurrence(master, 2))
    series, second = (item_of(m) for m in ask(get_text(*ids, base="IdOnly", paths=uris)))
    values = [[v.text for v in item.iter(f"{T}Value")] for item in (series, second)]
    assert values[0][0] == values[0][1] == values[1][1] != values[1][0]


def test_an_occurrence_without_its_series_is_a_single_item_of_that_date(
    ask: Any, sim: Simulator, read_xml: Read
) -> None:
    start, end = datetime(2026, 3, 10, 10), datetime(2026, 3, 10, 11)  # noqa: DTZ001 - local to the person's zone
    lone = sim.add_event(ANNA, subject="x", uid="abc", start=start, end=end, instance=start.date())
    uri = '<t:ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="3" PropertyType="Binary"/>'
    item = item_of(ask(get_text(f'<t:ItemId Id="{lone.id}"/>', paths=uri))[0])
    assert read_xml(item, "CalendarItemType") == "Single"
    master = ask.create(f"{series_text().replace('<t:Start>', '<t:UID>abc</t:UID><t:Start>', 1)}")
    second = item_of(ask(get_text(occurrence(master, 2), base="IdOnly", paths=uri))[0])
    assert read_xml(item, "ExtendedProperty/Value") == read_xml(second, "ExtendedProperty/Value")


def test_extended_properties_are_the_masters_until_an_exception_has_its_own(ask: Any) -> None:
    guid = "afce4e51-ebb0-42a5-a351-4fc8f866b6e5"
    uri = f'<t:ExtendedFieldURI PropertySetId="{guid}" PropertyName="Kept" PropertyType="String"/>'

    def prop(text: str) -> str:
        return f"<t:ExtendedProperty>{uri}<t:Value>{text}</t:Value></t:ExtendedProperty>"

    master = ask.create(series_text().replace("<t:Start>", f"{prop('of all')}<t:Start>", 1))
    change = f"<t:SetItemField>{uri}<t:CalendarItem>{prop('of one')}</t:CalendarItem></t:SetItemField>"
    ask(update_text((occurrence(master, 2), change)))
    ids = [occurrence(master, 1), occurrence(master, 2), item_id(master)]
    values = [item_of(m).findtext(f".//{T}Value") for m in ask(get_text(*ids, base="IdOnly", paths=uri))]
    assert values == ["of all", "of one", "of all"]
