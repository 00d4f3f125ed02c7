"""CSV as offices really send it: with or without BOM, comma, semicolon or tab, headers with or without accents."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kernel.errors import Invalid
from kernel.text import fold, nfc, one_line, phrase

MAX_ROWS = 5000
MAX_BYTES = 800_000  # what a page can carry from the preview to the deed

_FORMULA = ("=", "+", "-", "@", "\t")


@dataclass(frozen=True)
class Row:
    """One line of a sheet: `cells` by column name, and its number as a spreadsheet shows it."""

    line: int
    cells: Mapping[str, str]


def decoded(data: bytes) -> str:
    """The text of a CSV file. UTF-8 and UTF-16 with a byte order mark are read; anything else is Invalid."""
    if len(data) > MAX_BYTES:
        raise Invalid({"file": phrase("Tệp lớn quá, xin chia thành các tệp nhỏ hơn.")})
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return nfc(data.decode("utf-16"))
        return nfc(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        hint = phrase("Tệp không phải UTF-8. Trong Excel hãy chọn Lưu thành, kiểu “CSV UTF-8”.")
        raise Invalid({"file": hint}) from None


def read(text: str, columns: Mapping[str, Sequence[str]], required: Iterable[str]) -> list[Row]:
    """The rows of a sheet. `columns` maps each column's name to the headers under which it is known.

    Unknown columns are ignored, blank lines are skipped; a missing required column is Invalid.
    """
    if "\x00" in text:
        raise Invalid({"file": phrase("Đây không phải tệp CSV.")})
    known = {fold(header): name for name, headers in columns.items() for header in (name, *headers)}
    try:
        lines = list(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=_delimiter(text)))
    except csv.Error:
        raise Invalid({"file": phrase("Đây không phải tệp CSV.")}) from None
    if not lines:
        raise Invalid({"file": phrase("Tệp không có dòng nào.")})
    names = [known.get(fold(header), "") for header in lines[0]]
    missing = [columns[name][0] for name in required if name not in names]
    if missing:
        raise Invalid({"file": phrase("Thiếu cột: {columns}.", columns=", ".join(missing))})
    if len(lines) > MAX_ROWS + 1:
        raise Invalid({"file": phrase("Tệp có hơn {count} dòng, xin chia nhỏ.", count=MAX_ROWS)})
    return [
        Row(number, {name: _plain(cell) for name, cell in zip(names, line, strict=False) if name})
        for number, line in enumerate(lines[1:], start=2)
        if any(cell.strip() for cell in line)
    ]


def written(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file that Vietnamese Excel opens as a table: semicolons, byte order mark, no formulas."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(headers)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _delimiter(text: str) -> str:
    head = text.lstrip("\ufeff").partition("\n")[0]
    return max(",;\t", key=head.count)


def _harmless(cell: str) -> str:
    # A cell that begins like a formula would be run by the spreadsheet; the apostrophe is taken off by `read`.
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _plain(cell: str) -> str:
    text = one_line(cell)
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text
