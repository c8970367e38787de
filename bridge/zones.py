"""Time zones: Windows ids, IANA names, definitions, and what clients write in a TZID.

Only this room tells one from another.

Rules come from the tzdata package alone, read past the machine's own zone files, so that one release of the bridge
computes the same everywhere. `zoneinfo.reset_tzpath` would do that too, for every library of the process; reading the
files leaves the others alone.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bridge.item import UTC_ZONE, Zone
from bridge.zone_definition import ClockChange, ZoneDefinition
from bridge.zone_rules import make_rules
from bridge.zone_table import TABLE

_NAMES_BY_ID: dict[str, list[str]] = {
    id_: names.split() for id_, names in re.findall(r"^(\S.*?) = (.*(?:\n {2}.*)*)$", TABLE, re.MULTILINE)
}
WINDOWS_TO_IANA = MappingProxyType({id_: names[0] for id_, names in _NAMES_BY_ID.items()})
"""Each Windows id and the IANA name that stands for it."""
IANA_TO_WINDOWS = MappingProxyType(
    # Ids with one borrowed name (see the table) come first, so that the name's own id overwrites them.
    {name: id_ for id_, names in sorted(_NAMES_BY_ID.items(), key=lambda pair: len(pair[1])) for name in names}
)
"""Each IANA name, links included, and its Windows id."""

_WINDOWS_IDS = {id_.casefold(): id_ for id_ in WINDOWS_TO_IANA}
_IANA_NAMES = {name.casefold(): name for name in IANA_TO_WINDOWS}
_CITIES = {
    name.rsplit("/", 1)[-1].replace("_", " ").casefold(): name
    for name in sorted(IANA_TO_WINDOWS, reverse=True)
    if "/" in name and not name.startswith("Etc/")
}
_CUSTOM = "tzone://Microsoft/Custom"
_UTC_FORMS = frozenset({"z", "utc", "coordinated universal time", "tzone://microsoft/utc"})
_OFFSET = re.compile(r"\(?(?:UTC|GMT)\s*([+-])(\d{1,2}):?(\d{2})?\)?", re.IGNORECASE)
_DISPLAY_PREFIX = re.compile(r"\((?:UTC|GMT)[^)]*\)\s*", re.IGNORECASE)
_WORDS = MappingProxyType(
    # Windows' display names that do not begin with a city of the tz database.
    {
        "alaska": "Alaskan Standard Time",
        "aleutian islands": "Aleutian Standard Time",
        "arizona": "US Mountain Standard Time",
        "atlantic time (canada)": "Atlantic Standard Time",
        "baja california": "Pacific Standard Time (Mexico)",
        "bougainville island": "Bougainville Standard Time",
        "brasilia": "E. South America Standard Time",
        "cape verde is.": "Cape Verde Standard Time",
        "cabo verde is.": "Cape Verde Standard Time",
        "central america": "Central America Standard Time",
        "central time (us & canada)": "Central Standard Time",
        "chatham islands": "Chatham Islands Standard Time",
        "chihuahua, la paz, mazatlan": "Mountain Standard Time (Mexico)",
        "chokurdakh": "Russia Time Zone 10",
        "city of buenos aires": "Argentina Standard Time",
        "easter island": "Easter Island Standard Time",
        "eastern time (us & canada)": "Eastern Standard Time",
        "ekaterinburg": "Ekaterinburg Standard Time",
        "georgetown, la paz, manaus, san juan": "SA Western Standard Time",
        "greenland": "Greenland Standard Time",
        "haiti": "Haiti Standard Time",
        "hawaii": "Hawaiian Standard Time",
        "indiana (east)": "US Eastern Standard Time",
        "international date line west": "Dateline Standard Time",
        "islamabad, karachi": "Pakistan Standard Time",
        "izhevsk, samara": "Russia Time Zone 3",
        "la paz, mazatlan": "Mountain Standard Time (Mexico)",
        "lord howe island": "Lord Howe Standard Time",
        "manaus": "Central Brazilian Standard Time",
        "marquesas islands": "Marquesas Standard Time",
        "mid-atlantic": "Mid-Atlantic Standard Time",
        "mid-atlantic - old": "Mid-Atlantic Standard Time",
        "midway island, samoa": "UTC-11",
        "mountain time (us & canada)": "Mountain Standard Time",
        "newfoundland": "Newfoundland Standard Time",
        "norfolk island": "Norfolk Standard Time",
        "nuku'alofa": "Tonga Standard Time",
        "pacific time (us & canada)": "Pacific Standard Time",
        "petropavlovsk-kamchatsky": "Kamchatka Standard Time",
        "petropavlovsk-kamchatsky - old": "Kamchatka Standard Time",
        "port louis": "Mauritius Standard Time",
        "saint pierre and miquelon": "Saint Pierre Standard Time",
        "solomon is., new caledonia": "Central Pacific Standard Time",
        "magadan, solomon is., new caledonia": "Central Pacific Standard Time",
        "sri jayawardenepura": "Sri Lanka Standard Time",
        "turks and caicos": "Turks And Caicos Standard Time",
        "west central africa": "W. Central Africa Standard Time",
        "yangon (rangoon)": "Myanmar Standard Time",
        "astana": "Central Asia Standard Time",
        "almaty, novosibirsk": "N. Central Asia Standard Time",
    }
)


@cache
def load_zone(name: str) -> ZoneInfo:
    """Give the rules of an IANA name of the table, from the tzdata package. Raises FileNotFoundError for others."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def to_rules(zone: Zone) -> ZoneInfo | None:
    """Give the rules of an item's zone: those it brings along, else those of its id; None for an id that is not known.

    Their key is the TZID the zone is shown under: an IANA name, or one made of the rules that came along, so that no
    client takes them for others it has seen.
    """
    if zone.definition is not None and zone.definition.eras:
        prefix = zone.id if zone.id in WINDOWS_TO_IANA else "Custom"
        return make_rules(zone.definition, f"{prefix}/{_digest(zone.definition)}")
    name = _shown_name(zone.id)
    return load_zone(name) if name else None


