"""A stored file is compared with its name while it is read: what the disk or a stranger changed is given to nobody."""

import io
import os
import random
import secrets
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from kernel.config import Config
from kernel.errors import NotFound
from kernel.storage import verified
from kernel.storage.blobs import BlobStore, DiskBlobs, at_hand, read_all, store_for
from kernel.storage.verified import Damaged, Soundness
from tests.kernel.storage.test_blobs import s3  # noqa: F401 - a fixture
from tests.sampling import sampled

PIECE, SMALL = 16 << 10, 64 << 10
SIZES = (1, 17, PIECE, SMALL, SMALL + 1, SMALL + PIECE // 2, 3 * SMALL)


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """One of each test's own: what a bucket has it is not sent again."""
    if request.param == "disk":
        return DiskBlobs(tmp_path)
    place, endpoint = f"s3://papers/{secrets.token_hex(8)}", request.getfixturevalue("s3")
    return store_for(Config(blobs_url=place, s3_endpoint=endpoint, s3_access_key="test", s3_secret_key="test"))


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verified, "PIECE", PIECE)
    monkeypatch.setattr(verified, "SMALL", SMALL)
    monkeypatch.setattr(verified, "_memory", verified._Memory())
    verified._sound.clear()


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def spoil(store: BlobStore, sha256: str, change: Callable[[bytearray], None]) -> None:
    """Change a stored file behind the store's back, as a disk does: its times stay as they were."""
    data = bytearray(store.raw(sha256).read())
    change(data)
    if isinstance(store, DiskBlobs):
        path = store._path(sha256)
        told = path.stat()
        path.write_bytes(data)
        os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    else:
        store.client.put_object(Bucket=store.bucket, Key=store._key(sha256), Body=bytes(data))  # type: ignore[attr-defined]


def flip(place: int) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        data[place] ^= 1

    return change


def cut(data: bytearray) -> None:
    del data[-1:]


def longer(data: bytearray) -> None:
    data += b"!"


def emptied(data: bytearray) -> None:
    data.clear()


CHANGES = (flip(0), flip(-1), cut, longer, emptied)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_whole_is_read_as_it_was_stored(store: BlobStore, size: int) -> None:
    data = content(size)
    sha256 = store.put(io.BytesIO(data)).sha256
    for _ in range(2):  # the second time its pieces are known
        with store.open(sha256) as file:
            assert file.read() == data
        with at_hand(store, sha256) as file:
            assert (file.seek(0, 2), file.seek(0), file.read() == data) == (size, 0, True)
            assert file.fileno()
        assert read_all(store, sha256) == data
        assert verified.soundness(store, sha256) is Soundness.SOUND


@pytest.mark.parametrize("size", [1, SMALL, 3 * SMALL])
@pytest.mark.parametrize("change", sampled(CHANGES, one_in=2))
def test_what_was_changed_is_given_to_nobody(
    store: BlobStore,
    size: int,
    change: Callable[[bytearray], None],
) -> None:
    sha256 = store.put(io.BytesIO(content(size))).sha256
    spoil(store, sha256, change)
    for read in (
        lambda: store.open(sha256),
        lambda: read_all(store, sha256),
        lambda: at_hand(store, sha256).__enter__(),
    ):
        with pytest.raises(Damaged):
            read()
    assert verified.soundness(store, sha256) is Soundness.DAMAGED
    store.put(io.BytesIO(b"another"))
    assert verified.soundness(store, "0" * 64) is Soundness.MISSING


@pytest.mark.parametrize("change", sampled(CHANGES, one_in=2))
def test_what_is_changed_after_it_was_read_once_is_found_too(
    store: BlobStore,
    change: Callable[[bytearray], None],
) -> None:
    data = content(3 * SMALL)
    sha256 = store.put(io.BytesIO(data)).sha256
    store.open(sha256).close()
    spoil(store, sha256, change)
    got = b""
    try:
        with store.open(sha256) as file:
            while piece := file.read(1000):
                got += piece
        assert change is longer  # what follows the end is not read
    except Damaged:
        pass
    assert data.startswith(got)
    assert verified.soundness(store, sha256) is Soundness.DAMAGED


@pytest.mark.parametrize("start", [0, 1, PIECE - 1, PIECE, 2 * SMALL + 5, 3 * SMALL - 1, 3 * SMALL, 3 * SMALL + 9])
def test_a_range_is_compared_wherever_it_begins(tmp_path: Path, start: int) -> None:
    disk, data = DiskBlobs(tmp_path), content(3 * SMALL)
    sha256 = disk.put(io.BytesIO(data)).sha256
    with disk.open(sha256) as file:
        file.seek(start)
        assert file.read(PIECE) == data[start : start + PIECE]
    spoil(disk, sha256, flip(2 * SMALL))
    with disk.open(sha256) as file:
        file.seek(2 * SMALL + 7)
        with pytest.raises(Damaged):
            file.read(1)
        file.seek(start)
        if start // PIECE == (start + 9) // PIECE != 2 * SMALL // PIECE:  # what was not changed can be read
            assert file.read(9) == data[start : start + 9]


@pytest.mark.long_proof
def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    disk, size = DiskBlobs(tmp_path), 64 << 20
    with (tmp_path / "large").open("wb") as out:
        out.truncate(size)
    with (tmp_path / "large").open("rb") as file:
        sha256 = disk.put(file).sha256
    tracemalloc.start()
    read = 0
    with disk.open(sha256) as file:
        while piece := file.read(256 * 1024):
            read += len(piece)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == size
    assert most < 16 << 20


def test_few_hashes_are_kept_and_the_least_used_go_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(verified, "_MAX_PIECES", 12)
    disk = DiskBlobs(tmp_path)
    names = [disk.put(io.BytesIO(content(SMALL + 1 + extra))).sha256 for extra in range(4)]
    for name in names:
        disk.open(name).close()
    assert [verified._memory.get(name) is not None for name in names] == [False, False, True, True]
    for name in names:
        assert len(read_all(disk, name)) > SMALL


def test_files_and_folders_are_their_owners_only(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        disk = DiskBlobs(tmp_path / "data" / "blobs")
        for size in (1, SMALL, 2 * SMALL):
            disk.put(io.BytesIO(content(size)))
        disk.check()
    finally:
        os.umask(old)
    found = {
        (path.is_dir(), path.stat().st_mode & 0o777) for path in (tmp_path / "data", *(tmp_path / "data").rglob("*"))
    }
    assert found == {(True, 0o700), (False, 0o600)}


def test_what_is_not_there_is_not_there(store: BlobStore) -> None:
    for read in (store.open, store.raw, store.stamp):
        with pytest.raises(NotFound):
            read("0" * 64)
