"""UpdateItem: the changes of one item are all made or none; the items go one by one and nothing is undone.

Sources: [V] recording, [D] UpdateItem, ConflictResolution, responsecode; `rules` for the keys.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.appointments import Extended, Values, check_zones, keep_answers, settle, take
from bridge.simulator.attachments import VALUE as ATTACHMENTS
from bridge.simulator.call import Call
from bridge.simulator.extended import read_path, read_property
from bridge.simulator.fields import Field
from bridge.simulator.identifiers import ItemName
from bridge.simulator.mails import mail_update
from bridge.simulator.model import Body, Item
from bridge.simulator.places import item_at
from bridge.simulator.series import check_place, series_of
from bridge.simulator.series_changes import put_change
from bridge.simulator.shapes import path_of
from bridge.simulator.trouble import EwsError, NotSimulated, invalid
from bridge.simulator.xml import Element, M, T, add, children, name_of

Step = Callable[[Values, Extended], None]
_LISTS = {"RequiredAttendees", "OptionalAttendees", "Resources"}


def update_item(call: Call) -> Element:
    """Give the answer: a new change key for each changed item."""
    changes = [(next(children(c)), _read(call, c)) for c in children(required(call.request, "ItemChanges"))]
    begun: dict[ItemName, str] = {}
    return respond(call, (partial(_one, call, named, steps, begun) for named, steps in changes))


def _read(call: Call, change: Element) -> list[Step] | EwsError:
    """Give the steps of one item's change, or its error; a fault comes before anything is written."""
    try:
        paths = change.iterfind(f"{T}Updates/{T}SetItemField/{T}FieldURI")
        check_zones([path.get("FieldURI", "").partition(":")[2] for path in paths])
        return [_step(call, update) for update in children(change.find(T + "Updates"))]
    except EwsError as error:
        return error


def _one(call: Call, named: Element, steps: list[Step] | EwsError, begun: dict[ItemName, str]) -> Element:
    """Change one item; `begun` holds, by series, the change keys that this request began with."""
    item = item_at(call, named, "write")
    mode = call.request.get("SendMeetingInvitationsOrCancellations")
    if mode is None:
        raise EwsError("ErrorSendMeetingInvitationsOrCancellationsRequired")
    known = begun.setdefault(replace(item.name, day=None), item.key) if item.occurrence else item.key
    _check_key(call, item, named.get("ChangeKey"), known if call.rules.batch_keeps_key else item.key)
    if isinstance(steps, EwsError):
        raise steps
    values, extended = dict(item.values), dict(item.extended)
    for step in steps:
        step(values, extended)
    if item.occurrence and "Recurrence" in values:
        raise EwsError("ErrorInvalidPropertySet", "An occurrence of a series has no recurrence of its own.")
    # An update always reads a recurrence anew, so one that is the same object was not in it
    written = values.get("Recurrence") is not item.values.get("Recurrence")
    settled = settle(call, keep_answers(call, item, values), written=written)
    fresh = replace(item, values=settled, extended=extended, modified_by=call.viewer.name)
    _check_occurrence(call, fresh)
    _check_trash(call, fresh, mode)
    if mail_update(call, item, fresh, mode):
        fresh = replace(fresh, values={**settled, "MeetingRequestWasSent": True})
    stored = put_change(call.store, call.rules, item, fresh, written=written)
    message = success("UpdateItem")
    holder = add(add(message, M + "Items"), T + "CalendarItem")
    add(holder, T + "ItemId", None, {"Id": stored.id, "ChangeKey": stored.key})
    add(add(message, M + "ConflictResults"), T + "Count", "0")
    return message


def _check_occurrence(call: Call, after: Item) -> None:
    if after.occurrence:
        series, bound = series_of(call.store.master_of(after)), call.rules.deleted_neighbours_bound
        check_place(series, after.occurrence.day, after.start, after.end, deleted_bound=bound)


def _check_trash(call: Call, item: Item, mode: str) -> None:
    """Refuse to mail about what is deleted. Source: [D] responsecode, ErrorCalendarCannotUpdateDeletedItem."""
    if mode != "SendToNone" and item.attendees and call.store.folder_of(item).distinguished == "deleteditems":
        raise EwsError("ErrorCalendarCannotUpdateDeletedItem")


