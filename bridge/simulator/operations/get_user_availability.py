"""GetUserAvailability: when people are busy, each in their default calendar.

Sources: [D] GetUserAvailability, FreeBusyViewOptions, FreeBusyViewType, MergedFreeBusy, CalendarEventDetails, and
responsecode for the errors; `rules` for what servers do differently. What is wrong with the request as a whole is a
fault, what is wrong with one mailbox an answer of its own.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.simulator import telling
from bridge.simulator.answers import required
from bridge.simulator.availability import Busy, busy_times, merged
from bridge.simulator.call import Call
from bridge.simulator.model import LEVELS, Folder, Person
from bridge.simulator.rights import hidden
from bridge.simulator.rules import rank
from bridge.simulator.serializable_zone import read_serializable_zone, serializable_zone
from bridge.simulator.trouble import EwsError, NotSimulated
from bridge.simulator.xml import Element, M, T, add, bool_text, children, make, text_of
from bridge.simulator.zones import Zone, named, utc

MOST_MAILBOXES = 100
_DEFAULT_STEP, _SHORTEST_STEP, _LONGEST_STEP = 30, 5, 1440
_VIEWS = ("MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged")
_WITHOUT_DETAILS = {"Detailed": "FreeBusy", "DetailedMerged": "FreeBusyMerged"}
_DIGITS = {"Free": 0, "Tentative": 1, "Busy": 2, "OOF": 3, "NoData": 4}


@dataclass(frozen=True)
class Question:
    """What is asked of every mailbox: the window (UTC), the zone of the answer's times, the view."""

    start: datetime
    end: datetime
    zone: Zone
    step: timedelta
    view: str


def get_user_availability(call: Call) -> Element:
    """Give the answer: one for each mailbox, in their order."""
    if call.request.find(T + "SuggestionsViewOptions") is not None:
        raise NotSimulated("GetUserAvailability with suggestions")
    question = _read(call)
    mailboxes = list(children(required(call.request, "MailboxDataArray")))
    if not mailboxes:
        raise EwsError("ErrorMailboxDataArrayEmpty")
    if len(mailboxes) > MOST_MAILBOXES:
        raise EwsError("ErrorMailboxDataArrayTooBig")
    response = make(M + "GetUserAvailabilityResponse")
    answers = add(response, M + "FreeBusyResponseArray")
    for mailbox in mailboxes:
        answers.append(_answer(call, question, text_of(mailbox, f"{T}Email/{T}Address")))
    return response


def _read(call: Call) -> Question:
    zone = call.request.find(T + "TimeZone")
    # [D] the samples of 2014 leave the zone to the TimeZoneContext; without either it is an error (assumed)
    local = read_serializable_zone(zone) if zone is not None else call.zone
    if local is None:
        raise EwsError("ErrorTimeZone", "The request has no time zone.")
    options = call.request.find(T + "FreeBusyViewOptions")
    if options is None:
        raise EwsError("ErrorInvalidFreeBusyViewType", "The request has no FreeBusyViewOptions.")
    start, end = (_moment(local, text_of(options, f"{T}TimeWindow/{T}{name}Time")) for name in ("Start", "End"))
    _check_window(call, start, end)
    step = int(text_of(options, T + "MergedFreeBusyIntervalInMinutes") or _DEFAULT_STEP)
    if not _SHORTEST_STEP <= step <= _LONGEST_STEP:
        raise EwsError("ErrorInvalidMergedFreeBusyInterval")
    view = text_of(options, T + "RequestedView").strip() or "FreeBusyMerged"  # the default is assumed
    if view not in _VIEWS:
        raise EwsError("ErrorInvalidFreeBusyViewType")
    return Question(start, end, local, timedelta(minutes=step), view)


