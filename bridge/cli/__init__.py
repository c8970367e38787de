"""The command ``exchange-bridge``: one file per command."""

import click

from bridge.cli.config import config as config_group
from bridge.cli.demo import demo as demo_command
from bridge.cli.mirror import mirror as mirror_group
from bridge.cli.serve import serve as serve_command
from bridge.cli.share import share as share_group
from bridge.cli.simulate import simulate as simulate_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="exchange-caldav-bridge", prog_name="exchange-bridge")
def main() -> None:
    """Microsoft Exchange calendars in every calendar app, over CalDAV."""


main.add_command(serve_command)
main.add_command(demo_command)
main.add_command(simulate_command)
main.add_command(share_group)
main.add_command(mirror_group)
main.add_command(config_group)
