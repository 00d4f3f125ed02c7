"""What the ledger says of a message that did not arrive, in the reader's language: providers, mail servers and
libraries speak English."""

import re

from kernel.text import Phrase, phrase
from notify.messages import Channel
from notify.sms.codes import PERMANENT

NOT_ASKED = "could not ask the provider"
NO_ANSWER = "no answer from the provider"
NO_TRACE = "no trace at the provider"
"""How the reasons of an SMS begin of which nobody knows whether it left."""
UNKNOWN = (NOT_ASKED, NO_ANSWER, NO_TRACE)

_TWILIO = re.compile(r"(?:\d{3}/)?(\d{5})\b")  # `400/21211: …` of a refusal, `30003: …` of a receipt
_MAIL = re.compile(r"[245]\d\d\b")
_FAILURE = re.compile(r"\w*(?:Error|Exception|Timeout|Disconnected|timed out)\b")
_UNREACHED = {
    Channel.SMS: phrase("Không kết nối được với nhà cung cấp tin nhắn."),
    Channel.EMAIL: phrase("Không kết nối được với máy chủ thư."),
}


def told(channel: str, reason: str) -> Phrase | str:
    """The sentence for people; what only the other side understands stands in it as it was said."""
    if not reason:
        return ""
    if reason.startswith(NOT_ASKED):
        return phrase("Không hỏi được nhà cung cấp nên không biết tin nhắn đã đi hay chưa.")
    if reason.startswith((NO_ANSWER, NO_TRACE)):
        return phrase(
            "Nhà cung cấp không trả lời lúc gửi, nên không rõ tin nhắn đã đi hay chưa. Hệ thống không tự gửi lại."
        )
    if channel == Channel.SMS and (found := _TWILIO.match(reason)):
        said = PERMANENT.get(int(found[1]), phrase("nhà cung cấp từ chối"))
        return phrase("Nhà cung cấp báo: {said} (mã {code}).", said=said, code=found[1])
    if _FAILURE.match(reason) and channel in _UNREACHED:
        return _UNREACHED[Channel(channel)]
    if channel == Channel.EMAIL and _MAIL.match(reason):
        return phrase("Máy chủ thư trả lời: {said}", said=reason)
    return Phrase(reason)  # a sentence of ours: the catalogue knows it
