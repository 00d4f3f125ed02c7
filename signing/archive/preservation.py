"""Keeping signed papers: time-stamp, validation data (B-LT), a time-stamp over that (B-LTA), a new one in good time.

What a paper waits for stands in its row; each step is a job (`archive.jobs`), and the received or sealed bytes stay
as they are: every step makes a new file beside them (docs/decisions/0009).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from kernel import clock
from kernel.db import Tx
from kernel.schema import insert_into
from kernel.text import Phrase, phrase
from signing import topics
from signing.archive.models import STAMPS, Archived, Waits
from signing.pdf.timestamps import NO_TIME_STAMP
from signing.verdicts.verdict import Level, Signer, phrase_from_json, phrase_to_json
from signing.verification.long_term import ORDER, Look

LOOK, STAMP = topics.ARCHIVE_LOOK, topics.ARCHIVE_STAMP

MAX_BYTES = 100 * 1024**2
"""Upgrading takes a file into memory, several times over; larger ones stay at their level, and the page says so."""

GRACE_PERIOD = timedelta(seconds=20)
"""What people wait for goes first; a time-stamp that is asked for a little later proves as much."""

SOON, LATER = timedelta(seconds=5), timedelta(minutes=15)
QUICK_TRIES = 3
"""An authority of time-stamps is asked three times in a row, then every quarter of an hour."""

ANSWERS_AFTER = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 6 * 60, 24 * 60))
"""Until the next look, while authorities' answers are missing; the last one holds on."""

A_WHILE = timedelta(hours=1)

ANOTHER_STAMP_AFTER = timedelta(days=14)
"""So long a time-stamp that proves nothing is looked at again before another one is asked for: each makes the file
longer, and as long as the authority is the same, so is the answer."""

FAR = timedelta(days=2)

RENEW_BEFORE = timedelta(days=100)
"""Renewal begins so long before the newest time-stamp's certificate ends: a sick authority has ten days until the
ninety that must be left."""

STAMP_OVERDUE, ANSWER_OVERDUE = timedelta(days=1), timedelta(days=7)
MUST_BE_LEFT = timedelta(days=90)

TOO_LARGE = phrase("Tệp quá lớn nên không nâng mức chữ ký được.")
UNSIGNED = phrase("Tệp không có chữ ký số.")


@dataclass(frozen=True)
class Kept:
    """How a paper is kept, for pages and for the evidence pack: see `Archived`."""

    sha256: str
    newest: str
    size: int
    level: Level
    waits: Waits
    since: datetime
    next_at: datetime | None
    tries: int
    obstacle: Phrase | None
    proven_at: datetime | None
    not_after: datetime | None

    @property
    def has_grown(self) -> bool:
        """Whether there is more to download than the original."""
        return self.newest != self.sha256


_watchers: list[Callable[[Tx, str], None]] = []


def watch(told: Callable[[Tx, str], None]) -> None:
    """Have `told` called with the SHA-256 of a paper whenever it has come further, in the same transaction."""
    if told not in _watchers:
        _watchers.append(told)


def keep(tx: Tx, sha256: str, size: int, level: Level, *, look_first: bool = False) -> bool:
    """Keep a signed paper from now on. `level` is what is known of it, or with `look_first` a mere guess. Answers False
    when it is kept already."""
    now = clock.now()
    large = size > MAX_BYTES
    stamped = look_first or level not in (Level.B_B, Level.OTHER)
    # Sealing and verification may begin to keep the same paper at the same moment.
    insert = insert_into(tx.session, Archived).values(
        sha256=sha256,
        newest=sha256,
        size=size,
        level=level,
        waits=Waits.NOTHING if large else Waits.LOOK if stamped else Waits.TIME_STAMP,
        since=now,
        next_at=None if large else now + GRACE_PERIOD,
        tries=0,
        obstacle=phrase_to_json(TOO_LARGE) if large else {},
        kept_at=now,
    )
    new = insert.on_conflict_do_nothing(index_elements=["sha256"]).returning(Archived.sha256)
    if tx.session.scalar(new) is None:
        return False
    enqueue(tx, tx.session.get_one(Archived, sha256))
    return True


