"""The jobs of the evidence log: numbering what waits, each minute, and the time-stamp of a new head."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from asn1crypto import cms

from kernel import clock, outbox
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.errors import Unavailable
from kernel.outbox import Handler, Job, SendError
from signing import topics
from signing.log import evidence_log
from signing.log.models import LogHead
from signing.pdf.pades import run
from signing.pdf.signed_file import BROKEN
from signing.pdf.timestamps import TimeStamps, token_over
from signing.sandbox.runner import SandboxError, run_sandboxed
from signing.testca.trial import time_stamps_of, trust_of
from signing.trust.trust_store import Purpose, Trust
from signing.verdicts.reasons import Code
from signing.verification.certificate_chains import CLOCK_SKEW
from signing.verification.embedded_proofs import Carried, Stamp, verify_token

log_ = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
AGAIN_S = 15 * 60.0
USEFUL = timedelta(days=7)


def register(config: Config) -> None:
    """Make this process able to do them."""
    outbox.register(SequenceHandler())
    outbox.register(StampHandler(lambda: time_stamps_of(config), lambda tx: trust_of(tx, config)))


def begin(db: Database) -> None:
    """See to it that the next minute's turn is enqueued; every turn enqueues the one after it."""
    with db.write() as tx:
        enqueue(tx)


def enqueue(tx: Tx) -> None:
    """Enqueue the turn at the end of this minute."""
    at = clock.now().replace(second=0, microsecond=0) + EVERY
    tx.outbox(topics.SEQUENCE, at.isoformat(), due_at=at)


class SequenceHandler(Handler[bool, bool]):
    """Number what waits and sign the head. The next turn is enqueued first and for itself, so that a turn that fails
    is made good by the next one."""

    topic = topics.SEQUENCE

    def prepare(self, tx: Tx, job: Job) -> bool:
        """Enqueue the next turn."""
        enqueue(tx)
        return True

    def perform(self, prepared: bool) -> bool:
        """Nothing happens outside the database."""
        return prepared

    def conclude(self, tx: Tx, job: Job, result: bool) -> None:
        """All or nothing: numbers, hashes and head; a full batch is followed by the next at once."""
        head = evidence_log.sequence(tx)
        if head is None:
            return
        tx.outbox(topics.STAMP_HEAD, str(head.size), {"size": head.size}, expires_at=clock.now() + USEFUL)
        if evidence_log.waits(tx):
            tx.outbox(topics.SEQUENCE, f"after {head.size}")


@dataclass(frozen=True)
class Question:
    """A signed head to be stamped, and what is trusted now."""

    jws: str
    trust: Trust


@dataclass(frozen=True)
class Stamped:
    """The time-stamp over a head, and the moment that it says."""

    token: bytes
    at: datetime


class StampHandler(Handler[Question, Stamped]):
    """Have an authority time-stamp a signed head. A later head proves the earlier ones, so one that waits while a later
    one has its time-stamp needs none of its own. A token that proves nothing is a failed try: once kept, nobody would
    ask again, for this head or for those before it."""

    topic = topics.STAMP_HEAD
    at_once = 1  # beside three for papers (archive.jobs): the authority is asked four things at a time

    def __init__(self, source: Callable[[], TimeStamps | None], trust: Callable[[Tx], Trust]) -> None:
        self._source, self._trust = source, trust

    def prepare(self, tx: Tx, job: Job) -> Question | None:
        """The signature to be stamped."""
        head = tx.session.get(LogHead, job.payload["size"])
        if head is None or head.token is not None or evidence_log.is_proved_later(tx, head.size):
            return None
        return Question(head.jws, self._trust(tx)) if self._source() is not None else None

    def perform(self, prepared: Question) -> Stamped:
        """Ask, which may take minutes, and verify the answer in a process of its own."""
        source = self._source()
        if source is None:
            raise SendError("no time-stamp authority is set", permanent=True)
        over = prepared.jws.encode()
        try:
            token = token_over(sha256(over).digest(), source)
            at = run_sandboxed(time_proved, token, over, prepared.trust, clock.now())
        except (Unavailable, SandboxError) as error:
            raise SendError(str(error), permanent=False, retry_after_s=AGAIN_S) from error
        if isinstance(at, str):
            log_.warning("a time-stamp over the log was refused: %s", at)
            raise SendError(f"the time-stamp proves nothing: {at}", permanent=False, retry_after_s=AGAIN_S)
        return Stamped(token, at)

    def conclude(self, tx: Tx, job: Job, result: Stamped) -> None:
        """Keep it; the first one stays."""
        head = tx.session.get_one(LogHead, job.payload["size"], with_for_update=True)
        if head.token is None:
            head.token, head.stamped_at = result.token, result.at


def time_proved(token: bytes, over: bytes, trust: Trust, moment: datetime) -> datetime | str:
    """The moment that a time-stamp proves for these bytes (RFC 3161 §2.4.2, genTime), or the code of why it proves
    none, as of `moment`.

    Its signature must be right, and where roots for time-stamps are trusted, its certificate must lead to one; that
    revocation is not known yet may be mended later. Without such roots nobody can say who signed it.
    """
    try:
        signed = cms.ContentInfo.load(token)["content"]
        said: datetime = signed["encap_content_info"]["content"].parsed["gen_time"].native
        imprint = lambda algorithm: hashlib.new(algorithm, over).digest()  # noqa: E731
        verified = run(verify_token(signed, imprint, "log", trust, moment, Carried()))
    except BROKEN:
        return Code.TIMESTAMP_BROKEN.value
    if isinstance(verified, Stamp):
        return verified.at
    code = verified.reason.code
    if code != Code.TIMESTAMP_UNTRUSTED.value or (trust.roots(Purpose.TSA) and not verified.path):
        return code
    return said if said <= moment + CLOCK_SKEW else Code.TIMESTAMP_ORDER.value
