"""Who may sign for whom: recorded by administrators, checked before signing, and again when a paper is judged."""

import unicodedata
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from directory.actor import Actor
from docex.documents.device_signing import handover
from docex.documents.issuing import issuance
from docex.documents.models import Dispatch, Document
from docex.documents.states import DocumentState
from docex.documents.verification import verdict_store
from docex.official.composing import _offices
from kernel import audit, clock
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from signing.pdf.pades import sign_person, sign_seal
from signing.remote_signing import delegation
from signing.remote_signing.delegation import Claim, Form, Wanted
from signing.testca.authority import TestPerson, TestSeal, make_test_authority
from signing.trust.trust_store import TrustStore
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import Value, phrase_from_json
from signing.verification.file_verification import Expected, verify
from tests.docex.office import Office
from tests.signing.papers import minimal_pdf
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services

KT = "KT. CHÁNH VĂN PHÒNG"


@pytest.mark.parametrize(
    ("authority", "title", "claims"),
    [
        (KT, "", [(Form.KT, "CHÁNH VĂN PHÒNG")]),
        ("kt chánh văn phòng", "", [(Form.KT, "CHÁNH VĂN PHÒNG")]),
        (unicodedata.normalize("NFD", "k / t chánh văn phòng"), "", [(Form.KT, "CHÁNH VĂN PHÒNG")]),
        ("K.\u200bT．Chánh  Văn phòng", "", [(Form.KT, "CHÁNH VĂN PHÒNG")]),
        ("TM. ỦY BAN NHÂN DÂN KT CHỦ TỊCH", "", [(Form.KT, "CHỦ TỊCH")]),
        ("TL. CHỦ TỊCH KT. CHÁNH VĂN PHÒNG", "", [(Form.TL, "CHỦ TỊCH"), (Form.KT, "CHÁNH VĂN PHÒNG")]),
        ("T.L chủ tịch / t u q. giám đốc", "", [(Form.TL, "CHỦ TỊCH"), (Form.TUQ, "GIÁM ĐỐC")]),
        ("TL. CHỦ TỊCH UBND TP. HỒ CHÍ MINH", "", [(Form.TL, "CHỦ TỊCH UBND TP. HỒ CHÍ MINH")]),
        ("TUQ.GIÁM ĐỐC", "KT. Chủ tịch", [(Form.TUQ, "GIÁM ĐỐC"), (Form.KT, "CHỦ TỊCH")]),
        ("thừa lệnh Chủ tịch", "", [(Form.TL, "CHỦ TỊCH")]),
        ("TM. ỦY BAN NHÂN DÂN Q.CHỦ TỊCH", "Quyền Giám đốc", [(Form.Q, "CHỦ TỊCH"), (Form.Q, "GIÁM ĐỐC")]),
        ("TM. ỦY BAN NHÂN DÂN KT.", "", [(Form.KT, "")]),
        ("kt", "", [(Form.KT, "")]),
        ("KT. TRƯỞNG PHÒNG KT", "Phó Trưởng phòng KT và HT", [(Form.KT, "TRƯỞNG PHÒNG KT")]),
        ("TM. ỦY BAN NHÂN DÂN Q.1", "Chủ tịch", []),
        ("", "", []),
    ],
)
def test_a_signature_block_says_for_whom_it_is_signed(
    authority: str, title: str, claims: list[tuple[Form, str]]
) -> None:
    assert delegation.claims_of(authority, title) == tuple(Claim(*one) for one in claims)


@pytest.mark.parametrize(
    ("authority", "lines"),
    [
        ("KT. CHỦ TỊCH", ("KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH")),
        ("TM. ỦY BAN NHÂN DÂN KT. CHỦ TỊCH", ("TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH")),
        ("TM. Ủy ban nhân dân / KT. Chủ tịch", ("TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH")),
        ("", ("PHÓ CHỦ TỊCH",)),
    ],
)
def test_the_block_is_printed_line_by_line(authority: str, lines: tuple[str, ...]) -> None:
    assert _offices(authority, "Phó Chủ tịch") == lines


@pytest.fixture
def wanted(office: Office) -> Wanted:
    who, where = office.cast.binh.person_id, office.cast.city.id
    return Wanted(where, "KT", "Chánh Văn phòng", who, "12/QĐ-VP ngày 05/01/2026", clock.today())


def waiting(office: Office) -> int:
    number = office.written(authority=KT)
    office.work()
    office.submit(number)
    return number


