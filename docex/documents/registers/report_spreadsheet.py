"""A table of a report as a file for spreadsheets."""

import csv
import io

from docex.documents.registers.reports import Report, Section
from docex.documents.registers.table import Cell, Head, Table
from kernel import clock

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table_of(report: Report, section: Section) -> Table:
    """The table with its sum as last line, in Vietnamese."""
    ask = report.ask
    month = f"tháng {ask.month} " if ask.month and section.drawn is None else ""
    columns = [section.head.vi, *(head.vi for head in section.heads)]
    counts = [(str(row.name), row.count) for row in section.rows] + [("Cộng", section.total)]
    return Table(
        title=f"Báo cáo đúng hạn {section.title.vi.lower()}",
        span=f"{month}năm {ask.year}".capitalize(),
        parent="",
        agency=report.agency,
        made=f"In từ hệ thống lúc {clock.now().astimezone(clock.VN):%H:%M, %d/%m/%Y}.",
        heads=tuple(Head(words, 20 if not place else 10) for place, words in enumerate(columns)),
        lines=tuple((name, *map(_cell, count.cells())) for name, count in counts),
        numbered=False,
    )


def _cell(text: str) -> Cell:
    """A number can be added up in a spreadsheet."""
    return int(text) if text.isdecimal() else text


def csv_text(table: Table) -> str:
    """With a byte order mark, by which spreadsheets know UTF-8; a name that looks like a formula is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([head.title for head in table.heads])
    for line in table.lines:
        writer.writerow([f"'{cell}" if str(cell).startswith(_FORMULA) else cell for cell in line])
    return "\ufeff" + out.getvalue()
