"""Finding the stored files that nobody refers to: of a transaction that never committed, or of rows that are gone.

A file is removed only when it is old and no row names it. Which columns name files is said where they are declared
(`mapped_column(info=HOLDS)`); for columns of text that forgot to say it everything is looked through once more before
a file goes. Between storing a file and committing the
row that names it lies far less than any age limit, and storing the same bytes again makes a file young.
"""

import fcntl
import logging
import os
import re
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from kernel.db import Database, Tx
from kernel.errors import Unavailable
from kernel.schema import Base
from kernel.storage.blobs import BlobStore, Stored, is_name
from kernel.text import phrase

HOLDS = {"holds": "blob"}
"""For `mapped_column(info=HOLDS)`: the SHA-256 of a stored file, or JSON in which such files are named."""

log = logging.getLogger(__name__)

SHOWN = 100
MOST = 10_000
"""So many are removed in one sweep; the next finds the rest."""
_NAME = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_ROWS = 10_000
_AT_ONCE = 500


@dataclass
class Found:
    """What a sweep found. `names` are the first of the orphans."""

    files: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    removed: int = 0
    drafts: int = 0
    names: list[Stored] = field(default_factory=list)


def holders() -> list[sa.Column[Any]]:
    """The columns that name stored files; those of JSON come last, because they take longest to read."""
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns if column.info == HOLDS]
    return sorted(columns, key=_is_json)


def files_named(tx: Tx) -> set[str]:
    """The stored files that rows name by a column of their own, which must all be there. Those in JSON may be of bytes
    that came inside of others."""
    return {name for column in holders() if not _is_json(column) for name in _named(tx, column) if is_name(name)}


@contextmanager
def no_removal(db: Database, *, alone: bool = False) -> Iterator[None]:
    """Nobody removes files while the block runs: for a backup; `alone` is whoever removes. Unavailable when the one is
    wanted while the other goes on."""
    with (_locked_file if db.is_sqlite else _locked_in_postgres)(db, alone) as locked:
        if not locked:
            raise Unavailable(phrase("Đang sao lưu hoặc đang dọn tệp. Xin thử lại sau ít phút."))
        yield


@contextmanager
def _locked_file(db: Database, alone: bool) -> Iterator[bool]:
    handle = os.open(f"{db.url.database}.files", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)


@contextmanager
def _locked_in_postgres(db: Database, alone: bool) -> Iterator[bool]:
    lock = sa.func.pg_try_advisory_xact_lock if alone else sa.func.pg_try_advisory_xact_lock_shared
    with db.engine.connect() as connection:
        yield bool(connection.scalar(sa.select(lock(sa.func.hashtextextended("stored files", 0)))))


def sweep(db: Database, blobs: BlobStore, *, before: datetime, remove: bool) -> Found:
    """Look at every stored file that was there `before` that moment, and remove those that no row names. Unavailable
    when they were to be removed while a backup runs."""
    with no_removal(db, alone=True) if remove else nullcontext():
        return _swept(db, blobs, before=before, remove=remove)


def _swept(db: Database, blobs: BlobStore, *, before: datetime, remove: bool) -> Found:
    found = Found()
    with db.read() as tx:
        plain = _Known(name for column in holders() if not _is_json(column) for name in _named(tx, column))
        orphans: dict[str, Stored] = {}
        for one in blobs.listed():
            found.files += 1
            if one.at < before and one.sha256 not in plain:
                orphans[one.sha256] = one
        for column in holders():
            if orphans and _is_json(column):
                for name in _named(tx, column):
                    orphans.pop(name, None)
        orphans = dict(islice(orphans.items(), MOST))
        for name, column in _forgotten(tx, orphans):
            log.error("%s names stored files and does not say so: info=HOLDS is missing", column)
            orphans.pop(name, None)
    for one in orphans.values():
        found.orphans += 1
        found.orphan_bytes += one.size
        if len(found.names) < SHOWN:
            found.names.append(one)
        if remove and blobs.remove(one.sha256, before):
            found.removed += 1
    found.drafts = blobs.sweep_drafts(before, remove=remove)
    return found


def _forgotten(tx: Tx, orphans: Collection[str]) -> Iterator[tuple[str, sa.Column[Any]]]:
    """Names that stand in columns of text which are not known to hold any, with the column."""
    for table in Base.metadata.sorted_tables if orphans else ():
        columns = [one for one in table.columns if isinstance(one.type, sa.String) and one.info != HOLDS]
        if not columns:
            continue
        for names in _batches(orphans):
            hits = sa.select(*columns).where(sa.or_(*(one.in_(names) for one in columns)))
            for row in tx.session.execute(hits):
                yield from ((value, one) for value, one in zip(row, columns, strict=True) if value in names)


def _batches(names: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(names)
    for first in range(0, len(ordered), _AT_ONCE):
        yield ordered[first : first + _AT_ONCE]


def _is_json(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.JSON)


def _named(tx: Tx, column: sa.Column[Any]) -> Iterator[str]:
    text = sa.cast(column, sa.Text)
    rows = tx.session.execute(sa.select(text).where(text != "").execution_options(yield_per=_ROWS)).scalars()
    if not _is_json(column):
        yield from rows
        return
    for value in rows:
        yield from _NAME.findall(value)


class _Known:
    """Names by their first 64 bits: tens of millions fit into memory, and a name that only seems known is kept."""

    def __init__(self, names: Iterator[str]) -> None:
        self._heads = array("Q", sorted(array("Q", (int(name[:16], 16) for name in names if is_name(name)))))

    def __contains__(self, name: str) -> bool:
        head = int(name[:16], 16)
        place = bisect_left(self._heads, head)
        return place < len(self._heads) and self._heads[place] == head
