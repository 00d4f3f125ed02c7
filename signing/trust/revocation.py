"""What is known about revocation: asked for by jobs at half the life of each answer, never in a request.

Verifications name the certificates that they want to know about; only such get asked about that lead to a trusted root.
A list of the issuer answers for all its certificates, so an OCSP responder is asked only where there is no list, or
none can be had. An answer that has ended is still good for the soft window: the verdict says "unclear, was good until".
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import sqlalchemy as sa
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from directory.access import require_instance_admin
from directory.actor import Actor
from kernel import clock
from kernel.backoff import pause
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.outbox import Handler, Job
from kernel.schema import insert_into
from kernel.text import phrase
from signing import topics
from signing.trust import fetching
from signing.trust.anchors import CHAIN
from signing.trust.fetching import NotFetched
from signing.trust.models import Intermediate, RevocationSource, TrustedRoot
from signing.trust.revocation_answers import (
    Answer,
    list_addresses,
    question_about,
    read_list,
    read_response,
    responder_addresses,
)
from signing.trust.trust_store import Trust
from signing.verdicts.verdict import Verdict

TOPIC = topics.REVOCATION
LIST, ANSWER = "crl", "ocsp"
SOONEST, LATEST = timedelta(minutes=5), timedelta(hours=24)
FORGOTTEN_AFTER = timedelta(days=60)
MAX_FAILURES = 3
"""Failures of a list in a row after which the responder is asked, too."""

Pair = tuple[x509.Certificate, x509.Certificate]
"""A certificate and its issuer."""


def pairs_of(verdict: Verdict, trust: Trust) -> list[Pair]:
    """Whose revocation a verdict rests on: the certificates of chains that really lead to a trusted root.

    The addresses to ask stand in these certificates, so each signature up to the root is checked here, too.
    """
    details = verdict.report.get("signatures", ())
    return pairs_in(([base64.b64decode(der) for der in one.get("certificates", ())] for one in details), trust)


def pairs_in(lines: Iterable[Sequence[bytes]], trust: Trust) -> list[Pair]:
    """The same for chains in DER, the signer's certificate first."""
    roots = {anchor.sha256 for anchor in trust.anchors}
    found: list[Pair] = []
    for ders in lines:
        line = [x509.load_der_x509_certificate(der) for der in ders]
        pairs = list(pairwise(line))
        if line and _digest(line[-1]) in roots and all(_issued(one, by) for one, by in pairs):
            found += pairs
    return found


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def want(tx: Tx, pairs: Iterable[Pair]) -> bool:
    """See to it that these certificates are asked about. Answers whether something new is on its way."""
    unique = {_digest(certificate): (certificate, issuer) for certificate, issuer in pairs}
    asked = [_want(tx, certificate, issuer) for certificate, issuer in unique.values()]
    return any(asked)


def want_for_store(tx: Tx) -> None:
    """The lists of the authorities in the store are wanted before the first verification needs them."""
    tx.session.flush()
    roots = tx.session.scalars(sa.select(TrustedRoot.certificate)).all()
    between = tx.session.scalars(sa.select(Intermediate.certificate)).all()
    authorities = [x509.load_der_x509_certificate(der) for der in (*roots, *between)]
    certificates = [x509.load_der_x509_certificate(der) for der in between]
    want(tx, [(one, above) for one in certificates for above in authorities if one.issuer == above.subject])


