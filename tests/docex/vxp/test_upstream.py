"""Two hubs: ours below, another one above, which we reach as one of its systems."""

import io
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from directory import clients
from directory.models import Agency, ApiClient
from docex.documents.delivery import statuses, transport
from docex.documents.models import Delivery, Dispatch
from docex.documents.states import DocumentState
from docex.edxml import Envelope, StatusMessage, read
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import Business, Organ, ReceiverChange, UpdateInfo
from docex.edxml.progress import Progress
from docex.exchange import dispatch
from docex.exchange.hub import jobs as hub_jobs
from docex.exchange.hub import terms
from docex.exchange.hub.models import Receipt
from docex.exchange.hub.operators import dead_letters as hub_givenup
from docex.exchange.hub.operators.dead_letters import Stopped
from docex.exchange.intake.acceptance import Handed
from docex.exchange.mail import partners
from docex.exchange.recalls import withdrawal
from docex.exchange.vxp import client, dead_letters, doctor, jobs, systems, upstream
from docex.exchange.vxp.client import VxpClient
from docex.exchange.vxp.models import VxpAck, VxpSystem
from docex.exchange.vxp.systems import Given
from kernel import clock
from kernel.blobs import BlobStore, read_all, store_for
from kernel.config import Config
from kernel.db import Database
from kernel.doctor import Health
from kernel.outbox import OutboxRow, SendError, State
from tests.docex.hub.systems import without_reason
from tests.docex.mail.partner import a_key, found_agency, pem
from tests.docex.office import Office
from tests.docex.vxp.letters import KEY, a_letter, a_status, organ
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services

MINISTRY = Organ("G98", "Bộ Mẫu")
PROVINCE = Organ("H96", "UBND tỉnh Trên")
US = "lienthong.below"


@dataclass
class Above:
    """The upper axis: the same software on a database of its own, with a ministry that has a system there."""

    db: Database
    blobs: BlobStore
    config: Config
    url: str

    def system(self, system_id: str, agency: Organ) -> VxpClient:
        """Connect a document system."""
        with self.db.write() as tx:
            row = tx.session.scalars(sa.select(Agency).where(Agency.code == agency.code)).one_or_none()
            if row is None:
                row = Agency(code=agency.code, name=agency.name, is_local=False)
                tx.session.add(row)
                tx.session.flush()
            known = ApiClient(agency_id=row.id, client_id=system_id, name=system_id, scopes=[], created_at=clock.now())
            tx.session.add(known)
            tx.session.flush()
            made = VxpSystem(client_id=known.id, system_id=system_id, created_at=clock.now())
            systems.SECRETS.keep(made, "secret-above", systems.safe_of(self.config))
            tx.session.add(made)
        return VxpClient(self.url, system_id, "secret-above", timeout_s=30)

    def deliver(self) -> None:
        """What its worker would do: all deliveries to their lists."""
        with self.db.write() as tx:
            for number in tx.session.scalars(sa.select(Delivery.id)):
                dispatch.deliver(tx, number)


