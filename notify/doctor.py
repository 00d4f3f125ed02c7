"""Self-checks of mail and SMS."""

from kernel.config import Config
from kernel.doctor import Finding, Health, check
from kernel.outbox import SendError
from kernel.text import phrase
from notify import jobs


@check("smtp")
def smtp(config: Config) -> Finding:
    """Connects, says hello and NOOP; sends nothing."""
    if not config.smtp_url:
        hint = phrase("Đặt LIENTHONG_SMTP_URL, ví dụ smtp://user:password@host:587.")
        if config.mode == "production":
            return Finding("smtp", Health.BAD, phrase("Chưa đặt máy chủ thư: không thư nào gửi đi được."), hint)
        return Finding("smtp", Health.OFF, phrase("Chưa đặt máy chủ thư: thư chỉ hiện ở trang hộp thư."), hint)
    try:
        sender = jobs.smtp_sender(config)
        assert sender is not None
        sender.check()
    except ValueError as error:
        return Finding(
            "smtp",
            Health.BAD,
            phrase("Không đọc được địa chỉ máy chủ thư: {error}", error=str(error)),
            phrase("Sửa LIENTHONG_SMTP_URL theo dạng smtp://user:password@host:587."),
        )
    except SendError as error:
        return Finding(
            "smtp",
            Health.BAD,
            phrase("Máy chủ thư không nhận kết nối: {error}", error=str(error)),
            phrase("Kiểm tra địa chỉ, cổng, tường lửa, tên và mật khẩu trong LIENTHONG_SMTP_URL."),
        )
    return Finding("smtp", Health.GOOD, phrase("Máy chủ thư trả lời."))


@check("sms")
def sms(config: Config) -> Finding:
    """Reads the account at the provider; sends nothing."""
    sender = jobs.twilio_sender(config)
    if sender is None:
        hint = phrase("Đặt LIENTHONG_TWILIO_ACCOUNT_SID, LIENTHONG_TWILIO_AUTH_TOKEN và LIENTHONG_TWILIO_FROM.")
        if config.mode == "production":
            said = phrase("Chưa đặt nhà cung cấp tin nhắn: không tin nhắn nào gửi đi được.")
            return Finding("sms", Health.POOR, said, hint)
        return Finding(
            "sms", Health.OFF, phrase("Chưa đặt nhà cung cấp tin nhắn: tin nhắn chỉ hiện ở trang hộp thư."), hint
        )
    try:
        status = sender.check()
    except SendError as error:
        return Finding(
            "sms",
            Health.BAD,
            phrase("Nhà cung cấp tin nhắn từ chối hoặc không trả lời: {error}", error=str(error)),
            phrase("Kiểm tra LIENTHONG_TWILIO_ACCOUNT_SID, LIENTHONG_TWILIO_AUTH_TOKEN và đường mạng ra ngoài."),
        )
    if status != "active":
        return Finding(
            "sms",
            Health.POOR,
            phrase("Tài khoản tin nhắn đang ở trạng thái {status}.", status=status),
            phrase("Liên hệ nhà cung cấp để mở lại tài khoản."),
        )
    return Finding("sms", Health.GOOD, phrase("Nhà cung cấp tin nhắn trả lời, tài khoản đang hoạt động."))
