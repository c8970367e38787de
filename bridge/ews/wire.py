"""The wire to one organisation's Exchange: one call, sent once. This module alone knows exchangelib.

exchangelib gives the SOAP envelope, the authentication objects and the knowledge which request version a server build
speaks. Its transport, pool, retries, parser and items are not used: it sends requests again by itself, its pool can
block for ever, it bounds single reads only, loses Retry-After, takes half an answer for a whole one, keeps TLS and
time-outs per class, and logs content. Each of these is a test in ``tests/ews/test_wire_faults.py``.
"""

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

import requests
from exchangelib.account import Identity
from exchangelib.services.common import EWSService
from exchangelib.transport import BASIC, DEFAULT_HEADERS, get_auth_instance
from exchangelib.version import Build
from lxml import etree

from bridge.errors import (
    AnswerUnusable,
    BridgeError,
    ConfigurationInvalid,
    ExchangeBusy,
    ExchangeFailed,
    ExchangeTimedOut,
)
from bridge.ews.affinity import Affinity
from bridge.ews.answer import Answer, read_answer
from bridge.ews.budget import CALLS_PER_ORGANISATION, AccountKey, Budget
from bridge.ews.endpoints import make_endpoint
from bridge.ews.held import Held
from bridge.ews.line import HttpAnswer, Line
from bridge.ews.lines import ANYBODY, Lines
from bridge.ews.ntlm import Ntlm
from bridge.ews.offers import require_offer
from bridge.ews.response_codes import WRONG_VERSION
from bridge.ews.settings import EwsSettings
from bridge.ews.tally import Call, Tally
from bridge.ews.xml import Element
from bridge.exchange import Deadline
from bridge.model import Address, Credential, ServiceCredential

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


class _Envelopes(EWSService):
    """Wraps requests; those of a service account name the mailbox it acts as."""

    def __init__(self, credential: Credential) -> None:
        super().__init__(protocol=None)  # type: ignore[no-untyped-call]  # exchangelib has no types
        self._identity: Identity | None = None
        if isinstance(credential, ServiceCredential):
            self._identity = Identity(primary_smtp_address=credential.acts_as)  # type: ignore[no-untyped-call]  # the same

    @property
    def _account_to_impersonate(self) -> Identity | None:
        return self._identity


@dataclass(slots=True)
class _Asked:
    """A call under way: whose budget it counts against, in which version it is put, and what came back."""

    operation: str
    key: AccountKey
    version: str
    body: bytes
    received: int = 0


