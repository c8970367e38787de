"""Answers of GetStreamingEvents that are held open: what is told next, and when.

A held answer waits until something happens, a heartbeat is due, or its time is over. Sources: [D] GetStreamingEvents,
responsecode; `rules` for the heartbeat.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.simulator.faults import Faults, Knob
from bridge.simulator.rules import Rules
from bridge.simulator.store import Store
from bridge.simulator.subscriptions import Notice, Subscription
from bridge.simulator.trouble import EwsError

OPERATION = "GetStreamingEvents"


@dataclass(frozen=True)
class Told:
    """One envelope's worth: events by subscription id (none is a StatusEvent), or the error of subscriptions."""

    batches: Sequence[tuple[str, Sequence[Notice]]] = ()
    error: str = ""
    ids: Sequence[str] = ()
    status: str = ""


class HeldStream:
    """A held answer. `ended` says how it came to its end: closed, stream_end, stream_cut, gone; empty before."""

    def __init__(self, store: Store, faults: Faults, rules: Rules, subscriptions: Sequence[Subscription]) -> None:
        self.ended = ""
        self._store = store
        self._faults = faults
        self._rules = rules
        self._subscriptions = list(subscriptions)
        self._addresses = {store.mailboxes[one.wish.mailbox].owner.address for one in subscriptions}
        self._refusals: list[tuple[str, str]] = []
        self._changed = threading.Condition(store.lock)
        self._silenced: Knob | None = None
        self._until = self._beat = float("inf")

    def begin(self, minutes: int) -> Told:
        """Hold on for so many minutes, in place of what holds an answer for the same subscriptions; give the first."""
        for subscription in self._subscriptions:
            if subscription.stream:  # [D] responsecode
                subscription.stream.refuse(subscription, "ErrorNewEventStreamConnectionOpened")
            subscription.stream = self
        self._until = time.monotonic() + minutes * self._rules.stream_minute_seconds
        self._rest()
        return Told(status="OK")

    def wake(self) -> None:
        """Look whether there is something to tell."""
        with self._changed:
            self._changed.notify_all()

    def refuse(self, subscription: Subscription, code: str) -> None:
        """Tell that error of a subscription, which is told nothing more."""
        with self._changed:
            self._subscriptions.remove(subscription)
            self._refusals.append((code, subscription.id))
            self._leave_off(subscription)
            self._changed.notify_all()

    def drop(self, how: str = "stream_cut") -> None:
        """End at once, without a word."""
        with self._changed:
            self.ended = self.ended or how
            for subscription in self._subscriptions:
                self._leave_off(subscription)
            self._subscriptions.clear()
            self._changed.notify_all()

    def wait(self) -> Told | None:
        """Give what is told next, as soon as there is something; None at the end."""
        with self._changed:
            while not self.ended:
                self._meet_knobs()
                told = None if self.ended or self._silenced else self._due()
                if told is not None:
                    if told.status == "Closed":
                        self.drop("closed")
                    self._rest()
                    return told
                if not self.ended:
                    self._changed.wait(self._pause())
            return None

    def _rest(self) -> None:
        if self._rules.heartbeat_seconds:
            self._beat = time.monotonic() + self._rules.heartbeat_seconds

    def _pause(self) -> float | None:
        """Give the seconds to wait, None without an end."""
        due = float("inf") if self._silenced else min(self._until, self._beat)
        return None if due == float("inf") else max(0.0, due - time.monotonic())

    def _meet_knobs(self) -> None:
        if self._silenced and self._silenced.count is None and self._silenced not in self._faults.knobs:
            self._silenced = None
        knob = self._faults.take_held(OPERATION, self._addresses)
        if knob and knob.kind == "stream_silent":
            self._silenced = self._silenced or knob
        elif knob:
            self.drop(knob.kind)

    def _due(self) -> Told | None:
        if self._refusals:
            code = self._refusals[0][0]
            ids = [named for why, named in self._refusals if why == code]
            self._refusals = [refusal for refusal in self._refusals if refusal[0] != code]
            closed = not self._subscriptions and not self._refusals
            return Told(error=code, ids=ids, status="Closed" if closed else "OK")
        batches: list[tuple[str, Sequence[Notice]]] = []
        for subscription in self._subscriptions:
            if not subscription.has_news:
                continue
            try:
                batches.append((subscription.id, subscription.take()))
            except EwsError as error:  # [C] the EWS Managed API keeps such a subscription
                self._refusals.append((error.code, subscription.id))
        if batches:
            return Told(batches)
        if self._refusals:
            return self._due()
        now = time.monotonic()
        if now >= self._until:
            return Told(status="Closed")
        return Told([(one.id, ()) for one in self._subscriptions]) if now >= self._beat else None

    def _leave_off(self, subscription: Subscription) -> None:
        if subscription.stream is self:
            subscription.stream = None
            subscription.used = self._store.clock()
