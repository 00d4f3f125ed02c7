"""The jobs of the archive: asking for a time-stamp, seeing how far a paper has come, and the daily round.

Files are worked on in processes of their own, and no transaction is open meanwhile. Every step reads in the row what
there is to do, so that doing it again does nothing.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from kernel import clock, outbox
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.errors import Invalid, Unavailable
from kernel.outbox import Handler, Job
from kernel.storage.blobs import Blob, BlobStore, read_all
from kernel.text import Phrase, phrase
from signing import topics
from signing.archive import preservation
from signing.archive.models import STAMPS, Archived, Waits
from signing.pdf.pades import prepare_timestamp
from signing.pdf.timestamps import TimeStamps, token_over
from signing.sandbox import runner
from signing.sandbox.runner import SandboxError, run_sandboxed
from signing.testca.trial import time_stamps_of, trust_of
from signing.trust import revocation
from signing.trust.trust_store import Trust
from signing.verdicts.verdict import phrase_to_json
from signing.verification.long_term import Look, look_into, no_use_of

DUE = topics.ARCHIVE_DUE
A_DAY = timedelta(days=1)
LOST_AFTER = timedelta(hours=1)
"""A step that should have been done so long ago has no job any more."""
BATCH_SIZE = 500

TECHNICAL = phrase("Máy chủ gặp lỗi kỹ thuật, hệ thống sẽ thử lại.")

Source = Callable[[], TimeStamps | None]


def register(config: Config, blobs: BlobStore) -> None:
    """Make this process able to do them."""

    def source() -> TimeStamps | None:
        return time_stamps_of(config)

    def trust(tx: Tx) -> Trust:
        return trust_of(tx, config)

    outbox.register(StampHandler(blobs, source, trust))
    outbox.register(LookHandler(blobs, source, trust))
    outbox.register(DueHandler(source))


def begin(db: Database) -> None:
    """See to it that today's round is enqueued; every round enqueues the next one."""
    with db.write() as tx:
        tx.outbox(DUE, clock.today().isoformat())


@dataclass(frozen=True)
class Step:
    """What to work on: the newest file of a paper, and what is trusted. `over_answers`: the time-stamp is not the first
    one, but lies over authorities' answers."""

    newest: str
    trust: Trust
    renewing: bool = False
    over_answers: bool = False


@dataclass(frozen=True)
class Stamped:
    """What came of asking for a time-stamp over `before`: a new file, or a word on why the file takes none or why the
    time-stamp is `useless`, or none of them when the authority gave no answer."""

    before: str
    blob: Blob | None = None
    refused: Phrase | None = None
    useless: Phrase | None = None


def put_off(tx: Tx, job: Job) -> None:
    """A failure of our own: said on the page, tried again tomorrow."""
    row = _locked(tx, job)
    if row is not None:
        row.obstacle, row.next_at = phrase_to_json(TECHNICAL), clock.now() + A_DAY
        preservation.enqueue(tx, row)


class StampHandler(Handler[Step, Stamped]):
    """Ask an authority for a time-stamp over the newest file. It may take minutes, and is asked by few at a time."""

    topic = preservation.STAMP
    at_once = 3  # with the log's heads four

    def __init__(self, blobs: BlobStore, source: Source, trust: Callable[[Tx], Trust]) -> None:
        self._blobs, self._source, self._trust = blobs, source, trust

    def prepare(self, tx: Tx, job: Job) -> Step | None:
        """The file; None when it has got its time-stamp meanwhile."""
        row = _locked(tx, job)
        if row is None or not preservation.is_due(row, *STAMPS):
            return None
        if self._source() is None:
            row.next_at = None  # nobody to ask; the daily round asks again when there is somebody
            return None
        return Step(row.newest, self._trust(tx), over_answers=row.waits == Waits.ARCHIVE_STAMP)

    def perform(self, prepared: Step) -> Stamped:
        """Make room in a process of its own, ask, put the answer in.

        The first time-stamp is taken as it is, since it may come to count. One over authorities' answers must be worth
        something: it would only make the file longer, and every verdict on it unclear.
        """
        source = self._source()
        if source is None:
            return Stamped(prepared.newest)
        data = read_all(self._blobs, prepared.newest)
        try:
            unstamped = run_sandboxed(prepare_timestamp, data, source.room)
            token = token_over(unstamped.digest, source)
            if prepared.over_answers and (useless := no_use_of(token, unstamped.digest, prepared.trust)):
                return Stamped(prepared.newest, useless=useless)
            stamped = unstamped.stamped(token)
        except Unavailable:
            return Stamped(prepared.newest)
        except Invalid as error:
            return Stamped(prepared.newest, refused=next(iter(error.fields.values())))
        except SandboxError as broken:
            return Stamped(prepared.newest, refused=runner.error_phrase(broken))
        return Stamped(prepared.newest, self._blobs.put(io.BytesIO(stamped)))

    def conclude(self, tx: Tx, job: Job, result: Stamped) -> None:
        """The new file is the newest, unless another job was faster."""
        row = _locked(tx, job)
        if row is None or row.newest != result.before or row.waits not in STAMPS:
            return
        if result.refused is not None:
            preservation.refused(tx, row, result.refused)
        elif result.blob is None:
            preservation.not_stamped(tx, row, result.useless)
        else:
            preservation.stamped(tx, row, result.blob.sha256, result.blob.size)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """A failure of our own ends no paper's way."""
        put_off(tx, job)


