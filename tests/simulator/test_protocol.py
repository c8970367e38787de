"""HTTP, logins, envelopes, versions: what a client meets before any item."""

import http.client
import socket
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from lxml import etree

from bridge.simulator import PERSONALITIES, PersonPlan, Simulator

GET = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
    '<m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>'
)
ZONES = '<m:GetServerTimeZones ReturnFullTimeZoneData="true"/>'
TYPES = "{http://schemas.microsoft.com/exchange/services/2006/types}"


@pytest.mark.parametrize("login", ["anna@example.com", "A.Berg@example.com", "EXAMPLE\\anna", "example\\ANNA"])
def test_logins_of_every_form(ask: Any, sim: Simulator, login: str) -> None:
    answer = requests.post(sim.url, data=ask.envelope(GET), auth=(login, "anna-password"), timeout=10)
    assert answer.status_code == 200
    assert sim.records.logins == {"anna@example.com": 1}


@pytest.mark.parametrize(("login", "password"), [("anna@example.com", "x"), ("anna", "anna-password"), ("", "")])
def test_wrong_logins_are_refused_and_the_connection_stays(ask: Any, sim: Simulator, login: str, password: str) -> None:
    where = urlsplit(sim.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    body = ask.envelope(GET)
    headers = requests.Request("POST", sim.url, auth=(login, password)).prepare().headers
    connection.request("POST", where.path, body, {"Authorization": headers["Authorization"]})
    first = connection.getresponse()
    first.read()
    wire = connection.sock
    connection.request("POST", where.path, body)
    second = connection.getresponse()
    second.read()
    assert (first.status, second.status) == (401, 401)
    assert second.headers["WWW-Authenticate"] == 'Basic realm="simulated Exchange"'
    assert connection.sock is wire
    connection.close()


@pytest.mark.parametrize("path", ["/EWS/Exchange.asmx", "/ews/exchange.ASMX"])
def test_the_path_is_spelled_as_one_likes(ask: Any, sim: Simulator, path: str) -> None:
    login = ("anna@example.com", "anna-password")
    answer = requests.post(sim.base + path, data=ask.envelope(GET), auth=login, timeout=10)
    assert answer.status_code == 200
    assert requests.post(f"{sim.base}/elsewhere", data=b"", auth=login, timeout=10).status_code == 404


def test_long_answers_are_packed_for_who_can_unpack_them(ask: Any) -> None:
    assert ask.post(ZONES).headers["Content-Encoding"] == "gzip"
    ask.session.headers["Accept-Encoding"] = "identity"
    assert "Content-Encoding" not in ask.post(ZONES).headers


def chunks(body: bytes) -> Iterator[bytes]:
    for first in range(0, len(body), 100):
        yield body[first : first + 100]


def test_chunked_requests_are_read_but_not_by_lenient_servers(
    ask: Any, sim: Simulator, make_sim: Callable[..., Simulator]
) -> None:
    login = ("anna@example.com", "anna-password")
    body = ask.envelope(GET)
    assert requests.post(sim.url, data=chunks(body), auth=login, timeout=10).status_code == 200
    lenient = make_sim("lenient")
    assert requests.post(lenient.url, data=chunks(body), auth=login, timeout=10).status_code == 411


def test_unknown_operations_fail_loudly(ask: Any, sim: Simulator) -> None:
    assert ask.code("<m:ExpandDL/>") == "ErrorInvalidOperation"
    assert "ExpandDL" in sim.refused[0]


@pytest.mark.parametrize("body", [b"", b"<x/>", b"not xml", b"<s:Envelope xmlns:s='x'/>"])
def test_what_is_no_envelope_is_a_fault(sim: Simulator, body: bytes) -> None:
    answer = requests.post(sim.url, data=body, auth=("anna@example.com", "anna-password"), timeout=10)
    assert answer.status_code == 500
    assert "ErrorSchemaValidation" in answer.text


@pytest.mark.schemas
def test_a_schema_violation_says_where(ask: Any) -> None:
    answer = ask.post("<m:GetFolder>\n<m:FolderShape><t:BaseShape>Nonsense</t:BaseShape></m:FolderShape></m:GetFolder>")
    fault = etree.fromstring(answer.content)
    assert answer.status_code == 500
    assert next(fault.iter(f"{TYPES}LineNumber")).text == "6"
    assert "Nonsense" in (next(fault.iter(f"{TYPES}Violation")).text or "")


@pytest.mark.schemas
def test_the_order_of_elements_matters(ask: Any) -> None:
    folder = '<m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds>'
    shape = "<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
    assert ask.code(f"<m:GetFolder>{folder}{shape}</m:GetFolder>") == "ErrorSchemaValidation"


@pytest.mark.parametrize(
    ("personality", "told", "newest", "too_new"),
    [
        ("2007", ("8", "1", "Exchange2007_SP1"), "Exchange2007_SP1", "Exchange2010"),
        ("2010", ("14", "3", "Exchange2010_SP2"), "Exchange2010_SP2", "Exchange2013"),
        ("2013", ("15", "0", "V2_8"), "Exchange2013_SP1", "Exchange2016"),
        ("2019", ("15", "2", "V2017_07_11"), "V2017_07_11", "V2018_01_08"),
        ("online", ("15", "20", "V2018_01_08"), "V2018_01_08", "V2099_01_01"),
    ],
)
def test_servers_tell_their_version_and_refuse_newer_ones(
    make_sim: Callable[..., Simulator],
    make_ask: Callable[..., Any],
    personality: str,
    told: tuple[str, str, str],
    newest: str,
    too_new: str,
) -> None:
    ask = make_ask(make_sim(personality))
    info = next(etree.fromstring(ask.post(GET, version=newest).content).iter(f"{TYPES}ServerVersionInfo"))
    assert (info.get("MajorVersion"), info.get("MinorVersion"), info.get("Version")) == told
    assert ask.code(GET, version=too_new) == "ErrorInvalidServerVersion"


@pytest.mark.parametrize("path", ["calendar:StartTimeZoneId", "calendar:EnhancedLocation", "calendar:IsOrganizer"])
def test_2010_knows_no_newer_elements(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any], path: str
) -> None:
    item = "<t:Start>2026-03-03T10:00:00Z</t:Start><t:End>2026-03-03T11:00:00Z</t:End><t:Location>Room</t:Location>"
    uri = f'<t:FieldURI FieldURI="{path}"/>'
    new = make_ask(make_sim("2019"), "Exchange2016")
    assert new.item(new.create(item), uri).find(TYPES + path.partition(":")[2]) is not None
    old = make_ask(make_sim("2010"))
    item_id = old.create(item)
    text = (
        f"<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{uri}"
        f'</t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id="{item_id.get("Id")}"/>'
        "</m:ItemIds></m:GetItem>"
    )
    assert old.code(text) == "ErrorSchemaValidation"
    assert old.item(item_id).find(TYPES + path.partition(":")[2]) is None


