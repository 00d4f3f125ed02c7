"""The same layout as an editable DOCX, for who goes on in a word processor."""

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import docx
from docx.enum.section import WD_SECTION
from docx.enum.table import WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from docex.official import word_styles as ws
from docex.official.composing import Printable, compose
from docex.official.layout import (
    TOGETHER,
    Block,
    Foot,
    Greeting,
    Head,
    Layout,
    Paragraph,
    Signature,
    Stamp,
    Style,
    Table,
    Title,
)
from kernel import clock

TEXT_WIDTH = 165
LEFT_OF_HEAD, RIGHT_OF_HEAD = 64, 101
LEFT_OF_FOOT, RIGHT_OF_FOOT = 78, 87
_MOTTO_WIDTH = 60.5
"""Millimetres of the motto in bold of 14 pt: the rule under it is as long."""
_CAPITAL, _LETTER = 2.8, 2.3
"""Millimetres of a bold capital and a bold letter of 13 and 14 pt, on the average."""
_RULE = 0.4
"""The rule under agency and abstract is a third to a half of the line above it."""
_SIGNATURE_HEIGHT = 28
# The schema has an order of elements, and Word calls a file with another one damaged.
_AFTER_NUMBERS = ("w:cols", "w:formProt", "w:vAlign", "w:noEndnote", "w:titlePg", "w:textDirection", "w:docGrid")
_AFTER_BORDERS = ("w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook")
_AFTER_PADDING = ("w:tblLook", "w:tblCaption", "w:tblDescription")
_AFTER_RULE = ("w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:contextualSpacing", "w:jc", "w:rPr")
_RED, _BLACK = "C00000", "000000"
_OF_STYLE = {
    Style.TEXT: ws.TEXT,
    Style.BASIS: ws.BASIS,
    Style.HEADING: ws.HEADING,
    Style.SECTION: ws.SECTION,
    Style.RESOLVES: ws.RESOLVES,
    Style.END: ws.END,
    Style.LINE: ws.LINE,
}


def render_docx(printed: Printable) -> bytes:
    """The paper as DOCX, some 50 ms of work; needs no font on this machine. Annexes are sections of their own."""
    document = docx.Document(io.BytesIO(_empty()))
    layouts = compose(printed)
    _describe(document, layouts[0])
    for place, layout in enumerate(layouts):
        section = document.sections[0] if place == 0 else document.add_section(WD_SECTION.NEW_PAGE)
        _page(section, layout)
        _Sheet(document).draw(layout)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


@cache
def _empty() -> bytes:
    """A document with our styles; made once, because making them costs more than all the rest."""
    document = docx.Document()
    ws.define_styles(document)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _describe(document: Any, layout: Layout) -> None:
    facts = document.core_properties
    # The format allows 255 letters in each.
    facts.title, facts.author, facts.subject = (text[:255] for text in layout.about)
    facts.language, facts.comments = "vi-VN", ""
    facts.last_modified_by = ""
    facts.created = facts.modified = clock.now().replace(tzinfo=None)


def _page(section: Any, layout: Layout) -> None:
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(20), Mm(20)
    section.left_margin, section.right_margin = Mm(30), Mm(15)
    section.header_distance, section.footer_distance = Mm(9), Mm(8)
    # Page 1 of every layout hides its number; numbers begin anew with each.
    section.different_first_page_header_footer = True
    if section._sectPr.find(qn("w:pgNumType")) is None:
        numbers = OxmlElement("w:pgNumType")
        numbers.set(qn("w:start"), "1")
        section._sectPr.insert_element_before(numbers, *_AFTER_NUMBERS)
    for part in (section.header, section.footer, section.first_page_header, section.first_page_footer):
        part.is_linked_to_previous = False
    number = section.header.paragraphs[0]
    number.style = ws.PAGE_NUMBER
    _field(number.add_run(), "PAGE")
    lines = section.first_page_footer.paragraphs
    for place, text in enumerate(layout.contact):
        line = lines[0] if place == 0 else section.first_page_footer.add_paragraph()
        line.style, line.text = ws.CONTACT, text
        if place == 0:
            _border(line, "top")


