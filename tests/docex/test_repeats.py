"""Doing a job of this room again, when it was done already, changes nothing that anybody sees."""

from typing import Any

import pytest
import sqlalchemy as sa

from kernel import clock
from kernel.db import Database
from kernel.outbox import OutboxRow, State
from kernel.schema import Base
from tests.docex.office import Office, a_pdf
from web import jobs

AGAIN = ("judged_at", "changed_at", "rev", "report")
PLUMBING = ("outbox", "stream", "audit", "search", "docex_judgement")  # every judgement is kept beside the others


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
    office.uploaded(a_pdf())
    number = office.written()
    office.work()
    office.submit(number)
    office.sign(number)
    office.work()
    office.seal(number)
    office.work()
    jobs.register_jobs(office.config, office.blobs)
    jobs.begin(office.db)
    with office.db.write() as tx:
        tx.outbox("docex.settle", "again", {"document_id": number})
    office.work()
    before = everything(office.db)
    topics = do_all_again(office)
    assert everything(office.db) == before
    assert {"docex.render", "docex.inspect", "docex.sign", "docex.seal", "docex.dispatch"} <= topics
    assert {"docex.deliver", "docex.verify", "docex.settle", "web.sweep"} <= topics


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
    """All rows of all tables that hold what people see. A verdict that is given again has a later time."""
    with db.read() as tx:
        return {
            table.name: sorted(
                repr(row) for row in tx.session.execute(sa.select(*[c for c in table.c if c.name not in AGAIN]))
            )
            for table in Base.metadata.sorted_tables
            if not table.name.startswith(PLUMBING)
        }
