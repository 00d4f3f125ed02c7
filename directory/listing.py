"""What the administrators' pages show."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, TypeVar

import sqlalchemy as sa

from directory import clients
from directory.access import administered, agency_for, person_for, unit_for
from directory.actor import Actor, Role
from directory.agencies import AgencyFacts, facts_of
from directory.models import Agency, AgencyAlias, ApiClient, Membership, Person, RoleGrant, Unit, WebSession
from directory.queries import AgencyCard, card_of
from directory.signin import Step
from kernel import clock
from kernel.db import Tx
from kernel.text import Phrase, collation_key, fold, phrase

PAGE = 50

T = TypeVar("T")


@dataclass(frozen=True)
class Leaf(Generic[T]):
    """One page of a list; `total` counts all of it."""

    items: list[T]
    page: int
    last: int
    total: int


@dataclass(frozen=True)
class UnitCard:
    """A unit with its depth below the agency and the number of its people."""

    id: int
    name: str
    short_name: str
    parent_id: int | None
    depth: int
    people: int


@dataclass(frozen=True)
class UnitProfile:
    """A unit with everything that an administrator keeps about it."""

    id: int
    name: str
    short_name: str
    parent_id: int | None
    agency: AgencyCard


@dataclass(frozen=True)
class Alias:
    """Another code of an agency."""

    id: int
    code: str


@dataclass(frozen=True)
class AgencyProfile:
    """An agency with everything that an administrator keeps about it."""

    card: AgencyCard
    facts: AgencyFacts
    rev: int
    parent: AgencyCard | None
    merged_into: AgencyCard | None
    last_on: date | None
    predecessors: list[AgencyCard]
    aliases: list[Alias]
    units: list[UnitCard]
    people: int


@dataclass(frozen=True)
class Place:
    """Where a person works, as what, and what they may do there."""

    agency: AgencyCard
    unit_id: int | None
    unit: str
    title: str
    roles: list[Role]
    is_primary: bool


@dataclass(frozen=True)
class PersonRow:
    """A person in the list."""

    id: int
    name: str
    email: str
    is_active: bool
    can_sign_in: bool
    places: list[Place] = field(default_factory=list)


@dataclass(frozen=True)
class PersonProfile:
    """A person with everything that an administrator keeps about them."""

    id: int
    name: str
    email: str
    phone: str
    is_active: bool
    has_password: bool
    password_is_temporary: bool
    password_changed_at: datetime | None
    has_second_step: bool
    rev: int
    places: list[Place]
    sessions: int


@dataclass(frozen=True)
class ClientCard:
    """A system of an agency; never its secret."""

    id: int
    client_id: str
    name: str
    agency_name: str
    scopes: list[Phrase | str]
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None
    proof: Phrase
    contact_email: str
    contact_phone: str
    code_form: str
    certificate_days: int | None


def agencies(tx: Tx, actor: Actor, q: str = "", state: str = "current", page: int = 1) -> Leaf[AgencyCard]:
    """Agencies that the actor administers. `state`: `current`, `local`, `ended` or `all`."""
    rows = tx.session.scalars(sa.select(Agency).where(Agency.id.in_(administered(tx, actor))))
    cards = [card_of(row) for row in rows]
    kept = {
        "current": [c for c in cards if c.is_current],
        "local": [c for c in cards if c.is_current and c.is_local],
        "ended": [c for c in cards if not c.is_current],
    }.get(state, cards)
    words = fold(q)
    found = [c for c in kept if words in fold(f"{c.name} {c.code} {c.old_code} {c.short_name}")]
    return _leaf(sorted(found, key=lambda c: collation_key(c.name)), page)


def agency_profile(tx: Tx, actor: Actor, agency_id: int) -> AgencyProfile:
    """One agency; NotFound outside what the actor administers."""
    row = agency_for(tx, actor, agency_id)
    before = tx.session.scalars(sa.select(Agency).where(Agency.merged_into_id == row.id))
    aliases = tx.session.scalars(
        sa.select(AgencyAlias).where(AgencyAlias.agency_id == row.id).order_by(AgencyAlias.code)
    )
    count = sa.select(sa.func.count()).select_from(Membership).where(Membership.agency_id == row.id)
    return AgencyProfile(
        card=card_of(row),
        facts=facts_of(row),
        rev=row.rev,
        parent=_card(tx, row.parent_id),
        merged_into=_card(tx, row.merged_into_id),
        last_on=row.valid_until_on,
        predecessors=[card_of(other) for other in before],
        aliases=[Alias(alias.id, alias.code) for alias in aliases],
        units=units(tx, row.id),
        people=tx.session.scalar(count) or 0,
    )


def unit_profile(tx: Tx, actor: Actor, unit_id: int) -> UnitProfile:
    """One unit; NotFound outside what the actor administers."""
    row = unit_for(tx, actor, unit_id)
    agency = card_of(tx.session.get_one(Agency, row.agency_id))
    return UnitProfile(row.id, row.name, row.short_name, row.parent_id, agency)


def units(tx: Tx, agency_id: int) -> list[UnitCard]:
    """The units of an agency as a tree, children after their parent, in alphabetical order."""
    counts = dict(
        tx.session.execute(
            sa.select(Membership.unit_id, sa.func.count())
            .where(Membership.agency_id == agency_id)
            .group_by(Membership.unit_id)
        ).all()
    )
    below: dict[int | None, list[Unit]] = {}
    for unit in tx.session.scalars(sa.select(Unit).where(Unit.agency_id == agency_id)):
        below.setdefault(unit.parent_id, []).append(unit)
    tree: list[UnitCard] = []

    def grow(parent_id: int | None, depth: int) -> None:
        for unit in sorted(below.get(parent_id, []), key=lambda u: collation_key(u.name)):
            people = counts.get(unit.id, 0)
            tree.append(UnitCard(unit.id, unit.name, unit.short_name, unit.parent_id, depth, people))
            grow(unit.id, depth + 1)

    grow(None, 0)
    return tree


def people(
    tx: Tx, actor: Actor, q: str = "", agency_id: int = 0, state: str = "active", page: int = 1
) -> Leaf[PersonRow]:
    """People of the agencies that the actor administers. `state`: `active`, `inactive` or `all`."""
    scope = administered(tx, actor)
    chosen = {agency_id} & scope if agency_id else scope
    members = sa.select(Membership.person_id).where(Membership.agency_id.in_(chosen))
    query = sa.select(Person).where(Person.id.in_(members))
    if state in {"active", "inactive"}:
        query = query.where(Person.is_active == (state == "active"))
    words = fold(q)
    rows = [p for p in tx.session.scalars(query) if words in fold(f"{p.name} {p.email} {p.phone}")]
    rows.sort(key=lambda p: (collation_key(p.name.rpartition(" ")[2]), collation_key(p.name)))
    leaf = _leaf(rows, page)
    places = _places(tx, [p.id for p in leaf.items])
    shown = [_row(p, places.get(p.id, [])) for p in leaf.items]
    return Leaf(shown, leaf.page, leaf.last, leaf.total)


def person_profile(tx: Tx, actor: Actor, person_id: int) -> PersonProfile:
    """One person; NotFound outside what the actor administers."""
    row = person_for(tx, actor, person_id)
    sessions = sa.select(sa.func.count()).where(
        WebSession.person_id == row.id, WebSession.waits_for == Step.NONE, WebSession.expires_at > clock.now()
    )
    return PersonProfile(
        id=row.id,
        name=row.name,
        email=row.email,
        phone=row.phone,
        is_active=row.is_active,
        has_password=bool(row.password_hash),
        password_is_temporary=row.password_is_temporary,
        password_changed_at=row.password_changed_at,
        has_second_step=bool(row.totp_secret),
        rev=row.rev,
        places=_places(tx, [row.id]).get(row.id, []),
        sessions=tx.session.scalar(sessions) or 0,
    )


def clients_of(tx: Tx, actor: Actor) -> list[ClientCard]:
    """The systems of the agencies that the actor administers, revoked ones last."""
    query = (
        sa.select(ApiClient, Agency.name)
        .join(Agency, Agency.id == ApiClient.agency_id)
        .where(ApiClient.agency_id.in_(administered(tx, actor)))
    )
    cards = [_client(row, name) for row, name in tx.session.execute(query)]
    return sorted(cards, key=lambda c: (c.revoked_at is not None, collation_key(c.agency_name), collation_key(c.name)))


def client(tx: Tx, actor: Actor, client_id: int) -> ClientCard | None:
    """One system, or None when it is none of the actor's."""
    return next((card for card in clients_of(tx, actor) if card.id == client_id), None)


