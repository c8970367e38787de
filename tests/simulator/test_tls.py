"""HTTPS with a certificate of an authority that lives as long as the simulator."""

import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import requests

from bridge.simulator import Simulator

GET = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
    '<m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>'
)
LOGIN = ("anna@example.com", "anna-password")


def trusting(ask: Any, file: object) -> Any:
    """Let a client trust an authority and no other, whatever the environment names."""
    ask.session.trust_env = False
    ask.session.verify = str(file)
    return ask


def test_a_client_that_trusts_the_authority_is_answered(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]
) -> None:
    sim = make_sim(tls=True)
    assert sim.url.startswith("https://127.0.0.1:")
    ask = trusting(make_ask(sim), sim.ca_file)
    assert [ask.post(GET).status_code for _ in range(2)] == [200, 200]
    localhost = sim.url.replace("127.0.0.1", "localhost")
    assert ask.session.post(localhost, data=ask.envelope(GET), auth=LOGIN, timeout=10).status_code == 200


def test_a_client_that_does_not_trust_it_sends_nothing_and_others_go_on(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]
) -> None:
    sim = make_sim(tls=True)
    ask = make_ask(sim)
    with pytest.raises(requests.exceptions.SSLError):
        ask.post(GET)
    assert sim.records.total() == 0
    trusting(ask, sim.ca_file)
    assert ask.post(GET).status_code == 200


def test_each_simulator_has_an_authority_of_its_own(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]
) -> None:
    one, other = make_sim(tls=True), make_sim(tls=True)
    ask = trusting(make_ask(one), other.ca_file)
    with pytest.raises(requests.exceptions.SSLError):
        ask.post(GET)


def test_its_certificate_holds_against_strict_checks(make_sim: Callable[..., Simulator]) -> None:
    sim = make_sim(tls=True)
    context = ssl.create_default_context(cafile=sim.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    port = int(sim.base.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
    ):
        assert wrapped.getpeercert()


def test_who_connects_and_says_nothing_holds_up_neither_others_nor_the_end(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]
) -> None:
    sim = make_sim(tls=True)
    port = int(sim.base.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 10) as silent:
        ask = trusting(make_ask(sim), sim.ca_file)
        assert ask.post(GET).status_code == 200
        sim.stop()
        silent.settimeout(10)
        assert silent.recv(1) == b""


@pytest.mark.parametrize("kind", ["reset", "cut"])
def test_troubles_are_the_same_over_tls(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any], kind: str
) -> None:
    sim = make_sim(tls=True)
    sim.trouble(kind, count=1)
    ask = trusting(make_ask(sim), sim.ca_file)
    with pytest.raises(requests.exceptions.RequestException):
        ask.post(GET)
    assert ask.post(GET).status_code == 200


def test_the_authority_goes_with_the_simulator() -> None:
    sim = Simulator(tls=True)
    file = sim.ca_file
    assert file.exists()
    sim.stop()
    assert not file.exists()
    plain = Simulator()
    with pytest.raises(ValueError, match="without TLS"):
        assert plain.ca_file
    plain.stop()
