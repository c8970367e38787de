"""From the bytes of a request to the bytes of an answer: checking, dispatching, troubles, records. No HTTP server."""

import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from functools import partial

from lxml import etree

from bridge.simulator.asked_mailbox import asked_mailbox
from bridge.simulator.budgets import Budgets, Payer
from bridge.simulator.call import Call, Limits, check_version
from bridge.simulator.envelope import Request, read_request, write_answer, write_fault, write_part
from bridge.simulator.faults import Faults, Troubles
from bridge.simulator.history import check_context, check_history
from bridge.simulator.impersonation import impersonated
from bridge.simulator.model import Person
from bridge.simulator.operations import OPERATIONS
from bridge.simulator.records import Records, Seen
from bridge.simulator.routing import COOKIE, prefers, server_of
from bridge.simulator.rules import Personality
from bridge.simulator.schemas import Schemas
from bridge.simulator.store import Store
from bridge.simulator.streams import OPERATION as STREAMED
from bridge.simulator.streams import HeldStream
from bridge.simulator.subscriptions import Subscriptions
from bridge.simulator.telling_events import by_schema, stream_answer
from bridge.simulator.trouble import EwsError, Fault, NotSimulated, invalid
from bridge.simulator.zone_xml import read_zone
from bridge.simulator.zones import Zone

_LOG = logging.getLogger("bridge.simulator")
DEFECT = "SIMULATOR DEFECT"
_TOLD = 4000  # bytes of an invalid answer that are told


@dataclass(frozen=True)
class Reply:
    """An answer before HTTP. `manner` is normal, reset, cut or drip; `wait` comes first, in seconds.

    `release` is to be called when all of it has been sent, or never will be: until then the call is under way.
    """

    status: int
    body: bytes
    content_type: str = "text/xml; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    manner: str = "normal"
    wait: float = 0
    pause: float = 0
    held: "Held | None" = None
    release: Callable[[], None] | None = None


@dataclass(frozen=True)
class Held:
    """What goes on with an answer after its body: the envelopes that follow, until `stream` has ended."""

    stream: HeldStream
    parts: Iterator[bytes]


@dataclass(frozen=True)
class Asker:
    """Who asks: who logged in, who that counts as, whose budget is charged; and which server is asked."""

    login: Person
    viewer: Person
    payer: Payer
    server: str = ""


