"""A backup brings everything back: a machine that is lost, a store in S3, writers that go on meanwhile."""

import hashlib
import io
import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from moto.server import ThreadedMotoServer

from docex.exchange.mail.models import MailArrival
from kernel import streams
from kernel.audit import AuditEntry
from kernel.clock import now
from kernel.config import Config
from kernel.db import Database
from kernel.errors import Unavailable
from kernel.schema import Base
from kernel.sealing import Safe
from kernel.storage import sweep
from kernel.storage.blobs import Blob, read_all, store_for
from signing.log import receipts
from tests import founded
from tests.postgres import TestServer
from tests.sampling import sampled
from web import schema
from web.cli import main

LETTER = hashlib.sha256(b"%PDF-1.7 a letter").hexdigest()
PLAIN = "thông tin chỉ máy này mở được"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["disk", "s3"])
def store_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def machines(
    database_kind: str, store_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> tuple[Config, Config]:
    """The settings of a machine that will be lost, and of the one that takes its place."""

    def machine(name: str) -> Config:
        config = Config(data_dir=tmp_path / name)
        if database_kind == "postgresql":
            server: TestServer = request.getfixturevalue("postgres")
            config = replace(config, database_url=server.create(server.fresh_name()))
        if store_kind == "s3":
            endpoint, bucket = request.getfixturevalue("s3"), f"{name}-{tmp_path.name}".replace("_", "-").lower()[:60]
            keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
            boto3.client("s3", endpoint_url=endpoint, **keys).create_bucket(Bucket=bucket)
            at = {"s3_endpoint": endpoint, "s3_access_key": "test", "s3_secret_key": "test"}
            config = replace(config, blobs_url=f"s3://{bucket}/city", **at)
        return config

    return machine("first"), machine("second")


def peopled(config: Config) -> None:
    """The demo city, a secret that is sealed for a person, a signed statement and a file that a row names."""
    founded.found(config)
    receipts.use(config)
    blob = store_for(config).put(io.BytesIO(b"%PDF-1.7 a letter"))
    db = Database(config.sql_url)
    with db.write("person:1") as tx:
        safe = Safe(config.sealing_secrets(), "test")
        tx.audit("agency:1", "document.sent", "document:1", {"sealed": safe.seal(PLAIN, "person:1"), "đến": "Sở"})
        receipts.state(tx, "test+jwt", {"sha256": blob.sha256})
        tx.session.add(arrival(blob))
    db.close()


def arrival(blob: Blob) -> MailArrival:
    return MailArrival(
        mail_from="a@b.vn\t\\.\n",
        rcpt_to={"agencies": [1]},
        rcpt_key="1",
        sha256=blob.sha256,
        size=blob.size,
        facts={},
        received_at=now(),
    )


def run(config: Config, *words: object) -> Result:
    settings = {
        f"LIENTHONG_{name.upper()}": str(getattr(config, name))
        for name in ("data_dir", "database_url", "blobs_url", "s3_endpoint", "s3_access_key", "s3_secret_key")
        if getattr(config, name)
    }
    return CliRunner().invoke(main, [str(word) for word in words], env=settings)


def rows(config: Config) -> dict[str, list[Any]]:
    """Every row of every table, but for the epoch, which is renewed on purpose."""
    db = Database(config.sql_url)
    found = {}
    with db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            found[table.name] = sorted(map(repr, connection.execute(sa.select(table)).all()))
        found["stream"] = [row for row in found["stream"] if streams.EPOCH not in row]
    db.close()
    return found


def counters(config: Config) -> list[Any]:
    db = Database(config.sql_url)
    with db.engine.connect() as connection:
        known = "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1"
        found = [] if db.is_sqlite else [tuple(row) for row in connection.execute(sa.text(known))]
    db.close()
    return found


def epoch(config: Config) -> int:
    db = Database(config.sql_url)
    with db.read() as tx:
        found = streams.epoch(tx)
    db.close()
    return found


def modes(folder: Path) -> set[str]:
    return {f"{'d' if path.is_dir() else 'f'}{path.stat().st_mode & 0o777:o}" for path in (folder, *folder.rglob("*"))}


@pytest.mark.both_databases
@pytest.mark.parametrize("name", sampled(["copy.tar", "copy"], one_in=2))
def test_a_machine_that_is_lost_comes_back(machines: tuple[Config, Config], tmp_path: Path, name: str) -> None:
    first, second = machines
    peopled(first)
    before = rows(first), counters(first), sorted(one.sha256 for one in store_for(first).listed())
    secret, old_epoch = first.signing_secret(), epoch(first)
    with Database(first.sql_url).read() as tx:
        kid = receipts.known_key(tx).kid
    done = run(first, "backup", tmp_path / "safe" / name)
    assert done.exit_code == 0, done.output
    assert modes(tmp_path / "safe" / name) <= {"d700", "f600"}
    shutil.rmtree(first.data_dir)

    done = run(second, "restore", tmp_path / "safe" / name)
    assert done.exit_code == 0, done.output
    assert (rows(second), counters(second), sorted(one.sha256 for one in store_for(second).listed())) == before
    assert second.signing_secret() == secret
    assert epoch(second) != old_epoch
    receipts.use(second)
    db = Database(second.sql_url)
    with db.write() as tx:
        assert receipts.known_key(tx).kid == kid
        kept = tx.session.scalars(sa.select(AuditEntry.detail).where(AuditEntry.action == "document.sent")).one()
        assert Safe(second.sealing_secrets(), "test").opened(kept["sealed"], "person:1") == PLAIN
        found = tx.session.scalars(sa.select(MailArrival)).one()
        assert read_all(store_for(second), found.sha256) == b"%PDF-1.7 a letter"
        tx.session.add(arrival(store_for(second).put(io.BytesIO(b"the next"))))  # its id is a new one
    db.close()
    assert run(second, "audit", "check").exit_code == 0
    assert run(second, "log", "check").exit_code == 0


@pytest.mark.parametrize("store_kind", ["disk"], indirect=True)
@pytest.mark.parametrize("name", sampled(["copy", "copy.tar"], one_in=2))
def test_a_damaged_backup_touches_nothing(machines: tuple[Config, Config], tmp_path: Path, name: str) -> None:
    first, second = machines
    peopled(first)
    place = tmp_path / name
    assert run(first, "backup", place).exit_code == 0
    assert run(first, "restore", "--check", place).output == f"{place} is whole\n"
    spoilt = place if place.is_file() else max(place.glob("blobs/*"))
    data = bytearray(spoilt.read_bytes())
    data[data.index(b"%PDF-1.7 a letter") if b"a letter" in data else 0] ^= 1
    spoilt.write_bytes(data)
    done = run(second, "restore", place)
    assert done.exit_code == 1
    assert "nothing was restored: " in done.output
    assert not second.data_dir.exists()
    assert run(first, "restore", "--check", place).exit_code == 1


@pytest.mark.long_proof
@pytest.mark.parametrize("store_kind", ["disk"], indirect=True)
def test_a_place_where_something_is_is_left_alone(machines: tuple[Config, Config], tmp_path: Path) -> None:
    first, second = machines
    peopled(first)
    assert run(first, "backup", tmp_path / "copy").exit_code == 0
    assert "exists; name a new place" in run(first, "backup", tmp_path / "copy").output
    peopled(second)
    before = rows(second)
    done = run(second, "restore", tmp_path / "copy")
    assert (done.exit_code, rows(second)) == (1, before)
    assert "--replace" in done.output
    assert run(second, "restore", "--replace", tmp_path / "copy").exit_code == 0
    assert rows(second) == rows(first)


@pytest.mark.long_proof
@pytest.mark.parametrize("store_kind", ["disk"], indirect=True)
def test_writers_go_on_and_the_backup_is_of_one_instant(machines: tuple[Config, Config], tmp_path: Path) -> None:
    """Each of them stores a file, then a row that names it and an entry of the audit, in one transaction."""
    first, second = machines
    peopled(first)
    ended = threading.Event()

    def write(name: str) -> None:
        db, store, number = Database(first.sql_url), store_for(first), 0
        while not ended.is_set():
            blob, number = store.put(io.BytesIO(f"{name} {number}".encode())), number + 1
            with db.write(name) as tx:
                tx.session.add(arrival(blob))
                tx.audit(f"agency:{name}", "document.sent", blob.sha256)
        db.close()

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    done = run(first, "backup", tmp_path / "copy")
    ended.set()
    for writer in writers:
        writer.join()
    assert done.exit_code == 0, done.output
    assert run(second, "restore", tmp_path / "copy").exit_code == 0
    assert run(second, "audit", "check").exit_code == 0
    db = Database(second.sql_url)
    with db.read() as tx:
        named = set(tx.session.scalars(sa.select(MailArrival.sha256)))
        told = set(tx.session.scalars(sa.select(AuditEntry.ref).where(AuditEntry.chain.in_(["agency:a", "agency:b"]))))
    db.close()
    assert told == named - {LETTER}
    assert named <= {one.sha256 for one in store_for(second).listed()}


@pytest.mark.long_proof
@pytest.mark.parametrize("store_kind", ["disk"], indirect=True)
def test_a_file_that_is_missing_is_told_and_the_rest_is_saved(machines: tuple[Config, Config], tmp_path: Path) -> None:
    first, second = machines
    peopled(first)
    (first.blobs_dir / LETTER[:2] / LETTER).unlink()
    done = run(first, "backup", tmp_path / "copy")
    assert done.exit_code == 1
    assert f"missing or damaged in the store: {LETTER}" in done.output
    assert run(second, "restore", tmp_path / "copy").exit_code == 1  # told again
    assert rows(second) == rows(first)


@pytest.mark.long_proof
@pytest.mark.parametrize("store_kind", ["disk"], indirect=True)
def test_files_are_not_swept_while_a_backup_runs(machines: tuple[Config, Config], tmp_path: Path) -> None:
    first, _ = machines
    peopled(first)
    db, store = Database(first.sql_url), store_for(first)
    orphan = store.put(io.BytesIO(b"nobody's")).sha256
    with sweep.no_removal(db):
        with pytest.raises(Unavailable):
            sweep.sweep(db, store, before=now(), remove=True)
        assert sweep.sweep(db, store, before=now(), remove=False).orphans == 1
        with sweep.no_removal(db):
            pass
    assert sweep.sweep(db, store, before=now(), remove=True).removed == 1
    with sweep.no_removal(db, alone=True):
        assert "Đang sao lưu hoặc đang dọn tệp" in run(first, "backup", tmp_path / "copy").output
    assert [orphan in one.sha256 for one in store.listed()].count(True) == 0
    db.close()


@pytest.mark.long_proof
@pytest.mark.parametrize("store_kind", ["disk"], indirect=True)
@pytest.mark.one_database("sqlite")
@pytest.mark.parametrize(
    ("name", "part"),
    [("../evil", {"size": 0, "sha256": ""}), ("data/../../evil", {"size": 0, "sha256": ""}), ("x", None)],
)
def test_a_manifest_of_strange_names_is_refused(
    machines: tuple[Config, Config], tmp_path: Path, name: str, part: object
) -> None:
    first, second = machines
    peopled(first)
    assert run(first, "backup", tmp_path / "copy").exit_code == 0
    manifest = tmp_path / "copy" / "manifest.json"
    told = json.loads(manifest.read_text())
    told["parts"][name] = part
    manifest.write_text(json.dumps(told))
    done = run(second, "restore", tmp_path / "copy")
    assert (done.exit_code, isinstance(done.exception, SystemExit)) == (1, True)
    assert not second.data_dir.exists()


@pytest.mark.parametrize("store_kind", ["disk"], indirect=True)
@pytest.mark.one_database("sqlite")
def test_what_cannot_be_a_backup_is_told(machines: tuple[Config, Config], tmp_path: Path) -> None:
    first, second = machines
    assert "run: lienthong migrate" in run(first, "backup", tmp_path / "copy").output
    assert not list(tmp_path.glob("copy*"))
    for name, data in (("no.tar", b"no tar"), ("empty.tar", b"")):
        (tmp_path / name).write_bytes(data)
        assert run(second, "restore", tmp_path / name).exit_code == 1
    schema.upgrade(first)
    (first.data_dir / "lienthong.db-wal").unlink(missing_ok=True)
    with sqlite3.connect(first.data_dir / "lienthong.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = bytearray((first.data_dir / "lienthong.db").read_bytes())
    pages[8192:12288] = bytes(4096)
    (first.data_dir / "lienthong.db").write_bytes(pages)
    assert run(first, "backup", tmp_path / "copy").exit_code == 1
    assert not list(tmp_path.glob("copy*"))
