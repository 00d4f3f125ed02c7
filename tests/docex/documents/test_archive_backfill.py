"""Papers from before the archive: they are taken in once, a stretch at a time, and not faster than time-stamps come."""

import pytest
import sqlalchemy as sa

from docex.documents.issuing import archive_backfill
from docex.documents.models import Paper, PaperVerdict
from kernel import clock
from kernel.outbox import OutboxRow, State
from signing.archive.models import Archived, Waits
from signing.verdicts.verdict import Value
from tests.docex.office import Office

pytestmark = pytest.mark.long_proof


def kept(office: Office) -> dict[str, str]:
    with office.db.read() as tx:
        return {row.sha256: row.waits for row in tx.session.scalars(sa.select(Archived))}


def forget(office: Office) -> set[str]:
    """The table as an older release left it: empty. Answers what stood there."""
    found = set(kept(office))
    with office.db.write() as tx:
        tx.session.execute(sa.delete(Archived))
    return found


def once_more(office: Office, key: str) -> None:
    with office.db.write() as tx:
        tx.outbox(archive_backfill.TOPIC, key, {"after": 0})
    office.work()


@pytest.mark.repeats("docex.take_in")
def test_sealed_papers_of_before_are_taken_in_once(office: Office) -> None:
    office.sent()
    expected = forget(office)
    assert len(expected) == 1
    archive_backfill.begin(office.db)
    archive_backfill.begin(office.db)
    office.work()
    first = kept(office)
    assert set(first) == expected
    assert set(first.values()) == {Waits.LOOK}  # nobody knows how far it has come
    once_more(office, "again")
    assert kept(office) == first


def test_received_papers_are_taken_in_by_their_newest_verdict(office: Office) -> None:
    office.sent()
    expected = forget(office)
    with office.db.write() as tx:  # as where it was received: not sealed here, and its last verdict sends it back
        tx.session.execute(sa.delete(Paper).where(Paper.stage == "sealed"))
        good = tx.session.scalars(sa.select(PaperVerdict)).one()
        report = {**good.report, "value": str(Value.INVALID)}
        bad = PaperVerdict(dispatch_id=good.dispatch_id, paper_id=good.paper_id, value=Value.INVALID, report=report)
        bad.made_at = clock.now()
        tx.session.add(bad)
        tx.session.flush()
        number = bad.id
    once_more(office, "sent back")
    assert kept(office) == {}
    with office.db.write() as tx:
        tx.session.delete(tx.session.get_one(PaperVerdict, number))
    once_more(office, "good")
    assert set(kept(office)) == expected


def test_papers_of_years_wait_for_those_of_today(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_backfill, "BATCH_SIZE", 1)
    office.sent()  # its own paper waits for a time-stamp
    before = clock.now()
    archive_backfill.begin(office.db)
    office.work()
    with office.db.read() as tx:
        query = sa.select(OutboxRow).where(OutboxRow.topic == archive_backfill.TOPIC, OutboxRow.state == State.WAITING)
        row = tx.session.scalars(query).one()
    assert row.payload == {"after": 0, "turn": 1}
    assert row.due_at >= before + archive_backfill.PAUSE
