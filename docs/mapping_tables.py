"""Writes the tables of docs/mapping.md from the code that does the mapping: ``make docs``.

The page is written by hand but for what stands between ``<!-- table: NAME -->`` and ``<!-- end -->``.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from bridge.ews.coverage import MAPPED, PASSED_OVER
from bridge.mapping.field import Field
from bridge.mapping.specification import (
    ALARM_PROPERTIES,
    AROUND,
    COMPONENTS,
    NOTES,
    PARAMETERS,
    PROPERTIES,
    Note,
    Row,
)
from bridge.mapping.table import FIELDS

PAGE = Path(__file__).with_name("mapping.md")
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def written_page(page: str) -> str:
    """Give the page with its tables as they are now."""
    return _TABLE.sub(lambda found: f"{found[1]}\n{_TABLES[found[2]]()}\n{found[3]}", page)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(head)
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _fields() -> str:
    head = ("iCalendar", "at Exchange", "to Exchange", "to the client")
    return _table(head, (_field_row(one, NOTES[one.name]) for one in FIELDS))


def _field_row(field: Field, note: Note) -> Iterator[str]:
    attributes = {str(name) for name in field.attributes} | note.reads
    elements = [element for element, names in MAPPED.items() if attributes & set(names.split(", "))]
    yield _code([field.name, *sorted(field.ical - {field.name})])
    yield _code(elements)
    yield note.to_exchange
    yield note.to_client


def _rows(table: Iterable[Row]) -> str:
    return _table(
        ("from", "name", "", ""),
        ([row.source, f"`{row.name}`" if row.name[-1] != "d" else row.name, row.fate, row.note] for row in table),
    )


def _passed_over() -> str:
    reasons: dict[str, list[str]] = {}
    for element, reason in PASSED_OVER.items():
        reasons.setdefault(reason, []).append(element)
    return _table(("element", "why"), ([_code(names), reason] for reason, names in reasons.items()))


_TABLES: Mapping[str, Callable[[], str]] = {
    "fields": _fields,
    "properties": lambda: _rows(PROPERTIES),
    "around": lambda: _rows(AROUND),
    "components": lambda: _rows(COMPONENTS),
    "alarms": lambda: _rows(ALARM_PROPERTIES),
    "parameters": lambda: _rows(PARAMETERS),
    "elements": _passed_over,
}

if __name__ == "__main__":
    PAGE.write_text(written_page(PAGE.read_text("utf-8")), "utf-8")
