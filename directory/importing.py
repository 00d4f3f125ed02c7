"""Lists of agencies and people from CSV: first a report row by row, then the same again for good.

Rows are matched by code or e-mail address, so that a second import of the same file changes nothing. A row with a
mistake is left out and named; the others are taken.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from enum import StrEnum

import sqlalchemy as sa

from directory import agencies, codes, people, sheets
from directory.access import administered, person_for, require_instance_admin
from directory.actor import Actor, Role, chain_of
from directory.agencies import AgencyFacts
from directory.exporting import AGENCY_COLUMNS, PEOPLE_COLUMNS
from directory.models import Agency, Membership, Person, Unit
from directory.people import PersonFacts, Placement
from directory.queries import agency_by_code, email_form, roles_of
from directory.sheets import Row
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.text import Phrase, fold, phrase

_FIELD_COLUMN = {"parent_id": "parent", "unit_id": "unit"}


class Action(StrEnum):
    """What a row does."""

    ADD = "add"
    CHANGE = "change"
    SAME = "same"
    ERROR = "error"

    @property
    def label(self) -> Phrase:
        """The word in the report."""
        return _ACTION_WORDS[self]


_ACTION_WORDS = {
    Action.ADD: phrase("Thêm mới"),
    Action.CHANGE: phrase("Cập nhật"),
    Action.SAME: phrase("Không đổi"),
    Action.ERROR: phrase("Có lỗi"),
}


@dataclass
class Line:
    """What happens, or happened, with one row. Problems are named by the header of their column."""

    line: int
    label: str
    action: Action
    problems: dict[str, Phrase] = field(default_factory=dict)
    warnings: list[Phrase] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """All rows of an import; `applied` tells the plan from the deed."""

    lines: list[Line]
    applied: bool

    def count(self, action: str) -> int:
        """How many rows do that."""
        return sum(line.action == action for line in self.lines)

    @property
    def has_work(self) -> bool:
        """Whether applying would change anything."""
        return any(line.action in {Action.ADD, Action.CHANGE} for line in self.lines)


def import_agencies(tx: Tx, actor: Actor, text: str, *, apply: bool) -> Report:
    """Read a list of agencies; with `apply` also enter it. Parents may stand below their children."""
    require_instance_admin(tx, actor)
    rows = sheets.read(text, AGENCY_COLUMNS, ("code", "name"))
    plans = [_plan_agency(tx, row) for row in rows]
    _refuse_doubles(plans)
    known = {plan.facts.code for plan in plans if plan.line.action is not Action.ERROR}
    for plan in plans:
        if plan.parent and plan.facts.parent_id is None and plan.parent not in known:
            plan.refuse("parent", phrase("Không tìm thấy cơ quan cấp trên mang mã {code}.", code=plan.parent))
    if apply:
        _enter_agencies(tx, actor, plans)
        _audit(tx, "system", "agencies", plans)
    return Report([plan.line for plan in plans], applied=apply)


def import_people(tx: Tx, actor: Actor, text: str, *, apply: bool) -> Report:
    """Read a list of people with their places and roles; with `apply` also enter it."""
    scope = administered(tx, actor)
    rows = sheets.read(text, PEOPLE_COLUMNS, ("name", "email", "agency"))
    plans = [_plan_person(tx, actor, row, scope) for row in rows]
    _refuse_doubles(plans)
    if apply:
        for plan in plans:
            _enter_person(tx, actor, plan)
        _audit(tx, chain_of(actor.agency_id), "people", plans)
    return Report([plan.line for plan in plans], applied=apply)


@dataclass
class _AgencyPlan:
    line: Line
    facts: AgencyFacts
    found: Agency | None
    parent: str

    key_column = AGENCY_COLUMNS["code"][0]

    @property
    def key(self) -> str:
        return self.facts.code

    def refuse(self, column: str, problem: Phrase) -> None:
        _refuse(self.line, AGENCY_COLUMNS, column, problem)


@dataclass
class _PersonPlan:
    line: Line
    facts: PersonFacts
    place: Placement
    found: Person | None
    parent: str = ""

    key_column = PEOPLE_COLUMNS["email"][0]

    @property
    def key(self) -> str:
        return f"{self.facts.email} {self.place.agency_id}"

    def refuse(self, column: str, problem: Phrase) -> None:
        _refuse(self.line, PEOPLE_COLUMNS, column, problem)


def _refuse(line: Line, columns: dict[str, tuple[str, ...]], field_name: str, problem: Phrase) -> None:
    line.action = Action.ERROR
    line.problems.setdefault(columns[_FIELD_COLUMN.get(field_name, field_name)][0], problem)


def _refuse_doubles(plans: Sequence[_AgencyPlan | _PersonPlan]) -> None:
    first: dict[str, int] = {}
    for plan in plans:
        if plan.key in first:
            plan.line.action = Action.ERROR
            plan.line.problems[plan.key_column] = phrase("Trùng với dòng {line}.", line=first[plan.key])
        first.setdefault(plan.key, plan.line.line)


def _plan_agency(tx: Tx, row: Row) -> _AgencyPlan:
    line = Line(row.line, row.cells.get("name", ""), Action.SAME)
    code = codes.normal(row.cells.get("code", ""))
    found = tx.session.scalar(sa.select(Agency).where(Agency.code == code))
    parent_code = codes.normal(row.cells.get("parent", ""))
    parent = agency_by_code(tx, parent_code)
    plan = _AgencyPlan(line, AgencyFacts(code, ""), found, parent_code)
    plan.facts = agencies.normal(
        AgencyFacts(
            code=code,
            name=row.cells.get("name", ""),
            old_code=_cell(row, "old_code", found),
            short_name=_cell(row, "short_name", found),
            parent_id=_parent_cell(row, parent, found),
            place=_cell(row, "place", found),
            is_local=_flag_cell(plan, row, "is_local", bool(found and found.is_local)),
            email=_cell(row, "email", found),
            phone=_cell(row, "phone", found),
            address=_cell(row, "address", found),
            valid_from_on=_day_cell(plan, row, "valid_from_on", found),
            valid_until_on=_day_cell(plan, row, "valid_until_on", found),
        )
    )
    line.warnings += agencies.warnings(plan.facts)
    try:
        agencies.check(tx, plan.facts, found)
    except Invalid as refusal:
        for name, problem in refusal.fields.items():
            plan.refuse(name, problem)
    if line.action is not Action.ERROR:
        line.action = Action.ADD if found is None else _difference(asdict(plan.facts), found)
        if parent_code and parent is None:
            line.action = Action.ADD if found is None else Action.CHANGE
    return plan


def _enter_agencies(tx: Tx, actor: Actor, plans: list[_AgencyPlan]) -> None:
    """Parents first: a row waits until the agency above it stands."""
    waiting = [plan for plan in plans if plan.line.action in {Action.ADD, Action.CHANGE}]
    while waiting:
        left: list[_AgencyPlan] = []
        for plan in waiting:
            parent = agency_by_code(tx, plan.parent)
            if plan.parent and parent is None:
                left.append(plan)
                continue
            if parent is not None:
                plan.facts = replace(plan.facts, parent_id=parent.id)
            _enter_agency(tx, actor, plan)
        if len(left) == len(waiting):
            for plan in left:
                plan.refuse("parent", phrase("Không tìm thấy cơ quan cấp trên mang mã {code}.", code=plan.parent))
            return
        waiting = left


def _enter_agency(tx: Tx, actor: Actor, plan: _AgencyPlan) -> None:
    try:
        if plan.found is None:
            agencies.found_agency(tx, actor, plan.facts)
        else:
            agencies.change_agency(tx, actor, plan.found.id, plan.facts)
    except Invalid as refusal:  # the file contradicts itself: two rows with one old code
        for name, problem in refusal.fields.items():
            plan.refuse(name, problem)


def _plan_person(tx: Tx, actor: Actor, row: Row, scope: set[int]) -> _PersonPlan:
    line = Line(row.line, row.cells.get("name", ""), Action.SAME)
    email = email_form(row.cells.get("email", ""))
    found = tx.session.scalar(sa.select(Person).where(Person.email == email))
    plan = _PersonPlan(line, PersonFacts("", email), Placement(0), found)
    plan.facts = people.normal(
        PersonFacts(
            name=row.cells.get("name", ""),
            email=email,
            phone=_cell(row, "phone", found),
            is_active=_flag_cell(plan, row, "is_active", found.is_active if found else True),
        )
    )
    agency = agency_by_code(tx, row.cells.get("agency", ""))
    if agency is None or agency.id not in scope:
        code = row.cells.get("agency", "")
        plan.refuse("agency", phrase("Không tìm thấy cơ quan mang mã {code}.", code=code))
        return plan
    plan.place = _placement(tx, plan, row, agency.id)
    try:
        people.check(tx, plan.facts, found.id if found else 0)
        if found is not None:
            person_for(tx, actor, found.id)
    except Invalid as refusal:
        for name, problem in refusal.fields.items():
            plan.refuse(name, problem)
    except NotFound:
        plan.refuse("email", phrase("Người này còn thuộc một cơ quan mà bạn không quản trị."))
    if line.action is not Action.ERROR:
        line.action = Action.ADD if found is None else _person_difference(tx, plan, found)
    return plan


def _placement(tx: Tx, plan: _PersonPlan, row: Row, agency_id: int) -> Placement:
    place = _place_of(tx, plan.found.id, agency_id) if plan.found else None
    unit_id = place.unit_id if place else None
    if "unit" in row.cells:
        name = row.cells["unit"]
        unit = sa.select(Unit.id).where(Unit.agency_id == agency_id, Unit.name == name)
        unit_id = tx.session.scalar(unit) if name else None
        if name and unit_id is None:
            plan.refuse("unit", phrase("Cơ quan này không có đơn vị “{name}”.", name=name))
    roles = roles_of(tx, plan.found.id, agency_id) if plan.found else frozenset()
    if "roles" in row.cells:
        roles = _roles_cell(plan, row.cells["roles"])
    title = _cell(row, "title", place)
    if len(title) > 200:
        plan.refuse("title", phrase("Chức vụ dài quá {limit} ký tự.", limit=200))
    return Placement(agency_id, title, unit_id, roles, is_primary=place.is_primary if place else plan.found is None)


def _enter_person(tx: Tx, actor: Actor, plan: _PersonPlan) -> None:
    if plan.line.action is Action.ADD:
        # The file may name one person in two agencies: the second row then finds them.
        found = tx.session.scalar(sa.select(Person).where(Person.email == plan.facts.email))
        if found is None:
            people.add_person(tx, actor, plan.facts, plan.place)
        else:
            people.settle(tx, actor, found.id, replace(plan.place, is_primary=False))
    elif plan.line.action is Action.CHANGE and plan.found is not None:
        people.change_person(tx, actor, plan.found.id, plan.facts)
        people.settle(tx, actor, plan.found.id, plan.place)


def _person_difference(tx: Tx, plan: _PersonPlan, found: Person) -> Action:
    place = _place_of(tx, found.id, plan.place.agency_id)
    same = (
        _difference(asdict(plan.facts), found) is Action.SAME
        and place is not None
        and (place.title, place.unit_id) == (plan.place.title, plan.place.unit_id)
        and roles_of(tx, found.id, plan.place.agency_id) == plan.place.roles
    )
    return Action.SAME if same else Action.CHANGE


def _difference(values: dict[str, object], row: object) -> Action:
    same = all(getattr(row, name) == value for name, value in values.items())
    return Action.SAME if same else Action.CHANGE


def _place_of(tx: Tx, person_id: int, agency_id: int) -> Membership | None:
    return tx.session.scalar(
        sa.select(Membership).where(Membership.person_id == person_id, Membership.agency_id == agency_id)
    )


def _cell(row: Row, column: str, found: object | None) -> str:
    """The cell, or what stands already when the file has no such column."""
    return row.cells[column] if column in row.cells else getattr(found, column, "")


def _parent_cell(row: Row, parent: Agency | None, found: Agency | None) -> int | None:
    if "parent" in row.cells:
        return parent.id if parent else None
    return found.parent_id if found else None


def _flag_cell(plan: _AgencyPlan | _PersonPlan, row: Row, column: str, present: bool) -> bool:
    text = fold(row.cells.get(column, ""))
    if not text:
        return present
    if text in {"co", "x", "1", "yes", "true", "dung"}:
        return True
    if text not in {"khong", "0", "no", "false", "sai"}:
        plan.refuse(column, phrase("Cần ghi Có hoặc Không."))
    return False


def _day_cell(plan: _AgencyPlan, row: Row, column: str, found: Agency | None) -> date | None:
    present: date | None = getattr(found, column, None)
    if column not in row.cells:
        return present
    text = row.cells[column]
    match = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text)
    try:
        if match:
            return date(int(match[3]), int(match[2]), int(match[1]))
        return date.fromisoformat(text) if text else None
    except ValueError:
        plan.refuse(column, phrase("Ngày chưa đúng, ví dụ 01/07/2025."))
        return present


def _roles_cell(plan: _PersonPlan, text: str) -> frozenset[Role]:
    known = {fold(word): role for role in Role for word in (role.value, role.label.vi, role.label.en)}
    words = [word.strip() for word in re.split(r"[,;|/]", text) if word.strip()]
    strange = [word for word in words if fold(word) not in known]
    if strange:
        plan.refuse("roles", phrase("Không có vai trò “{name}”.", name=strange[0]))
    return frozenset(known[fold(word)] for word in words if fold(word) in known)


def _audit(tx: Tx, chain: str, what: str, plans: Sequence[_AgencyPlan | _PersonPlan]) -> None:
    counts = {action.value: sum(plan.line.action is action for plan in plans) for action in Action}
    tx.audit(chain, "directory.imported", "", {"list": what, **counts})
