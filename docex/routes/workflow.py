"""The endpoints of the desk: what becomes of received documents, recalls and replacements, groups and series."""

from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory import queries as directory
from directory.actor import Actor, require
from docex.documents.access import DRAFTERS
from docex.documents.checking import check_codes
from docex.documents.drafting import outgoing, recipient_groups
from docex.documents.drafting.forms import number
from docex.documents.incoming import submission_sheets
from docex.documents.incoming.forms import decision_of, numbers_of
from docex.documents.issuing import docx_export
from docex.documents.pages.refused_forms import Form
from docex.documents.papers.files import disposition
from docex.documents.states import DocumentState
from docex.edxml.codes import KINDS
from docex.exchange.recalls import withdrawal
from docex.routes.pages import Errors, on_document, on_incoming, tell
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.errors import Invalid
from kernel.text import phrase

routes = Routes("desk")


# ---- to take away ----


@routes.get("/documents/out/<int:document_id>/docx")
def document_docx(tx: Tx, actor: Actor, document_id: int) -> Response:
    """The paper of an own document for a word processor."""
    return _docx(docx_export.document_printout(tx, actor, document_id))


@routes.get("/documents/in/<int:incoming_id>/sheet")
def submission_sheet(tx: Tx, actor: Actor, incoming_id: int) -> Response:
    """The submission sheet of a registered document, for printing and signing by hand."""
    return _docx(docx_export.submission_printout(tx, actor, incoming_id))


def _docx(printout: docx_export.Printout) -> Response:
    answer = make_response(printout.docx())
    answer.mimetype = docx_export.DOCX_TYPE
    answer.headers["Content-Disposition"] = disposition(printout.name)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


# ---- a received document ----


@routes.post("/documents/in/<int:incoming_id>/submit")
def submit(tx: Tx, actor: Actor, incoming_id: int) -> Any:
    """Put it before a leader."""
    leader_id, proposal = number(request.form.get("leader_id")), request.form.get("proposal", "")
    form = Form("proposal", frozenset({"submit"}), proposal)
    act = lambda: submission_sheets.submit(tx, actor, incoming_id, leader_id, proposal)  # noqa: E731
    return on_incoming(tx, actor, incoming_id, form, act, phrase("Đã trình lãnh đạo."))


@routes.post("/documents/in/<int:incoming_id>/withdraw")
def withdraw(tx: Tx, actor: Actor, incoming_id: int) -> Any:
    """Take the sheet back from the leader."""
    submission_sheets.withdraw(tx, actor, incoming_id)
    tell(phrase("Đã rút phiếu trình."))
    return redirect(url_for("docex.incoming", incoming_id=incoming_id), 303)


@routes.post("/documents/in/<int:incoming_id>/decide")
def decide(tx: Tx, actor: Actor, incoming_id: int) -> Any:
    """The leader assigns: 04, and a task."""
    decision = decision_of(request.form)
    form = Form("opinion", frozenset({"decide"}), decision.opinion)
    act = lambda: submission_sheets.decide(tx, actor, incoming_id, decision)  # noqa: E731
    return on_incoming(tx, actor, incoming_id, form, act, phrase("Đã phân công; nơi gửi được báo ngay."))


@routes.post("/documents/in/<int:incoming_id>/close")
def close(tx: Tx, actor: Actor, incoming_id: int) -> Any:
    """Nothing to do: 06."""
    remark = request.form.get("remark", "")
    form = Form("remark", frozenset({"close"}), remark)
    act = lambda: submission_sheets.close(tx, actor, incoming_id, remark)  # noqa: E731
    return on_incoming(tx, actor, incoming_id, form, act, phrase("Đã kết thúc xử lý; nơi gửi được báo ngay."))


# ---- an own document ----


@routes.post("/documents/out/<int:document_id>/approve")
def approve(tx: Tx, actor: Actor, document_id: int) -> Any:
    """The office chief has checked it."""
    outgoing.approve(tx, actor, document_id)
    tell(phrase("Đã trình lãnh đạo ký."))
    return redirect(url_for("docex.document", document_id=document_id), 303)


@routes.post("/documents/out/<int:document_id>/recall")
def recall(tx: Tx, actor: Actor, document_id: int) -> Any:
    """Take it back, here or from its recipients: 13."""
    reason = request.form.get("reason", "")

    def act() -> None:
        here = withdrawal.recall(tx, actor, document_id, reason).state == DocumentState.RECALLED
        asked = phrase("Đã yêu cầu các nơi nhận trả lại văn bản.")
        tell(phrase("Đã thu hồi; văn bản không được gửi nữa.") if here else asked)

    form = Form("recall_reason", frozenset({"recall", "recall_locally"}), reason)
    return on_document(tx, actor, document_id, form, act, reason="recall_reason")


