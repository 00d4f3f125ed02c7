"""The findings about a connection, in plain words: the answer to "test this connection"."""

from dataclasses import dataclass
from datetime import timedelta

from docex.exchange.hub.operators.connections import CERTIFICATE_DAYS, SKEW_S, Connection, System, in_words
from kernel import clock
from kernel.text import Phrase, phrase

FRESH = timedelta(minutes=15)
OLD = timedelta(days=1)
ODD_SKEW_S = 30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `hint` says what to do about it. Tones: good, waiting, bad, info."""

    tone: str
    message: Phrase
    hint: Phrase | None = None


def findings(one: Connection, systems: list[System]) -> list[Finding]:
    """Everything about one agency's connection, in the order in which one would look for a fault."""
    return [
        _rights(systems),
        _asking(one, systems),
        _clock(one),
        *(_certificate(system) for system in systems if system.certificate_days is not None),
        _mailbox(one),
        *(found for system in systems if (found := _hook(system))),
        *_refusals(one),
    ]


def _rights(systems: list[System]) -> Finding:
    if any(system.fetches for system in systems):
        return Finding("good", phrase("Có hệ thống được quyền nhận văn bản."))
    hint = phrase("Đăng ký ứng dụng với quyền nhận văn bản ở mục Ứng dụng kết nối.")
    return Finding("bad", phrase("Chưa có hệ thống nào được quyền nhận văn bản."), hint)


def _asking(one: Connection, systems: list[System]) -> Finding:
    if one.polled_at is None:
        if any(system.used_at for system in systems):
            hint = phrase("Mã ứng dụng và khóa đúng. Xin bật phần nhận văn bản trong phần mềm.")
            return Finding("waiting", phrase("Hệ thống xin được mã truy cập nhưng chưa hỏi hộp nhận lần nào."), hint)
        hint = phrase("Kiểm tra địa chỉ của trục, mã ứng dụng và khóa trong cấu hình phần mềm, và đường ra Internet.")
        return Finding("bad", phrase("Hệ thống chưa kết nối lần nào."), hint)
    silent = clock.now() - one.polled_at
    if silent <= FRESH:
        return Finding("good", phrase("Hệ thống đang hỏi hộp nhận đều đặn."))
    message = phrase("Hệ thống không hỏi hộp nhận từ {time} nay.", time=in_words(silent))
    hint = phrase("Kiểm tra máy chủ của cơ quan có chạy không, đường truyền và thời hạn của khóa.")
    return Finding("bad" if silent > OLD else "waiting", message, hint)


def _clock(one: Connection) -> Finding:
    if one.skew_s is None:
        return Finding("info", phrase("Chưa biết đồng hồ của hệ thống: phần mềm không gửi tiêu đề Date."))
    off = abs(one.skew_s)
    if off <= ODD_SKEW_S:
        return Finding("good", phrase("Đồng hồ của hệ thống đúng."))
    message = phrase("Đồng hồ của hệ thống {drift}.", drift=one.drift)
    hint = phrase("Bật đồng bộ giờ (NTP) trên máy chủ. Lệch quá 5 phút thì trục từ chối JWT tự ký.")
    return Finding("bad" if off > SKEW_S else "waiting", message, hint)


def _certificate(system: System) -> Finding:
    days = system.certificate_days or 0
    if days < 0:
        hint = phrase("Dán chứng thư mới ở mục Ứng dụng kết nối; hệ thống không vào được trục cho tới lúc đó.")
        return Finding("bad", phrase("Chứng thư của “{name}” đã hết hạn.", name=system.name), hint)
    message = phrase("Chứng thư của “{name}” còn {days} ngày.", name=system.name, days=days)
    if days < CERTIFICATE_DAYS:
        return Finding("waiting", message, phrase("Xin chuẩn bị chứng thư mới."))
    return Finding("good", message)


def _mailbox(one: Connection) -> Finding:
    if one.held_at is not None:
        return Finding("waiting", phrase("Hộp nhận đang tạm giữ: {reason}", reason=one.held_reason))
    if one.late:
        message = phrase("{count} văn bản chờ quá 4 giờ làm việc.", count=one.late)
        asks = one.polled_at is not None and clock.now() - one.polled_at <= FRESH
        hint = phrase("Hệ thống có hỏi nhưng không nhận về. Xin xem nhật ký lỗi của phần mềm.") if asks else None
        return Finding("bad", message, hint)
    if one.expired:
        hint = phrase("Khi hệ thống đã chạy lại, đặt lại các văn bản này vào hộp nhận.")
        return Finding("waiting", phrase("{count} văn bản đã quá hạn mà chưa được lấy.", count=one.expired), hint)
    if one.backlog:
        return Finding("info", phrase("{count} văn bản đang chờ, chưa quá lâu.", count=one.backlog))
    return Finding("good", phrase("Không có văn bản nào chờ trong hộp nhận."))


def _hook(system: System) -> Finding | None:
    hook = system.hook
    if hook is None:
        return None
    if hook.tested_at is not None and system.test_problem is not None:
        message = phrase("Gọi thử địa chỉ nhận tin báo của “{name}” không được.", name=system.name)
        return Finding("bad", message, system.test_problem)
    if system.hook_problem is not None:
        message = phrase("Tin báo tới “{name}” không tới nơi, {count} lần liền.", name=system.name, count=hook.failures)
        return Finding("bad", message, system.hook_problem)
    if hook.tested_at is None and hook.arrived_at is None:
        return Finding("info", phrase("Địa chỉ nhận tin báo của “{name}” chưa được gọi lần nào.", name=system.name))
    return Finding("good", phrase("Địa chỉ nhận tin báo của “{name}” trả lời tốt.", name=system.name))


def _refusals(one: Connection) -> list[Finding]:
    if not one.refused:
        return []
    message = phrase("Trục đã từ chối {count} lời gọi của hệ thống trong 7 ngày qua.", count=one.refused)
    return [Finding("waiting", message, phrase("Lý do ở bảng bên dưới; nhà cung cấp phần mềm cần sửa."))]
