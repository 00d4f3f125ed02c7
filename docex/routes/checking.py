"""The endpoints of verdicts: why a paper is valid or not, verifying it again, what was signed; what the public asks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from docex.documents.checking import check_codes, check_page, uploaded_files
from docex.documents.checking.forms import past_moment
from docex.documents.drafting.forms import number
from docex.documents.papers.files import disposition
from docex.documents.verification import lost_validity, verdict_store
from docex.documents.verification import signed_changes as seen
from docex.routes.files import log_opening, pdf_response
from docex.routes.pages import Errors
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.errors import Invalid
from kernel.text import Phrase, phrase
from signing.log import receipts
from signing.log.evidence_log import canonical
from signing.testca.trial import trust_seen

routes = Routes("checking")


@routes.get("/documents/papers/<int:paper_id>/verdict")
def verdict(tx: Tx, actor: Actor, paper_id: int) -> Response:
    """The newest verdict on a paper with all its reasons, or the one of the history that is asked for; moves live."""
    return _page(tx, actor, paper_id)


@routes.post("/documents/papers/<int:paper_id>/verdict")
def verify_again(tx: Tx, actor: Actor, paper_id: int) -> AnyResponse:
    """Have it verified once more, with what is known today."""
    _asked(actor, verdict_store.request_verification(tx, actor, paper_id))
    return redirect(url_for("checking.verdict", paper_id=paper_id), 303)


@routes.post("/documents/verdicts/changed/<int:fallen_id>/seen")
def see_changed(tx: Tx, actor: Actor, fallen_id: int) -> AnyResponse:
    """A clerk has seen that a document is no longer valid; back to the start page."""
    lost_validity.see(tx, actor, fallen_id)
    return redirect(url_for("web.start"), 303)


@routes.post("/documents/papers/<int:paper_id>/verdict/past")
def verify_past(tx: Tx, actor: Actor, paper_id: int) -> AnyResponse:
    """Have it verified as of an earlier moment."""
    try:
        _asked(actor, verdict_store.request_verification(tx, actor, paper_id, past_moment(request.form)))
    except Invalid as error:
        return _page(tx, actor, paper_id, error.fields)
    return redirect(url_for("checking.verdict", paper_id=paper_id), 303)


@routes.get("/documents/papers/<int:paper_id>/verdicts/<int:verdict_id>")
def report(tx: Tx, actor: Actor, paper_id: int, verdict_id: int) -> Response:
    """A verdict with all its technical facts, as it was kept; its canonical JSON is a leaf of the evidence log."""
    row = check_page.report_of(tx, actor, paper_id, verdict_id)
    answer = Response(canonical(row.report), mimetype="application/json")
    answer.headers["Content-Disposition"] = disposition(f"ket-qua-kiem-tra-{row.id}.json")
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@routes.get("/documents/papers/<int:paper_id>/signed/<int:place>")
def signed_revision(tx: Tx, actor: Actor, paper_id: int, place: int) -> Response:
    """The file exactly as one of its signers saw and signed it."""
    found = check_page.revision_of(tx, actor, paper_id, place)
    log_opening(actor, paper_id)
    answer = pdf_response(found.sha256, found.size, found.name, inline=not request.args.get("download"))
    answer.headers["ETag"] = f'"{found.sha256}-{found.size}"'
    return answer


@routes.get("/documents/papers/<int:paper_id>/changes")
def changes(tx: Tx, actor: Actor, paper_id: int) -> Response:
    """The signed state beside what the file shows now, drawn when somebody asks for it."""
    asked = seen.question_for(tx, actor, paper_id)
    tx.release()  # drawing takes its time: no connection waits with it
    found = seen.drawn(asked, current_app.extensions["lienthong"].blobs)
    log_opening(actor, paper_id)
    response = make_response(render_template("checking/changes.html", asked=asked, changes=found))
    response.headers["Cache-Control"] = "private, no-store"
    return response


# ---- the public ----


@dataclass(frozen=True)
class Answered:
    """The answer to a stranger about a file; `same` says whether it is the one that was issued, with its tone."""

    file: uploaded_files.Uploaded
    same: tuple[Phrase, str] | None = None


def _verify_upload(tx: Tx, actor: Actor | None, code: str = "") -> Answered:
    """Verify what was handed in; nothing of it is kept."""
    config = current_app.extensions["lienthong"].config
    paper = check_codes.public_paper(tx, code) if code else None
    keys = {key["kid"]: key for key in receipts.all_keys(tx)["keys"]}
    known = uploaded_files.Known(trust_seen(tx, config), keys)
    tx.release()  # strangers' files take their time: no connection waits with them
    given = request.files.get("file")
    data = given.stream.read(config.check_max_bytes + 1) if given else b""
    found = uploaded_files.look(given.filename or "" if given else "", data, known, config.check_max_bytes)
    return Answered(found, uploaded_files.compared(data, paper.sha256, paper.size) if paper else None)


@routes.open_get("/check", reason="anybody may ask whether a paper is genuine; tells nothing by itself")
def check(tx: Tx, actor: Actor | None) -> Response:
    """Where a file is handed in for checking."""
    return _public_page()


@routes.open_post(
    "/check",
    reason="verifies the file that comes with it, counted by address, and keeps nothing",
    csrf=False,
    rate="check_rate",
    form_bytes="check_max_bytes",
    before=_verify_upload,
)
def check_file(tx: Tx, actor: Actor | None, brought: Callable[[], Answered]) -> Response:
    """The verdict on the signatures of a file."""
    try:
        return _public_page(answered=brought())
    except Invalid as error:
        return _public_page(errors=error.fields)


@routes.open_get(
    "/check/<code>",
    reason="the code stands on the paper, cannot be guessed, and opens what the paper itself says",
    rate="check_rate",
)
def paper_by_code(tx: Tx, actor: Actor | None, code: str) -> Response:
    """The hub's answer about the paper that bears this code."""
    return _public_page(check_codes.public_paper(tx, code))


