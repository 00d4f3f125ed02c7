"""The doors of a received document: its page and what the clerk does with it."""

from typing import Any

from flask import flash, request
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from docex import handling
from docex.refused import Form
from docex.registers import bulk
from docex.routes.pages import incoming_page, on_incoming, routes, to_incoming
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
        row = bulk.register_one(tx, actor, incoming_id, even_doubled=even_doubled)
        flash(phrase("Đã vào sổ văn bản đến, số {number}.", number=f"{row.number:02d}").in_locale(actor.locale), "good")

    return on_incoming(tx, actor, incoming_id, Form("even_doubled", frozenset({"register"}), ""), act)


@routes.post("/documents/in/<int:incoming_id>/refuse")
def refuse(tx: Tx, actor: Actor, incoming_id: int) -> Any:
    """The clerk does not take it in: 02, with a reason."""
    reason = request.form.get("reason", "")

    def act() -> None:
        handling.refuse(tx, actor, incoming_id, reason)
        flash(phrase("Đã từ chối tiếp nhận; nơi gửi được báo ngay.").in_locale(actor.locale), "good")

    return on_incoming(tx, actor, incoming_id, Form("reason", frozenset({"refuse"}), reason), act)


@routes.post("/documents/in/<int:incoming_id>/recall/agree")
def agree_recall(tx: Tx, actor: Actor, incoming_id: int) -> AnyResponse:
    """The clerk gives it back: 15."""
    handling.agree_recall(tx, actor, incoming_id)
    return to_incoming(incoming_id)


@routes.post("/documents/in/<int:incoming_id>/recall/refuse")
def refuse_recall(tx: Tx, actor: Actor, incoming_id: int) -> Any:
    """The clerk keeps it: 16, with a reason."""
    reason = request.form.get("reason", "")
    form = Form("recall_reason", frozenset({"agree_recall", "refuse_recall"}), reason)
    act = lambda: handling.refuse_recall(tx, actor, incoming_id, reason)  # noqa: E731
    return on_incoming(tx, actor, incoming_id, form, act, reason="recall_reason")
