"""The wire to one organisation's Exchange: one call, sent once. This module alone knows exchangelib.

exchangelib gives the SOAP envelope, the authentication objects and the knowledge which request version a server build
speaks. Its transport, pool, retries, parser and items are not used: it sends requests again by itself, its pool can
block for ever, it bounds single reads only, loses Retry-After, takes half an answer for a whole one, keeps TLS and
time-outs per class, and logs content. Each of these is a test in ``tests/ews/test_wire_faults.py``.
"""

import hashlib
import logging
import ssl
import time
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

import requests
from exchangelib.services.common import EWSService
from exchangelib.transport import BASIC, DEFAULT_HEADERS, get_auth_instance
from exchangelib.version import Build
from lxml import etree

from bridge.errors import BridgeError, ConfigurationInvalid, ExchangeBusy, ExchangeFailed, ExchangeTimedOut
from bridge.ews.answer import Answer, read_answer
from bridge.ews.budget import CALLS_PER_ORGANISATION, AccountKey, Budget
from bridge.ews.line import BoundedTlsSocket, Endpoint, HttpAnswer, Line
from bridge.ews.lines import ANYBODY, Lines
from bridge.ews.ntlm import Ntlm
from bridge.ews.offers import require_offer
from bridge.ews.response_codes import WRONG_VERSION
from bridge.ews.settings import EwsSettings
from bridge.ews.tally import Call, Tally
from bridge.ews.xml import Element
from bridge.exchange import Deadline
from bridge.model import Address, Credential

OLDEST_VERSION = "Exchange2010_SP2"
"""The request version that every server from 2010 SP2 on speaks; what we ask with until we know better."""
VERSION_OF_2007 = "Exchange2007_SP1"
"""What Exchange 2007 speaks from its first service pack on; before that it does not tell rights."""
_VERSIONS: Mapping[str, str] = MappingProxyType(
    {
        "auto": OLDEST_VERSION,
        "2007": VERSION_OF_2007,
        "2010": OLDEST_VERSION,
        "2013": "Exchange2013",
        "2016": "Exchange2016",
        "2019": "Exchange2016",
        "online": "Exchange2016",
    }
)
_OLDEST_BUILD = (14, 2, 0, 0)
_MAJOR_OF_2007 = 8
_READING = ("Convert", "Find", "Get", "Resolve", "Sync")
"""How the names of operations begin that may be asked twice."""
_USER_AGENT = "exchange-caldav-bridge"

# They log requests and answers, so content and credentials, when they are asked for details
for _talkative in ("exchangelib", "urllib3", "requests"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)

_ENVELOPES = EWSService(protocol=None)  # type: ignore[no-untyped-call]  # exchangelib has no types


