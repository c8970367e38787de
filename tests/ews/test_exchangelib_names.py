"""The names of exchangelib that `bridge.ews.wire` leans on, pinned: a new release that moves one fails here first."""

import inspect

import requests
from exchangelib import errors, util
from exchangelib.services.common import EWSService
from exchangelib.transport import BASIC, DEFAULT_HEADERS, get_auth_instance
from exchangelib.version import Build
from lxml import etree

from bridge.ews import response_codes, xml


def test_the_service_wraps_an_element_in_an_envelope_without_a_protocol() -> None:
    assert list(inspect.signature(EWSService.wrap).parameters) == ["self", "content", "api_version"]
    service = EWSService(protocol=None)  # type: ignore[no-untyped-call]  # exchangelib has no types
    request = xml.message_element("GetFolder")
    wrapped = service.wrap(request, api_version="Exchange2013")  # type: ignore[no-untyped-call]  # the same
    envelope = etree.fromstring(wrapped)
    assert envelope.tag == f"{{{xml.SOAP}}}Envelope"
    version = envelope.find(f"{{{xml.SOAP}}}Header/{{{xml.TYPES}}}RequestServerVersion")
    assert version is not None
    assert version.get("Version") == "Exchange2013"
    assert [child.tag for child in envelope.iterfind(f"{{{xml.SOAP}}}Body/*")] == [f"{{{xml.MESSAGES}}}GetFolder"]


def test_basic_authentication_is_that_of_requests_and_takes_bytes() -> None:
    auth = get_auth_instance(BASIC, username=b"a", password=b"b")  # type: ignore[no-untyped-call]  # the same
    assert isinstance(auth, requests.auth.HTTPBasicAuth)
    prepared = requests.Request("POST", "http://localhost/", auth=auth).prepare()
    assert prepared.headers["Authorization"] == "Basic YTpi"


def test_the_headers_say_what_soap_wants() -> None:
    assert DEFAULT_HEADERS["Content-Type"] == "text/xml; charset=utf-8"


def test_a_build_knows_the_request_version_of_its_server() -> None:
    told = {
        (14, 3, 123, 3): "Exchange2010_SP2",
        (15, 0, 516, 0): "Exchange2013",
        (15, 0, 847, 32): "Exchange2013_SP1",
        (15, 1, 2507, 0): "Exchange2016",
        (15, 2, 2562, 0): "Exchange2016",
        (15, 20, 9073, 0): "Exchange2016",
    }
    found = {build: Build(*build).api_version() for build in told}  # type: ignore[no-untyped-call]  # the same
    assert found == told


def test_the_namespaces_are_the_same() -> None:
    assert (xml.SOAP, xml.MESSAGES, xml.TYPES, xml.ERRORS) == (util.SOAPNS, util.MNS, util.TNS, util.ENS)


def test_every_code_of_our_table_is_a_code_that_exchangelib_knows() -> None:
    ours = (
        response_codes.BUSY
        | response_codes.WRONG_VERSION
        | response_codes.NOT_OF_ONE_ITEM
        | response_codes._OF_THE_ITEM
        | set(response_codes._DEFINITE)
    )
    assert {code for code in ours if not hasattr(errors, code)} == set()
