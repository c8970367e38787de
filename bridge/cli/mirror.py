"""``exchange-bridge mirror status|purge|rekey|verify``: what is at rest, beside a running bridge."""

import json
import sys
from collections import Counter
from time import sleep

import click

from bridge.accounts.accounts import utc_now
from bridge.cli.rekey import rekey
from bridge.cli.settings import at_rest, config_option, print_table, read_by
from bridge.config import read_address
from bridge.keys import Keys
from bridge.mirror.overview import Overview, PullState, read_overview
from bridge.mirror.verification import count_events, verify_mirror
from bridge.mirror.viewers import Viewers
from bridge.model import Address, Viewer
from bridge.sealed import StoreAtRest, count_broken

_HEADINGS = ("VIEWER", "CALENDAR", "EVENTS", "SIZE", "PULLED (UTC)", "WATCHED", "PENDING", "STATE")
_REDRAW = 1.0  # seconds
_BAR = 10
_CLEAR = "\x1b[H\x1b[2J"  # ECMA-48: the cursor to the top, and everything erased


@click.group()
def mirror() -> None:
    """Look after what the bridge has read from Exchange, and after the keys. A running bridge goes on meanwhile."""


@mirror.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of objects.")
@click.option("--watch", is_flag=True, help="Draw it anew each second, until every calendar is read.")
def status(path: str | None, *, as_json: bool, watch: bool) -> None:
    """Show whose calendars are mirrored, how large they are, and how far first pulls are."""
    with at_rest(path) as (_, found):
        if found.mirror is None:
            click.echo("[]" if as_json else "There is no mirror yet.")
            return
        found.mirror.check()
        while True:
            calendars = read_overview(found.mirror, found.keys, utc_now())
            if watch and sys.stdout.isatty():
                click.echo(_CLEAR, nl=False)
            if as_json:
                click.echo(json.dumps([_as_object(one) for one in calendars], indent=2, ensure_ascii=False))
            else:
                _show(calendars)
            if not watch or all(one.state is PullState.COMPLETE for one in calendars):
                return
            sleep(_REDRAW)


@mirror.command()
@config_option
@click.option("--viewer", callback=read_by(read_address), metavar="ADDRESS", help="Whose, by the primary address.")
@click.option("--all", "everybody", is_flag=True, help="Everybody's.")
def purge(path: str | None, viewer: Address | None, *, everybody: bool) -> None:
    """Remove what a viewer was told, or everybody. It is read from Exchange again when it is next asked for."""
    if everybody == (viewer is not None):
        raise click.UsageError("Give either --viewer ADDRESS or --all.")
    with at_rest(path) as (settings, found):
        if found.mirror is None:
            click.echo("There is no mirror yet.")
            return
        found.mirror.check()
        viewers = Viewers(found.mirror, found.keys)
        if viewer is None:
            count = viewers.remove_all()
        else:
            count = viewers.remove(Viewer(settings.exchange.organisation, viewer))
        click.echo(f"{_counted(count, 'calendar')} removed.")


@mirror.command()
@config_option
def verify(path: str | None) -> None:
    """Open everything that is stored, mirror and state, and hold it against each other; exit code 1 for faults.

    Nothing is changed, and nothing of what is stored is shown. A mirror with faults may be purged: it comes back.
    A state with faults needs its backup.
    """
    wrong = []
    with at_rest(path) as (_, found):
        for store in (found.state, found.mirror):
            if store is None:
                continue
            damage = store.find_damage()
            if damage is not None:
                wrong.append(f"{store.name}: it is damaged as a database ({damage})")
                continue
            store.check()
            faults = _verify_mirror(store, found.keys) if store is found.mirror else _verify(store, found.keys)
            wrong += [
                f"{store.name}, table {table}: {what}: {count}" for (table, what), count in sorted(faults.items())
            ]
    for line in wrong:
        click.echo(line)
    if wrong:
        sys.exit(1)
    click.echo("Everything opens and fits together.")


mirror.add_command(rekey)


# --- status ------------------------------------------------------------------------------------------


def _show(calendars: tuple[Overview, ...]) -> None:
    if not calendars:
        click.echo("There are no calendars in the mirror.")
        return
    print_table(_HEADINGS, [_row(one) for one in calendars])
    viewers = len({one.viewer for one in calendars})
    size = _size(sum(one.size for one in calendars))
    click.echo(f"{_counted(len(calendars), 'calendar')} of {_counted(viewers, 'viewer')}, {size}")


def _row(one: Overview) -> tuple[str, ...]:
    name = one.name or "-"
    return (
        one.viewer or "-",
        name if one.owner in {None, one.viewer} else f"{one.owner}: {name}",
        str(one.resources),
        _size(one.size),
        f"{one.pulled_at:%Y-%m-%d %H:%M:%S}" if one.pulled_at else "-",
        "yes" if one.is_watched else "no",
        str(one.pending),
        _state(one),
    )


def _state(one: Overview) -> str:
    """Give how far it is, with a bar while it is being read for the first time."""
    if one.state is PullState.COMPLETE:
        return "complete"
    begun = f"{one.state}, " if one.state is PullState.WINDOW else ""
    if one.total is None or one.progress is None:
        return f"{begun}first pull {one.items}"
    done = int(one.progress * _BAR)
    bar = "#" * done + "-" * (_BAR - done)
    return f"{begun}first pull {one.items} of {one.total} [{bar}] {int(one.progress * 100)} %"


def _as_object(one: Overview) -> dict[str, object]:
    return {
        "viewer": one.viewer,
        "owner": one.owner,
        "calendar": one.name,
        "state": one.state.value,
        "progress": None if one.progress is None else round(one.progress, 4),
        "events": one.resources,
        "items": one.items,
        "total": one.total,
        "bytes": one.size,
        "pulled_at": one.pulled_at.isoformat() if one.pulled_at else None,
        "watched": one.is_watched,
        "pending": one.pending,
    }


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


# --- verify ------------------------------------------------------------------------------------------


def _verify(store: StoreAtRest, keys: Keys) -> Counter[tuple[str, str]]:
    faults: Counter[tuple[str, str]] = Counter()
    with store.reading() as connection:
        for column in store.schema.columns:
            _, broken = count_broken(connection, column, keys)
            faults[column.table.name, f"{column.column.name} cannot be read"] += broken
    return +faults


def _verify_mirror(store: StoreAtRest, keys: Keys) -> Counter[tuple[str, str]]:
    with click.progressbar(length=count_events(store), label="Looking at events", file=sys.stderr) as bar:
        return verify_mirror(store, keys, bar.update)
