"""Dates, spans and sizes as people read them, in Vietnamese and English; the Jinja filters of every page.

Everything shown is Vietnam time. A relative form ("còn 2 ngày") only ever stands beside the absolute one.
"""

from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask
from markupsafe import Markup

from kernel import clock
from kernel.text import Phrase, phrase
from web.locale import current_locale

WEEKDAYS_VI = ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ Nhật")
WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def vn_datetime(at: datetime, locale: str = "vi") -> str:
    """`Thứ Sáu, 27/11/2026 14:30`. `at` is aware; a naive one is an error, not a guess."""
    if at.tzinfo is None:
        raise ValueError("an instant without a zone cannot be shown")
    local = at.astimezone(clock.VN)
    return f"{vn_date(local.date(), locale)} {local:%H:%M}"


def vn_date(on: date, locale: str = "vi") -> str:
    """`Thứ Sáu, 27/11/2026`; a datetime is first taken to its date in Vietnam."""
    day = _day_of(on)
    names = WEEKDAYS_EN if locale == "en" else WEEKDAYS_VI
    return f"{names[day.weekday()]}, {day:%d/%m/%Y}"


def short_datetime(at: datetime, locale: str = "vi") -> str:
    """For rows and tables: `14:30` today, `27/11 14:30` this year, else `27/11/2026`."""
    local = at.astimezone(clock.VN)
    today = clock.today()
    if local.date() == today:
        return f"{local:%H:%M}"
    return f"{local:%d/%m %H:%M}" if local.year == today.year else f"{local:%d/%m/%Y}"


def relative(at: datetime, locale: str = "vi", now: datetime | None = None) -> str:
    """How far away an instant is: `3 giờ trước`, `còn 2 ngày`, `vừa xong`."""
    ahead = at - (now or clock.now())
    past = ahead < timedelta(0)
    count, unit = _span(abs(ahead))
    if unit is None:
        return (_JUST_NOW if past else _SOON).in_locale(locale)
    words = _AGO[unit] if past else _LEFT[unit]
    return Phrase(words.msgid, {"n": count}).in_locale(locale)


def lateness(due_at: datetime, locale: str = "vi", now: datetime | None = None) -> str | None:
    """`quá hạn 3 ngày` when the moment has passed, else None."""
    over = (now or clock.now()) - due_at
    if over <= timedelta(0):
        return None
    count, unit = _span(over)
    if unit is None:
        return _LATE_NOW.in_locale(locale)
    return Phrase(_LATE[unit].msgid, {"n": count}).in_locale(locale)


def file_size(size: int, locale: str = "vi") -> str:
    """`840 B`, `12 KB`, `3,4 MB`: decimal comma in Vietnamese, decimal point in English."""
    if size < 1000:
        return f"{size} B"
    value, unit = (size / 1e3, "KB") if size < 999_500 else (size / 1e6, "MB")
    if value >= 999.5:
        value, unit = value / 1e3, "GB"
    text = f"{value:.0f}" if unit == "KB" or value >= 100 else f"{value:.1f}"
    return f"{text if locale == 'en' else text.replace('.', ',')} {unit}"


def say(text: Any, locale: str = "vi") -> str:
    """A phrase in the reader's language; anything else as it is, None as nothing."""
    if isinstance(text, Phrase):
        return text.in_locale(locale)
    return "" if text is None else str(text)


def install(app: Flask) -> None:
    """Give templates their filters; called once by `create_app`.

    `when`, `day` and `brief` answer a `<time>` element; the rest answer text.
    """
    filters = app.jinja_env.filters
    filters["when"] = lambda at: _time_tag(at, vn_datetime(at, current_locale())) if at else ""
    filters["day"] = lambda on: _time_tag(_day_of(on), vn_date(on, current_locale())) if on else ""
    filters["brief"] = lambda at: (
        _time_tag(at, short_datetime(at, current_locale()), vn_datetime(at, current_locale())) if at else ""
    )
    filters["brief_text"] = lambda at: short_datetime(at, current_locale()) if at else ""
    filters["when_text"] = lambda at: vn_datetime(at, current_locale()) if at else ""
    filters["day_text"] = lambda on: vn_date(on, current_locale()) if on else ""
    filters["relative"] = lambda at: relative(at, current_locale()) if at else ""
    filters["late"] = lambda at: lateness(at, current_locale()) if at else None
    filters["size"] = lambda size: file_size(size, current_locale())
    filters["say"] = lambda text: say(text, current_locale())
    app.jinja_env.globals["locale_code"] = current_locale


def _time_tag(at: date, text: str, full: str | None = None) -> Markup:
    moment = at.astimezone(clock.VN).isoformat() if isinstance(at, datetime) else at.isoformat()
    if full:
        return Markup('<time datetime="{}" title="{}">{}</time>').format(moment, full, text)
    return Markup('<time datetime="{}">{}</time>').format(moment, text)


def _day_of(on: date) -> date:
    return on.astimezone(clock.VN).date() if isinstance(on, datetime) else on


def _span(length: timedelta) -> tuple[int, str | None]:
    """The largest whole unit: minutes below an hour, hours below a day, then days."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 1:
        return 0, None
    if minutes < 60:
        return minutes, "minute"
    return (minutes // 60, "hour") if minutes < 1440 else (minutes // 1440, "day")


_JUST_NOW = phrase("vừa xong")
_SOON = phrase("sắp đến giờ")
_LATE_NOW = phrase("vừa quá hạn")
_AGO = {"minute": phrase("{n} phút trước"), "hour": phrase("{n} giờ trước"), "day": phrase("{n} ngày trước")}
_LEFT = {"minute": phrase("còn {n} phút"), "hour": phrase("còn {n} giờ"), "day": phrase("còn {n} ngày")}
_LATE = {
    "minute": phrase("quá hạn {n} phút"),
    "hour": phrase("quá hạn {n} giờ"),
    "day": phrase("quá hạn {n} ngày"),
}
