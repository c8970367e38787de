"""Troubles for the random walk: every knob of the simulated Exchange, with settings that let a walk go on."""

import random
from collections.abc import Sequence

from bridge.simulator import Simulator

READS = ("SyncFolderItems", "GetItem", "FindItem", "GetFolder", "FindFolder")
WRITES = ("CreateItem", "UpdateItem", "DeleteItem", "MoveItem")
CODES = (
    "ErrorInternalServerError",
    "ErrorInternalServerTransientError",
    "ErrorMailboxStoreUnavailable",
    "ErrorMailboxMoveInProgress",
    "ErrorTimeoutExpired",
    "ErrorConnectionFailed",
)
"""What Exchange says of itself, never of an item: a client must not take it for a fact about its event."""
UNREADABLE = ("ErrorItemCorrupt", "ErrorMimeContentConversionFailed", "ErrorInternalServerError")
SPOILING = (
    "busy_fault",
    "busy_503",
    "busy_item",
    "busy_inner",
    "too_many_connections",
    "server_error",
    "fault",
    "item_error",
    "reset",
    "cut",
    "truncated",
)
SETTING = ("latency", "drip", "batch_stopped", "page_size", "unreadable")


def set_trouble(exchange: Simulator, chance: random.Random, uids: Sequence[str]) -> str:
    """Set a knob that some of the next calls meet, perhaps an item that cannot be read; say which."""
    kind = chance.choice(SPOILING * 2 + SETTING)
    settings: dict[str, object] = {"count": chance.randint(1, 4)}
    if kind in SPOILING:
        settings |= {
            "operation": chance.choice(("", *READS, *WRITES, *WRITES)),
            "after": kind in {"reset", "cut", "truncated"} and chance.random() < 0.7,
        }
    match kind:
        case "latency":
            settings |= {"milliseconds": chance.randint(20, 150), "operation": chance.choice(("", *WRITES))}
        case "drip":
            settings |= {"milliseconds": 1, "count": 1}
        case "busy_fault" | "busy_item":
            settings["milliseconds"] = 300
        case "busy_503":
            settings["seconds"] = 1
        case "fault" | "item_error":
            settings["code"] = chance.choice(CODES)
        case "batch_stopped":
            settings["size"] = chance.randint(0, 2)
        case "page_size":
            settings["size"] = chance.randint(1, 5)
        case "unreadable" if uids:
            settings |= {"item": chance.choice(uids), "code": chance.choice(UNREADABLE)}
        case "unreadable":
            return "no trouble"
    exchange.trouble(kind, **settings)
    return f"{kind} {settings}"