def lowest_level(signers: Iterable[Signer]) -> Level:
    """The level of the signature that has come least far; OTHER when there is none."""
    return min((one.level for one in signers), key=ORDER.index, default=Level.OTHER)


def enqueue(tx: Tx, row: Archived) -> None:
    """Enqueue the next step of a paper, unless it is far away: the daily round finds those whose day has come."""
    if row.next_at is None or row.next_at - clock.now() > FAR:
        return
    topic = STAMP if row.waits in STAMPS else LOOK
    tx.outbox(topic, f"{row.newest}:{row.next_at.isoformat()}", {"sha256": row.sha256}, due_at=row.next_at)


def is_due(row: Archived | None, *waits: Waits) -> bool:
    """Whether the paper waits for one of these, and it is time."""
    return row is not None and row.waits in waits and row.next_at is not None and row.next_at <= clock.now()


def stamped(tx: Tx, row: Archived, newest: str, size: int) -> None:
    """A time-stamp came. What it is worth is for the next look to say."""
    row.newest, row.size = newest, size
    _now_waits(tx, row, Waits.LOOK, clock.now())


def not_stamped(tx: Tx, row: Archived, useless: Phrase | None = None) -> None:
    """The authority gave none: once more soon, then every quarter of an hour. No time is invented meanwhile.

    With `useless` it gave one that proves nothing, and why: asking often would not help, so the pauses grow."""
    row.tries += 1
    pause = SOON if row.tries < QUICK_TRIES else LATER
    if useless is not None:
        pause = ANSWERS_AFTER[min(row.tries, len(ANSWERS_AFTER)) - 1]
    row.next_at = clock.now() + pause
    row.obstacle = phrase_to_json(useless or NO_TIME_STAMP)
    enqueue(tx, row)
    _tell(tx, row)


def refused(tx: Tx, row: Archived, why: Phrase) -> None:
    """The file takes no update, and trying again would change nothing."""
    row.obstacle = phrase_to_json(why)
    _now_waits(tx, row, Waits.NOTHING, None)


def looked(tx: Tx, row: Archived, look: Look, grown: tuple[str, int] | None, *, can_stamp: bool) -> None:
    """Somebody has seen how far the paper has come; `grown` is the file with validation data, stored already.

    `can_stamp` says whether this installation has an authority for time-stamps.
    """
    now = clock.now()
    waits = step_after(look, ours=row.newest != row.sha256, renewing=row.waits == Waits.RENEWAL)
    if look.doubted and waits == row.waits == Waits.VALIDATION and now - row.since >= ANOTHER_STAMP_AFTER:
        waits = Waits.TIME_STAMP if look.proven_at is None else Waits.ARCHIVE_STAMP
    unsure = look.proven_at is None and not look.final
    if grown is not None:
        row.newest, row.size = grown
    if not (unsure and row.proven_at is not None):  # what was proven once is not lost while an authority is silent
        row.level, row.proven_at, row.not_after = look.level, look.proven_at, look.not_after
    obstacle = look.obstacle if unsure or waits in (Waits.VALIDATION, Waits.NOTHING) else None
    row.obstacle = phrase_to_json(obstacle or UNSIGNED) if obstacle or not look.signed else {}
    match waits:
        case Waits.RENEWAL if not unsure:
            _now_waits(tx, row, waits, renewal_of(look.not_after, now))
        case Waits.VALIDATION | Waits.RENEWAL:
            again = row.tries if row.waits == waits else 0
            _now_waits(tx, row, waits, now + ANSWERS_AFTER[min(again, len(ANSWERS_AFTER) - 1)], tries=again + 1)
        case Waits.TIME_STAMP | Waits.ARCHIVE_STAMP:
            _now_waits(tx, row, waits, now if can_stamp else None)
        case _:
            _now_waits(tx, row, waits, None)


