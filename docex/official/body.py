"""The clerk's plain text as paragraphs and tables, by the words that official papers begin with."""

import re

from docex.edxml.values import plain
from docex.official.layout import Block, Paragraph, Style, Table

_BASIS = re.compile(r"(Căn cứ|Theo đề nghị|Xét đề nghị|Thực hiện)\b")
_ARTICLE = re.compile(r"(Điều\s+\d+[a-zđ]?\.)\s*")
_HEADING = re.compile(r"(PHẦN|Phần|CHƯƠNG|Chương|MỤC|Mục|TIỂU MỤC|Tiểu mục)\s+(thứ\s+\w+|[IVXLC]+|\d+)\b[ .:]*")
_SECTION = re.compile(r"[IVXL]+\.\s+\S.{0,150}$")
_RESOLVES = re.compile(r"(QUYẾT ĐỊNH|QUYẾT NGHỊ|NGHỊ QUYẾT|CHỈ THỊ|THÔNG BÁO|YÊU CẦU)\s*:?$")
_LIST_MARK = re.compile(r"\d+(\.\d+)*[.)]|\d+(\.\d+)+|[a-zđA-ZĐ][.)]|[IVXLC]+[.)]|Điều\s+\d+[.:]?|[-–—+•*●▪◦§Øüo]")
"""The marks that Word puts before an item, with a tab behind; the last are its bullets, some of them letters of
Wingdings."""
END_MARK = "./."

RESOLVING_KINDS = frozenset({"decision", "resolution"})
"""The kinds with an issuer and legal bases before the text (Forms 1.1 and 1.2)."""
CODES_OF_RULES = frozenset({"regulation", "rule"})
"""The kinds whose articles have names, in bold as a whole."""
_MAX_NAME_LENGTH = 150


def blocks(text: str, kind: str, *, closed: bool = True) -> tuple[Block, ...]:
    """The paragraphs and tables of a body, the end closed with `./.`; one paragraph a line, empty lines dropped.

    Lines that begin with `|`, and neighbouring lines with equally many tabs (pasted from a table), are rows; lists and
    indented paragraphs, which have tabs too, are not.
    """
    lines = [_blanks(line) for line in plain(text).split("\n")]
    lines = [line for line in lines if line.strip()]
    resolving = kind in RESOLVING_KINDS
    bases = _count_bases(lines) if resolving else 0
    found: list[Block] = [_basis(line, last=place == bases - 1) for place, line in enumerate(lines[:bases])]
    if resolving and lines and not any(_RESOLVES.match(line.lstrip("\t")) for line in lines):
        word = "QUYẾT NGHỊ:" if kind == "resolution" else "QUYẾT ĐỊNH:"
        found.append(Paragraph(Style.RESOLVES, word))
    rest = lines[bases:]
    while rest:
        if rows := _rows(rest):
            found.append(_table(rest[:rows]))
            rest = rest[rows:]
        else:
            found.append(_set(_blanks(rest.pop(0), tabs=False), found, kind))
    return tuple(_closed(found) if closed else found)


def _blanks(line: str, *, tabs: bool = True) -> str:
    """Single blanks; tabs stay while they may part the cells of a table."""
    return "\t".join(" ".join(cell.split()) for cell in line.split("\t")) if tabs else " ".join(line.split())


def _rows(lines: list[str]) -> int:
    """How many lines from the first are one table; 0 when it is none."""
    bars = next((n for n, line in enumerate(lines) if not line.startswith("|")), len(lines))
    if bars:
        return bars
    tabs = lines[0].count("\t")
    alike = next((n for n, line in enumerate(lines) if line.count("\t") != tabs), len(lines))
    return alike if tabs and alike > 1 and _has_head(lines[:alike]) else 0


def _has_head(lines: list[str]) -> bool:
    """Tabs also indent paragraphs and follow the marks of a list. The first column of a table may be without a name."""
    first, *others = lines[0][_indent(lines) :].split("\t")
    return bool(others) and (not _LIST_MARK.fullmatch(first) if first else len(others) > 1 and all(others))


def _indent(lines: list[str]) -> int:
    """The tabs before all of these lines."""
    return min(len(line) - len(line.lstrip("\t")) for line in lines)


