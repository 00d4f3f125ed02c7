"""Signing with one's own device, from the press to the sealed paper, over real HTTP, and everything that goes wrong."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.signers.cms_embedder import SigMDPSetup

from docex.documents.device_signing import handover
from docex.documents.drafting import outgoing
from docex.documents.models import Document, Paper
from docex.documents.papers.files import attachments_of, main_paper
from docex.documents.states import DocumentState
from kernel import clock, outbox
from kernel.outbox import OutboxRow
from kernel.storage.blobs import read_all
from signing.pdf.pades import signed_fields
from signing.remote_signing.models import Handoff, HandoffState, HeldCertificate
from signing.testca.authority import TestAuthority, TestSeal
from tests.docex.office import a_pdf
from tests.signing.remote_signing.agent import TIMEOUT_S, seal_agent
from tests.signing.remote_signing.conftest import Desk
from web.tour.reading import hidden


def test_a_letter_signed_and_sealed_with_devices_goes_out(at_desk: Desk) -> None:
    number = at_desk.waiting()
    binh, ha = at_desk.browser("binh"), at_desk.browser("ha")
    page = f"/documents/out/{number}"
    shown = binh.get(page).get_data(as_text=True)
    assert "Ký bằng thiết bị của tôi" in shown
    assert "Ký bằng thiết bị của tôi" not in ha.get(page).get_data(as_text=True)
    assert binh.post(f"{page}/device/sign", data={"seen": ""}).status_code == 409
    assert binh.post(f"{page}/device/sign", data={"seen": hidden(shown, "seen")}).status_code == 303
    assert "Đang chuẩn bị tệp" in binh.get(page).get_data(as_text=True)
    at_desk.office.work()
    shown = binh.get(page).get_data(as_text=True)
    assert 'data-agent="wss://127.0.0.1:8987"' in shown
    assert "Lãnh đạo đang ký" in ha.get(page).get_data(as_text=True)

    call = at_desk.call(number)
    assert call["operation"] == "SignApproved"
    assert call["parameters"]["DocNumber"] == at_desk.document(number).code
    assert at_desk.binh.do(call["parameters"]) == {"Status": 0, "Message": ""}
    assert "đang kiểm tra chữ ký" in binh.get(page).get_data(as_text=True)
    at_desk.office.work()
    assert at_desk.document(number).state == DocumentState.SIGNED
    assert at_desk.handoff_state(number) is HandoffState.DONE

    assert "Đóng dấu bằng thiết bị của tôi" in ha.get(page).get_data(as_text=True)
    assert ha.post(f"{page}/device/seal").status_code == 303
    at_desk.office.work()
    call = at_desk.call(number, "ha")
    assert call["operation"] == "SignIssued"
    assert at_desk.ha.do(call["parameters"])["Status"] == 0
    at_desk.office.work()
    assert at_desk.document(number).state == DocumentState.SENT
    with at_desk.office.db.read() as tx:
        paper = main_paper(tx, number, stage="sealed")
        owners = set(tx.session.scalars(sa.select(HeldCertificate.owner)))
    assert paper is not None
    sealed = read_all(at_desk.office.blobs, paper.sha256)
    assert sealed.startswith(at_desk.ha.fetched[0])
    assert at_desk.ha.fetched[0].startswith(at_desk.binh.fetched[0])
    assert set(signed_fields(sealed)) == {"NguoiKy", "ConDau"}
    assert owners == {f"person:{at_desk.office.cast.binh.person_id}", f"agency:{at_desk.office.cast.city.id}"}


def test_attached_files_follow_the_main_paper_and_then_all_go_out(at_desk: Desk) -> None:
    office = at_desk.office
    with office.db.write(office.cast.ha.by) as tx:
        attachments = (office.file(a_pdf(), "phu-luc.pdf"), office.file(b"\xff\xfe a table", "bang.csv", "text/csv"))
        number = outgoing.write(tx, office.cast.ha, office.draft(), attachments).id
    office.work()
    office.submit(number)
    office.sign(number)
    office.work()
    assert at_desk.browser("ha").post(f"/documents/out/{number}/device/seal").status_code == 303
    office.work()
    for operation, field in (("SignIssued", "ConDau"), ("SignAppendix", "SaoY")):
        call = at_desk.call(number, "ha")
        assert call["operation"] == operation
        assert at_desk.document(number).state == DocumentState.SEALING
        at_desk.ha.place = field
        assert at_desk.ha.do(call["parameters"])["Status"] == 0
        office.work()
    assert at_desk.document(number).state == DocumentState.SENT
    with office.db.read() as tx:
        sealed = [paper.sha256 for paper in attachments_of(tx, number) if paper.stage == "sealed"]
    assert [signed_fields(read_all(office.blobs, one)) for one in sealed] == [("SaoY",)]


@pytest.mark.long_proof
def test_an_unknown_authority_with_the_agencys_name_seals_no_attachment(at_desk: Desk, tmp_path: Path) -> None:
    office = at_desk.office
    city = office.cast.city.name
    authority = TestAuthority(tmp_path / "stranger")
    authority.issue_seal(TestSeal("city", city))
    stranger = seal_agent(authority.seal_path("city"), authority.passphrase, tmp_path / "agent", city)
    stranger.place = "SaoY"
    with office.db.write(office.cast.ha.by) as tx:
        number = outgoing.write(tx, office.cast.ha, office.draft(), (office.file(a_pdf(), "phu-luc.pdf"),)).id
    office.work()
    office.submit(number)
    office.sign(number)
    office.work()
    assert at_desk.browser("ha").post(f"/documents/out/{number}/device/seal").status_code == 303
    office.work()
    at_desk.ha.do(at_desk.call(number, "ha")["parameters"])
    office.work()
    with office.db.read() as tx:
        held = set(tx.session.scalars(sa.select(HeldCertificate.sha256)))
    assert stranger.do(at_desk.call(number, "ha")["parameters"])["Status"] == 0
    office.work()
    assert at_desk.document(number).state == DocumentState.SIGNED
    assert at_desk.handoff_state(number) is HandoffState.REFUSED
    told = at_desk.problem(number)
    assert told is not None
    assert "không thuộc kho tin cậy" in told.vi
    with office.db.read() as tx:
        assert set(tx.session.scalars(sa.select(HeldCertificate.sha256))) == held


@pytest.mark.long_proof
def test_a_program_that_locks_the_paper_is_told_how_to_sign_and_the_next_try_is_taken(at_desk: Desk) -> None:
    number = at_desk.out()
    locking = SigMDPSetup("sha256", certify=True, docmdp_perms=MDPPerm.NO_CHANGES)
    replace(at_desk.binh, locks=locking).do(at_desk.call(number)["parameters"])
    at_desk.office.work()
    assert at_desk.document(number).state == DocumentState.REVIEW
    browser = at_desk.browser("binh")
    assert "Chữ ký mới khóa văn bản" in browser.get(f"/documents/out/{number}").get_data(as_text=True)
    told = at_desk.problem(number)
    assert told is not None
    assert "locks the document" in told.en
    at_desk.out(number)
    at_desk.binh.do(at_desk.call(number)["parameters"])
    at_desk.office.work()
    assert at_desk.document(number).state == DocumentState.SIGNED


@pytest.mark.long_proof
@pytest.mark.parametrize(
    ("level", "copy_form", "refused"),
    [
        (MDPPerm.NO_CHANGES, "", True),
        (MDPPerm.NO_CHANGES, "SY", True),
        (MDPPerm.FILL_FORMS, "", False),
        (MDPPerm.FILL_FORMS, "SY", False),
    ],
)
def test_an_upload_that_others_have_locked_is_named_at_once(
    at_desk: Desk, level: MDPPerm, copy_form: str, refused: bool
) -> None:
    others = replace(at_desk.ha, place="Signature1", locks=SigMDPSetup("sha256", certify=True, docmdp_perms=level))
    number = at_desk.office.uploaded(others.signed(a_pdf()), copy_form=copy_form)
    at_desk.office.work()
    told = at_desk.problem(number)
    assert (told is not None) is refused
    if told is not None:
        assert "đã khóa văn bản" in told.vi
        assert "has locked the document" in told.en


def test_the_token_is_for_one_file_one_person_and_one_time(at_desk: Desk) -> None:
    number = at_desk.out()
    for stranger in ("ha", "lan", "son"):
        assert at_desk.browser(stranger).post(f"/documents/out/{number}/device/open").status_code in (404, 409)
    first = at_desk.call(number)["parameters"]
    second = at_desk.call(number)["parameters"]
    token = second["FileUploadHandler"].rpartition("/")[2]
    assert len(token) >= 43  # 256 bits
    assert requests.get(first["FileName"], timeout=TIMEOUT_S).status_code == 404  # who begins anew begins alone
    with at_desk.office.db.read() as tx:
        row = tx.session.scalars(sa.select(Handoff)).one()
        assert token not in f"{row.token_hash} {row.facts} {row.problem}"
        told = str(tx.session.scalars(sa.select(OutboxRow.payload)).all())
    assert token not in told
    file = requests.get(second["FileName"], timeout=TIMEOUT_S)
    assert file.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in file.headers
    signed = at_desk.binh.signed(file.content)
    nothing = requests.post(second["FileUploadHandler"], files={"uploadfile": ("x.pdf", b"no PDF")}, timeout=TIMEOUT_S)
    assert nothing.status_code == 422
    assert nothing.json()["Status"] is False
    assert at_desk.binh.bring(second["FileUploadHandler"], signed).json()["Status"] is True
    for again in (
        requests.get(second["FileName"], timeout=TIMEOUT_S),
        at_desk.binh.bring(second["FileUploadHandler"], signed),
    ):
        assert again.status_code == 404
    assert at_desk.binh.bring(f"{at_desk.url}/agent/sign/{'x' * 43}", signed).status_code == 404


@pytest.mark.long_proof
def test_time_runs_out_and_signing_works_again(at_desk: Desk) -> None:
    number = at_desk.out()
    code = at_desk.document(number).code
    parameters = at_desk.call(number)["parameters"]
    with clock.frozen(clock.now() + timedelta(minutes=11)):
        assert at_desk.binh.do(parameters)["Status"] == 4
        at_desk.office.work()
        assert at_desk.document(number).state == DocumentState.REVIEW
        told = at_desk.problem(number)
        assert told is not None
        assert "10 phút" in told.vi
        assert "10 minutes" in told.en
        assert at_desk.handoff_state(number) is HandoffState.EXPIRED
        at_desk.out(number)
        assert at_desk.binh.do(at_desk.call(number)["parameters"])["Status"] == 0
        at_desk.office.work()
        assert at_desk.document(number).state == DocumentState.SIGNED
        assert at_desk.document(number).code == code


def test_what_comes_back_wrong_leaves_the_document_where_it_was(at_desk: Desk) -> None:
    number = at_desk.out()
    at_desk.binh.after = lambda data: data + b"\n%%EOF\n"
    assert at_desk.binh.do(at_desk.call(number)["parameters"])["Status"] == 0
    at_desk.office.work()
    assert at_desk.document(number).state == DocumentState.REVIEW
    assert at_desk.handoff_state(number) is HandoffState.REFUSED
    told = at_desk.problem(number)
    assert told is not None
    assert "bị hỏng" in told.vi
    assert "damaged" in told.en
    assert "bị hỏng" in at_desk.browser("binh").get(f"/documents/out/{number}").get_data(as_text=True)
    with at_desk.office.db.read() as tx:
        assert tx.session.scalars(sa.select(Paper.id).where(Paper.stage == "signed")).all() == []
    at_desk.binh.after = lambda data: data
    at_desk.out(number)
    assert at_desk.binh.do(at_desk.call(number)["parameters"])["Status"] == 0
    at_desk.office.work()
    assert at_desk.document(number).state == DocumentState.SIGNED


def test_a_certificate_that_is_known_as_anothers_is_refused_whatever_its_name(at_desk: Desk) -> None:
    number = at_desk.out()
    found = at_desk.binh.folder / "own.pem"
    digest = x509.load_pem_x509_certificate(found.read_bytes()).fingerprint(hashes.SHA256()).hex()
    with at_desk.office.db.write("system") as tx:
        row = HeldCertificate(sha256=digest, owner="person:999", name="x", serial="1", first_at=clock.now())
        tx.session.add(row)
    at_desk.binh.do(at_desk.call(number)["parameters"])
    at_desk.office.work()
    assert at_desk.document(number).state == DocumentState.REVIEW
    told = at_desk.problem(number)
    assert told is not None
    assert "người hoặc cơ quan khác" in told.vi


def test_whoever_asked_may_stop_and_the_clerk_can_seal_on_the_server_instead(at_desk: Desk) -> None:
    number = at_desk.out()
    parameters = at_desk.call(number)["parameters"]
    assert at_desk.browser("ha").post(f"/documents/out/{number}/device/cancel").status_code == 409
    assert at_desk.browser("binh").post(f"/documents/out/{number}/device/cancel").status_code == 303
    assert at_desk.document(number).state == DocumentState.REVIEW
    assert at_desk.binh.do(parameters)["Status"] == 4
    with at_desk.office.db.write(at_desk.office.cast.binh.by) as tx:
        handover.sign(tx, at_desk.office.cast.binh, number)
    with at_desk.office.db.read() as tx:
        assert tx.session.get_one(Document, number).state == DocumentState.SIGNING


@pytest.mark.long_proof
@pytest.mark.repeats("docex.hand_out", "docex.hand_in", "docex.hand_expire")
def test_the_work_done_again_does_no_harm(at_desk: Desk) -> None:
    number = at_desk.out()
    at_desk.binh.do(at_desk.call(number)["parameters"])
    at_desk.office.work()
    before = at_desk.document(number).rev
    with at_desk.office.db.write("system") as tx:
        rows = tx.session.scalars(sa.select(OutboxRow).where(OutboxRow.topic.like("docex.hand%"))).all()
        assert {row.topic for row in rows} == {"docex.hand_out", "docex.hand_in", "docex.hand_expire"}
        for row in rows:
            row.state, row.due_at, row.attempts = outbox.State.WAITING, clock.now(), 0
    with clock.frozen(clock.now() + timedelta(minutes=30)):
        at_desk.office.work()
    assert at_desk.document(number).rev == before
    assert at_desk.document(number).state == DocumentState.SIGNED


def test_the_page_in_production_offers_only_the_device(at_desk: Desk) -> None:
    number = at_desk.waiting()
    parts = at_desk.app.extensions["lienthong"]
    parts = replace(parts, config=replace(parts.config, mode="production", secret_key="x" * 40))
    at_desk.app.extensions["lienthong"] = parts
    shown = at_desk.browser("binh").get(f"/documents/out/{number}?fragment=acts").get_data(as_text=True)
    assert "Ký bằng thiết bị của tôi" in shown
    assert re.search(r"(?s)>\s*(<svg.*?</svg>)?Ký số</button>", shown) is None