def _want(tx: Tx, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    lists, responders = list_addresses(certificate), responder_addresses(certificate)
    row = _wanted(tx, LIST, lists[0], certificate, issuer) if lists else None
    asked = row is not None and _is_coming(row)
    usable = row is not None and row.failures < MAX_FAILURES
    if responders and not usable:
        asked = _is_coming(_wanted(tx, ANSWER, responders[0], certificate, issuer)) or asked
    return asked


def _wanted(tx: Tx, kind: str, url: str, certificate: x509.Certificate, issuer: x509.Certificate) -> RevocationSource:
    about = issuer if kind == LIST else certificate
    key = f"{kind}:{_digest(about)}:{hashlib.sha256(url.encode()).hexdigest()[:16]}"
    row = tx.session.scalar(sa.select(RevocationSource).where(RevocationSource.key == key))
    if row is None:
        row = _entered(tx, key, kind, url, issuer, None if kind == LIST else certificate)
        _enqueue(tx, row, clock.now())
    else:
        _keep_wanted(tx, row)
    return row


def _keep_wanted(tx: Tx, row: RevocationSource) -> None:
    """Once a day it is noted that somebody wants it; a job that got lost is enqueued again."""
    now = clock.now()
    if now - row.wanted_at > timedelta(days=1):
        row.wanted_at = now
    if row.url and (row.due_at is None or now - row.due_at > timedelta(hours=1)):
        _enqueue(tx, row, now)


def _is_coming(row: RevocationSource) -> bool:
    """Whether an answer that was never there may come soon."""
    return row.answer is None and row.failures < MAX_FAILURES


def _entered(
    tx: Tx, key: str, kind: str, url: str, issuer: x509.Certificate, certificate: x509.Certificate | None
) -> RevocationSource:
    values = {
        "key": key,
        "kind": kind,
        "url": url,
        "issuer": issuer.public_bytes(Encoding.DER),
        "issuer_name": _name(issuer),
        "certificate": certificate.public_bytes(Encoding.DER) if certificate else None,
        "sha256": "",
        "failures": 0,
        "problem": "",
        "wanted_at": clock.now(),
    }
    insert = insert_into(tx.session, RevocationSource).values(**values)
    tx.session.execute(insert.on_conflict_do_nothing(index_elements=["key"]))
    return tx.session.scalars(sa.select(RevocationSource).where(RevocationSource.key == key)).one()


def ask_now(tx: Tx, actor: Actor, source_id: int) -> None:
    """An administrator wants a fresh answer at once."""
    require_instance_admin(tx, actor)
    row = tx.session.get(RevocationSource, source_id, with_for_update=True)
    if row is None or not row.url:
        raise NotFound()
    _enqueue(tx, row, clock.now())


def add_list(tx: Tx, actor: Actor, data: bytes) -> RevocationSource:
    """Keep a revocation list that an administrator brings, for machines without a way to the authority.

    Invalid unless an authority of the store has signed it, and it is newer than the one that is there.
    """
    require_instance_admin(tx, actor)
    stored = (*tx.session.scalars(sa.select(TrustedRoot.certificate)).all(),)
    stored += (*tx.session.scalars(sa.select(Intermediate.certificate)).all(),)
    problem = "wrong_signature"
    for issuer in map(x509.load_der_x509_certificate, stored):
        try:
            answer = read_list(data, issuer, clock.now())
        except NotFetched as refused:
            problem = refused.reason
            if problem == "wrong_signature":
                continue
            break
        row = _entered(tx, f"{LIST}:{_digest(issuer)}:", LIST, "", issuer, None)
        if row.this_update is not None and answer.this_update < row.this_update:
            problem = "older"
            break
        _keep(row, answer)
        tx.audit(CHAIN, "signing.list_added", detail={"sha256": row.sha256, "label": row.issuer_name})
        return row
    said = phrase("Danh sách thu hồi này không do CA nào trong kho tin cậy ký.")
    raise Invalid({"list": said if problem == "wrong_signature" else fetching.words(problem)})


@dataclass(frozen=True)
class Question:
    """What to ask, where, and whose answer it must be."""

    source_id: int
    kind: str
    url: str
    issuer: bytes
    certificate: bytes | None


@dataclass(frozen=True)
class Outcome:
    """How asking ended: an answer, or a code of `fetching.words`."""

    answer: Answer | None
    problem: str = ""


class RevocationHandler(Handler[Question, Outcome]):
    """Ask one authority. Asking twice does no harm; the next time is enqueued with each answer."""

    topic = TOPIC

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self.hosts = hosts

    def prepare(self, tx: Tx, job: Job) -> Question | None:
        """What to ask; None when another job has asked meanwhile, or nobody wants to know any more."""
        row = tx.session.get(RevocationSource, job.payload["source_id"], with_for_update=True)
        if row is None or row.due_at is None or row.due_at > clock.now():
            return None
        if clock.now() - row.wanted_at > FORGOTTEN_AFTER and not _in_store(tx, row):
            tx.session.delete(row)
            return None
        return Question(row.id, row.kind, row.url, row.issuer, row.certificate)

    def perform(self, prepared: Question) -> Outcome:
        """Ask and read."""
        issuer = x509.load_der_x509_certificate(prepared.issuer)
        try:
            if prepared.certificate is None:
                return Outcome(read_list(fetching.fetched(prepared.url, self.hosts), issuer, clock.now()))
            certificate = x509.load_der_x509_certificate(prepared.certificate)
            question = question_about(certificate, issuer)
            data = fetching.fetched(prepared.url, self.hosts, question=question)
            return Outcome(read_response(data, certificate, issuer, clock.now()))
        except NotFetched as refused:
            return Outcome(None, refused.reason)

    def conclude(self, tx: Tx, job: Job, result: Outcome) -> None:
        """Keep the answer unless a newer one is there, and enqueue the next question."""
        row = tx.session.get(RevocationSource, job.payload["source_id"], with_for_update=True, populate_existing=True)
        if row is None:
            return
        if result.answer is None:
            _failed(row, result.problem)
        elif row.this_update is not None and result.answer.this_update < row.this_update:
            _failed(row, "older")
        else:
            _keep(row, result.answer)
        _enqueue(tx, row, clock.now() + _wait(row))

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """A failure of our own: said on the page, and tried again later."""
        row = tx.session.get(RevocationSource, job.payload["source_id"], with_for_update=True)
        if row is not None:
            _failed(row, "no_answer")
            _enqueue(tx, row, clock.now() + _wait(row))


def _keep(row: RevocationSource, answer: Answer) -> None:
    row.answer, row.sha256 = answer.data, hashlib.sha256(answer.data).hexdigest()
    row.this_update, row.next_update = answer.this_update, answer.next_update
    row.fetched_at, row.failures, row.problem = clock.now(), 0, ""


def _failed(row: RevocationSource, problem: str) -> None:
    row.failures, row.problem = row.failures + 1, problem


def _wait(row: RevocationSource) -> timedelta:
    """Until half the life of the answer has gone; after failures as long as failures make wait."""
    if row.failures or row.this_update is None or row.next_update is None:
        return pause(row.failures)
    half = row.this_update + (row.next_update - row.this_update) / 2
    return min(LATEST, max(SOONEST, half - clock.now()))


def _enqueue(tx: Tx, row: RevocationSource, due_at: datetime) -> None:
    row.due_at = due_at
    tx.outbox(TOPIC, f"{row.id}:{due_at.isoformat()}", {"source_id": row.id}, due_at=due_at)


def _in_store(tx: Tx, row: RevocationSource) -> bool:
    fingerprint = hashlib.sha256(row.issuer).hexdigest()
    stored = (tx.session.get(TrustedRoot, fingerprint), tx.session.get(Intermediate, fingerprint))
    return row.kind == LIST and any(one is not None for one in stored)


def _digest(certificate: x509.Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.oid.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
