"""Windows: views that are too much are asked in halves, and masters in place of their occurrences."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.errors import AnswerUnusable, ExchangeBusy, ExchangeFailed
from bridge.ews.operations import find_in_window, get_masters
from bridge.ews.windows import LONGEST, ask_window
from bridge.ews.xml import Element
from bridge.model import FolderId

START = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FOLDER = FolderId("folder")


class Calendar:
    """A calendar with events at instants, whose views list so many at once; ``cuts`` lists a part, else none at all."""

    def __init__(self, answers: Any, most: int, *, cuts: bool = True) -> None:
        self.answers, self.most, self.cuts = answers, most, cuts
        self.events: list[tuple[datetime, str, str, str]] = []
        self.spans: list[tuple[datetime, datetime]] = []
        self.asked_masters: list[str] = []

    def add(self, at: datetime, id_: str, kind: str = "Single", uid: str = "") -> None:
        self.events.append((at, id_, kind, uid or id_))

    def ask(self, request: Element) -> Element:
        if request.tag.endswith("GetItem"):
            return self._masters([one.get("OccurrenceId") or "" for one in request.iter("{*}RecurringMasterItemId")])
        view = request.find("{*}CalendarView")
        assert view is not None
        begin, end = (datetime.fromisoformat(view.get(name) or "") for name in ("StartDate", "EndDate"))
        self.spans.append((begin, end))
        found = [event for event in self.events if begin <= event[0] < end]
        if len(found) > self.most and not self.cuts:
            return self._element(self.answers.response("FindItem", find_in_window.TOO_MANY))
        items = "".join(
            f'<t:CalendarItem><t:ItemId Id="{id_}" ChangeKey="x"/><t:UID>{uid}</t:UID>'
            f"<t:CalendarItemType>{kind}</t:CalendarItemType></t:CalendarItem>"
            for _, id_, kind, uid in found[: self.most]
        )
        whole = str(len(found) <= self.most).lower()
        root = f'<m:RootFolder IncludesLastItemInRange="{whole}"><t:Items>{items}</t:Items></m:RootFolder>'
        return self._element(self.answers.response("FindItem", root))

    def _masters(self, occurrences: list[str]) -> Element:
        self.asked_masters += occurrences
        messages = [
            "ErrorItemNotFound"
            if id_.startswith("gone")
            else f'<m:Items><t:CalendarItem><t:ItemId Id="master of {id_}" ChangeKey="x"/></t:CalendarItem></m:Items>'
            for id_ in occurrences
        ]
        return self._element(self.answers.response("GetItem", *messages))

    def _element(self, text: str) -> Element:
        element: Element = self.answers.element(text)
        return element


@pytest.mark.parametrize("cuts", [True, False])
def test_a_view_that_is_cut_or_refused_is_asked_in_halves(cuts: bool, answers: Any) -> None:
    calendar = Calendar(answers, 5, cuts=cuts)
    for number in range(40):
        calendar.add(START + number * DAY / 2, f"e{number}")
    found = ask_window(calendar.ask, FOLDER, START, START + 20 * DAY)
    assert sorted(found) == sorted(f"e{number}" for number in range(40))
    assert len(calendar.spans) < 32


def test_more_than_two_years_are_asked_one_after_another(answers: Any) -> None:
    calendar = Calendar(answers, 100)
    for year in range(8):
        calendar.add(START + year * 365 * DAY, f"y{year}")
    assert set(ask_window(calendar.ask, FOLDER, START, START + 3000 * DAY)) == {f"y{year}" for year in range(8)}
    assert all(end - begin <= LONGEST for begin, end in calendar.spans)
    assert calendar.spans[0][0] == START
    assert [end for _, end in calendar.spans][:-1] == [begin for begin, _ in calendar.spans][1:]
    assert calendar.spans[-1][1] == START + 3000 * DAY


def test_a_crowd_within_an_hour_is_not_halved_for_ever(answers: Any) -> None:
    calendar = Calendar(answers, 3)
    for number in range(10):
        calendar.add(START, f"e{number}")
    with pytest.raises(AnswerUnusable):
        ask_window(calendar.ask, FOLDER, START, START + 20 * DAY)
    assert len(calendar.spans) < 20


def test_of_each_series_one_occurrence_is_asked_for_its_master_and_what_went_is_left_out(answers: Any) -> None:
    calendar = Calendar(answers, 1000)
    for day in range(10):
        calendar.add(START + day * DAY, f"a{day}", "Exception" if day == 4 else "Occurrence", "uid a")
        calendar.add(START + day * DAY, f"gone{day}", "Occurrence", "uid gone")
    calendar.add(START, "single")
    calendar.add(START, "master itself", "RecurringMaster")
    found = ask_window(calendar.ask, FOLDER, START, START + 20 * DAY)
    assert sorted(found) == ["master itself", "master of a0", "single"]
    assert calendar.asked_masters == ["a0", "gone0"]


def test_many_masters_are_asked_in_batches_and_one_that_is_told_twice_is_given_once(answers: Any) -> None:
    calendar = Calendar(answers, 1000)
    for number in range(450):
        calendar.add(START, f"o{number}", "Occurrence", f"uid {number}")
    assert len(ask_window(calendar.ask, FOLDER, START, START + DAY)) == 450
    assert len(calendar.asked_masters) == 450


def test_masters_that_exchange_did_not_come_to_are_asked_again_and_none_at_all_is_busy(answers: Any) -> None:
    asked: list[int] = []

    def stopping(most: int) -> Callable[[Element], Element]:
        calendar = Calendar(answers, 1000)
        for number in range(5):
            calendar.add(START, f"o{number}", "Occurrence", f"uid {number}")

        def ask(request: Element) -> Element:
            if not request.tag.endswith("GetItem"):
                return calendar.ask(request)
            ids = [one.get("OccurrenceId") for one in request.iter("{*}RecurringMasterItemId")]
            asked.append(len(ids))
            item = '<m:Items><t:CalendarItem><t:ItemId Id="m{}" ChangeKey="x"/></t:CalendarItem></m:Items>'
            told = [item.format(id_) for id_ in ids[:most]] + ["ErrorBatchProcessingStopped"] * len(ids[most:])
            return calendar._element(answers.response("GetItem", *told))

        return ask

    assert sorted(ask_window(stopping(2), FOLDER, START, START + DAY)) == [f"mo{number}" for number in range(5)]
    assert asked == [5, 3, 1]
    with pytest.raises(ExchangeBusy):
        ask_window(stopping(0), FOLDER, START, START + DAY)


def test_any_other_trouble_with_a_master_is_raised(answers: Any) -> None:
    response = answers.element(answers.response("GetItem", "ErrorMailboxStoreUnavailable"))
    with pytest.raises(ExchangeFailed):
        get_masters.read(response, 1)


def test_a_view_without_a_folder_is_empty(answers: Any) -> None:
    assert find_in_window.read(answers.element(answers.response("FindItem", ""))).is_whole
