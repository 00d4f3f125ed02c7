"""The hub's self-checks: whether the scanner for malware answers, whether the secrets of webhooks can be read."""

from docex.exchange.hub.uploads import malware
from docex.exchange.hub.webhooks import subscriptions
from kernel.config import Config
from kernel.doctor import Finding, Health, check
from kernel.text import phrase


@check("clamd")
def scanner(config: Config) -> Finding:
    """A clamd that the settings name must answer, or nothing from outside is let in."""
    if not config.clamd:
        return Finding("clamd", Health.OFF, phrase("Chưa bật quét mã độc."))
    if malware.ping(config.clamd):
        return Finding("clamd", Health.GOOD, phrase("Bộ quét mã độc trả lời."))
    hint = phrase("Xin xem clamd có chạy và LIENTHONG_CLAMD có đúng không.")
    return Finding("clamd", Health.BAD, phrase("Bộ quét mã độc không trả lời."), hint)


@check("webhook-secrets")
def sealed_secrets(config: Config) -> Finding:
    """Whether the secrets with which hints are signed can be read with this installation's key."""
    if lost := subscriptions.SECRETS.lost(config):
        what = phrase("Không mở được khóa ký tin báo của {count} hệ thống.", count=lost)
        hint = phrase(
            "LIENTHONG_SECRET_KEY đã đổi. Đặt khóa cũ vào LIENTHONG_SECRET_KEY_BEFORE rồi khởi động lại, hoặc để các "
            "hệ thống đó đặt lại địa chỉ nhận tin báo."
        )
        return Finding("webhook-secrets", Health.BAD, what, hint)
    return Finding("webhook-secrets", Health.GOOD, phrase("Mở được mọi khóa ký tin báo đã lưu."))
