"""``exchange-bridge share add|list|remove``: others' calendars that people see beside their own."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import click

from bridge import config
from bridge.cli.settings import config_option, print_table, read_by, read_settings, told
from bridge.config import Settings, Share, read_address, read_shared_folder
from bridge.ids import DEFAULT_CALENDAR
from bridge.model import Address
from bridge.service import added_shares
from bridge.state.shares import AddedShare, Shares

_HEADINGS = ("VIEWER", "OWNER", "FOLDER", "FROM")


def _share_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command the options that name a share."""
    address, folder = read_by(read_address), read_by(read_shared_folder)
    helped = "Which calendar of the owner's; only the default one so far."
    for option in (
        click.option("--folder", callback=folder, metavar="NAME", default=DEFAULT_CALENDAR, help=helped),
        click.option("--owner", callback=address, metavar="ADDRESS", required=True, help="Whose calendar."),
        click.option("--viewer", callback=address, metavar="ADDRESS", required=True, help="Who is to see it."),
        config_option,
    ):
        command = option(command)
    return command


@click.group()
def share() -> None:
    """Show people calendars of others, as far as Exchange lets them. A running bridge follows within seconds."""


@share.command()
@_share_options
def add(path: str | None, viewer: Address, owner: Address, folder: str) -> None:
    """Let a person see another's calendar beside his own."""
    settings, wanted = read_settings(path), _wanted(viewer, owner, folder)
    if wanted in settings.shares:
        click.echo(f"It is there already: it stands in {_file(path)}.")
        return

    def work(shares: Shares) -> None:
        is_new = shares.add(settings.exchange.organisation, _added(wanted))
        click.echo(f"{viewer} sees {owner}'s {folder}{', as far as Exchange allows' if is_new else ' already'}.")

    _with_added(settings, work)


@share.command()
@_share_options
def remove(path: str | None, viewer: Address, owner: Address, folder: str) -> None:
    """Let a person see another's calendar no more."""
    settings, wanted = read_settings(path), _wanted(viewer, owner, folder)
    if wanted in settings.shares:
        raise click.ClickException(
            f"This share stands in {_file(path)}: take its [[share]] out there and restart the bridge."
        )

    def work(shares: Shares) -> None:
        if not shares.remove(settings.exchange.organisation, _added(wanted)):
            raise click.ClickException("There is no such share; `exchange-bridge share list` shows those there are.")
        click.echo(f"{viewer} sees {owner}'s {folder} no more.")

    _with_added(settings, work)


@share.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of objects.")
def list_(path: str | None, *, as_json: bool) -> None:
    """List the shares, those of the configuration and those that were added."""
    settings = read_settings(path)
    rows = [(one.viewer, one.owner, one.folder, "configuration") for one in settings.shares]

    def work(shares: Shares) -> None:
        added = shares.all(settings.exchange.organisation)
        rows.extend((one.viewer, one.owner, one.folder, "added") for one in added)

    _with_added(settings, work)
    if as_json:
        keys = [heading.lower() for heading in _HEADINGS]
        click.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2, ensure_ascii=False))
    elif rows:
        print_table(_HEADINGS, rows)
    else:
        click.echo("There are no shares.")


def _wanted(viewer: Address, owner: Address, folder: str) -> Share:
    if viewer == owner:
        raise click.UsageError("The viewer and the owner are the same; one's own calendars need no share.")
    return Share(viewer, owner, folder)


def _added(wanted: Share) -> AddedShare:
    return AddedShare(wanted.viewer, wanted.owner, wanted.folder)


def _file(path: str | None) -> Path:
    return config.find(path, os.environ)


def _with_added(settings: Settings, work: Callable[[Shares], None]) -> None:
    with told(), added_shares(settings) as shares:
        work(shares)