@routes.post("/documents/out/<int:document_id>/resend")
def resend(tx: Tx, actor: Actor, document_id: int) -> Any:
    """Send it once more: an update for who has it."""
    chosen, reason = numbers_of(request.form, "had", "others"), request.form.get("reason", "")
    act = lambda: withdrawal.resend(tx, actor, document_id, chosen, reason)  # noqa: E731
    form = Form("resend_reason", frozenset({"resend"}), reason)
    done = phrase("Đang gửi lại cho các nơi nhận đã chọn.")
    return on_document(tx, actor, document_id, form, act, done, reason="resend_reason", agencies="resend_reason")


@routes.post("/documents/out/<int:document_id>/replace")
def replace(tx: Tx, actor: Actor, document_id: int) -> Any:
    """Begin the draft that will replace it."""
    reason, made = request.form.get("reason", ""), list[int]()
    act = lambda: made.append(withdrawal.replacement(tx, actor, document_id, reason).id)  # noqa: E731
    form = Form("replace_reason", frozenset({"replace"}), reason)
    answer = on_document(tx, actor, document_id, form, act, reason="replace_reason")
    if not made:
        return answer
    tell(phrase("Đã tạo dự thảo thay thế. Xin sửa rồi trình ký."))
    return redirect(url_for("docex.edit", document_id=made[0]), 303)


# ---- groups and series ----


@routes.get("/documents/groups")
def index(tx: Tx, actor: Actor) -> str:
    """The groups of recipients and the series of numbers of the agency."""
    require(actor, *DRAFTERS)
    return _groups_page(tx, actor)


@routes.post("/documents/groups")
def save(tx: Tx, actor: Actor) -> Any:
    """Keep a group, a new one or a changed one."""
    group_id, members = number(request.form.get("group_id")), numbers_of(request.form, "members")
    try:
        saved = recipient_groups.save(tx, actor, request.form.get("name", ""), members, group_id)
    except Invalid as error:
        return _groups_page(tx, actor, group_id, error.fields), error.status
    tell(phrase("Đã lưu nhóm “{name}”.", name=saved.name))
    return redirect(url_for("desk.index"), 303)


@routes.get("/documents/groups/<int:group_id>")
def group(tx: Tx, actor: Actor, group_id: int) -> str:
    """One group, to change it."""
    return _groups_page(tx, actor, recipient_groups.group_for(tx, actor, group_id).id)


@routes.post("/documents/groups/<int:group_id>/remove")
def remove(tx: Tx, actor: Actor, group_id: int) -> AnyResponse:
    """Forget a group."""
    name = recipient_groups.group_for(tx, actor, group_id).name
    recipient_groups.remove(tx, actor, group_id)
    tell(phrase("Đã xóa nhóm “{name}”.", name=name))
    return redirect(url_for("desk.index"), 303)


@routes.post("/documents/series")
def keep_series(tx: Tx, actor: Actor) -> AnyResponse:
    """Decide which types have a series of numbers of their own."""
    recipient_groups.keep_series(tx, actor, tuple(request.form.getlist("kinds")))
    tell(phrase("Đã lưu cách đánh số."))
    return redirect(url_for("desk.index"), 303)


# ---- shared by the views ----


def _groups_page(tx: Tx, actor: Actor, group_id: int = 0, errors: Errors | None = None) -> str:
    groups = recipient_groups.groups_of(tx, actor.agency_id)
    chosen = next((group for group in groups if group.id == group_id), None)
    agencies = [card for card in directory.agencies_for_choice(tx) if card.id != actor.agency_id]
    members = set(numbers_of(request.form, "members")) if errors else set(chosen.members if chosen else ())
    return render_template(
        "desk/groups.html",
        groups=groups,
        chosen=chosen,
        name=request.form.get("name", "") if errors else (chosen.name if chosen else ""),
        members=members,
        agencies=agencies,
        names={card.id: card.name for card in agencies},
        may_keep=actor.has(*recipient_groups.KEEPERS),
        kinds=KINDS,
        own_series=recipient_groups.own_series(tx, actor.agency_id),
        prints_code=check_codes.prints_code(tx, actor.agency_id),
        errors=errors or {},
    )
