"""Lists from and to spreadsheets."""

from collections.abc import Callable

from flask import Response, request

from directory import exporting, importing, sheets
from directory.actor import Actor, Role, require
from directory.exporting import AGENCY_COLUMNS, PEOPLE_COLUMNS
from directory.importing import Report
from directory.routes.desk import page, routes
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.text import Phrase, phrase

_Import = Callable[..., Report]
_IMPORTS: dict[str, _Import] = {"agencies": importing.import_agencies, "people": importing.import_people}
_EXPORTS = {"agencies": exporting.export_agencies, "people": exporting.export_people}
_COLUMNS = {"agencies": AGENCY_COLUMNS, "people": PEOPLE_COLUMNS}
_FILES = {"agencies": "co-quan", "people": "nguoi-dung"}


@routes.get("/admin/import/<what>")
def import_page(tx: Tx, actor: Actor, what: str) -> Response:
    """Ask for a file."""
    require(actor, Role.ADMIN)
    return _ask(what)


def _ask(what: str, errors: dict[str, Phrase] | None = None) -> Response:
    if what not in _IMPORTS:
        raise NotFound()
    return page("import", errors, what=what, columns=[headers[0] for headers in _COLUMNS[what].values()])


@routes.post("/admin/import/<what>")
def preview_import(tx: Tx, actor: Actor, what: str) -> Response:
    """Say row by row what the file would do; nothing is changed."""
    require(actor, Role.ADMIN)
    file = request.files.get("file")
    if what in _IMPORTS and (file is None or not file.filename):
        return _ask(what, {"file": phrase("Cần chọn một tệp CSV.")})
    return _report(tx, actor, what, file.read() if file else b"", apply=False)


@routes.post("/admin/import/<what>/apply")
def apply_import(tx: Tx, actor: Actor, what: str) -> Response:
    """Do what was previewed, and say what was done."""
    require(actor, Role.ADMIN)
    return _report(tx, actor, what, request.form.get("text", "").encode(), apply=True)


def _report(tx: Tx, actor: Actor, what: str, data: bytes, *, apply: bool) -> Response:
    if what not in _IMPORTS:
        raise NotFound()
    try:
        text = sheets.decoded(data)
        report = _IMPORTS[what](tx, actor, text, apply=apply)
    except Invalid as refusal:
        return _ask(what, refusal.fields)
    return page("import_report", what=what, report=report, text=text)


@routes.get("/admin/export/<what>.csv")
def export(tx: Tx, actor: Actor, what: str) -> Response:
    """A list as a file that a spreadsheet opens and an import reads."""
    if what not in _EXPORTS:
        raise NotFound()
    name = f"{_FILES[what]}-{clock.today():%Y-%m-%d}.csv"
    response = Response(_EXPORTS[what](tx, actor), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
