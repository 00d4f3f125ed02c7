"""From what a paper says to what stands on its pages: every rule of wording of Decree 30, Annexes I and III, once."""

import re
from bisect import bisect_right
from dataclasses import fields, is_dataclass, replace
from datetime import date
from itertools import accumulate
from textwrap import wrap
from typing import Any, TypeVar

from docex.edxml.codes import KIND_BY_SLUG, PRIORITIES, Priority
from docex.edxml.values import plain
from docex.official.body import RESOLVING_KINDS, balanced, blocks
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
    Title,
)
from docex.official.opening import conclusion_blocks, invitation_blocks, minutes_blocks
from docex.official.paper import Annex, Contact, CopyNote, Opinion, Paper, SubmissionSheet, date_line

Printable = Paper | CopyNote | SubmissionSheet
"""Everything that has an official look."""

SIGNATURE = "sig-person"

_LINES_BESIDE = 14
"""Printed lines of "Nơi nhận" beside the signature; the rest goes below it and may run over the page."""
_LETTERS_BESIDE = 40
"""Letters of a line there, about."""

_STAMP_WIDTHS = {
    Priority.URGENT: 20,
    Priority.VERY_URGENT: 40,
    Priority.EXPRESS: 30,
    Priority.EXPRESS_TIMED: 60,
}
"""Millimetres, Annex I.II.10b; the timed one has no size of its own there."""
_CIRCULATION_WIDTH = 60
_ROMAN = ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))
_ACKNOWLEDGED = {
    "dispatch-note": ("…, ngày … tháng … năm …", "NGƯỜI NHẬN", "(Chữ ký, họ và tên)"),
    "leave": ("XÁC NHẬN CỦA CƠ QUAN, TỔ CHỨC", "HOẶC CHÍNH QUYỀN NƠI NGHỈ PHÉP (nếu cần)", "(Chữ ký, dấu)"),
}
"""Forms that another hand completes below the signature: the receiver, the place of leave."""


_ABOUT = re.compile(r"(V/v|Về việc)[\s:.]+(?=\S)", re.IGNORECASE)
_ARCHIVED = re.compile(r"Lưu\s*:|Lưu\s+VT\b", re.IGNORECASE)
"""Words that the form has already, as people type them."""


def compose(printed: Printable) -> tuple[Layout, ...]:
    """The layouts of a paper, then of its annexes. The same input gives the same layouts."""
    printed = cleaned(printed)
    if isinstance(printed, SubmissionSheet):
        return (_submission(printed),)
    if isinstance(printed, CopyNote):
        copied = _copied(printed)
        return (Layout(about=copied.about, blocks=(), copy=copied),)
    return (_main(printed), *_annexes(printed))


def _annexes(paper: Paper) -> list[Layout]:
    """Two or more annexes have Roman numerals; those named by a type of their own are not counted."""
    plain = [annex for annex in paper.annexes if not annex.kind]
    numbers = {id(annex): roman(n) for n, annex in enumerate(plain, 1)} if len(plain) > 1 else {}
    return [_annex(paper, annex, numbers.get(id(annex), "")) for annex in paper.annexes]


def _main(paper: Paper) -> Layout:
    is_letter = paper.kind == "letter"
    name = paper.document_kind.label.msgid
    subject = paper.subject or _abstract(paper)
    return Layout(
        about=(f"{name} {paper.number}/{paper.notation}", paper.agency, subject),
        head=Head(
            parent=_capitals(paper.parent_body),
            agency=_capitals(paper.agency),
            number=paper.number,
            notation=paper.notation,
            about=f"V/v {_topic(subject)}" if is_letter and subject else "",
            date=None if paper.minutes else date_line(paper.place, paper.issued_on),
        ),
        stamps=_stamps(paper),
        title=None if is_letter else Title(name.upper(), subject, _enacted(paper.enacted_by)),
        issuer=(paper.issuer or paper.agency).upper() if paper.kind in RESOLVING_KINDS else "",
        greeting=_greeting(paper),
        blocks=_blocks(paper),
        foot=_foot(paper),
        acknowledgement=_ACKNOWLEDGED.get(paper.kind, ()),
        typist=paper.typist,
        contact=_contact(paper.contact),
        check_url=paper.check_url,
        copy=_copied(paper.copy) if paper.copy else None,
    )


def _topic(subject: str) -> str:
    about = _ABOUT.match(subject)
    return subject[about.end() :] if about else subject


def _abstract(paper: Paper) -> str:
    if paper.conclusion is None:
        return ""
    held = paper.conclusion.held
    return f"Kết luận của {paper.conclusion.chair} tại {paper.conclusion.meeting} {held[:1].lower()}{held[1:]}".strip()


