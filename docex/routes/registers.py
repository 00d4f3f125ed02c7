"""The endpoints of this part: registers and their prints, saved filters, acts on many documents, reports."""

from collections.abc import Iterator
from typing import IO, Any

from flask import Response, current_app, flash, redirect, render_template, request, stream_with_context, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory import queries as directory
from directory.actor import Actor, Role
from directory.streams import person_stream
from docex.documents.access import DRAFTERS, OVERSEERS
from docex.documents.labels import URGENCY
from docex.documents.papers.files import disposition
from docex.documents.queries import INBOX_FILTERS, OUTBOX_FILTERS
from docex.documents.registers import (
    bulk_acts,
    document_search,
    lists,
    printing,
    register_prints,
    report_spreadsheet,
    reports,
    saved_filters,
)
from docex.documents.registers.list_query import ListQuery, moment
from docex.documents.registers.register import FORMS, Ask, register_page
from kernel import clock, streams
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.errors import Invalid, NotFound
from kernel.forms import whole_number
from kernel.text import Phrase, phrase

routes = Routes("registers")

PIECE = 256 * 1024


# ---- lists and search; docex/routes/lists.py opens their endpoints ----


def inbox_page(tx: Tx, actor: Actor) -> str:
    """The received documents of the agency; moves live."""
    leaders = directory.people_with_role(tx, actor.agency_id, Role.LEADER) if actor.has(Role.CLERK) else []
    return render_template(
        "docex/_inbox.html" if request.args.get("fragment") else "docex/inbox.html",
        listing=lists.inbox(tx, actor, ListQuery.read(request.args)),
        may_register=actor.has(Role.CLERK),
        may_oversee=actor.has(*OVERSEERS),
        leaders=leaders,
    )


def outbox_page(tx: Tx, actor: Actor) -> str:
    """The documents that the agency issues; moves live."""
    return render_template(
        "docex/_outbox.html" if request.args.get("fragment") else "docex/outbox.html",
        listing=lists.outbox(tx, actor, ListQuery.read(request.args)),
        may_draft=actor.has(*DRAFTERS),
        may_seal=actor.has(Role.CLERK),
        may_oversee=actor.has(*OVERSEERS),
    )


def search_page(tx: Tx, actor: Actor) -> str:
    """Documents of both directions by what is known of them and by the text of their papers."""
    list_query = ListQuery.read(request.args)
    where = request.args.get("where", "") if request.args.get("where") in ("in", "out") else ""
    offered: dict[str, dict[str, Any]] = {"in": {**INBOX_FILTERS}, "out": {**OUTBOX_FILTERS}}
    sides = lists.search_sides(actor, list_query, where)
    both = {s: lists.other_agencies(tx, actor, list_query, s) for s in ("in", "out") if s in (where or "in out")}
    return render_template(
        "docex/search.html",
        found=document_search.found(tx, actor, list_query.q, sides, moment(list_query.before)),
        list_query=list_query,
        where=where,
        around={
            "list_query": list_query,
            "agencies": list(dict.fromkeys(pair for pairs in both.values() for pair in pairs)),
            "urgencies": URGENCY.items(),
            "dues": lists.DUE.items(),
        },
        states=[(key, label) for key, (label, _) in offered.get(where, {}).items()],
    )


@routes.post("/documents/filters")
def save_filter(tx: Tx, actor: Actor) -> AnyResponse:
    """Keep what a list is narrowed to, under a name."""
    list_query, list_ = ListQuery.read(request.form), request.form.get("list", "")
    try:
        saved_filters.save(tx, actor, list_, request.form.get("name", ""), list_query)
        flash(phrase("Đã lưu bộ lọc.").in_locale(actor.locale), "good")
    except Invalid as error:
        flash(next(iter(error.fields.values())).in_locale(actor.locale), "bad")
    return _back(_LISTS.get(list_, "docex.inbox"), **list_query.address())


@routes.post("/documents/filters/<int:filter_id>/forget")
def forget_filter(tx: Tx, actor: Actor, filter_id: int) -> AnyResponse:
    """Drop a saved filter."""
    list_ = saved_filters.forget(tx, actor, filter_id)
    flash(phrase("Đã bỏ bộ lọc.").in_locale(actor.locale), "good")
    return _back(_LISTS[list_])


# ---- one act on many documents ----


@routes.post("/documents/in/register-many")
def register_many(tx: Tx, actor: Actor) -> str:
    """The clerk takes the chosen documents in; each with its own result."""
    outcomes = bulk_acts.register_many(tx, actor, _chosen(), even_doubled=request.form.get("even_doubled") == "yes")
    return _outcomes(phrase("Tiếp nhận nhiều văn bản"), outcomes, "in")


@routes.post("/documents/in/hand-over-many")
def hand_over_many(tx: Tx, actor: Actor) -> str:
    """The clerk puts the chosen documents before a leader; each with its own result."""
    leader = whole_number(request.form.get("leader_id", ""))
    outcomes = bulk_acts.hand_over_many(tx, actor, _chosen(), leader, request.form.get("proposal", ""))
    return _outcomes(phrase("Trình lãnh đạo nhiều văn bản"), outcomes, "in")


