"""What is bounded, by how much, where that is set, and which test holds it: a table of docs/reliability.md."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature

from bridge.accounts import recent, vault
from bridge.config import ServerSettings
from bridge.ews.budget import CALLS_PER_ACCOUNT, CALLS_PER_ORGANISATION
from bridge.ews.line import LARGEST_ANSWER
from bridge.freebusy import mailbox_times, occurrence_index
from bridge.mirror import busy_months, grave_row
from bridge.mirror.mirror import Mirror
from bridge.service import waiting_places
from bridge.state import kept_properties
from bridge.sync import asking, directory, loop, pull, watched
from docs.tables import table

_MIB = 2**20
_SERVER = ServerSettings()
_MEMORY: int = signature(Mirror).parameters["memory"].default
_RESOURCES: int = signature(occurrence_index.OccurrenceIndex).parameters["resources"].default
_PLACES, _OF_ONE = waiting_places(_SERVER.threads)


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound; ``test`` is the file of the test below ``tests/`` and its name."""

    what: str
    most: str
    where: str
    test: str


_DEAD = "acceptance/test_dead_exchange.py::"
_CROWD = f"{_DEAD}test_a_crowd_that_waits_for_a_dead_exchange_keeps_nobody_else"

BOUNDS = (
    Bound("threads that answer requests", f"{_SERVER.threads}", "`[server] threads`", _CROWD),
    Bound(
        "of them waiting for Exchange",
        f"half ({_PLACES})",
        "`service.waiting_places`",
        f"{_DEAD}test_those_who_wait_for_many_mailboxes_leave_half_of_the_threads",
    ),
    Bound("of these for one mailbox", f"a quarter ({_OF_ONE})", "`service.waiting_places`", _CROWD),
    Bound(
        "threads that ask Exchange behind requests",
        f"{asking.AT_ONCE}, and {pull.AT_ONCE} readers for each pull",
        "`sync/asking.py`, `sync/pull.py`",
        _CROWD,
    ),
    Bound(
        "threads that watch",
        f"1, and {loop.AT_ONCE} that help",
        "`sync/loop.py`",
        _CROWD,
    ),
    Bound(
        "streams held at Exchange",
        f"1 for a viewer, or by a service account 1 for {watched.MOST_UNITS} mailboxes",
        "`sync/watched.py`",
        "sync/test_watch.py::test_a_service_account_watches_many_mailboxes_on_one_stream",
    ),
    Bound(
        "calls to Exchange under way, and so further connections",
        f"{CALLS_PER_ACCOUNT} for an account, {CALLS_PER_ORGANISATION} in all",
        "`ews/budget.py`",
        "ews/test_connections.py::test_connections_to_a_silent_exchange_are_bounded",
    ),
    Bound(
        "one answer of Exchange's",
        f"{LARGEST_ANSWER // _MIB} MiB, unpacked",
        "`ews/line.py`",
        "ews/test_wire.py::test_a_packed_answer_that_unpacks_without_end_is_unusable",
    ),
    Bound(
        "connections to each of the two SQLite databases",
        "64, of which 8 stay open",
        "`database/sqlite.py`",
        "state/test_connections.py::test_connections_to_a_file_are_bounded_and_few_stay_open",
    ),
    Bound(
        "connections to PostgreSQL, and waiting for one, for a lock, for a statement",
        "10 for each schema, of which 5 stay open, and 1; 10, 10 and 60 s",
        "`database/postgresql.py`",
        "state/test_postgresql.py::test_more_who_ask_than_there_are_connections_for_wait_and_are_told_to_come_back",
    ),
    Bound(
        "one request's body",
        f"{_SERVER.max_resource_size // _MIB} MiB",
        "`[server] max_resource_size`",
        "storage_plugin/test_resources.py::test_a_chunked_body_is_read_whole_and_bounded",
    ),
    Bound(
        "decoded calendars in memory",
        f"{_MEMORY // _MIB} MiB",
        "`mirror/mirror.py`",
        "mirror/test_snapshots.py::test_memory_is_bounded_and_what_does_not_fit_is_served_all_the_same",
    ),
    Bound(
        "resources in the index of occurrences",
        f"{_RESOURCES:,}, {occurrence_index.MONTHS_HELD} months of each calendar",
        "`freebusy/occurrence_index.py`",
        "freebusy/test_occurrence_index.py::test_an_index_holds_no_more_resources_than_it_is_told",
    ),
    Bound(
        "months of people's time in memory",
        f"{mailbox_times.MONTHS_HELD:,}",
        "`freebusy/mailbox_times.py`",
        "freebusy/test_busy_time.py::test_months_in_memory_are_bounded",
    ),
    Bound(
        "the same on disk",
        f"{busy_months.MOST_OF_A_VIEWER:,} for a viewer",
        "`mirror/busy_months.py`",
        "mirror/test_busy_months.py::test_the_latest_of_a_viewer_are_kept",
    ),
    Bound(
        "answers of the directory in memory",
        f"{directory.MOST:,}",
        "`sync/directory.py`",
        "sync/test_directory.py::test_answers_in_memory_are_bounded",
    ),
    Bound(
        "passwords in memory, each for half an hour",
        f"{vault.MOST:,}",
        "`accounts/vault.py`",
        "accounts/test_vault.py::test_the_one_seen_longest_ago_goes_first",
    ),
    Bound(
        "logins remembered as good or as wrong",
        f"{recent.MOST:,} of each",
        "`accounts/recent.py`",
        "accounts/test_recent.py::test_of_too_many_facts_the_oldest_go",
    ),
    Bound(
        "names of deleted events on disk",
        f"{grave_row.MOST_GRAVES:,} for a calendar",
        "`mirror/grave_row.py`",
        "mirror/test_changes.py::test_who_stands_before_the_oldest_grave_that_is_kept_starts_over",
    ),
    Bound(
        "what clients store as properties",
        f"{kept_properties.MOST} at a place, of {kept_properties.LARGEST:,} characters each",
        "`state/kept_properties.py`",
        "state/test_kept_properties.py::test_too_much_is_refused_and_changes_nothing",
    ),
)


def _bounds() -> str:
    head = ("of one worker process", "at most", "where it is set", "the test that holds it")
    rows = ((one.what, one.most, one.where, f"`{one.test.partition('::')[0]}`") for one in BOUNDS)
    return table(head, rows)


TABLES: Mapping[str, Callable[[], str]] = {"bounds": _bounds}
