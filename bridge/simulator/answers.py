"""Batches: an answer for each part of a request, in its order, whatever becomes of the others.

Sources: [D] ResponseMessages; [V] recordings for the elements of answers and errors.
"""

from collections.abc import Callable, Iterable

from bridge.simulator.call import Call
from bridge.simulator.trouble import EwsError, Fault
from bridge.simulator.xml import Element, M, T, add, make, name_of

Job = Callable[[], Element]
# [D] samples of errors: these hold an empty list beside the error
_EMPTY_LISTS = {
    "CreateAttachment": "Attachments",
    "GetAttachment": "Attachments",
    "GetItem": "Items",
    "CreateItem": "Items",
    "UpdateItem": "Items",
    "MoveItem": "Items",
    "CopyItem": "Items",
    "GetFolder": "Folders",
    "CreateFolder": "Folders",
    "UpdateFolder": "Folders",
}


def success(operation: str, code: str = "NoError", response_class: str = "Success", text: str = "") -> Element:
    """Give a response message, for its content to be added."""
    message = make(f"{M}{operation}ResponseMessage", None, {"ResponseClass": response_class})
    if text:
        add(message, M + "MessageText", text)
    add(message, M + "ResponseCode", code)
    if text:
        add(message, M + "DescriptiveLinkKey", "0")
    return message


def failure(operation: str, error: EwsError, response_class: str = "Error") -> Element:
    """Give a response message that tells an error."""
    message = success(operation, error.code, response_class, error.message)
    if error.values or error.path:
        holder = add(message, M + "MessageXml")
        if error.path:
            add(holder, T + "ExceptionFieldURI", None, {"FieldURI": error.path})
        for name, value in error.values.items():
            add(holder, T + "Value", value, {"Name": name})
    if operation in _EMPTY_LISTS:
        add(message, M + _EMPTY_LISTS[operation])
    return message


def respond(call: Call, jobs: Iterable[Job]) -> Element:
    """Give the response with a message for each job; a job's error is its own."""
    operation = name_of(call.request)
    response = make(f"{M}{operation}Response")
    messages = add(response, M + "ResponseMessages")
    for number, job in enumerate(jobs):
        if call.limits.stop_after is not None and number >= call.limits.stop_after:
            # [D] EWS throttling, [D] responsecode: a warning for each that was not worked on
            stopped = EwsError("ErrorBatchProcessingStopped", "Processing of the batch has stopped.")
            messages.append(failure(operation, stopped, "Warning"))
            continue
        try:
            if call.limits.instead and not call.limits.after:
                raise call.limits.instead
            message = job()
            if call.limits.instead:
                raise call.limits.instead
        except EwsError as error:
            message = failure(operation, error)
        messages.append(message)
    return response


def required(request: Element, name: str) -> Element:
    """Give a child the request must have."""
    found = request.find(M + name)
    if found is None:
        raise Fault("ErrorSchemaValidation", f"The request failed schema validation: it has no '{name}'.")
    return found
