"""What DavMail, the strongest existing bridge to Exchange, does wrong over HTTP, and what is right here.

Each test says of what defect it is; those of the mapping alone are in tests/mapping/cases/davmail.txt. Defects that
other tests hold: `If-None-Match` ignored, DELETE without its condition (`test_15_conditions_are_kept_to`), free/busy
without an answer for the unknown (`tests/storage_plugin/test_queries.py`), a chunked PUT that stores nothing
(`tests/acceptance/test_bad_input.py`), hrefs that are not the client's (there too), n + 1 requests for free/busy, 200
for a multiget of 100 (`tests/ews`, `tests/sync`).
"""

import re
from typing import Any

import pytest

from bridge.simulator.model import Body

from conforming import ANN, BEN, CALENDAR, SHARED_TO_WRITE, Bridge, C
from events import event, override, series

ONE, TWO = CALENDAR + "one.ics", CALENDAR + "two.ics"
PEOPLE = ("ORGANIZER:mailto:ann@example.test", "ATTENDEE;ROLE=CHAIR;CN=Ben:mailto:ben@example.test")


def held(bridge: Bridge) -> Any:
    """Give the one item that Exchange holds."""
    (item,) = bridge.exchange.events(ANN)
    return item


def edit(bridge: Bridge, pattern: bytes, replacement: bytes, path: str = ONE) -> bytes:
    """Change what is served by a pattern and put it, as a client does; give what is then served."""
    answer = bridge.ask("GET", path)
    body, times = re.subn(pattern, replacement, answer.body)
    assert times
    assert bridge.put(path, body, If_Match=answer.headers["ETag"]).status in {200, 204}
    return bridge.ask("GET", path).body


def lines(body: bytes) -> list[str]:
    return body.decode().replace("\r\n ", "").split("\r\n")


# --- the table of section 1 --------------------------------------------------------------------------


def test_two_saves_in_one_second_have_two_etags(bridge: Bridge) -> None:
    """Its ETag is the second of the last change."""
    etags = set()
    for number in range(5):
        assert bridge.put(ONE, event("one", f"Version {number}")).status in {201, 204}
        etags.add(bridge.ask("GET", ONE).headers["ETag"])
    assert len(etags) == 5


@pytest.mark.parametrize("method", ["DELETE", "GET"])
def test_what_is_not_there_is_404(bridge: Bridge, method: str) -> None:
    """It answers 200 to the DELETE of what is not there."""
    assert bridge.ask(method, CALENDAR + "none.ics").status == 404


def test_a_client_that_flips_transp_changes_the_busy_status(bridge: Bridge) -> None:
    """Its update writes the busy status from STATUS alone: flipping TRANSP is lost."""
    bridge.put(ONE, event("one", "Lunch", "STATUS:CONFIRMED", "TRANSP:OPAQUE"))
    edit(bridge, b"TRANSP:OPAQUE", b"TRANSP:TRANSPARENT")
    assert held(bridge).values["LegacyFreeBusyStatus"] == "Free"
    edit(bridge, b"TRANSP:TRANSPARENT", b"TRANSP:OPAQUE")
    assert held(bridge).values["LegacyFreeBusyStatus"] == "Busy"


def test_a_client_that_takes_the_last_category_off_does(bridge: Bridge) -> None:
    """It does not send that there is none any more."""
    bridge.put(ONE, event("one", "Lunch", "CATEGORIES:Food"))
    assert held(bridge).values["Categories"] == ("Food",)
    served = edit(bridge, rb"CATEGORIES:Food\r\n", b"")
    assert b"CATEGORIES" not in served
    assert not held(bridge).values.get("Categories")


@pytest.mark.parametrize("name", ["LOCATION", "DESCRIPTION", "SUMMARY", "CLASS"])
def test_what_a_client_takes_out_is_out(bridge: Bridge, name: str) -> None:
    value = "PRIVATE" if name == "CLASS" else "Something"
    bridge.put(ONE, event("one", "Lunch", f"{name}:{value}") if name != "SUMMARY" else event("one", "Something"))
    served = edit(bridge, rf"{name}:{value}\r\n".encode(), b"")
    assert name.encode() not in served
    assert "Something" not in str(held(bridge).values)
    assert held(bridge).values.get("Sensitivity", "Normal") == "Normal"


def test_a_series_that_becomes_a_single_event_is_one(bridge: Bridge) -> None:
    """It does not send that the rule is gone."""
    bridge.put(ONE, series("one"))
    served = edit(bridge, rb"RRULE:[^\r]*\r\n", b"")
    assert b"RRULE" not in served.split(b"BEGIN:VEVENT")[1]
    assert "Recurrence" not in held(bridge).values


