"""One call as an operation sees it, and the times in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bridge.simulator.budgets import Payer
from bridge.simulator.faults import Faults
from bridge.simulator.model import Person
from bridge.simulator.rules import Personality, Rules, rank
from bridge.simulator.store import Store
from bridge.simulator.streams import HeldStream
from bridge.simulator.subscriptions import Subscriptions
from bridge.simulator.trouble import EwsError, Fault
from bridge.simulator.xml import Element
from bridge.simulator.zones import Zone

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?")


@dataclass(frozen=True)
class Limits:
    """What the knobs take from an operation.

    `page_size` caps pages (None: no cap), `unreadable` goes from ItemId or UID to the error told for that item,
    `instead` is the error told in place of every answer of the batch, `after` when the work is done all the same;
    after `stop_after` answers (None: never) the rest of a batch is not worked on.
    """

    page_size: int | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)
    instead: EwsError | None = None
    after: bool = False
    stop_after: int | None = None


@dataclass(frozen=True)
class Call:
    """A call: who asks, what, with which version and time zone, at which kind of server.

    `viewer` is who counts, `login` who logged in: another where he is impersonated; `payer` is charged. An operation
    whose answer is held open leaves in `streams` what goes on with it. `server` is the one of several that is asked.
    """

    store: Store
    subscriptions: Subscriptions
    faults: Faults
    viewer: Person
    login: Person
    payer: Payer
    personality: Personality
    request: Element
    version: str
    zone: Zone | None = None
    limits: Limits = field(default_factory=Limits)
    streams: list[HeldStream] = field(default_factory=list)
    server: str = ""

    @property
    def rules(self) -> Rules:
        """Give the server's rules."""
        return self.personality.rules

    @property
    def level(self) -> int:
        """Give the rank of the version that elements of this call may have."""
        return min(rank(self.version), self.personality.level)

    def read_time(self, text: str) -> datetime:
        """Give the instant a dateTime means; without an offset it is in the call's zone, else in UTC."""
        found = _TIME.fullmatch(text.strip())
        if not found:
            raise EwsError("ErrorInvalidPropertySet", f"Not a time: {text}")
        try:
            moment = datetime.fromisoformat(found[1])
            if found[2] is None:
                return self.zone.to_utc(moment) if self.zone else moment.replace(tzinfo=UTC)
            return datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00")).astimezone(UTC)
        except (ValueError, OverflowError) as cause:
            raise EwsError("ErrorInvalidPropertySet", f"Not a time: {text}") from cause

    def time_text(self, moment: datetime) -> str:
        """Give an instant as this call's answer writes it. Source: [V] offsets under a TimeZoneContext."""
        utc = moment.astimezone(UTC)
        if self.zone is None:
            fraction = ".000000000" if self.rules.long_fractions else ""
            return utc.strftime("%Y-%m-%dT%H:%M:%S") + fraction + ("+0000" if self.rules.long_fractions else "Z")
        local = self.zone.to_local(utc)
        return local.strftime("%Y-%m-%dT%H:%M:%S") + offset_text(self.zone.offset(utc))


def offset_text(offset: timedelta) -> str:
    """Give an offset from UTC as `+hh:mm`."""
    minutes = round(abs(offset).total_seconds() / 60)
    return f"{'-' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"


def check_version(version: str, personality: Personality) -> str:
    """Give the version of a request, the default when it names none; a newer one than the server's is a fault."""
    if not version:
        return personality.rules.default_version
    if personality.rules.newer_versions_accepted and (rank(version) < 0 or rank(version) > personality.level):
        return personality.newest
    if rank(version) < 0 or rank(version) > personality.level:
        raise Fault("ErrorInvalidServerVersion")
    return version
