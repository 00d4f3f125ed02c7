"""The trust store as a verification gets it: one frozen snapshot of the database, kept until something changes."""

import hashlib
import logging
from datetime import datetime, timedelta

import sqlalchemy as sa
from asn1crypto import x509

from kernel import clock
from kernel.db import Tx
from signing.trust.models import Act, ChangeState, Intermediate, RevocationSource, TrustChange, TrustedRoot
from signing.trust.trust_store import Anchor, Purpose, Trust

log = logging.getLogger(__name__)

_kept: dict[str, tuple[tuple[object, ...], Trust]] = {}


def trust_now(tx: Tx, *, soft: timedelta, allow_test: bool = False) -> Trust:
    """What is trusted at this moment. `soft` is how long an answer about revocation outlives its end; without
    `allow_test` roots of test authorities are read over."""
    since = clock.now() - soft - timedelta(days=1)
    database = str(tx.session.get_bind().engine.url)
    parts = tx.session.connection().execute(_PARTS, {"since": since})
    stamp: tuple[object, ...] = (soft, allow_test, *sorted(tuple(row) for row in parts))
    kept = _kept.get(database)
    if kept is None or kept[0] != stamp:
        usable = RevocationSource.next_update > since
        kept = stamp, _read(tx, usable, soft=soft, allow_test=allow_test)
        _kept[database] = kept
    return kept[1]


# What a snapshot was made of, asked before each verdict: one statement, built once.
_PARTS = sa.union_all(
    sa.select(sa.literal("root").label("kind"), TrustedRoot.sha256, TrustedRoot.change_id.label("number")),
    sa.select(sa.literal("intermediate"), Intermediate.sha256, sa.literal(0)),
    sa.select(sa.literal("revocation"), RevocationSource.sha256, RevocationSource.id).where(
        RevocationSource.next_update > sa.bindparam("since", type_=RevocationSource.next_update.type)
    ),
)


def _read(tx: Tx, usable: sa.ColumnElement[bool], *, soft: timedelta, allow_test: bool) -> Trust:
    anchors, broken = [], []
    rows = tx.session.execute(sa.select(TrustedRoot, TrustChange).join(TrustChange).order_by(TrustedRoot.sha256))
    for root, change in rows:
        if not _agreed(root, change):
            log.error("the trusted root %s does not match what two people agreed on and is not used", root.sha256)
            broken.append(root.label)
        elif allow_test or not root.test:
            anchors.append(_anchor(root, change.proposed_by, root.added_at))
    answers = tx.session.execute(sa.select(RevocationSource.kind, RevocationSource.answer).where(usable)).all()
    return Trust(
        anchors=tuple(anchors),
        intermediates=tuple(
            x509.Certificate.load(der)
            for der in tx.session.scalars(sa.select(Intermediate.certificate).order_by(Intermediate.sha256))
        ),
        crls=tuple(answer for kind, answer in answers if kind == "crl" and answer),
        ocsps=tuple(answer for kind, answer in answers if kind == "ocsp" and answer),
        broken=tuple(broken),
        soft=soft,
    )


def _agreed(root: TrustedRoot, change: TrustChange) -> bool:
    """Whether the row is what a proposal said that another person confirmed: rows may be written by other hands."""
    return (
        hashlib.sha256(root.certificate).hexdigest() == root.sha256 == change.sha256
        and root.purposes == change.purposes
        and (change.act, change.state) == (Act.ADD, ChangeState.CONFIRMED)
        and change.decided_by not in (None, change.proposed_by)
    )


def _anchor(root: TrustedRoot, proposed_by: int, added_at: datetime) -> Anchor:
    return Anchor(
        certificate=x509.Certificate.load(root.certificate),
        sha256=root.sha256,
        purposes=frozenset(Purpose(purpose) for purpose in root.purposes),
        label=root.label,
        test=root.test,
        added_by=f"person:{proposed_by}",
        added_at=added_at,
    )
