"""Papers out with a signer's own device: who may fetch the file, for how long, and what came back.

The agent on the signer's computer (VGCA's) knows no sign-in. Its two addresses carry a token of 256 bits for this one
file; it works ten minutes and is spent when the signed file comes in. What the paper is, and what follows, belongs to
the room that hands it out.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound, WrongState
from kernel.refs import Ref
from kernel.storage.blobs import Blob
from kernel.text import Phrase, phrase
from signing.remote_signing.models import LIVE, Handoff, HandoffState, HeldCertificate
from signing.remote_signing.return_check import Returned
from signing.verdicts.verdict import HolderKind, phrase_to_json

TERM = timedelta(minutes=10)
SPARE = 2_000_000
"""How much larger a file may come back: a signature with its certificates, time-stamp and picture."""

EXPIRED = phrase("Quá 10 phút chưa nhận được tệp đã ký. Xin ký lại.")
CANCELLED = phrase("Việc ký bằng thiết bị đã được dừng.")
NOT_NOW = phrase("Việc ký bằng thiết bị này không còn chờ. Xin tải lại trang.")
OTHERS_CERTIFICATE = phrase("Chứng thư của {name} (số {serial}) đã được ghi nhận cho người hoặc cơ quan khác.")


def begin(
    tx: Tx, actor: Actor | Handoff, subject: Ref, kind: HolderKind, facts: dict[str, Any] | None = None
) -> Handoff:
    """A file is to be signed with this person's device, or with the same as an earlier hand-off. WrongState while
    another hand-off of it lives."""
    if live_of(tx, subject) is not None:
        raise WrongState(phrase("Văn bản đang chờ ký bằng thiết bị ở nơi khác."))
    now = clock.now()
    handoff = Handoff(
        subject=str(subject),
        kind=str(kind),
        person_id=actor.person_id,
        agency_id=actor.agency_id,
        state=HandoffState.PREPARING,
        facts=facts or {},
        problem={},
        made_at=now,
        expires_at=now + TERM,
    )
    tx.session.add(handoff)
    tx.session.flush()
    return handoff


def live_of(tx: Tx, subject: Ref) -> Handoff | None:
    """The hand-off of a thing that is under way."""
    last = latest_of(tx, subject)
    return last if last is not None and last.state in LIVE else None


def latest_of(tx: Tx, subject: Ref) -> Handoff | None:
    """The newest hand-off of a thing, also one that is over."""
    query = sa.select(Handoff).where(Handoff.subject == str(subject)).order_by(Handoff.id.desc()).limit(1)
    return tx.session.scalar(query)


def ready(tx: Tx, handoff: Handoff, blob: Blob, name: str, facts: dict[str, Any]) -> None:
    """The file that goes out lies in the store; the ten minutes begin now. One of many waits for its turn besides."""
    handoff.sha256, handoff.size, handoff.name = blob.sha256, blob.size, name
    handoff.facts = {**handoff.facts, **facts}
    handoff.state = HandoffState.READY
    handoff.expires_at = clock.now() + TERM * max(1, int(handoff.facts.get("of_many", 1)))


def open_(tx: Tx, handoff: Handoff) -> str:
    """A token for the device. An earlier one no longer works: whoever starts anew, starts alone."""
    if handoff.state not in (HandoffState.READY, HandoffState.OPEN):
        raise WrongState(NOT_NOW)
    token = secrets.token_urlsafe(32)
    handoff.token_hash, handoff.state = _hash(token), HandoffState.OPEN
    handoff.expires_at = clock.now() + TERM
    return token


def for_token(tx: Tx, token: str) -> Handoff:
    """The hand-off that a device asks for; NotFound for tokens that are unknown, spent or over, all alike."""
    query = sa.select(Handoff).where(Handoff.token_hash == _hash(token)).execution_options(populate_existing=True)
    handoff = tx.session.scalar(query)
    if handoff is None or handoff.state != HandoffState.OPEN or handoff.expires_at <= clock.now():
        raise NotFound()
    return handoff


def take(tx: Tx, handoff: Handoff, blob: Blob) -> None:
    """The signed file has come: the token is spent, whatever the file turns out to be."""
    handoff.token_hash, handoff.state, handoff.returned_sha256 = None, HandoffState.RECEIVED, blob.sha256


def close(tx: Tx, handoff: Handoff, state: HandoffState, why: Phrase | None = None) -> None:
    """It is over."""
    handoff.state, handoff.token_hash, handoff.closed_at = state, None, clock.now()
    handoff.problem = phrase_to_json(why) if why is not None else {}


def hold(tx: Tx, owner: Ref, returned: Returned) -> None:
    """Keep whose certificate this is. Invalid(file) when it has signed for somebody else before: names repeat."""
    row = tx.session.get(HeldCertificate, returned.certificate)
    if row is not None and row.owner != str(owner):
        why = phrase(OTHERS_CERTIFICATE.msgid, name=returned.name, serial=returned.serial)
        raise Invalid({"file": why}, why)
    if row is None:
        row = HeldCertificate(
            sha256=returned.certificate,
            owner=str(owner),
            name=returned.name,
            serial=returned.serial,
            first_at=clock.now(),
        )
        tx.session.add(row)
        tx.session.flush()
        tx.audit("system", "signing.certificate_held", owner, {"sha256": row.sha256, "serial": row.serial})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
