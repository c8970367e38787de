"""Tables in pages written by hand: what stands between ``<!-- table: NAME -->`` and ``<!-- end -->``."""

import re
from collections.abc import Callable, Iterable, Mapping

_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(page: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """Give the page with its tables as they are now."""
    return _TABLE.sub(lambda found: f"{found[1]}\n{tables[found[2]]()}\n{found[3]}", page)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Give a table with this head."""
    heads = list(head)
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def code(names: Iterable[str]) -> str:
    """Give names as code."""
    return ", ".join(f"`{name}`" for name in names)
