"""The configuration: what it gives, and that every mistake is told at once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import Listen, Settings, Share, find, load, service_password, state_folder
from bridge.database import server_name
from bridge.errors import ConfigurationInvalid
from bridge.item import UTC_ZONE, Zone
from bridge.model import Address

URL = 'url = "https://mail.example.org/EWS/Exchange.asmx"'
Load = Callable[[str], Settings]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    def load_it(text: str) -> Settings:
        path = tmp_path / "bridge.toml"
        path.write_text(text, "utf-8")
        return load(path, {"HOME": str(tmp_path)})

    return load_it


@pytest.fixture
def problems(load_text: Load) -> Callable[[str], tuple[str, ...]]:
    def problems_of(text: str) -> tuple[str, ...]:
        with pytest.raises(ConfigurationInvalid) as raised:
            load_text(text)
        return raised.value.problems

    return problems_of


def test_the_url_alone_is_a_configuration(load_text: Load, tmp_path: Path) -> None:
    settings = load_text(f"[exchange]\n{URL}")
    assert settings.exchange.url == "https://mail.example.org/EWS/Exchange.asmx"
    assert settings.exchange.organisation == "mail.example.org"
    assert settings.exchange.authentication == "basic"
    assert settings.exchange.time_zone == UTC_ZONE
    assert settings.server.listen == Listen("127.0.0.1", 5232)
    assert settings.server.root == "http://127.0.0.1:5232"
    assert settings.server.max_resource_size == 10 * 1024 * 1024
    assert settings.state.folder == tmp_path / ".local/state/exchange-bridge"
    assert settings.state.database is None
    assert settings.sync.fresh == 15.0
    assert settings.mirror.keep_days == 60
    assert settings.shares == ()


def test_everything_can_be_set(load_text: Load, tmp_path: Path) -> None:
    settings = load_text(f"""
        [exchange]
        {URL}
        version = "2016"
        time_zone = "Europe/Berlin"
        [server]
        listen = "[::1]:8443"
        url = "https://calendar.example.org/caldav/"
        workers = 2
        threads = 8
        realm = "Calendars of Example"
        max_resource_size = "2 MiB"
        [state]
        folder = "kept"
        [sync]
        fresh = 2
        [mirror]
        keep_days = 0
        [[share]]
        viewer = "Ben@example.org"
        owner = "anna@example.org"
    """)
    assert settings.exchange.version == "2016"
    assert settings.exchange.time_zone == Zone("W. Europe Standard Time")
    assert settings.server.listen == Listen("::1", 8443)
    assert str(settings.server.listen) == "[::1]:8443"
    assert settings.server.root == "https://calendar.example.org/caldav"
    assert (settings.server.workers, settings.server.threads) == (2, 8)
    assert settings.server.realm == "Calendars of Example"
    assert settings.server.max_resource_size == 2 * 1024 * 1024
    assert settings.state.folder == tmp_path / "kept"
    assert settings.sync.fresh == 2.0
    assert settings.mirror.keep_days == 0
    assert settings.shares == (Share(Address("ben@example.org"), Address("anna@example.org"), "calendar"),)


MISTAKES = [
    # exchange
    ("[server]", "[exchange] url is missing."),
    ("[exchange]\nurl = 5", "[exchange] url must be text in quotes"),
    ('[exchange]\nurl = "mail.example.org"', "[exchange] url must be the URL of Exchange's EWS"),
    ('[exchange]\nurl = "https://[::1/EWS"', "[exchange] url is not a URL"),
    ('[exchange]\nurl = "ftp://mail.example.org/"', "[exchange] url must be the URL of Exchange's EWS"),
    ('[exchange]\nurl = "http://mail.example.org/EWS"', "must begin with https://, since passwords travel"),
    ('[exchange]\nurl = "http://127.0.0.1.example.org/EWS"', "must begin with https://"),
    ('[exchange]\nurl = "https://mail.example.org/EWS?a=b"', "must end with its path"),
    (f'[exchange]\n{URL}\nauthentication = "oauth"', "authentication is 'oauth', must be one of 'basic', 'ntlm'"),
    (f'[exchange]\n{URL}\nversion = "2003"', "version is '2003', must be one of 'auto', '2007'"),
    (f"[exchange]\n{URL}\nversion = 2016", "version is 2016, must be one of 'auto', '2007'"),
    (f'[exchange]\n{URL}\nca_file = "none.pem"', "none.pem, which cannot be read (No such file or directory)"),
    (f'[exchange]\n{URL}\nca_file = "bridge.toml"', "bridge.toml, which holds no certificates in PEM form"),
    (f'[exchange]\n{URL}\ntime_zone = "Berlinn"', "time_zone is 'Berlinn', must be an IANA zone"),
    # server
    ("[server]\nlisten = 5232", "listen is 5232, must be an address and a port"),
    ('[server]\nlisten = "5232"', "listen is '5232', must be an address and a port from 0 to 65535"),
    ('[server]\nlisten = "localhost:65536"', "listen is 'localhost:65536', must be"),
    ('[server]\nlisten = "localhost:1/x"', "listen is 'localhost:1/x', must be"),
    ('[server]\nurl = "calendar.example.org"', "[server] url must be the URL that calendar apps reach the bridge by"),
    ('[server]\nurl = "https://a:b@calendar.example.org"', "[server] url must be the URL that calendar apps"),
    ('[server]\nurl = "https://calendar.example.org/?a"', "[server] url must end with its path"),
    ('[server]\nurl = "https://kalender.example.org/über"', "[server] url must end with its path, in ASCII"),
    ('[server]\nurl = "https://[::1"', "[server] url is not a URL"),
    ("[server]\nworkers = 0", "workers is 0, must be a whole number from 1 to 64"),
    ("[server]\nthreads = 3", "threads is 3, must be a whole number from 4 to 512"),
    ("[server]\nthreads = true", "threads is True, must be a whole number"),
    ("[server]\nthreads = 8.0", "threads is 8.0, must be a whole number"),
    ("[server]\nrealm = 'a \"b\"'", "realm must be printable ASCII without quotes"),
    ('[server]\nrealm = "Kalender für alle"', "realm must be printable ASCII"),
    ('[server]\nmax_resource_size = "10 lines"', "max_resource_size is '10 lines', must be a number of bytes or"),
    ("[server]\nmax_resource_size = 12", "max_resource_size is 12, must be"),
    # state, sync
    ('[state]\ndatabase = "mysql://b@h/b"', "[state] database must be the URL of a PostgreSQL database, such as"),
    ('[state]\ndatabase = "postgresql://b@h/b?colour=red"', "[state] database must be the URL of a PostgreSQL"),
    (
        '[state]\ndatabase = "postgresql://b:a/b@h/b"',
        "[state] database is not a URL: in a password, '@'",
    ),
    ("[state]\ndatabase = 5", "[state] database must be text in quotes"),
    ("[sync]\nfresh = -1", "[sync] fresh is -1, must be a number from 0 to 3600"),
    ("[mirror]\nkeep_days = -1", "[mirror] keep_days is -1, must be a whole number from 0 to 3650"),
    ("[mirror]\nkeep_days = 1.5", "[mirror] keep_days is 1.5, must be a whole number"),
    ("[sync]\nfresh = nan", "[sync] fresh is nan, must be a number"),
    ('[sync]\nfresh = "15"', "[sync] fresh is '15', must be a number"),
    # share
    ('[share]\nviewer = "a@b.example"', "a share is written as [[share]], in double brackets"),
    ('[[share]]\nviewer = "a@b.example"', "[[share]] number 1 owner is missing"),
    (
        '[[share]]\nviewer = "anna"\nowner = "b@b.example"',
        "[[share]] number 1 viewer is 'anna', must be a mail address",
    ),
    ('[[share]]\nviewer = "a@b.example"\nowner = "A@b.example"', "[[share]] number 1: viewer and owner are the same"),
    (
        '[[share]]\nviewer = "a@b.example"\nowner = "c@b.example"\nfolder = "Team"',
        "folder is 'Team'; only 'calendar', the owner's default calendar",
    ),
    (
        '[[share]]\nviewer = "a@b.example"\nowner = "c@b.example"\n' * 2,
        "[[share]] number 2 says what number 1 says already",
    ),
    # names
    ("[sever]\nport = 1", "there is no section [sever]; did you mean 'server'?"),
    ("[web]", "there is no section [web]; there are exchange, server, state, sync, mirror, freebusy, share."),
    ("[server]\nlisten_on = 1", "[server] has no key 'listen_on'; did you mean 'listen'?"),
    ("[sync]\nspeed = 1", "[sync] has no key 'speed'; there are fresh, watch, poll."),
    ("server = 1", "[server] must be a section of keys and values"),
    ("[[server]]", "[server] must be a section of keys and values"),
]


@pytest.mark.parametrize(("text", "sentence"), MISTAKES)
def test_a_mistake_is_told_with_its_place(
    text: str, sentence: str, problems: Callable[[str], tuple[str, ...]], tmp_path: Path
) -> None:
    told = problems(text)
    named = [problem for problem in told if sentence in problem]
    assert len(named) == 1, told
    assert named[0].startswith(f"{tmp_path / 'bridge.toml'}: ")
    if "[exchange]" in text:
        assert told == tuple(named)


def test_all_mistakes_are_told_at_once(problems: Callable[[str], tuple[str, ...]]) -> None:
    told = problems("""
        [exchange]
        url = "nonsense"
        verson = "auto"
        [server]
        threads = "many"
        [stat]
        [[share]]
        viewer = "nobody"
    """)
    assert len(told) == 6


@pytest.mark.parametrize(
    "url", ["https://anna:geheim@mail.example.org/", "https://x/?p=geheim", "geheim", "http://h/geheim"]
)
def test_a_password_in_the_url_is_not_repeated(url: str, problems: Callable[[str], tuple[str, ...]]) -> None:
    assert "geheim" not in "".join(problems(f'[exchange]\nurl = "{url}"'))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://b:geheim@h/b?nothing",
        "postgresql://b:ge@geheim@h/b",
        "postgresql://b:gehe/geheim@h/b",
        "mysql://b:geheim@h/b",
        "postgresql://b:geheim@h:x/b",
        "postgresql://[geheim",
    ],
)
def test_a_password_of_the_database_is_not_repeated(url: str, problems: Callable[[str], tuple[str, ...]]) -> None:
    assert "geheim" not in "".join(problems(f'[exchange]\n{URL}\n[state]\ndatabase = "{url}"'))


def test_a_password_of_the_database_is_not_shown(load_text: Load) -> None:
    url = "postgresql://bridge:geheim@db.example.org:5433/calendars?sslmode=verify-full"
    settings = load_text(f'[exchange]\n{URL}\n[state]\ndatabase = "{url}"')
    assert settings.state.database == url
    assert "geheim" not in repr(settings)
    assert server_name(url) == "db.example.org:5433/calendars"


def test_an_unknown_key_is_named_without_its_value(problems: Callable[[str], tuple[str, ...]]) -> None:
    told = "".join(problems(f'[exchange]\n{URL}\npassword = "geheim"'))
    assert "'password'" in told
    assert "geheim" not in told


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_plain_http_is_for_this_machine(host: str, load_text: Load) -> None:
    assert load_text(f'[exchange]\nurl = "http://{host}:8080/EWS/Exchange.asmx"').exchange.url.startswith("http://")


def test_broken_toml_is_told_with_its_line(problems: Callable[[str], tuple[str, ...]]) -> None:
    (told,) = problems("[exchange]\nurl = \nversion = 1")
    assert "this is not TOML" in told
    assert "line 2" in told


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="the file cannot be read"):
        load(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b"# gr\xfc\xdfe")
    with pytest.raises(ConfigurationInvalid, match="not UTF-8"):
        load(tmp_path / "latin.toml")


def test_the_option_goes_before_the_environment() -> None:
    environ = {"EXCHANGE_BRIDGE_CONFIG": "/etc/b.toml"}
    assert find("a.toml", environ) == Path("a.toml")
    assert find(None, environ) == Path("/etc/b.toml")
    with pytest.raises(ConfigurationInvalid, match="give --config FILE, or set EXCHANGE_BRIDGE_CONFIG"):
        find(None, {})


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"STATE_DIRECTORY": "/var/lib/x", "XDG_STATE_HOME": "/s", "HOME": "/h"}, "/var/lib/x"),
        ({"STATE_DIRECTORY": "/var/lib/x:/var/lib/y"}, "/var/lib/x"),
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/exchange-bridge"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/exchange-bridge"),
        ({"HOME": "/h"}, "/h/.local/state/exchange-bridge"),
    ],
)
def test_the_state_folder_follows_systemd_then_xdg(environ: dict[str, str], folder: str) -> None:
    assert state_folder(environ) == Path(folder)


@given(st.integers(1, 1024), st.sampled_from(["KiB", "MiB", "kib"]), st.sampled_from(["", " "]))
def test_sizes_are_read_in_bytes_or_with_a_unit(
    tmp_path_factory: pytest.TempPathFactory, n: int, unit: str, gap: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "sizes.toml"
    factor = {"k": 1024, "m": 1024 * 1024}[unit[0].lower()]
    for written in (f'"{n}{gap}{unit}"', str(n * factor)):
        path.write_text(f"[exchange]\n{URL}\n[server]\nmax_resource_size = {written}")
        assert load(path).server.max_resource_size == n * factor


SERVICE = "service_account = 'EXAMPLE\\bridge'"
FILE = 'service_password_file = "password"'


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("open  sesame \r\nnothing of this\n", "utf-8")
    path.chmod(0o640)
    return path


def test_a_service_account_has_its_password_in_the_first_line_of_a_file(load_text: Load, password_file: Path) -> None:
    exchange = load_text(f"[exchange]\n{URL}\n{SERVICE}\n{FILE}").exchange
    assert exchange.service_account == "EXAMPLE\\bridge"
    assert exchange.service_password_file == password_file
    assert service_password(exchange) == "open  sesame "
    password_file.write_text("another")
    assert service_password(exchange) == "another"
    assert "sesame" not in repr(exchange)


@pytest.mark.parametrize("line", [SERVICE, FILE])
def test_a_service_account_and_its_file_are_given_together(
    line: str, problems: Callable[[str], tuple[str, ...]], password_file: Path
) -> None:
    assert password_file.exists()
    (problem,) = problems(f"[exchange]\n{URL}\n{line}")
    assert "given together or not at all" in problem


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (b"", 0o600, "is empty"),
        (b"\nsecret", 0o600, "is empty"),
        (b"secret", 0o604, "chmod o= makes it private"),
        (b"secret", 0o602, "chmod o= makes it private"),
        (b"\xff\xfesecret", 0o600, "is not UTF-8 text"),
        (None, 0, "cannot be read (No such file or directory)"),
    ],
)
def test_a_file_that_cannot_hold_the_password_is_told_without_what_is_in_it(
    content: bytes | None,
    mode: int,
    told: str,
    load_text: Load,
    problems: Callable[[str], tuple[str, ...]],
    password_file: Path,
) -> None:
    exchange = load_text(f"[exchange]\n{URL}\n{SERVICE}\n{FILE}").exchange
    password_file.unlink()
    if content is not None:
        password_file.write_bytes(content)
        password_file.chmod(mode)
    (problem,) = problems(f"[exchange]\n{URL}\n{SERVICE}\n{FILE}")
    assert told in problem
    with pytest.raises(ConfigurationInvalid, match="service_password_file") as raised:
        service_password(exchange)
    assert told in str(raised.value)
    for message in (problem, str(raised.value)):
        assert "secret" not in message


@pytest.mark.parametrize("account", ["a:b", "a\\nb"])
def test_a_service_account_is_a_user_name(
    account: str, problems: Callable[[str], tuple[str, ...]], password_file: Path
) -> None:
    assert password_file.exists()
    assert "must be a user name" in problems(f'[exchange]\n{URL}\nservice_account = "{account}"\n{FILE}')[0]


def test_without_a_service_account_there_is_no_password(load_text: Load) -> None:
    exchange = load_text(f"[exchange]\n{URL}").exchange
    assert (exchange.service_account, exchange.service_password_file) == ("", None)
    with pytest.raises(ConfigurationInvalid):
        service_password(exchange)


@pytest.mark.parametrize("told", ['"yes"', "1"])
def test_watching_is_on_or_off(told: str, load_text: Load, problems: Callable[[str], tuple[str, ...]]) -> None:
    assert load_text(f"[exchange]\n{URL}").sync.watch
    assert not load_text(f"[exchange]\n{URL}\n[sync]\nwatch = false").sync.watch
    assert "must be true or false" in problems(f"[exchange]\n{URL}\n[sync]\nwatch = {told}")[0]
