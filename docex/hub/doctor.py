"""The hub's self-check: whether the scanner for malware answers."""

from docex.hub import malware
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