class Wire:
    """Calls to one organisation. Everything it holds is its own: TLS, connections, budget. Safe for many threads."""

    def __init__(self, settings: EwsSettings, budget: Budget | None = None) -> None:
        """Take the settings. Raises ConfigurationInvalid for what cannot work."""
        if settings.authentication not in {"basic", "ntlm"}:
            raise ConfigurationInvalid([f"[exchange] authentication: {settings.authentication} is not known."])
        self._endpoint = make_endpoint(settings)
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
        affinity: Affinity | None = None,
    ) -> Element:
        """Send an operation's request element once; give the operation's response element.

        ``mailbox`` is where the request is bound to, which lets front ends route it (X-AnchorMailbox). ``proving``
        has the credential checked by this very call, also where its connection was proved before (NTLM). ``affinity``
        is of subscriptions, which one server keeps. Raises CredentialRefused, AccessDenied, ExchangeBusy, whatever a
        fault's code stands for, and Unavailable when it may or may not have been carried out.
        """
        asked = self._asked(credential, request)
        headers = self._headers(mailbox, affinity)
        with self._counted(asked, deadline):
            owner = self._ntlm.owner(credential) if self._ntlm else ANYBODY
            anew = proving or not asked.operation.startswith(_READING)
            with self._lines.line(owner, deadline) as line:
                http = self._post(line, credential, headers, asked.body, deadline, anew=anew)
            asked.received = len(http.body)
            answer = self._answer(http, asked)
        if affinity is not None:
            affinity.learn(http.headers.get("set-cookie", ""))
        return answer.response

    def hold(self, credential: Credential, request: Element, deadline: Deadline, affinity: Affinity) -> Held:
        """Send a request whose answer goes on for minutes, once, on a line of its own; give the answer that has begun.

        The deadline, the budget and the tally are of the opening. Raises as `call` does.
        """
        asked = self._asked(credential, request)
        headers = self._headers(affinity.anchor, affinity)
        del headers["Accept-Encoding"]
        with self._counted(asked, deadline):
            line = Line(self._endpoint, deadline)
            with ExitStack() as closing:
                closing.callback(line.close)
                held = self._held(self._open(line, credential, headers, asked.body, deadline), asked)
                closing.pop_all()
        affinity.learn(held.cookies)
        return held

    def back_off(self, credential: Credential, busy: ExchangeBusy) -> None:
        """Let no call of the credential's account go out for as long as Exchange asked for, outside of a call."""
        self._budget.back_off(account_key(credential), busy.retry_after)

    def close(self) -> None:
        """Close the connections."""
        self._lines.close()

    def _asked(self, credential: Credential, request: Element) -> _Asked:
        # The request of GetUserAvailability is named GetUserAvailabilityRequest, its answer for the operation
        operation = str(etree.QName(request).localname).removesuffix("Request")
        version = self._version
        body: bytes = _Envelopes(credential).wrap(request, api_version=version)  # type: ignore[no-untyped-call]  # exchangelib has no types
        return _Asked(operation, account_key(credential), version, body)

    @contextmanager
    def _counted(self, asked: _Asked, deadline: Deadline) -> Iterator[None]:
        """Hold a place of the budget while a call is under way, and tally the call."""
        outcome, started = "broken", time.monotonic()
        try:
            with self._budget.place(asked.key, deadline):
                if deadline.remaining() <= 0:
                    raise ExchangeTimedOut("There was no time left to ask Exchange.")
                yield
            outcome = "ok"
        except BridgeError as error:
            outcome = type(error).__name__
            raise
        finally:
            seconds = time.monotonic() - started
            self.tally.add(Call(asked.operation, asked.key, seconds, len(asked.body), asked.received, outcome))

    def _headers(self, mailbox: Address | None, affinity: Affinity | None) -> dict[str, str]:
        headers = {**DEFAULT_HEADERS, "Accept-Encoding": "gzip", "User-Agent": _USER_AGENT}
        anchor = affinity.anchor if affinity is not None else mailbox
        if anchor and anchor.isascii() and anchor.isprintable():
            headers["X-AnchorMailbox"] = anchor
        return headers | (affinity.headers() if affinity is not None else {})

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

    def _open(
        self, line: Line, credential: Credential, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> HttpAnswer | Held:
        if not self._ntlm:
            opened = line.hold(self._with_basic(credential, headers), body, deadline)
            if isinstance(opened, HttpAnswer):
                require_offer(opened, "Basic")
            return opened
        proved = self._ntlm.prove(line, credential, headers, deadline)
        return proved if isinstance(proved, HttpAnswer) else line.hold(proved, body, deadline)

    def _held(self, opened: HttpAnswer | Held, asked: _Asked) -> Held:
        if isinstance(opened, Held):
            return opened
        asked.received = len(opened.body)
        self._answer(opened, asked)
        raise AnswerUnusable("Exchange answers a request for a stream with something else.")

    def _with_basic(self, credential: Credential, headers: Mapping[str, str]) -> dict[str, str]:
        # UTF-8 (RFC 7617 2.1); requests by itself would write Latin-1 and fail on the rest
        name, password = credential.username.encode(), credential.password.encode()
        auth = get_auth_instance(BASIC, username=name, password=password)  # type: ignore[no-untyped-call]  # exchangelib has no types
        prepared = requests.Request("POST", self._url, headers, auth=auth).prepare()
        del prepared.headers["Content-Length"]
        return dict(prepared.headers)

    def _answer(self, http: HttpAnswer, asked: _Asked) -> Answer:
        """Read the answer; remember what it says of back-off and of versions."""
        try:
            answer = read_answer(http, asked.operation)
        except ExchangeBusy as busy:
            if http.status == HTTPStatus.SERVICE_UNAVAILABLE:
                self._budget.back_off_server(asked.key, busy.retry_after)
            else:
                self._budget.back_off(asked.key, busy.retry_after)
            raise
        except ExchangeFailed as failed:
            if failed.code in WRONG_VERSION and asked.version == self._version:
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
    """Give the key a credential's calls are counted by: the same for every password of one user name.

    What a service account asks as a mailbox counts against that mailbox, in a budget beside its owner's (EWS throttling
    in Exchange, since 2010 SP2 RU4).
    """
    account = credential.username.casefold()
    if isinstance(credential, ServiceCredential):
        account = f"as {credential.acts_as}"
    return AccountKey(hashlib.sha256(account.encode()).hexdigest()[:12])


def _version(settings: EwsSettings) -> str:
    if settings.version not in _VERSIONS:
        raise ConfigurationInvalid([f"[exchange] version must be one of {', '.join(_VERSIONS)}."])
    return _VERSIONS[settings.version]
