"""A recall and an update reach a VXP system in the form in which they came, and obeying them harms no newer version."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from docex.documents.models import Delivery
from docex.edxml import read, write
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import Business, Organ, Replacement, ResponseFor, StatusMessage
from docex.exchange.vxp.client import VxpClient
from kernel.outbox import SendError
from tests.docex.office import Office
from tests.docex.vxp.conftest import ABROAD
from tests.docex.vxp.letters import AT, KEY, a_letter, a_status
from tests.docex.vxp.test_exchange import FRIEND, agency_id, second_agency

Made = Callable[[int], VxpClient]
MOST = 10**8


@pytest.fixture
def pair(office: Office, abroad: int, system: Made) -> tuple[VxpClient, VxpClient, Organ]:
    """A sender's and a receiver's system, and the receiver."""
    far = second_agency(office)
    return system(abroad), system(agency_id(office, far.code)), far


def recall_of(*receivers: Organ, **changes: Any) -> bytes:
    business = Business(BusinessKind.RECALL, "Gửi nhầm nơi nhận", KEY)
    return a_letter(FRIEND, *receivers, business=business, attachments=(), **changes)


def update_of(*receivers: Organ) -> bytes:
    return a_letter(FRIEND, *receivers, business=Business(BusinessKind.UPDATE, "Sửa phụ lục", KEY), subject="Bản sửa")


def done_with_all(system: VxpClient) -> list[bytes]:
    """The documents in the list, fetched and acknowledged as a document system does it."""
    found = []
    for line in system.received("edoc"):
        found.append(system.download(line.doc_id, max_bytes=MOST))
        system.update_status(line.doc_id, "done")
    return found


def statuses(system: VxpClient) -> list[StatusMessage]:
    """The messages in the list of statuses."""
    found = [read(system.download(line.doc_id, max_bytes=MOST)) for line in system.received("status")]
    return [one for one in found if isinstance(one, StatusMessage)]


def stand(office: Office) -> list[tuple[str, str]]:
    with office.db.read() as tx:
        return [(d.progress, d.recall) for d in tx.session.scalars(sa.select(Delivery).order_by(Delivery.id))]


def test_a_recall_that_came_as_an_envelope_is_listed_as_it_came(
    office: Office, pair: tuple[VxpClient, VxpClient, Organ]
) -> None:
    here, there, far = pair
    here.send(a_letter(FRIEND, far), ABROAD)
    office.work()
    assert len(done_with_all(there)) == 1
    recall = recall_of(far)
    here.send(recall, ABROAD)
    office.work()
    (line,) = there.received("edoc")
    assert there.count("edoc") == 1
    assert there.download(line.doc_id, max_bytes=MOST) == there.content(line.doc_id) == recall
    assert [message.status for message in statuses(there)] == ["13"]
    with pytest.raises(SendError):  # nobody else may have it
        here.content(line.doc_id)
    there.update_status(line.doc_id, "done")
    assert (there.received("edoc"), there.count("edoc")) == ([], 0)
    there.send(a_status(far, ABROAD, StatusCode.RECALL_AGREED), far.code, "status")
    assert stand(office) == [("retrieved", "15")]


def test_a_recall_of_what_nobody_fetched_is_not_listed(
    office: Office, pair: tuple[VxpClient, VxpClient, Organ]
) -> None:
    here, there, far = pair
    here.send(a_letter(FRIEND, far), ABROAD)
    office.work()
    here.send(recall_of(far), ABROAD)
    office.work()
    assert (there.received("edoc"), there.count("edoc"), there.received("status")) == ([], 0, [])
    assert stand(office) == [("available", "15")]


def test_a_recall_that_was_answered_before_it_was_read_asks_no_more(
    office: Office, pair: tuple[VxpClient, VxpClient, Organ]
) -> None:
    here, there, far = pair
    here.send(a_letter(FRIEND, far), ABROAD)
    office.work()
    done_with_all(there)
    here.send(recall_of(far), ABROAD)
    there.send(a_status(far, ABROAD, StatusCode.RECALL_AGREED), far.code, "status")
    assert (there.received("edoc"), there.count("edoc")) == ([], 0)


@pytest.mark.parametrize("fetched", [True, False])
def test_after_an_update_nothing_asks_for_the_id_of_the_new_version(
    office: Office, pair: tuple[VxpClient, VxpClient, Organ], fetched: bool
) -> None:
    here, there, far = pair
    here.send(a_letter(FRIEND, far), ABROAD)
    office.work()
    if fetched:
        done_with_all(there)
    new = update_of(far)
    here.send(new, ABROAD)
    office.work()
    assert (there.received("status"), there.count("status")) == ([], 0)
    assert done_with_all(there)[-1] == new
    there.send(a_status(far, ABROAD, StatusCode.REGISTERED), far.code, "status")
    assert stand(office)[-1] == ("03", "")


@pytest.mark.long_proof
def test_a_13_that_was_not_read_before_the_update_came_is_listed_no_more(
    office: Office, pair: tuple[VxpClient, VxpClient, Organ]
) -> None:
    here, there, far = pair
    here.send(a_letter(FRIEND, far), ABROAD)
    office.work()
    done_with_all(there)
    here.send(recall_of(far), ABROAD)
    office.work()
    assert (there.count("status"), there.count("edoc")) == (1, 1)
    new = update_of(far)
    here.send(new, ABROAD)
    office.work()
    assert (there.received("status"), there.count("status")) == ([], 0)
    assert done_with_all(there) == [new]


def test_a_recall_of_the_update_is_listed_again(office: Office, pair: tuple[VxpClient, VxpClient, Organ]) -> None:
    here, there, far = pair
    here.send(a_letter(FRIEND, far), ABROAD)
    office.work()
    here.send(update_of(far), ABROAD)
    office.work()
    done_with_all(there)
    about = ResponseFor(far.code, "125/SGT-VP", KEY, date(2026, 3, 2))
    here.send(write(StatusMessage(FRIEND, about, StatusCode.RECALL_ASKED, "Gửi nhầm", AT)), ABROAD, "status")
    assert there.count("status") == len(there.received("status")) >= 1


def test_a_replacement_asks_for_the_old_id_only(office: Office, pair: tuple[VxpClient, VxpClient, Organ]) -> None:
    here, there, far = pair
    here.send(a_letter(FRIEND, far), ABROAD)
    office.work()
    done_with_all(there)
    business = Business(BusinessKind.REPLACE, "Thay thế", replacements=(Replacement(KEY, (far.code,)),))
    new = a_letter(FRIEND, far, business=business, document_id=f"{KEY}-2", number="126")
    here.send(new, ABROAD)
    office.work()
    (asked,) = statuses(there)
    assert asked.about.document_id == KEY
    assert done_with_all(there) == [new]