def _moment(zone: Zone, text: str) -> datetime:
    """Give the instant of a time of the window: in the request's zone, unless it has an offset."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as cause:
        raise EwsError("ErrorInvalidTimeInterval", f"Not a time: {text}") from cause
    return zone.to_utc(moment) if moment.tzinfo is None else moment.astimezone(UTC)


def _check_window(call: Call, start: datetime, end: datetime) -> None:
    # [V] a fault of Online: "The time duration specified for FreeBusyViewOptions.TimeWindow is invalid."
    if end <= start or end - start < timedelta(hours=call.rules.availability_shortest_hours):
        raise EwsError(
            "ErrorInvalidTimeInterval", "The time duration specified for FreeBusyViewOptions.TimeWindow is invalid."
        )
    limit = call.rules.availability_limit_days
    if end - start > timedelta(days=limit):
        raise EwsError(
            "ErrorTimeIntervalTooBig",
            "The requested time duration specified for FreeBusyViewOptions.TimeWindow is too long. "
            f"The allowed limit = {limit} days; the actual limit = {(end - start).days} days.",
        )


def _answer(call: Call, question: Question, address: str) -> Element:
    """Give m:FreeBusyResponse. Source: [V] an error beside a view of type None, from an 8.0."""
    response = make(M + "FreeBusyResponse")
    try:
        view = _view(call, question, address)
    except EwsError as error:
        message = add(response, M + "ResponseMessage", None, {"ResponseClass": "Error"})
        add(message, M + "MessageText", error.message)
        add(message, M + "ResponseCode", error.code)
        add(message, M + "DescriptiveLinkKey", "0")
        add(add(response, M + "FreeBusyView"), T + "FreeBusyViewType", "None")
        return response
    message = add(response, M + "ResponseMessage", None, {"ResponseClass": "Success"})
    add(message, M + "ResponseCode", "NoError")
    response.append(view)
    return response


def _view(call: Call, question: Question, address: str) -> Element:
    if call.limits.instead:
        raise call.limits.instead
    person = call.store.person(address)
    if person is None:
        raise EwsError("ErrorMailRecipientNotFound", "The e-mail address is not that of a mailbox.")
    code = next((call.limits.unreadable[a] for a in (address, *person.addresses) if a in call.limits.unreadable), None)
    if code:
        raise EwsError(code)
    folder = call.store.distinguished(person.mailbox, "calendar")
    level = LEVELS.index(_level(call.viewer, folder))
    if level < LEVELS.index("freebusy"):
        raise EwsError("ErrorNoFreeBusyAccess")
    detailed = level >= LEVELS.index("read")
    kind = question.view if detailed else _WITHOUT_DETAILS.get(question.view, question.view)
    times = busy_times(call.store.items_in(folder), question.start, question.end)
    view = make(M + "FreeBusyView")
    add(view, T + "FreeBusyViewType", kind)
    if "Merged" in kind:
        text = merged(times, question.start, question.end, question.step, _digits(call))
        if text or not call.rules.empty_left_out:
            add(view, T + "MergedFreeBusy", text)
    if kind != "MergedOnly":
        events = add(view, T + "CalendarEventArray")
        for busy in times:
            if busy.status != "Free" or call.rules.availability_tells_free:
                events.append(_event(call, question.zone, busy, detailed=kind.startswith("Detailed")))
        view.append(_working_hours(person, question.zone.to_local(question.start).year))
    return view


def _level(viewer: Person, folder: Folder) -> str:
    """Give the level of a viewer on somebody's time: unless said otherwise everybody sees free and busy.

    Source: [D] folder permissions, the Default user's FreeBusyTimeOnly; who is named has what is named for him.
    """
    if viewer.mailbox == folder.mailbox:
        return "owner"
    granted = [folder.permissions[a] for a in viewer.addresses if a in folder.permissions]
    return max(granted, key=LEVELS.index) if granted else folder.permissions.get("default", "freebusy")


def _digits(call: Call) -> dict[str, int]:
    return _DIGITS | {"WorkingElsewhere": call.rules.working_elsewhere_digit}


def _event(call: Call, zone: Zone, busy: Busy, *, detailed: bool) -> Element:
    event = make(T + "CalendarEvent")
    # [D] the sample of 2014: times without an offset, in the request's zone
    add(event, T + "StartTime", zone.to_local(busy.start).isoformat())
    add(event, T + "EndTime", zone.to_local(busy.end).isoformat())
    old = call.personality.level < rank("Exchange2013")  # [D] WorkingElsewhere since 2013
    add(event, T + "BusyType", "NoData" if old and busy.status == "WorkingElsewhere" else busy.status)
    if not detailed:
        return event
    item, told = busy.item, telling.Told(call, rich=True)
    details = add(event, T + "CalendarEventDetails")
    add(details, T + "ID", base64.b64decode(item.id).hex().upper())
    if not hidden(call.viewer, item, call.personality):
        add(details, T + "Subject", str(item.values.get("Subject", "")))
        add(details, T + "Location", str(item.values.get("Location", "")))
    add(details, T + "IsMeeting", telling.is_meeting(told, item))
    add(details, T + "IsRecurring", bool_text(busy.is_recurring))
    add(details, T + "IsException", bool_text(busy.is_exception))
    add(details, T + "IsReminderSet", telling.reminder_is_set(told, item))
    add(details, T + "IsPrivate", bool_text(item.values.get("Sensitivity") == "Private"))
    return event


def _working_hours(person: Person, year: int) -> Element:
    """Give t:WorkingHours. Source: [D] the samples' hours, in the mailbox's own zone."""
    element = make(T + "WorkingHours")
    element.append(serializable_zone(named(person.zone) or utc(), year))
    period = add(add(element, T + "WorkingPeriodArray"), T + "WorkingPeriod")
    add(period, T + "DayOfWeek", "Monday Tuesday Wednesday Thursday Friday")
    add(period, T + "StartTimeInMinutes", "480")
    add(period, T + "EndTimeInMinutes", "1020")
    return element
