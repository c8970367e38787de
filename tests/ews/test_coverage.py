"""That no element of a calendar item is forgotten: each is mapped, or passed over for a reason."""

import os
from dataclasses import fields
from pathlib import Path

import pytest
from lxml import etree

from bridge.ews.coverage import MAPPED, PASSED_OVER
from bridge.ews.items import WRITTEN
from bridge.ews.reading import READ
from bridge.item import Content, Item

XSD = {"x": "http://www.w3.org/2001/XMLSchema"}


@pytest.mark.schemas
@pytest.mark.parametrize("names", [MAPPED.keys() | PASSED_OVER.keys()])
def test_every_element_of_the_schema_stands_in_one_of_the_tables(names: set[str]) -> None:
    schema = etree.parse(Path(os.environ["EXCHANGE_SCHEMAS"]) / "schemas" / "types.xsd")
    types = "//x:complexType[@name='ItemType' or @name='CalendarItemType']//x:element/@name"
    found = schema.xpath(types, namespaces=XSD)
    assert isinstance(found, list)
    assert names == {str(name) for name in found}


def test_no_element_stands_in_both() -> None:
    assert not MAPPED.keys() & PASSED_OVER.keys()
    assert all(PASSED_OVER.values())


def test_what_is_mapped_is_what_is_read_and_written() -> None:
    written = {row.path.partition(":")[2] for row in WRITTEN if ":" in row.path}
    assert written | READ == MAPPED.keys()


def test_the_attributes_are_there() -> None:
    known = {one.name for one in (*fields(Content), *fields(Item))}
    assert {name for names in MAPPED.values() for name in names.split(", ")} == known - {"content"}
