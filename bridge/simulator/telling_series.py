"""How the properties of masters, occurrences and exceptions are told.

Sources: [V] a master and its occurrences of 15.2; [D] FirstOccurrence, ModifiedOccurrences, DeletedOccurrences.
"""

from datetime import date

from bridge.simulator.model import Item
from bridge.simulator.recurrence_xml import recurrence_element
from bridge.simulator.series import Series, series_of
from bridge.simulator.telling import Told
from bridge.simulator.xml import Element, T, add, bool_text, make

_CLASSES = {"Occurrence": ".Occurrence", "Exception": ".Exception"}


def _series(item: Item) -> Series | None:
    return series_of(item) if item.kind == "RecurringMaster" else None


def item_class(_told: Told, item: Item) -> str:
    """Give the item class. Source: [V] IPM.Appointment.Occurrence; that of exceptions is assumed."""
    return str(item.values.get("ItemClass", "IPM.Appointment")) + _CLASSES.get(item.kind, "")


def due_by(told: Told, item: Item) -> str:
    """Give ReminderDueBy: the start, of a master that of its next occurrence. Source: [V] the master of 15.2."""
    series = _series(item)
    following = series.next_after(told.call.store.clock()) if series and told.rich else None
    return told.call.time_text(series.place(following)[0] if series and following else item.start)


def original(told: Told, item: Item) -> str | None:
    """Give where the pattern has an occurrence; None for what is none."""
    return told.call.time_text(item.occurrence.original) if item.occurrence else None


def is_recurring(_told: Told, item: Item) -> str:
    """Give whether it is one of a series. Source: [V] false for masters."""
    return bool_text(item.occurrence)


def recurrence(told: Told, item: Item) -> Element | None:
    """Give t:Recurrence of a master."""
    series = _series(item)
    return recurrence_element(told.call, series.recurrence, series.zone) if series else None


def first(told: Told, item: Item) -> Element | None:
    """Give t:FirstOccurrence: the first that is not deleted (assumed)."""
    series = _series(item)
    return _info(told, "FirstOccurrence", series, series.first()) if series else None


def last(told: Told, item: Item) -> Element | None:
    """Give t:LastOccurrence: the last that is not deleted (assumed), None for a series without end."""
    series = _series(item)
    return _info(told, "LastOccurrence", series, series.last()) if series else None


def modified(told: Told, item: Item) -> Element | None:
    """Give t:ModifiedOccurrences, None when there are none."""
    series = _series(item)
    if series is None or not item.exceptions:
        return None
    element = make(T + "ModifiedOccurrences")
    for day in sorted(item.exceptions):
        found = _info(told, "Occurrence", series, day)
        if found is not None:
            element.append(found)
    return element


def deleted(told: Told, item: Item) -> Element | None:
    """Give t:DeletedOccurrences, None when there are none."""
    series = _series(item)
    if series is None or not item.deleted:
        return None
    element = make(T + "DeletedOccurrences")
    for day in sorted(item.deleted):
        add(add(element, T + "DeletedOccurrence"), T + "Start", told.call.time_text(series.span(day)[0]))
    return element


def _info(told: Told, name: str, series: Series, day: date | None) -> Element | None:
    if day is None:
        return None
    item = series.item(day)
    element = make(T + name)
    add(element, T + "ItemId", None, {"Id": item.id, "ChangeKey": item.key})
    add(element, T + "Start", told.call.time_text(item.start))
    add(element, T + "End", told.call.time_text(item.end))
    add(element, T + "OriginalStart", told.call.time_text(series.span(day)[0]))
    return element
