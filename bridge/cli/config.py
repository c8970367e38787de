"""``exchange-bridge config check``: whether the configuration is right."""

import click

from bridge.cli.settings import config_option, read_settings
from bridge.database import server_name


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@config_option
def check(path: str | None) -> None:
    """Say every mistake of the configuration; exit code 2 when there is one."""
    settings = read_settings(path)
    click.echo("The configuration is right.")
    click.echo(f"  Exchange  {settings.exchange.url}")
    click.echo(f"  Listens   http://{settings.server.listen}/")
    if settings.server.url:
        click.echo(f"  Reached   {settings.server.url}/")
    click.echo(f"  State     {settings.state.folder}")
    if settings.state.database is not None:
        click.echo(f"  Database  {server_name(settings.state.database)}")
    if settings.shares:
        click.echo(f"  Shares    {len(settings.shares)}")
