"""Where a backup lies: a folder, or one tar file. Both hold the same parts under the same names, for their owner."""

import hashlib
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from kernel.storage.blobs import PIECE

MANIFEST = "manifest.json"
FORMAT = 1
_NAME = re.compile(r"(database|blobs|data)/[^\x00\\]+")


class BackupError(Exception):
    """A backup cannot be made, read or brought back; the message says why, and what to do."""


@dataclass(frozen=True)
class Part:
    """One file of a backup: its size in bytes and its SHA-256 in hex."""

    size: int
    sha256: str


@dataclass
class Manifest:
    """What a backup holds. `schema` is the revision of the database, `lost` the files that rows name and the store does
    not have, or has damaged."""

    made_at: str
    database: str
    schema: str
    parts: dict[str, Part] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        """As it lies in the backup: JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest":
        """Read it; BackupError when it is none, or names a part by what is no plain name."""
        try:
            told: dict[str, Any] = json.loads(data)
            if told["format"] != FORMAT:
                raise BackupError(f"the backup has format {told['format']}, this release reads {FORMAT}")
            parts = {str(name): Part(int(one["size"]), str(one["sha256"])) for name, one in told.pop("parts").items()}
            found = cls(parts=parts, **told)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackupError(f"{MANIFEST} cannot be read: {error}") from error
        for name in found.parts:
            if not _NAME.fullmatch(name) or ".." in PurePosixPath(name).parts:
                raise BackupError(f"{MANIFEST} names a part {name!r}, which no backup has")
        return found


class Sink:
    """A backup that is being written, beside its place: it appears there when it is whole."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.partial = target.with_name(f"{target.name}.partial")
        self._tar: tarfile.TarFile | None = None
        self._file: IO[bytes] | None = None

    def begin(self) -> None:
        """Make the folder or file; BackupError when something lies at its place."""
        if self.target.exists():
            raise BackupError(f"{self.target} exists; name a new place")
        self.drop()
        self.target.parent.mkdir(parents=True, exist_ok=True)
        if is_file(self.target):
            handle = os.open(self.partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._file = os.fdopen(handle, "wb")
            self._tar = tarfile.open(fileobj=self._file, mode="w")  # noqa: SIM115 - closed by `end`
        else:
            self.partial.mkdir(mode=0o700)

    def add(self, name: str, file: IO[bytes]) -> Part:
        """Store what `file` holds under this name, in pieces. An error of reading leaves nothing under it."""
        if self._tar is None:
            place = self.partial / name
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                try:
                    part = _copied(file, out)
                except BaseException:
                    place.unlink()
                    raise
                out.flush()
                os.fsync(out.fileno())
            return part
        with tempfile.TemporaryFile(dir=self.target.parent) as spool:  # a tar tells the size before the bytes
            part = _copied(file, spool)
            spool.seek(0)
            told = tarfile.TarInfo(name)
            told.size, told.mode = part.size, 0o600
            self._tar.addfile(told, spool)
        return part

    def end(self, manifest: Manifest) -> None:
        """Write the manifest; everything is on the disk then, and still beside its place."""
        with tempfile.TemporaryFile() as file:
            file.write(manifest.to_bytes())
            file.seek(0)
            self.add(MANIFEST, file)
        if self._tar is not None and self._file is not None:
            self._tar.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            return
        for folder, _, _ in os.walk(self.partial):
            os.chmod(folder, 0o700)
            _sync(Path(folder))

    def publish(self) -> None:
        """Put it at its place."""
        self.partial.rename(self.target)
        _sync(self.target.parent)

    def drop(self) -> None:
        """Remove what was written of a backup that was not finished."""
        if self._file is not None:
            self._file.close()
        if self.partial.is_dir():
            shutil.rmtree(self.partial)
        else:
            self.partial.unlink(missing_ok=True)


class Source:
    """A backup that is read."""

    def __init__(self, place: Path, tar: tarfile.TarFile | None) -> None:
        self._place, self._tar = place, tar
        self.manifest = Manifest.from_bytes(self._manifest())

    def open(self, name: str) -> IO[bytes]:
        """A part, for reading in pieces; BackupError when it is missing."""
        try:
            if self._tar is None:
                path = self._place / name
                if path.is_symlink():
                    raise BackupError(f"{name} is a link")
                return path.open("rb")
            found = self._tar.extractfile(name)
        except (OSError, KeyError, tarfile.TarError) as error:
            raise BackupError(f"{name} is missing") from error
        if found is None:
            raise BackupError(f"{name} is no file")
        return found

    def check(self) -> list[str]:
        """Read every part again. Answers the names of those that are missing, damaged, or in no manifest."""
        wrong = []
        for name, part in self.manifest.parts.items():
            try:
                with self.open(name) as file:
                    found = _copied(file)
            except (BackupError, OSError, tarfile.TarError):
                found = None
            if found != part:
                wrong.append(name)
        return sorted({*wrong, *(set(self._names()) - self.manifest.parts.keys() - {MANIFEST})})

    def _manifest(self) -> bytes:
        with self.open(MANIFEST) as file:
            return file.read()

    def _names(self) -> Iterator[str]:
        if self._tar is not None:
            yield from self._tar.getnames()
            return
        for path in self._place.rglob("*"):
            if not path.is_dir() or path.is_symlink():
                yield path.relative_to(self._place).as_posix()


@contextmanager
def opened(place: Path) -> Iterator[Source]:
    """A backup for reading; BackupError when there is none."""
    if place.is_dir():
        yield Source(place, None)
        return
    try:
        with tarfile.open(place, "r:") as tar:
            yield Source(place, tar)
    except (OSError, tarfile.TarError) as error:
        raise BackupError(f"{place} is no backup: {error}") from error


def is_file(target: Path) -> bool:
    """Whether a backup under this name is one file."""
    return target.suffix == ".tar"


def _copied(file: IO[bytes], to: IO[bytes] | None = None) -> Part:
    digest, size = hashlib.sha256(), 0
    while piece := file.read(PIECE):
        digest.update(piece)
        size += len(piece)
        if to is not None:
            to.write(piece)
    return Part(size, digest.hexdigest())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