@dataclass(frozen=True)
class Looked:
    """What was seen in the file `before`, and the file with validation data when that could be added."""

    before: str
    look: Look | None
    grown: Blob | None = None
    refused: Phrase | None = None
    wanted: tuple[revocation.Pair, ...] = ()


class LookHandler(Handler[Step, Looked]):
    """See how far a paper has come, and put into it what a later check needs."""

    topic = preservation.LOOK
    at_once = 2  # nobody waits for these, so they leave the other threads to work that somebody waits for

    def __init__(self, blobs: BlobStore, source: Source, trust: Callable[[Tx], Trust]) -> None:
        self._blobs, self._source, self._trust = blobs, source, trust

    def prepare(self, tx: Tx, job: Job) -> Step | None:
        """The newest file and what is trusted now."""
        row = _locked(tx, job)
        if row is None or not preservation.is_due(row, Waits.LOOK, Waits.VALIDATION, Waits.RENEWAL):
            return None
        return Step(row.newest, self._trust(tx), renewing=row.waits == Waits.RENEWAL)

    def perform(self, prepared: Step) -> Looked:
        """Look into it in a process of its own."""
        data = read_all(self._blobs, prepared.newest)
        try:
            look = run_sandboxed(look_into, data, prepared.trust, renewing=prepared.renewing)
        except Invalid as error:
            return Looked(prepared.newest, None, refused=next(iter(error.fields.values())))
        except SandboxError as broken:
            return Looked(prepared.newest, None, refused=runner.error_phrase(broken))
        grown = self._blobs.put(io.BytesIO(data + look.added)) if look.added else None
        return Looked(prepared.newest, look, grown, wanted=tuple(revocation.pairs_in(look.lines, prepared.trust)))

    def conclude(self, tx: Tx, job: Job, result: Looked) -> None:
        """Keep what was seen, ask authorities about what is not known, enqueue the next step."""
        row = _locked(tx, job)
        if row is None or row.newest != result.before or row.waits in STAMPS:
            return
        if result.look is None:
            preservation.refused(tx, row, result.refused or TECHNICAL)
            return
        revocation.want(tx, result.wanted)
        grown = (result.grown.sha256, result.grown.size) if result.grown else None
        preservation.looked(tx, row, result.look, grown, can_stamp=self._source() is not None)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """A failure of our own ends no paper's way."""
        put_off(tx, job)


class DueHandler(Handler[bool, bool]):
    """The daily round: papers whose time-stamp needs a successor, and those whose job was lost.

    The next round is enqueued first and for itself, so that a round that fails is made good by the next one.
    """

    topic = DUE

    def __init__(self, source: Source) -> None:
        self._source = source

    def prepare(self, tx: Tx, job: Job) -> bool:
        """Enqueue the next round, unless this one only goes on."""
        if job.payload:
            return True
        tomorrow = clock.today() + A_DAY
        tx.outbox(DUE, tomorrow.isoformat(), due_at=clock.now() + A_DAY)
        return True

    def perform(self, prepared: bool) -> bool:
        """Nothing happens outside the database; whether anybody could be asked for a time-stamp."""
        return self._source() is not None

    def conclude(self, tx: Tx, job: Job, result: bool) -> None:
        """Enqueue a step for each; a full batch is followed by the next at once."""
        after = job.payload.get("after", "")
        rows = list(tx.session.scalars(_overdue(clock.now(), after, can_stamp=result)))
        for row in rows:
            row.next_at = clock.now()
            preservation.enqueue(tx, row)
        if len(rows) == BATCH_SIZE:
            tx.outbox(DUE, f"{job.key}+", {"after": rows[-1].sha256})


def _overdue(now: datetime, after: str, *, can_stamp: bool) -> sa.Select[Archived]:
    """Whose day has come, whose job was lost, and who waits for the first authority that can be asked."""
    late = sa.and_(Archived.waits != Waits.RENEWAL, Archived.next_at <= now - LOST_AFTER)
    come = sa.and_(Archived.waits == Waits.RENEWAL, Archived.next_at <= now)
    asked = sa.and_(Archived.waits.in_(STAMPS), Archived.next_at.is_(None), sa.literal(can_stamp))
    query = sa.select(Archived).where(sa.or_(late, come, asked), Archived.sha256 > after)
    return query.order_by(Archived.sha256).limit(BATCH_SIZE).with_for_update()


def _locked(tx: Tx, job: Job) -> Archived | None:
    return tx.session.get(Archived, job.payload["sha256"], with_for_update=True, populate_existing=True)