@routes.open_post(
    "/check/<code>",
    reason="compares the file that comes with it, counted by address, and keeps nothing",
    csrf=False,
    rate="check_rate",
    form_bytes="check_max_bytes",
    before=_verify_upload,
)
def compare_file(tx: Tx, actor: Actor | None, code: str, brought: Callable[[], Answered]) -> Response:
    """Whether a file is the one that was issued."""
    paper = check_codes.public_paper(tx, code)
    try:
        return _public_page(paper, brought())
    except Invalid as error:
        return _public_page(paper, errors=error.fields)


@routes.post("/documents/code")
def choose_code(tx: Tx, actor: Actor) -> AnyResponse:
    """Decide whether the agency's papers bear a code."""
    check_codes.choose(tx, actor, request.form.get("printed") == "y")
    flash(phrase("Đã lưu cách in mã QR.").in_locale(actor.locale), "good")
    return redirect(url_for("desk.index"), 303)


def _public_page(
    paper: check_codes.PublicPaper | None = None, answered: Answered | None = None, errors: Errors | None = None
) -> Response:
    most = current_app.extensions["lienthong"].config.check_max_bytes
    html = render_template("checking/public.html", paper=paper, answered=answered, errors=errors or {}, most=most)
    response = make_response(html, 422 if errors else 200)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


# ---- shared by the views ----


def _page(tx: Tx, actor: Actor, paper_id: int, errors: Errors | None = None) -> Response:
    sheet = check_page.verdict_sheet(tx, actor, paper_id, number(request.args.get("of")) or None)
    part = "checking/_verdict.html" if request.args.get("fragment") else "checking/verdict.html"
    typed: Any = request.form if errors else {}
    html = render_template(part, sheet=sheet, errors=errors or {}, typed=typed)
    return make_response(html, 422 if errors else 200)


def _asked(actor: Actor, promised: bool) -> None:
    message = phrase("Đang kiểm tra lại chữ ký số. Kết quả hiện ở đây sau ít giây.")
    if not promised:
        message = phrase("Văn bản này đang được kiểm tra lại theo yêu cầu trước đó.")
    flash(message.in_locale(actor.locale), "info")