def _enacted(by: str) -> str:
    return f"(Ban hành kèm theo {by})" if by else ""


def _capitals(name: str) -> tuple[str, ...]:
    return tuple(balanced(name.upper()))


def _stamps(paper: Paper) -> tuple[Stamp, ...]:
    width = _STAMP_WIDTHS.get(paper.urgency)
    urgency = (Stamp(PRIORITIES[paper.urgency].msgid.upper(), width, red=True),) if width else ()
    circulation = (Stamp(paper.circulation.upper(), _CIRCULATION_WIDTH, red=False),) if paper.circulation else ()
    return urgency + circulation


def _greeting(paper: Paper) -> Greeting | None:
    if not paper.addressees or paper.kind == "invitation":
        return None
    label = f"{paper.issuer or paper.agency} điện" if paper.kind == "telegram" else "Kính gửi"
    names = [name.strip(" -").rstrip(" .;") for name in paper.addressees]
    if len(names) == 1:
        return Greeting(label, (f"{names[0]}.",))
    return Greeting(label, (*(f"- {name};" for name in names[:-1]), f"- {names[-1]}."))


def _blocks(paper: Paper) -> tuple[Block, ...]:
    if paper.invitation:
        notes = blocks(paper.body, paper.kind)
        return (*invitation_blocks(paper.invitation, paper.agency, last=not notes), *notes)
    if paper.minutes:
        told = blocks(paper.body, paper.kind, closed=False)
        return minutes_blocks(paper.minutes, told)
    if paper.conclusion:
        return conclusion_blocks(paper.conclusion, paper.agency, blocks(paper.body, paper.kind, closed=False))
    return blocks(paper.body, paper.kind)


def _foot(paper: Paper) -> Foot:
    cosigners = list(paper.cosigners)
    main = Signature(_offices(paper.authority, paper.position), paper.signer, SIGNATURE)
    others = [(c.position, c.name) for c in cosigners]
    archive = paper.archive
    if paper.minutes:
        others.insert(0, ("THƯ KÝ", paper.minutes.secretary))
        main = replace(main, offices=main.offices or ("CHỦ TỌA",))
        archive = "VT, Hồ sơ" if archive == "VT" else archive
    signatures = (*(Signature(_offices("", p), name, f"sig-{n}") for n, (p, name) in enumerate(others, 2)), main)
    lines = _recipients(paper.recipients, archive)
    if len(signatures) > 1:
        return Foot(signatures, "Nơi nhận:", (), lines)
    return _beside(signatures, lines)


def _beside(signatures: tuple[Signature, ...], lines: tuple[str, ...]) -> Foot:
    """The part below the signature is at least as much as stays together there; one or two lines more fit beside."""
    ends = list(accumulate(len(wrap(line, _LETTERS_BESIDE)) for line in lines))
    most = len(lines)
    if ends[-1] >= _LINES_BESIDE + TOGETHER:
        most = max(1, min(bisect_right(ends, _LINES_BESIDE), most - TOGETHER))
    return Foot(signatures, "Nơi nhận:", lines[:most], lines[most:])


_NEXT_AUTHORITY = re.compile(r"\s+/?\s*(?=(?:KT|TL|TUQ)\s*\.)", re.IGNORECASE)


def _offices(authority: str, position: str) -> tuple[str, ...]:
    """One line each: "TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH" (Decree 30, Annex I.II.7)."""
    lines = (*_NEXT_AUTHORITY.split(authority), *position.splitlines())
    return tuple(line.strip(" /,").upper() for line in lines if line.strip())


def _recipients(names: tuple[str, ...], archive: str) -> tuple[str, ...]:
    """The archive comes last, in the words that were typed where somebody typed them."""
    typed = [name.strip(" -").rstrip(" .;") for name in names]
    archives = [name for name in typed if _ARCHIVED.match(name)] or [f"Lưu: {archive.rstrip(' .;')}"]
    lines = [f"- {name};" for name in (*(name for name in typed if not _ARCHIVED.match(name)), *archives)]
    return (*lines[:-1], f"- {archives[-1]}.")


def _contact(contact: Contact) -> tuple[str, ...]:
    others = (("Điện thoại", contact.telephone), ("Email", contact.email), ("Website", contact.website))
    second = "; ".join(f"{label}: {value}" for label, value in others if value)
    return tuple(line for line in (f"Địa chỉ: {contact.address}" if contact.address else "", second) if line)


