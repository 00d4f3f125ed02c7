# ruff: noqa: F811 - a fixture that is taken is named as its import
"""Messages that do not go up or come down at once: refused, broken, given up, tried again by an operator."""

import io
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from directory.models import Agency, ApiClient
from docex.documents.models import Delivery, Dispatch
from docex.documents.states import DocumentState
from docex.edxml import StatusMessage, read
from docex.edxml.codes import StatusCode
from docex.edxml.progress import Progress
from docex.exchange.hub.operators import dead_letters as hub_dead_letters
from docex.exchange.hub.operators.dead_letters import Stopped
from docex.exchange.intake.acceptance import Handed
from docex.exchange.recalls import withdrawal
from docex.exchange.vxp import dead_letters, doctor, jobs, upstream
from docex.exchange.vxp.client import VxpClient
from docex.exchange.vxp.models import VxpAck
from kernel import clock
from kernel.config import Config
from kernel.doctor import Health
from kernel.outbox import OutboxRow, SendError, State
from tests.docex.hub.systems import without_reason
from tests.docex.office import Office
from tests.docex.vxp.letters import a_letter, a_status, organ
from tests.docex.vxp.two_hubs import MINISTRY, PROVINCE, US, Above, above, below, look, ministry_below, progress  # noqa: F401 - fixtures
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services

pytestmark = pytest.mark.long_proof


def test_what_the_upper_axis_refuses_is_told_to_the_sender(below: Office, above: Above) -> None:
    below.sent(recipients=(ministry_below(below),))  # the axis above has no such ministry
    (step,) = progress(below)
    assert step == Progress.UNDELIVERABLE
    with below.db.read() as tx:
        (job,) = tx.session.scalars(sa.select(OutboxRow).where(OutboxRow.topic == "vxp.forward"))
        assert job.state == State.FAILED
        assert "18" in job.reason


def test_a_file_that_cannot_be_read_is_reported_as_failed(below: Office, above: Above) -> None:
    province = above.system("province", PROVINCE)
    province.send(a_letter(PROVINCE, organ(below.cast.city)), PROVINCE.code)
    above.deliver()
    with above.db.write() as tx:
        broken = above.blobs.put(io.BytesIO(b"not an envelope"))
        tx.session.execute(sa.update(Dispatch).values(sha256=broken.sha256, size=broken.size))
    look(below)
    assert below.incoming(below.cast.ha) == []
    with above.db.read() as tx:
        assert tx.session.scalars(sa.select(VxpAck.status)).all() == ["fail"]


def broken_on_the_way(below: Office, above: Above) -> bytes:
    """A letter that cannot be read for now. Answers what it will be when it can."""
    province = above.system("province", PROVINCE)
    letter = a_letter(PROVINCE, organ(below.cast.city))
    province.send(letter, PROVINCE.code)
    above.deliver()
    stored_as(above, b"not an envelope")
    look(below)
    assert below.incoming(below.cast.ha) == []
    return letter


def stored_as(above: Above, data: bytes) -> None:
    with above.db.write() as tx:
        blob = above.blobs.put(io.BytesIO(data))
        tx.session.execute(sa.update(Dispatch).values(sha256=blob.sha256, size=blob.size))


def test_what_was_given_up_is_fetched_again_after_a_while(below: Office, above: Above) -> None:
    with clock.frozen(clock.now()):
        stored_as(above, broken_on_the_way(below, above))
        look(below)
        assert below.incoming(below.cast.ha) == []  # not at every look
        clock.advance(dead_letters.AGAIN_AFTER + timedelta(seconds=1))
        look(below)
        assert len(below.incoming(below.cast.ha)) == 1
        with above.db.read() as tx:
            assert tx.session.scalars(sa.select(VxpAck.status).where(VxpAck.kind == "edoc")).all() == ["done"]
        clock.advance(dead_letters.AGAIN_AFTER + timedelta(seconds=1))
        look(below)
        assert len(below.incoming(below.cast.ha)) == 1


def stopped(below: Office) -> list[Stopped]:
    with below.db.read() as tx:
        return [one for group in hub_dead_letters.groups(tx, below.cast.admin) for one in group.items]


def test_an_operator_has_it_fetched_at_once_with_a_reason(below: Office, above: Above) -> None:
    stored_as(above, broken_on_the_way(below, above))
    http = sign_in(create_app(below.config, Services(below.config, below.db, below.blobs)), "quantri")
    (one,) = stopped(below)
    assert one.why.vi == "Tệp này không phải là tệp edXML."
    assert one.why.en not in ("", one.why.vi)
    assert one.what in http.get("/admin/exchange/stopped").text
    path = f"/admin/exchange/stopped/{one.job_id}/again"
    assert http.post(path, data={"reason": "Đã nạp danh bạ"}).status_code == 303
    below.work()
    assert len(below.incoming(below.cast.ha)) == 1
    assert one.what not in http.get("/admin/exchange/stopped").text


def test_what_the_upper_axis_refused_goes_up_at_a_press_while_it_is_still_wanted(below: Office, above: Above) -> None:
    below.sent(recipients=(ministry_below(below),))  # the axis above has no such ministry
    (one,) = stopped(below)
    assert (one.detail, "18" in one.why.vi, one.why.en == one.why.vi) == (MINISTRY.name, True, False)
    ministry = above.system("ministry", MINISTRY)
    with below.db.write(below.cast.admin.by) as tx:
        assert hub_dead_letters.again(tx, below.cast.admin, one.job_id, "Trục trên đã thêm Bộ").count == 1
    assert progress(below) == [Progress.SUBMITTED]
    below.work()
    assert progress(below) == [Progress.AVAILABLE]
    above.deliver()
    assert len(ministry.received("edoc")) == 1
    assert stopped(below) == []


