"""Files on disk and in a real S3-shaped server."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from kernel.blobs import BlobStore, S3Blobs, read_all, store_for
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