def _annex(paper: Paper, annex: Annex, number: str) -> Layout:
    """A named type says what issues it; a "Phụ lục" says with what it goes (blank places unless on paper)."""
    name = KIND_BY_SLUG[annex.kind].label.msgid.upper() if annex.kind else ""
    label = "" if annex.kind else f"Phụ lục {number}".strip()
    verb = "Ban hành kèm theo" if annex.kind else "Kèm theo"
    filled = paper.paper_annexes
    code = f"{paper.number if filled else '      '}/{paper.notation}"
    _, day, month, year = date_line("", paper.issued_on if filled else None)
    blank = "     "
    when = f"ngày {day or blank} tháng {month or blank} năm {year or blank}"
    note = f"({verb} {paper.document_kind.label.msgid} số {code} {when} của {paper.issuer or paper.agency})"
    title = Title(name, annex.title if annex.kind else annex.title.upper(), note, label)
    about = (annex.title or label, paper.agency, paper.subject)
    return Layout(about=about, title=title, blocks=blocks(annex.body, annex.kind or "annex", closed=bool(annex.kind)))


def roman(number: int) -> str:
    """Of annexes: 4 is IV."""
    found = ""
    for value, letters in _ROMAN:
        while number >= value:
            found, number = found + letters, number - value
    return found


def _copied(note: CopyNote) -> Layout:
    lines = _recipients(note.recipients, note.archive)
    signature = Signature(_offices(note.authority, note.position), note.signer, "sig-copy")
    return Layout(
        about=(f"{note.form.heading} {note.number}/{note.notation}", note.agency, ""),
        head=Head(
            parent=_capitals(note.parent_body),
            agency=_capitals(note.agency),
            number=note.number,
            notation=note.notation,
            date=date_line(note.place, note.issued_on),
            form=note.form.heading,
        ),
        blocks=(),
        foot=_beside((signature,), lines),
    )


def _submission(sheet: SubmissionSheet) -> Layout:
    dated = f" ngày {_day(sheet.issued_on)}" if sheet.issued_on else ""
    code = f" số {sheet.code}" if sheet.code else ""
    facts = (
        Paragraph(Style.TEXT, f"{sheet.kind}{code}{dated} của {sheet.sender}", "Văn bản đến:"),
        Paragraph(Style.TEXT, _topic(sheet.subject), "Về việc:"),
        Paragraph(Style.TEXT, f"{sheet.arrival_number}, ngày đến {_day(sheet.arrived_on)}", "Số đến:"),
    )
    given: list[Block] = []
    parts = (
        ("Ý kiến của người đứng đầu cơ quan, tổ chức:", sheet.leader),
        ("Ý kiến của người đứng đầu đơn vị:", sheet.head),
        ("Ý kiến đề xuất của người giải quyết:", sheet.handler),
    )
    for title, opinion in parts:
        given += [Paragraph(Style.SECTION, title), *_opinion(opinion)]
    return Layout(
        about=(f"Phiếu giải quyết văn bản đến {sheet.arrival_number}", sheet.agency, sheet.subject),
        head=Head(
            parent=_capitals(sheet.parent_body),
            agency=_capitals(sheet.agency),
            date=date_line(sheet.place, sheet.submitted_on),
        ),
        title=Title("PHIẾU GIẢI QUYẾT VĂN BẢN ĐẾN"),
        blocks=(*facts, *given),
    )


def _opinion(opinion: Opinion) -> list[Block]:
    if opinion == Opinion():
        return [Paragraph(Style.LINE, "") for _ in range(3)]
    lines = [Paragraph(Style.TEXT, line) for line in opinion.text.splitlines() if line.strip()]
    labelled = (
        ("Chủ trì:", opinion.lead),
        ("Phối hợp:", "; ".join(opinion.support)),
        ("Thời hạn:", opinion.due),
        ("Người cho ý kiến:", opinion.by),
        ("Ngày cho ý kiến:", _day(opinion.given_on) if opinion.given_on else ""),
    )
    return [*lines, *(Paragraph(Style.TEXT, text, label) for label, text in labelled if text)]


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


_Record = TypeVar("_Record")
_LINES_KEPT = frozenset({"body", "position", "text"})


def cleaned(record: _Record) -> _Record:
    """Composed letters, no control characters, and no line ends but where lines mean something."""
    found = {place.name: _value(place.name, getattr(record, place.name)) for place in fields(record)}  # type: ignore[arg-type]
    return replace(record, **found)  # type: ignore[type-var]


def _value(name: str, value: Any) -> Any:
    if is_dataclass(value):
        return cleaned(value)
    if isinstance(value, tuple):
        return tuple(item for item in (_value("", item) for item in value) if item)
    if type(value) is str:
        return plain(value) if name in _LINES_KEPT else " ".join(plain(value).split())
    return value
