"""Everything of one process, built from the configuration: for our own command and for Radicale's.

A service belongs to the process that built it: its database connections, threads and locks do not survive a fork.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine

from bridge.accounts.accounts import Accounts, utc_now
from bridge.config import Settings, service_password
from bridge.database import make_engine, make_server_engine
from bridge.errors import ConfigurationInvalid, Unavailable
from bridge.ews.exchange import EwsExchange
from bridge.ews.settings import EwsSettings
from bridge.exchange import Waiters
from bridge.freebusy.busy_time import BusyTime
from bridge.freebusy.mailbox_times import MailboxTimes
from bridge.freebusy.occurrence_index import OccurrenceIndex
from bridge.key_file import KeyFile
from bridge.keys import Keys, load_keys
from bridge.mirror.mirror import Mirror
from bridge.mirror.sealed_columns import MIRROR
from bridge.model import Caller, ServiceCredential, Viewer
from bridge.sealed import SealedSchema, StoreAtRest
from bridge.state.database import StateDatabase, state_exists
from bridge.state.sealed_columns import STATE
from bridge.state.shares import Shares
from bridge.state.state import State
from bridge.sync.calendars import Shared
from bridge.sync.freshness import Patience
from bridge.sync.store import CalendarStore, StoreSettings
from bridge.sync.watch import Watches
from bridge.web.front_page import front_page

KEY_FILE = "key"
STATE_FILE = "state.db"
MIRROR_FILE = "mirror.db"
STATE_SCHEMA = "exchange_bridge_state"
MIRROR_SCHEMA = "exchange_bridge_mirror"


@dataclass(frozen=True, slots=True)
class Service:
    """The bridge behind the door.

    ``front_page`` takes the URL clients reach the bridge by and gives HTML. ``close`` ends threads and connections
    and forgets every password; nothing may be asked of the service after it.
    """

    settings: Settings
    accounts: Accounts
    store: CalendarStore
    occurrences: OccurrenceIndex
    busy_time: BusyTime
    front_page: Callable[[str], bytes]
    close: Callable[[], None]


def build(settings: Settings) -> Service:
    """Build the service; Exchange is not asked yet. Call it after a fork, in the process that serves.

    Raises ConfigurationInvalid where the state folder or the key file cannot be used.
    """
    folder = settings.state.folder
    keys = prepare(settings)
    with ExitStack() as opened:
        state_engine = open_state_engine(settings)
        opened.callback(state_engine.dispose)
        mirror_engine = open_mirror_engine(settings)
        opened.callback(mirror_engine.dispose)
        state = State(state_engine, keys, folder)
        opened.callback(state.close)
        exchange = EwsExchange(_ews_settings(settings))
        opened.callback(exchange.close)
        waiters = Waiters(*waiting_places(settings.server.threads))
        accounts = Accounts(
            exchange,
            state.proofs,
            settings.exchange.organisation,
            waiters,
            renews=settings.exchange.authentication == "basic",
        )
        opened.callback(accounts.close)
        mirror = Mirror(mirror_engine, keys)
        store = CalendarStore(
            exchange,
            mirror,
            state,
            _store_settings(settings, accounts),
            waiters,
            now=utc_now,
            logins=accounts,
        )
        opened.callback(store.close)
        index = OccurrenceIndex()
        busy_time = BusyTime(
            index,
            MailboxTimes(exchange, mirror.busy_months, waiters, now=utc_now),
            on_refused=accounts.forget,
            working_elsewhere=settings.freebusy.working_elsewhere,
        )

        def page(base_url: str) -> bytes:
            try:
                return front_page(base_url, mirror.first_pulls())
            except Unavailable:
                return front_page(base_url)

        return Service(settings, accounts, store, index, busy_time, page, opened.pop_all().close)


def open_state_engine(settings: Settings) -> Engine:
    """Give the engine of the state, wherever it is; nothing is opened yet. The caller disposes of it."""
    state = settings.state
    if state.database is not None:
        return make_server_engine(state.database, STATE_SCHEMA)
    return make_engine(state.folder / STATE_FILE, "FULL")


def open_mirror_engine(settings: Settings) -> Engine:
    """Give the engine of the mirror, as `open_state_engine` does.

    What it has committed survives a power cut: a revision that a client was told must not be given a second time.
    """
    state = settings.state
    if state.database is not None:
        return make_server_engine(state.database, MIRROR_SCHEMA)
    return make_engine(state.folder / MIRROR_FILE, "FULL")


def waiting_places(threads: int) -> tuple[int, int]:
    """Say how many of so many threads may wait for Exchange: half of them; and of these for one mailbox: a quarter.

    Two devices of one person wait side by side in any case.
    """
    places = threads // 2
    return places, max(2, places // 4)


def prepare(settings: Settings) -> Keys:
    """Make the state folder and the key file where there are none yet, and give the keys.

    The state is opened once and closed again, so that what is wrong with it is told before anything is served.
    Raises ConfigurationInvalid where they cannot be used, Unavailable where a database server cannot be reached now.
    Nothing stays open: it may be called before a fork.
    """
    folder = settings.state.folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationInvalid([f"{folder}: the state folder cannot be made ({error.strerror})."]) from error
    with ExitStack() as opened:
        engine = open_state_engine(settings)
        opened.callback(engine.dispose)
        if not (folder / KEY_FILE).exists() and state_exists(engine):
            raise ConfigurationInvalid([f"{folder}: the key file '{KEY_FILE}' is missing, {_without_key(settings)}."])
        keys = load_keys(folder / KEY_FILE)
        opened.callback(State(engine, keys, folder).close)
    return keys


def _without_key(settings: Settings) -> str:
    if settings.state.database is None:
        return f"without which {STATE_FILE} cannot be read; restore it"
    return "without which the state in the database cannot be read; copy it from a host that runs, or from the backup"


@dataclass(frozen=True, slots=True)
class Stores:
    """What is at rest: the keys, the state and the mirror, None where there is none yet."""

    key_file: KeyFile
    keys: Keys
    state: StoreAtRest
    mirror: StoreAtRest | None


@contextmanager
def stores(settings: Settings) -> Iterator[Stores]:
    """Give what is at rest as it is, beside a running bridge; nothing is made, mended or taken to a newer version.

    Raises ConfigurationInvalid where there is no state. Each store is to be checked before it is used.
    """
    keys = _find_keys(settings)
    with ExitStack() as opened:

        def open_store(schema: SealedSchema, engine: Engine) -> StoreAtRest:
            opened.callback(engine.dispose)
            return StoreAtRest(schema, engine, keys)

        state = open_store(STATE, open_state_engine(settings))
        mirror = open_store(MIRROR, open_mirror_engine(settings))
        yield Stores(KeyFile(settings.state.folder / KEY_FILE), keys, state, mirror if mirror.exists() else None)


@contextmanager
def added_shares(settings: Settings) -> Iterator[Shares]:
    """Give the shares in the state, which a bridge may be using, for a command that is no process of the bridge's.

    Raises ConfigurationInvalid where there is no state: another folder would be meant than the bridge's. Raises
    Unavailable.
    """
    keys = _find_keys(settings)
    engine = open_state_engine(settings)
    try:
        yield Shares(StateDatabase(engine, keys), keys)
    finally:
        engine.dispose()


def _find_keys(settings: Settings) -> Keys:
    """Give the keys of a bridge that was started before. Raises ConfigurationInvalid where there is none."""
    folder = settings.state.folder
    engine = open_state_engine(settings)
    try:
        is_there = (folder / KEY_FILE).exists() and state_exists(engine)
    except OSError as error:
        raise ConfigurationInvalid([f"{folder}: the state folder cannot be read ({error.strerror})."]) from error
    finally:
        engine.dispose()
    if not is_there:
        hint = "[state] folder in the configuration, or STATE_DIRECTORY as its service has it"
        raise ConfigurationInvalid(
            [f"{folder}: there is no state of a bridge here. Start the bridge once; or name its folder: {hint}."]
        )
    return load_keys(folder / KEY_FILE)


def _ews_settings(settings: Settings) -> EwsSettings:
    exchange = settings.exchange
    return EwsSettings(exchange.url, exchange.authentication, exchange.version, exchange.ca_file)


def _store_settings(settings: Settings, accounts: Accounts) -> StoreSettings:
    shares = tuple(Shared(share.viewer, share.owner) for share in settings.shares)
    server = settings.server
    return StoreSettings(
        settings.sync.fresh,
        settings.exchange.time_zone,
        shares,
        url=server.root,
        most_bytes=server.max_resource_size,
        patience=Patience(),
        watches=_watches(settings, accounts) if settings.sync.watch else None,
        keep=timedelta(days=settings.mirror.keep_days) if settings.mirror.keep_days else None,
    )


def _watches(settings: Settings, accounts: Accounts) -> Watches:
    """Say as whom calendars are watched. Raises ConfigurationInvalid where the password file cannot be read."""
    if not settings.exchange.service_account:
        return Watches(accounts.caller, settings.sync.poll)
    username, password = settings.exchange.service_account, service_password(settings.exchange)

    def callers(viewer: Viewer) -> Caller:
        return Caller(viewer, ServiceCredential(username, password, viewer.address))

    return Watches(callers, settings.sync.poll, serves=True)
