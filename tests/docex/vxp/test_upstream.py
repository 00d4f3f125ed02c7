# ruff: noqa: F811 - a fixture that is taken is named as its import
"""Two hubs: ours below, another one above, which we reach as one of its systems."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from directory.models import Agency
from docex.documents.delivery import statuses
from docex.documents.models import Delivery, Dispatch
from docex.edxml import Envelope, StatusMessage, read
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import Business, ReceiverChange, UpdateInfo
from docex.edxml.progress import Progress
from docex.exchange.intake.acceptance import Handed
from docex.exchange.mail import partners
from docex.exchange.vxp import client, upstream
from docex.exchange.vxp.client import VxpClient
from docex.exchange.vxp.models import VxpSystem
from kernel import clock
from kernel.outbox import OutboxRow, State
from kernel.storage.blobs import read_all
from tests.docex.mail.partner import a_key, found_agency, pem
from tests.docex.office import Office
from tests.docex.vxp.letters import KEY, a_letter, a_status, organ
from tests.docex.vxp.two_hubs import MINISTRY, PROVINCE, US, Above, above, below, look, ministry_below, progress  # noqa: F401 - fixtures


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


@pytest.mark.long_proof
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


@pytest.mark.long_proof
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


@pytest.mark.long_proof
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


@pytest.mark.long_proof
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
