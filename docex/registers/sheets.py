"""A table of a report as a file for spreadsheets."""

import csv
import io

from docex.registers.reports import Report, Section, cells, heads
from docex.registers.table import Head, Table
from kernel import clock

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table_of(report: Report, section: Section) -> Table:
    """The table with its sum as last line, in Vietnamese."""
    ask = report.ask
    month = f"tháng {ask.month} " if ask.month and section.key != "month" else ""
    columns = [section.head.vi, *(head.vi for head in heads())]
    lines = [(str(row.name), *cells(row.count)) for row in section.rows]
    return Table(
        title=f"Báo cáo đúng hạn {section.title.vi.lower()}",
        span=f"{month}năm {ask.year}".capitalize(),
        parent="",
        agency=report.agency,
        made=f"In từ hệ thống lúc {clock.now().astimezone(clock.VN):%H:%M, %d/%m/%Y}.",
        heads=tuple(Head(words, 20 if not place else 10) for place, words in enumerate(columns)),
        lines=(*lines, ("Cộng", *cells(section.total))),
        numbered=False,
    )


def csv_text(table: Table) -> str:
    """With a byte order mark, by which spreadsheets know UTF-8; a name that looks like a formula is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([head.title for head in table.heads])
    for line in table.lines:
        writer.writerow([f"'{text}" if text.startswith(_FORMULA) else text for text in line])
    return "\ufeff" + out.getvalue()
