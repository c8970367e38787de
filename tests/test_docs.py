"""That the tables in the documentation are those of the code."""

from docs.mapping_tables import PAGE, written_page


def test_the_page_of_the_mapping_is_the_mapping() -> None:
    page = PAGE.read_text("utf-8")
    assert page.count("<!-- table:") == page.count("<!-- end -->") > 5
    assert page == written_page(page), "make docs writes it anew"
