"""Typed settings from one TOML file, every mistake told at once.

A section is a frozen dataclass whose fields are its keys, with the defaults; beside it stands a table of readers,
one for each key. A reader takes the raw TOML value and raises ValueError with a half sentence that says what is
wrong and what is allowed. Messages never repeat the value of ``url`` or ``database``: a password may stand there.
"""

import difflib
import ipaddress
import os
import re
import ssl
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from bridge.errors import ConfigurationInvalid
from bridge.ids import DEFAULT_CALENDAR, make_address
from bridge.item import UTC_ZONE, Zone
from bridge.model import Address, OrganisationId
from bridge.zones import to_windows

CONFIG_VARIABLE = "EXCHANGE_BRIDGE_CONFIG"
"""Names the configuration file when no option does."""

AUTHENTICATIONS = ("basic", "ntlm")
VERSIONS = ("auto", "2007", "2010", "2013", "2016", "2019", "online")

_MIB = 1024 * 1024
_UNITS = {"B": 1, "KIB": 1024, "MIB": _MIB, "GIB": 1024 * _MIB}
_SIZE = re.compile(r"(\d{1,12})\s*([A-Za-z]+)")
_IN_URLS = re.compile(r"[A-Za-z0-9\-._~:/\[\]@!$&'()*+,;=%]+")
_ADDRESS = re.compile(r"[^\s@~/]+@[^\s@~/]+")


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the server listens. Port 0 takes any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """Give ``host:port``, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """``[exchange]``: which Exchange is asked, and how.

    ``time_zone``, written as IANA or Windows names it, is where floating times and new all-day events live when a
    calendar tells nothing better. ``ca_file`` holds the certificates of a private authority, PEM. ``service_account``
    may ask as everybody (EWS impersonation), with what is in the first line of ``service_password_file``; there are
    both or neither.
    """

    url: str
    authentication: str = "basic"
    version: str = "auto"
    ca_file: Path | None = None
    time_zone: Zone = UTC_ZONE
    service_account: str = ""
    service_password_file: Path | None = None

    @property
    def organisation(self) -> OrganisationId:
        """The organisation this Exchange is: its host name."""
        return OrganisationId(urlsplit(self.url).hostname or "")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """``[server]``: how clients reach the bridge. ``threads`` is per worker, ``max_resource_size`` is in bytes.

    ``url`` is its root as clients call it, without a slash at its end; "" where the configuration does not say.
    """

    listen: Listen = Listen("127.0.0.1", 5232)
    url: str = ""
    workers: int = 1
    threads: int = 32
    realm: str = "Exchange calendars"
    max_resource_size: int = 10 * _MIB

    @property
    def root(self) -> str:
        """The URL that links into the bridge begin with: the one that is told, else that of where it listens."""
        return self.url or f"http://{self.listen}"


@dataclass(frozen=True, slots=True)
class StateSettings:
    """``[state]``: the folder that holds the key, what must never be lost, and the mirror.

    ``database`` is the URL, as libpq reads it, of the PostgreSQL that holds the state and the mirror in the folder's
    place; None where there is none. It may hold a password.
    """

    folder: Path
    database: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """``[sync]``: a calendar pulled less than ``fresh`` seconds ago is served as it is.

    ``watch``: Exchange is asked to say when the calendars change that people look at; where it does not, they are asked
    for every ``poll`` seconds.
    """

    fresh: float = 15.0
    watch: bool = True
    poll: float = 300.0


@dataclass(frozen=True, slots=True)
class MirrorSettings:
    """``[mirror]``: what a viewer was told is removed when he has not been here for ``keep_days``; 0: it stays."""

    keep_days: int = 60


@dataclass(frozen=True, slots=True)
class FreeBusySettings:
    """``[freebusy]``: what time spent working elsewhere counts as: "free", "tentative" or "busy"."""

    working_elsewhere: Literal["free", "tentative", "busy"] = "free"


@dataclass(frozen=True, slots=True)
class Share:
    """``[[share]]``: the viewer also sees this calendar of the owner, as far as Exchange lets him."""

    viewer: Address
    owner: Address
    folder: str = DEFAULT_CALENDAR


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration."""

    exchange: ExchangeSettings
    server: ServerSettings
    state: StateSettings
    sync: SyncSettings
    shares: tuple[Share, ...] = ()
    freebusy: FreeBusySettings = FreeBusySettings()
    mirror: MirrorSettings = MirrorSettings()


