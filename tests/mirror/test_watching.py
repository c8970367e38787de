"""Who watches a calendar, as all processes see it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.mirror.mirror import Mirror
from bridge.mirror.watching import LEASE
from bridge.model import CalendarRef, FolderId

ONE, TWO = "1" * 16, "2" * 16


def test_a_quiet_calendar_is_as_new_as_its_watcher_s_last_sign(
    mirror: Mirror, ref: CalendarRef, pull: Callable[..., object], now: datetime
) -> None:
    pull()
    watching = mirror.watching
    watching.sign(ONE, now)
    assert watching.claim([ref], ONE, now) == {ref}
    assert mirror.snapshot(ref).heard_at is None
    assert watching.claim([ref], TWO, now) == frozenset()
    watching.note(ref, ONE, is_quiet=True)
    assert mirror.snapshot(ref).heard_at == mirror.snapshot(ref).known_at == now
    later = now + timedelta(minutes=5)
    watching.sign(ONE, later)
    assert mirror.snapshot(ref).known_at == later
    watching.note(ref, ONE, is_quiet=False)
    assert mirror.snapshot(ref).heard_at is None


def test_one_process_watches_and_another_takes_over_when_it_is_not_heard_of(
    mirror: Mirror, ref: CalendarRef, pull: Callable[..., object], now: datetime
) -> None:
    pull()
    watching = mirror.watching
    watching.sign(ONE, now)
    watching.claim([ref], ONE, now)
    watching.note(ref, ONE, is_quiet=True)
    assert watching.claim([ref], TWO, now + LEASE) == frozenset()
    watching.note(ref, TWO, is_quiet=False)
    assert watching.quiet([ref], ONE) == {ref}
    after = now + LEASE + timedelta(seconds=1)
    watching.sign(TWO, after)
    assert watching.claim([ref], TWO, after) == {ref}
    assert watching.quiet([ref], ONE) == frozenset()
    assert mirror.snapshot(ref).heard_at is None
    watching.note(ref, ONE, is_quiet=True)
    assert mirror.snapshot(ref).heard_at is None


def test_what_is_released_and_what_is_not_mirrored_is_nobody_s(
    mirror: Mirror, ref: CalendarRef, pull: Callable[..., object], now: datetime
) -> None:
    pull()
    unknown = replace(ref, folder=FolderId("another"))
    watching = mirror.watching
    watching.sign(ONE, now)
    assert watching.claim([ref, unknown], ONE, now) == {ref}
    watching.release([ref], ONE)
    assert watching.claim([ref], TWO, now) == {ref}


def test_a_push_and_a_pull_leave_the_watcher_what_it_is(
    mirror: Mirror, ref: CalendarRef, pull: Callable[..., object], event: Callable[..., object], now: datetime
) -> None:
    pull()
    mirror.watching.sign(ONE, now)
    mirror.watching.claim([ref], ONE, now)
    mirror.watching.note(ref, ONE, is_quiet=True)
    pull(event("a.ics"))
    assert mirror.watching.quiet([ref], ONE) == {ref}
    mirror.drop(ref)
    assert mirror.watching.quiet([ref], ONE) == frozenset()
