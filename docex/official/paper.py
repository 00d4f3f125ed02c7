"""The content of an official paper, before it has a look.

Texts are plain, as the clerk typed them; the look (upper case, rules, dashes, `./.`) is added by the rendering.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from docex.edxml.codes import KIND_BY_SLUG, DocumentKind, Priority
from kernel.clock import VN


@dataclass(frozen=True, slots=True)
class Invitation:
    """The lines of Form 1.7: who is asked, to what, when and where."""

    guests: tuple[str, ...]
    event: str
    time: str
    venue: str
    chair: str = ""
    inviter: str = ""
    """The asking side; the agency when empty."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """The lines of Form 1.9; what was said and decided is the paper's body, the chair signs as the paper's signer."""

    began: str
    venue: str
    chair: str
    secretary: str
    ended: str
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    gathering: str = "Cuộc họp"
    """"Cuộc họp", "Hội nghị" or "Hội thảo"."""


@dataclass(frozen=True, slots=True)
class Point:
    """One conclusion: what is to be done, who leads, who supports, until when. Empty parts are left out."""

    text: str
    lead: str = ""
    support: tuple[str, ...] = ()
    due: str = ""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The customary text of a conclusion notice (a notice, Form 1.4); points come after the paper's body."""

    held: str
    """"Ngày 03 tháng 02 năm 2026"."""
    venue: str
    chair: str
    meeting: str
    present: str = ""
    heard: str = ""
    points: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Annex:
    """An annex to a paper, in the same file, on pages of its own.

    Without a `kind` it is a "Phụ lục", numbered in Roman when there are several; with one ("regulation", "plan") it
    bears the name of its type and says by what it is issued.
    """

    title: str
    body: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class CoSigner:
    """One who signs beside the signer, on the left: the secretary of minutes, the first party of a contract."""

    position: str
    name: str


class CopyForm(StrEnum):
    """The three forms of copies (articles 25 to 27); the value is the abbreviation in the notation."""

    FULL = "SY"
    OF_COPY = "SL"
    EXTRACT = "TrS"

    @property
    def heading(self) -> str:
        """As it stands over the copy's number."""
        return {"SY": "SAO Y", "SL": "SAO LỤC", "TrS": "TRÍCH SAO"}[self.value]


@dataclass(frozen=True, slots=True)
class CopyNote:
    """The block that makes a paper copy one: after the end of the document, under a rule over the full width."""

    form: CopyForm
    agency: str
    notation: str
    place: str
    position: str
    signer: str
    parent_body: str = ""
    number: str = ""
    issued_on: date | None = None
    authority: str = ""
    recipients: tuple[str, ...] = ()
    archive: str = "VT"


@dataclass(frozen=True, slots=True)
class Opinion:
    """The opinion of a leader, a head of unit or a handler on a submission sheet. All may be empty: lines to write
    on."""

    text: str = ""
    lead: str = ""
    support: tuple[str, ...] = ()
    due: str = ""
    by: str = ""
    given_on: date | None = None


@dataclass(frozen=True, slots=True)
class SubmissionSheet:
    """The sheet on which a received document is submitted and assigned (Annex IV.VII)."""

    agency: str
    place: str
    arrival_number: str
    arrived_on: date
    sender: str
    kind: str
    """The type in words, "Công văn"."""
    code: str
    subject: str
    parent_body: str = ""
    issued_on: date | None = None
    submitted_on: date | None = None
    leader: Opinion = field(default_factory=Opinion)
    head: Opinion = field(default_factory=Opinion)
    handler: Opinion = field(default_factory=Opinion)


