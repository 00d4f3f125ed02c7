"""Reads of the directory that other rooms need: cards of agencies and people, and who holds which role."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm.util import identity_key

from directory import codes
from directory.actor import Actor, Role
from directory.models import Agency, AgencyAlias, ApiClient, Membership, Person, RoleGrant
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.text import collation_key, one_line

CODES_AT_ONCE = 1000


@dataclass(frozen=True)
class AgencyCard:
    """An agency as other rooms show it."""

    id: int
    code: str
    old_code: str
    name: str
    short_name: str
    place: str
    is_local: bool
    email: str
    phone: str
    address: str
    parent_id: int | None
    merged_into_id: int | None
    is_current: bool


@dataclass(frozen=True)
class PersonCard:
    """A person as other rooms show them, in the place that they hold in `agency_id` (0 for none)."""

    id: int
    name: str
    email: str
    phone: str
    title: str
    agency_name: str
    agency_id: int
    locale: str


def agency(tx: Tx, agency_id: int) -> AgencyCard:
    """One agency, also one that is no more; NotFound."""
    row = tx.session.get(Agency, agency_id)
    if row is None:
        raise NotFound()
    tx.pin(row)
    return card_of(row)


def agencies(tx: Tx, agency_ids: Iterable[int]) -> dict[int, AgencyCard]:
    """Agencies by id, in one query or, where the transaction holds them all, none; unknown ids are left out."""
    wanted = {number: identity_key(Agency, number) for number in agency_ids}
    held = [row for key in wanted.values() if (row := tx.session.identity_map.get(key)) is not None]
    asked = wanted.keys() - {row.id for row in held}
    rows = tx.session.scalars(sa.select(Agency).where(Agency.id.in_(asked))).all() if asked else ()
    tx.pin(*rows)
    return {row.id: card_of(row) for row in (*held, *rows)}


def agencies_for_choice(tx: Tx) -> list[AgencyCard]:
    """The agencies of today that a document can be addressed to, in alphabetical order."""
    today = clock.today()
    rows = tx.session.scalars(sa.select(Agency).where(current_on(today)))
    return sorted((card_of(row) for row in rows), key=lambda card: collation_key(card.name))


def agency_by_code(tx: Tx, code: str) -> Agency | None:
    """The agency that answers today for `code`: any form or alias, and after a merger its successor."""
    found = agency_named(tx, code)
    return successor_of(tx, found) if found else None


def agencies_by_code(tx: Tx, wanted: Iterable[str]) -> dict[str, Agency]:
    """The same for many codes with a few queries, by the code as it was given; unknown ones are left out."""
    return {code: successor_of(tx, row) for code, row in _named(tx, wanted).items()}


def agency_named(tx: Tx, code: str) -> Agency | None:
    """The agency that `code` names in any form or alias, also one that has gone into another since."""
    wanted = codes.normal(code)
    if not wanted:
        return None
    alias = sa.select(AgencyAlias.agency_id).where(AgencyAlias.code == wanted).scalar_subquery()
    return tx.session.scalars(
        sa.select(Agency)
        .where((Agency.code == wanted) | (Agency.old_code == wanted) | (Agency.id == alias))
        # One code may be the present one of one agency and the old one of another: the present one wins.
        .order_by(sa.case((Agency.code == wanted, 0), (Agency.old_code == wanted, 1), else_=2), Agency.id)
        .limit(1)
    ).first()


def agencies_named(tx: Tx, wanted: Iterable[str]) -> dict[str, Agency]:
    """`agency_named` for many codes with a few queries, by the code as it was given; unknown ones are left out."""
    return _named(tx, wanted)


def lines_of(tx: Tx, wanted: Iterable[str]) -> dict[str, frozenset[int]]:
    """With whom may be today what was once carried under these codes, by the code as it was given: the agency that it
    names, those that went into that one, and those into which it went. Unknown codes are left out."""
    named = _named(tx, wanted)
    before = _gone_into(tx, (row.id for row in named.values()))
    onward = {code: {one.id for one in _onward(tx, row)} for code, row in named.items()}
    return {code: frozenset(_with_earlier(row.id, before) | onward[code]) for code, row in named.items()}


def with_predecessors(tx: Tx, agency_ids: Iterable[int]) -> frozenset[int]:
    """These agencies, and those that have gone into them by today: what those had under way is theirs to end."""
    wanted = set(agency_ids)
    return frozenset(wanted.union(*_gone_into(tx, wanted).values()))


def _named(tx: Tx, wanted: Iterable[str]) -> dict[str, Agency]:
    names = {code: codes.normal(code) for code in wanted}
    found: dict[str, Agency] = {}
    left = sorted(set(names.values()) - {""})
    for start in range(0, len(left), CODES_AT_ONCE):
        some = left[start : start + CODES_AT_ONCE]
        rows = tx.session.scalars(_BY_CODE, {"codes": some}).all()
        found.update({row.old_code: row for row in rows if row.old_code in some})
        found.update({row.code: row for row in rows if row.code in some})
        if strange := [code for code in some if code not in found]:
            alias = sa.select(AgencyAlias.code, Agency).join(Agency, Agency.id == AgencyAlias.agency_id)
            found.update({code: row for code, row in tx.session.execute(alias.where(AgencyAlias.code.in_(strange)))})
    return {code: found[name] for code, name in names.items() if name in found}


_CODES: sa.BindParameter[str] = sa.bindparam("codes", expanding=True)
_BY_CODE = sa.select(Agency).where(Agency.code.in_(_CODES) | Agency.old_code.in_(_CODES)).order_by(Agency.id.desc())


def successor_of(tx: Tx, row: Agency) -> Agency:
    """The agency that stands today where `row` stood; itself when it was not merged."""
    *_, last = _onward(tx, row)
    return last


def _onward(tx: Tx, row: Agency) -> Iterator[Agency]:
    """The agency, into which it has gone by today, and so on."""
    passed, today = {row.id}, clock.today()
    yield row
    while is_merged_on(row, today) and row.merged_into_id is not None and row.merged_into_id not in passed:
        passed.add(row.merged_into_id)
        row = tx.session.get_one(Agency, row.merged_into_id)
        yield row


def _gone_into(tx: Tx, agency_ids: Iterable[int]) -> dict[int | None, set[int]]:
    """Who has gone by today into these agencies, and who into those before, by the one that each went into."""
    today = clock.today()
    left, asked = set(agency_ids), set[int]()
    found: dict[int | None, set[int]] = {}
    while left:
        rows = tx.session.scalars(sa.select(Agency).where(Agency.merged_into_id.in_(left)))
        gone = [row for row in rows if is_merged_on(row, today)]
        for row in gone:
            found.setdefault(row.merged_into_id, set()).add(row.id)
        asked |= left
        left = {row.id for row in gone} - asked
    return found


def _with_earlier(agency_id: int, before: dict[int | None, set[int]]) -> set[int]:
    found, left = {agency_id}, [agency_id]
    while left:
        fresh = before.get(left.pop(), set()) - found
        found |= fresh
        left += fresh
    return found


def systems(tx: Tx, client_ids: Iterable[int]) -> dict[int, str]:
    """What agencies' systems are called, by id; those that were shut out, too."""
    query = sa.select(ApiClient.id, ApiClient.name).where(ApiClient.id.in_(set(client_ids)))
    return {number: name for number, name in tx.session.execute(query)}


