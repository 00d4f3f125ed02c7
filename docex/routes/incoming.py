"""The endpoints of a received document: its page and what the clerk does with it."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from docex.documents.incoming import handling
from docex.documents.pages import document_view
from docex.documents.pages.refused_forms import Form
from docex.documents.registers import bulk_acts
from docex.routes.pages import incoming_page, on_incoming, routes, tell, to_incoming
from kernel.db import Tx
from kernel.text import phrase


@routes.get("/documents/in/<int:incoming_id>")
def incoming(tx: Tx, actor: Actor, incoming_id: int) -> str:
    """The papers as they came, the verdict, what the clerk can do; moves live."""
    return incoming_page(tx, actor, incoming_id)


@routes.post("/documents/in/<int:incoming_id>/register")
def register(tx: Tx, actor: Actor, incoming_id: int) -> Any:
    """The clerk takes it in: 03. What may be a double asks first, also when its twin came after the page."""
    even_doubled = bool(request.form.get("even_doubled"))

    def act() -> None:
        row = bulk_acts.register_one(tx, actor, incoming_id, even_doubled=even_doubled)
        tell(phrase("Đã vào sổ văn bản đến, số {number}.", number=f"{row.number:02d}"))

    return on_incoming(tx, actor, incoming_id, Form("even_doubled", frozenset({"register"}), ""), act)


@routes.post("/documents/in/<int:incoming_id>/refuse")
def refuse(tx: Tx, actor: Actor, incoming_id: int) -> Any:
    """The clerk does not take it in: 02, with a reason."""
    reason = request.form.get("reason", "")
    form = Form("reason", frozenset({"refuse"}), reason)
    act = lambda: handling.refuse(tx, actor, incoming_id, reason)  # noqa: E731
    return on_incoming(tx, actor, incoming_id, form, act, phrase("Đã từ chối tiếp nhận; nơi gửi được báo ngay."))


@routes.post("/documents/in/<int:incoming_id>/recall/agree")
def agree_recall(tx: Tx, actor: Actor, incoming_id: int) -> AnyResponse:
    """The clerk gives it back: 15."""
    updated = document_view.incoming_sheet(tx, actor, incoming_id).update_asked
    handling.agree_recall(tx, actor, incoming_id)
    given_back = phrase("Đã đồng ý trả lại văn bản; nơi gửi được báo ngay.")
    tell(phrase("Đã đồng ý thay bằng bản cập nhật; nơi gửi được báo ngay.") if updated else given_back)
    return to_incoming(incoming_id)


@routes.post("/documents/in/<int:incoming_id>/recall/refuse")
def refuse_recall(tx: Tx, actor: Actor, incoming_id: int) -> Any:
    """The clerk keeps it: 16, with a reason."""
    reason = request.form.get("reason", "")
    form = Form("recall_reason", frozenset({"agree_recall", "refuse_recall"}), reason)
    act = lambda: handling.refuse_recall(tx, actor, incoming_id, reason)  # noqa: E731
    done = phrase("Đã trả lời không đồng ý; nơi gửi được báo ngay.")
    return on_incoming(tx, actor, incoming_id, form, act, done, reason="recall_reason")
