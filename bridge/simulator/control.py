"""The control URL: what is set and what was seen, as JSON, and how to set it while the simulator runs.

GET shows the state. POST takes an object with any of these, does it, and answers with the state:

    {"add": [{"kind": "busy_503", "operation": "GetItem", "mailbox": "anna@example.com", "count": 2,
              "after": false, "seconds": 30}],     knobs as in `faults.Knob`; only `kind` is needed
     "clear": true,                                or the kinds to clear
     "latency": 200,                               milliseconds for every call, in place of what was set; 0: none
     "notifications": "pull",                      what may be subscribed to: none, pull, streaming (both)
     "expire_sync_states": true, "lose_subscriptions": true, "reset_counts": true, "clear_outbox": true}

What is cleared is cleared before anything is added. A mistake is HTTP 400 with `{"error": ...}`, and nothing is done.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bridge.simulator.faults import KINDS, Knob, read_knob
from bridge.simulator.rules import NOTIFICATIONS
from bridge.simulator.service import Service
from bridge.simulator.subscriptions import Subscription

_COMMANDS = {
    "add",
    "clear",
    "latency",
    "notifications",
    "expire_sync_states",
    "lose_subscriptions",
    "reset_counts",
    "clear_outbox",
}


def show(service: Service) -> dict[str, Any]:
    """Give the state as GET tells it."""
    records = service.records
    return {
        "personality": service.personality.name,
        "schemas": service.schemas is not None,
        "knobs": [asdict(knob) for knob in service.faults.knobs],
        "kinds": KINDS,
        "calls": records.by_operation(),
        "total": records.total(),
        "logins": dict(records.logins),
        "failed_logins": dict(records.failed_logins),
        "recent": [asdict(seen) for seen in list(records.recent)],
        "invalid_answers": list(records.invalid_answers),
        "refused": list(records.refused),
        "outbox": [asdict(mail) for mail in list(service.store.outbox)],
        "notifications": service.subscriptions.allowed,
        "subscriptions": [_subscription(service, one) for one in service.subscriptions.alive],
        "mailboxes": {p.address: len(service.store.mailboxes[p.mailbox].folders) for p in service.store.people},
    }


def change(service: Service, content: bytes) -> dict[str, Any]:
    """Carry out a POST and give the state after it; ValueError for what is not understood, with nothing done."""
    wanted = json.loads(content or b"{}")
    if not isinstance(wanted, dict) or set(wanted) - _COMMANDS:
        raise ValueError(f"a JSON object with {', '.join(sorted(_COMMANDS))} is expected")
    knobs = [read_knob(_object(knob)) for knob in wanted.get("add", [])]
    cleared = _kinds(wanted.get("clear", []))
    allowed = wanted.get("notifications", service.subscriptions.allowed)
    if allowed not in NOTIFICATIONS:
        raise ValueError(f"notifications is one of {', '.join(NOTIFICATIONS)}")
    if "latency" in wanted:
        latency = Knob("latency", milliseconds=int(wanted["latency"]))
        cleared |= {"latency"}
        knobs += [latency] if latency.milliseconds else []
    if cleared:
        service.faults.clear(*cleared)
    for knob in knobs:
        service.faults.add(knob)
    service.subscriptions.allowed = allowed
    if wanted.get("expire_sync_states"):
        service.store.sync_epoch += 1
    if wanted.get("lose_subscriptions"):
        service.subscriptions.lose()
    if wanted.get("reset_counts"):
        service.records.reset()
    if wanted.get("clear_outbox"):
        service.store.outbox.clear()
    return show(service)


def _subscription(service: Service, subscription: Subscription) -> dict[str, Any]:
    return {
        "owner": subscription.wish.owner,
        "mailbox": service.store.mailboxes[subscription.wish.mailbox].owner.address,
        "is_streaming": subscription.wish.is_streaming,
        "is_held": subscription.stream is not None,
        "waiting": len(subscription.queue),
    }


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"a knob is a JSON object, not {value!r}")  # noqa: TRY004 - one kind of refusal
    return value


def _kinds(value: Any) -> set[str]:
    """Give the kinds of knobs to clear."""
    kinds = set(KINDS) if value is True else set(value or ())
    if kinds - set(KINDS):
        raise ValueError(f"no such kinds of knobs: {', '.join(sorted(map(str, kinds - set(KINDS))))}")
    return kinds
