"""How the systems of the agencies are doing, for the operator: who asks, what waits, what is wrong."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from directory import listing
from directory import queries as directory
from directory.access import administered, agency_for
from directory.actor import Actor
from directory.models import ApiClient
from docex.documents.delivery import transport
from docex.documents.delivery.transport import FetchingClient
from docex.documents.envelope import Facts
from docex.documents.models import Delivery, Dispatch
from docex.edxml.progress import NOT_HAD, Recall
from docex.exchange.hub import mailbox, refusals
from docex.exchange.hub.models import Mailbox, Parcel, Term, Webhook
from docex.exchange.hub.refusals import Refused
from docex.exchange.hub.states import ParcelState
from docex.exchange.hub.webhooks import http_client
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.text import Phrase, phrase

PAGE = 50
SKEW_S = 300
CERTIFICATE_DAYS = 30


@dataclass(frozen=True)
class Connection:
    """One agency whose own system fetches its documents here. `certificate_days` is that of the first to expire."""

    agency_id: int
    name: str
    code: str
    polled_at: datetime | None
    polled_by: str
    skew_s: int | None
    backlog: int
    late: int
    oldest_at: datetime | None
    expired: int
    held_at: datetime | None
    held_reason: str
    refused: int
    hook_problem: Phrase | None
    certificate_days: int | None

    @property
    def is_sick(self) -> bool:
        """Whether somebody should look at it now."""
        short = self.certificate_days is not None and self.certificate_days < CERTIFICATE_DAYS
        return bool(self.late or self.expired or self.refused or self.hook_problem or self.is_skewed or short)

    @property
    def is_skewed(self) -> bool:
        """Whether its clock is so wrong that its assertions are refused."""
        return self.skew_s is not None and abs(self.skew_s) > SKEW_S

    @property
    def drift(self) -> Phrase | None:
        """How its clock goes, as people say it; None when that is not known."""
        if not self.skew_s:
            return None if self.skew_s is None else phrase("đúng giờ")
        off = in_words(timedelta(seconds=abs(self.skew_s)))
        return phrase("chậm {time}", time=off) if self.skew_s < 0 else phrase("nhanh {time}", time=off)


@dataclass(frozen=True)
class Hook:
    """The webhook of a system, and how calls to it went; `failures` counts those in a row."""

    id: int
    url: str
    failures: int
    arrived_at: datetime | None
    tested_at: datetime | None
    open_until: datetime | None


@dataclass(frozen=True)
class System:
    """One system of the agency, and its webhook."""

    id: int
    client_id: str
    name: str
    proof: Phrase
    used_at: datetime | None
    fetches: bool
    contact: str
    certificate_days: int | None
    hook: Hook | None
    hook_problem: Phrase | None
    test_problem: Phrase | None


@dataclass(frozen=True)
class Shown:
    """One parcel as the operator sees it. `leased_until` is None when no system is at it now; `was_had` says that the
    receiver has had it, also when it was laid out again."""

    id: int
    seq: int
    state: ParcelState
    code: str
    subject: str
    sender: str
    size: int
    available_at: datetime
    until_at: datetime | None
    fetched_at: datetime | None
    leased_until: datetime | None
    recall: Recall
    was_had: bool

    @property
    def may_withdraw(self) -> bool:
        """Whether it can be taken back without asking: nobody has it, and no system is at it."""
        free = self.state in (ParcelState.WAITING, ParcelState.EXPIRED) and self.leased_until is None
        return free and not self.was_had


@dataclass(frozen=True)
class Leaf:
    """A page of parcels, newest first; `older` is the number to go on below, 0 at the end."""

    items: list[Shown]
    older: int
    counts: dict[ParcelState, int]


def in_words(length: timedelta) -> Phrase:
    """As people say it: seconds, then minutes, then hours, then days."""
    seconds = int(length.total_seconds())
    if seconds < 120:
        return phrase("{n} giây", n=seconds)
    if seconds < 7200:
        return phrase("{n} phút", n=seconds // 60)
    return phrase("{n} giờ", n=seconds // 3600) if seconds < 172_800 else phrase("{n} ngày", n=seconds // 86_400)


def connections(tx: Tx, actor: Actor) -> list[Connection]:
    """The agencies that the actor administers and whose systems fetch here; what needs a look comes first."""
    found = _connections(tx, administered(tx, actor))
    never = clock.now()
    return sorted(found, key=lambda one: (not one.held_at and not one.is_sick, one.oldest_at or never, one.name))


def connection(tx: Tx, actor: Actor, agency_id: int) -> Connection:
    """One of them; NotFound when it is none."""
    agency_for(tx, actor, agency_id)
    found = _connections(tx, {agency_id})
    if not found:
        raise NotFound()
    return found[0]


def systems(tx: Tx, agency_id: int) -> list[System]:
    """The systems of an agency that are not revoked, and those of agencies above that fetch for it."""
    hooks = {hook.client_id: hook for hook in _hooks(tx, {agency_id})}
    others = {one.row.id: one for one in transport.clients(tx, agency_id)}
    own = _clients(tx, {agency_id})
    rows = [*own, *(one.row for one in others.values() if one.row.id not in {row.id for row in own})]
    return [_system(row, hooks.get(row.id), others.get(row.id)) for row in rows]


def troubles(tx: Tx, agency_id: int) -> list[tuple[str, Refused]]:
    """The requests of the agency's systems that were refused in the last week, with the system's name."""
    names = {row.id: row.name for row in _clients(tx, {agency_id})}
    return [(names[one.client_id], one) for one in refusals.recent(tx, names)]


def parcels(tx: Tx, agency_id: int, state: ParcelState | None, below: int = 0) -> Leaf:
    """The parcels that lie or lay in a mailbox, newest first."""
    query = (
        sa.select(Parcel, Delivery, Dispatch, Term.expires_at)
        .join(Delivery, Delivery.id == Parcel.delivery_id)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .outerjoin(Term, Term.dispatch_id == Dispatch.id)
        .where(Parcel.agency_id == agency_id)
        .order_by(Parcel.seq.desc())
        .limit(PAGE + 1)
    )
    if state is not None:
        query = query.where(Parcel.state == state)
    if below > 0:
        query = query.where(Parcel.seq < below)
    rows = tx.session.execute(query).all()
    senders = directory.agencies(tx, [dispatch.sender_id for _, _, dispatch, _ in rows])
    items = [
        _shown(parcel, delivery, dispatch, senders[dispatch.sender_id].name, until)
        for parcel, delivery, dispatch, until in rows[:PAGE]
    ]
    counts = tx.session.execute(
        sa.select(Parcel.state, sa.func.count()).where(Parcel.agency_id == agency_id).group_by(Parcel.state)
    )
    found = {ParcelState(name): count for name, count in counts}
    return Leaf(items, items[-1].seq if len(rows) > PAGE else 0, found)


def code_of(tx: Tx, agency_id: int, parcel_id: int) -> str:
    """The number and notation of a document in this mailbox; empty when there is none."""
    query = sa.select(Dispatch).join(Delivery, Delivery.dispatch_id == Dispatch.id)
    query = query.join(Parcel, Parcel.delivery_id == Delivery.id)
    found = tx.session.scalar(query.where(Parcel.id == parcel_id, Parcel.agency_id == agency_id))
    return Facts.from_json(found.facts).code if found is not None else ""


def _connections(tx: Tx, agency_ids: Collection[int]) -> list[Connection]:
    mailboxes = {row.agency_id: row for row in tx.session.scalars(sa.select(Mailbox)) if row.agency_id in agency_ids}
    wanted = (mailbox.with_reader(tx) & set(agency_ids)) | mailboxes.keys()
    clients: dict[int, list[ApiClient]] = {}
    for client in _clients(tx, wanted):
        clients.setdefault(client.agency_id, []).append(client)
    cards = directory.agencies(tx, wanted)
    problems = {hook.agency_id: hook.problem for hook in _hooks(tx, wanted) if hook.problem}
    counts = _counts(tx, wanted)
    refused = _refused(tx, clients)
    return [
        _connection(
            card, mailboxes.get(i), counts.get(i, (0, 0, None, 0)), clients.get(i, []), refused, problems.get(i, "")
        )
        for i, card in cards.items()
    ]


def _connection(
    card: directory.AgencyCard,
    row: Mailbox | None,
    counts: tuple[int, int, datetime | None, int],
    clients: list[ApiClient],
    refused: dict[int, int],
    problem: str,
) -> Connection:
    backlog, late, oldest_at, expired = counts
    days = [left for one in clients if (left := listing.days_left(one)) is not None]
    return Connection(
        agency_id=card.id,
        name=card.name,
        code=card.code,
        polled_at=row.polled_at if row else None,
        polled_by=row.polled_by if row else "",
        skew_s=row.skew_s if row else None,
        backlog=backlog,
        late=late,
        oldest_at=oldest_at,
        expired=expired,
        held_at=row.held_at if row else None,
        held_reason=row.held_reason if row else "",
        refused=sum(refused.get(one.id, 0) for one in clients),
        hook_problem=http_client.words(problem) if problem else None,
        certificate_days=min(days, default=None),
    )


def _counts(tx: Tx, agency_ids: Collection[int]) -> dict[int, tuple[int, int, datetime | None, int]]:
    """By agency: how many wait, how many of them too long, since when the oldest, how many have expired."""
    waits = Parcel.state == ParcelState.WAITING
    rows = tx.session.execute(
        sa.select(
            Parcel.agency_id,
            sa.func.count().filter(waits),
            sa.func.count().filter(sa.and_(waits, Parcel.alarm > 0)),
            sa.func.min(Parcel.available_at).filter(waits),
            sa.func.count().filter(Parcel.state == ParcelState.EXPIRED),
        )
        .where(Parcel.agency_id.in_(agency_ids), Parcel.state.in_([ParcelState.WAITING, ParcelState.EXPIRED]))
        .group_by(Parcel.agency_id)
    )
    return {i: (backlog, late, oldest, gone) for i, backlog, late, oldest, gone in rows}


def _refused(tx: Tx, clients: dict[int, list[ApiClient]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in refusals.recent(tx, [client.id for mine in clients.values() for client in mine]):
        found[one.client_id] = found.get(one.client_id, 0) + one.count
    return found


def _clients(tx: Tx, agency_ids: Collection[int]) -> list[ApiClient]:
    query = sa.select(ApiClient).where(ApiClient.agency_id.in_(agency_ids), ApiClient.revoked_at.is_(None))
    return list(tx.session.scalars(query.order_by(ApiClient.name, ApiClient.id)))


def _hooks(tx: Tx, agency_ids: Collection[int]) -> list[Webhook]:
    return list(tx.session.scalars(sa.select(Webhook).where(Webhook.agency_id.in_(agency_ids)).order_by(Webhook.id)))


def _system(row: ApiClient, hook: Webhook | None, other: FetchingClient | None) -> System:
    return System(
        id=row.id,
        client_id=row.client_id,
        name=row.name,
        proof=other.proof if other else listing.proof_of(row),
        used_at=row.used_at,
        fetches=other is not None or mailbox.RECEIVE in row.scopes,
        contact=" · ".join(filter(None, (row.contact_email, row.contact_phone))),
        certificate_days=listing.days_left(row),
        hook=_hook(hook) if hook else None,
        hook_problem=http_client.words(hook.problem) if hook and hook.problem else None,
        test_problem=http_client.words(hook.test_problem) if hook and hook.test_problem else None,
    )


def _hook(row: Webhook) -> Hook:
    return Hook(row.id, row.url, row.failures, row.arrived_at, row.tested_at, row.open_until)


def _shown(parcel: Parcel, delivery: Delivery, dispatch: Dispatch, sender: str, until: datetime | None) -> Shown:
    facts = Facts.from_json(dispatch.facts)
    return Shown(
        id=parcel.id,
        seq=parcel.seq,
        state=ParcelState(parcel.state),
        code=facts.code,
        subject=facts.subject,
        sender=sender,
        size=dispatch.size,
        available_at=parcel.available_at,
        until_at=until,
        fetched_at=parcel.fetched_at,
        leased_until=parcel.leased_until if parcel.is_leased else None,
        recall=Recall(delivery.recall),
        was_had=delivery.progress not in NOT_HAD,
    )
