"""A table as PDF (A4 landscape) or as XLSX. CPU work of seconds: for workers."""

import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import IO, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, Side

from docex.documents.registers.table import Cell, Table
from docex.official.fonts import printing_family
from kernel.config import bare_environment
from kernel.errors import Unavailable
from kernel.text import phrase

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"
_PRINTER = Path(__file__).with_name("pdf_print.py")
_SECONDS = 50
"""Less than the lease of a job: what takes longer would be begun again by a neighbour."""
CELL = 32_767
"""The most characters that a cell of a spreadsheet holds."""

# What XML has no place for; openpyxl refuses a cell with such a character.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def pdf(table: Table) -> bytes:
    """The table on A4 landscape, its head on every page. Raises Unavailable when the machine cannot print."""
    html = page(table, printing_family())
    command = [sys.executable, "-P", str(_PRINTER)]
    try:
        done = subprocess.run(
            command, input=html.encode(), capture_output=True, timeout=_SECONDS, check=False, env=bare_environment()
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(_NOT_PRINTED, detail=type(error).__name__) from error
    if done.returncode or not done.stdout.startswith(b"%PDF-"):
        raise Unavailable(_NOT_PRINTED, detail=f"exit {done.returncode}")
    return done.stdout


def page(table: Table, family: str) -> str:
    """The HTML that is printed; every typed character is escaped."""
    return _environment().get_template("registers/print.html").render(table=table, family=family)


def xlsx(table: Table) -> IO[bytes]:
    """The table as a spreadsheet, written row by row to a temporary file; texts stay texts, none is a formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title=re.sub(r"[\[\]:*?/\\]", " ", table.title)[:31])
    sheet.freeze_panes = "A6"
    for place, head in enumerate(table.heads):
        sheet.column_dimensions[_letter(place)].width = max(8, head.share * 1.6)

    def cell(value: Cell, *, bold: bool = False, framed: bool = False, size: int = 11) -> Any:
        made = WriteOnlyCell(sheet, value=value if isinstance(value, int) else _CONTROL.sub("", value)[:CELL])
        if isinstance(value, str):
            made.data_type = "s"  # a subject that begins with "=" is a subject, not a formula
        made.font = Font(name="Times New Roman", size=size, bold=bold)
        made.alignment = _WRAPPED if framed else _PLAIN
        if framed:
            made.border = _FRAME
        return made

    sheet.append([cell(table.agency.upper(), bold=True)])
    sheet.append([cell(table.title.upper(), bold=True, size=14)])
    sheet.append([cell(table.span)])
    sheet.append([])
    sheet.append([cell(head.title, bold=True, framed=True) for head in table.heads])
    for line in table.lines:
        sheet.append([cell(text, framed=True) for text in line])
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it when it is stored
    book.save(file)
    file.seek(0)
    return file


def _letter(place: int) -> str:
    return chr(ord("A") + place)


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)


_THIN = Side(style="thin", color="999999")
_FRAME = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_WRAPPED = Alignment(wrap_text=True, vertical="top")
_PLAIN = Alignment(vertical="top")
_NOT_PRINTED = phrase("Máy chủ chưa in được tệp này. Hãy chọn khoảng ngày ngắn hơn rồi thử lại.")
