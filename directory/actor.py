"""Who acts: resolved once at the entry, then handed to every verb and query."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from directory.codes import Form
from kernel.errors import Forbidden
from kernel.text import Phrase, phrase


class Role(StrEnum):
    """What a person may do within one agency. Roles add up; none of them reaches into another agency."""

    CLERK = "clerk"  # văn thư: numbers, seals, sends, registers
    LEADER = "leader"  # lãnh đạo: signs, directs
    OFFICE_CHIEF = "office_chief"  # chánh văn phòng: reviews, watches deadlines
    SPECIALIST = "specialist"  # chuyên viên: drafts, handles
    SECRETARY = "secretary"  # thư ký họp: plans and minutes meetings
    ADMIN = "admin"  # quản trị: the directory of this instance

    @property
    def label(self) -> Phrase:
        """The role as people call it."""
        return _LABELS[self]


_LABELS = {
    Role.CLERK: phrase("Văn thư"),
    Role.LEADER: phrase("Lãnh đạo"),
    Role.OFFICE_CHIEF: phrase("Chánh văn phòng"),
    Role.SPECIALIST: phrase("Chuyên viên"),
    Role.SECRETARY: phrase("Thư ký họp"),
    Role.ADMIN: phrase("Quản trị"),
}

Kind = Literal["person", "client", "wall", "link"]


@dataclass(frozen=True)
class Actor:
    """One acting person, agency's system, wall screen or personal link, always on behalf of one agency.

    Ids that do not apply are 0. `session_id` is the sign-in that a person came with. `locale` is the language that they
    read now: that of their browser, when they have chosen one there (web/locale.py), else their own. `code_form` is the
    form in which a system is told agencies' codes (directory/codeforms.py). `is_news` says that the last call
    that was noted is some time ago.
    """

    kind: Kind = "person"
    person_id: int = 0
    agency_id: int = 0
    roles: frozenset[Role] = field(default_factory=frozenset)
    name: str = ""
    locale: str = "vi"
    client_id: int = 0
    scopes: frozenset[str] = field(default_factory=frozenset)
    session_id: int = 0
    code_form: str = Form.NEW
    is_news: bool = field(default=False, compare=False)

    @property
    def by(self) -> str:
        """How the actor stands in audit entries: `person:7`, `client:3`, `link:7`, `wall:0`."""
        return f"{self.kind}:{self.client_id if self.kind == 'client' else self.person_id}"

    def has(self, *roles: Role) -> bool:
        """Whether the actor holds at least one of `roles` in the agency that they act for."""
        return not self.roles.isdisjoint(roles)


def require(actor: Actor | None, *roles: Role) -> None:
    """Forbidden unless `actor` holds at least one of `roles`."""
    if actor is None or not actor.has(*roles):
        raise Forbidden()


def chain_of(agency_id: int | None) -> str:
    """The audit chain of an agency, or that of the instance."""
    return f"agency:{agency_id}" if agency_id else "system"
