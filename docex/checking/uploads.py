"""Checking a file that anybody hands in: judged in a process of its own, told on one page, and forgotten.

Nothing of it is stored: no row, no file, no name in the log. Whatever has a verdict of its own kind (an evidence pack,
say) is one more `Format`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from docex.checking.verdicts import VerdictView, verdict_view
from kernel.errors import Invalid, Unavailable
from kernel.text import Phrase, phrase
from signing.evidence_form import MIMETYPE
from signing.isolation import Busy
from signing.policy import DocumentKind, policy_for
from signing.safely import verdict_on
from signing.trust import Trust

PATIENCE_S = 5.0
"""How long a stranger waits for a free process: the papers of the agencies come first."""
_HEAD = 200
"""Bytes at the beginning of a container in which its type stands."""


@dataclass(frozen=True)
class Uploaded:
    """What was found about a file."""

    name: str
    size: int
    sha256: str
    verdict: VerdictView


@dataclass(frozen=True)
class Format:
    """A kind of file that can be checked: how to recognise it, and how to judge it."""

    recognises: Callable[[bytes], bool]
    judge: Callable[[bytes, Trust], VerdictView]


def _is_pdf(data: bytes) -> bool:
    return b"%PDF-" in data[:1024]


def _judge_pdf(data: bytes, trust: Trust) -> VerdictView:
    verdict = verdict_on(data, trust, policy_for(DocumentKind.PUBLIC), patience_s=PATIENCE_S)
    return verdict_view(verdict, len(data))


FORMATS = [Format(_is_pdf, _judge_pdf)]


def look(name: str, data: bytes, trust: Trust, most: int) -> Uploaded:
    """Check a file. Invalid when it is none that can be checked, Unavailable when everything is busy."""
    if not data:
        raise Invalid({"file": phrase("Cần chọn tệp PDF để kiểm tra.")})
    if len(data) > most:
        said = phrase("Tệp lớn hơn mức cho phép ({limit} MB).", limit=most // 1_000_000)
        raise Invalid({"file": said})
    if data.startswith(b"PK") and MIMETYPE.encode() in data[:_HEAD]:
        said = phrase(
            "Đây là hồ sơ bằng chứng. Hãy giải nén và mở tệp index.html trong đó: trang ấy tự kiểm tra, không cần mạng."
        )
        raise Invalid({"file": said})
    found = next((one for one in FORMATS if one.recognises(data)), None)
    if found is None:
        raise Invalid({"file": phrase("Tệp này không phải là PDF, nên không có chữ ký số để kiểm tra ở đây.")})
    try:
        verdict = found.judge(data, trust)
    except Busy:
        raise Unavailable(phrase("Hệ thống đang kiểm tra nhiều tệp khác. Xin thử lại sau ít phút.")) from None
    return Uploaded(name[:200], len(data), hashlib.sha256(data).hexdigest(), verdict)


def compared(data: bytes, sha256: str, size: int) -> tuple[Phrase, str]:
    """Whether a file is the one that was issued, as a sentence and its tone."""
    if size and hashlib.sha256(data).hexdigest() == sha256:
        return phrase("Tệp này đúng là tệp mà cơ quan đã phát hành, không khác một byte nào."), "good"
    if size and hashlib.sha256(data[:size]).hexdigest() == sha256:
        said = phrase("Tệp này chứa nguyên vẹn tệp đã phát hành, phía sau có thêm dữ liệu (ví dụ dấu thời gian).")
        return said, "waiting"
    return phrase("Tệp này KHÔNG phải là tệp mà cơ quan đã phát hành cho văn bản này."), "bad"