def _check_key(call: Call, item: Item, key: str | None, known: str) -> None:
    """Refuse a change without a key that is needed, or with one that is neither the item's nor `known`."""
    mode, rules = call.request.get("ConflictResolution"), call.rules
    missing = {
        "AutoResolve": rules.auto_resolve_needs_key,
        "NeverOverwrite": rules.never_overwrite_needs_key,
        "AlwaysOverwrite": rules.auto_resolve_needs_key if rules.overwrite_needs_key else "",
    }.get(mode or "", "")
    if not key:
        if missing:
            raise EwsError(missing)
        return
    wins = mode == "AlwaysOverwrite" or (mode == "AutoResolve" and rules.auto_resolve_stale_wins)
    if key not in {item.key, known} and not wins and rules.stale_key:
        raise EwsError(rules.stale_key)


def _step(call: Call, update: Element) -> Step:
    path, *rest = children(update)
    kind = name_of(update)
    if name_of(path) == "IndexedFieldURI":
        raise NotSimulated("IndexedFieldURI in UpdateItem")
    if name_of(path) == "ExtendedFieldURI":
        return _extended_step(call, kind, path, rest)
    row = path_of(call, path)
    if row is None:
        raise EwsError("ErrorInvalidPropertySet", f"{path.get('FieldURI')} is not a property of calendar items.")
    if kind == "DeleteItemField":
        return _deletion(call, row)
    given = list(children(rest[0])) if rest and name_of(rest[0]) == "CalendarItem" else []
    if len(given) != 1 or name_of(given[0]) != row.name:
        raise EwsError("ErrorUpdatePropertyMismatch", f"The update of {row.path} must hold that property alone.")
    if row.name == ATTACHMENTS:  # [D] they are changed by operations of their own
        raise EwsError("ErrorInvalidPropertySet", f"The property {row.path} cannot be set.")
    value = take(call, given[0])
    return partial(_set, call, row, value, kind == "AppendToItemField")


def _set(call: Call, row: Field, value: object, appends: bool, values: Values, _extended: Extended) -> None:  # noqa: FBT001
    if row.name == "UID" and call.rules.uid_fixed_after_create and value != values["UID"]:
        raise EwsError("ErrorInvalidPropertySet", "The UID of an item cannot be changed.")
    values[row.name] = _appended(row, values.get(row.name), value) if appends else value


def _deletion(call: Call, row: Field) -> Step:
    def delete(values: Values, _extended: Extended) -> None:
        values.pop(row.name, None)
        if row.name == "ReminderIsSet" and call.rules.default_reminder_set:
            values[row.name] = False

    if row.take is None and row.tell is None:
        return lambda _values, _extended: None  # no item of ours has it, so it is gone already
    if not row.deletable or row.take is None:
        raise EwsError("ErrorInvalidPropertyDelete", f"{row.path} cannot be deleted.")
    return delete


def _appended(row: Field, old: object, new: object) -> object:
    if row.name == "Body" and isinstance(new, Body):
        return Body(new.type, (old.text if isinstance(old, Body) else "") + new.text)
    if row.name in _LISTS and isinstance(new, tuple):
        before = old if isinstance(old, tuple) else ()
        known = {who.address.casefold() for who in before}
        return before + tuple(who for who in new if who.address.casefold() not in known)
    raise EwsError("ErrorInvalidPropertyAppend", f"Nothing can be appended to {row.path}.")


def _extended_step(call: Call, kind: str, path: Element, rest: list[Element]) -> Step:
    wanted = read_path(path)

    def delete(_values: Values, extended: Extended) -> None:
        extended.pop(wanted, None)

    if kind == "DeleteItemField":
        return delete
    if kind != "SetItemField":
        raise EwsError("ErrorInvalidPropertyAppend", "Nothing can be appended to an extended property.")
    given = list(children(rest[0])) if rest else []
    if len(given) != 1 or name_of(given[0]) != "ExtendedProperty":
        raise invalid("An update of an extended property must hold that property alone.")
    found, told = read_property(call, given[0])
    if found != wanted:
        raise EwsError("ErrorUpdatePropertyMismatch", "The property set is not the one named.")

    def write(_values: Values, extended: Extended) -> None:
        extended[wanted] = told

    return write
