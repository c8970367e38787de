"""``exchange-bridge simulate``: a simulated Exchange to try things on."""

from pathlib import Path

import click

from bridge.cli.server import check_free
from bridge.cli.settings import BadConfiguration
from bridge.config import Listen
from bridge.simulator.rules import PERSONALITIES
from bridge.simulator.serving import ServeOptions
from bridge.simulator.serving import serve as serve_simulator


@click.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Of 127.0.0.1; 0: any.")
@click.option(
    "--people",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="People, calendars and permissions from this TOML file, instead of made ones.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same people.")
@click.option("--persons", default=3, show_default=True, type=click.IntRange(1, 1000), help="How many are made.")
@click.option("--events", default=60, show_default=True, type=click.IntRange(0, 100_000), help="Of each person.")
@click.option(
    "--personality", default="2019", show_default=True, type=click.Choice(list(PERSONALITIES)), help="Which Exchange."
)
@click.option("--latency", default=0, show_default=True, type=click.IntRange(0, 60_000), help="Milliseconds a call.")
@click.option("--tls", is_flag=True, help="Serve HTTPS; the authority to trust is printed.")
@click.option("--ntlm", is_flag=True, help="Offer NTLM beside Basic.")
def simulate(  # noqa: PLR0913, PLR0917 - the options of the command
    port: int,
    people: Path | None,
    seed: int,
    persons: int,
    events: int,
    personality: str,
    latency: int,
    *,
    tls: bool,
    ntlm: bool,
) -> None:
    """Run a simulated Exchange until Ctrl-C; its address, people and passwords are printed."""
    check_free(Listen("127.0.0.1", port))
    options = ServeOptions(
        port=port,
        people=people,
        seed=seed,
        count=persons,
        events=events,
        personality=personality,
        latency=latency,
        tls=tls,
        ntlm=ntlm,
    )
    try:
        serve_simulator(options, click.echo)
    except ValueError as error:
        raise BadConfiguration([str(error)]) from error
