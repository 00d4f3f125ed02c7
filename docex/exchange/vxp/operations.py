"""Operations of a system of the VXP shape besides handing in: acknowledge, ask for the directory, keep its own
entry."""

import json
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from directory import agencies, codeforms
from directory.actor import Role
from directory.agencies import AgencyFacts
from directory.models import Agency
from directory.queries import agency_by_code, card_of
from docex.documents.delivery.statuses import report_status
from docex.documents.models import Delivery, Incoming
from docex.edxml.progress import Progress, Recall
from docex.exchange.hub import mailbox
from docex.exchange.intake import supersession
from docex.exchange.recalls import withdrawal
from docex.exchange.vxp.doc_ids import Mark, named
from docex.exchange.vxp.message_list import (
    delivery_for,
    is_offered,
    must_be_offered,
    recall_for,
    status_for,
    was_taken_back,
)
from docex.exchange.vxp.models import EDOC, RECALL, STATUS, VxpAck
from docex.exchange.vxp.systems import System
from kernel import clock
from kernel.db import Tx
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.refs import Ref
from kernel.schema import insert_into
from kernel.text import is_storable, phrase

_MOVES = {"processing": Progress.AVAILABLE, "done": Progress.RETRIEVED}


def acknowledge(tx: Tx, system: System, doc_id: str, status: str) -> None:
    """updateStatus: `done` takes a message off the list and tells its sender that it was fetched; `processing` and
    `fail` leave it there. A word is about the sending that the DocId names, never about a later one of the document;
    WrongState, naming the later one, for `processing` and `fail` about what is not offered any more."""
    if status not in ("processing", "done", "fail"):
        reason = phrase(
            "updateStatus: status phải là processing, done hoặc fail; đã nhận “{status}”.", status=status[:40]
        )
        raise Invalid({"status": reason}, reason)
    kind, row_id = _found(tx, system, doc_id)
    if kind == EDOC:
        _move(tx, system, row_id, status)
    row = insert_into(tx.session, VxpAck).values(
        client_id=system.client_id, kind=kind, ref_id=row_id, status=status, at=clock.now()
    )
    tx.session.execute(
        row.on_conflict_do_update(
            index_elements=["client_id", "kind", "ref_id"],
            set_={"status": status, "at": clock.now()},
            where=VxpAck.status != "done",  # a late `processing` does not bring back what was taken
        )
    )


def is_open(tx: Tx, system: System, doc_id: str) -> bool:
    """Whether a DocId names a message for the system that it has not acknowledged with `done` and may still fetch."""
    try:
        kind, row_id = _found(tx, system, doc_id)
    except NotFound:
        return False
    if kind == EDOC and not is_offered(delivery_for(tx, system, row_id)):
        return False
    acknowledged = tx.session.get(VxpAck, (system.client_id, kind, row_id))
    return acknowledged is None or acknowledged.status != "done"


def _found(tx: Tx, system: System, doc_id: str) -> tuple[str, int]:
    """The kind and number of the message for the system that a DocId names; NotFound for any other."""
    mark, row_id = named(doc_id)
    if mark is Mark.RECEIVED:
        delivery_for(tx, system, row_id)
        return EDOC, row_id
    if mark is Mark.RECEIVED_STATUS:
        status_for(tx, system, row_id)
        return STATUS, row_id
    if mark is Mark.RECEIVED_RECALL:
        recall_for(tx, system, row_id)
        return RECALL, row_id
    raise NotFound(phrase("Trục không có thông điệp mang mã này trong hộp nhận của đơn vị."))


def _move(tx: Tx, system: System, row_id: int, status: str) -> None:
    delivery = delivery_for(tx, system, row_id)
    tx.session.scalar(sa.select(Incoming.id).where(Incoming.delivery_id == delivery.id).with_for_update())
    tx.session.refresh(delivery, with_for_update=True)
    if status != "done":  # that it has what it had downloaded before is true all the same
        must_be_offered(tx, delivery)
    step = _MOVES.get(status)
    if step is Progress.RETRIEVED:
        _fetched(tx, system, delivery)
    elif step is not None:
        report_status(tx, delivery, step, by_name=system.actor.name)
    elif status == "fail":
        tx.audit(
            f"agency:{system.agency_id}", "vxp.failed", Ref("dispatch", delivery.dispatch_id), {"delivery": row_id}
        )


