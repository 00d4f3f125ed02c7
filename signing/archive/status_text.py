"""How a paper is kept, in one sentence for its page: the level that there is, what it waits for, since when, and when
the next try is. What is not known is not said."""

from datetime import datetime

from kernel import clock
from kernel.text import Phrase, phrase
from signing.archive.models import STAMPS, Waits
from signing.archive.preservation import Kept
from signing.pdf.timestamps import NO_TIME_STAMP
from signing.verdicts.verdict import Level

_LEVELS = {
    Level.OTHER: phrase("Chữ ký kiểu cũ, không theo mức lưu giữ nào"),
    Level.B_B: phrase("Chữ ký ở mức B-B"),
    Level.B_T: phrase("Chữ ký ở mức B-T"),
    Level.B_LT: phrase("Chữ ký ở mức B-LT"),
    Level.B_LTA: phrase("Chữ ký ở mức B-LTA"),
}
_WANTED = {
    Waits.TIME_STAMP: phrase("dấu thời gian"),
    Waits.VALIDATION: phrase("thông tin về chứng thư"),
    Waits.ARCHIVE_STAMP: phrase("dấu thời gian lưu trữ"),
}


def sentence(kept: Kept, now: datetime | None = None) -> Phrase:
    """The sentence for the page."""
    level, wanted = _with_time(kept), _WANTED.get(kept.waits)
    if wanted is not None:
        return _waiting(kept, level, wanted, now or clock.now())
    if kept.waits is Waits.LOOK:
        return phrase("{level}; dấu thời gian vừa nhận đang được kiểm tra.", level=level)
    if kept.waits is Waits.RENEWAL and kept.obstacle is not None:
        return _waiting(kept, level, _WANTED[Waits.VALIDATION], now or clock.now())
    if kept.waits is Waits.RENEWAL and kept.next_at is not None:
        day = kept.next_at.astimezone(clock.VN).strftime("%d/%m/%Y")
        return phrase("{level}; được gia hạn từ ngày {day}.", level=level, day=day)
    if kept.obstacle is not None:
        return phrase("{level} và không nâng lên được: {reason}", level=level, reason=kept.obstacle)
    return phrase("{level}.", level=level)


def tone(kept: Kept) -> str:
    """The tone in which a page says it: waiting is no failure, and only what is whole is green."""
    if kept.waits is Waits.RENEWAL and kept.obstacle is None:
        return "good" if kept.level is Level.B_LTA else "plain"
    return "plain" if kept.waits is Waits.NOTHING else "waiting"


def _with_time(kept: Kept) -> Phrase:
    """The level; with the proven moment when there is one."""
    name = _LEVELS[kept.level]
    if kept.proven_at is None:
        return name
    return phrase("{level}, ký trước {at}", level=name, at=_minute(kept.proven_at))


def _waiting(kept: Kept, level: Phrase, wanted: Phrase, now: datetime) -> Phrase:
    since = _minute(kept.since)
    if kept.next_at is None and kept.waits in STAMPS:
        return phrase(
            "{level}; chưa có {wanted} vì hệ thống chưa được khai báo đơn vị cấp dấu thời gian.",
            level=level,
            wanted=wanted,
        )
    if kept.next_at is None or kept.next_at <= now:
        return phrase("{level}, đang chờ {wanted} từ {since}; đang hỏi.", level=level, wanted=wanted, since=since)
    at = _minute(kept.next_at)
    if not kept.tries:
        return phrase(
            "{level}, đang chờ {wanted} từ {since}; sẽ hỏi lúc {at}.", level=level, wanted=wanted, since=since, at=at
        )
    if kept.obstacle not in (None, NO_TIME_STAMP):
        return phrase(
            "{level}, đang chờ {wanted} từ {since}; thử lại lúc {at}. {reason}",
            level=level,
            wanted=wanted,
            since=since,
            at=at,
            reason=kept.obstacle,
        )
    return phrase(
        "{level}, đang chờ {wanted} từ {since}; thử lại lúc {at}.", level=level, wanted=wanted, since=since, at=at
    )


def _minute(at: datetime) -> str:
    return at.astimezone(clock.VN).strftime("%H:%M %d/%m/%Y")
