"""The audit is walked by a command, and its heads are leaves of the evidence log."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from kernel import audit, clock
from kernel.audit import GENESIS, AuditChain, AuditEntry
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.queue.worker import drain
from signing.log import audit_heads, audit_jobs, evidence_log, receipts
from signing.log import jobs as log_jobs
from signing.log.log_audit import audit as read_log
from signing.log.models import AuditMark, LogLeaf
from web.cli import main


def record(db: Database, count: int, chain: str = "agency:1") -> None:
    for number in range(count):
        with db.write("person:1") as tx:
            tx.audit(chain, "document.sent", f"document:{number}", {"to": ["Sở Tài chính"]})


def checked(config: Config) -> tuple[int, str]:
    done = CliRunner().invoke(
        main,
        ["audit", "check"],
        env={"LIENTHONG_DATABASE_URL": config.database_url, "LIENTHONG_DATA_DIR": str(config.data_dir)},
    )
    return done.exit_code, done.output


def change(tx: Tx) -> None:
    tx.session.execute(sa.update(AuditEntry).where(AuditEntry.seq == 3).values(detail={"to": ["Sở Xây dựng"]}))


def backdate(tx: Tx) -> None:
    tx.session.execute(sa.update(AuditEntry).where(AuditEntry.seq == 3).values(at=clock.now() - timedelta(days=9)))


def remove(tx: Tx) -> None:
    tx.session.execute(sa.delete(AuditEntry).where(AuditEntry.seq == 3))


def swap(tx: Tx) -> None:
    for old, new in ((3, 99), (4, 3), (99, 4)):
        tx.session.execute(sa.update(AuditEntry).where(AuditEntry.seq == old).values(seq=new))


def cut(tx: Tx) -> None:
    tx.session.execute(sa.delete(AuditEntry).where(AuditEntry.seq == 5))


def lose_the_head(tx: Tx) -> None:
    tx.session.execute(sa.delete(AuditChain))


def empty(tx: Tx) -> None:
    tx.session.execute(sa.delete(AuditEntry))


@pytest.mark.parametrize(
    ("damage", "first"),
    [(change, 3), (backdate, 3), (remove, 3), (swap, 3), (cut, 5), (lose_the_head, 6), (empty, 1)],
)
def test_the_command_names_the_first_break(
    db: Database, config: Config, damage: Callable[[Tx], None], first: int
) -> None:
    record(db, 5)
    assert checked(config) == (0, "1 chuỗi / chains, 5 mục / entries\n")
    with db.write() as tx:
        damage(tx)
    code, said = checked(config)
    assert code == 1
    assert f"agency:1: mục số {first} " in said


@pytest.mark.one_database("sqlite")
def test_an_entry_that_no_longer_reads_is_a_break(db: Database, config: Config) -> None:
    record(db, 3)
    with db.write() as tx:
        tx.session.execute(sa.text("UPDATE audit_entry SET detail = 'x' WHERE seq = 2"))
    assert "mục số 2 " in checked(config)[1]


def rewrite(tx: Tx) -> None:
    """What an operator does who knows how a chain is made: it is whole, and another."""
    prev, seq = GENESIS, 0
    for entry in tx.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.seq)):
        seq, entry.prev, entry.by = entry.seq, prev, "person:2"
        entry.hash = prev = audit.link(
            prev, entry.chain, seq, entry.at, entry.by, entry.action, entry.ref, entry.detail
        )
    tx.session.execute(sa.update(AuditChain).values(head=prev))


def test_a_chain_that_was_made_anew_as_a_whole_differs_from_its_mark(db: Database, config: Config) -> None:
    record(db, 4)
    with db.write() as tx:
        assert audit_heads.mark(tx) == 1
    record(db, 2)
    with db.write() as tx:
        rewrite(tx)
    with db.read() as tx:
        assert audit.first_break(tx, "agency:1") is None
    assert "agency:1: mục số 4 " in checked(config)[1]
    with db.write() as tx:  # whoever shortens it to before the mark is found, too
        tx.session.execute(sa.delete(AuditEntry))
        tx.session.execute(sa.delete(AuditChain))
    assert checked(config)[0] == 1


@pytest.mark.repeats("signing.mark_audit")
def test_heads_of_chains_become_leaves_of_the_log_by_its_job(db: Database) -> None:
    log_jobs.register(Config())
    with db.write() as tx:
        receipts.known_key(tx)  # which is an act of its own
    record(db, 3)
    record(db, 2, "agency:2")
    audit_jobs.register()
    log_jobs.begin(db)
    audit_jobs.begin(db)
    with db.write() as tx:
        tx.outbox(audit_jobs.TOPIC, "the same again", due_at=clock.now() + timedelta(minutes=11))
    for minutes in (11, 13):
        with clock.frozen(clock.now() + timedelta(minutes=minutes)):
            drain(db)
    with db.read() as tx:
        leaves = tx.session.scalars(sa.select(LogLeaf).where(LogLeaf.kind == evidence_log.Kind.AUDIT)).all()
        marks = tx.session.scalars(sa.select(AuditMark)).all()
        assert [(leaf.number is not None, leaf.sha256) for leaf in leaves] == [(True, audit_heads.record(list(marks)))]
        assert {(one.chain, one.length) for one in marks} >= {("agency:1", 3), ("agency:2", 2)}
        assert read_log(tx).wrong == ()
    with db.write() as tx:
        tx.session.execute(sa.update(AuditMark).where(AuditMark.chain == "agency:1").values(head="0" * 64))
    with db.read() as tx:
        assert [words.vi for words in read_log(tx).wrong] != []


def test_only_what_has_grown_is_marked_again(db: Database) -> None:
    record(db, 1)
    record(db, 1, "agency:2")
    for grown, count in ((0, 2), (1, 1), (0, 0)):
        record(db, grown)
        with db.write() as tx:
            assert audit_heads.mark(tx) == count
