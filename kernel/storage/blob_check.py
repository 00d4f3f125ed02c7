"""Reading the file store again: which files are no longer what their names say, and which that rows name are gone."""

from collections.abc import Collection
from dataclasses import dataclass

from kernel.db import Database
from kernel.errors import NotFound
from kernel.storage import verified
from kernel.storage.blobs import BlobStore
from kernel.storage.sweep import files_named
from kernel.storage.verified import Damaged


@dataclass(frozen=True)
class Checked:
    """How many files are stored, how many of them were read and their bytes, and what is wrong, by name."""

    files: int
    read: int
    size: int
    damaged: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing that was read is damaged, and nothing is missing."""
        return not self.damaged and not self.missing


def check(
    db: Database, store: BlobStore, *, most_bytes: int | None = None, shelves: Collection[str] | None = None
) -> Checked:
    """List the store, compare every file with its name, and look for those that rows name by a column of their own.

    `most_bytes` ends the reading when so much was read, `shelves` are the first two digits of the names that are read;
    what is missing is found in either case.
    """
    with db.read() as tx:
        named = files_named(tx)
    there, read, size, damaged = set(), 0, 0, []
    for one in store.listed():
        there.add(one.sha256)
        if (shelves is not None and one.sha256[:2] not in shelves) or (most_bytes is not None and size >= most_bytes):
            continue
        try:
            size += verified.read_through(store, one.sha256)
            read += 1
        except Damaged:
            damaged.append(one.sha256)
        except NotFound:  # it was swept meanwhile
            there.discard(one.sha256)
    missing = sorted(name for name in named - there if not _is_there(store, name))
    return Checked(len(there), read, size, tuple(sorted(damaged)), tuple(missing))


def _is_there(store: BlobStore, sha256: str) -> bool:
    """Whether it was stored after the store was listed."""
    try:
        store.size(sha256)
    except NotFound:
        return False
    return True