def _table(lines: list[str]) -> Table:
    indent = _indent(lines)
    rows = [
        [cell.strip() for cell in (line.strip().strip("|").split("|") if line[0] == "|" else line[indent:].split("\t"))]
        for line in lines
    ]
    rows = [row for row in rows if not all(cell and not cell.strip("-: ") for cell in row)] or [[""]]
    width = max(map(len, rows))
    return Table(tuple(tuple(row + [""] * (width - len(row))) for row in rows))


def _set(line: str, before: list[Block], kind: str) -> Paragraph:
    last = before[-1] if before else None
    if isinstance(last, Paragraph) and last.style is Style.HEADING and line.isupper():
        return Paragraph(Style.HEADING, line)
    found = _paragraph(line)
    if kind in CODES_OF_RULES and found.lead and len(line) <= _MAX_NAME_LENGTH and not line.endswith((".", ";", ":")):
        return Paragraph(Style.TEXT, "", f"{found.lead} {found.text}".strip())
    return found


def _count_bases(lines: list[str]) -> int:
    return next((n for n, line in enumerate(lines) if not _BASIS.match(line.lstrip("\t"))), len(lines))


def _basis(line: str, *, last: bool) -> Paragraph:
    """Each legal basis ends with `;`, the last with `.` (Annex I.II.6b)."""
    text = _blanks(line, tabs=False)
    return Paragraph(Style.BASIS, text.rstrip(" ;.,") + ("." if last else ";"))


def _paragraph(line: str) -> Paragraph:
    if match := _ARTICLE.match(line):
        return Paragraph(Style.TEXT, line[match.end() :], match[1])
    if _RESOLVES.match(line):
        return Paragraph(Style.RESOLVES, line.rstrip(" :") + ":")
    if _is_heading(line):
        return Paragraph(Style.HEADING, line)
    if _SECTION.match(line) and line.isupper():
        return Paragraph(Style.SECTION, line)
    return Paragraph(Style.TEXT, line)


def _is_heading(line: str) -> bool:
    """A sentence may begin with "Mục 2 của …" too: a name begins with a capital and has no stop behind it."""
    match = _HEADING.match(line)
    name = line[match.end() :] if match else ""
    is_sentence = name[:1].islower() or name.startswith((",", ";", "Điều")) or name.endswith((".", ";", ":", ","))
    return bool(match) and not is_sentence and len(line) <= _MAX_NAME_LENGTH


def _closed(found: list[Block]) -> list[Block]:
    if not found:
        return found
    last = found[-1]
    if isinstance(last, Table):
        return [*found, Paragraph(Style.END, END_MARK)]
    if (last.text or last.lead).endswith(END_MARK):
        return found
    if not last.text:
        return [*found[:-1], Paragraph(last.style, "", last.lead.rstrip(" .;,") + END_MARK)]
    return [*found[:-1], Paragraph(last.style, last.text.rstrip(" .;,") + END_MARK, last.lead)]


_WORDS = re.compile(
    r"(?:ỦY BAN|UỶ BAN|HỘI ĐỒNG|NHÂN DÂN|THÀNH PHỐ|VĂN PHÒNG|THỊ XÃ|ĐẶC KHU|TRUNG TÂM|CHÍNH PHỦ|QUẢN LÝ)|\S+"
)
_LETTERS_A_LINE = 21
"""Capitals of 13 pt bold that fit the left column of the head."""


def balanced(name: str) -> list[str]:
    """An agency's name in capitals in lines of like length, broken between words of meaning.

    `ỦY BAN NHÂN DÂN` / `THÀNH PHỐ AN BÌNH`, never `… THÀNH` / `PHỐ …`. No no-break spaces for this: in the font they
    share a glyph with the space, and all text copied out of the PDF would then have them.
    """
    words: list[str] = _WORDS.findall(name)
    best = words
    for limit in range(_LETTERS_A_LINE, 5, -1):
        lines = _filled(words, limit)
        if len(best) < len(lines) and limit < _LETTERS_A_LINE:
            break
        best = lines
    return best


def _filled(words: list[str], limit: int) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= limit:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
