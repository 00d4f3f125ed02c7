"""The register of agencies: founding, changing, other codes, merging, and the units inside."""

import re
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

import sqlalchemy as sa

from directory import codes
from directory.access import agency_for, is_instance_admin, require_instance_admin, unit_for
from directory.actor import Actor, chain_of
from directory.models import Agency, AgencyAlias, Membership, Unit
from directory.queries import successor_of
from kernel.db import Tx
from kernel.errors import Invalid, NotFound, Stale, WrongState
from kernel.text import Phrase, one_line, phrase

NAME_MAX = 200
"""What edXML has room for: a longer name keeps letters from being sent, or is cut on the way."""
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+")


@dataclass(frozen=True)
class AgencyFacts:
    """What an administrator says about an agency."""

    code: str
    name: str
    old_code: str = ""
    short_name: str = ""
    parent_id: int | None = None
    place: str = ""
    is_local: bool = False
    email: str = ""
    phone: str = ""
    address: str = ""
    valid_from_on: date | None = None
    valid_until_on: date | None = None


def facts_of(row: Agency) -> AgencyFacts:
    """The facts of an agency as they are stored."""
    return AgencyFacts(**{field.name: getattr(row, field.name) for field in fields(AgencyFacts)})


_OWN_FACTS = ("email", "phone", "address")
"""What an administrator below the top may change; the register itself belongs to the top."""


def found_agency(tx: Tx, actor: Actor, facts: AgencyFacts) -> Agency:
    """Enter a new agency into the register."""
    require_instance_admin(tx, actor)
    facts = normal(facts)
    check(tx, facts)
    row = Agency(**asdict(facts))
    tx.session.add(row)
    tx.session.flush()
    tx.audit(chain_of(row.id), "directory.agency_founded", f"agency:{row.id}", _told(facts))
    return row


def change_agency(tx: Tx, actor: Actor, agency_id: int, facts: AgencyFacts, rev: int | None = None) -> Agency:
    """Change an agency's facts. `rev` is the revision that was looked at; Stale when somebody saved since."""
    row = agency_for(tx, actor, agency_id)
    if rev is not None and rev != row.rev:
        raise Stale({"rev": row.rev, **_plain(asdict(facts_of(row)))})
    facts = normal(facts)
    if not is_instance_admin(tx, actor):
        facts = AgencyFacts(
            **{name: value if name in _OWN_FACTS else getattr(row, name) for name, value in asdict(facts).items()}
        )
    check(tx, facts, row)
    changed = {name: value for name, value in asdict(facts).items() if getattr(row, name) != value}
    if changed:
        # Seals and certificates bear the former name: see directory.names.
        former = {"former_name": row.name} if "name" in changed else {}
        for name, value in changed.items():
            setattr(row, name, value)
        row.rev += 1
        tx.audit(chain_of(row.id), "directory.agency_changed", f"agency:{row.id}", _plain({**changed, **former}))
    return row


def normal(facts: AgencyFacts) -> AgencyFacts:
    """The facts in the form in which they are kept: NFC, single blanks, codes in upper case."""
    values: dict[str, Any] = {
        name: one_line(value) if isinstance(value, str) else value for name, value in asdict(facts).items()
    }
    values["code"], values["old_code"] = codes.normal(facts.code), codes.normal(facts.old_code)
    values["email"] = values["email"].lower()
    return AgencyFacts(**values)


def check(tx: Tx, facts: AgencyFacts, row: Agency | None = None) -> None:
    """Invalid with every wrong field of facts in their normal form."""
    problems: dict[str, Phrase] = {}
    own_id = row.id if row else 0
    for field in ("code", "old_code"):
        code = getattr(facts, field)
        if not code and field == "old_code":
            continue
        problem = codes.check(code).problem or _taken(tx, code, own_id)
        if problem is not None:
            problems[field] = problem
    if len(facts.name) < 2:
        problems["name"] = phrase("Cần nhập tên cơ quan.")
    elif len(facts.name) > NAME_MAX and (row is None or facts.name != row.name):  # older names may be longer
        problems["name"] = phrase("Tên dài quá {limit} ký tự.", limit=NAME_MAX)
    if facts.email and not is_email(facts.email):
        problems["email"] = phrase("Địa chỉ thư điện tử chưa đúng.")
    if facts.valid_from_on and facts.valid_until_on and facts.valid_until_on < facts.valid_from_on:
        problems["valid_until_on"] = phrase("Ngày kết thúc phải sau ngày bắt đầu.")
    if facts.parent_id is not None:
        problem = _wrong_parent(tx, facts.parent_id, own_id)
        if problem is not None:
            problems["parent_id"] = problem
    if problems:
        raise Invalid(problems)


