"""SOAP: requests out of their envelopes, answers and faults into theirs.

Sources: [V] recorded envelopes; [D] Fault samples (`a:` code, `e:` details, `t:MessageXml`).
"""

from dataclasses import dataclass
from html import escape

from lxml import etree

from bridge.simulator.rules import Personality
from bridge.simulator.trouble import Fault, invalid
from bridge.simulator.xml import ERRORS, SOAP, TYPES, E, Element, S, T, add, children, make, name_of


@dataclass(frozen=True)
class Request:
    """A request: the operation's element, its bytes, the line it begins at, and what the headers say."""

    operation: str
    element: Element
    content: bytes
    line: int
    version: str
    zone: Element | None
    acting: Element | None


def _parser(*, bare: bool = False) -> etree.XMLParser:
    """Give a parser that fetches nothing; `bare` leaves comments and processing instructions out."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=True, remove_comments=bare, remove_pis=bare
    )


def _line(element: Element) -> int:
    line = element.sourceline
    return line if isinstance(line, int) else 1


def read_request(body: bytes) -> Request:
    """Give the request in an envelope; what is no envelope is a fault."""
    try:
        envelope = etree.fromstring(body, _parser())
    except etree.XMLSyntaxError as cause:
        raise invalid(str(cause.msg), *(cause.position or (0, 0))) from cause
    soap_body = envelope.find(S + "Body")
    operation = next(children(soap_body), None)
    if envelope.tag != S + "Envelope" or operation is None:
        raise invalid("The request is not a SOAP envelope with an operation in its body.")
    header = envelope.find(S + "Header")
    version = header.find(T + "RequestServerVersion") if header is not None else None
    context = header.find(f"{T}TimeZoneContext/{T}TimeZoneDefinition") if header is not None else None
    content = etree.tostring(operation, with_tail=False)
    return Request(
        # The availability service's elements alone are named otherwise than their operations
        operation=name_of(operation).removesuffix("Request"),
        element=etree.fromstring(content, _parser(bare=True)),
        content=content,
        line=_line(operation),
        version=version.get("Version", "") if version is not None else "",
        zone=context,
        acting=header.find(T + "ExchangeImpersonation") if header is not None else None,
    )


def _header(personality: Personality) -> str:
    major, minor, build, revision = personality.build
    return (
        f'<s:Header><h:ServerVersionInfo MajorVersion="{major}" MinorVersion="{minor}" MajorBuildNumber="{build}" '
        f'MinorBuildNumber="{revision}" Version="{escape(personality.told)}" xmlns:h="{TYPES}"/></s:Header>'
    )


def write_answer(personality: Personality, content: bytes) -> bytes:
    """Give the envelope around an answer."""
    head = f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}">{_header(personality)}<s:Body>'
    return head.encode() + content + b"</s:Body></s:Envelope>"


def write_part(personality: Personality, content: bytes) -> bytes:
    """Give one of several envelopes in an answer that is held open. Source: [R] php-ews 453, node-ews 56: the form."""
    major, minor, build, revision = personality.build
    head = (
        f'<Envelope xmlns="{SOAP}"><soap11:Header xmlns:soap11="{SOAP}"><ServerVersionInfo MajorVersion="{major}" '
        f'MinorVersion="{minor}" MajorBuildNumber="{build}" MinorBuildNumber="{revision}" '
        f'Version="{escape(personality.told)}" xmlns="{TYPES}"/></soap11:Header><soap11:Body xmlns:soap11="{SOAP}">'
    )
    return head.encode() + content + b"</soap11:Body></Envelope>"


def write_fault(personality: Personality, fault: Fault) -> bytes:
    """Give the envelope of a fault."""
    element = make(S + "Fault")
    add(element, "faultcode", f"a:{fault.code}")
    add(element, "faultstring", fault.message)
    detail = add(element, "detail")
    add(detail, E + "ResponseCode", fault.code)
    add(detail, E + "Message", fault.message)
    if fault.details or fault.values:
        holder = add(detail, T + "MessageXml")
        for name, value in fault.details.items():
            add(holder, T + name, value)
        for name, value in fault.values.items():
            add(holder, T + "Value", value, {"Name": name})
    content = etree.tostring(element)
    # The code is a QName in text, for which a prefix must be declared though no element uses it
    declared = content.replace(b"<faultcode>", f'<faultcode xmlns:a="{TYPES}" xmlns:e="{ERRORS}">'.encode(), 1)
    return write_answer(personality, declared)
