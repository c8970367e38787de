"""Writes the tables of docs/reliability.md: ``make docs``."""

from pathlib import Path

from docs import bounds, fault_matrix
from docs.tables import with_tables

PAGE = Path(__file__).with_name("reliability.md")


def written_page(page: str) -> str:
    """Give the page with its tables as they are now."""
    return with_tables(page, {**fault_matrix.TABLES, **bounds.TABLES})


if __name__ == "__main__":
    PAGE.write_text(written_page(PAGE.read_text("utf-8")), "utf-8")
