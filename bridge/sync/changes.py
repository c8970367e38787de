"""What a client has missed since its sync token, whole or in pages (RFC 6578)."""

from collections.abc import Callable, Mapping

from bridge.errors import MirrorFilling, TokenUnknown
from bridge.ids import SyncPlace, SyncToken, make_token, make_token_within, parse_token
from bridge.model import Name, Revision
from bridge.resource import Changes, Listed, Snapshot

Removed = Callable[[Revision], Mapping[Name, Revision] | None]
"""Gives what lived at a revision and went after it, with when; None where that is not known any more."""


def changes_since(snapshot: Snapshot, removed: Removed, token: str | None, limit: int | None = None) -> Changes:
    """Give what changed since the token, at most ``limit`` of it; None or empty lists everything.

    Everything is told in one order: by the revision at which it last changed or went, within a revision by a hash of
    its name. What changes between two pages moves to the end, behind every place a page can stop at; so a client that
    follows the tokens to the end knows the calendar as it is then.

    Of a calendar that is still being read for the first time every page is cut. Raises TokenUnknown, and MirrorFilling
    where there is nothing to tell yet.
    """
    asked = _parse(snapshot, token) if token else SyncToken(snapshot.epoch, SyncPlace(Revision(-1)), snapshot.revision)
    if snapshot.is_complete and asked.place == SyncPlace(snapshot.revision):
        return Changes((), (), make_token(snapshot.epoch, snapshot.revision), known_at=snapshot.known_at)
    news = _changed(snapshot, asked)
    if asked.place.revision >= 0:
        news.update(_removed(snapshot, removed, asked))
    places = sorted(news)
    is_cut = limit is not None and len(places) > limit
    last = places[limit - 1] if limit is not None and is_cut else SyncPlace.end(snapshot.revision)
    told = [news[place] for place in places if place <= last]
    if not told and not snapshot.is_complete:
        raise MirrorFilling("This calendar is being read from Exchange for the first time.", retry_after=5)
    is_cut = is_cut or not snapshot.is_complete
    return Changes(
        tuple(each for each in told if isinstance(each, Listed)),
        tuple(each for each in told if not isinstance(each, Listed)),
        make_token_within(SyncToken(snapshot.epoch, last, asked.began))
        if is_cut
        else make_token(snapshot.epoch, snapshot.revision),
        is_cut,
        snapshot.known_at,
    )


def told_up_to(token: str | None) -> Revision:
    """Give the last revision of which somebody with this token has been told all, 0 for none."""
    asked = parse_token(token) if token else None
    return Revision(0) if asked is None else asked.place.whole_revision


def _parse(snapshot: Snapshot, token: str) -> SyncToken:
    asked = parse_token(token)
    if asked is None or asked.epoch != snapshot.epoch or asked.place.revision > snapshot.revision:
        raise _unknown()
    return asked


def _unknown() -> TokenUnknown:
    return TokenUnknown("This sync token is not known here (any more): start over without one.")


def _changed(snapshot: Snapshot, asked: SyncToken) -> dict[SyncPlace, Listed | Name]:
    newer = (each for each in snapshot.resources.values() if each.revision >= asked.place.revision)
    places = ((SyncPlace.of(each.revision, each.name), each) for each in newer)
    return {place: each for place, each in places if place > asked.place}


def _removed(snapshot: Snapshot, removed: Removed, asked: SyncToken) -> dict[SyncPlace, Listed | Name]:
    """Give what is gone. One who is still at his first listing has not heard of what went before it began."""
    revision = asked.place.revision
    gone: dict[Name, Revision] = {}
    # What went at the very revision at which a page stopped lived at the one before.
    before = [] if asked.place == SyncPlace(revision) else [Revision(max(revision - 1, 0))]
    # A first listing may be at a revision of long ago, from before the oldest that is remembered of what went.
    for since in [*before, revision]:
        found = removed(max(since, asked.began or since))
        if found is None:
            raise _unknown()
        gone.update(found)
    places = {SyncPlace.of(went, name): name for name, went in gone.items() if name not in snapshot.resources}
    return {
        place: name
        for place, name in places.items()
        if place > asked.place and (asked.began is None or place.revision > asked.began)
    }
