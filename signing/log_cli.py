"""`lienthong log`: reading the evidence log again, and a new key for receipts and heads."""

import sys
from collections.abc import Callable

import click

from kernel.config import Config

_loaders: list[Callable[[], None]] = []


def before_check(load: Callable[[], None]) -> None:
    """What makes the rooms tell of their facts; this one does not know those to its right."""
    _loaders.append(load)


@click.group()
def log() -> None:
    """The evidence log and the key that signs it."""


@log.command()
@click.pass_obj
def check(config: Config) -> None:
    """Read the whole log again. Exit code 1 when leaves, hashes, heads or signatures do not belong together, or an
    envelope, a paper, a receipt or a verdict is not in it."""
    from kernel.db import Database
    from signing.logaudit import audit

    for load in _loaders:
        load()
    db = Database(config.sql_url)
    with db.read() as tx:
        found = audit(tx)
    db.close()
    click.echo(f"{found.leaves} dòng / leaves, {found.heads} mốc / heads, {found.facts} nội dung / facts")
    for words in found.wrong:
        click.echo(f"{words.vi} / {words.en}")
    sys.exit(1 if found.wrong else 0)


@log.command()
@click.pass_obj
def new_key(config: Config) -> None:
    """Sign receipts and heads with a new key from now on; the old private half is gone, old receipts stay valid."""
    from signing import receipts

    click.echo(receipts.rotate(config))
