"""The response messages of an answer: one for each thing asked, in the order asked (Responses, MS-OXWSCDATA)."""

from dataclasses import dataclass

from bridge.errors import AnswerUnusable
from bridge.ews.response_codes import BUSY, error_for
from bridge.ews.xml import Element, find_message, message_text

NO_ERROR = "NoError"
BACK_OFF = "BackOffMilliseconds"
INNER_CODE = "InnerErrorResponseCode"


@dataclass(frozen=True, slots=True)
class ResponseMessage:
    """The answer to one thing asked; ``code`` is ``NoError``, or the name of an error or a warning."""

    element: Element
    code: str
    is_error: bool
    back_off: float | None = None

    def content(self) -> Element:
        """Give the element of a success or warning; raises what the code of an error stands for."""
        if self.is_error:
            raise error_for(self.code, self.back_off)
        return self.element


def response_messages(response: Element) -> tuple[ResponseMessage, ...]:
    """Read every response message of an operation's answer. Raises AnswerUnusable when there is no list of them."""
    listed = find_message(response, "ResponseMessages")
    if listed is None:
        raise AnswerUnusable("Exchange's answer holds no response messages.")
    return tuple(response_message(child) for child in listed)


def expect(response: Element, count: int) -> tuple[ResponseMessage, ...]:
    """Read the response messages; raises AnswerUnusable unless there is exactly one for each thing asked."""
    messages = response_messages(response)
    if len(messages) != count:
        raise AnswerUnusable(f"Exchange answered {len(messages)} of {count} things asked.")
    return messages


def details(element: Element) -> dict[str, str]:
    """Give the named values below an error (MessageXml), such as BackOffMilliseconds."""
    return {value.get("Name", ""): (value.text or "").strip() for value in element.iter("{*}Value")}


def back_off_seconds(named: dict[str, str]) -> float | None:
    """Give BackOffMilliseconds in seconds; None when it is not there or no number."""
    milliseconds = named.get(BACK_OFF, "")
    return int(milliseconds) / 1000 if milliseconds.isascii() and milliseconds.isdigit() else None


def effective_code(code: str, named: dict[str, str]) -> str:
    """Give the code that counts: throttling is also said inside of an ErrorInternalServerError (EWS throttling)."""
    inner = named.get(INNER_CODE, "")
    return inner if inner in BUSY else code


def response_message(element: Element) -> ResponseMessage:
    """Read one response message."""
    code = message_text(element, "ResponseCode").strip() or NO_ERROR
    told = element.get("ResponseClass")
    is_error = told == "Error" if told else code != NO_ERROR
    if not is_error:
        return ResponseMessage(element, code, is_error=False)
    named = details(element)
    return ResponseMessage(element, effective_code(code, named), True, back_off_seconds(named))  # noqa: FBT003 - a field
