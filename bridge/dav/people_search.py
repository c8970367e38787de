"""DAV:principal-property-search (RFC 3744 9.4): people by what is known of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from bridge.dav.bodies import parse_selection
from bridge.dav.multistatus import Kind, Selection
from bridge.dav.refusals import bad_request
from bridge.dav.response import XML, Response
from bridge.dav.xml import CALDAV, CALENDARSERVER, DAV, DECLARATION, NAMESPACES, children, tags

_NAME, _TYPE = f"{DAV}displayname", f"{CALDAV}calendar-user-type"
_ADDRESSES = frozenset({f"{CALDAV}calendar-user-address-set", f"{CALENDARSERVER}email-address-set"})
_SEARCHED = {
    _NAME: "Name",
    f"{CALDAV}calendar-user-address-set": "Address",
    f"{CALENDARSERVER}email-address-set": "E-mail address",
    _TYPE: "Kind: INDIVIDUAL, GROUP, RESOURCE, ROOM",
}
"""What may be searched; nothing else matches anything."""


@dataclass(frozen=True, slots=True)
class Match:
    """A DAV:property-search: one of these properties contains the text, whatever its case."""

    names: tuple[str, ...]
    text: str

    def holds(self, display_name: str, addresses: Iterable[str], user_type: str) -> bool:
        """Say whether a person matches."""
        sought = self.text.casefold()
        for name in self.names:
            if name == _NAME and sought in display_name.casefold():
                return True
            if name in _ADDRESSES and any(sought.removeprefix("mailto:") in each.casefold() for each in addresses):
                return True
            if name == _TYPE and sought == user_type.casefold():
                return True
        return False


@dataclass(frozen=True, slots=True)
class PeopleSearch:
    """A search: people of whom all of these hold, or any."""

    selection: Selection
    matches: tuple[Match, ...]
    is_any: bool = False

    def texts(self) -> tuple[str, ...]:
        """Give the texts to ask a directory for: each where any may hold, the longest where all must."""
        found = [each.text.removeprefix("mailto:") for each in self.matches if set(each.names) - {_TYPE}]
        texts = list(dict.fromkeys(found))
        return tuple(texts) if self.is_any else tuple(sorted(texts, key=len)[-1:])

    def holds(self, display_name: str, addresses: Iterable[str], user_type: str) -> bool:
        """Say whether a person is sought."""
        known = tuple(addresses)
        return (any if self.is_any else all)(each.holds(display_name, known, user_type) for each in self.matches)


@dataclass(frozen=True, slots=True)
class SearchProperties:
    """DAV:principal-search-property-set (RFC 3744 9.5): by what people may be searched."""

    def response(self) -> Response:
        """Give the answer."""
        listed = "".join(
            f"<D:principal-search-property><D:prop>{tags(name)[2]}</D:prop>"
            f'<D:description xml:lang="en">{description}</D:description></D:principal-search-property>'
            for name, description in _SEARCHED.items()
        )
        root = "D:principal-search-property-set"
        return Response(200, {"Content-Type": XML}, f"{DECLARATION}<{root}{NAMESPACES}>{listed}</{root}>".encode())


def parse_people_search(root: etree._Element) -> PeopleSearch:
    """Read a DAV:principal-property-search. Raises NotServed (400)."""
    matches = tuple(_match(each) for each in root.findall(f"{DAV}property-search"))
    if not matches:
        raise bad_request("A principal-property-search holds at least one property-search.")
    test = root.get("test", "allof")
    if test not in {"allof", "anyof"}:
        raise bad_request("The test of a principal-property-search is allof or anyof.")
    return PeopleSearch(_selection(root), matches, test == "anyof")


def _selection(root: etree._Element) -> Selection:
    """Read what is wanted of each; python-caldav puts it beside an empty DAV:prop."""
    selection = parse_selection(root) or Selection(Kind.NAMED)
    if selection.kind is Kind.NAMED and not selection.names:
        others = {f"{DAV}property-search", f"{DAV}prop", f"{DAV}apply-to-principal-collection-set"}
        return Selection(Kind.NAMED, tuple(str(each.tag) for each in children(root) if each.tag not in others))
    return selection


def _match(element: etree._Element) -> Match:
    prop, sought = element.find(f"{DAV}prop"), element.findtext(f"{DAV}match")
    names = () if prop is None else tuple(str(child.tag) for child in children(prop))
    if not names or sought is None or not sought.strip():
        raise bad_request("A property-search names at least one property and a text to match.")
    return Match(names, sought.strip())