def warnings(facts: AgencyFacts) -> list[Phrase]:
    """What looks unusual and is let through."""
    found = [codes.check(code).warning for code in (facts.code, facts.old_code) if code]
    return [warning for warning in found if warning is not None]


def is_email(text: str) -> bool:
    """Whether a text looks like one address; the real proof is a message that arrives."""
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


def add_alias(tx: Tx, actor: Actor, agency_id: int, code: str) -> None:
    """Let papers under another code reach this agency."""
    require_instance_admin(tx, actor)
    row = agency_for(tx, actor, agency_id)
    wanted = codes.normal(code)
    problem = codes.check(wanted).problem or _taken(tx, wanted, own_id=0)
    if problem is not None:
        raise Invalid({"alias": problem})
    tx.session.add(AgencyAlias(agency_id=row.id, code=wanted))
    tx.audit(chain_of(row.id), "directory.alias_added", f"agency:{row.id}", {"code": wanted})


def remove_alias(tx: Tx, actor: Actor, agency_id: int, alias_id: int) -> None:
    """Stop receiving under a code."""
    require_instance_admin(tx, actor)
    alias = tx.session.get(AgencyAlias, alias_id)
    if alias is None or alias.agency_id != agency_id:
        raise NotFound()
    tx.session.delete(alias)
    tx.audit(chain_of(agency_id), "directory.alias_removed", f"agency:{agency_id}", {"code": alias.code})


def merge(tx: Tx, actor: Actor, agency_id: int, into_id: int, last_on: date) -> None:
    """Let an agency go into another after its last day; what is addressed to it then reaches the successor."""
    require_instance_admin(tx, actor)
    row = agency_for(tx, actor, agency_id)
    into = tx.session.get(Agency, into_id)
    if into is None or into.id == row.id:
        raise Invalid({"into_id": phrase("Cần chọn cơ quan tiếp nhận khác.")})
    if row.merged_into_id is not None:
        raise WrongState(phrase("Cơ quan này đã được sáp nhập rồi."))
    if row.id in _line_of_successors(tx, into):
        raise Invalid({"into_id": phrase("Cơ quan được chọn đã sáp nhập vào chính cơ quan này.")})
    if row.valid_from_on and last_on < row.valid_from_on:
        raise Invalid({"last_on": phrase("Ngày kết thúc phải sau ngày bắt đầu.")})
    row.merged_into_id, row.valid_until_on, row.rev = into.id, last_on, row.rev + 1
    detail = {"into": f"agency:{into.id}", "last_on": last_on.isoformat()}
    tx.audit(chain_of(row.id), "directory.agency_merged", f"agency:{row.id}", detail)


def undo_merger(tx: Tx, actor: Actor, agency_id: int) -> None:
    """Take back a merger that was entered by mistake."""
    require_instance_admin(tx, actor)
    row = agency_for(tx, actor, agency_id)
    if row.merged_into_id is None:
        raise WrongState(phrase("Cơ quan này chưa được sáp nhập."))
    row.merged_into_id, row.valid_until_on, row.rev = None, None, row.rev + 1
    tx.audit(chain_of(row.id), "directory.merger_undone", f"agency:{row.id}")


@dataclass(frozen=True)
class UnitFacts:
    """What an administrator says about a unit."""

    name: str
    short_name: str = ""
    parent_id: int | None = None


def add_unit(tx: Tx, actor: Actor, agency_id: int, facts: UnitFacts) -> Unit:
    """Add a unit to an agency."""
    row = agency_for(tx, actor, agency_id)
    facts = _checked_unit(tx, row.id, facts)
    unit = Unit(agency_id=row.id, **asdict(facts))
    tx.session.add(unit)
    tx.session.flush()
    tx.audit(chain_of(row.id), "directory.unit_added", f"unit:{unit.id}", asdict(facts))
    return unit


