"""Who may sign for whom (Decree 30/2020, Annex I.II.7): by which decision, from when to when.

`KT.` stands for a deputy who signs for the head, `TL.` for one who signs by order, `TUQ.` for one who was authorised,
`Q.` for one who was made acting head. `TM.` (on behalf of the collective) stands with a position of one's own and
needs no delegation.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa

from directory import queries as directory
from directory.access import administered
from directory.actor import Actor, Role, chain_of
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound, WrongState
from kernel.refs import Ref
from kernel.text import Phrase, one_line, phrase
from signing.remote_signing.models import Delegation
from signing.verdicts.confusables import as_seen

TEXT_LENGTH = 200


class Form(StrEnum):
    """How a delegate signs; as printed, without the point."""

    KT = "KT"
    TL = "TL"
    TUQ = "TUQ"
    Q = "Q"


FORMS: dict[Form, Phrase] = {
    Form.KT: phrase("KT. (cấp phó ký thay)"),
    Form.TL: phrase("TL. (ký thừa lệnh)"),
    Form.TUQ: phrase("TUQ. (ký thừa ủy quyền)"),
    Form.Q: phrase("Q. (quyền cấp trưởng)"),
}

# With points, blanks or strokes between and after the letters, or with none; and in full words. A line that begins with
# "TI." or "T1." is read as "Tl.". No syllable has a tone between T and Q: "TÚQ." is a smudge.
_MARK = re.compile(
    r"(?<![^\W_])(?:(?P<KT>K[\W_]*T|K[ÝY] THAY)"
    r"|(?P<TUQ>T[\W_]*U[\W_]*Q|T[^\w\s]*[ÙÚỦŨỤƯỪỨỬỮỰ][^\w\s]*Q|TH[ỪU]A (?:ỦY|UỶ|UY) QUY[ỀE]N)"
    r"|(?P<TL>T[\W_]*L|(?<![^/])T[\W_]*[I1|!](?=\s*\.)|TH[ỪU]A L[ỆE]NH)"
    r"|(?P<Q>Q(?![\W_]*\d)|(?<![^/])QUYỀN))(?![^\W_])[\W_]*"
)
_LINE_END = re.compile(r"\s*[/;\n]\s*")
MISSING = phrase(
    "Chưa có quyết định còn hiệu lực giao {name} ký “{authority}”. Xin quản trị cơ quan ghi nhận ở trang Ủy quyền ký."
)


@dataclass(frozen=True)
class Claim:
    """What a signature block says: in which form, for which position."""

    form: Form
    principal: str


@dataclass(frozen=True)
class Wanted:
    """A delegation as the form says it; texts as typed."""

    agency_id: int
    form: str
    principal: str
    delegate_id: int
    decision: str
    since_on: date | None
    until_on: date | None = None


def claims_of(authority: str, title: str = "") -> tuple[Claim, ...]:
    """For whom a signature block says it is signed: `TL. CHỦ TỊCH / KT. CHÁNH VĂN PHÒNG` says two things.

    A mark that names nobody is a claim, too, and one that no decision can cover.
    """
    return (*_claims_in(authority), *_claims_in(title, is_title=True))


def _claims_in(text: str, *, is_title: bool = False) -> tuple[Claim, ...]:
    text = _LINE_END.sub("/", _plain(text))
    marks = [mark for mark in _MARK.finditer(text) if _counts(mark, is_title)]
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return tuple(
        Claim(Form(str(mark.lastgroup)), _position(text[mark.end() : end].partition("/")[0]))
        for mark, end in zip(marks, ends, strict=False)
    )


def _counts(mark: re.Match[str], is_title: bool) -> bool:
    """Units are named by such letters, too ("Trưởng phòng KT và HT"): within a line, letters without a point count
    only in the authority, and only when somebody is named after them."""
    if "." in mark[0] or mark.string[: mark.start()].rpartition("/")[2] == "":
        return True
    named = mark.string[mark.end() :].partition("/")[0]
    return not is_title and bool(named)


def is_covered(tx: Tx, agency_id: int, person_id: int, on: date, authority: str, title: str, *, at: datetime) -> bool:
    """Whether this person, whose position is `title`, was allowed to sign with this block: by the date `on` of the
    paper, and at the moment `at` of the signature, since a decision may be ended within the day."""
    return not _uncovered(tx, agency_id, person_id, on, authority, title, at)


def require_cover(tx: Tx, agency_id: int, person_id: int, authority: str, title: str) -> None:
    """WrongState unless the person may sign with this block now."""
    missing = missing_cover(tx, agency_id, person_id, clock.today(), authority, title)
    if missing is not None:
        raise WrongState(missing)


def missing_cover(tx: Tx, agency_id: int, person_id: int, on: date, authority: str, title: str) -> Phrase | None:
    """Which decision is missing for a paper of the date `on` that is signed at this moment; None when none is."""
    for claim in _uncovered(tx, agency_id, person_id, on, authority, title, clock.now()):
        name = directory.person(tx, person_id).name
        return phrase(MISSING.msgid, name=name, authority=f"{claim.form}. {claim.principal}".strip())
    return None


def _uncovered(
    tx: Tx, agency_id: int, person_id: int, on: date, authority: str, title: str, at: datetime
) -> list[Claim]:
    claims = claims_of(authority, title)
    if not claims:
        return []
    rows = tx.session.scalars(
        sa.select(Delegation).where(
            Delegation.agency_id == agency_id,
            Delegation.delegate_id == person_id,
            Delegation.since_on <= on,
            sa.or_(Delegation.until_on.is_(None), Delegation.until_on >= on),
        )
    )
    held = {Claim(Form(row.form), _position(row.principal)) for row in rows if _holds(row, at)}
    # Positions are given by the administrators: "Quyền Giám đốc" there is as good as a decision.
    held.add(Claim(Form.Q, _position(title)))
    held.update(one for one in claims_of("", title) if one.form is Form.Q)
    return [one for one in claims if not one.principal or one not in held]


def record(tx: Tx, actor: Actor, wanted: Wanted) -> Delegation:
    """An administrator writes down what a decision says. Invalid with every field that is wrong."""
    if wanted.agency_id not in administered(tx, actor):
        raise NotFound()
    return enter(tx, wanted, by=actor.person_id)


def enter(tx: Tx, wanted: Wanted, *, by: int | None = None) -> Delegation:
    """The same without an actor, for the demo city."""
    tidy = {"principal": one_line(wanted.principal).upper(), "decision": one_line(wanted.decision)}
    if wrong := _wrong(tx, wanted, tidy):
        raise Invalid(wrong)
    assert wanted.since_on is not None
    row = Delegation(
        agency_id=wanted.agency_id,
        form=wanted.form,
        delegate_id=wanted.delegate_id,
        since_on=wanted.since_on,
        until_on=wanted.until_on,
        made_by=by,
        made_at=clock.now(),
        **tidy,
    )
    tx.session.add(row)
    tx.session.flush()
    detail = {"form": row.form, "principal": row.principal, "delegate": row.delegate_id, "decision": row.decision}
    dates = {"since": str(row.since_on), "until": str(row.until_on or "")}
    tx.audit(chain_of(row.agency_id), "signing.delegate", Ref("delegation", row.id), {**detail, **dates})
    return row


def end(tx: Tx, actor: Actor, delegation_id: int, reason: str) -> Delegation:
    """It holds no longer, from this moment. What was signed under it before stays covered, also today."""
    row = tx.session.get(Delegation, delegation_id, with_for_update=True)
    if row is None or row.agency_id not in administered(tx, actor):
        raise NotFound()
    if row.ended_at is not None:
        raise WrongState(phrase("Ủy quyền này đã kết thúc."))
    why = one_line(reason)
    if not why or len(why) > TEXT_LENGTH:
        raise Invalid({"reason": phrase("Cần nêu lý do, không quá {limit} ký tự.", limit=TEXT_LENGTH)})
    row.ended_at, row.ended_by, row.end_reason = clock.now(), actor.person_id, why
    tx.audit(chain_of(row.agency_id), "signing.delegation_end", Ref("delegation", row.id), {"reason": why})
    return row


@dataclass(frozen=True)
class Row:
    """A delegation as the page shows it."""

    id: int
    agency: str
    form: Phrase
    principal: str
    delegate: str
    decision: str
    since_on: date
    until_on: date | None
    holds: bool
    ended: bool
    end_reason: str


def listed(tx: Tx, actor: Actor) -> list[Row]:
    """Those of the agencies that the actor administers, the ones that hold first; Forbidden without the role."""
    scope = administered(tx, actor)
    newest = sa.select(Delegation).where(Delegation.agency_id.in_(scope)).order_by(Delegation.id.desc()).limit(500)
    found = tx.session.scalars(newest).all()
    names = directory.agencies(tx, {row.agency_id for row in found})
    today, now = clock.today(), clock.now()
    rows = [
        Row(
            row.id,
            names[row.agency_id].name,
            FORMS[Form(row.form)],
            row.principal,
            directory.person(tx, row.delegate_id).name,
            row.decision,
            row.since_on,
            row.until_on,
            holds=row.since_on <= today and _holds(row, now) and (row.until_on is None or row.until_on >= today),
            ended=row.ended_at is not None,
            end_reason=row.end_reason,
        )
        for row in found
    ]
    return sorted(rows, key=lambda row: not row.holds)


def delegates(tx: Tx, actor: Actor) -> list[tuple[str, str]]:
    """Whom the actor may choose: the leaders of the agencies that they administer, as `agency:person` and a name."""
    cards = directory.agencies(tx, administered(tx, actor))
    local = sorted((card for card in cards.values() if card.is_local), key=lambda card: card.name)
    return [
        (f"{agency.id}:{one.id}", f"{one.name}, {one.title} ({agency.name})" if one.title else one.name)
        for agency in local
        for one in directory.people_with_role(tx, agency.id, Role.LEADER)
    ]


def _wrong(tx: Tx, wanted: Wanted, tidy: dict[str, str]) -> dict[str, Phrase]:
    wrong: dict[str, Phrase] = {}
    if wanted.form not in tuple(Form):
        wrong["form"] = phrase("Cần chọn hình thức ký.")
    for name, missing in (("principal", _PRINCIPAL_NEEDED), ("decision", _DECISION_NEEDED)):
        if not tidy[name]:
            wrong[name] = missing
        elif len(tidy[name]) > TEXT_LENGTH:
            wrong[name] = phrase("Dài quá {limit} ký tự.", limit=TEXT_LENGTH)
    leaders = {card.id: card for card in directory.people_with_role(tx, wanted.agency_id, Role.LEADER)}
    if wanted.delegate_id not in leaders:
        wrong["delegate"] = phrase("Cần chọn người được giao ký là lãnh đạo của cơ quan.")
    elif _same(leaders[wanted.delegate_id].title, tidy["principal"]):
        wrong["principal"] = phrase("Người được giao ký đang giữ chính chức vụ này.")
    if wanted.since_on is None:
        wrong["since_on"] = phrase("Cần nhập ngày bắt đầu.")
    elif wanted.until_on is not None and wanted.until_on < wanted.since_on:
        wrong["until_on"] = phrase("Ngày kết thúc trước ngày bắt đầu.")
    return wrong


_PRINCIPAL_NEEDED = phrase("Cần nhập chức vụ của người giao, như in trên văn bản.")
_DECISION_NEEDED = phrase("Cần nhập số và ngày của quyết định hoặc văn bản giao.")


def _holds(row: Delegation, at: datetime) -> bool:
    return row.ended_at is None or at < row.ended_at


def _same(one: str, other: str) -> bool:
    """Positions as they are printed; accents count, case and blanks do not."""
    return _position(one) == _position(other)


def _position(text: str) -> str:
    return _plain(text).strip(" .,-\n")


def _plain(text: str) -> str:
    """As a reader sees it, in capitals; lines stay."""
    return "\n".join(one_line(line) for line in as_seen(text).splitlines())
