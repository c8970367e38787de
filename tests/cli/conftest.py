"""The command as a process of its own."""

from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from commands import Running, command


class Start(Protocol):
    """Starts the command."""

    def __call__(self, *arguments: str, **environment: str) -> AbstractContextManager[Running]:
        """Start it with these arguments and further environment variables."""


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return partial(command, tmp_path)
