"""The cases in ``cases/*.txt``: iCalendar, the item, and what comes back where it differs.

A case is blocks, each begun by a line ``> word``:

``> case``      its title, on the same line
``> ical``      the lines of an event; UID, DTSTAMP and DTSTART come unless it has its own. A block that begins with
                BEGIN:VCALENDAR is a whole body.
``> item``      attributes of the content that the client's PUT becomes; those not named are not looked at
``> outlook``   attributes that somebody then changes in Exchange
``> back``      the event's lines that the next GET gives; without this block, those of ``> ical``. UID and DTSTAMP are
                not named. Order is free.
``> refused``   instead of all these: the error's name and a part of its sentence
``> exchange``  instead of ``> item``: an item that no client has written; ``> ical`` is what is shown of it. Put as
                it was shown, it changes nothing.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from bridge import errors
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.event import changed, to_ical, to_item
from bridge.model import Attendee, AttendeeRole, Content, Item, Person, Response, Zone

CASES = Path(__file__).parent / "cases"
Blocks = dict[str, list[str]]
Body = Callable[..., bytes]


def read_cases() -> Iterator[Any]:
    for path in sorted(CASES.glob("*.txt")):
        for text in re.split(r"^> case ", path.read_text(), flags=re.MULTILINE)[1:]:
            title, _, rest = text.partition("\n")
            pieces = re.split(r"^> (\w+)\n", rest, flags=re.MULTILINE)
            blocks = {
                name: [line for line in body.split("\n") if line]
                for name, body in zip(pieces[1::2], pieces[2::2], strict=True)
            }
            assert blocks.keys() <= {"ical", "item", "outlook", "back", "refused", "exchange"}, title
            yield pytest.param(blocks, id=f"{path.stem}: {title}")


def read_values(lines: list[str]) -> dict[str, Any]:
    """Read ``attribute = value`` lines by the attribute's type."""
    hints = get_type_hints(Content) | get_type_hints(Item)
    pairs = (line.partition(" =")[::2] for line in lines)
    return {name: read_value(hints[name], text.strip()) for name, text in pairs}


def read_value(kind: Any, text: str) -> Any:
    if text == "None":
        return None
    if kind in (Zone, datetime, bool, int) or kind == int | None or kind == datetime | None:
        readers: dict[Any, Callable[[str], Any]] = {
            Zone: Zone,
            bool: lambda one: one == "yes",
            int: int,
            int | None: int,
        }
        return readers.get(kind, datetime.fromisoformat)(text)
    if kind == Person | None:
        return read_person(text)
    if kind == tuple[Attendee, ...]:
        return tuple(read_attendee(one) for one in text.split(" | "))
    if kind == tuple[str, ...]:
        return tuple(text.split(" | ")) if text else ()
    return kind(text) if hasattr(kind, "__members__") else text.replace("\\n", "\n")


def read_person(text: str) -> Person:
    name, _, address = text.partition(" <")
    return Person(address.rstrip(">"), name) if address else Person(text)


def read_attendee(text: str) -> Attendee:
    role, response, person = text.split(" ", 2)
    return Attendee(read_person(person), AttendeeRole(role), Response(response))


def event_lines(body: bytes) -> list[str]:
    """Give the event's unfolded lines in order of the alphabet, without UID and DTSTAMP, sub-components whole."""
    text = body.decode().replace("\r\n ", "")
    found = text.split("BEGIN:VEVENT\r\n")[1].split("END:VEVENT\r\n")[0]
    blocks = re.findall(r"BEGIN:(?:.*\r\n)+?END:.*\r\n|.+\r\n", found)
    return sorted(block.replace("\r\n", "\n") for block in blocks if not re.match(r"(UID|DTSTAMP)[;:]", block))


def whole(lines: list[str], make_body: Body) -> bytes:
    if lines[0].startswith("BEGIN:VCALENDAR"):
        return "".join(f"{line}\r\n" for line in lines).encode()
    return make_body(*lines)


@pytest.mark.parametrize("blocks", list(read_cases()))
def test_the_case_holds(blocks: Blocks, context: Context, make_body: Body, make_item: Callable[..., Item]) -> None:
    if "exchange" in blocks:
        check_shown(blocks, context, make_body, make_item)
    elif "refused" in blocks:
        check_refused(blocks, context, make_body)
    else:
        check_put(blocks, context, make_body, make_item)


def check_put(blocks: Blocks, context: Context, make_body: Body, make_item: Callable[..., Item]) -> None:
    body = whole(blocks["ical"], make_body)
    content = to_item(parse(body), context, None).content
    for name, value in read_values(blocks.get("item", [])).items():
        assert (name, getattr(content, name)) == (name, value)
    item = make_item(replace(content, **read_values(blocks.get("outlook", []))))
    served = to_ical(item, context).text
    back = whole(blocks["back"], make_body) if "back" in blocks else body
    assert event_lines(served) == event_lines(back)
    assert changed(item.content, to_item(parse(served), context, item).content) == frozenset()


def check_refused(blocks: Blocks, context: Context, make_body: Body) -> None:
    name, _, sentence = blocks["refused"][0].partition(": ")
    with pytest.raises(getattr(errors, name), match=re.escape(sentence)):
        to_item(parse(whole(blocks["ical"], make_body)), context, None)


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
    item = make_item(content, **{name: value for name, value in values.items() if name not in of_content})
    served = to_ical(item, context).text
    assert event_lines(served) == event_lines(whole(blocks["ical"], make_body))
    assert changed(item.content, to_item(parse(served), context, item).content) == frozenset()
