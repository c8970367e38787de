"""What must be at Exchange at any moment of the random walk, and what a client may be told of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from walk_client import Copy, Held, News, Wrong
from walk_events import Event

State = Event | None
"""What an event may be: as it is, or gone."""


@dataclass(frozen=True)
class Deed:
    """What somebody did to an event: it ``may`` be so afterwards, and is surely where there is only one possibility.

    ``is_ours``: done through the bridge, so that every process must show it ``where`` it was done. ``base`` is the ETag
    it rested on.
    ``overrules``: somebody at Exchange gave it this summary, which nobody who has not seen it may overwrite.
    """

    uid: str
    may: frozenset[State]
    is_ours: bool = True
    where: tuple[str, ...] = ()
    base: str = ""
    overrules: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether it was definitely done."""
        return len(self.may) == 1


@dataclass
class Ledger:
    """``moment`` counts steps. ``look`` gives what Exchange holds now, by UID."""

    look: Callable[[], Mapping[str, list[Event]]]
    moment: int = 0
    now: dict[str, Event] = field(default_factory=dict)
    history: dict[str, set[Event]] = field(default_factory=dict)
    absent: dict[tuple[str, str], int] = field(default_factory=dict)
    was_so: dict[Event, int] = field(default_factory=dict)
    ours: dict[tuple[str, str], State] = field(default_factory=dict)
    placeholders: bool = False

    def expect(self, uid: str, *wanted: State) -> None:
        """Take notice of what somebody is about to do: what clients are shown meanwhile may be either."""
        self._forget_ours(uid)
        self.history.setdefault(uid, set()).update(one for one in wanted if one is not None)

    def leaves(self, calendar: str, uid: str) -> None:
        """Take notice of an event that is about to leave a calendar, perhaps."""
        self.absent[calendar, uid] = self.moment

    def close_step(self, deeds: list[Deed], calendars: Iterable[str]) -> None:
        """Hold what Exchange has now against what it had and what was done. Raises Wrong."""
        seen = self.look()
        for uid in sorted(set(seen) | set(self.now)):
            found = seen.get(uid, [])
            if len(found) > 1:
                raise Wrong(f"{uid} is there {len(found)} times: {'; '.join(map(str, found))}")
            is_now = found[0] if found else None
            done = [deed for deed in deeds if deed.uid == uid]
            self._judge(uid, is_now, done)
            self._note(uid, is_now, done, calendars)

    def _judge(self, uid: str, is_now: State, done: list[Deed]) -> None:
        before = self.now.get(uid)
        if not done:
            if is_now != before:
                raise Wrong(f"{uid} changed and nobody did it: {before} -> {is_now}")
        elif len(done) == 1:
            if is_now not in done[0].may and not (len(done[0].may) > 1 and _is_between(is_now, done[0].may)):
                raise Wrong(f"{uid} is {is_now} and not {' or '.join(map(str, done[0].may))}")
        else:
            self._judge_several(uid, is_now, done)

    def _judge_several(self, uid: str, is_now: State, done: list[Deed]) -> None:
        may = {self.now.get(uid)}.union(*(deed.may for deed in done))
        if (is_now.summary if is_now else "") not in {one.summary if one else "" for one in may}:
            raise Wrong(f"{uid} is {is_now} and not {' or '.join(map(str, may))}")
        sure = [deed for deed in done if deed.is_ours and deed.is_sure]
        if len(sure) > 1 and sure[0].base and len({deed.base for deed in sure}) == 1:
            raise Wrong(f"{uid}: two writes on one ETag were both answered with a 2xx")
        overruled = next((deed.overrules for deed in done if deed.overrules), "")
        if overruled and is_now is not None and is_now.summary != overruled:
            raise Wrong(f"{uid}: what was written at Exchange meanwhile ({overruled}) is overwritten by {is_now}")

    def _note(self, uid: str, is_now: State, done: list[Deed], calendars: Iterable[str]) -> None:
        if is_now is None:
            self.now.pop(uid, None)
        else:
            self.now[uid] = is_now
            self.was_so[is_now] = self.moment
            self.history.setdefault(uid, set()).add(is_now)
        for deed in done:
            self.history.setdefault(uid, set()).update(one for one in deed.may if one)
        for calendar in calendars:
            if is_now is None or is_now.calendar != calendar:
                self.absent[calendar, uid] = self.moment
        if len(done) == 1:
            self.note_ours(done[0])
        elif done:
            self._forget_ours(uid)

    def note_ours(self, deed: Deed) -> None:
        """Remember what was surely written through the bridge: the next request must show it."""
        self._forget_ours(deed.uid)
        if deed.is_ours and deed.is_sure:
            for calendar in deed.where:
                self.ours[calendar, deed.uid] = next(iter(deed.may))

    def _forget_ours(self, uid: str) -> None:
        for key in [key for key in list(self.ours) if key[1] == uid]:
            self.ours.pop(key, None)

    def was_absent(self, event: Event, since: int) -> bool:
        """Say whether an event was not in its calendar at some moment since it was as a client was told ``since``.

        What is told may be old already: then it counts from when it was so.
        """
        uid, calendar = event.uid, event.calendar
        since = min(since, self.was_so.get(event, -1))
        now = self.now.get(uid)
        is_elsewhere = now is None or now.calendar != calendar
        return is_elsewhere or self.absent.get((calendar, uid), -1) >= since

    def check_view(self, calendar: str, before: Mapping[str, Held], copy: Copy, news: News) -> None:
        """Hold what a client was told against what was ever so; ``before`` is what it held. Raises Wrong."""
        shown = {held.event.uid: held.event for held in copy.held.values()}
        for name in news.gone:
            if name in before and name not in copy.held:
                event, since = before[name].event, before[name].since
                is_known = event.uid in self.history and event.uid not in shown
                if is_known and not self.was_absent(event, since):
                    raise Wrong(
                        f"{calendar}/{name} was told to be gone; at Exchange it never was: {self.now.get(event.uid)}"
                    )
        if len(shown) < len(copy.held):
            raise Wrong(f"one UID under several names: {sorted((h.event.uid, n) for n, h in copy.held.items())}")
        for uid, event in shown.items():
            if uid not in self.history and not self.placeholders:
                raise Wrong(f"nobody made {event}")
            were = frozenset[State](self.history.get(uid, ()))
            if uid in self.history and not self.placeholders and event not in were and not _is_between(event, were):
                raise Wrong(f"{uid} never was {event}")

    def check_own_changes(self, calendar: str, copy: Copy) -> None:
        """See that a client is shown all that was written through the bridge. Raises Wrong."""
        shown = {held.event.uid: held.event for held in copy.held.values()}
        for (where, uid), state in list(self.ours.items()):
            if where != calendar:
                continue
            here = state if state is not None and state.calendar == calendar else None
            if shown.get(uid) != here:
                raise Wrong(f"a change that was answered with a 2xx is not shown: {shown.get(uid)}, written was {here}")


def _is_between(is_now: State, may: frozenset[State]) -> bool:
    """Whether a series stands between two states: its changed and deleted occurrences are written after itself."""
    states = [one for one in may if one is not None]
    if is_now is None or not any(one.is_series for one in states):
        return False
    changed = frozenset[tuple[object, str]]().union(*(one.changed for one in states))
    cancelled = frozenset[object]().union(*(one.cancelled for one in states))
    is_like_one = (is_now.summary, is_now.calendar) in {(one.summary, one.calendar) for one in states}
    return is_like_one and is_now.changed <= changed and is_now.cancelled <= cancelled
