"""Bringing a backup back: read as a whole before anything is touched, into what is empty unless told otherwise."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kernel.config import Config
from kernel.storage.blobs import PIECE, store_for
from web import rooms, schema
from web.backup import databases
from web.backup.containers import BackupError, Source, opened
from web.backup.writing import SECRET


@dataclass(frozen=True)
class Restored:
    """What was brought back. `other_secret` says that the settings name another secret than the backup holds: what is
    sealed in the database cannot be opened with it."""

    made_at: str
    files: int
    lost: tuple[str, ...]
    other_secret: bool


def restore(config: Config, place: Path, *, replace: bool = False) -> Restored:
    """Bring back the database, the files and the keys, and renew the epoch, so that browsers begin anew. The database
    comes last: until it stands, nothing serves.

    BackupError when the backup is damaged, or when there is something already and `replace` is not said; nothing was
    touched then. With `replace` the database and the files of the same names are replaced; other files stay.
    """
    rooms.load_models()
    with opened(place) as source:
        wrong = source.check()
        if wrong:
            raise BackupError(f"the backup is damaged, nothing was restored: {', '.join(wrong[:5])}")
        if not replace and (there := _there(config)):
            raise BackupError(f"not empty: {there}; stop everything and say --replace to replace it")
        databases.refuse_other_kind(config, source)
        files = _bring_files(config, source)
        _bring_data(config, source)
        databases.load(config, source)
        schema.upgrade(config, restored=True)
        with source.open(SECRET) as file:
            other = config.signing_secret() != file.read().decode()
        return Restored(source.manifest.made_at, files, tuple(source.manifest.lost), other)


def _there(config: Config) -> str:
    """What lies where the backup would go; "" when nothing does."""
    if not databases.is_empty(config):
        return "the database has tables"
    if next(store_for(config).listed(), None) is not None:
        return "the file store has files"
    there = [path for path in config.data_dir.rglob("*") if path.is_file()] if config.data_dir.exists() else []
    return f"{there[0]} exists" if there else ""


def _bring_files(config: Config, source: Source) -> int:
    store, count = store_for(config), 0
    for name in source.manifest.parts:
        if not name.startswith("blobs/"):
            continue
        with source.open(name) as file:
            if store.put(file).sha256 != name.removeprefix("blobs/"):
                raise BackupError(f"{name} is not what its name says")
        count += 1
    return count


def _bring_data(config: Config, source: Source) -> None:
    config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in source.manifest.parts:
        if not name.startswith("data/"):
            continue
        place = config.data_dir / name.removeprefix("data/")
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with source.open(name) as file, tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as fresh:
            while piece := file.read(PIECE):
                fresh.write(piece)
            fresh.flush()
            os.fsync(fresh.fileno())
        Path(fresh.name).replace(place)


def checked(place: Path) -> list[str]:
    """Read a backup again. Answers what is missing, damaged or strange in it."""
    with opened(place) as source:
        return source.check()
