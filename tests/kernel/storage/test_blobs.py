"""Files on disk and in a real S3-shaped server."""

import hashlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from kernel import clock
from kernel.config import Config
from kernel.errors import Invalid, NotFound, Unavailable
from kernel.storage import s3 as bucket
from kernel.storage.blobs import Blob, BlobStore, DiskBlobs, Draft, drafts, read_all, store_for
from kernel.storage.s3 import S3Blobs

SHORT = b"%PDF-1.7 short"
LETTER = b"%PDF-1.7 " + bytes(range(256)) * 9000


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    endpoint = f"http://127.0.0.1:{port}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    client.create_bucket(Bucket="papers")
    yield endpoint
    server.stop()


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "disk":
        return store_for(Config(data_dir=tmp_path))
    endpoint = request.getfixturevalue("s3")
    config = Config(blobs_url="s3://papers/city", s3_endpoint=endpoint, s3_access_key="test", s3_secret_key="test")
    store = store_for(config)
    assert isinstance(store, S3Blobs)
    return store


def test_a_file_is_named_by_its_content_and_kept_unchanged(store: BlobStore) -> None:
    blob = store.put(io.BytesIO(LETTER))
    assert blob.sha256 == hashlib.sha256(LETTER).hexdigest()
    assert blob.size == store.size(blob.sha256) == len(LETTER)
    assert store.put(io.BytesIO(LETTER)) == blob
    assert read_all(store, blob.sha256) == LETTER
    store.check()


def test_what_is_not_there_is_not_found(store: BlobStore) -> None:
    for name in ("0" * 64, "../../etc/passwd", "A" * 64):
        with pytest.raises(NotFound):
            store.open(name)


def test_a_file_over_the_cap_is_refused_and_leaves_nothing(store: BlobStore) -> None:
    with pytest.raises(Invalid) as refused:
        store.put(io.BytesIO(LETTER + b"x"), max_bytes=len(LETTER))
    assert "file" in refused.value.fields
    with pytest.raises(NotFound):
        store.open(hashlib.sha256(LETTER + b"x").hexdigest())


def test_a_young_file_stays_and_an_old_one_is_forgotten(store: BlobStore) -> None:
    blob, other = store.put(io.BytesIO(LETTER)), store.put(io.BytesIO(b"another"))
    [listed] = [one for one in store.listed() if one.sha256 == blob.sha256]
    assert listed.size == len(LETTER)
    assert abs(listed.at - clock.of_files()) < timedelta(minutes=5)
    assert not store.remove(blob.sha256, listed.at - timedelta(seconds=1))
    assert read_all(store, blob.sha256) == LETTER
    assert store.remove(blob.sha256, clock.of_files() + timedelta(minutes=5))
    assert not store.remove(blob.sha256, clock.of_files() + timedelta(minutes=5))
    assert not store.renew(blob.sha256)
    assert store.renew(other.sha256)
    assert [one.sha256 for one in store.listed() if one.sha256 in (blob.sha256, other.sha256)] == [other.sha256]


def test_putting_a_file_again_makes_it_young(tmp_path: Path) -> None:
    store = DiskBlobs(tmp_path)
    for again in (lambda: store.put(io.BytesIO(LETTER)), lambda: store.renew(hashlib.sha256(LETTER).hexdigest())):
        blob = store.put(io.BytesIO(LETTER))
        os.utime(tmp_path / blob.sha256[:2] / blob.sha256, (0, 0))
        again()
        assert not store.remove(blob.sha256, clock.of_files() - timedelta(days=1))