def test_without_a_decision_nothing_is_signed_on_the_server_or_on_a_device(office: Office, wanted: Wanted) -> None:
    number = waiting(office)
    for sign in (issuance.sign, handover.sign):
        with pytest.raises(WrongState, match="Chưa có quyết định") as told, office.db.write() as tx:
            sign(tx, office.cast.binh, number)
        assert "No decision" in told.value.message.en
    with office.db.write() as tx:
        assert tx.session.get_one(Document, number).number is None
        row = delegation.record(tx, office.cast.admin, wanted)
        assert (row.principal, row.form) == ("CHÁNH VĂN PHÒNG", "KT")
    office.sign(number)
    office.work()
    with office.db.read() as tx:
        assert tx.session.get_one(Document, number).state == DocumentState.SIGNED
        kept = [entry.action for entry in audit.history(tx, f"delegation:{row.id}")]
    assert kept == ["signing.delegate"]


def test_it_holds_for_its_days_its_form_its_position_and_its_person(office: Office, wanted: Wanted) -> None:
    today = clock.today()
    wanted = replace(wanted, since_on=today, until_on=today + timedelta(days=5))
    with office.db.write() as tx:
        delegation.record(tx, office.cast.admin, wanted)

    def covered(authority: str = KT, person: Actor = office.cast.binh, on: date = today, title: str = "") -> bool:
        with office.db.read() as tx:
            return delegation.is_covered(
                tx, office.cast.city.id, person.person_id, on, authority, title, at=clock.now()
            )

    assert covered()
    assert covered(on=today + timedelta(days=5))
    assert not covered(on=today + timedelta(days=6))
    assert not covered(on=today - timedelta(days=1))
    assert not covered("TL. CHÁNH VĂN PHÒNG")
    assert not covered("KT. CHỦ TỊCH")
    assert not covered(person=office.cast.son)
    assert covered("TM. ỦY BAN NHÂN DÂN", office.cast.son)
    assert covered("kt chánh văn phòng", title="Phó Chánh Văn phòng")
    assert not covered(f"TL. CHỦ TỊCH / {KT}")
    assert not covered(title="TUQ. Chủ tịch")
    assert not covered("KT.")


def test_an_acting_head_has_the_position_or_a_decision(office: Office, wanted: Wanted) -> None:
    today = clock.today()

    def covered(authority: str, title: str) -> bool:
        with office.db.read() as tx:
            args = (tx, office.cast.city.id, office.cast.binh.person_id, today)
            return delegation.is_covered(*args, authority, title, at=clock.now())

    assert not covered("Q. CHÁNH VĂN PHÒNG", "Phó Chánh Văn phòng")
    assert covered("", "Q. Chánh Văn phòng")
    assert covered("Q. CHÁNH VĂN PHÒNG", "Quyền Chánh Văn phòng")
    assert not covered("Q. CHỦ TỊCH", "Quyền Chánh Văn phòng")
    assert not covered("Q.", "")
    with office.db.write() as tx:
        delegation.record(tx, office.cast.admin, replace(wanted, form="Q"))
    assert covered("TM. VĂN PHÒNG Q CHÁNH VĂN PHÒNG", "Phó Chánh Văn phòng")


def test_an_end_counts_from_its_moment_and_leaves_what_was_signed_before(office: Office, wanted: Wanted) -> None:
    before = clock.now() - timedelta(minutes=1)
    with office.db.write() as tx:
        row = delegation.record(tx, office.cast.admin, replace(wanted, since_on=clock.today() - timedelta(days=9)))
        with pytest.raises(Invalid):
            delegation.end(tx, office.cast.admin, row.id, " ")
        delegation.end(tx, office.cast.admin, row.id, "Điều động công tác")
        who = (tx, office.cast.city.id, office.cast.binh.person_id)
        assert not delegation.is_covered(*who, clock.today(), KT, "", at=clock.now())
        assert delegation.is_covered(*who, clock.today(), KT, "", at=before)
        yesterday = clock.today() - timedelta(days=1)
        assert delegation.is_covered(*who, yesterday, KT, "", at=clock.now() - timedelta(days=1))
        with pytest.raises(WrongState):
            delegation.end(tx, office.cast.admin, row.id, "Lần nữa")


def ended(office: Office, delegation_id: int) -> None:
    with office.db.write() as tx:
        delegation.end(tx, office.cast.admin, delegation_id, "Điều động công tác")


def test_what_was_signed_in_the_morning_is_sent_after_the_decision_was_ended(office: Office, wanted: Wanted) -> None:
    number = waiting(office)
    with office.db.write() as tx:
        held = delegation.record(tx, office.cast.admin, wanted).id
    office.sign(number)
    office.work()
    ended(office, held)
    office.seal(number)
    office.work()
    with office.db.read() as tx:
        dispatch = tx.session.scalars(sa.select(Dispatch).where(Dispatch.document_id == number)).one()
        assert dispatch.verdict == Value.VALID
        verdicts = verdict_store.latest(tx, dispatch.id).values()
    assert [verdict.has("NOT_DELEGATED") for verdict in verdicts] == [False]
    with pytest.raises(WrongState, match="Chưa có quyết định"):
        office.sign(waiting(office))


