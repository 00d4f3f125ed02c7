"""What stands on an official paper, before it has a look.

Texts are plain, as the clerk typed them; the look (upper case, rules, dashes, `./.`) is added by the rendering.
"""

from dataclasses import dataclass, field
from datetime import date

from docex.edxml.codes import KIND_BY_SLUG, DocumentKind, Priority


@dataclass(frozen=True, slots=True)
class Invitation:
    """The lines of Form 1.7: who is asked, to what, when and where."""

    guests: tuple[str, ...]
    event: str
    time: str
    venue: str
    chair: str = ""
    inviter: str = ""
    """Who asks; the agency when empty."""


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
    "PHÓ CHỦ TỊCH"). `recipients` are the lines of "Nơi nhận" without the last, which is `- Lưu: {archive}.`
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
    """Who decides, over the legal bases of a decision: "CHỦ TỊCH ỦY BAN NHÂN DÂN …"; the agency when empty."""
    urgency: Priority = Priority.NORMAL
    circulation: str = ""
    """Box 11: "XEM XONG TRẢ LẠI" or "LƯU HÀNH NỘI BỘ"."""
    typist: str = ""
    """Box 12: the typist's mark and the number of copies, `PL.(300)`."""
    invitation: Invitation | None = None
    contact: Contact = field(default_factory=Contact)

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


def date_line(place: str, day: date | None) -> tuple[str, str, str, str]:
    """Place, day, month and year as printed: days below ten and the months 1 and 2 have a leading zero."""
    if day is None:
        return place, "", "", ""
    month = f"{day.month:02}" if day.month <= 2 else str(day.month)
    return place, f"{day.day:02}", month, str(day.year)