class Wire:
    """Calls to one organisation. Everything it holds is its own: TLS, connections, budget. Safe for many threads."""

    def __init__(self, settings: EwsSettings, budget: Budget | None = None) -> None:
        """Take the settings. Raises ConfigurationInvalid for what cannot work."""
        if settings.authentication not in {"basic", "ntlm"}:
            raise ConfigurationInvalid([f"[exchange] authentication: {settings.authentication} is not known."])
        self._endpoint = _endpoint(settings)
        self._url = f"{'https' if self._endpoint.tls else 'http'}://{self._endpoint.authority}{self._endpoint.path}"
        self._ntlm = Ntlm(self._endpoint.host) if settings.authentication == "ntlm" else None
        self._budget = budget or Budget()
        self._lines = Lines(self._endpoint, CALLS_PER_ORGANISATION)
        self._is_automatic = settings.version == "auto"
        self._learns = self._is_automatic
        self._version = _version(settings)
        self._build: tuple[int, int, int, int] | None = None
        self.tally = Tally()

    @property
    def version(self) -> str:
        """The request version that the next call names, such as ``Exchange2013_SP1``."""
        return self._version

    @property
    def build(self) -> tuple[int, int, int, int] | None:
        """The server's build as it last told it."""
        return self._build

    def call(
        self,
        credential: Credential,
        request: Element,
        deadline: Deadline,
        mailbox: Address | None = None,
        *,
        proving: bool = False,
    ) -> Element:
        """Send an operation's request element once; give the operation's response element.

        ``mailbox`` is where the request is bound to, which lets front ends route it (X-AnchorMailbox). ``proving``
        has the credential checked by this very call, also where its connection was proved before (NTLM). Raises
        CredentialRefused, AccessDenied, ExchangeBusy, whatever a fault's code stands for, and Unavailable when
        it may or may not have been carried out.
        """
        # The request of GetUserAvailability is named GetUserAvailabilityRequest, its answer for the operation
        operation = str(etree.QName(request).localname).removesuffix("Request")
        key = account_key(credential)
        version = self._version
        body: bytes = _ENVELOPES.wrap(request, api_version=version)  # type: ignore[no-untyped-call]  # exchangelib has no types
        received, outcome, started = 0, "broken", time.monotonic()
        try:
            with self._budget.place(key, deadline):
                if deadline.remaining() <= 0:
                    raise ExchangeTimedOut("There was no time left to ask Exchange.")
                owner = self._ntlm.owner(credential) if self._ntlm else ANYBODY
                anew = proving or not operation.startswith(_READING)
                with self._lines.line(owner, deadline) as line:
                    http = self._post(line, credential, self._headers(mailbox), body, deadline, anew=anew)
                received = len(http.body)
                answer = self._answer(http, operation, key, version)
            outcome = "ok"
        except BridgeError as error:
            outcome = type(error).__name__
            raise
        finally:
            self.tally.add(Call(operation, key, time.monotonic() - started, len(body), received, outcome))
        return answer.response

    def close(self) -> None:
        """Close the connections."""
        self._lines.close()

    def _headers(self, mailbox: Address | None) -> dict[str, str]:
        headers = {**DEFAULT_HEADERS, "Accept-Encoding": "gzip", "User-Agent": _USER_AGENT}
        if mailbox and mailbox.isascii() and mailbox.isprintable():
            headers["X-AnchorMailbox"] = mailbox
        return headers

    def _post(
        self,
        line: Line,
        credential: Credential,
        headers: Mapping[str, str],
        body: bytes,
        deadline: Deadline,
        *,
        anew: bool,
    ) -> HttpAnswer:
        if self._ntlm:
            return self._ntlm.post(line, credential, headers, body, deadline, anew=anew)
        http = line.post(self._with_basic(credential, headers), body, deadline)
        require_offer(http, "Basic")
        return http

    def _with_basic(self, credential: Credential, headers: Mapping[str, str]) -> dict[str, str]:
        # UTF-8 (RFC 7617 2.1); requests by itself would write Latin-1 and fail on the rest
        name, password = credential.username.encode(), credential.password.encode()
        auth = get_auth_instance(BASIC, username=name, password=password)  # type: ignore[no-untyped-call]  # exchangelib has no types
        prepared = requests.Request("POST", self._url, headers, auth=auth).prepare()
        del prepared.headers["Content-Length"]
        return dict(prepared.headers)

    def _answer(self, http: HttpAnswer, operation: str, key: AccountKey, version: str) -> Answer:
        """Read the answer; remember what it says of back-off and of versions."""
        try:
            answer = read_answer(http, operation)
        except ExchangeBusy as busy:
            self._budget.back_off(key, busy.retry_after)
            raise
        except ExchangeFailed as failed:
            if failed.code in WRONG_VERSION and version == self._version:
                self._step_down()
            raise
        if answer.build and answer.build != self._build:
            self._learn(answer.build)
        return answer

    def _step_down(self) -> None:
        """Name an older version from the next call on, for good; nothing is sent again here.

        One step for each refusal: a mailbox on an older server than its front end need not be on the oldest.
        """
        if self._is_automatic:
            is_oldest = self._version in {OLDEST_VERSION, VERSION_OF_2007}
            self._version, self._learns = VERSION_OF_2007 if is_oldest else OLDEST_VERSION, False

    def _learn(self, build: tuple[int, int, int, int]) -> None:
        self._build = build
        if not self._learns:
            return
        try:
            told: str = Build(*build).api_version()  # type: ignore[no-untyped-call]  # exchangelib has no types
        except ValueError:
            return
        if build >= _OLDEST_BUILD:
            self._version = told
        elif build[0] == _MAJOR_OF_2007:
            self._version = VERSION_OF_2007


def account_key(credential: Credential) -> AccountKey:
    """Give the key a credential's calls are counted by: the same for every password of one user name."""
    return AccountKey(hashlib.sha256(credential.username.casefold().encode()).hexdigest()[:12])


def _endpoint(settings: EwsSettings) -> Endpoint:
    parts = urlsplit(settings.url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == -1:
        raise ConfigurationInvalid(["[exchange] url must be the http or https address of Exchange.asmx."])
    is_tls = parts.scheme == "https"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Endpoint(
        host=parts.hostname,
        port=port or (443 if is_tls else 80),
        authority=f"{host}:{port}" if port else host,
        path=parts.path or "/",
        tls=_tls(settings) if is_tls else None,
    )


def _tls(settings: EwsSettings) -> ssl.SSLContext:
    """Give a context of this organisation's own that verifies certificate and host name, always."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationInvalid(["[exchange] ca_file cannot be read as certificates in PEM."]) from error
    context.sslsocket_class = BoundedTlsSocket
    return context


def _version(settings: EwsSettings) -> str:
    if settings.version not in _VERSIONS:
        raise ConfigurationInvalid([f"[exchange] version must be one of {', '.join(_VERSIONS)}."])
    return _VERSIONS[settings.version]
