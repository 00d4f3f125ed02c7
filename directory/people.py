"""People as administrators keep them: who they are, where they work, what they may do, and a first password."""

import secrets
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from directory import account, agencies, signin
from directory.access import agency_for, person_for
from directory.actor import Actor, Role, chain_of
from directory.agencies import AgencyFacts, is_email
from directory.models import Agency, Membership, Person, RoleGrant, Unit
from directory.queries import email_form
from kernel.db import Tx
from kernel.errors import Invalid, NotFound, Stale, WrongState
from kernel.text import Phrase, one_line, phone_number, phrase


@dataclass(frozen=True)
class PersonFacts:
    """What an administrator says about a person."""

    name: str
    email: str
    phone: str = ""
    is_active: bool = True


@dataclass(frozen=True)
class Placement:
    """A person's place and roles in one agency."""

    agency_id: int
    title: str = ""
    unit_id: int | None = None
    roles: frozenset[Role] = frozenset()
    is_primary: bool = True


def normal(facts: PersonFacts) -> PersonFacts:
    """The facts in the form in which they are kept; an unreadable number stays as typed, for `check` to name."""
    phone = facts.phone.strip()
    return PersonFacts(one_line(facts.name), email_form(facts.email), phone_number(phone) or phone, facts.is_active)


def check(tx: Tx, facts: PersonFacts, own_id: int = 0) -> None:
    """Invalid with every wrong field of facts in their normal form."""
    problems: dict[str, Phrase] = {}
    if len(facts.name) < 2 or len(facts.name) > 200:
        problems["name"] = phrase("Cần nhập họ và tên, không quá {limit} ký tự.", limit=200)
    if not is_email(facts.email):
        problems["email"] = phrase("Địa chỉ thư điện tử chưa đúng.")
    elif tx.session.scalar(sa.select(Person.id).where(Person.email == facts.email, Person.id != own_id)) is not None:
        problems["email"] = phrase("Địa chỉ thư này đã thuộc về một người khác.")
    if facts.phone and phone_number(facts.phone) is None:
        problems["phone"] = phrase("Số điện thoại di động chưa đúng, ví dụ 0912 345 678.")
    if problems:
        raise Invalid(problems)


def add_person(tx: Tx, actor: Actor, facts: PersonFacts, place: Placement) -> Person:
    """Enter a person with their first place. They get in by single sign-on or after `give_password`."""
    agency_for(tx, actor, place.agency_id)
    facts = normal(facts)
    check(tx, facts)
    row = Person(name=facts.name, email=facts.email, phone=facts.phone, is_active=facts.is_active)
    tx.session.add(row)
    tx.session.flush()
    tx.audit(chain_of(place.agency_id), "directory.person_added", f"person:{row.id}", {"email": row.email})
    settle(tx, actor, row.id, place)
    return row


def change_person(tx: Tx, actor: Actor, person_id: int, facts: PersonFacts, rev: int | None = None) -> Person:
    """Change a person's facts; making them inactive ends their sessions. Stale when somebody saved since `rev`."""
    row = person_for(tx, actor, person_id)
    if rev is not None and rev != row.rev:
        raise Stale({"rev": row.rev, **{name: getattr(row, name) for name in asdict(facts)}})
    facts = normal(facts)
    check(tx, facts, row.id)
    before = PersonFacts(row.name, row.email, row.phone, row.is_active)
    if facts == before:
        return row
    changed = {
        n: getattr(facts, n) for n in ("name", "email", "phone", "is_active") if getattr(facts, n) != getattr(before, n)
    }
    for name, value in changed.items():
        setattr(row, name, value)
    row.rev += 1
    tx.audit(_chain(tx, row.id), "directory.person_changed", f"person:{row.id}", changed)
    if not row.is_active:
        _keep_an_administrator(tx)
        signin.revoke_all(tx, row.id)
    return row


def settle(tx: Tx, actor: Actor, person_id: int, place: Placement) -> None:
    """Give a person a place and exactly these roles in an agency, or change what they have there."""
    agency_for(tx, actor, place.agency_id)
    person = person_for(tx, actor, person_id) if _places(tx, person_id) else tx.session.get(Person, person_id)
    if person is None:
        raise NotFound()
    if place.unit_id is not None:
        unit = tx.session.get(Unit, place.unit_id)
        if unit is None or unit.agency_id != place.agency_id:
            raise Invalid({"unit_id": phrase("Đơn vị này không thuộc cơ quan đã chọn.")})
    title = one_line(place.title)
    if len(title) > 200:
        raise Invalid({"title": phrase("Chức vụ dài quá {limit} ký tự.", limit=200)})
    places = _places(tx, person_id)
    row = next((m for m in places if m.agency_id == place.agency_id), None)
    if row is None:
        row = Membership(person_id=person_id, agency_id=place.agency_id)
        tx.session.add(row)
    others = [m for m in places if m is not row]
    row.title, row.unit_id = title, place.unit_id
    row.is_primary = place.is_primary or not any(m.is_primary for m in others)
    for other in others if row.is_primary else ():
        other.is_primary = False
    tx.session.flush()
    detail = {"title": title, "unit": place.unit_id, "primary": row.is_primary}
    tx.audit(chain_of(place.agency_id), "directory.person_settled", f"person:{person_id}", detail)
    _grant(tx, person_id, place.agency_id, place.roles)


