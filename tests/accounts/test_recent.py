"""What was lately learned of user names and passwords: for a while, and not without bound."""

from datetime import UTC, datetime, timedelta

from bridge.accounts.recent import Recent, Tag

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TAGS = [Tag(bytes([number])) for number in range(5)]


def test_of_too_many_facts_the_oldest_go() -> None:
    recent: Recent[int] = Recent(lambda: NOON, most=3)
    for number, tag in enumerate(TAGS):
        recent.put(tag, number, NOON + timedelta(hours=1))
    assert [recent.get(tag) for tag in TAGS] == [None, None, 2, 3, 4]


def test_a_fact_that_is_learned_again_is_new() -> None:
    recent: Recent[int] = Recent(lambda: NOON, most=2)
    for tag in (*TAGS[:2], TAGS[0], TAGS[2]):
        recent.put(tag, 1, NOON + timedelta(hours=1))
    assert [recent.get(tag) for tag in TAGS[:3]] == [1, None, 1]


def test_a_fact_holds_until_its_moment() -> None:
    now = NOON
    recent: Recent[int] = Recent(lambda: now)
    recent.put(TAGS[0], 1, NOON + timedelta(seconds=1))
    assert recent.get(TAGS[0]) == 1
    now += timedelta(seconds=1)
    assert recent.get(TAGS[0]) is None
