"""``exchange-bridge serve``: the bridge, served."""

import click

from bridge.cli.server import run
from bridge.cli.settings import config_option, read_settings, told


@click.command()
@config_option
def serve(path: str | None) -> None:
    """Serve the calendars, until Ctrl-C or a termination signal ends it."""
    settings = read_settings(path)

    def say(url: str) -> None:
        click.echo(f"Exchange calendars are served at {url}")

    with told():
        run(settings, say)
