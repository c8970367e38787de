"""An item's time zones as EWS carries them: a Windows id, or a definition where the id is nobody's."""

from functools import lru_cache

from lxml import etree

from bridge.ews.xml import TYPES, Element, type_element
from bridge.item import UTC_ZONE, Zone
from bridge.zones import to_windows


@lru_cache(maxsize=512)
def _known(id_: str) -> Zone | None:
    return to_windows(id_)


def from_zone(element: Element) -> Zone:
    """Read StartTimeZone or EndTimeZone (TimeZoneDefinitionType).

    A known id is told in its one Windows form (``tzone://Microsoft/Utc`` is ``UTC``). For another the definition is
    kept as it came, so that it can be written back.
    """
    id_ = (element.get("Id") or "").strip()
    if not id_:
        return UTC_ZONE
    known = _known(id_)
    if known is not None:
        return known
    if len(element) == 0:
        return Zone(id_)
    definition = type_element("TimeZoneDefinition", Id=id_, Name=element.get("Name") or id_)
    definition.extend(list(element))
    return Zone(id_, etree.tostring(definition, encoding="unicode", with_tail=False))


def to_zone(name: str, zone: Zone) -> Element:
    """Make StartTimeZone or EndTimeZone: the id alone, which Exchange knows (2010 and newer), or the definition."""
    if zone.definition is None:
        return type_element(name, Id=zone.id)
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    element = etree.fromstring(zone.definition, parser)
    element.tag = f"{{{TYPES}}}{name}"
    return element