def find(option: str | None, environ: Mapping[str, str]) -> Path:
    """Give the path of the configuration: the option, else EXCHANGE_BRIDGE_CONFIG. Raises ConfigurationInvalid."""
    named = option or environ.get(CONFIG_VARIABLE)
    if not named:
        raise ConfigurationInvalid([f"No configuration is named: give --config FILE, or set {CONFIG_VARIABLE}."])
    return Path(named).expanduser()


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the file; relative paths in it start at its folder.

    Raises ConfigurationInvalid with one sentence for every mistake there is.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationInvalid([f"{path}: the file cannot be read ({error.strerror})."]) from error
    except UnicodeDecodeError as error:
        raise ConfigurationInvalid([f"{path}: the file is not UTF-8 text."]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationInvalid([f"{path}: this is not TOML: {error}."]) from error
    return _Reading(path, environ).settings(document)


def state_folder(environ: Mapping[str, str]) -> Path:
    """Give the state folder for a configuration that names none: systemd's, else the user's (XDG base directories)."""
    if named := environ.get("STATE_DIRECTORY"):
        return Path(named.split(":")[0])
    base = environ.get("XDG_STATE_HOME", "")
    root = Path(base) if base.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".local" / "state"
    return root / "exchange-bridge"


_Reader = Callable[[Any], Any]
_Section = TypeVar("_Section")


class _Reading:
    """One reading of one file: collects the mistakes."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path = path
        self._environ = environ
        self._problems: list[str] = []

    def settings(self, document: Mapping[str, Any]) -> Settings:
        """Read every section, then raise all mistakes or give the settings."""
        readers = self._sections()
        for name in document:
            if name not in readers:
                self._tell(f"there is no section [{name}]", _closest(name, readers))
        exchange = self._section(ExchangeSettings, "[exchange]", document.get("exchange", {}), readers["exchange"])
        server = self._section(ServerSettings, "[server]", document.get("server", {}), readers["server"])
        raw_state = document.get("state", {})
        if isinstance(raw_state, dict) and "folder" not in raw_state:
            raw_state = {**raw_state, "folder": str(state_folder(self._environ))}
        state = self._section(StateSettings, "[state]", raw_state, readers["state"])
        sync = self._section(SyncSettings, "[sync]", document.get("sync", {}), readers["sync"])
        freebusy = self._section(FreeBusySettings, "[freebusy]", document.get("freebusy", {}), readers["freebusy"])
        mirror = self._section(MirrorSettings, "[mirror]", document.get("mirror", {}), readers["mirror"])
        shares = self._shares(document.get("share", []), readers["share"])
        if exchange is not None and bool(exchange.service_account) != (exchange.service_password_file is not None):
            self._tell("[exchange] service_account and service_password_file are given together or not at all")
        if (
            self._problems
            or exchange is None
            or server is None
            or state is None
            or sync is None
            or freebusy is None
            or mirror is None
        ):
            raise ConfigurationInvalid(self._problems)
        return Settings(exchange, server, state, sync, shares, freebusy, mirror)

    def _sections(self) -> dict[str, dict[str, _Reader]]:
        return {
            "exchange": {
                "url": _url,
                "authentication": _one_of(AUTHENTICATIONS),
                "version": _one_of(VERSIONS),
                "ca_file": self._ca_file,
                "time_zone": _time_zone,
                "service_account": _account,
                "service_password_file": self._password_file,
            },
            "server": {
                "listen": _listen,
                "url": _root_url,
                "workers": _number(int, 1, 64),
                "threads": _number(int, 4, 512),
                "realm": _realm,
                "max_resource_size": _size,
            },
            "state": {"folder": self._resolved, "database": _database},
            "sync": {"fresh": _number(float, 0, 3600), "watch": _flag, "poll": _number(float, 10, 86400)},
            "mirror": {"keep_days": _number(int, 0, 3650)},
            "freebusy": {"working_elsewhere": _one_of(("free", "tentative", "busy"))},
            "share": {"viewer": read_address, "owner": read_address, "folder": read_shared_folder},
        }

    def _section(
        self, kind: type[_Section], where: str, raw: object, readers: Mapping[str, _Reader]
    ) -> _Section | None:
        """Read one section into its dataclass; None when it has a mistake, which is then noted."""
        if not isinstance(raw, dict):
            self._tell(f"{where} must be a section of keys and values")
            return None
        before = len(self._problems)
        values: dict[str, Any] = {}
        for key, value in raw.items():
            if key not in readers:
                self._tell(f"{where} has no key '{key}'", _closest(key, readers))
                continue
            try:
                values[key] = readers[key](value)
            except ValueError as error:
                self._tell(f"{where} {key} {error}")
        for one in fields(kind):  # type: ignore[arg-type]  # every section is a dataclass
            if one.default is MISSING and one.name not in raw:
                self._tell(f"{where} {one.name} is missing")
        return kind(**values) if len(self._problems) == before else None

    def _shares(self, raw: object, readers: Mapping[str, _Reader]) -> tuple[Share, ...]:
        if not isinstance(raw, list):
            self._tell("a share is written as [[share]], in double brackets")
            return ()
        shares: list[Share] = []
        for number, entry in enumerate(raw, 1):
            where = f"[[share]] number {number}"
            share = self._section(Share, where, entry, readers)
            if share is None:
                continue
            if share.viewer == share.owner:
                self._tell(f"{where}: viewer and owner are the same; one's own calendars need no share")
            elif share in shares:
                self._tell(f"{where} says what number {shares.index(share) + 1} says already")
            shares.append(share)
        return tuple(shares)

    def _tell(self, what: str, hint: str = "") -> None:
        self._problems.append(f"{self._path}: {what}{hint}" + "." * (not hint.endswith("?")))

    def _resolved(self, value: Any) -> Path:
        return (self._path.parent / Path(_text(value)).expanduser()).absolute()

    def _ca_file(self, value: Any) -> Path:
        path = self._resolved(value)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except ssl.SSLError as error:
            raise ValueError(f"is {path}, which holds no certificates in PEM form") from error
        except OSError as error:
            raise ValueError(f"is {path}, which cannot be read ({error.strerror})") from error
        return path

    def _password_file(self, value: Any) -> Path:
        path = self._resolved(value)
        _first_line(path)
        return path


def service_password(exchange: ExchangeSettings) -> str:
    """Read the service account's password, as it is in the file now. Raises ConfigurationInvalid, also without one."""
    if exchange.service_password_file is None:
        raise ConfigurationInvalid(["[exchange] service_password_file is not given."])
    try:
        return _first_line(exchange.service_password_file)
    except ValueError as error:
        raise ConfigurationInvalid([f"[exchange] service_password_file {error}."]) from error


def _first_line(path: Path) -> str:
    """Give the first line of a file that holds a password. Raises ValueError with half a sentence, without the line."""
    try:
        with path.open(encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & stat.S_IRWXO:
                raise ValueError(f"is {path}, which everybody on this machine may open; chmod o= makes it private")
            line = file.readline().rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"is {path}, which cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"is {path}, which is not UTF-8 text") from error
    if not line:
        raise ValueError(f"is {path}, whose first line must be the password, and is empty")
    return line


def _closest(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name.lower(), known, 1)
    return f"; did you mean '{close[0]}'?" if close else f"; there are {', '.join(known)}"


# --- readers -----------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be text in quotes, and not empty")
    return value.strip()


def _account(value: Any) -> str:
    account = _text(value)
    if ":" in account or not account.isprintable():  # RFC 7617, section 2: the colon ends a user name
        raise ValueError("must be a user name such as 'EXAMPLE\\bridge' or 'bridge@example.org', without a colon")
    return account


def _one_of(allowed: tuple[str, ...]) -> _Reader:
    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"is {value!r}, must be one of {', '.join(map(repr, allowed))}")
        return str(value)

    return read


def _number(unit: type[int] | type[float], least: int, most: int) -> _Reader:
    def read(value: Any) -> int | float:
        if not isinstance(value, int | unit) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"is {value!r}, must be a {'whole ' * (unit is int)}number from {least} to {most}")
        return unit(value)

    return read


