"""Bring a calendar's mirror up to date before it is read, as far as the policy and the patience of requests go."""

from collections.abc import Callable

from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, Caller, Login, ServedCalendar
from bridge.resource import WHOLE, Need, Snapshot
from bridge.sync.asking import Asking
from bridge.sync.contexts import Contexts
from bridge.sync.freshness import Policy
from bridge.sync.outcome import Outcomes
from bridge.sync.pull import Puller


class Refresher:
    """Pulls calendars when they are asked for, and when somebody says that they have changed."""

    def __init__(
        self,
        mirror: Mirror,
        outcomes: Outcomes,
        puller: Puller,
        questions: Asking,
        policy: Policy,
        contexts: Contexts,
        *,
        on_answer: Callable[[Caller], None],
    ) -> None:
        """Take the mirror, what clears up writes, pulls, asks once, decides, and tells the mapping of a calendar.

        ``on_answer`` hears as whom Exchange has answered a pull.
        """
        self._on_answer = on_answer
        self._mirror = mirror
        self._outcomes = outcomes
        self._puller = puller
        self._questions = questions
        self._policy = policy
        self._contexts = contexts

    def snapshot(self, login: Login, served: ServedCalendar, *, fresh: bool = False, need: Need = WHOLE) -> Snapshot:
        """Give the calendar as mirrored, brought up to date first where that is due.

        ``fresh`` is a client's wish for new. Raises Unavailable where too little is known, ExchangeSays.
        """
        ref = served.calendar.ref
        snapshot = self._mirror.snapshot(ref)
        if not self._policy.is_due(snapshot, fresh=fresh):
            return snapshot
        known = snapshot.is_complete
        self._questions.bring(
            _question(ref),
            lambda: self.pull(login.caller, served),
            caller=login.caller,
            known=known,
            is_enough=None if known or need == WHOLE else lambda: self._mirror.snapshot(ref).meets(need),
            anew=fresh,
            at_once=need.newer_than is None,  # a small calendar is better listed whole than in pages
        )
        return self._mirror.snapshot(ref)

    def start(self, caller: Caller, served: ServedCalendar, then: Callable[[Exception | None], None]) -> bool:
        """Pull the calendar behind everybody's back; ``then`` is told when it has been, or what was wrong.

        Say whether this pull begins now; else it is one that somebody has begun before.
        """
        return self._questions.start(_question(served.calendar.ref), lambda: self.pull(caller, served), then, caller)

    def pull(self, caller: Caller, served: ServedCalendar) -> None:
        """Pull the calendar now. Raises Unavailable, ExchangeSays."""
        ref = served.calendar.ref
        context = self._contexts.of(served, self._mirror.snapshot(ref))
        self._outcomes.settle_deserted(caller, ref, context)
        self._puller.pull(caller, ref, context, served.calendar.total)
        self._on_answer(caller)


def _question(ref: CalendarRef) -> tuple[str, CalendarRef]:
    return ("pull", ref)