@dataclass
class Service:
    """A simulated Exchange without its HTTP side."""

    store: Store
    personality: Personality
    schemas: Schemas | None
    faults: Faults = field(default_factory=Faults)
    records: Records = field(default_factory=Records)

    def __post_init__(self) -> None:
        """Have subscriptions hear of what happens in the store, and held answers of new knobs."""
        self.budgets = Budgets()
        self.subscriptions = Subscriptions(self.store, self.personality, self.faults)
        self.faults.listener = self.subscriptions.wake

    def answer(self, login: Person, body: bytes, headers: Message) -> Reply:
        """Give the reply to a request of somebody who has logged in."""
        try:
            request = read_request(body)
        except Fault as fault:
            self.records.refuse(fault.message)
            self.records.count(Seen("?", login.address, login.address, 500, fault.code, login.address))
            return self._fault(fault)
        try:
            asker = self._asker(login, request)
            if self.personality.rules.several_servers:
                asker = replace(asker, server=server_of(self.store, headers, login))
        except Fault as fault:
            self.records.refuse(f"{request.operation}: {fault.message}")
            self.records.count(Seen(request.operation, "", login.address, 500, fault.code, login.address))
            return self._fault(fault)
        mailbox = asked_mailbox(self.store, self.subscriptions, request.element, asker.viewer)
        rules = self.personality.rules
        is_stream = request.operation == STREAMED
        kind, limit = ("stream", rules.hanging_connections) if is_stream else ("call", rules.max_concurrency)
        if self.budgets.take(asker.payer, kind, limit):
            troubles = self.faults.take(request.operation, mailbox)
            reply, outcome = self._troubled(asker, request, troubles)
            reply = replace(reply, release=partial(self.budgets.give_back, asker.payer, kind))
        else:
            exceeded = Fault("ErrorExceededConnectionCount")
            reply, outcome = self._fault(exceeded), exceeded.code
        if asker.server and prefers(headers):
            reply = replace(reply, headers={**reply.headers, "Set-Cookie": f"{COOKIE}={asker.server}; path=/"})
        seen = Seen(request.operation, mailbox, asker.viewer.address, reply.status, outcome, asker.login.address)
        self.records.count(seen)
        return reply

    def _asker(self, login: Person, request: Request) -> Asker:
        if request.acting is None:
            return Asker(login, login, Payer(login.address))
        viewer = impersonated(self.store, self.personality, login, request.acting)
        return Asker(login, viewer, Payer(viewer.address, by_service=True))

    def _troubled(self, asker: Asker, request: Request, troubles: Troubles) -> tuple[Reply, str]:
        spoil = troubles.spoil
        spares_work = spoil is not None and not spoil.after and troubles.instead is None
        kind = spoil.kind if spoil else ""
        if spares_work and kind not in {"cut", "truncated"}:
            reply, outcome = Reply(500, b""), kind
        else:
            reply, outcome = self._carried_out(asker, request, troubles)
        wait = troubles.wait
        if spoil:
            if reply.held:
                reply.held.stream.drop()
            reply, outcome = replace(self._spoilt(reply, troubles), held=None), kind
        if troubles.drip is not None and reply.manner == "normal":
            return replace(reply, manner="drip", pause=troubles.drip, wait=wait), outcome
        return replace(reply, wait=wait), outcome

    def _spoilt(self, reply: Reply, troubles: Troubles) -> Reply:
        spoil = troubles.spoil
        kind = spoil.kind if spoil else ""
        if troubles.fault:
            return self._fault(troubles.fault)
        ways: dict[str, Callable[[], Reply]] = {
            "busy_503": lambda: Reply(
                503, b"<html>busy</html>", "text/html", {"Retry-After": str(spoil.seconds if spoil else 0)}
            ),
            "unauthorized": lambda: Reply(401, b""),
            "server_error": lambda: Reply(500, b"<html><body>Runtime Error</body></html>", "text/html"),
            "reset": lambda: Reply(0, b"", manner="reset"),
            "cut": lambda: replace(reply, manner="cut"),
            "truncated": lambda: replace(reply, body=reply.body[: len(reply.body) * 2 // 3]),
        }
        return ways[kind]() if kind in ways else reply

    def _carried_out(self, asker: Asker, request: Request, troubles: Troubles) -> tuple[Reply, str]:
        try:
            call, content = self._run(asker, request, troubles)
        except NotSimulated as fault:
            _LOG.warning("%s: %s", request.operation, fault.message)
            self.records.refuse(f"{request.operation}: {fault.message}")
            return self._fault(fault), fault.code
        except Fault as fault:
            self.records.refuse(f"{request.operation}: {fault.message}")
            return self._fault(fault), fault.code
        except EwsError as error:
            return self._fault(Fault(error.code, error.message, values=error.values)), error.code
        except Exception:  # noqa: BLE001 - a defect of ours must be seen by whoever asked, and in the records
            return self._defect(request.operation, traceback.format_exc()), DEFECT
        held = next((Held(stream, self._parts(call, stream)) for stream in call.streams), None)
        if wrong := self._wrong(request, content):
            if held:
                held.stream.drop()
            return self._defect(request.operation, wrong), DEFECT
        write = write_part if request.operation == STREAMED else write_answer
        return Reply(200, write(self.personality, content), self._type(), held=held), "ok"

    def _parts(self, call: Call, stream: HeldStream) -> Iterator[bytes]:
        """Give the envelopes that follow the first of a held answer, each when it is due."""
        while told := stream.wait():
            content = etree.tostring(stream_answer(told, call.time_text))
            violation = self.schemas.violation(by_schema(content)) if self.schemas else None
            if violation and self.personality.rules.answers_obey_schema:
                self._defect(STREAMED, f"{violation.text}\n{content[:_TOLD].decode('utf-8', 'replace')}")
            yield write_part(self.personality, content)

    def _wrong(self, request: Request, content: bytes) -> str:
        """Give how an answer of ours breaks the schema, nothing where it does not."""
        if not self.schemas or not self._answers_checked(request):
            return ""
        checked = by_schema(content) if request.operation == STREAMED else content
        violation = self.schemas.violation(checked)
        told = content[:_TOLD].decode("utf-8", "replace")
        return f"line {violation.line}: {violation.text}\n{told}" if violation else ""

    def _answers_checked(self, request: Request) -> bool:
        short_zones = request.operation == "GetServerTimeZones" and request.element.get("ReturnFullTimeZoneData")
        return self.personality.rules.answers_obey_schema and short_zones not in {"false", "0"}

    def _run(self, asker: Asker, request: Request, troubles: Troubles) -> tuple[Call, bytes]:
        version = check_version(request.version, self.personality)
        operation = OPERATIONS.get(request.operation)
        if operation is None or request.operation in self.personality.rules.unknown_operations:
            raise NotSimulated(f"the operation {request.operation}")
        self._check(request)
        limits = Limits(
            troubles.page_size,
            troubles.unreadable,
            troubles.instead,
            after=bool(troubles.spoil and troubles.spoil.after),
            stop_after=troubles.stop_after,
        )
        with self.store.lock:
            zone = self._zone(request)
            call = Call(
                store=self.store,
                subscriptions=self.subscriptions,
                faults=self.faults,
                viewer=asker.viewer,
                login=asker.login,
                payer=asker.payer,
                server=asker.server,
                personality=self.personality,
                request=request.element,
                version=version,
                zone=zone,
                limits=limits,
            )
            return call, etree.tostring(operation(call))

    def _zone(self, request: Request) -> Zone | None:
        if request.zone is None:
            return None
        check_context(self.personality)
        zone = read_zone(request.zone, young=self.personality.young_zones)
        if zone is None:
            raise EwsError("ErrorTimeZone")
        return zone

    def _check(self, request: Request) -> None:
        if self.schemas:
            violation = self.schemas.violation(request.content)
            if violation:
                raise invalid(violation.text, request.line + violation.line - 1, violation.position)
        check_history(self.personality, request.element)

    def _fault(self, fault: Fault) -> Reply:
        return Reply(500, write_fault(self.personality, fault), self._type())

    def _defect(self, operation: str, text: str) -> Reply:
        _LOG.error("%s in %s: %s", DEFECT, operation, text)
        self.records.spoil(f"{operation}: {text}")
        body = f"{DEFECT}: the answer to {operation} would be wrong.\n{text}"
        return Reply(500, body.encode(), "text/plain; charset=utf-8")

    def _type(self) -> str:
        return "text/xml; charset=utf-8" if self.personality.rules.charset_told else "text/xml"