def people_of(tx: Tx, agency_id: int) -> list[PersonCard]:
    """The active members of an agency, in alphabetical order."""
    return _people(tx, Membership.agency_id == agency_id)


def people_with_role(tx: Tx, agency_id: int, role: Role) -> list[PersonCard]:
    """The active members of an agency who hold `role` there."""
    holders = sa.select(RoleGrant.person_id).where(RoleGrant.agency_id == agency_id, RoleGrant.role == role)
    return _people(tx, Membership.agency_id == agency_id, Person.id.in_(holders))


def people_for_choice(tx: Tx) -> list[PersonCard]:
    """Every active person in their primary place, in alphabetical order."""
    return _people(tx, Membership.is_primary)


def person(tx: Tx, person_id: int) -> PersonCard:
    """One person in their primary place, also an inactive one; NotFound."""
    found = people(tx, [person_id])
    if person_id not in found:
        raise NotFound()
    return found[person_id]


def people(tx: Tx, person_ids: Iterable[int]) -> dict[int, PersonCard]:
    """People by id in their primary places, in one query; unknown ids are left out."""
    query = (
        sa.select(Person, Membership, Agency)
        .outerjoin(Membership, (Membership.person_id == Person.id) & Membership.is_primary)
        .outerjoin(Agency, Agency.id == Membership.agency_id)
        .where(Person.id.in_(set(person_ids)))
    )
    return {row.id: _card(row, place, at) for row, place, at in tx.session.execute(query)}


