"""An update takes agencies off and adds others; a replacement names who has what it replaces."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from directory.models import Agency
from docex.documents.models import Delivery, Dispatch
from docex.edxml import Envelope, read, write
from docex.edxml.codes import BusinessKind
from docex.edxml.model import Business, Organ, ReceiverChange, Replacement, UpdateInfo
from tests.docex.hub.systems import FAR, System, a_letter, an_agency
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.intake.test_several import stand
from tests.docex.office import Office

pytestmark = pytest.mark.long_proof

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "edxml" / "built-by-official-sdk"
UPDATE = SAMPLES / "update-type-2.edxml"
FRIEND = Organ(FAR, "Sở Giao thông tỉnh Bạn")


@pytest.fixture
def finance(hub: Office) -> Organ:
    return Organ(hub.cast.finance.code, hub.cast.finance.name)


@pytest.fixture
def science(hub: Office) -> Organ:
    return Organ(hub.cast.science.code, hub.cast.science.name)


def update(letter: Envelope, *receivers: Organ, off: tuple[str, ...] = (), added: tuple[str, ...] = ()) -> bytes:
    changes = (*(ReceiverChange(code, False) for code in off), *(ReceiverChange(code, True) for code in added))
    info = (UpdateInfo(True, True, changes),)
    business = Business(BusinessKind.UPDATE, "Sửa nơi nhận", letter.document_id, updates=info)
    return write(replace(letter, receivers=receivers, business=business))


def sent(hub: Office, system: System, data: bytes) -> list[str]:
    """Hand it in. Answers the codes of those who get it."""
    answer = system.hand_in(data)
    assert answer.status_code == 202, answer.get_json()
    hub.work()
    told: list[dict[str, Any]] = answer.get_json()["receivers"]
    return [one["code"] for one in told]


def test_who_is_taken_off_gets_no_copy_and_loses_what_it_never_fetched(
    hub: Office, near: System, far: System, finance: Organ, science: Organ
) -> None:
    """As the official sample does, the agency that is taken off stands in `To` all the same."""
    letter = a_letter(hub, receivers=(FRIEND, finance))
    sent(hub, near, write(letter))
    data = update(letter, FRIEND, finance, science, off=(FAR,), added=(science.code,))
    assert sent(hub, near, data) == [finance.code, science.code]
    assert waiting(far)["items"] == []
    assert stand(hub, far.agency_id) == [("available", "15")]
    assert stand(hub, hub.cast.finance.id) == [("01", "13"), ("01", "")]
    assert stand(hub, hub.cast.science.id) == [("01", "")]


@pytest.mark.parametrize("stands", [True, False], ids=["in To", "in the list only"])
def test_who_is_taken_off_is_asked_for_what_it_has(
    hub: Office, near: System, far: System, finance: Organ, stands: bool
) -> None:
    letter = a_letter(hub, receivers=(FRIEND, finance))
    sent(hub, near, write(letter))
    fetched(far, waiting(far)["items"][0])
    sent(hub, near, update(letter, *([FRIEND] if stands else []), finance, off=(FAR.lower(),)))
    assert stand(hub, far.agency_id) == [("01", "13")]
    (asked,) = far.get("/api/v1/recalls").get_json()["items"]
    assert asked["reason"] == "Sửa nơi nhận"


def test_an_update_that_takes_everybody_off_is_for_nobody(hub: Office, near: System, finance: Organ) -> None:
    letter = a_letter(hub, receivers=(finance,))
    sent(hub, near, write(letter))
    assert sent(hub, near, update(letter, finance, off=(finance.code,))) == []
    assert stand(hub, hub.cast.finance.id) == [("01", "13")]


def test_the_other_form_of_its_code_names_the_same_agency(hub: Office, near: System, finance: Organ) -> None:
    letter = a_letter(hub, receivers=(finance,))
    with hub.db.read() as tx:
        old = tx.session.get_one(Agency, hub.cast.finance.id).old_code
    assert old
    sent(hub, near, write(letter))
    assert sent(hub, near, update(letter, finance, off=(old,))) == []


def test_a_successor_stays_when_the_agency_that_it_took_in_is_taken_off(
    hub: Office, near: System, finance: Organ
) -> None:
    with hub.db.write() as tx:
        tx.session.add(Agency(code="H99.99", name="Sở cũ", is_local=True, merged_into_id=hub.cast.finance.id))
    letter = a_letter(hub, receivers=(finance,))
    sent(hub, near, write(letter))
    data = update(letter, Organ("H99.99", "Sở cũ"), finance, off=("H99.99",))
    assert sent(hub, near, data) == [finance.code]
    assert stand(hub, hub.cast.finance.id) == [("01", "13"), ("01", "")]


def test_who_is_added_and_taken_off_at_once_gets_it(hub: Office, near: System, finance: Organ) -> None:
    letter = a_letter(hub, receivers=(finance,))
    assert sent(hub, near, update(letter, finance, off=(finance.code,), added=(finance.code,))) == [finance.code]


def test_only_an_update_takes_anybody_off(hub: Office, near: System, finance: Organ) -> None:
    letter = a_letter(hub, receivers=(finance,))
    data = update(letter, finance, off=(finance.code,)).replace(b"DocType>2<", b"DocType>0<")
    read_back = read(data)
    assert isinstance(read_back, Envelope)
    assert read_back.business.kind is BusinessKind.NEW
    assert sent(hub, near, data) == [finance.code]


def test_a_replacement_asks_those_that_it_names_besides_its_receivers(
    hub: Office, near: System, far: System, finance: Organ, science: Organ
) -> None:
    old, other = (a_letter(hub, number, receivers=(FRIEND, finance, science)) for number in (1, 2))
    sent(hub, near, write(old))
    sent(hub, near, write(other))
    for item in waiting(far)["items"]:
        fetched(far, item)
    replaced = (Replacement(old.document_id, (FAR, "H97.404")), Replacement(other.document_id))
    business = Business(BusinessKind.REPLACE, "Thay thế hai văn bản", replacements=replaced)
    new = a_letter(hub, 3, receivers=(finance,), business=business)
    assert sent(hub, near, write(new)) == [finance.code]
    assert stand(hub, far.agency_id) == [("01", "13"), ("01", "")]
    assert stand(hub, hub.cast.finance.id) == [("01", "13"), ("01", "13"), ("01", "")]
    assert stand(hub, hub.cast.science.id) == [("01", ""), ("01", "")]


def test_nobody_takes_others_documents_back_by_naming_them(
    hub: Office, near: System, far: System, finance: Organ
) -> None:
    letter = a_letter(hub, receivers=(finance,))
    sent(hub, near, write(letter))
    theirs = replace(letter, sender=FRIEND, document_id=f"{FAR},2026,1")
    info = (UpdateInfo(True, True, (ReceiverChange(finance.code, False),)),)
    business = Business(BusinessKind.UPDATE, "Bớt nơi nhận", letter.document_id, updates=info)
    data = write(replace(theirs, receivers=(Organ(hub.cast.city.code, hub.cast.city.name),), business=business))
    assert far.hand_in(data).status_code == 202
    hub.work()
    assert stand(hub, hub.cast.finance.id) == [("01", "")]


@pytest.mark.skipif(not UPDATE.exists(), reason="the samples of the official builder are not beside the repository")
def test_the_official_update_goes_to_whom_it_adds_and_not_to_whom_it_takes_off(app: Any, hub: Office) -> None:
    sample = read(UPDATE.read_bytes())
    assert isinstance(sample, Envelope)
    ids = {one.code: an_agency(hub, one.code, one.name, is_local=True) for one in (sample.sender, *sample.receivers)}
    issuer = System(app, hub, ids[sample.sender.code])
    before = replace(sample, business=Business(reason="Văn bản điện tử mới"), receivers=sample.receivers[:1])
    sent(hub, issuer, write(before))
    off, added = (one.code for one in sample.receivers)
    assert sent(hub, issuer, UPDATE.read_bytes()) == [added]
    with hub.db.read() as tx:
        found = tx.session.execute(
            sa.select(Delivery.agency_id, Dispatch.business, Delivery.recall).join(Dispatch).order_by(Delivery.id)
        ).all()
    assert [tuple(row) for row in found] == [(ids[off], 0, "13"), (ids[added], 2, "")]