def choice_of_agencies(tx: Tx, actor: Actor) -> list[tuple[str, str]]:
    """The agencies served here that the actor administers, for a form."""
    rows = tx.session.scalars(sa.select(Agency).where(Agency.id.in_(administered(tx, actor)), Agency.is_local))
    return [(str(row.id), row.name) for row in sorted(rows, key=lambda r: collation_key(r.name))]


def choice_for_clients(tx: Tx, actor: Actor) -> list[tuple[str, str]]:
    """The agencies that may have a system here, also those that are served elsewhere, for a form."""
    rows = [row for row in tx.session.scalars(sa.select(Agency).where(Agency.id.in_(administered(tx, actor))))]
    current = [row for row in rows if card_of(row).is_current]
    return [(str(row.id), row.name) for row in sorted(current, key=lambda r: collation_key(r.name))]


def choice_of_units(tx: Tx, agency_id: int, without: int = 0) -> list[tuple[str, str]]:
    """The units of an agency, indented as a tree, for a form."""
    return [(str(u.id), "– " * u.depth + u.name) for u in units(tx, agency_id) if u.id != without]


def _places(tx: Tx, person_ids: Sequence[int]) -> dict[int, list[Place]]:
    query = (
        sa.select(Membership, Agency, Unit.name)
        .join(Agency, Agency.id == Membership.agency_id)
        .outerjoin(Unit, Unit.id == Membership.unit_id)
        .where(Membership.person_id.in_(person_ids))
        .order_by(Membership.is_primary.desc(), Membership.id)
    )
    roles: dict[tuple[int, int], set[Role]] = {}
    for grant in tx.session.scalars(sa.select(RoleGrant).where(RoleGrant.person_id.in_(person_ids))):
        roles.setdefault((grant.person_id, grant.agency_id), set()).add(Role(grant.role))
    found: dict[int, list[Place]] = {}
    for place, agency, unit in tx.session.execute(query):
        held = roles.get((place.person_id, place.agency_id), set())
        ordered = [role for role in Role if role in held]
        card = Place(card_of(agency), place.unit_id, unit or "", place.title, ordered, place.is_primary)
        found.setdefault(place.person_id, []).append(card)
    return found


