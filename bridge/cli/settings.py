"""The option every command that needs the configuration has, and how its mistakes are told."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, TypeVar

import click

from bridge import config
from bridge.errors import ConfigurationInvalid, Unavailable

_Command = TypeVar("_Command", bound=Callable[..., Any])


class BadConfiguration(click.ClickException):
    """The configuration is wrong: every mistake on a line of its own, exit code 2."""

    exit_code = 2

    def __init__(self, problems: Sequence[str]) -> None:
        """Take one sentence per mistake."""
        super().__init__("\n".join(problems))

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentences to standard error."""
        click.echo(self.message, file=file, err=file is None)


def config_option(command: _Command) -> _Command:
    """Give the command the option ``--config FILE`` as its parameter ``path``."""
    text = f"The configuration; else the file that {config.CONFIG_VARIABLE} names."
    return click.option("--config", "path", metavar="FILE", help=text)(command)


@contextmanager
def told() -> Iterator[None]:
    """Turn ConfigurationInvalid, and what may go well another time, into what click prints."""
    try:
        yield
    except ConfigurationInvalid as error:
        raise BadConfiguration(error.problems) from error
    except Unavailable as error:
        raise click.ClickException(str(error)) from error


def read_settings(path: str | None) -> config.Settings:
    """Read the configuration. Raises BadConfiguration, which click prints."""
    with told():
        return config.load(config.find(path, os.environ))