def test_s3_is_told_that_an_old_file_was_put_again(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_for(Config(blobs_url="s3://papers/old", s3_endpoint=s3, s3_access_key="test", s3_secret_key="test"))
    first = store.put(io.BytesIO(LETTER)).sha256
    [before] = store.listed()
    monkeypatch.setattr(bucket, "RENEWED_AFTER", timedelta(seconds=-1))
    monkeypatch.setattr(store.client, "upload_file", None)  # type: ignore[attr-defined] # it is not sent again
    while True:  # S3 tells whole seconds
        store.put(io.BytesIO(LETTER))
        [after] = store.listed()
        if after.at > before.at:
            break
    assert (after.sha256, read_all(store, first)) == (first, LETTER)


def test_drafts_of_a_process_that_died_are_swept_when_they_are_old(tmp_path: Path) -> None:
    store = DiskBlobs(tmp_path)
    old, young = store.draft(), store.draft()
    for draft in (old, young):
        draft.write(LETTER)
        draft.close()
    os.utime(old.path, (0, 0))
    before = clock.of_files() - timedelta(days=1)
    assert store.sweep_drafts(before, remove=False) == 1
    assert old.path.exists()
    assert store.sweep_drafts(before, remove=True) == 1
    assert (old.path.exists(), young.path.exists()) == (False, True)


def test_syncing_is_done_where_the_process_wants_it_and_errors_come_back(tmp_path: Path) -> None:
    store, seen = DiskBlobs(tmp_path), set()

    def settle(work: Callable[[], bool]) -> bool:
        seen.add(threading.get_ident())
        return work()

    with ThreadPoolExecutor(1) as other:
        store.aside = lambda work: other.submit(settle, work).result()
        blob = store.put(io.BytesIO(b"thong bao"))
        with pytest.raises(FileNotFoundError):
            store.adopt(tmp_path / "nothing", Blob("0" * 64, 1))
    assert read_all(store, blob.sha256) == b"thong bao"
    assert len(seen) == 1
    assert threading.get_ident() not in seen


def test_several_are_stored_in_one_turn_also_when_they_are_equal(tmp_path: Path) -> None:
    store, turns = DiskBlobs(tmp_path), []

    def settle(work: Callable[[], bool]) -> bool:
        turns.append(work)
        return work()

    store.aside = settle
    with drafts(store) as another:
        three = [another(), another(), another()]
        for draft, text in zip(three, (b"mot", b"hai", b"mot"), strict=True):
            draft.write(text)
        first, second, again = store.keep(three)
    assert first == again
    assert [read_all(store, blob.sha256) for blob in (first, second)] == [b"mot", b"hai"]
    assert len(turns) == 1
    assert list((tmp_path / "drafts").iterdir()) == []


def test_a_store_that_does_not_answer_is_unavailable_and_no_fault_of_the_server() -> None:
    away = Config(blobs_url="s3://papers/city", s3_endpoint="http://127.0.0.1:9", s3_access_key="x", s3_secret_key="x")
    with pytest.raises(Unavailable):
        store_for(away).size("0" * 64)


def test_a_key_that_the_store_refuses_is_unavailable_too(s3: str) -> None:
    other = Config(blobs_url="s3://nobodys/x", s3_endpoint=s3, s3_access_key="test", s3_secret_key="test")
    with pytest.raises(Unavailable):
        store_for(other).put(io.BytesIO(LETTER))


class FullStore(DiskBlobs):
    """A store whose drafts lie on a disk that takes no more."""

    def draft(self) -> Draft:
        path = super().draft().path
        path.parent.mkdir(exist_ok=True)
        path.symlink_to("/dev/full")
        return Draft(path, exists=True)


@pytest.mark.parametrize("text", [SHORT, LETTER], ids=["short", "long"])
def test_a_full_disk_is_unavailable_and_leaves_nothing(tmp_path: Path, text: bytes) -> None:
    store = FullStore(tmp_path)
    with pytest.raises(Unavailable):
        store.put(io.BytesIO(text))
    with pytest.raises(Unavailable), drafts(store) as another:
        both = another(), another()
        for draft in both:
            draft.write(text)
        store.keep(both)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []


def test_of_many_small_drafts_only_a_few_wait_in_memory(tmp_path: Path) -> None:
    with drafts(DiskBlobs(tmp_path)) as another:
        many = [another() for _ in range(20)]
        for draft in many:
            draft.write(SHORT)
        assert [draft.path.exists() for draft in many] == [False] * 8 + [True] * 12


def test_a_small_draft_is_no_file_before_it_is_kept(tmp_path: Path) -> None:
    store = DiskBlobs(tmp_path)
    with drafts(store) as another:
        small, dropped, large = another(), another(), another()
        for draft, text in ((small, SHORT), (dropped, SHORT), (large, LETTER)):
            draft.write(text[:10])
            draft.write(text[10:])
            with draft.open() as file:
                assert file.read() == text
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [large.path]
        with small.open() as first, small.open() as second:
            assert (first.read(), second.read()) == (SHORT, SHORT)
        kept = store.keep([small, large])
    assert [read_all(store, blob.sha256) for blob in kept] == [SHORT, LETTER]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == sorted(blob.sha256 for blob in kept)