@pytest.fixture
def above(_sqlite_template: Path, tmp_path: Path) -> Iterator[Above]:
    """A running upper axis."""
    folder = tmp_path / "above"
    folder.mkdir()
    shutil.copy(_sqlite_template, folder / "lienthong.db")
    # Another cap, so that it is not the application of the hub below.
    config = Config(data_dir=folder, upload_max_bytes=49_000_000)
    db, blobs = Database(config.sql_url), store_for(config)
    server = make_server("127.0.0.1", 0, create_app(config, Services(config, db, blobs)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield Above(db, blobs, config, f"http://127.0.0.1:{server.port}/vxp/")
    server.shutdown()
    thread.join(60)
    db.close()


@pytest.fixture
def below(office: Office, above: Above) -> Iterator[Office]:
    """Our hub, connected to the upper axis for the city office."""
    above.system(US, organ(office.cast.city))
    config = replace(
        office.config,
        vxp_upstream_url=above.url,
        vxp_upstream_system_id=US,
        vxp_upstream_secret="secret-above",
    )
    jobs.register_jobs(config, office.blobs)
    office.config = config
    yield office
    transport._transports.pop("vxp_upstream", None)
    jobs.register_jobs(Config(), office.blobs)


def ministry_below(office: Office) -> int:
    with office.db.write() as tx:
        row = Agency(code=MINISTRY.code, name=MINISTRY.name, is_local=False)
        tx.session.add(row)
        tx.session.flush()
        return row.id


def look(office: Office) -> None:
    """One look at the upper axis and all that follows, but not the next look. A look has the name of its second, and in
    this one there may have been one."""
    with office.db.write() as tx:
        tx.session.execute(sa.delete(OutboxRow).where(OutboxRow.topic == "vxp.poll"))
    jobs.begin_jobs(office.config, office.db)
    office.work()


def progress(office: Office) -> list[str]:
    with office.db.read() as tx:
        return list(tx.session.scalars(sa.select(Delivery.progress).order_by(Delivery.id)))


def test_what_goes_to_a_partner_by_mail_does_not_go_up_as_well(below: Office, tmp_path: Path) -> None:
    ministry_id, partner_id = ministry_below(below), found_agency(below.db)
    with below.db.write(below.cast.admin.by) as tx:
        terms = partners.Terms("van-thu@ban.example", pem(a_key(tmp_path, "partner")))
        partners.keep(tx, below.cast.admin, partner_id, terms)
    below.sent(recipients=(ministry_id, partner_id))
    with below.db.write() as tx:
        tx.session.execute(sa.update(Delivery).values(progress=Progress.SUBMITTED))
        dispatch_id = tx.session.scalars(sa.select(Dispatch.id)).one()
        found = upstream.rising(tx, dispatch_id, US)
    assert found is not None
    assert found.receiver_codes == (MINISTRY.code,)


@pytest.mark.repeats("vxp.forward", "vxp.report", "vxp.poll", "vxp.fetch", "vxp.acknowledge")
def test_documents_and_statuses_go_up_and_come_down_and_again_changes_nothing(below: Office, above: Above) -> None:
    ministry = above.system("ministry", MINISTRY)
    ministry_id = ministry_below(below)
    below.sent(recipients=(ministry_id, below.cast.finance.id))
    above.deliver()
    (line,) = ministry.received("edoc")
    with below.db.read() as tx:
        own = tx.session.scalars(sa.select(Dispatch)).one()
    sent = read_all(below.blobs, own.sha256)
    risen = ministry.download(line.doc_id, max_bytes=10**8)
    before, after = read(sent), read(risen)
    assert isinstance(before, Envelope)
    assert isinstance(after, Envelope)
    assert replace(after, traces=before.traces) == before
    assert [t.organ_code for t in after.traces] == [below.cast.city.code, upstream_code(below)]
    assert sorted(progress(below)) == sorted([Progress.AVAILABLE, Progress.ARRIVED])

    ministry.update_status(line.doc_id, "done")
    city = below.cast.city
    ministry.send(a_status(MINISTRY, city.code, StatusCode.DONE, key=own.document_key), MINISTRY.code, "status")
    ministry.send(a_letter(MINISTRY, organ(city), document_id="G98,2026/03/02,1/BM"), MINISTRY.code)
    above.deliver()
    look(below)
    assert Progress.DONE in progress(below)
    (incoming,) = below.incoming(below.cast.ha)
    assert incoming.sender_name == MINISTRY.name
    below.register(below.cast.ha, incoming.id)
    below.work()
    told = [read(ministry.download(m.doc_id, max_bytes=10**7)) for m in ministry.received("status")]
    assert [m.status for m in told if isinstance(m, StatusMessage)] == [StatusCode.ARRIVED, StatusCode.REGISTERED]
    assert VxpClient(above.url, US, "secret-above").count("edoc") == 0

    seen = (progress(below), len(below.incoming(below.cast.ha)), len(ministry.received("status")))
    with below.db.write() as tx:
        again = {"state": State.WAITING, "due_at": clock.now(), "finished_at": None}
        tx.session.execute(
            sa.update(OutboxRow).where(OutboxRow.topic.startswith("vxp."), OutboxRow.state == State.DONE).values(again)
        )
    below.work()
    assert (progress(below), len(below.incoming(below.cast.ha)), len(ministry.received("status"))) == seen
    with below.db.read() as tx:
        failed = sa.select(OutboxRow.topic, OutboxRow.reason).where(
            OutboxRow.topic.startswith("vxp."), OutboxRow.state != State.DONE, OutboxRow.reason != ""
        )
        assert tx.session.execute(failed).all() == []


def test_a_hub_is_one_system_of_the_axis_above_for_all_its_agencies(
    below: Office, above: Above, system: Callable[[int], VxpClient]
) -> None:
    ministry = above.system("ministry", MINISTRY)
    ministry_below(below)
    finance = below.cast.finance
    with above.db.write() as tx:
        top = tx.session.scalars(sa.select(Agency).where(Agency.code == below.cast.city.code)).one()
        tx.session.add(Agency(code=finance.code, name=finance.name, is_local=False, parent_id=top.id))
    own = system(finance.id)
    letter = a_letter(organ(finance), MINISTRY)
    own.send(letter, finance.code)
    below.work()
    assert progress(below) == [Progress.UNDELIVERABLE]  # up there our system is that of the city office alone
    with above.db.write() as tx:
        tx.session.execute(sa.update(VxpSystem).where(VxpSystem.system_id == US).values(covers_below=True))
    own.send(a_letter(organ(finance), MINISTRY, document_id="2"), finance.code)
    below.work()
    above.deliver()
    (line,) = ministry.received("edoc")
    message = read(ministry.download(line.doc_id, max_bytes=10**7))
    assert isinstance(message, Envelope)
    assert [t.organ_code for t in message.traces] == [finance.code, upstream_code(below)]
    ministry.send(a_letter(MINISTRY, organ(finance), document_id="G98,2026/03/02,2/BM"), MINISTRY.code)
    above.deliver()
    look(below)
    assert [one.sender_name for one in below.incoming(below.cast.lan)] == [MINISTRY.name]


def upstream_code(office: Office) -> str:
    with office.db.read() as tx:
        return upstream.node_code(tx, US)


def test_what_went_up_from_here_is_not_taken_in_again(
    below: Office, above: Above, monkeypatch: pytest.MonkeyPatch
) -> None:
    ministry_id = ministry_below(below)
    above.system("ministry", MINISTRY)
    # An axis that ignores `to` delivers to every receiver in the envelope, also to one of ours.
    monkeypatch.setattr(client, "MAX_RECEIVERS_LENGTH", 0)
    with above.db.write() as tx:
        row = tx.session.scalars(sa.select(Agency).where(Agency.code == below.cast.city.code)).one()
        finance = Agency(code=below.cast.finance.code, name="Sở Tài chính", is_local=False, merged_into_id=row.id)
        tx.session.add(finance)
    below.sent(recipients=(ministry_id, below.cast.finance.id))
    above.deliver()
    assert VxpClient(above.url, US, "secret-above").count("edoc") == 1
    before = len(below.incoming(below.cast.lan))
    look(below)
    assert len(below.incoming(below.cast.lan)) == before == 1
    assert VxpClient(above.url, US, "secret-above").count("edoc") == 0


def test_a_sender_that_the_directory_does_not_know_is_entered(below: Office, above: Above) -> None:
    province = above.system("province", PROVINCE)
    province.send(a_letter(PROVINCE, organ(below.cast.city)), PROVINCE.code)
    above.deliver()
    look(below)
    (incoming,) = below.incoming(below.cast.ha)
    with below.db.read() as tx:
        row = tx.session.get_one(Agency, incoming.sender_id)
        assert (row.code, row.name, row.is_local) == (PROVINCE.code, PROVINCE.name, False)


def test_a_recall_goes_up_to_where_the_document_went(below: Office, above: Above) -> None:
    ministry = above.system("ministry", MINISTRY)
    below.sent(recipients=(ministry_below(below),))
    above.deliver()
    ministry.update_status(ministry.received("edoc")[0].doc_id, "done")
    with below.db.write(below.cast.ha.by) as tx:
        statuses.report_status(tx, tx.session.scalars(sa.select(Delivery)).one(), "13", description="Gửi nhầm")
    below.work()
    (line,) = ministry.received("status")
    asked = read(ministry.download(line.doc_id, max_bytes=10**7))
    assert isinstance(asked, StatusMessage)
    assert (asked.status, asked.description) == (StatusCode.RECALL_ASKED, "Gửi nhầm")


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
        return [one for group in hub_givenup.groups(tx, below.cast.admin) for one in group.items]


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
        assert hub_givenup.again(tx, below.cast.admin, one.job_id, "Trục trên đã thêm Bộ").count == 1
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
        tried = hub_givenup.all_again(tx, below.cast.admin, dead_letters.PARTNER, "Thử lại")
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
        assert hub_givenup.all_again(tx, below.cast.admin, dead_letters.PARTNER, "Đã mở lại").count == 1
    below.work()
    told = [read(province.download(m.doc_id, max_bytes=10**7)) for m in province.received("status")]
    assert [m.status for m in told[len(known) :] if isinstance(m, StatusMessage)] == [StatusCode.REGISTERED]


def test_a_status_that_is_longer_than_the_standard_allows_goes_up(below: Office, above: Above) -> None:
    province = above.system("province", PROVINCE)
    province.send(a_letter(PROVINCE, organ(below.cast.city)), PROVINCE.code)
    above.deliver()
    look(below)
    with below.db.write() as tx:
        delivery = tx.session.scalars(sa.select(Delivery)).one()
        statuses.report_status(tx, delivery, StatusCode.REFUSED, description="Sai nơi nhận. " * 50)
    below.work()
    told = [read(province.download(m.doc_id, max_bytes=10**7)) for m in province.received("status")]
    assert isinstance(told[-1], StatusMessage)
    assert (told[-1].status, told[-1].description[-8:]) == (StatusCode.REFUSED, "Sai nơi…")


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


def test_an_update_from_above_that_takes_our_agency_off_is_heard(below: Office, above: Above) -> None:
    city = organ(below.cast.city)
    info = (UpdateInfo(False, True, (ReceiverChange(city.code, False),)),)
    update = Business(BusinessKind.UPDATE, "Sửa nơi nhận", KEY, updates=info)
    for number, data in enumerate((a_letter(PROVINCE, city), a_letter(PROVINCE, MINISTRY, business=update))):
        blob = below.blobs.put(io.BytesIO(data))
        with below.db.write() as tx:
            assert upstream.take_in(tx, read(data), Handed(blob, (), str(number)), US)
        below.work()
    with below.db.read() as tx:
        assert tx.session.execute(sa.select(Delivery.progress, Delivery.recall)).all() == [("01", "13")]


def forwards(below: Office) -> list[str]:
    with below.db.read() as tx:
        return list(tx.session.scalars(sa.select(OutboxRow.state).where(OutboxRow.topic == "vxp.forward")))


def left_behind(below: Office, given: Callable[[int], Given]) -> Given:
    """While the upper axis is away the receiver gets a system here, so that nothing has to go up any more. The clock
    stands still. Answers that system, which never asks."""
    jobs.register_jobs(replace(below.config, vxp_upstream_url="http://127.0.0.1:9"), below.blobs)
    hub_jobs.register_jobs(below.config, below.blobs)
    ministry_id = ministry_below(below)
    below.sent(recipients=(ministry_id,))
    system = given(ministry_id)
    clock.advance(timedelta(hours=2))
    below.work()
    jobs.register_jobs(below.config, below.blobs)
    assert (progress(below), forwards(below)) == ([Progress.SUBMITTED], [State.DONE])
    return system


def shut_out(below: Office, system: Given) -> None:
    with below.db.write(below.cast.admin.by) as tx:
        clients.revoke(tx, below.cast.admin, system.client_id)


def test_what_nobody_takes_up_any_more_is_told_to_its_sender_when_the_term_ends(
    below: Office, given: Callable[[int], Given]
) -> None:
    with clock.frozen(clock.now()):
        shut_out(below, left_behind(below, given))
        clock.advance(timedelta(days=30))
        below.work()
        assert (progress(below), forwards(below)) == ([Progress.UNDELIVERABLE], [State.DONE])
    with below.db.read() as tx:
        assert tx.session.scalars(sa.select(Receipt.kind).where(Receipt.delivery_id == 1)).all() == ["undeliverable"]


def test_what_waits_for_the_upper_axis_again_goes_up(
    below: Office, above: Above, given: Callable[[int], Given]
) -> None:
    ministry = above.system("ministry", MINISTRY)
    with clock.frozen(clock.now()):
        shut_out(below, left_behind(below, given))
        with below.db.write() as tx:
            dispatch.deliver(tx, 1)
        below.work()
        assert progress(below) == [Progress.AVAILABLE]
        with below.db.write() as tx:
            dispatch.deliver(tx, 1)  # again: nothing more goes up
        assert forwards(below) == [State.DONE]
        above.deliver()
        assert len(ministry.received("edoc")) == 1


def test_what_the_upper_axis_refused_does_not_go_up_by_itself(below: Office, above: Above) -> None:
    below.sent(recipients=(ministry_below(below),))  # the axis above has no such ministry
    with below.db.write() as tx:
        dispatch.deliver(tx, 1)
    assert (progress(below), forwards(below)) == ([Progress.UNDELIVERABLE], [State.FAILED])


def test_what_went_up_at_the_last_moment_expires_too(below: Office) -> None:
    jobs.register_jobs(replace(below.config, vxp_upstream_url="http://127.0.0.1:9"), below.blobs)
    hub_jobs.register_jobs(below.config, below.blobs)
    with clock.frozen(clock.now()):
        below.sent(recipients=(ministry_below(below),))
        clock.advance(timedelta(days=30))
        with below.db.write() as tx:
            terms.expire(tx, 1)
            ended = sa.update(OutboxRow).where(OutboxRow.topic == "hub.expire")
            tx.session.execute(ended.values(state=State.DONE))
            assert tx.session.get_one(Delivery, 1).progress == Progress.SUBMITTED  # the promise gives word itself
            found = upstream.rising(tx, 1, US)
            assert found is not None
            upstream.risen(tx, found, "42")
        below.work()
    assert progress(below) == [Progress.EXPIRED]
