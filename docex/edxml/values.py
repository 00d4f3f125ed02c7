"""The small values of the format: dates with slashes, local times, numbers, as written and as met."""

import re
import unicodedata
from datetime import UTC, date, datetime

from kernel.clock import VN
from kernel.text import nfc

_ZONE = r"(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)"
_YEAR_FIRST = re.compile(rf"(\d{{4}})[/.-](\d{{1,2}})[/.-](\d{{1,2}})(?:[T ].*|{_ZONE})?$")
_YEAR_LAST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[T ].*)?$")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})$")
_TIME = re.compile(rf"[T ](\d{{1,2}}):(\d{{2}})(?::(\d{{2}})(?:[.,]\d+)?)?\s*((?i:AM|PM|SA|CH))?\s*({_ZONE})?$")
_BARE_ZONE = re.compile(rf"(?<=\d){_ZONE}$")
_AMERICAN = ("AM", "PM")
_YEARS = range(1900, 9999)
"""Some libraries write the year 1 or the year 9999 for "no date"."""
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """A value as it is written and as it reads back: composed, trimmed, without what XML cannot carry."""
    legal = _ILLEGAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return nfc(legal).strip()


_LINE_END = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")


def plain(text: str) -> str:
    """The text as people see it: blanks of any width as blanks, all line ends as one kind, nothing that has no shape.

    Composed last, because what is dropped may have stood between a letter and its mark.
    """
    return nfc("".join(map(_shown, _LINE_END.sub("\n", text))))


def _shown(char: str) -> str:
    if char in "\n\t" or char.isprintable():
        return char
    return " " if unicodedata.category(char) == "Zs" else ""


def read_date(text: str) -> date | None:
    """A date as `yyyy/MM/dd` or one of the forms that foreign systems use; None when it means "no date".

    A time with a zone is the day on which it is in Vietnam: 17:00 UTC is the next one. With AM or PM the month stands
    before the day, if it can be one. Raises ValueError for text that is no date: a month 13 is refused, never rolled
    over.
    """
    day = _written_day(text)
    time = _TIME.search(text)
    return _at(day, time).astimezone(VN).date() if day and time and time[5] else day


def read_instant(text: str) -> datetime | None:
    """A time as `yyyy/MM/dd HH:mm:ss`, in Vietnam unless a zone is written; a bare date is its midnight.

    Raises ValueError for text that is no time.
    """
    day = _written_day(text)
    if day is None:
        return None
    time = _TIME.search(text)
    if time is None and ":" in _BARE_ZONE.sub("", text):
        raise ValueError(text)
    return (_at(day, time) if time else datetime(day.year, day.month, day.day, tzinfo=VN)).astimezone(UTC)


def _written_day(text: str) -> date | None:
    if not text:
        return None
    if match := _YEAR_FIRST.match(text) or _COMPACT.match(text):
        year, month, day = (int(part) for part in match.groups())
    elif match := _YEAR_LAST.match(text):
        day, month, year = (int(part) for part in match.groups())
        time = _TIME.search(text)
        if time and (time[4] or "").upper() in _AMERICAN and day <= 12:  # no month is a thirteenth
            day, month = month, day
    else:
        raise ValueError(text)
    return date(year, month, day) if year in _YEARS else None


def _at(day: date, time: re.Match[str]) -> datetime:
    hour, minute, second, half, zone = time.groups()
    number = int(hour)
    if half:
        number = number % 12 + (12 if half.upper() in ("PM", "CH") else 0)
    plain = f"{day.isoformat()}T{number:02}:{minute}:{second or '00'}"
    if not zone:
        return datetime.fromisoformat(plain).replace(tzinfo=VN)
    return datetime.fromisoformat(plain + (zone if zone[0] in "+-" else "+00:00"))


def read_int(text: str) -> int | None:
    """A plain decimal number of at most nine digits, or None."""
    return int(text) if re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII) else None


def read_amount(text: str) -> int | None:
    """A number that may be followed by what it counts (`12 bản`, `02 trang`), or None."""
    match = re.fullmatch(r"([0-9]{1,9})(?:[^\W\d_]|\s)*", text)
    return int(match[1]) if match else None


def read_flag(text: str) -> bool:
    """`true` and `1` in any case; everything else is no."""
    return text.lower() in ("true", "1", "yes")


def date_text(day: date | None) -> str:
    """`yyyy/MM/dd`, or ""."""
    return f"{day.year:04}/{day.month:02}/{day.day:02}" if day else ""


def instant_text(at: datetime | None) -> str:
    """`yyyy/MM/dd HH:mm:ss` in Vietnam, or ""."""
    return at.astimezone(VN).strftime("%Y/%m/%d %H:%M:%S") if at else ""