def leave(tx: Tx, actor: Actor, person_id: int, agency_id: int) -> None:
    """End a person's place in an agency, with all roles there."""
    agency_for(tx, actor, agency_id)
    person_for(tx, actor, person_id)
    places = _places(tx, person_id)
    row = next((m for m in places if m.agency_id == agency_id), None)
    if row is None:
        raise NotFound()
    if len(places) == 1:
        raise WrongState(phrase("Đây là cơ quan duy nhất của người này. Hãy ngừng hoạt động tài khoản thay vì gỡ."))
    _grant(tx, person_id, agency_id, frozenset())
    tx.session.delete(row)
    tx.session.flush()
    left = _places(tx, person_id)
    if not any(m.is_primary for m in left):
        left[0].is_primary = True
    tx.audit(chain_of(agency_id), "directory.person_left", f"person:{person_id}")


def give_password(tx: Tx, actor: Actor, person_id: int) -> str:
    """A temporary password in place of the present one, to be told to the person; their sessions end."""
    row = person_for(tx, actor, person_id)
    password = "-".join("".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(4)) for _ in range(4))
    signin.keep_password(tx, row, password, temporary=True)
    signin.revoke_all(tx, row.id, chain=_chain(tx, row.id))
    tx.audit(_chain(tx, row.id), "directory.password_given", f"person:{row.id}")
    return password


def lift_totp(tx: Tx, actor: Actor, person_id: int) -> None:
    """Take the second step away from somebody who lost phone and recovery codes; their sessions end."""
    row = person_for(tx, actor, person_id)
    if not row.totp_secret:
        raise WrongState(phrase("Người này chưa bật xác thực hai bước."))
    account.forget_totp(tx, row)
    signin.revoke_all(tx, row.id, chain=_chain(tx, row.id))
    tx.audit(_chain(tx, row.id), "directory.totp_lifted", f"person:{row.id}")


def end_sessions(tx: Tx, actor: Actor, person_id: int) -> int:
    """End all sessions of a person. Answers how many."""
    row = person_for(tx, actor, person_id)
    return signin.revoke_all(tx, row.id, chain=_chain(tx, row.id))


def first_administrator(tx: Tx, agency_code: str, agency_name: str, name: str, email: str) -> str:
    """Found an instance from the command line: its top agency and an administrator. Answers a temporary
    password; WrongState when somebody administers the instance already."""
    if _administrators(tx):
        raise WrongState(phrase("Hệ thống đã có quản trị viên."))
    agency = tx.session.scalar(sa.select(Agency).where(Agency.code == agency_code))
    if agency is None:
        facts = agencies.normal(AgencyFacts(agency_code, agency_name))
        agencies.check(tx, facts)
        agency = Agency(**asdict(facts))
        tx.session.add(agency)
    agency.is_local, agency.parent_id = True, None
    tx.session.flush()
    founder = Actor(agency_id=agency.id, roles=frozenset({Role.ADMIN}))
    person = tx.session.scalar(sa.select(Person).where(Person.email == email_form(email)))
    place = Placement(agency.id, title="Quản trị hệ thống", roles=frozenset({Role.ADMIN}))
    if person is None:
        person = add_person(tx, founder, PersonFacts(name, email), place)
    else:
        settle(tx, founder, person.id, place)
    return give_password(tx, founder, person.id)


def _grant(tx: Tx, person_id: int, agency_id: int, roles: frozenset[Role]) -> None:
    rows = tx.session.scalars(
        sa.select(RoleGrant).where(RoleGrant.person_id == person_id, RoleGrant.agency_id == agency_id)
    ).all()
    before = {Role(row.role) for row in rows}
    if before == roles:
        return
    for row in rows:
        if row.role not in roles:
            tx.session.delete(row)
    tx.session.add_all(RoleGrant(person_id=person_id, agency_id=agency_id, role=role) for role in roles - before)
    tx.session.flush()
    detail = {"given": sorted(roles - before), "taken": sorted(before - roles)}
    tx.audit(chain_of(agency_id), "directory.roles_changed", f"person:{person_id}", detail)
    if Role.ADMIN in before - roles:
        _keep_an_administrator(tx)


def _administrators(tx: Tx) -> bool:
    query = (
        sa.select(RoleGrant.id)
        .join(Person, Person.id == RoleGrant.person_id)
        .join(Agency, Agency.id == RoleGrant.agency_id)
        .where(RoleGrant.role == Role.ADMIN, Person.is_active, Agency.is_local, Agency.parent_id.is_(None))
        .limit(1)
    )
    return tx.session.scalar(query) is not None


def _keep_an_administrator(tx: Tx) -> None:
    tx.session.flush()
    if not _administrators(tx):
        raise WrongState(phrase("Hệ thống phải còn ít nhất một quản trị viên đang hoạt động."))


def _places(tx: Tx, person_id: int) -> list[Membership]:
    query = sa.select(Membership).where(Membership.person_id == person_id)
    return list(tx.session.scalars(query.order_by(Membership.is_primary.desc(), Membership.id)))


def _chain(tx: Tx, person_id: int) -> str:
    places = _places(tx, person_id)
    return chain_of(places[0].agency_id if places else None)
