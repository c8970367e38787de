"""Every sealed value of the state is known by its column, and can be sealed anew."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import LargeBinary

from bridge.item import Uid
from bridge.keys import Keys
from bridge.model import Address, CalendarName, CalendarRef, Mailbox, Name
from bridge.sealed import count_broken, count_stale, reseal
from bridge.state.proofs import Proof
from bridge.state.schema import metadata
from bridge.state.sealed_columns import STATE
from bridge.state.shares import AddedShare
from bridge.state.state import State

OpenState = Callable[..., State]
NEWER = Keys({"1": b"1" * 32, "2": b"2" * 32}, b"l" * 32)
NEWEST_ALONE = Keys({"2": b"2" * 32}, b"l" * 32)
FOUND_BY_HMAC = {
    "proofs.login",
    "refusals.login",
    "intents.calendar",
    "intents.resource",
    "names.mailbox",
    "names.folder",
    "names.name",
    "shares.viewer",
    "shares.key",
    "kept_properties.place",
    "kept_properties.name",
    "personal_lines.place",
    "personal_lines.resource",
}


def test_every_column_of_bytes_is_sealed_or_found_by() -> None:
    sealed = {str(column.column) for column in STATE.columns}
    every = {
        str(column)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert sealed | FOUND_BY_HMAC == every
    assert not sealed & FOUND_BY_HMAC


@pytest.fixture
def filled(state: State, ref: CalendarRef, now: datetime) -> State:
    """Put something into every column."""
    state.names.put(ref, CalendarName("work"))
    mailbox = Mailbox(ref.mailbox, "Anna", frozenset({Address("alias@example.com")}))
    state.proofs.put("anna", Proof(b"salt", b"digest", mailbox, now))
    facts = {"target": "hash", "base": None, "uid": Uid("uid"), "item": None}
    state.intents.begin(ref, Name("a.ics"), operation="put", now=now, **facts)  # type: ignore[arg-type] # one dict of several types
    state.shares.add(ref.viewer.organisation, AddedShare(Address("ben@example.com"), ref.mailbox, "calendar"))
    state.properties.change(ref, {"{urn:x}a": "<a/>"})
    state.personal.put(ref, Uid("uid"), "a text")
    return state


def everything(state: State, ref: CalendarRef) -> tuple[object, ...]:
    return (
        state.names.get(ref),
        state.proofs.get("anna"),
        state.intents.standing(ref),
        state.shares.all(ref.viewer.organisation),
        state.properties.get(ref),
        state.personal.all(ref),
    )


def test_every_sealed_column_has_values_here_that_open_and_decode(filled: State, keys: Keys) -> None:
    with filled.names._database.reading() as connection:
        counts = {str(column.column): count_broken(connection, column, keys) for column in STATE.columns}
    assert set(counts.values()) == {(1, 0)}, counts


def test_what_is_sealed_anew_opens_with_the_newest_key_alone_and_is_the_same(
    filled: State, open_state: OpenState, ref: CalendarRef
) -> None:
    database = filled.names._database
    before = everything(filled, ref)
    told: list[int] = []
    assert sum(reseal(database, column, NEWER, told.append) for column in STATE.columns) == 0
    assert sum(told) == len(STATE.columns)
    with database.reading() as connection:
        assert count_stale(connection, STATE.columns, NEWER.mark) == 0
    assert everything(open_state(keys=NEWEST_ALONE), ref) == before


def test_a_value_moved_to_another_place_is_counted_as_broken(filled: State, keys: Keys, ref: CalendarRef) -> None:
    filled.personal.put(ref, Uid("another"), "another text")
    database = filled.names._database
    with database.writing() as connection:
        one = "SELECT lines FROM personal_lines ORDER BY lines LIMIT 1"
        connection.exec_driver_sql(f"UPDATE personal_lines SET lines = ({one})")
    with database.reading() as connection:
        counts = [count_broken(connection, column, keys) for column in STATE.columns]
    assert max(counts) == (2, 1)
