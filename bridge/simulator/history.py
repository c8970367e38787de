"""What the schema of each version did not have yet, besides the properties of items: those say it in `fields`.

A server validates a request against its own schema, so what came later is ErrorSchemaValidation to it, whatever the
request's version is. Beside each row stands which source has its version: [D] the page of the element or attribute,
[C] the EWS Managed API, which sends it to no older server, [T] Microsoft's test suites for MS-OXWSCORE, MS-OXWSSYNC and
MS-OXWSMTGS, which say what to expect of each server. Assumed is what an unknown operation or header gives.
"""

from functools import cache

from bridge.simulator.rules import Personality, rank
from bridge.simulator.trouble import Fault, invalid
from bridge.simulator.xml import Element, M, T, name_of

_2010, _SP1, _SP2, _2013, _2013_SP1, _2016 = (
    "Exchange2010",
    "Exchange2010_SP1",
    "Exchange2010_SP2",
    "Exchange2013",
    "Exchange2013_SP1",
    "Exchange2016",
)
_OPERATIONS = {
    "GetServerTimeZones": _2010,  # [C]
    "GetRoomLists": _2010,  # [C]
    "GetRooms": _2010,  # [C]
    "GetStreamingEvents": _SP1,  # [D]
}
_ELEMENTS = {
    "TimeZoneContext": _2010,  # [C]; [T] R2313: 2007 takes no notice
    "FilterHtmlContent": _2010,  # [C], [T] R2119413
    "ConvertHtmlCodePageToUTF8": _SP1,  # [D], [C]; [T] R21498 expects it of 2013 only
    "QueryString": _2010,  # [C]
    "SyncScope": _2010,  # [T] R347
    "RecurringMasterItemIdRanges": _2013,  # [D]
    "StreamingSubscriptionRequest": _SP1,  # [D], [C]
    "ReturnNewItemIds": _SP1,  # [D], [T] R1230
    "FirstDayOfWeek": _SP1,  # [D]
    "UniqueBodyType": _2013_SP1,  # [D]
    "NormalizedBodyType": _2013_SP1,  # [D]
    "InlineImageUrlTemplate": _2013,  # [C], [T] R2149904
    "BlockExternalImages": _2013,  # [D], [C], [T] R2149905
    "AddBlankTargetToLinks": _2013,  # [T] R2149908
    "MaximumBodySize": _2013,  # [D]
    # Of attendees: [T] R1334, R1336. MeetingResponse, which is not simulated, has them since 2013: [D]
    "ProposedStart": _2016,
    "ProposedEnd": _2016,
}
_ATTRIBUTES = {
    "ContactDataShape": _SP2,  # [D]
    "SuppressReadReceipts": _2013_SP1,  # [D], [T] R2311, R2315
}


def check_history(personality: Personality, request: Element) -> None:
    """Refuse an operation, an element or an attribute of later: ErrorSchemaValidation."""
    if rank(_OPERATIONS.get(name_of(request), "")) > personality.level:
        raise invalid(f"Could not find schema information for the element '{request.tag}'.")
    late = _late(personality.level)
    for element in request.iter(*late) if late else ():
        raise unexpected(element)
    for name in request.attrib:
        if rank(_ATTRIBUTES.get(str(name), "")) > personality.level:
            raise invalid(f"The '{name!s}' attribute is not declared.")


@cache
def _late(level: int) -> tuple[str, ...]:
    """Give the tags of the elements that a server of that rank does not have."""
    names = [name for name, since in _ELEMENTS.items() if rank(since) > level]
    return tuple(space + name for name in names for space in (T, M))


def check_context(personality: Personality) -> None:
    """Refuse a TimeZoneContext where there is none yet."""
    if personality.level < rank(_ELEMENTS["TimeZoneContext"]):
        raise invalid("Could not find schema information for the element 'TimeZoneContext'.")


def check_impersonation(personality: Personality, named: Element) -> None:
    """Refuse a way to name who is impersonated that there is not, or that came later."""
    late = name_of(named) == "SmtpAddress" and personality.level < rank(_2010)  # [C]
    if late or name_of(named) not in {"PrincipalName", "SID", "PrimarySmtpAddress", "SmtpAddress"}:
        raise unexpected(named)


def unexpected(element: Element) -> Fault:
    """Give the fault for an element that may not be where it is."""
    return invalid(f"The element '{element.tag!s}' is not expected.")
