"""VALARM (RFC 5545 3.6.6) and the one reminder that Exchange has: some minutes before the start."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bridge.item import Item
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.field import Asked, Field, Part, Shown, attributes
from bridge.mapping.values import parse_duration

_MOST_MINUTES = 2_629_800
"""The schema's bound of ReminderMinutesBeforeStart: five years. A larger number stands for no time at all."""
_MINUTE = timedelta(minutes=1)


class Reminder(Field):
    """The first alarm that Exchange can hold. The others are nobody's, and kept."""

    name = "VALARM"
    ical = frozenset({"VALARM"})
    attributes = attributes("reminder_minutes")

    def take(self, event: Component, context: Context) -> Sequence[Part]:  # noqa: ARG002 - the signature is a Field's
        """Give that alarm."""
        alarm = _first(event)
        return [alarm] if alarm else []

    def to_item(self, asked: Asked) -> Mapping[str, Any]:
        """Take the minutes of that alarm."""
        alarm = _first(asked.event)
        return {"reminder_minutes": _minutes(alarm) if alarm else None}

    def to_ical(self, shown: Shown) -> list[str]:
        """Write an alarm that shows itself, its required DESCRIPTION with it; nothing beyond the bound."""
        trigger = _trigger(shown.item)
        return ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Reminder", trigger, "END:VALARM"] if trigger else []

    def merge(self, shown: Shown, lines: Sequence[str]) -> Sequence[str]:
        """Write the client's alarm with the new time: its UID, its sound and that it was dismissed are his."""
        trigger = _trigger(shown.item)
        if not trigger or not lines:
            return self.to_ical(shown)
        return [trigger if line.upper().startswith("TRIGGER") else line for line in lines]

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the minutes."""
        return (item.content.reminder_minutes,)


def _trigger(item: Item) -> str | None:
    minutes = item.content.reminder_minutes
    if minutes is None or minutes > _MOST_MINUTES:
        return None
    return f"TRIGGER:-PT{minutes}M" if minutes else "TRIGGER:PT0M"


def _first(event: Component) -> Component | None:
    return next((child for child in event.children if child.name == "VALARM" and _minutes(child) is not None), None)


def _minutes(alarm: Component) -> int | None:
    """Give the minutes before the start, seconds rounded so that it does not come late; None for other alarms."""
    action, trigger = alarm.get("ACTION"), alarm.get("TRIGGER")
    if trigger is None or (action is not None and action.value.strip().upper() not in {"DISPLAY", "AUDIO"}):
        return None
    if (trigger.parameter("RELATED") or "START").upper() != "START":
        return None
    try:
        before = -parse_duration(trigger.value).exact
    except (ValueError, OverflowError):
        return None
    minutes = -(-before // _MINUTE)
    return minutes if before >= timedelta(0) and minutes <= _MOST_MINUTES else None