def _field(run: Any, name: str) -> None:
    for kind, text in (("begin", ""), ("", name), ("end", "")):
        if kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark = OxmlElement("w:instrText")
            mark.text = text
        run._r.append(mark)


def _border(paragraph: Any, side: str, kind: str = "single", *, between: bool = False) -> None:
    borders = OxmlElement("w:pBdr")
    for name in (side, "between") if between else (side,):
        line = OxmlElement(f"w:{name}")
        for key, value in (("val", kind), ("sz", "6"), ("space", "1"), ("color", _BLACK)):
            line.set(qn(f"w:{key}"), value)
        borders.append(line)
    paragraph._p.get_or_add_pPr().insert_element_before(borders, *_AFTER_RULE)


class _Sheet:
    """Draws a layout at the end of a document, from the top down."""

    def __init__(self, document: Any) -> None:
        self.document = document

    def draw(self, layout: Layout) -> None:
        """All parts in the order of the page."""
        if layout.head:
            self.head(layout.head, layout.stamps)
        if layout.title:
            self.title(layout.title)
        if layout.issuer:
            self.line(ws.ISSUER, layout.issuer)
        if layout.greeting:
            self.greeting(layout.greeting)
        self.blocks(layout.blocks, followed=layout.foot is not None)
        if layout.foot:
            self.foot(layout.foot, followed=bool(layout.typist))
        if layout.typist:
            self.line(ws.TYPIST, layout.typist)
        for place, text in enumerate(layout.acknowledgement):
            line = self.line(ws.ACKNOWLEDGED, text)
            line.paragraph_format.left_indent = Mm(LEFT_OF_FOOT)
            line.paragraph_format.space_before = Pt(0 if place else 14)
            line.paragraph_format.keep_with_next = place < len(layout.acknowledgement) - 1
        if layout.copy and layout.copy.head and layout.copy.foot:
            rule = self.line(ws.RULE)
            rule.paragraph_format.space_before = Pt(14)
            rule.paragraph_format.keep_with_next = True
            _border(rule, "top")
            self.head(layout.copy.head, (), with_next=True)
            self.foot(layout.copy.foot)

    def line(self, style: str, text: str = "", place: Any = None) -> Any:
        """A new paragraph, in the document or in a cell."""
        return (place or self.document).add_paragraph(text, style)

    def frame(self, columns: Sequence[float], *, rows: int = 1, place: Any = None) -> Any:
        """A table without lines, of fixed columns in millimetres; its rows never part over two pages."""
        holder = place or self.document
        table = holder.add_table(rows, len(columns))
        table.autofit, table.alignment = False, WD_TABLE_ALIGNMENT.CENTER
        _no_padding(table)
        for row in table.rows:
            _whole(row)
            for cell, width in zip(row.cells, columns, strict=True):
                cell.width = Mm(width)
        for column, width in zip(table.columns, columns, strict=True):
            column.width = Mm(width)
        return table

    def head(self, head: Head, stamps: tuple[Stamp, ...], *, with_next: bool = False) -> None:
        """Boxes 1 to 5b, and the stamps under the number; `with_next` keeps them on the page of what follows."""
        table = self.frame((LEFT_OF_HEAD, RIGHT_OF_HEAD), rows=2)
        left, right = table.rows[0].cells
        _lines(left, [(ws.PARENT, text) for text in head.parent] + [(ws.AGENCY, text) for text in head.agency])
        self.rule(left, LEFT_OF_HEAD, max(map(len, head.agency), default=0) * _CAPITAL * _RULE)
        if head.form:
            _lines(right, [(ws.FORM, head.form)])
        else:
            _lines(
                right, [(ws.NATION, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"), (ws.MOTTO, "Độc lập - Tự do - Hạnh phúc")]
            )
            self.rule(right, RIGHT_OF_HEAD, _MOTTO_WIDTH)
        number, day = table.rows[1].cells
        code = f"Số: {head.number or '       '}/{head.notation}" if head.notation else ""
        _lines(number, [(ws.NUMBER, code), *([(ws.ABOUT, head.about)] if head.about else [])])
        _lines(day, [(ws.DATE, _date(head.date) if head.date else "")])
        for stamp in stamps:
            self.stamp(number, stamp)
        for paragraph in (p for cell in (left, right, number, day) for p in cell.paragraphs if with_next):
            paragraph.paragraph_format.keep_with_next = True

    def stamp(self, cell: Any, stamp: Stamp) -> None:
        """A framed word in a table of its own, which has the millimetres of the decree."""
        spacer = self.line(ws.RULE, place=cell)
        spacer.paragraph_format.space_before = Pt(6)
        table = self.frame((stamp.width,), place=cell)
        row = table.rows[0]
        if stamp.red:
            row.height, row.height_rule = Mm(8), WD_ROW_HEIGHT_RULE.EXACTLY
        _lines(row.cells[0], [(ws.URGENT if stamp.red else ws.CIRCULATION, stamp.text)])
        row.cells[0].vertical_alignment = 1
        _frame_lines(table, _RED if stamp.red else _BLACK)
        # Word wants a paragraph after the last table of a cell; the library adds one as high as a letter.
        cell.paragraphs[-1].style = ws.RULE

    def rule(self, place: Any, room: float, width: float) -> Any:
        """A rule of so many millimetres in the middle of the room."""
        rule = self.line(ws.RULE, place=place)
        aside = max(0.0, (room - min(width, room)) / 2)
        rule.paragraph_format.left_indent = rule.paragraph_format.right_indent = Mm(aside)
        rule.paragraph_format.space_before = Pt(2)
        _border(rule, "top")
        return rule

    def title(self, title: Title) -> None:
        """Box 5a, or the name of an annex."""
        if title.label:
            self.line(ws.ANNEX, title.label)
        if title.name:
            self.line(ws.TYPE, title.name)
        if title.subject:
            self.line(ws.SUBJECT, title.subject)
        if title.note:
            self.line(ws.NOTE, title.note)
        longest = title.note or title.subject
        if longest:
            width = min(len(longest) * _LETTER, TEXT_WIDTH * 0.9) * _RULE
            self.rule(None, TEXT_WIDTH, width).paragraph_format.space_after = Pt(12)
        elif title.name:
            self.line(ws.RULE).paragraph_format.space_after = Pt(12)

    def greeting(self, greeting: Greeting) -> None:
        """Box 9a."""
        if len(greeting.names) == 1:
            self.line(ws.GREETING, f"{greeting.label}: {greeting.names[0]}")
            return
        first = self.line(ws.GREETING, f"{greeting.label}:")
        first.alignment, first.paragraph_format.left_indent = ws.LEFT, Mm(35)
        for name in greeting.names:
            self.line(ws.ADDRESSEE, name).paragraph_format.left_indent = Mm(60)
        self.line(ws.RULE).paragraph_format.space_after = Pt(6)

    def blocks(self, blocks: tuple[Block, ...], *, followed: bool) -> None:
        """Box 6. What comes last stays on the page of the signature."""
        for place, block in enumerate(blocks, 1):
            last = followed and place == len(blocks)
            if isinstance(block, Table):
                self.table(block, with_next=last)
            else:
                self.paragraph(block, with_next=last)

    def paragraph(self, block: Paragraph, *, with_next: bool) -> None:
        """A paragraph of the text, its beginning in bold where it has one."""
        line = self.line(_OF_STYLE[block.style])
        if block.lead:
            line.add_run(block.lead).bold = True
            line.add_run(f" {block.text}" if block.text else "")
        else:
            line.add_run(block.text)
        if with_next:
            line.paragraph_format.keep_with_next = True
        if block.style is Style.LINE:
            # Word draws one border around neighbours that have the same, and "between" parts them.
            _border(line, "bottom", "dotted", between=True)

    def table(self, block: Table, *, with_next: bool) -> None:
        """A table of the text: its first row comes again on every page."""
        columns = len(block.rows[0])
        table = self.frame([TEXT_WIDTH / columns] * columns, rows=len(block.rows))
        table.style = "Table Grid"
        for place, (row, texts) in enumerate(zip(table.rows, block.rows, strict=True)):
            style = ws.CELL if place else ws.COLUMN
            for cell, text in zip(row.cells, texts, strict=True):
                _lines(cell, [(style, text)])
                cell.paragraphs[0].paragraph_format.keep_with_next = with_next or not place
        _repeated(table.rows[0])
        after = self.line(ws.RULE).paragraph_format
        after.keep_with_next, after.space_after = with_next, Pt(6)

    def foot(self, foot: Foot, *, followed: bool = False) -> None:
        """Boxes 7 and 9b; the end of the list stays together, and with the typist's mark that follows."""
        if len(foot.signatures) > 1:
            for row in foot.rows:
                self.space(12)
                pair = self.frame((TEXT_WIDTH / 2, TEXT_WIDTH / 2))
                cells = pair.rows[0].cells[2 - len(row) :]
                for cell, signature in zip(cells, row, strict=True):
                    self.signature(cell, signature)
            self.line(ws.PLACES, foot.label).paragraph_format.space_before = Pt(10)
        else:
            self.space(12)
            table = self.frame((LEFT_OF_FOOT, RIGHT_OF_FOOT))
            left, right = table.rows[0].cells
            _lines(left, [(ws.PLACES, foot.label)] + [(ws.PLACE, text) for text in foot.beside])
            self.signature(right, foot.signatures[0])
        for left_over, text in zip(range(len(foot.below) - 1, -1, -1), foot.below, strict=True):
            shape = self.line(ws.PLACE, text).paragraph_format
            shape.right_indent = Mm(RIGHT_OF_FOOT)
            shape.keep_with_next = left_over < TOGETHER and (left_over > 0 or followed)

    def space(self, points: float) -> None:
        """A distance that holds to what comes after it."""
        rule = self.line(ws.RULE)
        rule.paragraph_format.space_before = Pt(points)
        rule.paragraph_format.keep_with_next = True

    def signature(self, cell: Any, signature: Signature) -> None:
        """Position, space for the signature, name."""
        _lines(cell, [*((ws.OFFICE, text) for text in signature.offices), (ws.SPACE, "")])
        cell.paragraphs[-1].paragraph_format.space_after = Mm(_SIGNATURE_HEIGHT - 5)
        self.line(ws.SIGNER, signature.name, cell)


def _lines(cell: Any, lines: Sequence[tuple[str, str]]) -> None:
    """The text of a cell; its first paragraph is always there already."""
    for place, (style, text) in enumerate(lines):
        paragraph = cell.paragraphs[0] if place == 0 else cell.add_paragraph()
        paragraph.style = style
        paragraph.add_run(text)


def _date(parts: tuple[str, str, str, str]) -> str:
    place, day, month, year = parts
    return f"{place}, ngày {day or '     '} tháng {month or '     '} năm {year or '        '}"


def _no_padding(table: Any) -> None:
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), "57")
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    table._tbl.tblPr.insert_element_before(margins, *_AFTER_PADDING)


def _whole(row: Any) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _repeated(row: Any) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _frame_lines(table: Any, colour: str) -> None:
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "left", "bottom", "right"):
        line = OxmlElement(f"w:{side}")
        for key, value in (("val", "single"), ("sz", "6"), ("space", "0"), ("color", colour)):
            line.set(qn(f"w:{key}"), value)
        borders.append(line)
    table._tbl.tblPr.insert_element_before(borders, *_AFTER_BORDERS)
