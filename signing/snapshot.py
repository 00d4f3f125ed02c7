"""The trust store as a verification gets it: one frozen snapshot of the database, kept until something changes."""

import hashlib
import logging
from datetime import datetime, timedelta

import sqlalchemy as sa
from asn1crypto import x509

from kernel import clock
from kernel.db import Tx
from signing.trust import Anchor, Purpose, Trust
from signing.trustmodels import Act, ChangeState, Intermediate, RevocationSource, TrustChange, TrustedRoot

log = logging.getLogger(__name__)

_kept: dict[str, tuple[tuple[object, ...], Trust]] = {}


def trust_now(tx: Tx, *, soft: timedelta, allow_test: bool = False) -> Trust:
    """What is trusted at this moment. `soft` is how long an answer about revocation outlives its end; without
    `allow_test` roots of test authorities are read over."""
    usable = RevocationSource.next_update > clock.now() - soft - timedelta(days=1)
    database = str(tx.session.get_bind().engine.url)
    stamp: tuple[object, ...] = (
        soft,
        allow_test,
        *(tuple(row) for row in tx.session.execute(sa.select(TrustedRoot.sha256, TrustedRoot.change_id))),
        *tx.session.scalars(sa.select(Intermediate.sha256).order_by(Intermediate.sha256)),
        *tx.session.scalars(sa.select(RevocationSource.sha256).where(usable).order_by(RevocationSource.id)),
    )
    kept = _kept.get(database)
    if kept is None or kept[0] != stamp:
        kept = stamp, _read(tx, usable, soft=soft, allow_test=allow_test)
        _kept[database] = kept
    return kept[1]


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
