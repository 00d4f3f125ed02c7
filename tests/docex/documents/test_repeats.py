"""Doing a job of this room again, when it was done already, changes nothing that anybody sees."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from docex.documents.drafting import outgoing
from docex.documents.incoming import handling, submission_sheets
from docex.documents.incoming.submission_sheets import Decision
from docex.exchange.recalls import withdrawal
from kernel import clock
from kernel.db import Database
from kernel.outbox import OutboxRow, State, Topic
from kernel.schema import Base
from signing.log.evidence_log import Kind
from signing.log.models import LogLeaf
from tasks import receiving
from tasks.giving import Lead
from tests.docex.office import Office, a_pdf
from web import jobs

AGAIN = ("judged_at", "changed_at", "rev", "report")
PLUMBING = ("outbox", "stream", "audit", "search", "docex_judgement")  # every verdict is kept beside the others


@pytest.mark.repeats(
    "docex.render",
    "docex.inspect",
    "docex.sign",
    "docex.seal",
    "docex.dispatch",
    "docex.deliver",
    "docex.verify",
    "docex.settle",
    "web.sweep",
)
def test_every_job_of_a_letters_way_done_again_changes_nothing(office: Office) -> None:
    with clock.frozen(clock.now()):  # no minute ends, of which the log would make one more head
        office.uploaded(a_pdf())
        number = office.written()
        office.issue(number, office.cast.ha, office.cast.binh)
        jobs.register_jobs(office.config, office.blobs)
        jobs.begin(office.db)
        with office.db.write() as tx:
            tx.outbox(Topic("docex.settle"), "again", {"document_id": number})
        office.work()
        before = everything(office.db)
        topics = do_all_again(office)
        assert everything(office.db) == before
    assert {"docex.render", "docex.inspect", "docex.sign", "docex.seal", "docex.dispatch"} <= topics
    assert {"docex.deliver", "docex.verify", "docex.settle", "web.sweep"} <= topics


@pytest.mark.long_proof
@pytest.mark.repeats(
    "docex.work",
    "docex.stop_work",
    "docex.answered",
    "docex.ask_back",
    "docex.replaced",
    "docex.resend",
    "docex.alarm",
)
def test_every_job_of_the_desk_done_again_changes_nothing(office: Office) -> None:
    cast = office.cast
    number = office.sent()
    copy = office.incoming(cast.lan)[0].id
    office.register(cast.lan, copy)
    with office.db.write(cast.dung.by) as tx:
        task = submission_sheets.decide(tx, cast.dung, copy, Decision(Lead(person_id=cast.nam.person_id))).task_id
    assert task is not None
    with office.db.write(cast.nam.by) as tx:
        receiving.receive(tx, cast.nam, task)
    reply = office.draft(signer_id=cast.dung.person_id, recipients=(cast.city.id,), answers_id=copy, finishes=True)
    with office.db.write(cast.lan.by) as tx:
        written = outgoing.write(tx, cast.lan, reply).id
    office.issue(written, cast.lan, cast.dung)
    with office.db.write(cast.ha.by) as tx:
        withdrawal.resend(tx, cast.ha, number, (cast.finance.id, cast.science.id), "Bổ sung")
    office.work()
    with office.db.write(cast.lan.by) as tx:
        handling.agree_recall(tx, cast.lan, copy)
    with office.db.write(cast.ha.by) as tx:
        newer = withdrawal.replacement(tx, cast.ha, number, "Sai số liệu").id
    office.issue(newer, cast.ha, cast.binh)
    with clock.frozen(clock.now() + timedelta(days=20)):
        office.work()
        before = everything(office.db)
        topics = do_all_again(office)
        assert everything(office.db) == before
    wanted = {"docex.work", "docex.stop_work", "docex.answered", "docex.ask_back", "docex.replaced", "docex.resend"}
    assert wanted | {"docex.alarm"} <= topics


def do_all_again(office: Office) -> set[str]:
    with office.db.write() as tx:
        done = OutboxRow.state == State.DONE
        topics = set(tx.session.scalars(sa.select(OutboxRow.topic).where(done)))
        again = {"state": State.WAITING, "due_at": clock.now(), "finished_at": None}
        tx.session.execute(sa.update(OutboxRow).where(done).values(again))
    office.work()
    with office.db.read() as tx:
        open_or_failed = OutboxRow.state.in_([State.FAILED, State.UNKNOWN, State.LEASED])
        assert tx.session.scalars(sa.select(OutboxRow.topic).where(open_or_failed)).all() == []
    return topics


def everything(db: Database) -> dict[str, list[Any]]:
    """All rows of all tables that hold what people see. A verdict that is given again has a later time, and is one more
    leaf of the log as it is one more verdict; no other leaf may be doubled."""
    with db.read() as tx:
        return {
            table.name: sorted(map(repr, tx.session.execute(_rows_of(table))))
            for table in Base.metadata.sorted_tables
            if not table.name.startswith(PLUMBING)
        }


def _rows_of(table: sa.Table) -> sa.Select[*tuple[Any, ...]]:
    query = sa.select(*[c for c in table.c if c.name not in AGAIN])
    return query.where(table.c.kind != Kind.VERDICT) if table.name == LogLeaf.__tablename__ else query
