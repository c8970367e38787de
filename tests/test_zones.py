"""Windows ids and IANA names, both ways."""

from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo, reset_tzpath

import pytest

from bridge.item import Zone
from bridge.zones import (
    IANA_TO_WINDOWS,
    WINDOWS_TO_IANA,
    load_zone,
    resolve_tzid,
    to_instant,
    to_known,
    to_rules,
    to_windows,
)

BORROWED = {"Kamchatka Standard Time": "Russia Time Zone 11", "Mid-Atlantic Standard Time": "UTC-02"}
"""Old Windows ids, and the id that their IANA name belongs to."""


def test_every_name_of_the_tz_database_has_a_windows_id() -> None:
    names = files("tzdata").joinpath("zones").read_text().split()
    assert [name for name in names if to_windows(name) is None] == []
    assert len(names) == len(IANA_TO_WINDOWS)


def test_every_windows_id_comes_back_from_its_iana_name() -> None:
    back = {id_: IANA_TO_WINDOWS[name] for id_, name in WINDOWS_TO_IANA.items()}
    assert {id_: other for id_, other in back.items() if id_ != other} == BORROWED


def test_every_windows_id_has_rules() -> None:
    assert all(to_rules(Zone(id_)) for id_ in WINDOWS_TO_IANA)
    assert len(WINDOWS_TO_IANA) == 141


@pytest.mark.parametrize(
    ("id_", "name"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Romance Standard Time", "Europe/Paris"),
        ("UTC", "Etc/UTC"),
        ("tzone://Microsoft/Utc", "Etc/UTC"),
        ("India Standard Time", "Asia/Calcutta"),
        ("Mid-Atlantic Standard Time", "Etc/GMT+2"),
        ("Kamchatka Standard Time", "Asia/Kamchatka"),
    ],
)
def test_a_windows_zone_has_its_golden_name(id_: str, name: str) -> None:
    rules = to_rules(Zone(id_))
    assert rules is not None
    assert rules.key == name


def test_a_zone_that_is_not_known_has_no_rules() -> None:
    assert to_rules(Zone("tzone://Microsoft/Custom")) is None


@pytest.mark.parametrize(
    ("tzid", "name", "id_"),
    [
        ("Europe/Berlin", "Europe/Berlin", "W. Europe Standard Time"),
        ("europe/berlin", "Europe/Berlin", "W. Europe Standard Time"),
        ("Europe/Oslo", "Europe/Oslo", "W. Europe Standard Time"),
        ("Europe/Kyiv", "Europe/Kyiv", "FLE Standard Time"),
        ("Europe/Kiev", "Europe/Kiev", "FLE Standard Time"),
        ("Asia/Kolkata", "Asia/Kolkata", "India Standard Time"),
        ("US/Eastern", "US/Eastern", "Eastern Standard Time"),
        ("Eastern Standard Time", "America/New_York", "Eastern Standard Time"),
        ('"Tokyo Standard Time"', "Asia/Tokyo", "Tokyo Standard Time"),
        ("/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin", "W. Europe Standard Time"),
        ("/softwarestudio.org/Olson_20011030_5/America/New_York", "America/New_York", "Eastern Standard Time"),
        (
            "/freeassociation.sourceforge.net/Tzfile/America/Argentina/Buenos_Aires",
            "America/Argentina/Buenos_Aires",
            "Argentina Standard Time",
        ),
        ("posix/Europe/Vaduz", "Europe/Vaduz", "W. Europe Standard Time"),
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Berlin", "W. Europe Standard Time"),
        ("(GMT+01:00) Amsterdam / Berlin / Bern", "Europe/Berlin", "W. Europe Standard Time"),
        ("(UTC+01:00) Brussels, Copenhagen, Madrid, Paris", "Europe/Paris", "Romance Standard Time"),
        ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York", "Eastern Standard Time"),
        ("(UTC) Coordinated Universal Time", "Etc/UTC", "UTC"),
        ("(UTC-11:00) Coordinated Universal Time-11", "Etc/GMT+11", "UTC-11"),
        ("Z", "Etc/UTC", "UTC"),
        ("UTC", "Etc/UTC", "UTC"),
        ("GMT", "GMT", "UTC"),
        ("GMT+0000", "Etc/UTC", "UTC"),
        ("UTC+12", "Etc/GMT-12", "UTC+12"),
        ("GMT-05:00", "Etc/GMT+5", "SA Pacific Standard Time"),
        ("(UTC+02:00)", "Etc/GMT-2", "South Africa Standard Time"),
    ],
)
def test_a_tzid_is_resolved(tzid: str, name: str, id_: str) -> None:
    assert resolve_tzid(tzid) == name
    assert to_windows(tzid) == Zone(id_)


@pytest.mark.parametrize(
    "tzid", ["", "/", "Atlantis", "Western/Central Europe", "custom_America/New_York", "UTC+05:30", "UTC+25", "(UTC) "]
)
def test_a_tzid_that_means_nothing_certain_is_not_resolved(tzid: str) -> None:
    assert resolve_tzid(tzid) is None
    assert to_windows(tzid) is None


def test_ahead_of_greenwich_is_plus_in_what_people_write_and_minus_in_posix_names() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert noon.astimezone(load_zone(resolve_tzid("UTC+03:00") or "")).utcoffset() == timedelta(hours=3)
    assert noon.astimezone(load_zone("Etc/GMT+3")).utcoffset() == timedelta(hours=-3)


def test_rules_come_from_the_package_and_not_from_the_machine(tmp_path: Path) -> None:
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Berlin").write_bytes(b"not a zone file")
    load_zone.cache_clear()
    reset_tzpath(to=[str(tmp_path)])
    try:
        with pytest.raises(ValueError, match="Invalid TZif"):
            ZoneInfo.no_cache("Europe/Berlin")
        berlin = load_zone("Europe/Berlin")
    finally:
        reset_tzpath()
    assert datetime(2026, 7, 1, tzinfo=berlin).utcoffset() == timedelta(hours=2)
    assert load_zone("Europe/Berlin") is berlin


def test_rules_find_their_zone() -> None:
    preferred = Zone("Romance Standard Time")
    assert to_known(load_zone("Europe/Stockholm"), 2026, preferred) == preferred
    assert to_known(load_zone("America/Toronto"), 2026, preferred) == Zone("Eastern Standard Time")
    assert to_known(timezone(timedelta(minutes=17)), 2026, preferred) is None


@pytest.mark.parametrize(
    ("name", "local", "instant"),
    [
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T01:30+00:00"),
        ("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00+00:00"),
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30+00:00"),
        ("Europe/Dublin", "2026-10-25T01:30", "2026-10-25T01:30+00:00"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T15:15+00:00"),
        ("America/Havana", "2031-11-02T00:00", "2031-11-02T05:00+00:00"),
        ("Asia/Beirut", "2026-03-29T00:00", "2026-03-28T22:00+00:00"),
    ],
)
def test_of_a_time_that_comes_twice_exchange_takes_the_second_and_of_none_the_offset_before(
    name: str, local: str, instant: str
) -> None:
    assert to_instant(datetime.fromisoformat(local), load_zone(name)) == datetime.fromisoformat(instant)
