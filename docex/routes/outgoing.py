"""The endpoints of an own document: its page and its acts, from the leader to the dispatch."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from docex.documents.drafting import outgoing
from docex.documents.drafting.forms import number
from docex.documents.issuing import issuance
from docex.documents.pages.refused_forms import Form
from docex.documents.states import DocumentState
from docex.routes.pages import document_page, on_document, routes, tell, to_document
from kernel.db import Tx
from kernel.text import phrase


@routes.get("/documents/out/<int:document_id>")
def document(tx: Tx, actor: Actor, document_id: int) -> str:
    """The paper, the facts, the states at each recipient, the timeline; moves live."""
    return document_page(tx, actor, document_id)


@routes.post("/documents/out/<int:document_id>/submit")
def submit(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """Hand it to the leader."""
    document = outgoing.submit(tx, actor, document_id)
    checked = document.state == DocumentState.CHECK
    tell(phrase("Đã trình kiểm tra.") if checked else phrase("Đã trình ký."))
    return to_document(document_id)


@routes.post("/documents/out/<int:document_id>/withdraw")
def withdraw(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """Take it back from the leader."""
    outgoing.withdraw(tx, actor, document_id)
    tell(phrase("Đã rút lại để sửa."))
    return to_document(document_id)


@routes.post("/documents/out/<int:document_id>/return")
def return_(tx: Tx, actor: Actor, document_id: int) -> Any:
    """Give it back to whoever drafted it, with a reason."""
    reason = request.form.get("reason", "")
    form = Form("reason", frozenset({"return", "check_return"}), reason)
    act = lambda: outgoing.return_(tx, actor, document_id, reason)  # noqa: E731
    done = phrase("Đã trả lại để sửa; người soạn thấy lý do ngay.")
    return on_document(tx, actor, document_id, form, act, done)


@routes.post("/documents/out/<int:document_id>/sign")
def sign(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """The leader presses "Ký số"."""
    document = issuance.sign(tx, actor, document_id, number(request.form.get("seen")))
    signing = phrase("Đang ký số; trang này tự cập nhật khi ký xong.")
    tell(phrase("Đã duyệt bản sao.") if document.copy_form else signing)
    return to_document(document_id)


@routes.post("/documents/out/<int:document_id>/seal")
def seal(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """The clerk presses "Đóng dấu và gửi"."""
    issuance.seal(tx, actor, document_id)
    tell(phrase("Đang đóng dấu và gửi."))
    return to_document(document_id)


@routes.post("/documents/out/<int:document_id>/send")
def send_again(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """Have it sent again after a failure."""
    issuance.send_again(tx, actor, document_id)
    tell(phrase("Đang gửi lại."))
    return to_document(document_id)
