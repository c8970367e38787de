"""The cases in ``cases/*.txt``: iCalendar, the item, and what comes back where it differs.

A case is blocks, each begun by a line ``> word``:

``> case``      its title, on the same line
``> ical``      the lines of an event; UID, DTSTAMP and DTSTART come unless it has its own. A block that begins with
                BEGIN:VCALENDAR is a whole body.
``> item``      attributes of the content that the client's PUT becomes; those not named are not looked at
``> exception`` and an original start: attributes of that changed occurrence. Where there is any such block, or one of
                ``> deleted``, there are no others.
``> deleted``   original starts, a line each
``> instance``  and an original start: attributes of that instance without a master
``> outlook``   attributes of the single event or master that somebody then changes in Exchange
``> back``      the event's lines that the next GET gives; without this block, those of ``> ical``. UID and DTSTAMP are
                not named. Order is free.
``> refused``   instead of all these: the error's name and a part of its sentence
``> exchange``  instead of ``> item``: an item that no client has written; ``> ical`` is what is shown of it. Put as
                it was shown, it changes nothing.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from bridge import errors
from bridge.item import Attendee, AttendeeRole, Content, Item, ItemKind, Person, Response, Zone
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.series import WantedSeries, changed, to_ical, to_items
from bridge.recurrence import (
    AbsoluteMonthly,
    AbsoluteYearly,
    Daily,
    Day,
    Pattern,
    Position,
    Recurrence,
    RelativeMonthly,
    RelativeYearly,
    Weekly,
)

CASES = Path(__file__).parent / "cases"
Blocks = dict[str, list[str]]
Body = Callable[..., bytes]
Hold = Callable[[WantedSeries], tuple[Item, ...]]
KNOWN = {"ical", "item", "exception", "deleted", "instance", "outlook", "back", "refused", "exchange"}


def read_cases() -> Iterator[Any]:
    for path in sorted(CASES.glob("*.txt")):
        for text in re.split(r"^> case ", path.read_text(), flags=re.MULTILINE)[1:]:
            title, _, rest = text.partition("\n")
            pieces = re.split(r"^> (\w+(?: \S+)?)\n", rest, flags=re.MULTILINE)
            blocks = {
                name: [line for line in body.split("\n") if line]
                for name, body in zip(pieces[1::2], pieces[2::2], strict=True)
            }
            assert {name.split()[0] for name in blocks} <= KNOWN, title
            yield pytest.param(blocks, id=f"{path.stem}: {title}")


def read_values(lines: list[str]) -> dict[str, Any]:
    """Read ``attribute = value`` lines by the attribute's type."""
    hints = get_type_hints(Content) | get_type_hints(Item)
    pairs = (line.partition(" =")[::2] for line in lines)
    return {name: read_value(hints[name], text.strip()) for name, text in pairs}


def read_value(kind: Any, text: str) -> Any:
    if text == "None":
        return None
    if kind in READERS:
        return READERS[kind](text)
    return kind(text) if hasattr(kind, "__members__") else text.replace("\\n", "\n")


def read_recurrence(text: str) -> Recurrence:
    """Read ``pattern from DATE``, and ``until DATE`` or ``count NUMBER``."""
    pattern, _, rest = text.partition(" from ")
    start, *ending = rest.split()
    until, number = ("until" in ending, "count" in ending)
    return Recurrence(
        read_pattern(pattern),
        date.fromisoformat(start),
        date.fromisoformat(ending[1]) if until else None,
        int(ending[1]) if number else None,
    )


def read_pattern(text: str) -> Pattern:
    """Read such as ``weekly 2 MO,TH first SU``, ``monthly 1 day 31``, ``monthly 1 Last WE``, ``yearly 3 day 10``."""
    name, number, *more = text.split()
    first = int(number)
    if name == "daily":
        return Daily(first)
    if name == "weekly":
        begins = DAYS[more[2]] if len(more) > 1 else Day.MONDAY
        return Weekly(first, tuple(DAYS[day] for day in more[0].split(",")), begins)
    if more[0] == "day":
        return AbsoluteMonthly(first, int(more[1])) if name == "monthly" else AbsoluteYearly(first, int(more[1]))
    kind = RelativeMonthly if name == "monthly" else RelativeYearly
    return kind(first, DAYS[more[1]], Position(more[0]))


DAYS = {day.value[:2].upper(): day for day in list(Day)[:7]} | {day.value: day for day in Day}


def read_person(text: str) -> Person:
    name, _, address = text.partition(" <")
    return Person(address.rstrip(">"), name) if address else Person(text)


def read_attendee(text: str) -> Attendee:
    role, response, person = text.split(" ", 2)
    return Attendee(read_person(person), AttendeeRole(role), Response(response))


def event_lines(body: bytes) -> list[list[str]]:
    """Give the unfolded lines of each event in order of the alphabet, without UID and DTSTAMP, sub-components whole."""
    text = body.decode().replace("\r\n ", "")
    return [lines_of(part.split("END:VEVENT\r\n")[0]) for part in text.split("BEGIN:VEVENT\r\n")[1:]]


