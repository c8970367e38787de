"""What every test shares: tests that need foreign data say so by a mark and are skipped where it is not."""

import os
from pathlib import Path

import pytest

from bridge.simulator.rules import assumed

_NEEDS = {
    "schemas": ("EXCHANGE_SCHEMAS", "schemas"),
    "recordings": ("EXCHANGE_SCHEMAS", "recordings"),
    "corpus": ("ICALENDAR_CORPUS", "objects"),
}


def _is_there(variable: str, folder: str) -> bool:
    root = os.environ.get(variable)
    return bool(root) and (Path(root or "") / folder).is_dir()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark, (variable, folder) in _NEEDS.items():
            if item.get_closest_marker(mark) and not _is_there(variable, folder):
                item.add_marker(pytest.mark.skip(reason=f"{variable} names no folder with {folder}/"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much of the simulated Exchange rests on nobody's word."""
    terminalreporter.write_line(f"The simulated Exchange follows {len(assumed())} rules that are assumed.")
