"""That the tables in the documentation are those of the code."""

from pathlib import Path

import pytest

from bridge.simulator.faults import KINDS
from docs import bounds, fault_matrix, mapping_tables, reliability_tables


def test_the_page_of_the_mapping_is_the_mapping() -> None:
    page = mapping_tables.PAGE.read_text("utf-8")
    assert page.count("<!-- table:") == page.count("<!-- end -->") > 5
    assert page == mapping_tables.written_page(page), "make docs writes it anew"


def test_the_page_of_reliability_tells_the_rules_and_the_bounds() -> None:
    page = reliability_tables.PAGE.read_text("utf-8")
    assert page.count("<!-- table:") == page.count("<!-- end -->") == 3
    assert page == reliability_tables.written_page(page), "make docs writes it anew"


def test_every_knob_has_its_place_in_the_matrix() -> None:
    turned = {trouble.knob.kind for trouble in fault_matrix.TROUBLES}
    assert turned >= fault_matrix.BEYOND.keys()
    assert turned - fault_matrix.BEYOND.keys() == KINDS.keys() - fault_matrix.OF_WATCHING
    names = [trouble.name for trouble in fault_matrix.TROUBLES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("bound", bounds.BOUNDS, ids=lambda bound: bound.what)
def test_every_bound_has_its_test(bound: bounds.Bound) -> None:
    file, _, name = bound.test.partition("::")
    assert f"def {name}(" in (Path(__file__).parent / file).read_text("utf-8")
