"""Elements that clients store as properties: made fit to stand alone, and read again."""

import re
from collections.abc import Mapping
from copy import deepcopy
from datetime import tzinfo

from lxml import etree

from bridge.dav.timezone import find_timezone, read_timezone
from bridge.dav.xml import CALDAV, DAV, text

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
NAME = f"{DAV}displayname"
TIMEZONE, TIMEZONE_ID = f"{CALDAV}calendar-timezone", f"{CALDAV}calendar-timezone-id"


def to_kept(element: etree._Element) -> str:
    """Give an element of a request by itself, with the namespaces it uses and the language it stands in.

    RFC 4918 4.3: what must come back is the element, its content, and the xml:lang in scope.
    """
    languages = element.xpath("ancestor-or-self::*[@xml:lang][1]/@xml:lang")
    alone = deepcopy(element)
    alone.tail = None
    if isinstance(languages, list) and languages:
        alone.set(_LANG, str(languages[-1]))
    etree.cleanup_namespaces(alone)
    return etree.tostring(alone, encoding="unicode", with_tail=False)


def text_of(kept: str) -> str:
    """Give the text of a kept element."""
    return etree.fromstring(kept).text or ""


def keep_name(display_name: str | None) -> dict[str, str | None]:
    """Give what to keep of a display name that a client sets: Exchange may have to put a number to it."""
    if display_name is None:
        return {}
    return {NAME: f'<D:displayname xmlns:D="DAV:">{text(display_name)}</D:displayname>'}


def told_name(of_the_folder: str, kept: Mapping[str, str]) -> str:
    """Give a display name: as the client set it, while the folder is called so with a number; else the folder's."""
    wished = text_of(kept[NAME]) if NAME in kept else ""
    is_numbered = bool(wished) and re.fullmatch(rf"{re.escape(wished)} \d+", of_the_folder) is not None
    return wished if is_numbered else of_the_folder


def zone_of(kept: Mapping[str, str]) -> tzinfo | None:
    """Give the zone in which a calendar's whole days and floating times are to be (RFC 4791 7.3), if one was stored."""
    if TIMEZONE in kept:
        return read_timezone(text_of(kept[TIMEZONE]))
    return find_timezone(text_of(kept[TIMEZONE_ID])) if TIMEZONE_ID in kept else None
