"""What the administrators' pages of the trust store show."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from asn1crypto import x509

from directory import queries as directory
from directory.access import instance_admins, is_instance_admin
from directory.actor import Actor, Role, require
from kernel import clock
from kernel.db import Tx
from kernel.text import Phrase, phrase
from signing.trust import fetching
from signing.trust.anchors import change_for
from signing.trust.holders import name_text
from signing.trust.known_authorities import KNOWN_AUTHORITIES, KnownAuthority, known
from signing.trust.models import Act, ChangeState, Intermediate, RevocationSource, TrustChange, TrustedRoot
from signing.trust.trust_store import Purpose

LAST_DECIDED = 20

PURPOSES: dict[Purpose, Phrase] = {
    Purpose.PERSON: phrase("Chữ ký của cá nhân"),
    Purpose.SEAL: phrase("Con dấu của cơ quan"),
    Purpose.TSA: phrase("Dấu thời gian"),
    Purpose.SYSTEM: phrase("Hệ thống"),
}

ACTS: dict[Act, Phrase] = {Act.ADD: phrase("Tin cậy"), Act.REMOVE: phrase("Thôi tin cậy")}

STATES: dict[ChangeState, tuple[Phrase, str]] = {
    ChangeState.PROPOSED: (phrase("Chờ người thứ hai"), "waiting"),
    ChangeState.CONFIRMED: (phrase("Đã xác nhận"), "good"),
    ChangeState.REFUSED: (phrase("Không đồng ý"), "bad"),
    ChangeState.WITHDRAWN: (phrase("Đã rút lại"), "plain"),
    ChangeState.EXPIRED: (phrase("Hết hạn"), "plain"),
}


@dataclass(frozen=True)
class Certificate:
    """What a certificate says of itself; `fingerprint` is the SHA-256 in groups of four digits. Both are empty for who
    is to bring them along.
    """

    sha256: str
    fingerprint: str
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    known: KnownAuthority | None


@dataclass(frozen=True)
class ChangeCard:
    """A proposal. `mine`: the reader made it, so somebody else has to confirm it."""

    id: int
    act: Phrase
    adds: bool
    state: Phrase
    tone: str
    is_open: bool
    label: str
    certificate: Certificate
    purposes: tuple[Phrase, ...]
    reason: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    decided_by: str
    decided_at: datetime | None
    remark: str
    mine: bool


@dataclass(frozen=True)
class RootCard:
    """A root that is trusted, and the two people who agreed on it."""

    label: str
    certificate: Certificate
    purposes: tuple[Phrase, ...]
    test: bool
    added_at: datetime
    proposed_by: str
    confirmed_by: str


@dataclass(frozen=True)
class KnownCard:
    """An authority whose fingerprint is known: is its certificate loaded? `fingerprint` is empty for who is to confirm
    a proposal about it.
    """

    authority: KnownAuthority
    fingerprint: str
    loaded: bool
    proposed: bool


@dataclass(frozen=True)
class IntermediateCard:
    """An issuing authority; `leads_to` is the name of the root that it leads to, empty for none."""

    label: str
    certificate: Certificate
    leads_to: str
    added_by: str
    added_at: datetime


@dataclass(frozen=True)
class SourceCard:
    """A revocation list or responder and how fresh its answer is, in words and colour."""

    id: int
    is_list: bool
    issuer: str
    url: str
    state: Phrase
    tone: str
    used_until: datetime | None
    this_update: datetime | None
    next_update: datetime | None
    due_at: datetime | None
    problem: Phrase | None


@dataclass(frozen=True)
class TrustPage:
    """The whole store. `alone`: there is no second administrator who could confirm anything."""

    may_act: bool
    alone: bool
    waiting: tuple[ChangeCard, ...]
    roots: tuple[RootCard, ...]
    known: tuple[KnownCard, ...]
    intermediates: tuple[IntermediateCard, ...]
    sources: tuple[SourceCard, ...]
    decided: tuple[ChangeCard, ...]


def trust_page(tx: Tx, actor: Actor, soft: timedelta) -> TrustPage:
    """The store for any administrator; only those of the instance may change it."""
    require(actor, Role.ADMIN)
    roots = tx.session.execute(sa.select(TrustedRoot, TrustChange).join(TrustChange).order_by(TrustedRoot.label)).all()
    between = tx.session.scalars(sa.select(Intermediate).order_by(Intermediate.label)).all()
    open_ones = sa.select(TrustChange).where(TrustChange.state == ChangeState.PROPOSED).order_by(TrustChange.id)
    decided = sa.select(TrustChange).where(TrustChange.state != ChangeState.PROPOSED)
    decided = decided.order_by(TrustChange.decided_at.desc()).limit(LAST_DECIDED)
    waiting = tx.session.scalars(open_ones).all()
    loaded = {root.sha256 for root, _ in roots} | {one.sha256 for one in between}
    proposed = {one.sha256 for one in waiting}
    hidden = {one.sha256 for one in waiting if one.proposed_by != actor.person_id}
    return TrustPage(
        may_act=is_instance_admin(tx, actor),
        alone=len({card.id for card in instance_admins(tx)}) < 2,
        waiting=_changes(tx, actor, waiting),
        roots=tuple(_root(tx, root, change) for root, change in roots),
        known=tuple(
            KnownCard(
                one,
                spaced(one.sha256) if one.sha256 not in hidden else "",
                one.sha256 in loaded,
                one.sha256 in proposed,
            )
            for one in KNOWN_AUTHORITIES
        ),
        intermediates=tuple(_intermediate(tx, one, between, [root for root, _ in roots]) for one in between),
        sources=tuple(_source(row, soft) for row in tx.session.scalars(_SOURCES)),
        decided=_changes(tx, actor, tx.session.scalars(decided).all()),
    )


_SOURCES = sa.select(RevocationSource).order_by(
    RevocationSource.kind, RevocationSource.issuer_name, RevocationSource.id
)


def change_page(tx: Tx, actor: Actor, change_id: int) -> ChangeCard:
    """One proposal, for the administrators of the instance."""
    return _changes(tx, actor, [change_for(tx, actor, change_id)])[0]


@dataclass(frozen=True)
class Freshness:
    """How far an answer can be relied on now: a word and its tone, and until when it is used though it has ended."""

    word: Phrase
    tone: str
    used_until: datetime | None = None


def freshness(row: RevocationSource, soft: timedelta) -> Freshness:
    """What the page shows of an answer; `soft` is the window in which one that has ended still counts."""
    now = clock.now()
    if row.next_update is None or row.this_update is None:
        return Freshness(phrase("Chưa lấy được"), "bad") if row.failures else Freshness(phrase("Đang hỏi"), "waiting")
    if now < row.next_update:
        half = row.this_update + (row.next_update - row.this_update) / 2
        late = row.failures and now > half
        return Freshness(phrase("Chậm làm mới"), "waiting") if late else Freshness(phrase("Còn hiệu lực"), "good")
    until = row.next_update + soft
    return Freshness(phrase("Quá hạn"), "bad", until) if now < until else Freshness(phrase("Hết hạn"), "bad")


def spaced(sha256: str) -> str:
    """A fingerprint as people compare it: groups of four digits."""
    return " ".join(sha256[place : place + 4] for place in range(0, len(sha256), 4))


def _certificate(data: bytes) -> Certificate:
    found = x509.Certificate.load(data)
    fingerprint = found.sha256.hex()
    return Certificate(
        sha256=fingerprint,
        fingerprint=spaced(fingerprint),
        subject=name_text(found.subject),
        issuer=name_text(found.issuer),
        not_before=found.not_valid_before,
        not_after=found.not_valid_after,
        known=known(fingerprint),
    )


def _changes(tx: Tx, actor: Actor, rows: Iterable[TrustChange]) -> tuple[ChangeCard, ...]:
    return tuple(_change(tx, actor, row) for row in rows)


def _change(tx: Tx, actor: Actor, row: TrustChange) -> ChangeCard:
    state = ChangeState(row.state)
    if state is ChangeState.PROPOSED and clock.now() >= row.expires_at:
        state = ChangeState.EXPIRED  # the job that says so is on its way
    word, tone = STATES[state]
    mine, is_open = row.proposed_by == actor.person_id, state is ChangeState.PROPOSED
    certificate = _certificate(row.certificate)
    if is_open and not mine:
        certificate = replace(certificate, sha256="", fingerprint="")
    return ChangeCard(
        id=row.id,
        act=ACTS[Act(row.act)],
        adds=row.act == Act.ADD,
        state=word,
        tone=tone,
        is_open=is_open,
        label=row.label,
        certificate=certificate,
        purposes=_purposes(row.purposes),
        reason=row.reason,
        proposed_by=directory.person(tx, row.proposed_by).name,
        proposed_at=row.proposed_at,
        expires_at=row.expires_at,
        decided_by=directory.person(tx, row.decided_by).name if row.decided_by else "",
        decided_at=row.decided_at,
        remark=row.remark,
        mine=mine,
    )


def _root(tx: Tx, row: TrustedRoot, change: TrustChange) -> RootCard:
    return RootCard(
        label=row.label,
        certificate=_certificate(row.certificate),
        purposes=_purposes(row.purposes),
        test=row.test,
        added_at=row.added_at,
        proposed_by=directory.person(tx, change.proposed_by).name,
        confirmed_by=directory.person(tx, change.decided_by).name if change.decided_by else "",
    )


def _intermediate(
    tx: Tx, row: Intermediate, between: Iterable[Intermediate], roots: list[TrustedRoot]
) -> IntermediateCard:
    return IntermediateCard(
        label=row.label,
        certificate=_certificate(row.certificate),
        leads_to=_leads_to(row, {one.sha256: one for one in between}, roots),
        added_by=directory.person(tx, row.added_by).name,
        added_at=row.added_at,
    )


def _leads_to(row: Intermediate, between: dict[str, Intermediate], roots: list[TrustedRoot]) -> str:
    """The name of the root above, by names of issuers; whether the signatures hold is for verdicts to say."""
    issuer, seen = x509.Certificate.load(row.certificate).issuer.hashable, {row.sha256}
    while True:
        for root in roots:
            if x509.Certificate.load(root.certificate).subject.hashable == issuer:
                return root.label
        above = [one for one in between.values() if x509.Certificate.load(one.certificate).subject.hashable == issuer]
        if not above or above[0].sha256 in seen:
            return ""
        seen.add(above[0].sha256)
        issuer = x509.Certificate.load(above[0].certificate).issuer.hashable


def _source(row: RevocationSource, soft: timedelta) -> SourceCard:
    state = freshness(row, soft)
    return SourceCard(
        id=row.id,
        is_list=row.kind == "crl",
        issuer=row.issuer_name,
        url=row.url,
        state=state.word,
        tone=state.tone,
        used_until=state.used_until,
        this_update=row.this_update,
        next_update=row.next_update,
        due_at=row.due_at if row.url else None,
        problem=fetching.words(row.problem) if row.problem else None,
    )


def _purposes(values: Iterable[str]) -> tuple[Phrase, ...]:
    wanted = set(values)
    return tuple(word for purpose, word in PURPOSES.items() if purpose.value in wanted)