def test_a_request_of_an_older_version_cannot_have_newer_properties(ask: Any) -> None:
    zone = '<t:StartTimeZone Id="UTC"/>'
    times = "<t:Start>2026-03-03T10:00:00Z</t:Start><t:End>2026-03-03T11:00:00Z</t:End>"
    text = f'<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>{times}{zone}</t:CalendarItem>'
    assert ask.code(f"{text}</m:Items></m:CreateItem>", version="Exchange2007_SP1") == "ErrorInvalidPropertyRequest"


def test_lenient_servers_are_as_loose_as_seen(make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]) -> None:
    sim = make_sim("lenient")
    ask = make_ask(sim)
    assert ask.code(ZONES) == "ErrorInvalidOperation"
    times = "<t:Start>2026-03-03T10:00:00Z</t:Start><t:End>2026-03-03T11:00:00Z</t:End>"
    item_id = ask.create(f'<t:UID>mine</t:UID>{times}<t:StartTimeZone Id="Nowhere Time"/><t:EndTimeZone Id="UTC"/>')
    uris = "".join(f'<t:FieldURI FieldURI="calendar:{name}"/>' for name in ("StartTimeZone", "EndTimeZone"))
    item = ask.item(item_id, uris)
    assert item.findtext(f"{TYPES}Start") == "2026-03-03T10:00:00.000000000+0000"
    assert {item.find(TYPES + name).get("Id") for name in ("StartTimeZone", "EndTimeZone")} == {"Nowhere Time"}
    assert ask.post(GET).headers["Content-Type"] == "text/xml"
    update = (
        '<m:UpdateItem ConflictResolution="NeverOverwrite" SendMeetingInvitationsOrCancellations="SendToNone">'
        f'<m:ItemChanges><t:ItemChange><t:ItemId Id="{item_id.get("Id")}" ChangeKey="DwAAABYAAAA="/><t:Updates>'
        '<t:DeleteItemField><t:FieldURI FieldURI="item:Subject"/></t:DeleteItemField></t:Updates></t:ItemChange>'
        "</m:ItemChanges></m:UpdateItem>"
    )
    assert ask.code(update) == "NoError"


