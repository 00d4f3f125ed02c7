"""The clerk's plain text as paragraphs with a style, by the words that official papers begin with."""

import re
from dataclasses import dataclass
from enum import StrEnum

from kernel.text import nfc


class Style(StrEnum):
    """How a paragraph is set: as text, as a legal basis, a centred heading, a centred resolving word."""

    TEXT = "text"
    BASIS = "basis"
    HEADING = "heading"
    RESOLVES = "resolves"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`lead` is the part in bold at its start (`Điều 1.`)."""

    style: Style
    text: str
    lead: str = ""


_BASIS = re.compile(r"(Căn cứ|Theo đề nghị|Xét đề nghị|Thực hiện)\b")
_ARTICLE = re.compile(r"(Điều\s+\d+[a-zđ]?\.)\s*")
_HEADING = re.compile(r"(PHẦN|Phần|CHƯƠNG|Chương|MỤC|Mục|TIỂU MỤC|Tiểu mục)\s+(thứ\s+\w+|[IVXLC]+|\d+)\b.{0,120}$")
_RESOLVES = re.compile(r"(QUYẾT ĐỊNH|QUYẾT NGHỊ|NGHỊ QUYẾT|CHỈ THỊ|THÔNG BÁO|YÊU CẦU)\s*:?$")
END_MARK = "./."

RESOLVING_KINDS = frozenset({"decision", "resolution"})
"""The kinds with an issuer and legal bases before the text (Forms 1.1 and 1.2)."""


def clean(text: str) -> str:
    """Composed, without control characters; blanks and line ends stay."""
    return "".join(c for c in nfc(text).replace("\r\n", "\n").replace("\r", "\n") if c in "\n\t" or c.isprintable())


def paragraphs(text: str, kind: str) -> tuple[Paragraph, ...]:
    """The paragraphs of a body, the last one closed with `./.`; one paragraph a line, empty lines dropped."""
    lines = [" ".join(line.split()) for line in clean(text).split("\n")]
    lines = [line for line in lines if line]
    resolving = kind in RESOLVING_KINDS
    bases = _count_bases(lines) if resolving else 0
    found = [_basis(line, last=place == bases - 1) for place, line in enumerate(lines[:bases])]
    if resolving and lines and not any(_RESOLVES.match(line) for line in lines):
        word = "QUYẾT NGHỊ:" if kind == "resolution" else "QUYẾT ĐỊNH:"
        found.append(Paragraph(Style.RESOLVES, word))
    for line in lines[bases:]:
        follows_heading = bool(found) and found[-1].style is Style.HEADING
        found.append(Paragraph(Style.HEADING, line) if follows_heading and line.isupper() else _paragraph(line))
    return tuple(_closed(found))


def _count_bases(lines: list[str]) -> int:
    return next((n for n, line in enumerate(lines) if not _BASIS.match(line)), len(lines))


def _basis(line: str, *, last: bool) -> Paragraph:
    """Each legal basis ends with `;`, the last with `.` (Annex I.II.6b)."""
    return Paragraph(Style.BASIS, line.rstrip(" ;.,") + ("." if last else ";"))


def _paragraph(line: str) -> Paragraph:
    if match := _ARTICLE.match(line):
        return Paragraph(Style.TEXT, line[match.end() :], match[1])
    if _RESOLVES.match(line):
        return Paragraph(Style.RESOLVES, line.rstrip(" :") + ":")
    if _HEADING.match(line):
        return Paragraph(Style.HEADING, line)
    return Paragraph(Style.TEXT, line)


def _closed(found: list[Paragraph]) -> list[Paragraph]:
    if not found or found[-1].text.endswith(END_MARK):
        return found
    last = found[-1]
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
