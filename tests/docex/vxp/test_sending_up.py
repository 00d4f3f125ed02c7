# ruff: noqa: F811 - a fixture that takes another is named as its import
"""Which statuses go up to the axis above: those of our receivers to whose document came down, and our senders' 13."""

import pytest
import sqlalchemy as sa

from docex.documents.delivery import statuses
from docex.documents.models import Delivery, Dispatch
from docex.edxml import StatusMessage, read
from docex.edxml.progress import Progress, Recall
from docex.exchange.recalls import withdrawal
from docex.exchange.vxp import upstream
from docex.exchange.vxp.client import VxpClient
from kernel.outbox import OutboxRow
from tests.docex.office import Office
from tests.docex.vxp.letters import a_letter, organ
from tests.docex.vxp.two_hubs import (  # noqa: F401 - fixtures
    MINISTRY,
    PROVINCE,
    Above,
    above,
    below,
    look,
    ministry_below,
)

pytestmark = pytest.mark.one_database("postgresql")
PERSON = "person:1"
RECEIVERS_WORDS = ("01", "02", "03", "04", "05", "06", "15", "16")


def reports(office: Office) -> int:
    with office.db.read() as tx:
        return tx.session.scalar(sa.select(sa.func.count()).where(OutboxRow.topic == "vxp.report")) or 0


def said(office: Office, delivery_id: int, code: str, by: str) -> int:
    """How many reports go up when somebody says this of the delivery, as it stands before anybody said anything."""
    before = reports(office)
    with office.db.write(by) as tx:
        delivery = tx.session.get_one(Delivery, delivery_id)
        delivery.progress = Progress.SUBMITTED
        delivery.recall = Recall.ASKED if code in (Recall.AGREED, Recall.REFUSED) else Recall.NONE
        assert statuses.report_status(tx, delivery, code, description="Lý do")
    return reports(office) - before


def delivery_to(office: Office, agency_id: int) -> int:
    with office.db.read() as tx:
        return tx.session.scalars(
            sa.select(Delivery.id).where(Delivery.agency_id == agency_id).order_by(Delivery.id.desc()).limit(1)
        ).one()


@pytest.mark.long_proof
def test_each_status_goes_up_or_stays_by_where_its_document_came_from(below: Office, above: Above) -> None:
    ministry_id, finance_id = ministry_below(below), below.cast.finance.id
    above.system("ministry", MINISTRY)
    below.sent(recipients=(ministry_id, finance_id))
    up, here = delivery_to(below, ministry_id), delivery_to(below, finance_id)
    above.system("province", PROVINCE).send(a_letter(PROVINCE, organ(below.cast.city)), PROVINCE.code)
    above.deliver()
    look(below)
    down = delivery_to(below, below.cast.city.id)

    for code in RECEIVERS_WORDS:
        assert said(below, down, code, PERSON) == 1, f"our receiver's {code} goes up to the document's sender"
        assert said(below, here, code, PERSON) == 0, f"{code} of a document that stayed here"
        assert said(below, up, code, upstream.BY) == 0, f"{code} that came down does not go up again"
    assert said(below, up, "13", PERSON) == 1
    assert said(below, here, "13", PERSON) == 0
    assert said(below, down, "13", upstream.BY) == 0, "the question came from above"
    assert said(below, down, "15", upstream.BY) == 1, "we agree for a receiver who never had it"
    for step in (Progress.EXPIRED, Progress.UNDELIVERABLE, "retrieved"):
        assert said(below, down, step, PERSON) == 0, f"{step} is no status of QĐ 28/2018"


def asked_above(system: VxpClient) -> list[str]:
    """The reasons of the 13 that the ministry's system finds above."""
    found = [read(system.download(line.doc_id, max_bytes=10**7)) for line in system.received("status")]
    return [one.description for one in found if isinstance(one, StatusMessage) and one.status == "13"]


@pytest.mark.long_proof
def test_a_13_does_not_go_up_for_what_an_update_replaced_and_goes_up_for_the_update(
    below: Office, above: Above
) -> None:
    ministry, ministry_id = above.system("ministry", MINISTRY), ministry_below(below)
    number = below.sent(recipients=(ministry_id,))
    above.deliver()
    first = delivery_to(below, ministry_id)
    with below.db.write(below.cast.ha.by) as tx:
        withdrawal.resend(tx, below.cast.ha, number, (ministry_id,), "Bổ sung phụ lục")
    below.work()
    above.deliver()
    newer = delivery_to(below, ministry_id)
    assert newer != first
    with below.db.read() as tx:
        assert tx.session.get_one(Delivery, first).recall == Recall.ASKED  # the update itself asked for it
        keys = tx.session.scalars(sa.select(Dispatch.document_key).where(Dispatch.document_id == number)).all()
        assert len(keys) == 2
        assert len(set(keys)) == 1
    assert reports(below) == 0
    for line in ministry.received("edoc"):
        ministry.update_status(line.doc_id, "done")

    with below.db.write(below.cast.ha.by) as tx:
        withdrawal.recall(tx, below.cast.ha, number, "Ban hành nhầm")
    below.work()
    assert reports(below) == 1
    assert set(asked_above(ministry)) == {"Ban hành nhầm"}
