"""Which properties clients can set, and to what (RFC 4918 9.2, RFC 4791 5.2, RFC 5689)."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from lxml import etree

from bridge.dav.bodies import Instruction
from bridge.dav.calendar_properties import CALENDARS, REPORTED
from bridge.dav.kept import TIMEZONE, TIMEZONE_ID, to_kept
from bridge.dav.multistatus import PropertyRefusal
from bridge.dav.principal_properties import GROUP, HOME, PERSON, ROOT
from bridge.dav.refusals import NotServed
from bridge.dav.timezone import find_timezone, read_timezone
from bridge.dav.xml import APPLE, CALDAV, DAV, children

DISPLAY_NAME = f"{DAV}displayname"
COLOUR, ORDER, DESCRIPTION = f"{APPLE}calendar-color", f"{APPLE}calendar-order", f"{CALDAV}calendar-description"
TRANSPARENCY = f"{CALDAV}schedule-calendar-transp"
COMPONENTS = f"{CALDAV}supported-calendar-component-set"

_SETTABLE = frozenset({DISPLAY_NAME, COLOUR, ORDER, DESCRIPTION, TRANSPARENCY, TIMEZONE, TIMEZONE_ID})
_PROTECTED = (
    frozenset({*ROOT, *HOME, *PERSON, *GROUP, *CALENDARS, *REPORTED})
    | {f"{DAV}{name}" for name in ("creationdate", "getlastmodified", "getcontentlanguage", "resource-id", "group")}
    | {f"{DAV}{name}" for name in ("lockdiscovery", "supportedlock", "quota-available-bytes", "quota-used-bytes")}
    | {f"{CALDAV}{name}" for name in ("max-instances", "max-attendees-per-instance", "schedule-tag")}
    | {f"{CALDAV}{name}" for name in ("schedule-inbox-URL", "schedule-outbox-URL")}
) - _SETTABLE
"""Those whose values are the server's: of the standards, whether or not this server has them."""

_COLOUR = re.compile(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")
_ORDER = re.compile(r"-?\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Patch:
    """What setting properties comes to: a name for people, elements to keep (None: to remove), or refusals by name."""

    names: tuple[str, ...]
    display_name: str | None = None
    kept: Mapping[str, str | None] = field(default_factory=dict)
    refusals: Mapping[str, PropertyRefusal] = field(default_factory=dict)

    def refused(self, names: Iterable[str], refusal: PropertyRefusal) -> "Patch":
        """Give the patch with properties refused that could not be set after all."""
        return Patch(self.names, refusals={**self.refusals, **dict.fromkeys(names, refusal)})


def patch_calendar(instructions: Iterable[Instruction], *, is_new: bool = False) -> Patch:
    """Judge what is set at a calendar; of a new one also which components it is for (RFC 4791 5.2.3)."""
    asked = {each.name: each for each in instructions}
    judged = {name: each for name, each in asked.items() if not (is_new and name == COMPONENTS)}
    refusals = {name: refusal for name, each in judged.items() if (refusal := _judge(each)) is not None}
    if is_new and COMPONENTS in asked and not _holds_events(asked[COMPONENTS].element):
        refusals[COMPONENTS] = PropertyRefusal("Calendars here are for events.", "<C:supported-calendar-component/>")
    named = judged.get(DISPLAY_NAME)
    kept = {name: _kept(each) for name, each in judged.items() if name != DISPLAY_NAME}
    return Patch(tuple(asked), None if named is None else named.text.strip(), kept, refusals)


def patch_home(instructions: Iterable[Instruction]) -> Patch:
    """Judge what is set at a home: whatever is not the server's is kept, and the server has nothing to set there."""
    asked = {each.name: each for each in instructions}
    refusals = {name: _PROTECTED_HERE for name in asked if name in _PROTECTED | {DISPLAY_NAME}}
    return Patch(tuple(asked), kept={name: _kept(each) for name, each in asked.items()}, refusals=refusals)


def refuse_all(instructions: Iterable[Instruction]) -> Patch:
    """Judge what is set where nothing is kept."""
    names = tuple(dict.fromkeys(each.name for each in instructions))
    elsewhere = PropertyRefusal("Properties are kept at calendars and at homes, not here.")
    return Patch(
        names,
        refusals={name: _PROTECTED_HERE if name in _PROTECTED | {DISPLAY_NAME} else elsewhere for name in names},
    )


_PROTECTED_HERE = PropertyRefusal("This property cannot be set.", "<D:cannot-modify-protected-property/>")


def _kept(instruction: Instruction) -> str | None:
    """Give what is to be kept; an empty colour or order is none, as clients take one away that way too (vdirsyncer)."""
    is_none = instruction.element is None or (instruction.name in {COLOUR, ORDER} and not instruction.text.strip())
    return None if is_none or instruction.element is None else to_kept(instruction.element)


def _judge(instruction: Instruction) -> PropertyRefusal | None:
    if instruction.name in _PROTECTED:
        return _PROTECTED_HERE
    check = _CHECKS.get(instruction.name)
    if check is None:
        return None
    if instruction.element is None:
        return PropertyRefusal("A calendar always has a name.", status=409) if check is _check_name else None
    try:
        return check(instruction.element)
    except NotServed as problem:
        return PropertyRefusal(str(problem), problem.precondition)


def _check_name(element: etree._Element) -> PropertyRefusal | None:
    return None if (element.text or "").strip() else PropertyRefusal("A calendar has a name.", status=409)


def _check_colour(element: etree._Element) -> PropertyRefusal | None:
    is_right = _COLOUR.fullmatch((element.text or "").strip() or "#000")
    return None if is_right else PropertyRefusal("A colour is written as #RGB, #RRGGBB or #RRGGBBAA.", status=409)


def _check_order(element: etree._Element) -> PropertyRefusal | None:
    is_right = _ORDER.fullmatch((element.text or "").strip() or "0")
    return None if is_right else PropertyRefusal("The order of calendars is a whole number.", status=409)


def _check_transparency(element: etree._Element) -> PropertyRefusal | None:
    is_right = [each.tag for each in children(element)] in ([f"{CALDAV}opaque"], [f"{CALDAV}transparent"])
    return None if is_right else PropertyRefusal("A calendar is opaque or transparent.", status=409)


def _check_timezone(element: etree._Element) -> None:
    read_timezone(element.text or "")


def _check_timezone_id(element: etree._Element) -> None:
    find_timezone((element.text or "").strip())


_CHECKS: Mapping[str, Callable[[etree._Element], PropertyRefusal | None]] = {
    DISPLAY_NAME: _check_name,
    COLOUR: _check_colour,
    ORDER: _check_order,
    TRANSPARENCY: _check_transparency,
    TIMEZONE: _check_timezone,
    TIMEZONE_ID: _check_timezone_id,
}


def _holds_events(element: etree._Element | None) -> bool:
    return element is not None and any(each.get("name", "").upper() == "VEVENT" for each in children(element))
