"""Windows zones: the table is what a real server sent, the arithmetic follows it."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from bridge.simulator import Simulator, zones
from bridge.simulator.trouble import EwsError
from bridge.simulator.zone_xml import duration_text, read_duration, read_zone, zone_element

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
CUSTOM = """<t:StartTimeZone xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" Id="tzone://Microsoft/Custom">
<t:Periods><t:Period Bias="-PT5H45M" Name="S" Id="s"/><t:Period Bias="-PT6H45M" Name="D" Id="d"/></t:Periods>
<t:TransitionsGroups><t:TransitionsGroup Id="0">
<t:RecurringDateTransition><t:To Kind="Period">d</t:To><t:TimeOffset>PT2H</t:TimeOffset>
<t:Month>4</t:Month><t:Day>10</t:Day>
</t:RecurringDateTransition>
<t:RecurringDayTransition><t:To Kind="Period">s</t:To><t:TimeOffset>PT3H</t:TimeOffset><t:Month>10</t:Month>
<t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1</t:Occurrence></t:RecurringDayTransition>
</t:TransitionsGroup></t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition>
</t:Transitions></t:StartTimeZone>"""


def recorded() -> list[Any]:
    folder = Path(os.environ["EXCHANGE_SCHEMAS"]) / "recordings" / "Exchange2010"
    tree = etree.parse(folder / "GetServerTimeZones-2010-full.xml")
    return list(tree.iter(f"{T}TimeZoneDefinition"))


@pytest.mark.recordings
def test_the_table_is_what_the_server_sent() -> None:
    assert [zone.get("Id") for zone in recorded()] == list(zones.known(young=False))
    for element in recorded():
        sent, ours = read_zone(element), zones.named(element.get("Id"), young=False)
        assert sent is not None
        assert ours is not None
        assert (ours.name, ours.groups, ours.changes) == (sent.name, sent.groups, sent.changes)
        assert set(ours.periods) == set(sent.periods)
        assert read_zone(zone_element("x", ours)) == ours


@pytest.mark.recordings
def test_every_zone_goes_there_and_back() -> None:
    for zone_id in zones.known():
        zone = zones.named(zone_id)
        assert zone is not None
        for day in range(0, 366, 9):
            moment = datetime(2026, 1, 1, 5, tzinfo=UTC) + timedelta(days=day)
            assert zone.to_utc(zone.to_local(moment)) == moment, (zone_id, moment)


@pytest.mark.parametrize(
    ("zone_id", "iana"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Eastern Standard Time", "America/New_York"),
        ("AUS Eastern Standard Time", "Australia/Sydney"),
        ("India Standard Time", "Asia/Kolkata"),
        ("New Zealand Standard Time", "Pacific/Auckland"),
    ],
)
def test_stable_zones_agree_with_the_other_database(zone_id: str, iana: str) -> None:
    zone = zones.named(zone_id)
    assert zone is not None
    for hour in range(0, 2 * 365 * 24, 5):
        moment = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        assert zone.offset(moment) == moment.astimezone(ZoneInfo(iana)).utcoffset(), moment


def test_local_times_that_occur_twice_or_never() -> None:
    zone = zones.named("w. europe standard time")
    assert zone is not None
    assert zone.to_utc(datetime(2026, 10, 25, 2, 30)) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # noqa: DTZ001
    assert zone.to_utc(datetime(2026, 3, 29, 2, 30)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # noqa: DTZ001


def test_rules_change_with_the_years() -> None:
    zone = zones.named("Eastern Standard Time")
    assert zone is not None
    late_march = [zone.offset(datetime(year, 3, 20, 12, tzinfo=UTC)) for year in (2006, 2007)]
    assert late_march == [timedelta(hours=-5), timedelta(hours=-4)]


def test_a_definition_sent_by_a_client_is_computed_by() -> None:
    zone = read_zone(etree.fromstring(CUSTOM))
    assert zone is not None
    assert zone.offset(datetime(2026, 4, 9, 20, tzinfo=UTC)) == timedelta(hours=5, minutes=45)
    assert zone.offset(datetime(2026, 4, 9, 20, 16, tzinfo=UTC)) == timedelta(hours=6, minutes=45)
    assert read_zone(zone_element("x", zone)) == zone


@pytest.mark.parametrize("wrong", [('Kind="Group">0', 'Kind="Group">7'), ('Kind="Period">d', 'Kind="Period">q')])
def test_definitions_that_do_not_fit_together_are_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(EwsError):
        read_zone(etree.fromstring(CUSTOM.replace(*wrong)))


def test_a_whole_day_in_a_zone_of_ones_own(ask: Any) -> None:
    zone = CUSTOM.replace(' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"', "")
    item_id = ask.create(
        "<t:Start>2026-03-03T00:00:00Z</t:Start><t:End>2026-03-03T18:15:00Z</t:End>"
        f"<t:IsAllDayEvent>true</t:IsAllDayEvent>{zone}"
    )
    item = ask.item(item_id, '<t:FieldURI FieldURI="calendar:StartTimeZone"/>')
    assert item.findtext(f"{T}Start") == "2026-03-02T18:15:00Z"
    assert item.findtext(f"{T}End") == "2026-03-03T18:15:00Z"
    assert item.find(f"{T}StartTimeZone").get("Id") == "tzone://Microsoft/Custom"
    assert len(item.find(f"{T}StartTimeZone/{T}Periods")) == 2


@pytest.mark.recordings
def test_servers_after_2010_list_the_zones_a_real_one_lists() -> None:
    folder = Path(os.environ["EXCHANGE_SCHEMAS"]) / "recordings" / "GetServerTimeZonesResponse"
    (path,) = folder.iterdir()
    sent = {zone.get("Id"): zone.get("Name") for zone in etree.parse(path).iter(f"{T}TimeZoneDefinition")}
    assert set(zones.known()) == set(sent)
    for zone_id in zones.known():
        zone, old = zones.named(zone_id), zones.named(zone_id, young=False)
        assert zone is not None
        assert (old is None) == (zone_id not in zones.known(young=False))
        if zone != old:
            assert zone.name == sent[zone_id]


@pytest.mark.parametrize(
    ("zone_id", "iana"),
    [
        ("Lord Howe Standard Time", "Australia/Lord_Howe"),
        ("Chatham Islands Standard Time", "Pacific/Chatham"),
        ("Norfolk Standard Time", "Pacific/Norfolk"),
        ("Easter Island Standard Time", "Pacific/Easter"),
        ("Cuba Standard Time", "America/Havana"),
        ("Haiti Standard Time", "America/Port-au-Prince"),
        ("Turkey Standard Time", "Europe/Istanbul"),
        ("Qyzylorda Standard Time", "Asia/Qyzylorda"),
        ("Russian Standard Time", "Europe/Moscow"),
        ("Pacific SA Standard Time", "America/Santiago"),
        ("Egypt Standard Time", "Africa/Cairo"),
        ("Greenland Standard Time", "America/Nuuk"),
        ("Samoa Standard Time", "Pacific/Apia"),
    ],
)
def test_young_zones_keep_the_time_of_their_places(zone_id: str, iana: str) -> None:
    zone = zones.named(zone_id)
    assert zone is not None
    for hour in range(0, 365 * 24, 3):
        moment = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        assert zone.offset(moment) == moment.astimezone(ZoneInfo(iana)).utcoffset(), moment


@pytest.mark.parametrize(("personality", "count"), [("2010", 98), ("2019", 140)])
def test_the_server_lists_its_zones(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any], personality: str, count: int
) -> None:
    ask = make_ask(make_sim(personality))
    (message,) = ask('<m:GetServerTimeZones ReturnFullTimeZoneData="true"/>')
    assert len(list(message.iter(f"{T}TimeZoneDefinition"))) == count
    ids = "<m:Ids><t:Id>UTC</t:Id><t:Id>Nowhere</t:Id></m:Ids>"
    (message,) = ask(f'<m:GetServerTimeZones ReturnFullTimeZoneData="false">{ids}</m:GetServerTimeZones>')
    (zone,) = message.iter(f"{T}TimeZoneDefinition")
    assert [len(child) for child in zone] == [0, 0]


@pytest.mark.parametrize("text", ["PT0S", "-PT1H", "PT5H30M", "P1DT2H", "PT23H59M59.999S", "PT1M"])
def test_durations_go_there_and_back(text: str) -> None:
    assert duration_text(read_duration(text)) == text
