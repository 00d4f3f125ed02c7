"""The named styles of an official DOCX: sizes, weights, places and distances of Decree 30, Annex I.

Users of a word processor see these names in its list of styles and can change the look of a whole paper there.
"""

from dataclasses import dataclass
from typing import Any

from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Length, Mm, Pt, RGBColor

from kernel.text import strip_marks

FONT = "Times New Roman"
TEXT_SIZE = 14
LEFT, CENTRE, RIGHT, BOTH = (
    WD_ALIGN_PARAGRAPH.LEFT,
    WD_ALIGN_PARAGRAPH.CENTER,
    WD_ALIGN_PARAGRAPH.RIGHT,
    WD_ALIGN_PARAGRAPH.JUSTIFY,
)


@dataclass(frozen=True, slots=True)
class Look:
    """One style. Distances in points, the first line in millimetres; `line` is the distance of lines, as a
    multiple or a length."""

    size: float = TEXT_SIZE
    bold: bool = False
    italic: bool = False
    align: Any = CENTRE
    before: float = 0
    after: float = 0
    first: float = 0
    line: float | Length = 1.0
    with_next: bool = False
    red: bool = False


NATION, MOTTO = "Quốc hiệu", "Tiêu ngữ"
PARENT, AGENCY = "Cơ quan chủ quản", "Cơ quan ban hành"
NUMBER, ABOUT, DATE = "Số ký hiệu", "Trích yếu công văn", "Địa danh ngày tháng"
FORM = "Hình thức sao"
URGENT, CIRCULATION = "Độ khẩn", "Phạm vi lưu hành"
ANNEX, TYPE, SUBJECT, NOTE = "Số phụ lục", "Tên loại", "Trích yếu", "Ban hành kèm theo"
ISSUER, GREETING, ADDRESSEE = "Thẩm quyền ban hành", "Kính gửi", "Nơi kính gửi"
TEXT, BASIS, HEADING, SECTION = "Nội dung", "Căn cứ ban hành", "Chương", "Mục lớn"
RESOLVES, END, LINE = "Lời quyết định", "Dấu kết thúc", "Dòng để viết"
COLUMN, CELL = "Đầu cột", "Ô bảng"
OFFICE, SIGNER, SPACE = "Chức vụ người ký", "Họ tên người ký", "Chỗ ký"
PLACES, PLACE = "Nơi nhận", "Tên nơi nhận"
TYPIST, CONTACT, PAGE_NUMBER = "Ký hiệu người soạn thảo", "Địa chỉ liên hệ", "Số trang"
ACKNOWLEDGED, RULE = "Xác nhận", "Đường kẻ"

LOOKS: dict[str, Look] = {
    NATION: Look(13, bold=True),
    MOTTO: Look(14, bold=True),
    PARENT: Look(13),
    AGENCY: Look(13, bold=True),
    NUMBER: Look(13, before=8),
    ABOUT: Look(12, before=6),
    DATE: Look(13, italic=True, before=8),
    FORM: Look(14, bold=True),
    URGENT: Look(13, bold=True, red=True),
    CIRCULATION: Look(13, bold=True),
    ANNEX: Look(14, bold=True),
    TYPE: Look(14, bold=True, before=16),
    SUBJECT: Look(14, bold=True),
    NOTE: Look(14, italic=True),
    ISSUER: Look(14, bold=True, before=6, after=12),
    GREETING: Look(14, before=12, after=6),
    ADDRESSEE: Look(14, align=LEFT),
    TEXT: Look(align=BOTH, after=6, first=12.7, line=1.3),
    BASIS: Look(italic=True, align=BOTH, after=6, first=12.7, line=1.3),
    HEADING: Look(bold=True, before=6, after=8, line=1.3, with_next=True),
    SECTION: Look(bold=True, align=BOTH, after=6, first=12.7, line=1.3, with_next=True),
    RESOLVES: Look(bold=True, before=6, after=8, line=1.3, with_next=True),
    END: Look(align=RIGHT, after=6),
    LINE: Look(align=LEFT, after=6, line=1.3),
    COLUMN: Look(13, bold=True, before=2, after=2),
    CELL: Look(13, align=LEFT, before=2, after=2),
    OFFICE: Look(14, bold=True),
    SPACE: Look(14),
    SIGNER: Look(14, bold=True),
    PLACES: Look(12, bold=True, italic=True, align=LEFT),
    PLACE: Look(11, align=LEFT),
    TYPIST: Look(11, align=LEFT, before=6),
    CONTACT: Look(11),
    PAGE_NUMBER: Look(13),
    ACKNOWLEDGED: Look(14),
    # As high as its line: an empty paragraph would else be as high as a letter.
    RULE: Look(1, line=Pt(2)),
}


_KEPT = frozenset({"Normal", "Default Paragraph Font", "Normal Table", "No List", "Header", "Footer", "Table Grid"})


def define_styles(document: Any) -> None:
    """Our styles in the document instead of the library's, and its base in the decree's font."""
    for other in [style for style in document.styles if style.name not in _KEPT]:
        other.delete()
    base = document.styles["Normal"]
    _font(base, Look(align=LEFT))
    _in_vietnamese(base)
    for name, look in LOOKS.items():
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.element.styleId = "".join(word.capitalize() for word in strip_marks(name).split())
        style.base_style = base
        style.quick_style = True
        _font(style, look)
        _place(style.paragraph_format, look)


def _font(style: Any, look: Look) -> None:
    font = style.font
    font.name, font.size, font.bold, font.italic = FONT, Pt(look.size), look.bold, look.italic
    font.color.rgb = RGBColor(0xC0, 0, 0) if look.red else RGBColor(0, 0, 0)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    # Without these, letters outside Latin-1 may be set in the theme's font.
    for script in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
        fonts.set(qn(script), FONT)


def _in_vietnamese(style: Any) -> None:
    language = OxmlElement("w:lang")
    for script in ("w:val", "w:eastAsia"):
        language.set(qn(script), "vi-VN")
    style.element.get_or_add_rPr().append(language)


def _place(place: Any, look: Look) -> None:
    place.alignment = look.align
    place.space_before, place.space_after = Pt(look.before), Pt(look.after)
    place.first_line_indent = Mm(look.first)
    place.line_spacing = look.line
    place.keep_with_next = look.with_next
    place.widow_control = True