@dataclass(frozen=True, slots=True)
class Contact:
    """Box 13, at the foot of page 1 of letters and invitations. Lines are left out when empty."""

    address: str = ""
    telephone: str = ""
    email: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """One official paper of Decree 30/2020, Annex I.

    `number` is "" until the book gives one, `issued_on` None until it is issued: the page then keeps blank places
    for both. `body` is plain text, one paragraph a line. `position` may have two lines ("KT. CHỦ TỊCH" and
    "PHÓ CHỦ TỊCH"). `recipients` are the lines of "Nơi nhận" without the last, which is `- Lưu: {archive}.` unless
    one is among them.
    """

    kind: str
    agency: str
    notation: str
    place: str
    subject: str
    body: str
    signer: str
    position: str
    parent_body: str = ""
    number: str = ""
    issued_on: date | None = None
    addressees: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    archive: str = "VT"
    authority: str = ""
    """Box 7a, first line: "TM. ỦY BAN NHÂN DÂN"; empty when the position alone signs."""
    issuer: str = ""
    """The deciding side, over the legal bases of a decision: "CHỦ TỊCH ỦY BAN NHÂN DÂN …"; the agency when empty."""
    urgency: Priority = Priority.NORMAL
    circulation: str = ""
    """Box 11: "XEM XONG TRẢ LẠI" or "LƯU HÀNH NỘI BỘ"."""
    typist: str = ""
    """Box 12: the typist's mark and the number of copies, `PL.(300)`."""
    enacted_by: str = ""
    """The decision by which a regulation is issued: "Quyết định số 12/QĐ-UBND ngày …"; stands in italics under the
    abstract."""
    invitation: Invitation | None = None
    minutes: Minutes | None = None
    conclusion: Conclusion | None = None
    cosigners: tuple[CoSigner, ...] = ()
    annexes: tuple[Annex, ...] = ()
    paper_annexes: bool = False
    """On paper the line "Kèm theo …" of an annex has number and date; electronic documents leave them blank."""
    copy: CopyNote | None = None
    contact: Contact = field(default_factory=Contact)
    check_url: str = ""
    """Where the public finds what the hub says about this paper: printed as a QR code in the left margin of page 1."""

    @property
    def document_kind(self) -> DocumentKind:
        """Its type among the 29."""
        return KIND_BY_SLUG[self.kind]


def number_text(number: int) -> str:
    """Below ten with a leading zero (Decree 30, Annex I.II.3): `05`."""
    return f"{number:02}"


def notation_text(kind: str, agency: str, unit: str = "") -> str:
    """`QĐ-BNV` for a typed document, `BNV-VP` for an official letter: abbreviations of type, agency and unit."""
    abbreviation = KIND_BY_SLUG[kind].abbreviation
    parts = (abbreviation, agency) if abbreviation else (agency, unit)
    return "-".join(part for part in parts if part)


def copy_notation(form: CopyForm, agency: str) -> str:
    """`SY-UBND`: one series a year numbers all copies of an agency."""
    return f"{form.value}-{agency}"


def copy_mark(form: CopyForm, agency: str, signed_at: datetime) -> tuple[str, str]:
    """The two lines of box 14 on an electronic copy: form and agency, then the time by ISO 8601 with the zone."""
    return f"{form.heading.capitalize()} {agency}", signed_at.astimezone(VN).isoformat(timespec="seconds")


def seal_mark(agency: str, signed_at: datetime) -> tuple[str, str, str]:
    """The text in the place of the seal where the installation has no picture of it: the agency, and date and time
    on lines of their own, since a seal is narrow."""
    day, _, time = signed_at.astimezone(VN).isoformat(timespec="seconds").partition("T")
    return agency, day, time


def attachment_mark(code: str, signed_at: datetime) -> tuple[str, str]:
    """The two lines of box 14 on an attachment in a file of its own: the document's number and notation, the time."""
    return code, signed_at.astimezone(VN).isoformat(timespec="seconds")


def date_line(place: str, day: date | None) -> tuple[str, str, str, str]:
    """Place, day, month and year as printed: days below ten and the months 1 and 2 have a leading zero."""
    if day is None:
        return place, "", "", ""
    month = f"{day.month:02}" if day.month <= 2 else str(day.month)
    return place, f"{day.day:02}", month, str(day.year)