def change_unit(tx: Tx, actor: Actor, unit_id: int, facts: UnitFacts) -> Unit:
    """Rename or move a unit."""
    unit = unit_for(tx, actor, unit_id)
    facts = _checked_unit(tx, unit.agency_id, facts, unit.id)
    unit.name, unit.short_name, unit.parent_id = facts.name, facts.short_name, facts.parent_id
    tx.audit(chain_of(unit.agency_id), "directory.unit_changed", f"unit:{unit.id}", asdict(facts))
    return unit


def remove_unit(tx: Tx, actor: Actor, unit_id: int) -> None:
    """Remove a unit that holds nobody and nothing."""
    unit = unit_for(tx, actor, unit_id)
    inside = sa.select(Membership.id).where(Membership.unit_id == unit.id).limit(1)
    below = sa.select(Unit.id).where(Unit.parent_id == unit.id).limit(1)
    if tx.session.scalar(inside) is not None or tx.session.scalar(below) is not None:
        raise WrongState(phrase("Đơn vị còn người hoặc đơn vị con. Hãy chuyển họ sang đơn vị khác trước."))
    tx.session.delete(unit)
    tx.audit(chain_of(unit.agency_id), "directory.unit_removed", f"unit:{unit.id}", {"name": unit.name})


def _checked_unit(tx: Tx, agency_id: int, facts: UnitFacts, own_id: int = 0) -> UnitFacts:
    name, short_name = (one_line(text) for text in (facts.name, facts.short_name))
    if not name or len(name) > 300:
        raise Invalid({"name": phrase("Cần nhập tên đơn vị, không quá {limit} ký tự.", limit=300)})
    same = sa.select(Unit.id).where(Unit.agency_id == agency_id, Unit.name == name, Unit.id != own_id)
    if tx.session.scalar(same) is not None:
        raise Invalid({"name": phrase("Cơ quan đã có đơn vị tên này.")})
    parent_id, seen = facts.parent_id, {own_id}
    while parent_id is not None:
        parent = tx.session.get(Unit, parent_id)
        if parent is None or parent.agency_id != agency_id or parent.id in seen:
            raise Invalid({"parent_id": phrase("Đơn vị cấp trên chưa hợp lệ.")})
        seen.add(parent.id)
        parent_id = parent.parent_id
    return UnitFacts(name, short_name, facts.parent_id)


def _taken(tx: Tx, code: str, own_id: int) -> Phrase | None:
    agency = tx.session.scalars(
        sa.select(Agency).where((Agency.code == code) | (Agency.old_code == code), Agency.id != own_id).limit(1)
    ).first()
    if agency is None:
        alias = tx.session.scalars(
            sa.select(AgencyAlias).where(AgencyAlias.code == code, AgencyAlias.agency_id != own_id).limit(1)
        ).first()
        agency = tx.session.get(Agency, alias.agency_id) if alias else None
    return phrase("Mã này đang thuộc về {name}.", name=agency.name) if agency else None


def _wrong_parent(tx: Tx, parent_id: int, own_id: int) -> Phrase | None:
    seen = {own_id}
    row = tx.session.get(Agency, parent_id)
    if row is None:
        return phrase("Không tìm thấy cơ quan cấp trên.")
    while row is not None:
        if row.id in seen:
            return phrase("Cơ quan cấp trên không thể là chính nó hoặc cơ quan cấp dưới của nó.")
        seen.add(row.id)
        row = tx.session.get(Agency, row.parent_id) if row.parent_id else None
    return None


def _line_of_successors(tx: Tx, row: Agency) -> set[int]:
    line = {row.id, successor_of(tx, row).id}
    while row.merged_into_id is not None and row.merged_into_id not in line:
        line.add(row.merged_into_id)
        row = tx.session.get_one(Agency, row.merged_into_id)
    return line


def _told(facts: AgencyFacts) -> dict[str, object]:
    return _plain({name: value for name, value in asdict(facts).items() if value not in ("", None, False)})


def _plain(values: dict[str, object]) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