def to_custom(definition: ZoneDefinition) -> Zone:
    """Give a zone of nobody's that has these rules; equal rules give an equal id.

    Outlook's own of this kind are called so: ``tzone://Microsoft/Custom``, Customized Time Zone.
    """
    named = ZoneDefinition(definition.eras, "Customized Time Zone")
    return Zone(f"{_CUSTOM}/{_digest(definition)}", named)


@lru_cache(maxsize=1024)
def _digest(definition: ZoneDefinition) -> str:
    told = [
        (str(era.since), era.since_seconds, era.offset, [(*_when(change), change.offset) for change in era.changes])
        for era in definition.eras
    ]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


def _when(change: ClockChange) -> tuple[int | None, ...]:
    return change.month, change.day, change.position, change.weekday, change.seconds


@lru_cache(maxsize=1024)
def _shown_name(id_: str) -> str | None:
    return WINDOWS_TO_IANA.get(id_) or resolve_tzid(id_)


def to_instant(local: datetime, rules: tzinfo) -> datetime:
    """Give the UTC instant that Exchange makes of what a zone's clock shows, as it does for series and whole days.

    Of a time that comes twice it is the second, which is standard time: .NET's ``TimeZoneInfo.ConvertTimeToUtc`` is
    documented so. That Exchange goes by it is an assumption. RFC 5545 3.3.5 has the first. A time that the clock skips
    is taken by the offset before the gap, as there.
    """
    return max(local.replace(tzinfo=rules, fold=fold).astimezone(UTC) for fold in (0, 1))


