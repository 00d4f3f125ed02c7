"""Letters that were given up: what the operator sees of each, and trying them again."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa

from directory.actor import Actor
from docex.documents.models import StatusLog
from docex.edxml.progress import Progress, Recall
from docex.exchange.hub import dashboard
from docex.exchange.hub.operators import dead_letters
from docex.exchange.hub.operators.dead_letters import Group, Tried
from docex.exchange.mail.models import LetterState, Outcome
from docex.exchange.recalls import withdrawal
from kernel import clock
from kernel.audit import AuditEntry
from kernel.errors import Forbidden, NotFound
from kernel.outbox import OutboxRow, State
from kernel.queue import attempts
from tests.docex.mail.partner import NAME, Abroad
from tests.web.application import create_app
from tests.web.people import sign_in
from web import rooms
from web.services import Services

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 08:00 in Vietnam
PAGE = "/admin/exchange/stopped"


@pytest.fixture(scope="module", autouse=True)
def _described() -> None:
    rooms.load_pages()


def stopped(abroad: Abroad) -> list[Group]:
    with abroad.db.read() as tx:
        return dead_letters.groups(tx, abroad.cast.admin)


def press(abroad: Abroad, job_id: int, actor: Actor | None = None) -> Tried:
    who = actor or abroad.cast.admin
    with abroad.db.write(who.by) as tx:
        return dead_letters.again(tx, who, job_id, "Nơi nhận đã mở lại hộp thư")


def press_all(abroad: Abroad) -> Tried:
    with abroad.db.write(abroad.cast.admin.by) as tx:
        return dead_letters.all_again(tx, abroad.cast.admin, f"agency-{abroad.agency_id}", "Máy chủ đã chạy lại")


def on_record(abroad: Abroad, action: str) -> list[dict[str, Any]]:
    with abroad.db.read() as tx:
        entries = sa.select(AuditEntry.detail).where(AuditEntry.action == action)
        return list(tx.session.scalars(entries.order_by(AuditEntry.seq)))


def dead_letter(abroad: Abroad) -> int:
    """A document that the partner's mail server refused for good. Answers its job."""
    abroad.sink.journal.next_faults("550")
    abroad.document()
    ((one,),) = [group.items for group in stopped(abroad)]
    return one.job_id


def test_a_letter_that_was_refused_is_shown_with_its_reason_and_leaves_at_a_press(abroad: Abroad) -> None:
    job_id = dead_letter(abroad)
    ((group,), (one,)) = (stopped(abroad), stopped(abroad)[0].items)
    assert (group.name, group.count, one.what) == (NAME, 1, "125/SGT-VP Phối hợp phân luồng giao thông")
    assert one.why.vi == "Máy chủ thư trả lời: 550 the sink was told to say so"
    assert one.why.en == "The mail server answered: 550 the sink was told to say so"
    http = sign_in(create_app(abroad.config, Services(abroad.config, abroad.db, abroad.blobs)), "quantri")
    assert "1 việc đã dừng" in http.get("/admin/exchange").text
    assert one.what in http.get(PAGE).text
    blank = http.post(f"{PAGE}/{job_id}/again", data={"reason": " "})
    assert (blank.status_code, "Cần nêu lý do." in blank.text) == (422, True)
    for said in ("Đang thử lại 1 việc.", "Không còn việc nào dừng ở đây"):  # pressed twice
        answer = http.post(f"{PAGE}/{job_id}/again", data={"reason": "Đã mở lại hộp thư"}, follow_redirects=True)
        assert said in answer.text
    assert abroad.deliveries()[0].progress == Progress.SUBMITTED
    abroad.work()
    assert len(abroad.inbox()) == 1
    assert abroad.letters()[0].state == LetterState.HANDED
    assert stopped(abroad) == []
    assert "Không có việc nào phải dừng" in http.get(PAGE).text
    assert [entry["reason"] for entry in on_record(abroad, "hub.tried_again")] == ["Đã mở lại hộp thư"]
    with abroad.db.read() as tx:
        logged = tx.session.execute(sa.select(StatusLog.code, StatusLog.description).order_by(StatusLog.id)).all()
    assert logged[-1] == (Progress.SUBMITTED, "Đã mở lại hộp thư")


def test_only_the_operator_of_the_instance_sees_and_presses(abroad: Abroad) -> None:
    job_id = dead_letter(abroad)
    with abroad.db.read() as tx:
        assert [item.title for item in dashboard.stopped(tx, abroad.cast.admin) or []] == [NAME]
        assert dashboard.stopped(tx, abroad.cast.ha) is None
        assert dead_letters.count(tx, abroad.cast.ha) == 0
        with pytest.raises(Forbidden):
            dead_letters.groups(tx, abroad.cast.ha)
    with pytest.raises(Forbidden):
        press(abroad, job_id, abroad.cast.ha)
    with pytest.raises(NotFound):
        press(abroad, 99_999)
    assert on_record(abroad, "hub.tried_again") == []