def _row(person: Person, places: list[Place]) -> PersonRow:
    return PersonRow(person.id, person.name, person.email, person.is_active, bool(person.password_hash), places)


def _client(row: ApiClient, agency_name: str) -> ClientCard:
    scopes: list[Phrase | str] = [clients.scopes.get(name) or name for name in row.scopes]
    return ClientCard(
        id=row.id,
        client_id=row.client_id,
        name=row.name,
        agency_name=agency_name,
        scopes=scopes,
        created_at=row.created_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
        proof=proof_of(row),
        contact_email=row.contact_email,
        contact_phone=row.contact_phone,
        code_form=row.code_form,
        certificate_days=days_left(row),
    )


def days_left(row: ApiClient) -> int | None:
    """The days for which a system's certificate is still valid, negative when it is not; None when it has none."""
    return (row.certificate_until - clock.now()).days if row.certificate_until else None


def proof_of(row: ApiClient) -> Phrase:
    """How a system proves who it is, in words."""
    if row.certificate_sha256:
        return phrase("xác thực bằng chứng thư")
    return phrase("xác thực bằng khóa công khai") if row.public_key else phrase("xác thực bằng khóa bí mật")


def _card(tx: Tx, agency_id: int | None) -> AgencyCard | None:
    row = tx.session.get(Agency, agency_id) if agency_id else None
    return card_of(row) if row else None


def _leaf(items: list[T], page: int) -> Leaf[T]:
    last = max(1, -(-len(items) // PAGE))
    page = min(max(page, 1), last)
    return Leaf(items[(page - 1) * PAGE : page * PAGE], page, last, len(items))