def lines_of(text: str) -> list[str]:
    blocks = re.findall(r"BEGIN:(?:.*\r\n)+?END:.*\r\n|.+\r\n", text)
    return sorted(block.replace("\r\n", "\n") for block in blocks if not re.match(r"(UID|DTSTAMP)[;:]", block))


def whole(lines: list[str], make_body: Body) -> bytes:
    if lines and lines[0].startswith("BEGIN:VCALENDAR"):
        return "".join(f"{line}\r\n" for line in lines).encode()
    return make_body(*lines)


READERS: dict[Any, Callable[[str], Any]] = {
    Zone: Zone,
    bool: lambda text: text == "yes",
    int: int,
    int | None: int,
    str | None: lambda text: text.replace("\\n", "\n"),
    datetime: datetime.fromisoformat,
    datetime | None: datetime.fromisoformat,
    Recurrence | None: read_recurrence,
    Person | None: read_person,
    tuple[Attendee, ...]: lambda text: tuple(map(read_attendee, text.split(" | "))) if text else (),
    tuple[datetime, ...]: lambda text: tuple(map(datetime.fromisoformat, text.split())),
    tuple[str, ...]: lambda text: tuple(text.split(" | ")) if text else (),
}


@pytest.mark.parametrize("blocks", list(read_cases()))
def test_the_case_holds(
    blocks: Blocks, context: Context, make_body: Body, make_item: Callable[..., Item], hold: Hold
) -> None:
    if "exchange" in blocks:
        check_shown(blocks, context, make_body, make_item)
    elif "refused" in blocks:
        check_refused(blocks, context, make_body)
    else:
        check_put(blocks, context, make_body, hold)


def check_put(blocks: Blocks, context: Context, make_body: Body, hold: Hold) -> None:
    body = whole(blocks["ical"], make_body)
    wanted = to_items(parse(body), context, ())
    check_wanted(blocks, wanted)
    items = hold(wanted)
    if "outlook" in blocks:
        items = (changed_in_outlook(items[0], read_values(blocks["outlook"])), *items[1:])
    served = to_ical(items, context).text
    back = whole(blocks["back"], make_body) if "back" in blocks else body
    assert event_lines(served) == event_lines(back)
    check_unchanged(served, context, items)


def check_wanted(blocks: Blocks, wanted: WantedSeries) -> None:
    parts = {f"exception {moment:%Y-%m-%dT%H:%M:%SZ}": one for moment, one in wanted.exceptions.items()}
    parts |= {f"instance {moment:%Y-%m-%dT%H:%M:%SZ}": one for moment, one in wanted.instances.items()}
    for name, lines in blocks.items():
        content = wanted.master if name == "item" else parts.get(name)
        if name.split()[0] in {"item", "exception", "instance"}:
            assert content is not None, name
            for attribute, value in read_values(lines).items():
                assert (name, attribute, getattr(content, attribute)) == (name, attribute, value)
    assert parts.keys() == {name for name in blocks if name.split()[0] in {"exception", "instance"}}
    assert sorted(wanted.deleted) == list(map(datetime.fromisoformat, blocks.get("deleted", [])))


def changed_in_outlook(item: Item, values: dict[str, Any]) -> Item:
    """Change attributes of the content, or of the item; a new time of a series takes its deleted ones along."""
    of_content = {name: value for name, value in values.items() if name in Content.__dataclass_fields__}
    moved = of_content.get("start", item.content.start) - item.content.start
    deleted = tuple(start + moved for start in item.deleted)
    content = replace(item.content, **of_content)
    others = {name: value for name, value in values.items() if name not in of_content}
    return replace(item, content=content, **{"deleted": deleted} | others)


def check_unchanged(served: bytes, context: Context, items: tuple[Item, ...]) -> None:
    """Hold that putting what was served changes nothing."""
    again = to_items(parse(served), context, items)
    if again.master is None:
        assert list(again.instances.values()) == [item.content for item in items]
        return
    assert changed(items[0].content, again.master) == frozenset()
    assert dict(again.exceptions) == {item.original_start: item.content for item in items[1:]}
    assert again.deleted == frozenset(items[0].deleted)


def check_refused(blocks: Blocks, context: Context, make_body: Body) -> None:
    name, _, sentence = blocks["refused"][0].partition(": ")
    with pytest.raises(getattr(errors, name), match=re.escape(sentence)):
        to_items(parse(whole(blocks["ical"], make_body)), context, ())


def check_shown(blocks: Blocks, context: Context, make_body: Body, make_item: Callable[..., Item]) -> None:
    values = read_values(blocks["exchange"])
    of_content = {one.name for one in fields(Content)}
    given: dict[str, Any] = {
        "uid": "uid-1",
        "subject": "",
        "start": datetime.fromisoformat("2026-03-10T09:00:00Z"),
        "end": datetime.fromisoformat("2026-03-10T09:00:00Z"),
    }
    content = Content(**given | {name: value for name, value in values.items() if name in of_content})
    kind = ItemKind.MASTER if content.recurrence else ItemKind.SINGLE
    item = make_item(content, kind=kind, **{name: value for name, value in values.items() if name not in of_content})
    served = to_ical((item,), context).text
    assert event_lines(served) == event_lines(whole(blocks["ical"], make_body))
    check_unchanged(served, context, (item,))
