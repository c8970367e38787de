"""Meetings: who is invited, who is told, what is known of their answers, and addresses of the directory."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from bridge.simulator import Simulator

M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
ANNA, BOB, CARL = "anna@example.com", "bob@example.com", "carl@example.com"
TIMES = "<t:Start>2026-03-03T10:00:00Z</t:Start><t:End>2026-03-03T11:00:00Z</t:End>"
SERIES = (
    "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence>"
    "<t:StartDate>2026-03-03</t:StartDate><t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence>"
    "</t:Recurrence>"
)
JOIN = '<t:FieldURI FieldURI="calendar:JoinOnlineMeetingUrl"/>'


def people(name: str, *addresses: str) -> str:
    inside = "".join(
        f"<t:Attendee><t:Mailbox><t:EmailAddress>{one}</t:EmailAddress></t:Mailbox></t:Attendee>" for one in addresses
    )
    return f"<t:{name}>{inside}</t:{name}>"


def update(item: Any, *changes: tuple[str, str], mode: str = "SendToNone") -> str:
    """Give the text of UpdateItem; a change is a path and the element, or nothing to delete it."""
    steps = "".join(
        f'<t:SetItemField><t:FieldURI FieldURI="{path}"/><t:CalendarItem>{new}</t:CalendarItem></t:SetItemField>'
        if new
        else f'<t:DeleteItemField><t:FieldURI FieldURI="{path}"/></t:DeleteItemField>'
        for path, new in changes
    )
    return (
        f'<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="{mode}">'
        f'<m:ItemChanges><t:ItemChange><t:ItemId Id="{item.get("Id")}"/><t:Updates>{steps}</t:Updates></t:ItemChange>'
        "</m:ItemChanges></m:UpdateItem>"
    )


def delete(item: Any, mode: str) -> str:
    return (
        f'<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="{mode}"><m:ItemIds>'
        f'<t:ItemId Id="{item.get("Id")}"/></m:ItemIds></m:DeleteItem>'
    )


def invited(item: Any, name: str = "RequiredAttendees") -> dict[str, str]:
    """Give the answers of a list by address."""
    return {
        who.findtext(f"{T}Mailbox/{T}EmailAddress"): who.findtext(f"{T}ResponseType")
        for who in item.iterfind(f"{T}{name}/{T}Attendee")
    }


def mails(sim: Simulator) -> list[tuple[str, tuple[str, ...]]]:
    found = [(mail.kind, mail.recipients) for mail in sim.outbox]
    sim.outbox.clear()
    return found


def test_everybody_stands_in_their_list_and_nobody_is_mailed_unasked(sim: Simulator, ask: Any) -> None:
    lists = people("RequiredAttendees", BOB) + people("OptionalAttendees", CARL) + people("Resources", "room@else.org")
    item = ask.item(ask.create(f"{TIMES}<t:IsResponseRequested>false</t:IsResponseRequested>{lists}"))
    assert invited(item) == {BOB: "Unknown"}
    assert invited(item, "OptionalAttendees") == {CARL: "Unknown"}
    assert invited(item, "Resources") == {"room@else.org": "Unknown"}
    told = {
        name: item.findtext(T + name) for name in ("IsMeeting", "IsResponseRequested", "MyResponseType", "DisplayTo")
    }
    assert told == {
        "IsMeeting": "true",
        "IsResponseRequested": "false",
        "MyResponseType": "Organizer",
        "DisplayTo": "Bob Stone",
    }
    assert item.findtext(f"{T}Organizer/{T}Mailbox/{T}EmailAddress") == ANNA
    assert item.findtext(f"{T}MeetingRequestWasSent") == "false"
    assert mails(sim) == []


@pytest.mark.parametrize("mode", ["SendToAllAndSaveCopy", "SendOnlyToAll"])
def test_an_update_for_all_tells_everybody_what_they_need(sim: Simulator, ask: Any, mode: str) -> None:
    item = ask.create(f"{TIMES}{people('RequiredAttendees', BOB, 'x@else.org')}")
    ask(update(item, ("calendar:RequiredAttendees", people("RequiredAttendees", BOB, CARL)), mode=mode))
    assert mails(sim) == [("cancellation", ("x@else.org",)), ("request", (CARL,)), ("update", (BOB,))]
    ask(update(item, ("calendar:Location", "<t:Location>Elsewhere</t:Location>"), mode=mode))
    assert mails(sim) == [("update", (BOB, CARL))]
    ask(delete(item, "SendOnlyToAll"))
    assert mails(sim) == [("cancellation", (BOB, CARL))]


def test_an_update_for_those_it_changes_anything_for_is_one_for_all_but_for_what_is_the_organizers_own(
    sim: Simulator, ask: Any
) -> None:
    mode = "SendToChangedAndSaveCopy"
    item = ask.create(f"{TIMES}{people('RequiredAttendees', BOB)}")
    ask(update(item, ("calendar:RequiredAttendees", people("RequiredAttendees", BOB, CARL)), mode=mode))
    assert mails(sim) == [("request", (CARL,)), ("update", (BOB,))]
    ask(update(item, ("item:ReminderIsSet", "<t:ReminderIsSet>false</t:ReminderIsSet>"), mode=mode))
    assert mails(sim) == []
    ask(update(item, ("item:Subject", "<t:Subject>New</t:Subject>"), mode=mode))
    assert mails(sim) == [("update", (BOB, CARL))]
    ask(update(item, ("calendar:RequiredAttendees", ""), mode=mode))
    assert mails(sim) == [("cancellation", (BOB, CARL))]
    assert ask.item(item).findtext(f"{T}IsMeeting") == "false"


def test_answers_are_kept_by_address_when_a_list_is_written_anew(sim: Simulator, ask: Any) -> None:
    item = ask.create(f"{TIMES}{people('RequiredAttendees', BOB, CARL)}")
    sim.respond(sim.store.item_by_id(item.get("Id")), BOB, "Accept")
    ask(update(item, ("calendar:RequiredAttendees", people("RequiredAttendees", "x@else.org", BOB))))
    read = ask.item(item)
    assert invited(read) == {"x@else.org": "Unknown", BOB: "Accept"}
    answered = [who.findtext(f"{T}LastResponseTime") for who in read.iterfind(f"{T}RequiredAttendees/{T}Attendee")]
    assert answered == [None, "2026-03-02T09:30:00Z"]
    assert mails(sim) == []


def test_one_date_may_have_people_of_its_own(sim: Simulator, ask: Any) -> None:
    master = ask.create(f"{TIMES}{people('RequiredAttendees', BOB)}{SERIES}")
    second = {"Id": sim.occurrence(sim.store.item_by_id(master.get("Id")), 2).id}
    ask(update(second, ("calendar:RequiredAttendees", people("RequiredAttendees", BOB, CARL))))
    assert set(invited(ask.item(second))) == {BOB, CARL}
    assert set(invited(ask.item(master))) == {BOB}
    ask(update(second, ("calendar:RequiredAttendees", "")))
    assert invited(ask.item(second)) == {}


def test_who_was_invited_mails_nobody_by_deleting(sim: Simulator, ask: Any) -> None:
    start, end = datetime(2026, 3, 3, 12), datetime(2026, 3, 3, 13)  # noqa: DTZ001 - local to the mailbox
    described: dict[str, Any] = {
        "organizer": "Bob Stone <bob@example.com>",
        "attendees": [ANNA],
        "my_response": "Tentative",
    }
    item = sim.add_event(ANNA, subject="x", start=start, end=end, **described)
    read = ask.item({"Id": item.id})
    assert read.findtext(f"{T}Organizer/{T}Mailbox/{T}Name") == "Bob Stone"
    assert (read.findtext(f"{T}MyResponseType"), read.findtext(f"{T}IsMeeting")) == ("Tentative", "true")
    ask(delete({"Id": item.id}, "SendOnlyToAll"))
    assert mails(sim) == []


def test_importance(ask: Any) -> None:
    item = ask.create(f"<t:Importance>High</t:Importance>{TIMES}")
    assert ask.item(item).findtext(f"{T}Importance") == "High"
    ask(update(item, ("item:Importance", "")))
    assert ask.item(item).findtext(f"{T}Importance") == "Normal"


def test_an_online_meeting_is_told_and_not_written(sim: Simulator, ask: Any) -> None:
    start, end = datetime(2026, 3, 3, 12), datetime(2026, 3, 3, 13)  # noqa: DTZ001 - local to the mailbox
    url = "https://meet.example.com/1"
    item = sim.add_event(ANNA, subject="x", start=start, end=end, join_url=url)
    read = ask.item({"Id": item.id}, JOIN, version="Exchange2013")
    assert read.findtext(f"{T}JoinOnlineMeetingUrl") == url
    assert read.findtext(f"{T}IsOnlineMeeting") == "true"
    for name, value in (("IsOnlineMeeting", "true"), ("JoinOnlineMeetingUrl", url)):
        text = update({"Id": item.id}, (f"calendar:{name}", f"<t:{name}>{value}</t:{name}>"))
        assert ask.code(text, version="Exchange2013") == "ErrorInvalidPropertySet"


def test_until_2016_an_item_can_be_said_to_be_an_online_meeting(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]
) -> None:
    ask = make_ask(make_sim("2013"), "Exchange2013_SP1")
    item = ask.create(TIMES)
    ask(update(item, ("calendar:IsOnlineMeeting", "<t:IsOnlineMeeting>true</t:IsOnlineMeeting>")))
    assert ask.item(item).findtext(f"{T}IsOnlineMeeting") == "true"


def test_find_item_names_the_organizer_by_the_directory_and_it_can_be_resolved(sim: Simulator, ask: Any) -> None:
    ask.create(TIMES)
    (message,) = ask(
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>'
        '<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>'
    )
    mailbox = next(message.iter(f"{T}Organizer")).find(f"{T}Mailbox")
    address = mailbox.findtext(f"{T}EmailAddress")
    assert (mailbox.findtext(f"{T}RoutingType"), address) == ("EX", sim.person(ANNA).legacy_name)
    resolve = '<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>{}</m:UnresolvedEntry></m:ResolveNames>'
    for entry in (address, f"EX:{address.lower()}"):
        (found,) = ask(resolve.format(entry))
        assert next(found.iter(f"{T}EmailAddress")).text == ANNA
    assert ask.code(resolve.format(address + "x")) == "ErrorNameResolutionNoResults"


def test_attendees_may_be_named_by_the_directory(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]
) -> None:
    sim = make_sim()
    ask = make_ask(sim)
    gone = "/O=EXAMPLE/OU=GONE/CN=RECIPIENTS/CN=NOBODY"
    item = ask.item(ask.create(f"{TIMES}{people('RequiredAttendees', sim.person(BOB).legacy_name, gone)}"))
    assert set(invited(item)) == {BOB, gone}
    kinds = [who.findtext(f"{T}Mailbox/{T}RoutingType") for who in item.iterfind(f"{T}RequiredAttendees/{T}Attendee")]
    assert kinds == ["SMTP", "EX"]
