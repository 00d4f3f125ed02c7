"""Checking a file that anybody hands in: verified in a process of its own, told on one page, and forgotten.

Nothing of it is stored: no row, no file, no name in the log. Whatever has a verdict of its own is one more `Format`.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from docex.documents.verification import verdict_store
from docex.documents.verification.signed_changes import ChangesView, changes_view
from docex.documents.verification.verdict_page import VALUES, Finding, VerdictView, verdict_view
from kernel import clock
from kernel.errors import Invalid, Unavailable
from kernel.text import Phrase, phrase
from signing.evidence.pack_check import Checked, check_apart
from signing.evidence.pack_format import MIMETYPE
from signing.rendering.change_pictures import visible_changes
from signing.sandbox import runner
from signing.sandbox.runner import SandboxBusy, SandboxError
from signing.trust.trust_store import Trust
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import Value
from signing.verification.safe_verification import verdict_on

TIMEOUT_S = 5.0
"""How long a stranger waits for a free process: the papers of the agencies come first."""
_HEAD = 200
"""Bytes at the beginning of a container in which its type stands."""


@dataclass(frozen=True)
class Known:
    """The knowledge with which files are verified: whom this instance trusts, and the keys that it has signed receipts
    with, by `kid`."""

    trust: Trust
    keys: Mapping[str, dict[str, Any]]


@dataclass(frozen=True)
class Told:
    """A verdict, those on the files inside, by their names, and what can be seen of changes after signing."""

    verdict: VerdictView
    parts: tuple[tuple[str, VerdictView], ...] = ()
    changes: ChangesView | None = None


@dataclass(frozen=True)
class Uploaded:
    """The findings about a file."""

    name: str
    size: int
    sha256: str
    told: Told


@dataclass(frozen=True)
class Format:
    """A kind of file that can be checked: how to recognise it, and how to verify it."""

    recognises: Callable[[bytes], bool]
    verify: Callable[[bytes, Known], Told]


def _is_pdf(data: bytes) -> bool:
    return b"%PDF-" in data[:1024]


def _verify_pdf(data: bytes, known: Known) -> Told:
    verdict = verdict_on(data, known.trust, policy_for(DocumentKind.PUBLIC), timeout_s=TIMEOUT_S)
    changes = changes_view(visible_changes(data, verdict, timeout_s=TIMEOUT_S), verdict, len(data))
    return Told(verdict_view(verdict, len(data)), changes=changes)


def _is_pack(data: bytes) -> bool:
    return data.startswith(b"PK") and MIMETYPE.encode() in data[:_HEAD]


def _verify_pack(data: bytes, known: Known) -> Told:
    try:
        checked = check_apart(data, known.trust, known.keys, timeout_s=TIMEOUT_S)
    except SandboxError as broken:
        raise Invalid({"file": runner.error_phrase(broken)}) from None
    parts = tuple((file, verdict_view(verdict, 0)) for file, verdict in checked.verdicts)
    return Told(_pack_view(checked, data), parts)


FORMATS = (Format(_is_pack, _verify_pack), Format(_is_pdf, _verify_pdf))


def look(name: str, data: bytes, known: Known, most: int) -> Uploaded:
    """Check a file. Invalid when it is none that can be checked, Unavailable when everything is busy."""
    if not data:
        raise Invalid({"file": phrase("Cần chọn tệp PDF hoặc hồ sơ bằng chứng để kiểm tra.")})
    if len(data) > most:
        reason = phrase("Tệp lớn hơn mức cho phép ({limit} MB).", limit=most // 1_000_000)
        raise Invalid({"file": reason})
    found = next((one for one in FORMATS if one.recognises(data)), None)
    if found is None:
        raise Invalid(
            {"file": phrase("Tệp này không phải là PDF hay hồ sơ bằng chứng, nên không kiểm tra được ở đây.")}
        )
    try:
        told = found.verify(data, known)
    except SandboxBusy:
        raise Unavailable(phrase("Hệ thống đang kiểm tra nhiều tệp khác. Xin thử lại sau ít phút.")) from None
    return Uploaded(name[:200], len(data), hashlib.sha256(data).hexdigest(), told)


def compared(data: bytes, sha256: str, size: int) -> tuple[Phrase, str]:
    """Whether a file is the one that was issued, as a sentence and its tone."""
    if size and hashlib.sha256(data).hexdigest() == sha256:
        return phrase("Tệp này đúng là tệp mà cơ quan đã phát hành, không khác một byte nào."), "good"
    if size and hashlib.sha256(data[:size]).hexdigest() == sha256:
        message = phrase("Tệp này chứa nguyên vẹn tệp đã phát hành, phía sau có thêm dữ liệu (ví dụ dấu thời gian).")
        return message, "waiting"
    return phrase("Tệp này KHÔNG phải là tệp mà cơ quan đã phát hành cho văn bản này."), "bad"


def _pack_view(checked: Checked, data: bytes) -> VerdictView:
    """The check of a pack as pages show verdicts; it has no signers of its own."""
    return VerdictView(
        word=VALUES[checked.value],
        tone=verdict_store.tone_of(checked.value),
        sentence=_pack_sentence(checked),
        indication="",
        findings=tuple(
            Finding(
                one.code,
                "",
                "plain" if one.weight is Value.VALID else verdict_store.tone_of(one.weight),
                one.words,
            )
            for one in checked.findings
        ),
        signers=(),
        policy="",
        sha256=hashlib.sha256(data).hexdigest(),
        checked_at=clock.now(),
        test=any(verdict.test for _, verdict in checked.verdicts),
    )


def _pack_sentence(checked: Checked) -> Phrase:
    if checked.value is Value.VALID:
        return phrase("Hợp lệ: hồ sơ bằng chứng nguyên vẹn, mọi điều trong đó đều kiểm tra được.")
    gravest = next(one.words for one in checked.findings if one.weight is checked.value)
    if checked.value is Value.INVALID:
        return phrase("Không hợp lệ: {reason}", reason=gravest)
    return phrase("Chưa rõ: {reason}", reason=gravest)