def _fetched(tx: Tx, system: System, delivery: Delivery) -> None:
    """The system has it. When the sender took it back between the download and this word, it is asked for it, unless it
    was sent the document anew: who obeys a 13 takes back that one, for both have one id."""
    too_late = was_taken_back(delivery)
    if too_late:
        delivery.recall = Recall.NONE
    report_status(tx, delivery, Progress.RETRIEVED, by_name=system.actor.name)
    mailbox.note_fetched(tx, delivery)
    if too_late and not supersession.has_newer(tx, delivery.id):
        withdrawal.ask_back(tx, [delivery.id], mailbox.FETCHED_LATE.vi, withdraw=True)


def directory_list(tx: Tx, form: str) -> list[dict[str, Any]]:
    """getAgenciesList: agencies of today under the codes of the system's form, and their older ones."""
    return [
        {
            "id": str(row.id),
            "pid": str(row.parent_id or 0),
            "code": codeforms.code_of(row, form),
            "name": row.name,
            "mail": row.email,
            "oldCode": row.old_code,
        }
        for row in _agencies(tx, current=True)
    ]


def directory_list_qd20(tx: Tx) -> list[dict[str, Any]]:
    """getAgenciesListQD20: agencies of today under the codes of QĐ 20/2020."""
    return [
        {"id": str(row.id), "code": row.code, "name": row.name, "mail": row.email, "code102": row.old_code}
        for row in _agencies(tx, current=True)
    ]


def synchronised_units(tx: Tx, form: str) -> list[dict[str, Any]]:
    """getSynchronizeUnit: every agency that ever was, with what became of it."""
    top = tx.session.scalar(sa.select(Agency).where(Agency.parent_id.is_(None), Agency.is_local).limit(1))
    today = clock.today().isoformat()
    return [
        {
            "id": str(row.id),
            "pid": str(row.parent_id or 0),
            "code": codeforms.code_of(row, form),
            "name": row.name,
            "mail": row.email,
            "version": row.rev,
            "centerCode": codeforms.code_of(top, form) if top else "",
            "deleted": not card_of(row).is_current,
            "modifyDate": row.valid_until_on.isoformat() if row.valid_until_on else today,
            "isAgency": True,
        }
        for row in _agencies(tx, current=False)
    ]


def register_agency(tx: Tx, system: System, body: bytes) -> None:
    """registerAgency: a system keeps address and phone of its agencies; new ones are entered by administrators."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid({"data": phrase("Nội dung đăng ký không phải là JSON.")}) from error
    code = given.get("code") if isinstance(given, dict) else None
    row = agency_by_code(tx, code) if isinstance(code, str) and is_storable(code) else None
    if row is None or row.id not in system.agency_ids:
        raise Forbidden(
            phrase(
                "Hệ thống chỉ được đăng ký cơ quan của mình; cơ quan khác do quản trị viên của trục nhập vào danh bạ."
            )
        )
    facts = AgencyFacts(**{name: getattr(row, name) for name in AgencyFacts.__dataclass_fields__})
    mail, phone = (str(given.get(name) or "").strip()[:100] for name in ("mail", "mobile"))
    if not is_storable(mail + phone):
        raise Invalid({"data": phrase("Nội dung đăng ký có ký tự không đọc được.")})
    facts = replace(facts, email=mail or facts.email, phone=phone or facts.phone)
    # The verb lets administrators of an agency change just these facts; the system acts for its agency as one.
    agencies.change_agency(tx, replace(system.actor, roles=frozenset({Role.ADMIN})), row.id, facts)


def delete_agency(tx: Tx, system: System, code: str) -> None:
    """deleteAgency is always refused: an agency stays in the directory, because old documents name it."""
    if agency_by_code(tx, code) is None:
        raise NotFound(phrase("Danh bạ không có cơ quan mang mã này."))
    raise Forbidden(phrase("Cơ quan không bị xóa khỏi danh bạ; việc giải thể, sáp nhập do quản trị viên của trục ghi."))


def _agencies(tx: Tx, *, current: bool) -> list[Agency]:
    rows = tx.session.scalars(sa.select(Agency).order_by(Agency.id))
    return [row for row in rows if not current or card_of(row).is_current]
