"""NTLM: a handshake on a connection, which then belongs to who has proved himself."""

import base64
import hashlib
import http.client
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import exchangelib
import pytest
import requests
import spnego
from exchangelib import transport
from exchangelib.protocol import CachingProtocol
from requests_ntlm import HttpNtlmAuth
from spnego.channel_bindings import GssChannelBindings

from bridge.simulator import PersonPlan, Simulator

ews: Any = exchangelib  # it has no types of its own
protocols: Any = CachingProtocol
BASIC = 'Basic realm="simulated Exchange"'
GET = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
    '<m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>'
)
LOGINS = ["EXAMPLE\\anna", "example\\ANNA", "anna@example.com", "A.Berg@example.com", "\\anna@example.com"]
TOKENS = [b"", b"NTLMSSP\x00", b"NTLMSSP\x00\x01\x00\x00\x00", b"NTLMSSP\x00\x03\x00\x00\x00", b"x"]
# With `send_cbt` it looks for a certificate at plain HTTP too, in a way that leaks a socket under urllib3-future
requests_auth = partial(HttpNtlmAuth, send_cbt=False)


class Client:
    """One connection to a simulator, plain or TLS, and handshakes on it."""

    def __init__(self, sim: Simulator, body: bytes) -> None:
        where = urlsplit(sim.url)
        self.path, self.body = where.path, body
        place = (where.hostname or "", where.port)
        if where.scheme == "https":
            context = ssl.create_default_context(cafile=sim.ca_file)
            self.line: http.client.HTTPConnection = http.client.HTTPSConnection(*place, timeout=10, context=context)
        else:
            self.line = http.client.HTTPConnection(*place, timeout=10)
        self.line.connect()
        self.wire = self.line.sock

    def post(self, token: bytes | None = None) -> tuple[int, list[str]]:
        """Give the status and what logins the answer offers."""
        headers = {} if token is None else {"Authorization": f"NTLM {base64.b64encode(token).decode()}"}
        self.line.request("POST", self.path, self.body, headers)
        answer = self.line.getresponse()
        answer.read()
        return answer.status, answer.headers.get_all("WWW-Authenticate") or []

    def certificate(self) -> bytes | None:
        """Give the digest of the server's certificate, None without TLS."""
        if not isinstance(self.wire, ssl.SSLSocket):
            return None
        return hashlib.sha256(self.wire.getpeercert(binary_form=True) or b"").digest()

    def log_in(self, login: str, password: str, digest: bytes | None) -> int:
        """Give the status of the handshake's end; `digest` is the certificate that is named in it."""
        client = spnego.client(
            login,
            password,
            protocol="ntlm",
            channel_bindings=GssChannelBindings(application_data=b"tls-server-end-point:" + digest) if digest else None,
            options=spnego.NegotiateOptions.use_ntlm,
        )
        status, offers = self.post(client.step())
        assert (status, len(offers)) == (401, 1)
        return self.post(client.step(base64.b64decode(offers[0].removeprefix("NTLM "))))[0]


@pytest.fixture
def connect(ask: Any) -> Iterator[Callable[[Simulator], Client]]:
    made: list[Client] = []

    def connect(sim: Simulator) -> Client:
        made.append(Client(sim, ask.envelope(GET)))
        return made[-1]

    yield connect
    for client in made:
        client.line.close()


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def sim(request: pytest.FixtureRequest, make_sim: Callable[..., Simulator]) -> Simulator:
    return make_sim(ntlm=True, tls=request.param)


@pytest.fixture
def client(sim: Simulator, connect: Callable[[Simulator], Client]) -> Client:
    return connect(sim)


@pytest.mark.parametrize("login", LOGINS)
def test_logins_of_every_form(sim: Simulator, client: Client, login: str) -> None:
    assert client.log_in(login, "anna-password", client.certificate()) == 200
    assert sim.records.logins == {"anna@example.com": 1}


def test_one_handshake_serves_the_whole_connection(sim: Simulator, client: Client) -> None:
    assert client.log_in("EXAMPLE\\anna", "anna-password", client.certificate()) == 200
    assert [client.post()[0] for _ in range(2)] == [200, 200]
    assert (sim.records.logins, sim.records.total()) == ({"anna@example.com": 1}, 3)


@pytest.mark.parametrize(
    ("login", "password"),
    [("EXAMPLE\\anna", "x"), ("EXAMPLE\\nobody", "anna-password"), ("OTHER\\anna", "anna-password")],
)
def test_wrong_logins_are_refused(sim: Simulator, client: Client, login: str, password: str) -> None:
    assert client.log_in(login, password, client.certificate()) == 401
    assert (sim.records.failed_logins, sim.records.total()) == ({login: 1}, 0)


