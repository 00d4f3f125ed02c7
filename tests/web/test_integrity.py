"""What is stored is read again: by commands, by the doctor and by a nightly job."""

import io
import os
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from docex.exchange.mail.models import MailArrival
from kernel import clock, outbox
from kernel.audit import AuditEntry
from kernel.config import Config
from kernel.db import Database
from kernel.doctor import Health, checks
from kernel.queue.worker import drain
from kernel.storage.blobs import Blob, store_for
from web import doctor, integrity, rooms, schema
from web.cli import main


@pytest.fixture
def place(tmp_path: Path) -> Config:
    """An installation with three files that rows name, one that none does, and an audit."""
    config = Config(data_dir=tmp_path / "data")
    schema.upgrade(config)
    db, store = Database(config.sql_url), store_for(config)
    with db.write("person:1") as tx:
        for number in range(3):
            tx.session.add(arrival(store.put(io.BytesIO(f"letter {number}".encode()))))
            tx.audit("agency:1", "document.sent", f"document:{number}")
    store.put(io.BytesIO(b"nobody's"))
    db.close()
    return config


def arrival(blob: Blob) -> MailArrival:
    facts = {"sha256": blob.sha256, "size": blob.size, "received_at": clock.now()}
    return MailArrival(mail_from="", rcpt_to={"agencies": []}, rcpt_key="", facts={}, **facts)


def run(config: Config, *words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"LIENTHONG_DATA_DIR": str(config.data_dir)})


def files(config: Config) -> list[Path]:
    db = Database(config.sql_url)
    with db.read() as tx:
        names = list(tx.session.scalars(sa.select(MailArrival.sha256).order_by(MailArrival.id)))
    db.close()
    return [config.blobs_dir / name[:2] / name for name in names]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    told = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))


def change_audit(config: Config) -> None:
    db = Database(config.sql_url)
    with db.write() as tx:
        tx.session.execute(sa.update(AuditEntry).where(AuditEntry.seq == 2).values(by="person:9"))
    db.close()


def test_damaged_and_missing_files_are_named(place: Config) -> None:
    done = run(place, "blobs", "check")
    assert (done.exit_code, done.output) == (0, "4 tệp / files, 32 byte\n")
    spoilt, gone, _ = files(place)
    flip(spoilt)
    gone.unlink()
    done = run(place, "blobs", "check")
    assert done.exit_code == 1
    assert f"{spoilt.name}: hỏng / damaged" in done.output
    assert f"{gone.name}: mất / missing" in done.output


def test_the_doctor_names_them_too(place: Config) -> None:
    assert doctor.stored(place).health is Health.GOOD
    change_audit(place)
    spoilt, gone, _ = files(place)
    flip(spoilt)
    gone.unlink()
    found = doctor.stored(place)
    assert found.health is Health.BAD
    for word in ("agency:1: 2", spoilt.name[:16], gone.name[:16]):
        assert word in found.what.vi
        assert word in found.what.en


@pytest.mark.repeats("web.check_stored")
@pytest.mark.parametrize("damage", ["audit", "file", "gone"])
def test_a_night_that_finds_something_is_shown_until_one_finds_nothing(
    place: Config, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "handlers", {})
    outbox.register(integrity.CheckStored(place, store_for(place)))
    first = files(place)[0]
    kept = first.read_bytes()
    db = Database(place.sql_url)
    with db.write() as tx:
        integrity.enqueue(tx)
        tx.outbox(integrity.TOPIC, "the same night again", {"night": int(first.name[:2], 16)})
    if damage == "audit":
        change_audit(place)
    elif damage == "file":
        flip(first)
    else:
        first.unlink()
    nights(db, 1)
    with db.read() as tx:
        wrong = integrity.last_night(tx)
    assert wrong is not None
    assert ("agency:1: 2" if damage == "audit" else first.name[:16]) in wrong.vi
    if damage != "audit":  # what a backup brings back ends it
        first.write_bytes(kept)
        with db.write() as tx:
            tx.outbox(integrity.TOPIC, "the next", {"night": int(first.name[:2], 16)})
        nights(db, 0)
        with db.read() as tx:
            assert integrity.last_night(tx) is None
    db.close()


def nights(db: Database, days: int) -> None:
    with clock.frozen(clock.now() + timedelta(days=days)):
        drain(db)


def test_every_night_promises_the_next_and_eight_read_everything(place: Config) -> None:
    found = [integrity.look(place, store_for(place), night) for night in range(100, 100 + integrity.NIGHTS)]
    assert sum(one.files.read for one in found) == 4
    assert all(one.files.files == 4 and one.audit.entries == 3 for one in found)


def test_all_files_of_an_installation_are_its_owners_only(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path / "data")
    old = os.umask(0o022)
    try:
        for words in (["migrate"], ["seed"], ["pki", "test"]):
            assert run(config, *words).exit_code == 0
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(old)
    modes = {
        (path.is_dir(), oct(path.stat().st_mode & 0o777)) for path in (config.data_dir, *config.data_dir.rglob("*"))
    }
    assert modes == {(True, "0o700"), (False, "0o600")}


def test_a_folder_that_was_open_to_others_is_closed_and_the_doctor_says_so(place: Config) -> None:
    place.data_dir.chmod(0o755)
    found = doctor.folder_check(place)
    assert found.health is Health.BAD
    assert found.hint is not None
    assert f"chmod 700 {place.data_dir}" in found.hint.vi
    schema.upgrade(place)
    assert stat.S_IMODE(place.data_dir.stat().st_mode) == 0o700
    assert doctor.folder_check(place).health is Health.GOOD


def test_the_doctor_of_a_trial_says_what_really_happens_to_signatures(place: Config) -> None:
    """Nobody signs with a device there, and signatures do not end at B-B: the test authority does both."""
    rooms.load_checks()
    keys, stamps = checks["keys"](place), checks["tsa"](place)
    assert "khoá thử nghiệm" in keys.what.vi
    assert "CHỨNG THƯ THỬ NGHIỆM" in stamps.what.vi
    assert "B-B" not in stamps.what.vi
    real = replace(place, mode="production", secret_key="of a test")
    assert "thiết bị của văn thư" in checks["keys"](real).what.vi
    assert "B-B" in checks["tsa"](real).what.vi
