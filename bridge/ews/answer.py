"""From a whole HTTP answer to the operation's response element, or to the one error it stands for.

The HTTP status is read first, then the XML, strictly: an answer that does not parse to its closing Envelope is not
used at all, since half a list would look like deletions. The one repair is of references to characters that XML 1.0
forbids (``&#x1F;``), which Exchange writes where somebody's text holds them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lxml import etree

from bridge.errors import AccessDenied, AnswerUnusable, CredentialRefused, ExchangeBusy, ExchangeFailed, RequestRefused
from bridge.ews.line import HttpAnswer
from bridge.ews.response import back_off_seconds, details, effective_code, response_messages
from bridge.ews.response_codes import BUSY, BUSY_SECONDS, bounded_wait, error_for
from bridge.ews.xml import ERRORS, MESSAGES, SOAP, TYPES, Element

_CHARACTER_REFERENCE = re.compile(rb"&#(?:[xX]([0-9A-Fa-f]{1,8})|([0-9]{1,9}));")
_FORBIDDEN_BYTES = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_HUGE = frozenset({"GetAttachment", "GetItem"})
"""What may answer with one text of many megabytes: a file, a formatted body. `LARGEST_ANSWER` bounds these too."""
_VERSION_PARTS = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")


@dataclass(frozen=True, slots=True)
class Answer:
    """The operation's response element, and the build of the server where it told it."""

    response: Element
    build: tuple[int, int, int, int] | None


def read_answer(http: HttpAnswer, operation: str) -> Answer:
    """Read the answer to an operation.

    Raises CredentialRefused (401), AccessDenied (403), RequestRefused (413, 507), ExchangeBusy (throttling in each of
    its shapes), AnswerUnusable (not whole, not XML, not an answer to this), ExchangeFailed (any other status), and for
    a SOAP fault what its code stands for.
    """
    _check_status(http)
    try:
        envelope, response = _opened(http.body, is_huge=operation in _HUGE)
    except AnswerUnusable as error:
        if http.status == 200:
            raise
        # What is beside a 500 and no SOAP is a proxy's page, or IIS's own
        raise ExchangeFailed("Exchange answers with HTTP 500.", "HTTP 500") from error
    if response.tag == f"{{{SOAP}}}Fault":
        raise _fault(response)
    if response.tag != f"{{{MESSAGES}}}{operation}Response":
        raise AnswerUnusable(f"Exchange's answer is not one to {operation}.")
    _check_throttling(response)
    return Answer(response, _build(envelope))


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """Give Retry-After (RFC 9110 10.2.3: seconds or a date) in seconds, kept to what is believable."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return bounded_wait(float(value[:9]))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return BUSY_SECONDS
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return bounded_wait((moment - now).total_seconds())


def _check_status(http: HttpAnswer) -> None:
    match http.status:
        case 200 | 500:
            return
        case 401:
            raise CredentialRefused("Exchange does not accept the user name and password.")
        case 403:
            raise AccessDenied("Exchange does not let this account use EWS (HTTP 403).")
        case 413 | 507:  # 507 to what is too large: exchangelib 590, of IIS 8.5
            code = f"HTTP {http.status}"
            raise RequestRefused(f"The event is larger than Exchange takes in one request ({code}).", code)
        case 429 | 503:
            wait = retry_after_seconds(http.headers, datetime.now(UTC))
            raise ExchangeBusy(f"Exchange is busy (HTTP {http.status}) and asks for {wait:.0f} seconds.", wait)
        case 301 | 302 | 303 | 307 | 308:
            raise ExchangeFailed(
                f"Exchange sends us to another address (HTTP {http.status}), which is not followed; "
                "the configured url should be the final one.",
                f"HTTP {http.status}",
            )
        case _:
            raise ExchangeFailed(f"Exchange answers with HTTP {http.status}.", f"HTTP {http.status}")


def _opened(body: bytes, *, is_huge: bool) -> tuple[Element, Element]:
    """Give the envelope and the one element in its body."""
    envelope = _parse(body, is_huge=is_huge)
    inside = envelope.find(f"{{{SOAP}}}Body")
    if envelope.tag != f"{{{SOAP}}}Envelope" or inside is None or len(inside) != 1:
        raise AnswerUnusable("Exchange's answer is no SOAP envelope with one body.")
    return envelope, inside[0]


def _parse(body: bytes, *, is_huge: bool) -> Element:
    try:
        root = _parse_strictly(body, is_huge=is_huge)
    except etree.XMLSyntaxError:
        repaired = _FORBIDDEN_BYTES.sub(b"?", _CHARACTER_REFERENCE.sub(_legal_reference, body))
        try:
            root = _parse_strictly(repaired, is_huge=is_huge)
        except etree.XMLSyntaxError:
            raise AnswerUnusable("Exchange's answer is not whole, well-formed XML.") from None
    if root.getroottree().docinfo.internalDTD is not None:
        # SOAP 1.1, section 3: a message must not contain a document type declaration
        raise AnswerUnusable("Exchange's answer holds a document type declaration.")
    return root


def _parse_strictly(body: bytes, *, is_huge: bool) -> Element:
    # A parser is made for each answer: lxml's may not be shared by threads. No entity is expanded, nothing is fetched,
    # and libxml2's own bounds stay on (a text of 10 MB, 256 levels) where no single text is rightly larger.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=is_huge,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(body, parser)


def _legal_reference(match: re.Match[bytes]) -> bytes:
    number = int(match[1], 16) if match[1] else int(match[2])
    is_legal = number in {0x9, 0xA, 0xD} or (
        0x20 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF and number not in {0xFFFE, 0xFFFF}
    )
    return match[0] if is_legal else b"&#xFFFD;"


def _fault(fault: Element) -> Exception:
    """Give the error of a SOAP fault: the code in its detail, else in its faultcode (``a:ErrorServerBusy``)."""
    named = details(fault)
    code = fault.findtext(f".//{{{ERRORS}}}ResponseCode") or ""
    code = code.strip() or (fault.findtext("faultcode") or "").rpartition(":")[2].strip()
    return error_for(effective_code(code, named), back_off_seconds(named))


def _check_throttling(response: Element) -> None:
    """Raise ExchangeBusy when any response message says so: what else the answer holds is asked again later."""
    if response.find(f"{{{MESSAGES}}}ResponseMessages") is None:
        return
    for message in response_messages(response):
        if message.is_error and message.code in BUSY:
            raise error_for(message.code, message.back_off)


def _build(envelope: Element) -> tuple[int, int, int, int] | None:
    told = envelope.find(f"{{{SOAP}}}Header/{{{TYPES}}}ServerVersionInfo")
    if told is None:
        return None
    try:
        major, minor, build, revision = (int(told.get(part) or 0) for part in _VERSION_PARTS)
    except ValueError:
        return None
    return major, minor, build, revision
