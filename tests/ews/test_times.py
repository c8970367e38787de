"""Zones as EWS carries them: what is read is what was written, and a real server's rules are ours."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.ews.times import DefinitionNotUnderstood, from_definition, from_zone, to_zone, with_rules
from bridge.ews.xml import TYPES, type_element
from bridge.item import Zone
from bridge.zone_definition import ClockChange, ZoneDefinition, ZoneEra
from bridge.zone_rules import make_definition, make_rules
from bridge.zones import IANA_TO_WINDOWS, WINDOWS_TO_IANA, load_zone, to_custom, to_rules

STANDARD = '<t:Periods><t:Period Bias="PT1H" Name="Standard" Id="S"/></t:Periods>'
TO_FIRST = '<t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions>'
CHANGES = st.builds(
    ClockChange,
    month=st.integers(1, 12),
    seconds=st.integers(0, 86400),
    offset=st.integers(-12 * 60, 14 * 60).map(lambda minutes: minutes * 60),
    is_daylight=st.booleans(),
    weekday=st.integers(0, 6),
    position=st.sampled_from([1, 2, 3, 4, -1]),
)


@st.composite
def definitions(draw: st.DrawFn) -> ZoneDefinition:
    years = sorted(draw(st.sets(st.integers(1970, 2100), max_size=4)))
    eras = []
    for year in [None, *years]:
        yearly = draw(st.lists(CHANGES, max_size=2))
        standard = [one.offset for one in yearly if not one.is_daylight]
        offset = standard[0] if standard else draw(CHANGES).offset
        if yearly and not standard:
            offset = yearly[0].offset
        eras.append(ZoneEra(offset, tuple(yearly), date(year, 1, 1) if year else None))
    return ZoneDefinition(tuple(eras), "Ours")


@given(definitions())
def test_a_definition_that_was_written_is_read_as_it_was(definition: ZoneDefinition) -> None:
    zone = Zone("tzone://Microsoft/Custom/1", definition)
    written = to_zone("StartTimeZone", zone)
    assert etree.QName(written).localname == "StartTimeZone"
    read = from_zone(written)
    assert read == zone
    assert read.definition is not None
    assert read.definition.name == "Ours"


def test_the_end_of_a_day_is_its_last_millisecond_as_exchange_has_it() -> None:
    change = ClockChange(3, 86400, 3600, is_daylight=True, weekday=5)
    zone = to_custom(ZoneDefinition((ZoneEra(0, (change,)),)))
    written = etree.tostring(to_zone("StartTimeZone", zone), encoding="unicode")
    assert "<t:TimeOffset>PT23H59M59.999S</t:TimeOffset>" in written


def test_a_change_on_a_day_of_the_month_comes_back() -> None:
    change = ClockChange(3, 7200, 12600, is_daylight=True, day=21)
    zone = to_custom(ZoneDefinition((ZoneEra(12600, (change,)),)))
    assert from_zone(to_zone("EndTimeZone", zone)).definition == zone.definition


@pytest.mark.parametrize(
    "text",
    [
        "",
        '<t:Periods><t:Period Bias="x" Name="Standard" Id="S"/></t:Periods>',
        STANDARD + TO_FIRST.replace("0", "7"),
        f'{STANDARD}<t:TransitionsGroups><t:TransitionsGroup Id="0"/></t:TransitionsGroups>{TO_FIRST}',
    ],
    ids=["nothing", "no duration", "no such group", "an empty group"],
)
def test_what_makes_no_sense_is_no_definition_and_leaves_the_id(text: str) -> None:
    element = etree.fromstring(f'<t:StartTimeZone xmlns:t="{TYPES}" Id="Ours">{text}</t:StartTimeZone>')
    with pytest.raises(DefinitionNotUnderstood):
        from_definition(element)
    assert from_zone(element) == Zone("Ours")


def test_a_definition_without_an_id_gets_one_of_its_rules() -> None:
    definition = ZoneDefinition((ZoneEra(1020),))
    element = to_zone("StartTimeZone", Zone("x", definition))
    del element.attrib["Id"]
    assert from_zone(element) == to_custom(definition)


def test_a_known_id_has_rules_only_where_they_are_not_ours() -> None:
    berlin = Zone("W. Europe Standard Time")
    ours = make_definition(load_zone("Europe/Berlin"), 2000, 2030)
    told = to_zone("StartTimeZone", Zone(berlin.id, ours))
    assert from_zone(told) == berlin
    assert with_rules(berlin, told, 2000, 2030) == berlin
    other = ZoneDefinition((ZoneEra(3600),))
    assert with_rules(berlin, to_zone("StartTimeZone", Zone(berlin.id, other)), 2000, 2030) == Zone(berlin.id, other)
    assert with_rules(berlin, type_element("StartTimeZone", Id=berlin.id), 2000, 2030) == berlin


@pytest.mark.recordings
def test_a_real_servers_zones_are_read_and_most_are_ours(schemas_root: Path) -> None:
    tree = etree.parse(schemas_root / "recordings" / "Exchange2010" / "GetServerTimeZones-2010-full.xml")
    found = {one.get("Id", ""): from_definition(one) for one in tree.iter(f"{{{TYPES}}}TimeZoneDefinition")}
    assert len(found) == 98
    wrong = set()
    for id_, definition in found.items():
        theirs, ours = make_rules(definition, id_), to_rules(Zone(id_))
        assert ours is not None
        for hours in range(0, 366 * 24, 7):
            moment = datetime(2009, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
            if moment.astimezone(theirs).utcoffset() != moment.astimezone(ours).utcoffset():
                wrong.add(id_)
    assert len(wrong) < 15, wrong
    assert set(found) <= set(WINDOWS_TO_IANA)


@given(name=st.sampled_from(sorted(IANA_TO_WINDOWS)), first=st.integers(1990, 2030))
def test_rules_made_into_a_definition_come_back_through_the_wire(name: str, first: int) -> None:
    made = make_definition(load_zone(name), first, first + 5)
    assert from_zone(to_zone("StartTimeZone", to_custom(made))).definition == made