def person_by_email(tx: Tx, email: str) -> PersonCard | None:
    """The person with this sign-in name, in any letter case."""
    found = tx.session.scalar(sa.select(Person.id).where(Person.email == email_form(email)))
    return None if found is None else person(tx, found)


def email_form(email: str) -> str:
    """The form in which addresses are kept and compared."""
    return one_line(email).lower()


def actor_of(tx: Tx, person_id: int, agency_id: int = 0) -> Actor | None:
    """A person as an actor for one of their agencies, by default the primary one. None for somebody inactive
    or for an agency that they do not belong to; somebody without any agency acts for none."""
    row = tx.session.get(Person, person_id)
    if row is None or not row.is_active:
        return None
    places = list(
        tx.session.scalars(
            sa.select(Membership.agency_id)
            .where(Membership.person_id == person_id)
            .order_by(Membership.is_primary.desc(), Membership.id)
        )
    )
    if agency_id and agency_id not in places:
        return None
    chosen = agency_id or (places[0] if places else 0)
    roles = roles_of(tx, person_id, chosen) if chosen else frozenset()
    return Actor(person_id=row.id, agency_id=chosen, roles=roles, name=row.name, locale=row.locale)


def roles_of(tx: Tx, person_id: int, agency_id: int) -> frozenset[Role]:
    """What a person may do in an agency."""
    query = sa.select(RoleGrant.role).where(RoleGrant.person_id == person_id, RoleGrant.agency_id == agency_id)
    return frozenset(Role(value) for value in tx.session.scalars(query))


def current_on(day: date) -> sa.ColumnElement[bool]:
    """The condition that an agency exists on `day`."""
    return sa.and_(
        sa.or_(Agency.merged_into_id.is_(None), Agency.valid_until_on >= day),
        sa.or_(Agency.valid_from_on.is_(None), Agency.valid_from_on <= day),
        sa.or_(Agency.valid_until_on.is_(None), Agency.valid_until_on >= day),
    )


def is_merged_on(row: Agency, day: date) -> bool:
    """Whether the agency has gone into its successor by `day`; a merger may be entered ahead of its day."""
    return row.merged_into_id is not None and (row.valid_until_on is None or row.valid_until_on < day)


def card_of(row: Agency) -> AgencyCard:
    """The card of a loaded agency."""
    today = clock.today()
    is_current = (
        not is_merged_on(row, today)
        and (row.valid_from_on is None or row.valid_from_on <= today)
        and (row.valid_until_on is None or row.valid_until_on >= today)
    )
    return AgencyCard(
        id=row.id,
        code=row.code,
        old_code=row.old_code,
        name=row.name,
        short_name=row.short_name,
        place=row.place,
        is_local=row.is_local,
        email=row.email,
        phone=row.phone,
        address=row.address,
        parent_id=row.parent_id,
        merged_into_id=row.merged_into_id,
        is_current=is_current,
    )


def _people(tx: Tx, *conditions: sa.ColumnExpressionArgument[bool]) -> list[PersonCard]:
    query = (
        sa.select(Person, Membership, Agency)
        .join(Membership, Membership.person_id == Person.id)
        .join(Agency, Agency.id == Membership.agency_id)
        .where(Person.is_active, *conditions)
    )
    cards = [_card(row, place, at) for row, place, at in tx.session.execute(query)]
    return sorted(cards, key=lambda card: _name_key(card.name))


def _name_key(name: str) -> tuple[object, object]:
    """Vietnamese lists go by the given name, which stands last, then by the whole name."""
    return collation_key(name.rpartition(" ")[2]), collation_key(name)


def _card(row: Person, place: Membership | None, at: Agency | None) -> PersonCard:
    return PersonCard(
        id=row.id,
        name=row.name,
        email=row.email,
        phone=row.phone,
        title=place.title if place else "",
        agency_name=at.name if at else "",
        agency_id=at.id if at else 0,
        locale=row.locale,
    )