def test_convert_id(ask: Any, sim: Simulator) -> None:
    text = '<m:ConvertId DestinationFormat="EwsId"><m:SourceIds><t:AlternateId Format="EwsId" Id="{}" Mailbox="a@b.c"/>'
    known = text.format(sim.folder("anna@example.com").id) + "</m:SourceIds></m:ConvertId>"
    assert ask.code(known) == "NoError"
    assert b'Mailbox="anna@example.com"' in ask.post(known).content
    assert ask.code(text.format("AAA=") + "</m:SourceIds></m:ConvertId>") == "ErrorInvalidIdMalformed"


def test_missing_schemas_are_said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXCHANGE_SCHEMAS", raising=False)
    with Simulator() as sim:
        assert sim.service.schemas is None
    assert "not checked" in caplog.text


def test_an_invalid_answer_of_our_own_cannot_be_mistaken(
    ask: Any, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.simulator.service.OPERATIONS", {"GetFolder": lambda _call: 1 / 0})
    answer = ask.post(GET)
    assert answer.status_code == 500
    assert answer.text.startswith("SIMULATOR DEFECT")
    assert len(sim.invalid_answers) == 1
    sim.invalid_answers.clear()


def test_a_client_that_asks_first_may_go_on(ask: Any, sim: Simulator) -> None:
    where = urlsplit(sim.url)
    body = ask.envelope(GET)
    login = requests.Request("POST", sim.url, auth=("anna@example.com", "anna-password")).prepare().headers
    head = (
        f"POST {where.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n"
        f"Authorization: {login['Authorization']}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((where.hostname, where.port or 0), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_passwords_in_either_encoding(ask: Any, make_sim: Callable[..., Simulator]) -> None:
    sim = make_sim(people=(PersonPlan("Zoë", "zoe@example.com", "größe"),))
    for raw in ("größe".encode(), "größe".encode("latin-1")):
        login = {"Authorization": "Basic " + b64encode(b"zoe@example.com:" + raw).decode()}
        answer = requests.post(sim.url, data=ask.envelope(GET), headers=login, timeout=10)
        assert answer.status_code == 200


@pytest.mark.parametrize(("personality", "status"), [("2010", 404), ("2019", 507), ("lenient", 413)])
def test_what_is_too_large_is_refused_before_it_is_read(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any], personality: str, status: int
) -> None:
    ask = make_ask(make_sim(personality, request_limit_bytes=4000))
    assert ask.post(GET + " " * 2000).status_code == 200
    assert ask.post(GET + " " * 4000).status_code == status


@pytest.mark.parametrize(("personality", "bytes_"), [("2007", 30_000_000), ("2010", 35_000_000), ("2013", 67_108_864)])
def test_how_large_a_request_may_be(personality: str, bytes_: int) -> None:
    assert PERSONALITIES[personality].rules.request_limit_bytes == bytes_
