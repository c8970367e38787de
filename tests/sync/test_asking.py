"""How Exchange is asked once and how long requests wait, with real threads and short patience."""

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from eventually import eventually

from bridge.errors import CredentialRefused, ExchangeBusy, ExchangeUnreachable, MirrorFilling
from bridge.exchange import Waiters
from bridge.model import Address, BasicCredential, Caller, OrganisationId, Viewer
from bridge.sync.asking import Asking, one_request
from bridge.sync.freshness import Patience

ANN, BEN = (
    Caller(Viewer(OrganisationId("test"), Address(f"{name}@example.test")), BasicCredential(name, "secret"))
    for name in ("ann", "ben")
)
SHORT = Patience(known=0.2, first=0.4, pause=5.0)
LONG = Patience(known=60, first=60, pause=5.0)


class Question:
    """A question that is answered when the test says so."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked = 0
        self.begun = threading.Event()
        self.answer = threading.Event()
        self.error = error

    def __call__(self) -> None:
        self.asked += 1
        self.begun.set()
        assert self.answer.wait(30)
        if self.error is not None:
            raise self.error


@pytest.fixture
def now() -> list[datetime]:
    return [datetime(2027, 1, 4, tzinfo=UTC)]


@pytest.fixture
def refused() -> list[Caller]:
    return []


@pytest.fixture
def make(now: list[datetime], refused: list[Caller]) -> Iterator[Callable[[Patience], Asking]]:
    made: list[Asking] = []

    def build(patience: Patience) -> Asking:
        made.append(Asking(Waiters(8), lambda: now[0], patience, refused.append))
        return made[-1]

    yield build
    for one in made:
        one.close()


def waited(work: Callable[[], None]) -> float:
    """Give how long something took, in seconds."""
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def test_what_is_known_is_served_once_patience_ends_and_the_question_goes_on(
    make: Callable[[Patience], Asking],
) -> None:
    asking, question = make(SHORT), Question()
    assert 0.2 <= waited(lambda: asking.bring("q", question, caller=ANN, known=True)) < 5
    question.answer.set()
    asking.bring("q", question, caller=ANN, known=True)
    assert question.asked <= 2


def test_who_waited_in_vain_does_not_wait_again_for_that_nor_for_another_question(
    make: Callable[[Patience], Asking],
) -> None:
    asking, question, other = make(Patience(known=0.3, first=30)), Question(), Question()
    asking.bring("q", question, caller=ANN, known=True)
    for each, name in ((question, "q"), (other, "other")):
        assert waited(lambda each=each, name=name: asking.bring(name, each, caller=ANN, known=True)) < 0.25  # type: ignore[misc]
    with pytest.raises(MirrorFilling):
        asking.bring("third", other, caller=ANN, known=False)
    assert waited(lambda: asking.bring("q", question, caller=BEN, known=True)) >= 0.3
    question.answer.set()
    other.answer.set()
    assert question.asked == 1


def test_what_one_request_asks_for_in_a_row_it_waits_for_no_longer_than_for_one(
    make: Callable[[Patience], Asking],
) -> None:
    asking = make(Patience(known=0.4, first=30))

    def slow() -> None:
        time.sleep(0.3)  # it stands for an Exchange that takes its time

    with one_request():
        asking.bring("one", slow, caller=ANN, known=True)
        assert waited(lambda: asking.bring("two", slow, caller=ANN, known=True)) < 0.25
    for question in ("three", "four"):
        with one_request():
            assert waited(lambda question=question: asking.bring(question, slow, caller=BEN, known=True)) >= 0.3  # type: ignore[misc]


def test_what_was_never_known_is_not_served_but_told_to_be_on_its_way(make: Callable[[Patience], Asking]) -> None:
    asking, question = make(SHORT), Question()
    with pytest.raises(MirrorFilling) as told:
        asking.bring("q", question, caller=ANN, known=False)
    assert told.value.retry_after
    question.answer.set()


def test_a_part_of_the_answer_that_is_enough_ends_the_wait(make: Callable[[Patience], Asking]) -> None:
    asking, question = make(LONG), Question()
    parts: list[str] = []
    done = threading.Event()

    def wait() -> None:
        asking.bring("q", question, caller=ANN, known=False, is_enough=lambda: len(parts) == 2)
        done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert question.begun.wait(10)
    for _ in range(2):
        assert not done.is_set()
        parts.append("part")
        asking.tell()
    assert done.wait(10)
    question.answer.set()
    thread.join()


def test_the_whole_is_waited_for_a_while_before_a_part_will_do(make: Callable[[Patience], Asking]) -> None:
    asking, question = make(Patience(known=0.3, first=30)), Question()

    def bring() -> None:
        asking.bring("q", question, caller=ANN, known=False, is_enough=lambda: True, at_once=False)

    assert waited(bring) >= 0.3
    question.answer.set()


def test_a_failure_is_remembered_for_a_moment_and_not_asked_again(
    make: Callable[[Patience], Asking], now: list[datetime]
) -> None:
    asking, question = make(SHORT), Question(ExchangeUnreachable("Gone."))
    question.answer.set()
    for _ in range(3):
        with pytest.raises(ExchangeUnreachable):
            asking.bring("q", question, caller=ANN, known=False)
    asking.bring("q", question, caller=ANN, known=True)
    asking.bring("q", question, caller=ANN, known=False, is_enough=lambda: True)
    assert question.asked == 1
    now[0] += timedelta(seconds=6)
    with pytest.raises(ExchangeUnreachable):
        asking.bring("q", question, caller=ANN, known=False)
    assert question.asked == 2


def test_what_exchange_definitely_says_is_raised_even_where_something_is_known(
    make: Callable[[Patience], Asking],
) -> None:
    asking, question = make(LONG), Question(CredentialRefused("No."))
    question.answer.set()
    with pytest.raises(CredentialRefused):
        asking.bring("q", question, caller=ANN, known=True)


def test_a_refusal_that_nobody_waits_for_is_told_of_too(
    make: Callable[[Patience], Asking], refused: list[Caller]
) -> None:
    asking, question = make(SHORT), Question(CredentialRefused("No."))
    asking.bring("q", question, caller=ANN, known=True)
    question.answer.set()
    eventually(lambda: refused == [ANN])


def test_what_waits_for_its_turn_is_not_asked_with_a_password_that_was_refused_meanwhile(
    make: Callable[[Patience], Asking], refused: list[Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.sync.asking.AT_ONCE", 1)
    asking, question, later, bens = make(LONG), Question(CredentialRefused("No.")), Question(), Question()
    told: list[Exception | None] = []
    asking.start("q", question, told.append, ANN)
    asking.start("later", later, told.append, ANN)
    asking.start("bens", bens, told.append, BEN)
    for one in (question, later, bens):
        one.answer.set()
    eventually(lambda: len(told) == 3)
    assert (question.asked, later.asked, bens.asked) == (1, 0, 1)
    assert (told, refused) == ([question.error, question.error, None], [ANN])


def test_a_refused_password_says_nothing_of_another_one_that_waited_for_the_same_answer(
    make: Callable[[Patience], Asking], refused: list[Caller]
) -> None:
    changed = Caller(ANN.viewer, BasicCredential("ann", "changed"))
    asking, old, new = make(LONG), Question(CredentialRefused("No.")), Question()
    asking.start("q", old, lambda _: None, ANN)
    assert old.begun.wait(10)
    thread = threading.Thread(target=lambda: asking.bring("q", new, caller=changed, known=False))
    thread.start()
    old.answer.set()
    new.answer.set()
    thread.join(10)
    assert (old.asked, new.asked, refused) == (1, 1, [ANN])


class CountedWaiters(Waiters):
    """Tells when so many wait."""

    def __init__(self, expected: int) -> None:
        super().__init__(expected)
        self.expected, self.all_wait = expected, threading.Event()

    @contextmanager
    def waiting(self, whom: Hashable = None) -> Iterator[None]:
        with super().waiting(whom):
            self.expected -= 1
            if not self.expected:
                self.all_wait.set()
            yield


def test_many_who_ask_the_same_are_answered_by_one_question() -> None:
    waiters, question = CountedWaiters(8), Question()
    asking = Asking(waiters, lambda: datetime(2027, 1, 4, tzinfo=UTC), LONG, lambda _: None)
    threads = [threading.Thread(target=lambda: asking.bring("q", question, caller=ANN, known=True)) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert waiters.all_wait.wait(10)
    question.answer.set()
    for thread in threads:
        thread.join(10)
    assert question.asked == 1
    asking.close()


def test_what_is_asked_behind_tells_when_it_is_done_and_whether_it_began_then(
    make: Callable[[Patience], Asking],
) -> None:
    asking, question = make(LONG), Question(ExchangeUnreachable("Gone."))
    ended: list[int] = []
    both = threading.Event()

    def end(number: int) -> None:
        ended.append(number)
        if len(ended) == 2:
            both.set()

    assert asking.start("q", question, lambda _: end(1))
    assert not asking.start("q", question, lambda _: end(2))
    question.answer.set()
    assert both.wait(10)
    assert (ended, question.asked) == ([1, 2], 1)


def test_who_wants_it_anew_is_not_content_with_what_was_asked_before(make: Callable[[Patience], Asking]) -> None:
    asking, question = make(LONG), Question()
    thread = threading.Thread(target=lambda: asking.bring("q", question, caller=ANN, known=True, anew=True))
    asking.start("q", question, lambda _: None)
    assert question.begun.wait(10)
    thread.start()
    question.answer.set()
    thread.join(10)
    asking.bring("q", question, caller=ANN, known=True, anew=True)
    assert question.asked >= 2


def test_nobody_waits_for_a_bridge_that_stops(make: Callable[[Patience], Asking]) -> None:
    asking = make(LONG)
    asking.close()
    with pytest.raises(ExchangeBusy):
        asking.bring("q", Question(), caller=ANN, known=False)


def test_a_question_of_many_parts_is_not_asked_on_when_the_bridge_stops(make: Callable[[Patience], Asking]) -> None:
    asking, begun = make(LONG), threading.Event()
    told: list[Exception | None] = []

    def ask() -> None:
        while True:
            begun.set()
            asking.tell()

    asking.start("q", ask, told.append)
    assert begun.wait(10)
    asking.close()
    assert [type(error) for error in told] == [ExchangeBusy]
