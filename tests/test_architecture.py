"""The import table: which room may know which, and which third party it may use. This is the truth."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOUNS = {"item", "recurrence", "model", "resource", "errors", "ids"}
ALL_ROOMS = {
    *NOUNS,
    "zones",
    "config",
    "keys",
    "database",
    "sealed",
    "exchange",
    "mapping",
    "ews",
    "state",
    "mirror",
    "sync",
    "accounts",
    "occurrences",
    "freebusy",
    "dav",
    "web",
    "service",
    "storage_plugin",
    "cli",
    "simulator",
}

ROOMS: dict[str, tuple[set[str], set[str]]] = {
    "item": (NOUNS, set()),
    "recurrence": (NOUNS, set()),
    "model": (NOUNS, set()),
    "resource": (NOUNS, set()),
    "errors": (NOUNS, set()),
    "ids": (NOUNS, set()),
    "zones": (NOUNS, {"tzdata"}),
    "config": (NOUNS | {"zones"}, {"cryptography", "psycopg"}),
    "keys": (NOUNS, {"cryptography"}),
    "database": (NOUNS, {"sqlalchemy", "psycopg"}),
    "sealed": (NOUNS | {"keys", "database"}, {"sqlalchemy"}),
    "exchange": (NOUNS, set()),
    "mapping": (NOUNS | {"zones", "occurrences"}, {"icalendar", "lxml"}),
    "ews": (NOUNS | {"zones", "exchange"}, {"exchangelib", "requests", "lxml", "spnego", "cryptography", "cachetools"}),
    "state": (NOUNS | {"keys", "database", "sealed"}, {"sqlalchemy"}),
    "mirror": (NOUNS | {"keys", "database", "sealed"}, {"sqlalchemy", "cachetools"}),
    "sync": (NOUNS | {"exchange", "mapping", "occurrences", "state", "mirror", "zones"}, {"cachetools"}),
    "accounts": (NOUNS | {"config", "keys", "exchange", "state"}, {"cryptography"}),
    "occurrences": (NOUNS | {"zones"}, set()),
    "freebusy": (
        NOUNS | {"zones", "exchange", "occurrences", "mirror", "sync"},
        {"icalendar", "cachetools"},
    ),
    "dav": (NOUNS | {"zones", "occurrences", "mapping"}, {"lxml", "icalendar"}),
    "web": (NOUNS | {"config", "state", "mirror", "sync", "accounts"}, {"jinja2", "prometheus_client"}),
    "service": (ALL_ROOMS - {"storage_plugin", "cli", "simulator", "service"}, {"sqlalchemy"}),
    "storage_plugin": (ALL_ROOMS - {"ews", "cli", "simulator", "storage_plugin"}, {"radicale"}),
    "simulator": (set(), {"lxml", "spnego", "tzdata", "cryptography"}),
    "cli": (ALL_ROOMS, {"click", "gunicorn"}),
}
PARTS = {
    "key_file": "keys",
    "pattern_days": "occurrences",
    "zone_table": "zones",
    "zone_rules": "zones",
    "zone_definition": "item",
}
"""Modules beside the rooms that belong to one of them."""


def _modules() -> list[Path]:
    return sorted(path for path in (ROOT / "bridge").rglob("*.py") if path != ROOT / "bridge" / "__init__.py")


def _room(path: Path) -> str:
    first = path.relative_to(ROOT / "bridge").parts[0].removesuffix(".py")
    return PARTS.get(first, first)


def _imports(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names += [f"{module}.{alias.name}" for alias in node.names] if module == "bridge" else [module]
    return names


def _breaches(room: str, names: list[str]) -> list[str]:
    own, third = ROOMS[room]
    found = []
    for name in names:
        first, _, rest = name.partition(".")
        target = rest.split(".")[0]
        target = PARTS.get(target, target)
        if first == "bridge" and target not in own | {room}:
            found.append(name)
        if first == "":
            found.append(f"{name} (relative)")
        if first in FOREIGN - third:
            found.append(name)
    return found


FOREIGN = {
    "cachetools",
    "caldav",
    "click",
    "cryptography",
    "exchangelib",
    "gunicorn",
    "icalendar",
    "jinja2",
    "lxml",
    "msal",
    "prometheus_client",
    "psycopg",
    "radicale",
    "requests",
    "spnego",
    "sqlalchemy",
    "tzdata",
    "vobject",
}


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_what_its_row_names(path: Path) -> None:
    room = _room(path)
    assert room in ROOMS, f"{path} belongs to no room"
    assert _breaches(room, _imports(ast.parse(path.read_text()))) == []


def _functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_imported_inside_a_function(path: Path) -> None:
    inside = [
        f"{function.name}: line {node.lineno}"
        for function in _functions(ast.parse(path.read_text()))
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inside == []


def test_a_breach_is_found() -> None:
    tree = ast.parse("import radicale\nfrom bridge.ews.wire import call\nfrom bridge import cli\nfrom . import x\n")
    assert _breaches("mapping", _imports(tree)) == ["radicale", "bridge.ews.wire", "bridge.cli", ". (relative)"]
