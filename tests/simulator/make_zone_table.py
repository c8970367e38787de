"""Write `bridge/simulator/zone_table.py` from a GetServerTimeZones answer: `make_zone_table.py ANSWER.xml`."""

import re
import sys
from pathlib import Path

from lxml import etree

TYPES = "{http://schemas.microsoft.com/exchange/services/2006/types}"
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
TARGET = Path(__file__).parents[2] / "bridge" / "simulator" / "zone_table.py"
WIDTH = 100
HEAD = '''"""The time zones of an Exchange server, as facts: one zone a paragraph.

A paragraph is `id = display name`, then the year groups, the first without a beginning. A group reads
`label:bias[,bias of daylight time;transition,transition]`; biases are minutes to add to local time to get UTC;
a transition reads `S` (to standard) or `D` (to daylight time), `month.occurrence.weekday@time` with -1 for the
last and 0 for Sunday. A group's label is the year it begins in, except the first's, which is only its name.

Source: what Exchange 2010 SP1 (14.1.289) answers to GetServerTimeZones. Written by
`tests/simulator/make_zone_table.py`, not by hand.
"""

TABLE = """
'''


def minutes(duration: str) -> int:
    """Minutes of an xs:duration of hours and minutes."""
    found = re.fullmatch(r"(-?)PT(?:(\d+)H)?(?:(\d+)M)?(?:0S)?", duration)
    assert found, duration
    return (-1 if found[1] else 1) * (int(found[2] or 0) * 60 + int(found[3] or 0))


def clock(duration: str) -> str:
    """Time of day of an xs:duration since midnight."""
    found = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", duration)
    assert found, duration
    return f"{int(found[1] or 0):02}:{int(found[2] or 0):02}" + (f":{found[3]}" if found[3] else "")


def group_text(group: etree._Element, biases: dict[str, int]) -> str:
    """One year group as the table writes it."""
    label, standard, daylight, moves = "", "", "", []
    for transition in group:
        target = transition.findtext(TYPES + "To") or ""
        label, kind = target.rsplit("/", 1)[1].split("-")
        if kind == "Standard":
            standard = str(biases[target])
        else:
            daylight = str(biases[target])
        if etree.QName(transition).localname == "RecurringDayTransition":
            day = DAYS.index(transition.findtext(TYPES + "DayOfWeek") or "")
            when = f"{transition.findtext(TYPES + 'Month')}.{transition.findtext(TYPES + 'Occurrence')}.{day}"
            moves.append(f"{kind[0]}{when}@{clock(transition.findtext(TYPES + 'TimeOffset') or '')}")
    return f"{label}:{standard}" + (f",{daylight};{','.join(moves)}" if moves else "")


def paragraph(zone: etree._Element) -> str:
    """One zone as the table writes it."""
    biases = {p.get("Id", ""): minutes(p.get("Bias", "")) for p in zone.iter(TYPES + "Period")}
    lines = [f"{zone.get('Id')} = {zone.get('Name')}"]
    line = ""
    for group in zone.iter(TYPES + "TransitionsGroup"):
        text = group_text(group, biases)
        if line and len(line) + len(text) >= WIDTH:
            lines.append(line)
            line = ""
        line = f"{line} {text}" if line else text
    return "\n".join([*lines, line])


def main() -> None:
    """Read the answer named on the command line, write the table."""
    zones = etree.parse(sys.argv[1]).iter(TYPES + "TimeZoneDefinition")
    TARGET.write_text(HEAD + "\n".join(paragraph(zone) for zone in zones) + '\n"""\n', encoding="utf-8")


if __name__ == "__main__":
    main()