@pytest.mark.parametrize("what", ["recalled", "over"])
def test_where_it_is_of_no_use_the_presser_is_told_why_and_it_is_dropped(abroad: Abroad, what: str) -> None:
    with clock.frozen(MONDAY):
        job_id = dead_letter(abroad)
        if what == "recalled":
            with abroad.db.write(abroad.cast.ha.by) as tx:
                withdrawal.ask_back(tx, [abroad.deliveries()[0].id], "Gửi nhầm", withdraw=True)
        else:
            clock.advance(timedelta(days=4))
            abroad.work()
        ((_, needless),) = press(abroad, job_id).needless
        assert ("đã thu hồi" if what == "recalled" else "Thời hạn chờ") in needless.why.vi
        assert press(abroad, job_id) == Tried()
        abroad.work()
    assert (stopped(abroad), abroad.inbox()) == ([], [])
    assert [entry["why"] for entry in on_record(abroad, "hub.needless")] == [needless.why.vi]


def test_a_letter_whose_term_ends_on_the_second_way_is_not_sent_after_it(abroad: Abroad) -> None:
    with clock.frozen(MONDAY):
        press(abroad, dead_letter(abroad))
        with abroad.db.read() as tx:
            until = tx.session.scalar(sa.select(OutboxRow.expires_at).where(OutboxRow.topic == "mail.envelope"))
        assert until is not None
        clock.advance(until - MONDAY + timedelta(seconds=1))
        abroad.work()
    assert abroad.inbox() == []
    assert abroad.deliveries()[0].progress == Progress.UNDELIVERABLE


def test_a_letter_that_may_have_arrived_before_is_asked_for_and_not_silently_taken_back(abroad: Abroad) -> None:
    press(abroad, dead_letter(abroad))
    with abroad.db.write(abroad.cast.ha.by) as tx:
        withdrawal.ask_back(tx, [abroad.deliveries()[0].id], "Gửi nhầm", withdraw=True)
    assert abroad.deliveries()[0].recall == Recall.ASKED


def test_all_of_a_partner_are_tried_at_once_but_not_while_nobody_is_there_to_get_them(abroad: Abroad) -> None:
    abroad.sink.journal.next_faults("550", "550")
    for size in (2000, 3000):
        abroad.document(size)
    assert [group.count for group in stopped(abroad)] == [2]
    abroad.agree(is_active=False)
    tried = press_all(abroad)
    assert (tried.count, [needless.for_good for _, needless in tried.needless]) == (0, [False, False])
    assert [group.count for group in stopped(abroad)] == [2]  # they wait for the partner
    abroad.agree()
    assert (press_all(abroad).count, press_all(abroad).count) == (2, 0)
    abroad.work()
    assert len(abroad.inbox()) == 2


def test_a_page_of_very_many_says_that_it_shows_the_newest(abroad: Abroad, monkeypatch: pytest.MonkeyPatch) -> None:
    abroad.sink.journal.next_faults("550", "550")
    for size in (2000, 3000):
        abroad.document(size)
    http = sign_in(create_app(abroad.config, Services(abroad.config, abroad.db, abroad.blobs)), "quantri")
    newest = "Đang xem 1 việc mới nhất trong tổng số 2."
    assert newest not in http.get(PAGE).text
    monkeypatch.setattr(dead_letters, "LOOKED_AT", 1)
    assert newest in http.get(PAGE).text
    monkeypatch.setattr(dead_letters, "BATCH_SIZE", 1)
    assert [(tried.count, tried.left) for tried in (press_all(abroad) for _ in range(3))] == [
        (1, True),
        (1, False),
        (0, False),
    ]


def test_two_operators_who_press_at_the_same_moment_try_it_once(abroad: Abroad) -> None:
    job_id, turns, tried = dead_letter(abroad), Barrier(2), list[Tried]()

    def one() -> None:
        turns.wait()
        tried.append(press(abroad, job_id))

    threads = [Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((each.count, each.needless) for each in tried) == [(0, []), (1, [])]
    assert len(on_record(abroad, "hub.tried_again")) == 1


def test_a_message_that_we_could_not_read_is_read_at_a_press_and_its_sender_told(abroad: Abroad) -> None:
    abroad.post(abroad.edxml_mail())
    (arrival,) = abroad.arrivals()
    (stored,) = abroad.config.data_dir.rglob(arrival.sha256)
    away = stored.rename(stored.with_suffix(".away"))
    with abroad.db.write() as tx:
        tx.session.execute(
            sa.update(OutboxRow).where(OutboxRow.topic == "mail.arrival").values(attempts=attempts.MAX_ATTEMPTS - 1)
        )
    abroad.work()
    away.rename(stored)
    assert abroad.arrivals()[0].outcome == Outcome.REFUSED
    ((one,),) = [group.items for group in stopped(abroad)]
    assert press(abroad, one.job_id).count == 1
    abroad.work()
    assert abroad.arrivals()[0].outcome == Outcome.ACCEPTED
    kinds = [letter.kind for letter in abroad.letters()]
    assert kinds == ["refusal", "acceptance", "delivery"]
    with abroad.db.read() as tx:
        left = tx.session.scalars(sa.select(OutboxRow.id).where(OutboxRow.state.in_([State.FAILED, State.EXPIRED])))
        assert left.all() == []