def test_a_duration_in_a_change_is_the_end(bridge: Bridge) -> None:
    """It deletes the end."""
    bridge.put(ONE, event("one", "Lunch"))
    edit(bridge, rb"DTEND[^\r]*\r\n", b"DURATION:PT30M\r\n")
    values = held(bridge).values
    assert (values["End"] - values["Start"]).total_seconds() == 1800


def test_what_exchange_has_no_place_for_survives_a_change(bridge: Bridge) -> None:
    """It keeps URL, GEO, COMMENT, RELATED-TO and most of X- at the first PUT alone."""
    kept = [
        "URL:https://example.test/agenda",
        "GEO:52.5;13.4",
        "COMMENT:Bring the plans",
        "RELATED-TO;RELTYPE=PARENT:other",
        "ATTACH;FMTTYPE=application/pdf:https://example.test/agenda.pdf",
        "X-MOZ-LASTACK:20270301T080000Z",
        "X-OTHER;X-A=1:one,two",
        "DURATION-OF-NOTHING:1",
    ]
    bridge.put(ONE, event("one", "Lunch", *kept))
    served = edit(bridge, b"SUMMARY:Lunch", b"SUMMARY:Dinner")
    assert set(kept) <= set(lines(served))
    assert held(bridge).values["Subject"] == "Dinner"


def test_an_alarm_of_hours_stays_one_of_hours_when_something_else_changes(bridge: Bridge) -> None:
    """It reads -PT1H30M as no minutes."""
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Go", "TRIGGER:-PT1H30M", "END:VALARM")
    bridge.put(ONE, event("one", "Lunch", *alarm))
    assert held(bridge).values["ReminderMinutesBeforeStart"] == 90
    served = edit(bridge, b"SUMMARY:Lunch", b"SUMMARY:Dinner")
    assert "TRIGGER:-PT1H30M" in lines(served)


def test_a_change_of_the_title_alone_revives_no_deleted_occurrence(bridge: Bridge) -> None:
    """It sends the recurrence with every change, and the deleted occurrence is back."""
    moved = override("20270315", "Moved", "20270316T100000")
    bridge.put(ONE, series("one", "Weekly", "EXDATE;TZID=Europe/Berlin:20270308T090000", overrides=[moved]))
    edit(bridge, b"SUMMARY:Weekly", b"SUMMARY:Every week")
    item = held(bridge)
    assert len(item.deleted) == 1
    assert [one.values["Subject"] for one in item.exceptions.values()] == ["Moved"]


def test_tasks_are_no_events_in_any_calendar(bridge: Bridge) -> None:
    """It shows one's own tasks in another's calendar, and files a task put there among one's own."""
    todo = event("task").replace(b"VEVENT", b"VTODO")
    for calendar in (CALENDAR, SHARED_TO_WRITE):
        assert bridge.put(calendar + "task.ics", todo).status == 403
        listed = bridge.propfind(calendar, "<C:supported-calendar-component-set/>").properties()
        (names,) = listed.values()
        assert [each.get("name") for each in names.iter(f"{C}comp")] == ["VEVENT"]


# --- section 3 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [(rb"TRIGGER:-PT10M", b"TRIGGER:-PT5M"), (rb"SUMMARY:Lunch", b"SUMMARY:Dinner"), (rb"DTEND:\w+", b"DURATION:PT2H")],
)
@pytest.mark.parametrize("more", ["", ";SCHEDULE-AGENT=CLIENT", ";SCHEDULE-AGENT=NONE"])
def test_nobody_is_mailed_by_an_organizers_change(bridge: Bridge, change: tuple[bytes, bytes], more: str) -> None:
    """It mails all attendees at every change, of a reminder too, whatever SCHEDULE-AGENT and X-MOZ- say."""
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Go", "TRIGGER:-PT10M", "END:VALARM")
    asked = ("X-MOZ-SEND-INVITATIONS:FALSE", f"ATTENDEE{more};RSVP=TRUE:mailto:cleo@example.test")
    bridge.put(ONE, event("one", "Lunch", *PEOPLE, *asked, *alarm))
    edit(bridge, *change)
    assert bridge.ask("DELETE", ONE).status == 204
    assert bridge.exchange.outbox == []
    assert bridge.exchange.events(BEN) == []


def test_nobody_is_mailed_by_a_deleted_occurrence(bridge: Bridge) -> None:
    """Each EXDATE sends a cancellation."""
    bridge.put(ONE, series("one", "Weekly", *PEOPLE))
    edit(bridge, rb"(RRULE:[^\r]*\r\n)", rb"\1EXDATE;TZID=Europe/Berlin:20270308T090000\r\n")
    assert len(held(bridge).deleted) == 1
    assert bridge.exchange.outbox == []


