"""Something to do in this room of the demo city: a draft, a letter to sign, and one on its way to the departments."""

from datetime import date

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from directory.demo import FINANCE, HOME_AFFAIRS, SCIENCE, email_of
from docex.documents.drafting import outgoing
from docex.documents.drafting.draft import Draft
from docex.documents.models import Document
from kernel.db import Tx
from kernel.storage.blobs import BlobStore
from signing.remote_signing import delegation
from signing.remote_signing.delegation import Wanted

_BODY = (
    "Thực hiện chương trình công tác năm, Văn phòng Ủy ban nhân dân Thành phố Mẫu đề nghị các cơ quan:\n"
    "1. Rà soát tiến độ các nhiệm vụ được giao, nêu rõ việc chậm và nguyên nhân.\n"
    "2. Gửi báo cáo qua trục liên thông trước thời hạn nêu trong văn bản này.\n"
    "Trân trọng đề nghị các cơ quan quan tâm thực hiện."
)


def seed(tx: Tx, blobs: BlobStore) -> None:
    """Write a draft and a letter that waits for Bình; the worker draws them when it starts."""
    if tx.session.scalar(sa.select(Document.id).limit(1)) is not None:
        return
    ha, binh = _actor(tx, "ha"), _actor(tx, "binh")
    if ha is None or binh is None:
        return
    by, tx.by = tx.by, ha.by
    office = binh.agency_id
    decision = "12/QĐ-VP ngày 05/01/2026"
    delegation.enter(tx, Wanted(office, "KT", "CHÁNH VĂN PHÒNG", binh.person_id, decision, date(2026, 1, 5)))
    departments = _ids(tx, FINANCE, HOME_AFFAIRS, SCIENCE)
    outgoing.write(
        tx,
        ha,
        _draft("Góp ý dự thảo quy chế tiếp công dân của Thành phố", binh, departments, kind="letter"),
    )
    waiting = outgoing.write(
        tx,
        ha,
        _draft("Báo cáo tiến độ thực hiện nhiệm vụ quý IV năm 2026", binh, departments[:2], kind="letter", urgency=1),
    )
    outgoing.submit(tx, ha, waiting.id)
    tx.by = by


def _draft(subject: str, signer: Actor, recipients: tuple[int, ...], *, kind: str, urgency: int = 0) -> Draft:
    return Draft(
        kind=kind,
        subject=subject,
        signer_id=signer.person_id,
        recipients=recipients,
        body=_BODY,
        urgency=urgency,
        unit_mark="TH",
        authority="KT. CHÁNH VĂN PHÒNG",
    )


def _actor(tx: Tx, mailbox: str) -> Actor | None:
    person = directory.person_by_email(tx, email_of(mailbox))
    return directory.actor_of(tx, person.id) if person is not None else None


def _ids(tx: Tx, *codes: str) -> tuple[int, ...]:
    found = (directory.agency_by_code(tx, code) for code in codes)
    return tuple(agency.id for agency in found if agency is not None)
