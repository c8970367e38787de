"""Delete one event of a client's at Exchange: into Deleted Items, or softly where a delegate may not write there."""

from bridge.errors import AccessDenied, NotFound, PreconditionFailed, RequestRefused
from bridge.exchange import Exchange
from bridge.item import Item
from bridge.mirror.mirror import Mirror
from bridge.resource import ANY_ETAG, Listed
from bridge.state.intents import Intent
from bridge.sync.judging import read_stored, read_whole
from bridge.sync.look import Look
from bridge.sync.outcome import Outcomes, Write
from bridge.sync.plan import check
from bridge.sync.push import make_refusal
from bridge.sync.steps import delete_item
from bridge.sync.traces import are_as_noted


class Remover:
    """Deletes events at Exchange for one organisation."""

    def __init__(self, exchange: Exchange, mirror: Mirror, look: Look, outcomes: Outcomes) -> None:
        """Take the back end, the mirror, what looks at Exchange, and what keeps the intents."""
        self._exchange = exchange
        self._mirror = mirror
        self._look = look
        self._outcomes = outcomes

    def delete(self, write: Write) -> None:
        """Delete the resource. Raises NotFound, PreconditionFailed, NotPermitted, Unavailable."""
        earlier = self._outcomes.earlier(write)
        listed = read_whole(self._mirror, write.ref).resources.get(write.name)
        if listed is None:
            if earlier is not None:
                return
            raise NotFound("There is no event of this name in this calendar.")
        stored = read_stored(self._mirror, write, listed)
        if not _is_begun(earlier, listed, stored):
            check(write.conditions, listed.etag)
        try:
            with self._outcomes.intent(write, "delete", listed.uid, listed.items[0], stored):
                self._see_that_it_is_the_same(write, listed)
                for ref in listed.items:
                    delete_item(self._exchange, write, ref)
                self._mirror.remove(write.ref, write.name)
        except (AccessDenied, RequestRefused) as error:
            raise make_refusal(error, "unbind") from error

    def _see_that_it_is_the_same(self, write: Write, listed: Listed) -> None:
        """See that the client deletes what it has seen: a deletion at Exchange knows no change key."""
        wanted = write.conditions.if_match
        if wanted is None or ANY_ETAG in wanted:
            return
        now = self._look.at(write.caller, write.ref, write.context, listed)
        if now is not None and now.etag != listed.etag:
            raise PreconditionFailed("The event was changed at Exchange meanwhile.")


def _is_begun(earlier: Intent | None, listed: Listed, stored: tuple[Item, ...]) -> bool:
    """Whether this is the retry of a deletion that was carried out in part: of several instances some are as before."""
    return earlier is not None and not listed.index.has_master and are_as_noted(stored, earlier.before)