def step_after(look: Look, *, ours: bool, renewing: bool) -> Waits:
    """What a paper waits for next. `ours`: we have added to it already, so that what it still lacks is not a first
    time-stamp; `renewing`: the day of its renewal has come."""
    if not look.signed or look.final:
        return Waits.NOTHING
    if look.proven_at is None and renewing:
        return Waits.RENEWAL
    if look.proven_at is None:
        return Waits.VALIDATION if ours else Waits.TIME_STAMP
    if look.level is Level.B_T or (look.doubted and ours and not renewing):
        return Waits.VALIDATION  # ours does not count yet: the next one from the same authority would not either
    if look.level is Level.B_LT or renewing or look.not_after is None:
        return Waits.ARCHIVE_STAMP
    return Waits.RENEWAL


def renewal_of(not_after: datetime | None, now: datetime) -> datetime | None:
    """When a paper needs its next time-stamp. An authority whose certificate ends soon anyway is not asked each day:
    half of what is left has to pass first."""
    if not_after is None:
        return None
    return max(not_after - RENEW_BEFORE, now + max(timedelta(days=1), (not_after - now) / 2))


def kept(tx: Tx, digests: Iterable[str]) -> dict[str, Kept]:
    """How these papers are kept, by their SHA-256; those that are not are left out."""
    rows = tx.session.scalars(sa.select(Archived).where(Archived.sha256.in_(list(digests))))
    return {row.sha256: _view(row) for row in rows}


def waiting_for_stamps(tx: Tx) -> int:
    """How many papers an authority of time-stamps is to be asked about as soon as it can be."""
    soon = sa.and_(Archived.waits.in_((*STAMPS, Waits.LOOK)), Archived.next_at <= clock.now() + A_WHILE)
    return tx.session.scalar(sa.select(sa.func.count()).where(soon)) or 0


@dataclass(frozen=True)
class Late:
    """How many papers wait too long, by what they wait for; `since` is when the oldest of `stamps` began to wait."""

    stamps: int
    answers: int
    renewals: int
    since: datetime | None


def late(tx: Tx) -> Late:
    """Papers that wait longer than they should: a day for a time-stamp, a week for answers, ninety days before the end
    for a renewal."""
    now = clock.now()
    counted = sa.select(sa.func.count(), sa.func.min(Archived.since))
    stamps, since = tx.session.execute(
        counted.where(Archived.waits.in_(STAMPS), Archived.since < now - STAMP_OVERDUE, Archived.next_at.is_not(None))
    ).one()
    answers, _ = tx.session.execute(
        counted.where(Archived.waits == Waits.VALIDATION, Archived.since < now - ANSWER_OVERDUE)
    ).one()
    ending = sa.and_(Archived.not_after < now + MUST_BE_LEFT, Archived.waits.in_((Waits.RENEWAL, Waits.ARCHIVE_STAMP)))
    renewals, _ = tx.session.execute(counted.where(ending, Archived.next_at < now - STAMP_OVERDUE)).one()
    return Late(stamps, answers, renewals, since)


def _view(row: Archived) -> Kept:
    return Kept(
        sha256=row.sha256,
        newest=row.newest,
        size=row.size,
        level=Level(row.level),
        waits=Waits(row.waits),
        since=row.since,
        next_at=row.next_at,
        tries=row.tries,
        obstacle=phrase_from_json(row.obstacle) if row.obstacle else None,
        proven_at=row.proven_at,
        not_after=row.not_after,
    )


def _now_waits(tx: Tx, row: Archived, waits: Waits, next_at: datetime | None, *, tries: int = 0) -> None:
    if row.waits != waits:
        row.since = clock.now()
    row.waits, row.next_at, row.tries = waits, next_at, tries
    enqueue(tx, row)
    _tell(tx, row)


def _tell(tx: Tx, row: Archived) -> None:
    for told in _watchers:
        told(tx, row.sha256)
