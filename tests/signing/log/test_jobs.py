"""The jobs of the log: a turn each minute, once, whatever fails; a time-stamp that openssl believes."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from asn1crypto import tsp

from kernel import clock, outbox
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.outbox import OutboxRow, State, Topic
from kernel.queue import worker
from kernel.storage.blobs import BlobStore
from signing.jobs import register_jobs
from signing.log import evidence_log
from signing.log import jobs as log_jobs
from signing.log.evidence_log import Kind
from signing.log.models import LogHead
from signing.pdf.timestamps import LocalTimeStamps, TimeStamps
from signing.testca.authority import TestAuthority
from signing.testca.trial import authority_in, trust_of
from signing.trust.trust_store import Trust

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def _one_minute() -> Iterator[None]:
    """The clock stands within a minute: a turn is promised for its end, and would come while a test still works."""
    with clock.frozen(clock.now().replace(second=30)):
        yield


@pytest.fixture
def ready(db: Database, blobs: BlobStore, tmp_path: Path) -> Config:
    """A trial installation with the room's jobs."""
    config = Config(data_dir=tmp_path)
    register_jobs(config, blobs)
    return config


def turn(db: Database) -> None:
    """What waits has its minute come."""
    with db.write() as tx:
        rows = sa.update(OutboxRow).where(OutboxRow.state == State.WAITING, OutboxRow.topic == "signing.sequence")
        tx.session.execute(rows.values(due_at=clock.now() - timedelta(seconds=1)))
    with db.read() as tx:
        (job,) = tx.session.scalars(sa.select(OutboxRow.id).where(OutboxRow.state == State.WAITING)).all()
    one_round(db)
    with db.read() as tx:
        assert tx.session.get_one(OutboxRow, job).state == State.DONE


def one_round(db: Database) -> None:
    """Everything that is due now, but not what the turn promises for the next minute."""
    worker.drain(db)


@pytest.mark.repeats("signing.sequence")
def test_each_turn_signs_what_is_new_promises_the_next_and_repeats_harmlessly(db: Database, ready: Config) -> None:
    log_jobs.begin(db)
    log_jobs.begin(db)
    with db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, "ab" * 32)
    turn(db)
    with db.read() as tx:
        assert evidence_log.head_for(tx).size == 1
        done, waiting = (
            tx.session.scalars(
                sa.select(OutboxRow).where(OutboxRow.topic == "signing.sequence", OutboxRow.state == state)
            ).all()
            for state in (State.DONE, State.WAITING)
        )
        assert (len(done), len(waiting) <= 1) == (1, True)
    with db.write() as tx:
        tx.session.get_one(OutboxRow, done[0].id).state = State.WAITING
    one_round(db)
    with db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(LogHead)) == 1


def test_a_turn_that_fails_does_not_end_the_row_of_turns(
    db: Database, ready: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_jobs.begin(db)

    def broken(tx: object) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(evidence_log, "sequence", broken)
        with db.write() as tx:
            tx.session.execute(sa.update(OutboxRow).values(due_at=clock.now() - timedelta(minutes=2), key="earlier"))
        one_round(db)
    with db.read() as tx:
        keys = set(tx.session.scalars(sa.select(OutboxRow.key).where(OutboxRow.state == State.WAITING)))
    assert "earlier" in keys
    assert len(keys) == 2


def test_a_long_queue_is_numbered_in_stretches_without_waiting(
    db: Database, ready: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_log, "BATCH_SIZE", 3)
    with db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, *(f"{number:064x}" for number in range(10)))
        tx.outbox(Topic("signing.sequence"), "now")
    one_round(db)
    with db.read() as tx:
        assert list(tx.session.scalars(sa.select(LogHead.size).order_by(LogHead.size))) == [3, 6, 9, 10]