def test_a_decision_that_is_ended_before_the_worker_has_signed_covers_nothing(office: Office, wanted: Wanted) -> None:
    number = waiting(office)
    with office.db.write() as tx:
        held = delegation.record(tx, office.cast.admin, wanted).id
    office.sign(number)
    ended(office, held)
    office.work()
    document = office.document(number)
    assert (document.state, document.signed_at) == (DocumentState.REVIEW, None)
    assert "Chưa có quyết định" in phrase_from_json(document.problem).vi


def test_only_administrators_of_the_agency_record_and_every_wrong_field_is_named(
    office: Office, wanted: Wanted
) -> None:
    today = clock.today()
    wanted = replace(wanted, since_on=today)
    with office.db.write() as tx:
        for actor, refusal in ((office.cast.binh, Forbidden), (office.cast.ha, Forbidden)):
            with pytest.raises(refusal):
                delegation.record(tx, actor, wanted)
        with pytest.raises(NotFound):
            delegation.end(tx, office.cast.admin, 987654, "x")
        wrong = replace(wanted, form="XX", principal=" ", decision="", delegate_id=office.cast.ha.person_id)
        with pytest.raises(Invalid) as told:
            delegation.record(tx, office.cast.admin, replace(wrong, since_on=None))
        assert set(told.value.fields) == {"form", "principal", "decision", "delegate", "since_on"}
        with pytest.raises(Invalid) as told:
            same = replace(wanted, principal="phó chánh văn phòng", until_on=today - timedelta(days=1))
            delegation.record(tx, office.cast.admin, same)
        assert set(told.value.fields) == {"principal", "until_on"}


def test_the_page_records_keeps_what_was_typed_and_ends(office: Office) -> None:
    app: Flask = create_app(office.config, Services(office.config, office.db, office.blobs))
    admin, ha = sign_in(app, "quantri"), sign_in(app, "ha")
    assert ha.get("/admin/delegations").status_code == 403
    assert "Chưa có ủy quyền nào" in admin.get("/admin/delegations").get_data(as_text=True)
    delegate = f"{office.cast.city.id}:{office.cast.binh.person_id}"
    form = {"delegate": delegate, "form": "KT", "principal": "Chánh Văn phòng", "since_on": "2026-01-05"}
    refused = admin.post("/admin/delegations", data=form)
    assert refused.status_code == 422
    assert 'value="Chánh Văn phòng"' in refused.get_data(as_text=True)
    for bad in ({"delegate": "x"}, {"delegate": "9" * 30 + ":1"}, {"since_on": "hôm qua"}):
        assert admin.post("/admin/delegations", data={**form, "decision": "1/QĐ", **bad}).status_code == 422
    assert admin.post("/admin/delegations", data={**form, "decision": "12/QĐ-VP"}).status_code == 303
    page = admin.get("/admin/delegations").get_data(as_text=True)
    assert "12/QĐ-VP" in page
    assert "Còn hiệu lực" in page
    assert admin.post("/admin/delegations/1/end", data={"reason": ""}).status_code == 422
    assert ha.post("/admin/delegations/1/end", data={"reason": "x"}).status_code in (403, 404)
    assert admin.post("/admin/delegations/1/end", data={"reason": "Điều động"}).status_code == 303
    assert "Đã kết thúc" in admin.get("/admin/delegations").get_data(as_text=True)


def test_a_paper_that_was_signed_without_a_decision_is_judged_by_the_policy(keys: object, tmp_path: object) -> None:
    from pathlib import Path

    folder, city = Path(str(tmp_path)), "Văn phòng"
    store = TrustStore(folder / "trust", allow_test=True)
    authority = make_test_authority(folder / "pki", trust=store)
    binh = authority.issue_person(TestPerson("b", "Trần Quốc Bình", city))
    sealed = sign_seal(sign_person(minimal_pdf("x"), binh), authority.issue_seal(TestSeal("s", city)))
    for delegated, value in ((True, Value.VALID), (False, Value.INVALID)):
        expected = Expected((city,), "Trần Quốc Bình", "", KT, delegated)
        verdict = verify(sealed, store.trust(), policy_for(DocumentKind.OFFICIAL), expected=expected)
        assert verdict.value is value
        assert verdict.has("NOT_DELEGATED") is not delegated
