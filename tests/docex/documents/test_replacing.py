"""Replies, recalls, sending again and replacing, as both agencies see them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from docex.dashboard import workflow
from docex.documents.delivery import statuses
from docex.documents.drafting import outgoing
from docex.documents.incoming import handling
from docex.documents.models import Answer, Delivery, Dispatch, Document, Incoming
from docex.documents.pages import workflow_panel
from docex.documents.states import DocumentState, IncomingState
from docex.edxml.codes import BusinessKind
from docex.edxml.progress import Progress, Recall
from docex.exchange.recalls import withdrawal
from kernel.db import Tx
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from tasks.giving import Lead
from tests.docex.documents.workflow import copy_of, decide, drawn, envelope_of, progress, registered
from tests.docex.office import Office


def test_a_reply_is_linked_on_both_sides_and_ends_the_matter_when_it_is_sent(office: Office) -> None:
    cast = office.cast
    asked = office.sent()
    copy = office.incoming(cast.lan)[0].id
    office.register(cast.lan, copy)
    draft = office.draft(
        signer_id=cast.dung.person_id, recipients=(cast.city.id,), unit_mark="NS", answers_id=copy, finishes=True
    )
    with office.db.write(cast.lan.by) as tx:
        reply = outgoing.write(tx, cast.lan, draft).id
    office.issue(reply, cast.lan, cast.dung)
    assert copy_of(office, copy).state == IncomingState.DONE
    assert progress(office, asked)[0] == Progress.DONE
    back = office.incoming(cast.ha)[0]
    with office.db.read() as tx:
        envelope = envelope_of(office, tx.session.get_one(Dispatch, back.dispatch_id).sha256)
        assert envelope.responses[0].code == "01/VP-HCTC"
        assert envelope.responses[0].organ_code == cast.city.code
        assert tx.session.scalars(sa.select(Answer.document_key)).all() == [envelope.responses[0].document_id]
        assert [r.url for r in workflow_panel.incoming_desk(tx, cast.ha, back.id).answers] == [
            f"/documents/out/{asked}"
        ]
        assert [r.url for r in workflow_panel.document_desk(tx, cast.ha, asked).answered_by] == [
            f"/documents/in/{back.id}"
        ]
        assert [r.url for r in workflow_panel.incoming_desk(tx, cast.lan, copy).replies] == [f"/documents/out/{reply}"]
        link = workflow_panel.document_desk(tx, cast.lan, reply).answers
        assert link is not None
        assert link.url == f"/documents/in/{copy}"


def test_nobody_answers_what_they_may_not_open(office: Office) -> None:
    _, copy = registered(office)
    with office.db.write(office.cast.ha.by) as tx, pytest.raises(NotFound):
        outgoing.write(tx, office.cast.ha, office.draft(answers_id=copy))


def recall(office: Office, number: int, reason: str = "Sai nội dung") -> None:
    with office.db.write(office.cast.ha.by) as tx:
        withdrawal.recall(tx, office.cast.ha, number, reason)
    office.work()


def test_a_recall_asks_each_recipient_and_freezes_the_document(office: Office) -> None:
    cast = office.cast
    number = office.on_its_way(recipients=(cast.finance.id, cast.science.id))
    copy, other = office.incoming(cast.lan)[0].id, office.incoming(cast.quynh)[0].id
    task = _working(office, copy)
    recall(office, number)
    assert office.document(number).state == DocumentState.RECALLING
    acts: tuple[Callable[[Tx], object], ...] = (
        lambda tx: outgoing.edit(tx, cast.ha, number, 1, office.draft()),
        lambda tx: withdrawal.resend(tx, cast.ha, number, (cast.finance.id,), "x"),
        lambda tx: withdrawal.recall(tx, cast.ha, number, "again"),
    )
    for act in acts:
        with office.db.write(cast.ha.by) as tx, pytest.raises(WrongState):
            act(tx)
    with office.db.read() as tx:
        assert [i.url for i in workflow.recalls_to_answer(tx, cast.lan) or []] == [f"/documents/in/{copy}"]
    with office.db.write(cast.lan.by) as tx:
        handling.agree_recall(tx, cast.lan, copy)
    office.work()
    assert office.document(number).state == DocumentState.RECALLING
    with office.db.write(cast.quynh.by) as tx:
        handling.refuse_recall(tx, cast.quynh, other, "Đã thực hiện xong")
    office.work()
    assert office.document(number).state == DocumentState.SENT
    assert copy_of(office, copy).state == IncomingState.CANCELLED
    assert [d.recall.text.vi for d in office.sheet(cast.ha, number).deliveries if d.recall] == [
        "Đồng ý lấy lại, cập nhật",
        "Không đồng ý lấy lại, cập nhật",
    ]
    with office.db.read() as tx:
        from tasks.models import Task

        assert tx.session.get_one(Task, task).state == "cancelled"
    recall(office, number, "Yêu cầu lần nữa")
    with office.db.write(cast.quynh.by) as tx:
        handling.agree_recall(tx, cast.quynh, other)
    office.work()
    assert office.document(number).state == DocumentState.RECALLED


def _working(office: Office, copy: int) -> int:
    office.register(office.cast.lan, copy)
    return decide(office, copy, Lead(person_id=office.cast.nam.person_id))


def test_what_has_not_left_is_recalled_here_and_never_sent(office: Office) -> None:
    number = office.written()
    with office.db.write("system") as tx:
        tx.session.get_one(Document, number).state = DocumentState.SEALED
    recall(office, number)
    assert office.document(number).state == DocumentState.RECALLED
    assert office.incoming(office.cast.lan) == []


def test_what_was_not_delivered_yet_is_taken_back_without_asking(office: Office) -> None:
    number = office.on_its_way()
    with office.db.write("system") as tx:
        delivery = tx.session.scalars(sa.select(Delivery)).one()
        delivery.progress = Progress.SUBMITTED
        tx.session.execute(sa.delete(Incoming))
    recall(office, number)
    assert office.document(number).state == DocumentState.RECALLED
    with office.db.read() as tx:
        assert tx.session.scalars(sa.select(Delivery.recall)).all() == [Recall.AGREED]


def test_only_a_clerk_recalls_and_with_a_reason(office: Office) -> None:
    number = office.on_its_way()
    with office.db.write(office.cast.binh.by) as tx, pytest.raises(Forbidden):
        withdrawal.recall(tx, office.cast.binh, number, "Sai")
    with office.db.write(office.cast.ha.by) as tx, pytest.raises(Invalid):
        withdrawal.recall(tx, office.cast.ha, number, " ")


@pytest.mark.long_proof
def test_sending_again_to_the_same_agency_is_an_update_and_to_another_one_new(office: Office) -> None:
    cast = office.cast
    number = office.sent()
    old = office.incoming(cast.lan)[0].id
    with office.db.write() as tx:  # sealed long before it is sent again
        sealed = tx.session.get_one(Document, number)
        assert sealed.sealed_at is not None
        sealed.sealed_at -= timedelta(days=1)
    with office.db.write(cast.ha.by) as tx:
        withdrawal.resend(tx, cast.ha, number, (cast.finance.id, cast.science.id), "Bổ sung phụ lục")
    office.work()
    (new, first), (other,) = office.incoming(cast.lan), office.incoming(cast.quynh)
    assert first.id == old
    with office.db.read() as tx:
        kinds = {d.id: d.business for d in tx.session.scalars(sa.select(Dispatch))}
        assert (kinds[first.dispatch_id], kinds[new.dispatch_id], kinds[other.dispatch_id]) == (0, 2, 0)
        update = envelope_of(office, tx.session.get_one(Dispatch, new.dispatch_id).sha256)
        assert update.business.kind is BusinessKind.UPDATE
        assert update.business.document_id == update.document_id
        sent, again = (tx.session.get_one(Dispatch, one.dispatch_id) for one in (first, new))
        earlier = envelope_of(office, sent.sha256)
        before, now = earlier.traces[0].at, update.traces[0].at
        assert before is not None
        assert now is not None
        assert before <= now <= again.submitted_at
        assert [r.url for r in workflow_panel.incoming_desk(tx, cast.lan, new.id).earlier] == [f"/documents/in/{old}"]
        assert [r.url for r in workflow_panel.incoming_desk(tx, cast.lan, old).later] == [f"/documents/in/{new.id}"]
        assert workflow_panel.incoming_desk(tx, cast.lan, new.id).duplicates == ()
    with office.db.write(cast.lan.by) as tx:
        handling.agree_recall(tx, cast.lan, old)
    assert copy_of(office, old).state == IncomingState.CANCELLED
    assert office.document(number).state == DocumentState.SENT


def test_what_is_finished_before_it_is_sent_again_goes_all_the_same(office: Office) -> None:
    cast = office.cast
    number = office.on_its_way()
    with office.db.write(cast.ha.by) as tx:
        withdrawal.resend(tx, cast.ha, number, (cast.science.id,), "Gửi thêm")
    with office.db.write() as tx:  # the last recipient says 06 before the worker comes to it
        statuses.report_status(tx, tx.session.scalars(sa.select(Delivery)).one(), Progress.DONE)
        statuses.settle(tx, number)
    assert office.document(number).state == DocumentState.FINISHED
    drawn(office, number)
    office.work()
    assert len(office.incoming(cast.quynh)) == 1
    assert office.document(number).state == DocumentState.SENT


def test_what_is_taken_back_before_it_is_sent_again_stays_here_and_the_clerk_reads_why(office: Office) -> None:
    cast = office.cast
    number = office.on_its_way()
    with office.db.write(cast.ha.by) as tx:
        withdrawal.resend(tx, cast.ha, number, (cast.science.id,), "Gửi thêm")
        withdrawal.recall(tx, cast.ha, number, "Sai số liệu")
    office.work()
    assert office.incoming(cast.quynh) == []
    problem = office.sheet(cast.ha, number).problem
    assert problem is not None
    assert "Đang yêu cầu thu hồi" in problem.vi


def test_a_replacement_lets_the_old_document_fall_when_it_is_sent(office: Office) -> None:
    cast = office.cast
    number = office.sent()
    old = office.incoming(cast.lan)[0].id
    with office.db.write(cast.ha.by) as tx:
        draft = withdrawal.replacement(tx, cast.ha, number, "Sai số liệu").id
    assert office.document(number).state == DocumentState.SENT
    office.issue(draft, cast.ha, cast.binh)
    assert office.document(number).state == DocumentState.REPLACED
    new = office.incoming(cast.lan)[0]
    with office.db.read() as tx:
        envelope = envelope_of(office, tx.session.get_one(Dispatch, new.dispatch_id).sha256)
        assert envelope.business.kind is BusinessKind.REPLACE
        assert envelope.business.replacements[0].organ_codes == (cast.finance.code,)
        asked = tx.session.get_one(Delivery, copy_of(office, old).delivery_id)
        assert asked.recall == Recall.ASKED
        assert "Sai số liệu" in asked.reason
        assert [r.url for r in workflow_panel.incoming_desk(tx, cast.lan, new.id).earlier] == [f"/documents/in/{old}"]
        assert [r.url for r in workflow_panel.document_desk(tx, cast.ha, number).replaced_by] == [
            f"/documents/out/{draft}"
        ]