def test_the_handshake_and_its_refusal_keep_the_connection(client: Client) -> None:
    digest = client.certificate()
    assert client.post() == (401, ["NTLM", BASIC])
    assert client.log_in("EXAMPLE\\bob", "wrong", digest) == 401
    assert client.post()[0] == 401
    assert client.log_in("EXAMPLE\\bob", "bob-password", digest) == 200
    assert client.post()[0] == 200
    assert client.log_in("EXAMPLE\\bob", "wrong", digest) == 401
    assert client.post() == (401, ["NTLM", BASIC])
    assert client.line.sock is client.wire


@pytest.mark.parametrize("token", TOKENS)
def test_broken_tokens_are_refused(sim: Simulator, client: Client, token: bytes) -> None:
    assert [client.post(token), client.post(token)] == [(401, ["NTLM", BASIC])] * 2
    assert not sim.records.logins
    assert client.log_in("EXAMPLE\\bob", "bob-password", client.certificate()) == 200


def test_a_token_of_one_connection_is_worth_nothing_on_another(
    make_sim: Callable[..., Simulator], connect: Callable[[Simulator], Client]
) -> None:
    sim = make_sim(ntlm=True)
    one, other = connect(sim), connect(sim)
    bob = spnego.client("EXAMPLE\\bob", "bob-password", protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
    proof = bob.step(base64.b64decode(one.post(bob.step())[1][0].removeprefix("NTLM ")))
    assert other.post(proof)[0] == 401
    assert one.post(proof)[0] == 200
    assert other.post()[0] == 401


def test_a_changed_password_counts_from_the_next_handshake_on(
    sim: Simulator, client: Client, connect: Callable[[Simulator], Client]
) -> None:
    assert client.log_in("EXAMPLE\\anna", "anna-password", client.certificate()) == 200
    sim.change_password("anna@example.com", "new")
    assert client.post()[0] == 200
    fresh = connect(sim)
    assert fresh.log_in("EXAMPLE\\anna", "anna-password", fresh.certificate()) == 401
    assert fresh.log_in("EXAMPLE\\anna", "new", fresh.certificate()) == 200


@pytest.mark.parametrize("digest", [None, bytes(31) + b"\x01"], ids=["nothing", "another"])
def test_over_tls_a_client_must_name_the_certificate(
    make_sim: Callable[..., Simulator], connect: Callable[[Simulator], Client], digest: bytes | None
) -> None:
    client = connect(make_sim(ntlm=True, tls=True))
    assert client.log_in("EXAMPLE\\anna", "anna-password", digest) == 401
    assert client.log_in("EXAMPLE\\anna", "anna-password", client.certificate()) == 200


def test_without_the_switch_there_is_no_ntlm(
    make_sim: Callable[..., Simulator], connect: Callable[[Simulator], Client]
) -> None:
    bob = spnego.client("EXAMPLE\\bob", "bob-password", protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
    assert connect(make_sim()).post(bob.step()) == (401, [BASIC])


def test_basic_goes_beside_it(make_sim: Callable[..., Simulator], ask: Any) -> None:
    sim = make_sim(ntlm=True)
    login = ("bob@example.com", "bob-password")
    assert requests.post(sim.url, data=ask.envelope(GET), auth=login, timeout=10).status_code == 200


def test_a_password_with_a_colon_logs_in_nobody(
    make_sim: Callable[..., Simulator], connect: Callable[[Simulator], Client]
) -> None:
    client = connect(make_sim(ntlm=True, people=(PersonPlan("Dora Ek", "dora@example.com", "a:b"),)))
    assert client.log_in("EXAMPLE\\dora", "a:b", None) == 401


def test_requests_logs_in(make_sim: Callable[..., Simulator], ask: Any) -> None:
    sim = make_sim(ntlm=True)
    with requests.Session() as session:
        session.auth = requests_auth("EXAMPLE\\anna", "anna-password")
        assert [session.post(sim.url, data=ask.envelope(GET), timeout=10).status_code for _ in range(2)] == [200, 200]
    assert sim.records.logins == {"anna@example.com": 1}
    wrong = requests_auth("EXAMPLE\\anna", "wrong")
    assert requests.post(sim.url, data=ask.envelope(GET), auth=wrong, timeout=10).status_code == 401


def test_exchangelib_logs_in(make_sim: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(transport.AUTH_TYPE_MAP, ews.NTLM, requests_auth)
    sim = make_sim(ntlm=True)
    configuration = ews.Configuration(
        service_endpoint=sim.url,
        credentials=ews.Credentials("EXAMPLE\\anna", "anna-password"),
        auth_type=ews.NTLM,
        version=ews.Version(ews.Build(15, 2, 1, 1)),
    )
    account = ews.Account("anna@example.com", config=configuration, autodiscover=False, access_type=ews.DELEGATE)
    assert [folder.name for folder in account.calendar.children] == ["Projects"]
    protocols.clear_cache()
    assert (set(sim.records.logins), dict(sim.records.failed_logins)) == ({"anna@example.com"}, {})