@pytest.mark.parametrize("organizer", ["a.example@example.test", "Ann@Example.Test", "stranger@elsewhere.test"])
def test_an_event_of_an_alias_or_a_stranger_is_stored(bridge: Bridge, organizer: str) -> None:
    """It answers 503 where the organizer is an alias, and to an invitation that Exchange has not."""
    people = (f"ORGANIZER;CN=Someone:mailto:{organizer}", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@example.test")
    assert bridge.put(ONE, event("one", "Invited", *people)).status == 201
    assert set(people) <= set(lines(bridge.ask("GET", ONE).body))


def test_bad_data_are_refused_and_not_to_be_tried_again(bridge: Bridge) -> None:
    """It answers 503 to everything unexpected, so that clients try bad data for ever."""
    good = event("one")
    endless = good.replace(b"DTEND:20270301T100000Z", b"DURATION:1")
    for body in (b"", b"x", good.replace(b"DTSTART:20270301T090000Z\r\n", b""), endless):
        answer = bridge.put(ONE, body)
        assert (answer.status, "Retry-After" in answer.headers) == (403, False)


# --- section 4: what users feel most -----------------------------------------------------------------


def test_a_change_of_something_else_leaves_a_formatted_body_as_it_is(bridge: Bridge) -> None:
    """It writes the plain text over the HTML at every change, and the way to join with it."""
    bridge.put(ONE, event("one", "Review"))
    html = "<html><body><p>Join at https://teams.example.test/l/1</p></body></html>"
    bridge.exchange.change_event(held(bridge), Body=Body("HTML", html))
    served = edit(bridge, b"SUMMARY:Review", b"SUMMARY:Retro\r\nLOCATION:Room 1")
    assert b"https://teams.example.test/l/1" in served.replace(b"\r\n ", b"")
    body = held(bridge).values["Body"]
    assert (body.type, body.text) == ("HTML", html)
    assert held(bridge).values["Subject"] == "Retro"


def test_an_event_without_transp_takes_its_time(bridge: Bridge) -> None:
    """It makes it free, and booked slots stay open."""
    bridge.put(ONE, event("one"))
    assert held(bridge).values["LegacyFreeBusyStatus"] == "Busy"


@pytest.mark.parametrize("status", ["OOF", "Tentative", "WorkingElsewhere", "Free"])
def test_a_status_of_outlook_s_survives_a_client_s_change(bridge: Bridge, status: str) -> None:
    """It makes out-of-office free or busy."""
    bridge.put(ONE, event("one", "Away"))
    bridge.exchange.change_event(held(bridge), LegacyFreeBusyStatus=status)
    edit(bridge, b"SUMMARY:Away", b"SUMMARY:Far away")
    assert (held(bridge).values["LegacyFreeBusyStatus"], held(bridge).values["Subject"]) == (status, "Far away")


def test_an_all_day_event_stays_on_its_day_when_something_else_changes(bridge: Bridge) -> None:
    body = event("one", "Fair").replace(b"DTSTART:20270301T090000Z", b"DTSTART;VALUE=DATE:20270301")
    bridge.put(ONE, re.sub(rb"DTEND:[^\r]*\r\n", b"", body))
    before = held(bridge).values
    served = edit(bridge, b"SUMMARY:Fair", b"SUMMARY:Trade fair")
    after = held(bridge).values
    assert (after["Start"], after["End"], after["IsAllDayEvent"]) == (before["Start"], before["End"], True)
    assert "DTSTART;VALUE=DATE:20270301" in lines(served)


def test_one_item_that_cannot_be_read_does_not_break_the_calendar(bridge: Bridge) -> None:
    bridge.put(ONE, event("one", "Good"))
    bridge.put(TWO, event("two", "Bad"))
    bad = next(item for item in bridge.exchange.events(ANN) if item.values["Subject"] == "Bad")
    bridge.exchange.change_event(bad, Subject="\x00\x0b bad")
    assert bridge.names(CALENDAR) == {"one.ics", "two.ics"}
    assert b"SUMMARY:Good" in bridge.ask("GET", ONE).body
    assert bridge.ask("GET", TWO).status == 200


def test_an_event_keeps_its_name_and_uid_whatever_outlook_does_with_it(bridge: Bridge) -> None:
    bridge.put(ONE, event("one", "Lunch"))
    bridge.exchange.change_event(held(bridge), Subject="Dinner")
    assert bridge.names(CALENDAR) == {"one.ics"}
    assert {"UID:one", "SUMMARY:Dinner"} <= set(lines(bridge.ask("GET", ONE).body))
