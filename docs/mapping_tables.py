"""Writes the tables of docs/mapping.md from the code that does the mapping: ``make docs``.

The page is written by hand but for what stands between ``<!-- table: NAME -->`` and ``<!-- end -->``.
"""

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
from docs.tables import code, table, with_tables

PAGE = Path(__file__).with_name("mapping.md")


def written_page(page: str) -> str:
    """Give the page with its tables as they are now."""
    return with_tables(page, _TABLES)


def _fields() -> str:
    head = ("iCalendar", "at Exchange", "to Exchange", "to the client")
    return table(head, (_field_row(one, NOTES[one.name]) for one in FIELDS))


def _field_row(field: Field, note: Note) -> Iterator[str]:
    attributes = {str(name) for name in field.attributes} | note.reads
    elements = [element for element, names in MAPPED.items() if attributes & set(names.split(", "))]
    yield code([field.name, *sorted(field.ical - {field.name})])
    yield code(elements)
    yield note.to_exchange
    yield note.to_client


def _rows(rows: Iterable[Row]) -> str:
    return table(
        ("from", "name", "", ""),
        ([row.source, f"`{row.name}`" if row.name[-1] != "d" else row.name, row.fate, row.note] for row in rows),
    )


def _passed_over() -> str:
    reasons: dict[str, list[str]] = {}
    for element, reason in PASSED_OVER.items():
        reasons.setdefault(reason, []).append(element)
    return table(("element", "why"), ([code(names), reason] for reason, names in reasons.items()))


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