def _flag(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise ValueError(f"is {value!r}, must be true or false")


def _url(value: Any) -> str:
    url = _text(value)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("is not a URL") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("must be the URL of Exchange's EWS, such as https://mail.example.org/EWS/Exchange.asmx")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password: everybody logs in with his own")
    if parts.query or parts.fragment:
        raise ValueError("must end with its path, without '?' or '#'")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("must begin with https://, since passwords travel over it (http is for this machine only)")
    return url


def _root_url(value: Any) -> str:
    url = _text(value).rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("is not a URL") from error
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise ValueError("must be the URL that calendar apps reach the bridge by, such as https://calendar.example.org")
    if parts.query or parts.fragment or not _IN_URLS.fullmatch(url):
        raise ValueError("must end with its path, in ASCII, without '?' or '#'")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _time_zone(value: Any) -> Zone:
    zone = to_windows(value) if isinstance(value, str) else None
    if zone is None:
        raise ValueError(f"is {value!r}, must be an IANA zone such as Europe/Berlin, or one of Windows' names")
    return zone


def _listen(value: Any) -> Listen:
    try:
        parts = urlsplit(f"//{_text(value)}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or parts.path or parts.username is not None:
        raise ValueError(f"is {value!r}, must be an address and a port from 0 to 65535, such as 127.0.0.1:5232")
    return Listen(host, port)


def _realm(value: Any) -> str:
    realm = _text(value)
    if not realm.isascii() or not realm.isprintable() or set(realm) & {'"', "\\"}:
        raise ValueError("must be printable ASCII without quotes and backslashes: it goes into an HTTP header")
    return realm


def _size(value: Any) -> int:
    size = value if isinstance(value, int) and not isinstance(value, bool) else None
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())) and match[2].upper() in _UNITS:
        size = int(match[1]) * _UNITS[match[2].upper()]
    if size is None or not 1024 <= size <= 1024 * _MIB:
        raise ValueError(f'is {value!r}, must be a number of bytes or such as "10 MiB", from 1 KiB to 1 GiB')
    return size


def _database(value: Any) -> str:
    url = _text(value)
    try:
        told = conninfo_to_dict(url) if url.startswith(("postgresql://", "postgres://")) else None
    except ProgrammingError:  # its message may hold what is secret
        told = None
    if told is None:
        raise ValueError("must be the URL of a PostgreSQL database, such as postgresql://bridge@db.example.org/bridge")
    unlikely = "".join(str(told.get(part, "")) for part in ("host", "dbname"))
    if "@" in unlikely or not re.fullmatch(r"[\d,]*", str(told.get("port", ""))):
        raise ValueError("is not a URL: in a password, '@' is written %40, '/' %2F, ':' %3A, '?' %3F, '#' %23, '%' %25")
    return url


def read_address(value: Any) -> Address:
    """Read a mail address. Raises ValueError with half a sentence, as every reader here."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value.strip()):
        raise ValueError(f"is {value!r}, must be a mail address such as anna@example.org")
    return make_address(value)


def read_shared_folder(value: Any) -> str:
    """Read which calendar of an owner's is shared. Raises ValueError with half a sentence."""
    if value != DEFAULT_CALENDAR:
        raise ValueError(f"is {value!r}; only '{DEFAULT_CALENDAR}', the owner's default calendar, is supported so far")
    return str(value)
