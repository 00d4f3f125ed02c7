"""Sent again to who refused it or gave it back, a document is an update; to an agency that never had it, it is new."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from docex.documents.delivery.statuses import report_status
from docex.documents.incoming import handling
from docex.documents.models import Delivery, Dispatch, Incoming
from docex.documents.pages import workflow_panel
from docex.documents.states import DocumentState, IncomingState
from docex.edxml import write
from docex.edxml.codes import BusinessKind
from docex.edxml.model import Business, Organ, UpdateInfo
from docex.edxml.progress import Progress, Recall
from docex.exchange.recalls import withdrawal
from kernel.errors import WrongState
from tests.docex.hub.systems import System, a_letter, an_agency
from tests.docex.office import Office
from tests.docex.recalls.test_recalls import recall_of

pytestmark = pytest.mark.long_proof


def resend(hub: Office, number: int, *agency_ids: int) -> list[int]:
    """Hà sends it again. Answers what kind the last envelope of each agency is."""
    with hub.db.write(hub.cast.ha.by) as tx:
        withdrawal.resend(tx, hub.cast.ha, number, agency_ids, "Gửi lại bản đã sửa")
    hub.work()
    with hub.db.read() as tx:
        query = sa.select(Delivery.agency_id, Dispatch.business).join(Dispatch).order_by(Delivery.id)
        kinds = dict(tx.session.execute(query).all())
    return [kinds[agency_id] for agency_id in agency_ids]


def test_from_the_page(hub: Office) -> None:
    """The first refuses it, the second gives it back, the third keeps it; the fourth never got it."""
    cast = hub.cast
    unserved = an_agency(hub, "H98.09", "Sở Xây dựng tỉnh Bạn")
    number = hub.sent(recipients=(cast.finance.id, cast.home_affairs.id, cast.science.id, unserved))
    with hub.db.write("system") as tx:
        gone = tx.session.scalars(sa.select(Delivery).where(Delivery.agency_id == unserved)).one()
        report_status(tx, gone, Progress.UNDELIVERABLE)
    hub.refuse(cast.lan, hub.incoming(cast.lan)[0].id, "Sai nơi nhận")
    with hub.db.write(cast.ha.by) as tx:
        withdrawal.recall(tx, cast.ha, number, "Sai nội dung")
    hub.work()
    with hub.db.write(cast.oanh.by) as tx:
        handling.agree_recall(tx, cast.oanh, hub.incoming(cast.oanh)[0].id)
    with hub.db.write(cast.quynh.by) as tx:
        handling.refuse_recall(tx, cast.quynh, hub.incoming(cast.quynh)[0].id, "Đã thực hiện")
    hub.work()
    assert hub.document(number).state == DocumentState.SENT

    assert resend(hub, number, cast.finance.id, cast.home_affairs.id, unserved) == [2, 2, 0]
    for clerk, before in ((cast.lan, IncomingState.REFUSED), (cast.oanh, IncomingState.CANCELLED)):
        new, old = hub.incoming(clerk)
        assert (new.state, old.state) == (IncomingState.ARRIVED, before)
        with hub.db.read() as tx:
            assert [one.url for one in workflow_panel.incoming_desk(tx, clerk, new.id).earlier] == [
                f"/documents/in/{old.id}"
            ]
            assert tx.session.get_one(Delivery, old.delivery_id).recall in (Recall.NONE, Recall.AGREED)


def test_what_everybody_gave_back_is_frozen_on_the_page(hub: Office) -> None:
    number = hub.on_its_way()
    with hub.db.write(hub.cast.ha.by) as tx:
        withdrawal.recall(tx, hub.cast.ha, number, "Sai nội dung")
    hub.work()
    with hub.db.write(hub.cast.lan.by) as tx:
        handling.agree_recall(tx, hub.cast.lan, hub.incoming(hub.cast.lan)[0].id)
    hub.work()
    with hub.db.write(hub.cast.ha.by) as tx, pytest.raises(WrongState):
        withdrawal.resend(tx, hub.cast.ha, number, (hub.cast.finance.id,), "Gửi lại")


@pytest.mark.parametrize("refused", [True, False])
def test_by_the_api(hub: Office, near: System, refused: bool) -> None:
    lan = hub.cast.lan
    letter = a_letter(hub, receivers=(Organ(hub.cast.finance.code, hub.cast.finance.name),))
    near.hand_in(write(letter))
    hub.work()
    (old,) = hub.incoming(lan)
    if refused:
        hub.refuse(lan, old.id, "Sai nội dung")
    else:
        near.hand_in(recall_of(letter, "Sai nội dung"))
        with hub.db.write(lan.by) as tx:
            handling.agree_recall(tx, lan, old.id)
    again = Business(BusinessKind.UPDATE, "Gửi lại", letter.document_id, updates=(UpdateInfo(True, False),))
    assert near.hand_in(write(replace(letter, business=again))).status_code == 202
    hub.work()
    new, old = hub.incoming(lan)
    assert new.state == IncomingState.ARRIVED
    with hub.db.read() as tx:
        desk = workflow_panel.incoming_desk(tx, lan, new.id)
        assert [one.url for one in desk.earlier] == [f"/documents/in/{old.id}"]
        assert desk.duplicates == ()
        asked = sa.select(Incoming.id).join(Delivery, Delivery.id == Incoming.delivery_id)
        assert tx.session.scalars(asked.where(Delivery.recall == Recall.ASKED)).all() == []