@pytest.mark.repeats("signing.stamp_head")
def test_a_head_gets_a_time_stamp_that_openssl_believes(db: Database, ready: Config, tmp_path: Path) -> None:
    with db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, "ab" * 32)
        tx.outbox(Topic("signing.sequence"), "now")
    one_round(db)
    with db.read() as tx:
        head = evidence_log.head_for(tx)
        assert evidence_log.stamped_head_for(tx, 0) is head
    assert head.token is not None
    assert head.stamped_at is not None
    assert head.stamped_at == clock.now().replace(microsecond=0)
    authority = authority_in(ready.pki_dir)
    (tmp_path / "head.jws").write_text(head.jws)
    (tmp_path / "head.tst").write_bytes(head.token)
    for name, der in (("root", authority.root_certificate), ("issuing", authority.issuing_certificate)):
        (tmp_path / f"{name}.der").write_bytes(der)
        command = ["openssl", "x509", "-inform", "DER", "-in", f"{name}.der", "-out", f"{name}.pem"]
        subprocess.run(command, cwd=tmp_path, check=True)
    command = ["openssl", "ts", "-verify", "-data", "head.jws", "-in", "head.tst", "-token_in", "-CAfile", "root.pem"]
    command += ["-untrusted", "issuing.pem"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verification: OK" in said.stdout + said.stderr
    (tmp_path / "head.jws").write_text(head.jws + "x")
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verification: OK" not in said.stdout + said.stderr
    with db.write() as tx:
        tx.outbox(Topic("signing.stamp_head"), "again", {"size": head.size})
    one_round(db)
    with db.read() as tx:
        assert evidence_log.head_for(tx).token == head.token


class Forger(LocalTimeStamps):
    """Somebody on the way to the authority: all is as it was asked for, but the signature is not the authority's."""

    def answer(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        answer = super().answer(req)
        signer = answer["time_stamp_token"]["content"]["signer_infos"][0]
        signature = signer["signature"].native
        signer["signature"] = signature[:-1] + bytes([signature[-1] ^ 1])
        return answer


def asked_for(db: Database, source: TimeStamps, trust: Callable[[Tx], Trust]) -> tuple[LogHead, State]:
    """The newest head and its job, once this authority has been asked for its time-stamp."""
    outbox.register(log_jobs.StampHandler(lambda: source, trust))
    with db.write() as tx:
        size = evidence_log.head_for(tx).size
        ours = OutboxRow.topic == "signing.stamp_head", OutboxRow.state == State.WAITING
        if tx.session.scalar(sa.select(sa.func.count()).select_from(OutboxRow).where(*ours)) == 0:
            tx.outbox(Topic("signing.stamp_head"), f"{size} {source}", {"size": size})
        tx.session.execute(sa.update(OutboxRow).where(*ours).values(due_at=clock.now() - timedelta(seconds=1)))
    one_round(db)
    with db.read() as tx:
        query = sa.select(OutboxRow.state).where(OutboxRow.topic == "signing.stamp_head").order_by(OutboxRow.id.desc())
        state = tx.session.scalars(query.limit(1)).one()
        return evidence_log.head_for(tx), State(state)


def test_a_forged_time_stamp_is_not_kept_and_the_authority_is_asked_again(
    db: Database, ready: Config, tmp_path: Path
) -> None:
    with db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, "ab" * 32)
        evidence_log.sequence(tx)
    key, stranger = (authority.time_stamp_key() for authority in (authority_in(ready.pki_dir), other(tmp_path)))
    for source in (Forger(key), LocalTimeStamps(stranger)):
        head, state = asked_for(db, source, lambda tx: trust_of(tx, ready))
        assert (head.token, head.stamped_at, state) == (None, None, State.WAITING)
    head, state = asked_for(db, LocalTimeStamps(key), lambda tx: trust_of(tx, ready))
    assert (head.token is not None, head.stamped_at is not None, state) == (True, True, State.DONE)


def test_where_no_root_for_time_stamps_is_trusted_the_signature_alone_has_to_be_right(
    db: Database, ready: Config, tmp_path: Path
) -> None:
    with db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, "ab" * 32)
        evidence_log.sequence(tx)
    key = other(tmp_path).time_stamp_key()
    head, state = asked_for(db, Forger(key), lambda tx: Trust())
    assert (head.token, state) == (None, State.WAITING)
    head, state = asked_for(db, LocalTimeStamps(key), lambda tx: Trust())
    assert (head.token is not None, state) == (True, State.DONE)


def test_what_authorities_have_not_said_yet_does_not_hinder_a_time_stamp(
    db: Database, ready: Config, tmp_path: Path
) -> None:
    with db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, "ab" * 32)
        evidence_log.sequence(tx)
    silent = lambda tx: replace(trust_of(tx, ready), crls=(), ocsps=())  # noqa: E731
    head, state = asked_for(db, LocalTimeStamps(authority_in(ready.pki_dir).time_stamp_key()), silent)
    assert (head.token is not None, state) == (True, State.DONE)


def other(tmp_path: Path) -> TestAuthority:
    """An authority that nobody here trusts."""
    return TestAuthority(tmp_path / "stranger")


def test_without_an_authority_nobody_invents_a_time(db: Database, blobs: BlobStore, tmp_path: Path) -> None:
    outbox.register(log_jobs.SequenceHandler())
    outbox.register(log_jobs.StampHandler(lambda: None, lambda tx: Trust()))
    with db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, "ab" * 32)
        tx.outbox(Topic("signing.sequence"), "now")
    one_round(db)
    with db.read() as tx:
        assert evidence_log.head_for(tx).token is None
        states = set(tx.session.scalars(sa.select(OutboxRow.state).where(OutboxRow.topic == "signing.stamp_head")))
    assert states == {State.DONE}


def test_a_head_needs_no_time_stamp_when_a_later_one_has_its_own(db: Database, ready: Config) -> None:
    for number in range(2):
        with db.write() as tx:
            evidence_log.add(tx, Kind.DOCUMENT, f"{number:064x}")
            evidence_log.sequence(tx)
    for size in (2, 1):
        with db.write() as tx:
            tx.outbox(Topic("signing.stamp_head"), str(size), {"size": size})
        one_round(db)
    with db.read() as tx:
        assert [head.token is not None for head in tx.session.scalars(sa.select(LogHead).order_by(LogHead.size))] == [
            False,
            True,
        ]
        found = evidence_log.stamped_head_for(tx, 0)
        assert found is not None
        assert found.size == 2
