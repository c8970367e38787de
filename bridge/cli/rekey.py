"""``exchange-bridge mirror rekey``: everything sealed anew with the newest key, beside a running bridge."""

import sys
from time import sleep

import click

from bridge.cli.settings import at_rest, config_option
from bridge.keys import LOOK_EVERY, Keys, load_keys
from bridge.sealed import StoreAtRest, count_stale, reseal
from bridge.service import Stores

NOTICED = 2 * LOOK_EVERY
"""Seconds after which every process has looked at the key file."""
SETTLED = 15.0
"""Seconds after which nothing is written any more that was sealed before: a value waits at most ten to be written."""


@click.command()
@config_option
@click.option(
    "--new-key/--no-new-key",
    default=None,
    help="Add a key to the key file first, or none. Without either, one is added unless there is still something "
    "that does not bear the newest, as after an interruption.",
)
@click.option(
    "--prepare",
    is_flag=True,
    help="Only add a key that opens and does not seal yet. For several hosts: copy the key file to each, then go on "
    "with --use-key.",
)
@click.option("--use-key", metavar="ID", help="Seal with this key of the key file, instead of adding one.")
@click.option(
    "--forget-old-keys",
    is_flag=True,
    help="Take the old keys out of the key file once nothing bears them. Older backups then need their own key file.",
)
def rekey(path: str | None, *, new_key: bool | None, prepare: bool, use_key: str | None, forget_old_keys: bool) -> None:
    """Seal everything anew with a new key: the mirror AND THE STATE.

    A running bridge seals with a new key within a second or two. What was interrupted goes on where it was when this
    is run again. Back the key file up at once.
    """
    if sum((new_key is not None, prepare, use_key is not None)) > 1 or (prepare and forget_old_keys):
        raise click.UsageError("Give one of --new-key, --no-new-key, --prepare and --use-key; --prepare by itself.")
    with at_rest(path) as (_, found):
        _check(found)
        if prepare:
            key_id = found.key_file.add(seals=False)
            click.echo(f"Key {key_id} was added to {found.key_file.path}. It opens, and does not seal yet.")
            return
        if use_key is not None:
            found.key_file.use(use_key)
        elif new_key or (new_key is None and _count(found, found.keys) == 0):
            key_id = found.key_file.add()
            click.echo(f"Key {key_id} was added to {found.key_file.path}.")
        elif new_key is None:
            click.echo(f"Not everything bears key {found.keys.newest} yet: this goes on, without another key.")
        keys = load_keys(found.key_file.path)
        _seal_all(found, keys, "Sealing anew")
        wait = (SETTLED if forget_old_keys else NOTICED) - found.key_file.age()
    if wait > 0:
        click.echo("Waiting until every process has taken the new key …")
        sleep(wait)
    with at_rest(path) as (_, found):  # the mirror may be another one by now, or the first
        _check(found)
        broken = _seal_all(found, keys, "Looking once more")
        if broken:
            told = f"Of what is stored, {broken} cannot be opened and stays as it is; `mirror verify` says where."
            click.echo(told, err=True)
            sys.exit(1)
        click.echo(f"Everything is sealed with key {keys.newest}.")
        if forget_old_keys:
            _forget(found, keys)


def _check(found: Stores) -> None:
    for store in _stores(found):
        store.check()


def _stores(found: Stores) -> tuple[StoreAtRest, ...]:
    return (found.state,) if found.mirror is None else (found.state, found.mirror)


def _count(found: Stores, keys: Keys) -> int:
    """Count what is not sealed with the newest of the keys."""
    total = 0
    for store in _stores(found):
        with store.reading() as connection:
            total += count_stale(connection, store.schema.columns, keys.mark)
    return total


def _seal_all(found: Stores, keys: Keys, label: str) -> int:
    """Seal anew what is to be, and give how much could not be opened."""
    broken = 0
    with click.progressbar(length=_count(found, keys), label=label, file=sys.stderr) as bar:
        for store in _stores(found):
            for column in store.schema.columns:
                broken += reseal(store, column, keys, bar.update)
    return broken


def _forget(found: Stores, keys: Keys) -> None:
    """Take out of the key file what stands above the key that everything is sealed with."""
    left = _count(found, keys)
    if left:
        problem = f"The old keys stay: {left} values were sealed with them meanwhile. Run this again."
        raise click.ClickException(problem)
    known = list(found.key_file.read().sealing)
    old = known[: known.index(keys.newest)]
    found.key_file.forget(old)
    click.echo(f"Taken out of the key file: {', '.join(old) or 'nothing'}.")
