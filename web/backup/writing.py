"""Making a backup while everything runs. First the database, as it is at one instant; then the files of the store,
which are only ever added, so that all that the database names are among them; then keys and pictures of the data
folder: one that is made meanwhile is in it, and a database that does not know it yet learns of it.

Files that nobody refers to are swept at no such time: a row that the backup has may be gone from the database.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.errors import DomainError
from kernel.storage import sweep
from kernel.storage.blobs import BlobStore, store_for
from web import rooms
from web.backup import databases
from web.backup.containers import BackupError, Manifest, Part, Sink, opened

_LEFT_OUT = ("blobs", "uploads")
"""Folders of the data folder that are saved otherwise, or of unfinished work that its sender begins again."""
SECRET = "data/secret_key"  # noqa: S105 - where it lies


@dataclass(frozen=True)
class Made:
    """What a backup holds: how many files of the store, bytes in all, and the files that are missing or damaged."""

    files: int
    size: int
    lost: tuple[str, ...]


def back_up(config: Config, target: Path) -> Made:
    """Write a backup of the installation to a folder, or to a file whose name ends in `.tar`, and read it again.
    BackupError says what went wrong; nothing lies at its place then."""
    rooms.load_models()
    db, sink = Database(config.sql_url), Sink(target)
    try:
        manifest = databases.begun(db, clock.now().isoformat())
        with sweep.no_removal(db):
            sink.begin()
            _write(config, db, sink, manifest)
        sink.end(manifest)
        with opened(sink.partial) as again:
            wrong = again.check()
        if wrong:
            raise BackupError(f"what was written does not read back: {', '.join(wrong[:5])}; is the disk sound?")
        sink.publish()
    except DomainError as error:
        raise BackupError(str(error.message)) from error
    finally:
        sink.drop()
        db.close()
    files = sum(1 for name in manifest.parts if name.startswith("blobs/"))
    return Made(files, sum(part.size for part in manifest.parts.values()), tuple(manifest.lost))


def _write(config: Config, db: Database, sink: Sink, manifest: Manifest) -> None:
    with databases.dumped(db, sink, manifest.parts) as tx:
        named = sweep.files_named(tx)
    store, there = store_for(config), set()
    for one in store.listed():
        part = _blob(store, sink, one.sha256)
        if part is not None:
            manifest.parts[f"blobs/{one.sha256}"] = part
            there.add(one.sha256)
        elif one.sha256 in named:
            manifest.lost.append(one.sha256)
    manifest.lost = sorted({*manifest.lost, *(named - there)})
    for name, path in _data_files(config):
        with path.open("rb") as file:
            manifest.parts[name] = sink.add(name, file)
    with tempfile.TemporaryFile() as secret:
        secret.write(config.signing_secret().encode())
        secret.seek(0)
        manifest.parts[SECRET] = sink.add(SECRET, secret)


def _blob(store: BlobStore, sink: Sink, sha256: str) -> Part | None:
    """A file of the store, as it was stored; None when it is damaged or gone."""
    try:
        with store.open(sha256) as file:
            return sink.add(f"blobs/{sha256}", file)
    except DomainError:
        return None


def _data_files(config: Config) -> Iterator[tuple[str, Path]]:
    database = databases.embedded(config)
    for path in sorted(config.data_dir.rglob("*")):
        name = path.relative_to(config.data_dir)
        if not path.is_file() or path.is_symlink() or name.parts[0] in _LEFT_OUT or name.as_posix() == "secret_key":
            continue
        beside = database is not None and path.absolute().parent == database.absolute().parent
        if database is not None and beside and path.name.startswith(database.name):  # its log, and the sweep's lock
            continue
        yield f"data/{name.as_posix()}", path
