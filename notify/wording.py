"""Times as messages say them, in Vietnam time."""

from datetime import datetime

from kernel import clock

_DAYS = {
    "vi": ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ Nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def full_moment(at: datetime, locale: str = "vi") -> str:
    """`14:30 Thứ Sáu, 27/11/2026`, for mail."""
    local = at.astimezone(clock.VN)
    return f"{local:%H:%M} {_DAYS[locale][local.weekday()]}, {local:%d/%m/%Y}"


def short_moment(at: datetime) -> str:
    """`14:30 27/11/2026`, for SMS."""
    return f"{at.astimezone(clock.VN):%H:%M %d/%m/%Y}"


def hour(at: datetime) -> str:
    """`14:30`, in lists of one day."""
    return f"{at.astimezone(clock.VN):%H:%M}"


def span(start: datetime, end: datetime | None, locale: str = "vi") -> str:
    """`14:30–16:00 Thứ Sáu, 27/11/2026`; two full moments when it ends on another day."""
    if end is None:
        return full_moment(start, locale)
    first, last = start.astimezone(clock.VN), end.astimezone(clock.VN)
    if first.date() != last.date():
        return f"{full_moment(start, locale)} – {full_moment(end, locale)}"
    return f"{first:%H:%M}–{full_moment(end, locale)}"


def brief(text: str, length: int) -> str:
    """At most `length` characters, cut between words, on one line."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    cut = line[: length - 3]
    head = cut.rsplit(" ", 1)[0] if " " in cut[length // 2 :] else cut
    return head.rstrip(" ,;:-") + "..."
