"""Reads a deadline as people type it. Words ("thứ Sáu", "trong 2 ngày làm việc") are added behind `read`."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from kernel.clock import VN
from kernel.errors import Invalid
from kernel.text import fold, phrase
from kernel.worktime import AFTERNOON

YEARS = 20
FARTHEST = timedelta(days=366 * YEARS)
_SHAPE = re.compile(
    r"(?:(?P<hour>\d{1,2})(?::|h|g)(?P<minute>\d{2})?\s*(?:ngay\s*)?[,\s]\s*)?"
    r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})"
    r"(?:[,\s]\s*(?P<hour2>\d{1,2})(?::|h|g)(?P<minute2>\d{2})?)?"
)


@dataclass(frozen=True)
class Deadline:
    """An instant and the words that made it."""

    at: datetime
    rule: str


def read(text: str, now: datetime, field: str = "deadline") -> Deadline | None:
    """The deadline in `27/11/2026 17:00`, `17h30 ngày 27/11/2026` or `27/11/2026`; without an hour it is the close of
    office hours. None for an empty text. Invalid names `field` for anything unclear, and for the past."""
    folded = fold(text)
    if not folded:
        return None
    match = _SHAPE.fullmatch(folded)
    if match is None or (match["hour"] and match["hour2"]):
        raise Invalid({field: phrase("Không đọc được hạn này. Viết ví dụ 27/11/2026 17:00.")})
    try:
        at = datetime.combine(
            datetime(int(match["year"]), int(match["month"]), int(match["day"]), tzinfo=VN).date(), _hour(match), VN
        )
    except ValueError:
        raise Invalid({field: phrase("Ngày hoặc giờ này không có thật, xin xem lại.")}) from None
    check(at, now, field)
    return Deadline(at, " ".join(text.split()))


def check(at: datetime, now: datetime, field: str = "deadline") -> None:
    """Invalid for the past, and for a year so far away that it is a slip of the finger: reminders are counted out in
    working time, day by day."""
    if at <= now:
        raise Invalid({field: phrase("Hạn này đã qua, xin chọn thời điểm sau bây giờ.")})
    if at > now + FARTHEST:
        raise Invalid({field: phrase("Hạn này quá xa. Xin xem lại năm; nhiều nhất {years} năm.", years=YEARS)})


def _hour(match: re.Match[str]) -> time:
    hour, minute = match["hour"] or match["hour2"], match["minute"] or match["minute2"]
    return time(int(hour), int(minute or 0)) if hour else AFTERNOON[1]