def to_windows(tzid: str) -> Zone | None:
    """Give the zone an item carries for a TZID in any form that `resolve_tzid` reads; None for others."""
    id_ = _WINDOWS_IDS.get(tzid.strip().casefold()) or _display_name_id(tzid)
    if id_ is None:
        name = resolve_tzid(tzid)
        id_ = IANA_TO_WINDOWS.get(name) if name else None
    return Zone(id_) if id_ else None


@lru_cache(maxsize=1024)
def resolve_tzid(tzid: str) -> str | None:
    """Give the IANA name that a TZID means, or None.

    Reads IANA names and links in any case, Windows ids, both behind a vendor's prefix (``/mozilla.org/20050126_1/…``,
    ``/freeassociation.sourceforge.net/…``), Outlook's display names (``(UTC+01:00) Amsterdam, Berlin, …``), and the
    forms of UTC and of whole hours beside it (``Z``, ``GMT``, ``UTC+02:00``; ahead of Greenwich is plus).
    """
    text = tzid.strip().strip('"').strip()
    folded = text.casefold()
    if folded in _UTC_FORMS:
        return WINDOWS_TO_IANA[UTC_ZONE.id]
    if folded in _IANA_NAMES:
        return _IANA_NAMES[folded]
    if folded in _WINDOWS_IDS:
        return WINDOWS_TO_IANA[_WINDOWS_IDS[folded]]
    if offset := _OFFSET.fullmatch(text):
        return _offset_name(offset)
    if id_ := _display_name_id(text):
        return WINDOWS_TO_IANA[id_]
    return _behind_prefix(text)


def to_known(rules: tzinfo, year: int, preferred: Zone) -> Zone | None:
    """Give a Windows zone whose offsets are these rules' throughout the year; the preferred one where it fits."""
    wanted = _offsets(rules, year)
    candidates = (preferred.id, *WINDOWS_TO_IANA)
    return next((Zone(id_) for id_ in candidates if _known_offsets(id_, year) == wanted), None)


def _offset_name(offset: re.Match[str]) -> str | None:
    """``Etc/GMT-2`` is two hours ahead of Greenwich: POSIX counts the other way round."""
    sign, hours, minutes = offset[1], int(offset[2]), int(offset[3] or 0)
    if hours == minutes == 0:
        return WINDOWS_TO_IANA[UTC_ZONE.id]
    name = f"Etc/GMT{'-' if sign == '+' else '+'}{hours}"
    return name if not minutes and name in IANA_TO_WINDOWS else None


def _display_name_id(text: str) -> str | None:
    prefix = _DISPLAY_PREFIX.match(text)
    if not prefix:
        return None
    words = text[prefix.end() :].strip().casefold().replace(" / ", ", ")
    if words in _WORDS:
        return _WORDS[words]
    if words.startswith("coordinated universal time"):
        return _WINDOWS_IDS.get("utc" + words.removeprefix("coordinated universal time"))
    known = (_CITIES[city] for city in words.split(", ") if city in _CITIES)
    name = next(known, None)
    return IANA_TO_WINDOWS[name] if name else None


def _behind_prefix(text: str) -> str | None:
    parts = text.casefold().split("/")[1:]
    for start in range(len(parts)):
        rest = "/".join(parts[start:])
        if rest in _IANA_NAMES:
            return _IANA_NAMES[rest]
        if rest in _WINDOWS_IDS:
            return WINDOWS_TO_IANA[_WINDOWS_IDS[rest]]
    return None


@lru_cache(maxsize=2048)
def _known_offsets(id_: str, year: int) -> tuple[timedelta | None, ...]:
    rules = to_rules(Zone(id_))
    return _offsets(rules, year) if rules else ()


def _offsets(rules: tzinfo, year: int) -> tuple[timedelta | None, ...]:
    """Give the offsets at noon of every third day: enough to tell the rules of any two zones of the table apart."""
    noon = datetime(year, 1, 1, 12, tzinfo=rules)
    return tuple((noon + timedelta(days=day)).utcoffset() for day in range(0, 366, 3))
