"""Every rule has a source and is obeyed somewhere; the assumed ones are counted aloud."""

from dataclasses import fields
from pathlib import Path

from bridge.simulator import PERSONALITIES, assumed, rules
from bridge.simulator.fixed_rules import FIXED

ROOM = Path(rules.__file__).parent


def test_every_rule_has_a_source() -> None:
    names = {field.name for field in fields(rules.Rules)}
    assert names == set(rules.SOURCES)
    assert not names & set(FIXED)
    for source in [*rules.SOURCES.values(), *(source for _, source in FIXED.values())]:
        assert source == "assumed" or source.startswith(("[V]", "[D]", "[C]", "[R]", "[W]", "MS-", "Microsoft's"))


def test_every_switch_is_asked_for() -> None:
    code = "".join(path.read_text() for path in ROOM.rglob("*.py") if path.name != "rules.py")
    assert [field.name for field in fields(rules.Rules) if f"rules.{field.name}" not in code] == []


def test_personalities_differ_where_they_should() -> None:
    assert set(PERSONALITIES) == {"2007", "2010", "2013", "2019", "online", "lenient"}
    levels = [PERSONALITIES[name].level for name in ("2007", "2010", "2013", "2019", "online")]
    assert levels == sorted(set(levels))


def test_what_is_assumed_is_told_apart() -> None:
    assert "private_items" in assumed()
    assert "stale_key" not in assumed()
