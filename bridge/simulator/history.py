"""What the schema of each version did not have yet, besides the properties of items: those say it in `fields`.

A server validates a request against its own schema, so what came later is ErrorSchemaValidation to it, whatever the
request's version is. Sources: [D] the pages of these operations and elements, each with the version it came with;
"assumed" for what an unknown operation or header gives.
"""

from functools import cache

from bridge.simulator.rules import Personality, rank
from bridge.simulator.trouble import Fault, invalid
from bridge.simulator.xml import Element, M, T, name_of

_2010, _SP1, _SP2, _2013, _2013_SP1 = (
    "Exchange2010",
    "Exchange2010_SP1",
    "Exchange2010_SP2",
    "Exchange2013",
    "Exchange2013_SP1",
)
_OPERATIONS = {"GetServerTimeZones": _2010, "GetRoomLists": _2010, "GetRooms": _2010}
_ELEMENTS = {
    "TimeZoneContext": _2010,
    "FilterHtmlContent": _2010,
    "ConvertHtmlCodePageToUTF8": _2010,
    "QueryString": _2010,
    "SyncScope": _2010,
    "RecurringMasterItemIdRanges": _2013,
    "ReturnNewItemIds": _SP1,
    "FirstDayOfWeek": _SP1,
    "UniqueBodyType": _2013,
    "NormalizedBodyType": _2013,
    "InlineImageUrlTemplate": _2013,
    "BlockExternalImages": _2013,
    "AddBlankTargetToLinks": _2013,
    "MaximumBodySize": _2013,
    "ProposedStart": _2013,
    "ProposedEnd": _2013,
}
_ATTRIBUTES = {"ContactDataShape": _SP2, "SuppressReadReceipts": _2013_SP1}


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


def unexpected(element: Element) -> Fault:
    """Give the fault for an element that may not be where it is."""
    return invalid(f"The element '{element.tag!s}' is not expected.")