@routes.post("/documents/out/submit-many")
def submit_many(tx: Tx, actor: Actor) -> str:
    """The chosen drafts go to the leaders who sign them; each with its own result."""
    return _outcomes(phrase("Trình ký nhiều văn bản"), bulk_acts.submit_many(tx, actor, _chosen()), "out")


@routes.post("/documents/out/seal-many")
def seal_many(tx: Tx, actor: Actor) -> str:
    """The clerk seals and sends the chosen documents; each with its own result."""
    return _outcomes(phrase("Đóng dấu và gửi nhiều văn bản"), bulk_acts.seal_many(tx, actor, _chosen()), "out")


def _chosen() -> list[int]:
    return [whole_number(value) for value in request.form.getlist("id")]


def _outcomes(title: Phrase, outcomes: tuple[bulk_acts.Outcome, ...], list_: str) -> str:
    endpoint, key = ("docex.incoming", "incoming_id") if list_ == "in" else ("docex.document", "document_id")
    return render_template(
        "registers/outcomes.html",
        title=title,
        outcomes=outcomes,
        endpoint=endpoint,
        key=key,
        back=url_for(_LISTS[list_]),
        back_label=phrase("Văn bản đến") if list_ == "in" else phrase("Văn bản đi"),
    )


_LISTS = {"in": "docex.inbox", "out": "docex.outbox"}


# ---- registers ----


@routes.get("/documents/registers")
def register(tx: Tx, actor: Actor) -> str:
    """A register in the decree's columns; its prints move live."""
    return _register(tx, actor, Ask.read(request.args))


@routes.post("/documents/registers/print")
def print_(tx: Tx, actor: Actor) -> Any:
    """Have a register printed by the worker."""
    ask = Ask.read(request.form)
    try:
        register_prints.ask_for(tx, actor, ask, request.form.get("format", ""))
    except Invalid as error:
        return _register(tx, actor, ask, error.fields), error.status
    message = phrase("Đang in. Tệp sẽ hiện ở mục “Tệp đã in” sau giây lát.")
    flash(message.in_locale(actor.locale), "info")
    return redirect(url_for("registers.register", **ask.address()), 303)


@routes.get("/documents/registers/prints/<int:printout_id>")
def printout(tx: Tx, actor: Actor, printout_id: int) -> Response:
    """A finished print, for whoever asked for it."""
    row = register_prints.printout_for(tx, actor, printout_id)
    file: IO[bytes] = current_app.extensions["lienthong"].blobs.open(row.sha256)
    response = Response(stream_with_context(_pieces(file)), mimetype=register_prints.MEDIA[row.format])
    response.headers["Content-Length"] = str(row.size)
    _as_file(response, row.name)
    return response


def _register(tx: Tx, actor: Actor, ask: Ask, errors: Any = None) -> str:
    stream = person_stream(actor.person_id)
    template = "registers/_prints.html" if request.args.get("fragment") else "registers/register.html"
    return render_template(
        template,
        page=register_page(tx, actor, ask),
        forms=FORMS,
        prints=register_prints.printouts(tx, actor),
        stream=stream,
        heads=streams.heads(tx, [stream]),
        errors=errors or {},
    )


# ---- reports ----


@routes.get("/documents/reports")
def report(tx: Tx, actor: Actor) -> str:
    """The report of what was registered and answered in time, by month, agency and unit."""
    found = reports.report(tx, actor, reports.Ask.read(request.args))
    this_year = clock.today().year
    return render_template(
        "registers/report.html",
        report=found,
        locale=actor.locale,
        years=sorted({*range(this_year - 4, this_year + 1), found.ask.year}, reverse=True),
    )


@routes.get("/documents/reports/<section>.<ending>")
def report_file(tx: Tx, actor: Actor, section: str, ending: str) -> Response:
    """One table of the report as CSV or XLSX."""
    found = reports.report(tx, actor, reports.Ask.read(request.args))
    wanted = next((s for s in found.sections if s.key == section), None)
    if wanted is None or ending not in ("csv", "xlsx"):
        raise NotFound()
    table = report_spreadsheet.table_of(found, wanted)
    if ending == "csv":
        response = Response(report_spreadsheet.csv_text(table), mimetype="text/csv")
    else:
        response = Response(stream_with_context(_pieces(printing.xlsx(table))), mimetype=register_prints.MEDIA["xlsx"])
    _as_file(response, f"bao-cao-dung-han-{section}-{found.ask.year}.{ending}")
    return response


# ---- shared by the views ----


def _as_file(response: Response, name: str) -> None:
    """For download under a plain name; never shown as a page of ours."""
    response.headers["Content-Disposition"] = disposition(name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _back(endpoint: str, **values: Any) -> AnyResponse:
    return redirect(url_for(endpoint, **values), 303)
