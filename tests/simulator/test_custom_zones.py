"""Zones of a client's own: a series keeps their clock, and they come back as definitions."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from bridge.simulator import Simulator, zones
from bridge.simulator.zone_xml import read_zone

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
TYPES = ' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
TIMES = "<t:Start>2026-03-28T09:00:00Z</t:Start><t:End>2026-03-28T10:00:00Z</t:End>"
DAILY = (
    "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence>"
    "<t:StartDate>2026-03-28</t:StartDate><t:NumberOfOccurrences>{}</t:NumberOfOccurrences></t:NumberedRecurrence>"
    "</t:Recurrence>"
)
VIEW = (
    '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:CalendarView '
    'StartDate="2026-03-01T00:00:00Z" EndDate="2026-05-01T00:00:00Z"/><m:ParentFolderIds>'
    '<t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>'
)
ZONES = [f'<t:FieldURI FieldURI="calendar:{name}TimeZone"/>' for name in ("Start", "End")]


def group(number: int, month: str, day: int) -> str:
    """Give a group that goes to summer time on a date and back in November."""
    moves = "".join(
        f'<t:RecurringDateTransition><t:To Kind="Period">{to}</t:To><t:TimeOffset>PT2H</t:TimeOffset>'
        f"<t:Month>{month}</t:Month><t:Day>{day}</t:Day></t:RecurringDateTransition>"
        for to, month, day in (("summer", month, day), ("winter", "11", 1))
    )
    return f'<t:TransitionsGroup Id="g{number}">{moves}</t:TransitionsGroup>'


def definition(tag: str = "StartTimeZone", zone_id: str = "tzone://Microsoft/Custom", since: str = "2026-01-01") -> str:
    """Give a zone an hour before UTC whose summer began on 10 March, and since a date begins on 30 March."""
    return (
        f'<t:{tag} Id="{zone_id}" Name="Our time"><t:Periods><t:Period Bias="PT1H" Name="Standard" Id="winter"/>'
        f'<t:Period Bias="PT0S" Name="Daylight" Id="summer"/></t:Periods><t:TransitionsGroups>{group(0, "3", 10)}'
        f'{group(1, "3", 30)}</t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind="Group">g0</t:To>'
        f'</t:Transition><t:AbsoluteDateTransition><t:To Kind="Group">g1</t:To><t:DateTime>{since}T00:00:00'
        f"</t:DateTime></t:AbsoluteDateTransition></t:Transitions></t:{tag}>"
    )


def starts(ask: Any) -> list[str]:
    (message,) = ask(VIEW)
    return [element.text for element in message.iter(f"{T}Start")]


def canonical(element: Any) -> Any:
    return read_zone(etree.fromstring(etree.tostring(element)))


@pytest.mark.parametrize("zone_id", ["tzone://Microsoft/Custom", "Our own", "W. Europe Standard Time"])
def test_a_series_keeps_the_clock_of_a_zone_of_ones_own(ask: Any, zone_id: str) -> None:
    ask.create(f"{TIMES}{DAILY.format(4)}{definition(zone_id=zone_id)}")
    assert starts(ask) == [
        f"2026-03-{day}T{hour}:00:00Z" for day, hour in ((28, "09"), (29, "09"), (30, "08"), (31, "08"))
    ]


def test_the_rules_of_other_years_are_not_those_of_this(ask: Any) -> None:
    ask.create(f"{TIMES}{DAILY.format(4)}{definition(since='2027-01-01')}")
    assert {start[11:13] for start in starts(ask)} == {"09"}


def test_the_definition_comes_back(ask: Any) -> None:
    ours = definition()
    item = ask.item(ask.create(f"{TIMES}{DAILY.format(4)}{ours}"), "".join(ZONES))
    sent = read_zone(etree.fromstring(ours.replace("<t:StartTimeZone", f"<t:StartTimeZone{TYPES}")))
    told = item.find(f"{T}StartTimeZone")
    assert (told.get("Id"), told.get("Name")) == ("tzone://Microsoft/Custom", "Our time")
    assert canonical(told) == canonical(item.find(f"{T}EndTimeZone")) == sent
    assert item.findtext(f"{T}TimeZone") == "Our time"


def test_ids_within_a_definition_are_not_to_be_leaned_on(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]
) -> None:
    ask = make_ask(make_sim("online"))
    item = ask.item(ask.create(f"{TIMES}{DAILY.format(4)}{definition()}"), ZONES[0])
    zone = canonical(item.find(f"{T}StartTimeZone"))
    assert {period.id for period in zone.periods}.isdisjoint({"winter", "summer"})
    assert [str(period.bias) for period in zone.periods] == ["1:00:00", "0:00:00"]
    assert [zone.to_utc(datetime(2026, 3, day, 8)).hour for day in (28, 31)] == [9, 8]  # noqa: DTZ001
    assert {start[11:13] for start in starts(ask)} == {"09", "08"}


def test_a_zone_without_a_name_has_none(ask: Any) -> None:
    nameless = definition().replace(' Name="Our time"', "")
    item = ask.item(ask.create(f"{TIMES}{nameless}"), ZONES[0])
    assert item.find(f"{T}StartTimeZone").get("Name") is None
    assert item.findtext(f"{T}TimeZone") == "tzone://Microsoft/Custom"


def test_utc_has_a_second_name(ask: Any) -> None:
    item = ask.item(ask.create(f'{TIMES}<t:StartTimeZone Id="tzone://Microsoft/Utc"/>'), ZONES[0])
    assert item.find(f"{T}StartTimeZone").get("Id") == "UTC"


@pytest.mark.parametrize(
    "wrong",
    [
        definition().replace('<t:Transition><t:To Kind="Group">g0</t:To></t:Transition>', ""),
        definition().replace('Kind="Group">g1<', 'Kind="Group">g7<'),
        '<t:StartTimeZone Id="tzone://Microsoft/Custom"/>',
    ],
)
def test_definitions_that_say_no_time_are_refused(ask: Any, wrong: str) -> None:
    text = '<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>{}</t:CalendarItem></m:Items>'
    assert ask.code(f"{text.format(TIMES + wrong)}</m:CreateItem>") == "ErrorTimeZone"


def test_the_definitions_asked_for_have_the_rules_of_every_year(ask: Any) -> None:
    ids = "".join(f"<t:Id>{name}</t:Id>" for name in ("Eastern Standard Time", "Nowhere", "India Standard Time"))
    (message,) = ask(f'<m:GetServerTimeZones ReturnFullTimeZoneData="true"><m:Ids>{ids}</m:Ids></m:GetServerTimeZones>')
    found = {zone.get("Id"): canonical(zone) for zone in message.iter(f"{T}TimeZoneDefinition")}
    assert list(found) == ["Eastern Standard Time", "India Standard Time"]
    assert found["Eastern Standard Time"] == zones.named("Eastern Standard Time")
    march = [found["Eastern Standard Time"].offset(datetime(year, 3, 20, 12, tzinfo=UTC)) for year in (2006, 2007)]
    assert [str(abs(offset)) for offset in march] == ["5:00:00", "4:00:00"]