def test_what_was_recalled_meanwhile_does_not_go_up(below: Office, above: Above) -> None:
    number = below.sent(recipients=(ministry_below(below),))
    with below.db.write(below.cast.ha.by) as tx:
        withdrawal.recall(tx, below.cast.ha, number, "Gửi nhầm")
    below.work()
    with below.db.write(below.cast.admin.by) as tx:
        tried = hub_dead_letters.all_again(tx, below.cast.admin, dead_letters.PARTNER, "Thử lại")
    assert (tried.count, [needless.why.vi for _, needless in tried.needless]) == (
        0,
        ["Nơi gửi đã thu hồi văn bản này."],
    )
    assert stopped(below) == []
    assert below.document(number).state == DocumentState.RECALLED


def test_statuses_that_did_not_go_up_go_at_one_press(below: Office, above: Above) -> None:
    province = above.system("province", PROVINCE)
    province.send(a_letter(PROVINCE, organ(below.cast.city)), PROVINCE.code)
    above.deliver()
    look(below)
    known = [read(province.download(m.doc_id, max_bytes=10**7)) for m in province.received("status")]
    us = sa.update(ApiClient).where(ApiClient.client_id == US)
    with above.db.write() as tx:
        tx.session.execute(us.values(revoked_at=clock.now()))
    below.register(below.cast.ha, below.incoming(below.cast.ha)[0].id)
    below.work()
    (one,) = stopped(below)
    assert "15" in one.why.vi
    with above.db.write() as tx:
        tx.session.execute(us.values(revoked_at=None))
    with below.db.write(below.cast.admin.by) as tx:
        assert hub_dead_letters.all_again(tx, below.cast.admin, dead_letters.PARTNER, "Đã mở lại").count == 1
    below.work()
    told = [read(province.download(m.doc_id, max_bytes=10**7)) for m in province.received("status")]
    assert [m.status for m in told[len(known) :] if isinstance(m, StatusMessage)] == [StatusCode.REGISTERED]


def test_an_upper_axis_that_is_away_is_looked_at_again(below: Office) -> None:
    config = replace(below.config, vxp_upstream_url="http://127.0.0.1:9")
    jobs.register_jobs(config, below.blobs)
    jobs.begin_jobs(config, below.db)
    jobs.begin_jobs(config, below.db)
    below.work()
    with below.db.read() as tx:
        rows = tx.session.scalars(
            sa.select(OutboxRow).where(OutboxRow.topic == "vxp.poll").order_by(OutboxRow.id)
        ).all()
    assert [row.state for row in rows] == [State.DONE, State.WAITING]
    with pytest.raises(SendError):
        VxpClient("http://127.0.0.1:9", US, "x").received("edoc")


def test_a_page_of_a_proxy_is_an_error_and_no_empty_list() -> None:
    page = Response("<html><body>Bad Gateway</body></html>", 502, mimetype="text/html")
    server = make_server("127.0.0.1", 0, page)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    with pytest.raises(SendError, match="not an answer of an axis"):
        VxpClient(f"http://127.0.0.1:{server.port}/vxp", US, "x").received("edoc")
    server.shutdown()
    thread.join(60)


def test_the_self_check_says_how_the_upper_axis_is(below: Office, above: Above) -> None:
    assert doctor.upper_axis(Config()).health is Health.OFF
    assert doctor.upper_axis(below.config).health is Health.GOOD
    wrong = doctor.upper_axis(replace(below.config, vxp_upstream_secret="wrong"))
    assert wrong.health is Health.BAD
    assert "15" in wrong.what.vi


def test_a_refusal_from_above_without_a_reason_is_not_lost(below: Office, above: Above) -> None:
    below.sent(recipients=(ministry_below(below),))
    with below.db.read() as tx:
        key = tx.session.scalars(sa.select(Dispatch.document_key)).one()
    said = a_status(MINISTRY, below.cast.city.code, StatusCode.REFUSED, "Không nêu", key=key)
    bare = without_reason(said)
    blob = below.blobs.put(io.BytesIO(bare))
    with below.db.write() as tx:
        assert upstream.take_in(tx, read(bare), Handed(blob, (), "1"), US)
    with below.db.read() as tx:
        delivery = tx.session.scalars(sa.select(Delivery)).one()
        assert (delivery.progress, delivery.reason) == (Progress.REFUSED, "Từ chối tiếp nhận")


def test_nothing_of_what_is_refused_from_above_stays(below: Office, above: Above) -> None:
    """A secret that the axis above carried all the same, by a sender that the directory does not know."""
    province = above.system("province", PROVINCE)
    province.send(a_letter(PROVINCE, organ(below.cast.city)), PROVINCE.code)
    above.deliver()
    stored_as(above, a_letter(PROVINCE, organ(below.cast.city), subject="(Mật) Kế hoạch phòng thủ"))
    look(below)
    assert below.incoming(below.cast.ha) == []
    assert list(below.blobs.listed()) == []
    with below.db.read() as tx:
        assert tx.session.scalars(sa.select(Agency).where(Agency.code == PROVINCE.code)).one_or_none() is None
    (one,) = stopped(below)
    assert one.why.vi.startswith("Văn bản ghi “Mật”")
    with above.db.read() as tx:
        assert tx.session.scalars(sa.select(VxpAck.status)).all() == ["fail"]
