"""The option every command that needs the configuration has, and how its mistakes are told."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, TypeVar

import click

from bridge import config
from bridge.errors import ConfigurationInvalid, Unavailable
from bridge.service import Stores, stores

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


def read_by(reader: Callable[[Any], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Read an option by a rule of the configuration's; None, where it is not given, stays None."""

    def read(_context: click.Context, _option: click.Parameter, value: str | None) -> Any:
        try:
            return None if value is None else reader(value)
        except ValueError as error:
            raise click.BadParameter(f"it {error}.") from error

    return read


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, under their headings."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@contextmanager
def told() -> Iterator[None]:
    """Turn ConfigurationInvalid, and what may go well another time, into what click prints."""
    try:
        yield
    except ConfigurationInvalid as error:
        raise BadConfiguration(error.problems) from error
    except Unavailable as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def at_rest(path: str | None) -> Iterator[tuple[config.Settings, Stores]]:
    """Give the settings and what is at rest. What is wrong with either, and a store out of reach, click prints."""
    settings = read_settings(path)
    with told(), stores(settings) as found:
        try:
            yield settings, found
        except Unavailable as error:
            raise click.ClickException(f"{error} Try again.") from error


def read_settings(path: str | None) -> config.Settings:
    """Read the configuration. Raises BadConfiguration, which click prints."""
    with told():
        return config.load(config.find(path, os.environ))
