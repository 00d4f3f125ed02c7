"""`lienthong log`: reading the evidence log again, a new key for receipts and heads. `lienthong audit`: the audit."""

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
    from signing.log import audit_heads  # noqa: F401 - tells of its facts
    from signing.log.log_audit import audit as read_again

    for load in _loaders:
        load()
    db = Database(config.sql_url)
    with db.read() as tx:
        found = read_again(tx)
    db.close()
    click.echo(f"{found.leaves} dòng / leaves, {found.heads} mốc / heads, {found.facts} nội dung / facts")
    for words in found.wrong:
        click.echo(f"{words.vi} / {words.en}")
    sys.exit(1 if found.wrong else 0)


@log.command()
@click.pass_obj
def new_key(config: Config) -> None:
    """Sign receipts and heads with a new key from now on; the old private half is gone, old receipts stay valid."""
    from signing.log import receipts

    click.echo(receipts.rotate(config))


@click.group()
def audit() -> None:
    """The audit: who did what to which thing."""


@audit.command("check")
@click.pass_obj
def check_audit(config: Config) -> None:
    """Walk the hash chain of every agency. Exit code 1 when an entry was changed, removed or put in later; names the
    first such entry of each chain."""
    from kernel.db import Database
    from signing.log import audit_heads

    db = Database(config.sql_url)
    with db.read() as tx:
        found = audit_heads.check(tx)
    db.close()
    click.echo(f"{found.chains} chuỗi / chains, {found.entries} mục / entries")
    for chain, seq in found.breaks:
        click.echo(
            f"{chain}: mục số {seq} đã bị sửa, xoá hoặc thêm vào / entry {seq} was changed, removed or put in later"
        )
    sys.exit(1 if found.breaks else 0)
