"""Files on disk and in a real S3-shaped server."""

import hashlib
import io
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from kernel import blobs, clock
from kernel.blobs import BlobStore, DiskBlobs, S3Blobs, read_all, store_for
from kernel.config import Config
from kernel.errors import Invalid, NotFound

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
    monkeypatch.setattr(blobs, "RENEWED_AFTER", timedelta(seconds=-1))
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
        draft.write(b"half")
        draft.close()
    os.utime(old.path, (0, 0))
    before = clock.of_files() - timedelta(days=1)
    assert store.sweep_drafts(before, remove=False) == 1
    assert old.path.exists()
    assert store.sweep_drafts(before, remove=True) == 1
    assert (old.path.exists(), young.path.exists()) == (False, True)
