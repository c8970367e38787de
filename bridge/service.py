"""Everything of one process, built from the configuration: for our own command and for Radicale's.

A service belongs to the process that built it: its database connections, threads and locks do not survive a fork.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.accounts.accounts import Accounts, utc_now
from bridge.config import Settings, service_password
from bridge.database import make_engine
from bridge.errors import ConfigurationInvalid
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
from bridge.state.database import StateDatabase
from bridge.state.sealed_columns import STATE
from bridge.state.shares import Shares
from bridge.state.state import State
from bridge.sync.calendars import Shared
from bridge.sync.store import CalendarStore, StoreSettings
from bridge.sync.watch import Watches
from bridge.web.front_page import front_page

KEY_FILE = "key"
STATE_FILE = "state.db"
MIRROR_FILE = "mirror.db"


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
        state_engine = make_engine(folder / STATE_FILE, "FULL")
        opened.callback(state_engine.dispose)
        mirror_engine = make_engine(folder / MIRROR_FILE, "FULL")
        opened.callback(mirror_engine.dispose)
        state = State(state_engine, keys, folder)
        opened.callback(state.close)
        exchange = EwsExchange(_ews_settings(settings))
        opened.callback(exchange.close)
        waiters = Waiters(*waiting_places(settings.server.threads))
        accounts = Accounts(exchange, state.proofs, settings.exchange.organisation, waiters)
        opened.callback(accounts.close)
        mirror = Mirror(mirror_engine, keys)
        store = CalendarStore(
            exchange,
            mirror,
            state,
            _store_settings(settings, accounts),
            waiters,
            now=utc_now,
            on_refused=accounts.forget,
        )
        opened.callback(store.close)
        index = OccurrenceIndex()
        busy_time = BusyTime(
            index,
            MailboxTimes(exchange, mirror.busy_months, waiters, now=utc_now),
            on_refused=accounts.forget,
            working_elsewhere=settings.freebusy.working_elsewhere,
        )
        return Service(settings, accounts, store, index, busy_time, front_page, opened.pop_all().close)


def waiting_places(threads: int) -> tuple[int, int]:
    """Say how many of so many threads may wait for Exchange: half of them; and of these for one mailbox: a quarter.

    Two devices of one person wait side by side in any case.
    """
    places = threads // 2
    return places, max(2, places // 4)


def prepare(settings: Settings) -> Keys:
    """Make the state folder and the key file where there are none yet, and give the keys.

    The state is opened once and closed again, so that what is wrong with it is told before anything is served.
    Raises ConfigurationInvalid where they cannot be used. Nothing stays open: it may be called before a fork.
    """
    folder = settings.state.folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationInvalid([f"{folder}: the state folder cannot be made ({error.strerror})."]) from error
    if (folder / STATE_FILE).exists() and not (folder / KEY_FILE).exists():
        raise ConfigurationInvalid(
            [f"{folder}: the key file '{KEY_FILE}' is missing, without which {STATE_FILE} cannot be read; restore it."]
        )
    keys = load_keys(folder / KEY_FILE)
    with ExitStack() as opened:
        engine = make_engine(folder / STATE_FILE, "FULL")
        opened.callback(engine.dispose)
        opened.callback(State(engine, keys, folder).close)
    return keys


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
    folder = _find_folder(settings)
    keys = load_keys(folder / KEY_FILE)
    with ExitStack() as opened:

        def open_store(schema: SealedSchema, file: Path) -> StoreAtRest:
            engine = make_engine(file, "FULL")
            opened.callback(engine.dispose)
            return StoreAtRest(schema, engine, keys)

        state = open_store(STATE, folder / STATE_FILE)
        mirror = open_store(MIRROR, folder / MIRROR_FILE) if (folder / MIRROR_FILE).exists() else None
        yield Stores(KeyFile(folder / KEY_FILE), keys, state, mirror)


@contextmanager
def added_shares(settings: Settings) -> Iterator[Shares]:
    """Give the shares in the state, which a bridge may be using, for a command that is no process of the bridge's.

    Raises ConfigurationInvalid where there is no state: another folder would be meant than the bridge's.
    """
    folder = _find_folder(settings)
    keys = load_keys(folder / KEY_FILE)
    engine = make_engine(folder / STATE_FILE, "FULL")
    try:
        yield Shares(StateDatabase(engine, keys), keys)
    finally:
        engine.dispose()


def _find_folder(settings: Settings) -> Path:
    """Give the state folder of a bridge that was started before. Raises ConfigurationInvalid where there is none."""
    folder = settings.state.folder
    try:
        is_there = (folder / STATE_FILE).exists() and (folder / KEY_FILE).exists()
    except OSError as error:
        raise ConfigurationInvalid([f"{folder}: the state folder cannot be read ({error.strerror})."]) from error
    if not is_there:
        hint = "[state] folder in the configuration, or STATE_DIRECTORY as its service has it"
        raise ConfigurationInvalid(
            [f"{folder}: there is no state of a bridge here. Start the bridge once; or name its folder: {hint}."]
        )
    return folder


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
        watches=_watches(settings, accounts) if settings.sync.watch else None,
    )


def _watches(settings: Settings, accounts: Accounts) -> Watches:
    """Say as whom calendars are watched. Raises ConfigurationInvalid where the password file cannot be read."""
    if not settings.exchange.service_account:
        return Watches(accounts.caller, settings.sync.poll)
    username, password = settings.exchange.service_account, service_password(settings.exchange)

    def callers(viewer: Viewer) -> Caller:
        return Caller(viewer, ServiceCredential(username, password, viewer.address))

    return Watches(callers, settings.sync.poll, serves=True)
