"""A verdict in full, as pages show it: every reason with its code, every signer with what is known of them."""

from dataclasses import dataclass
from datetime import datetime

from docex.documents.verification import verdict_store
from kernel.text import Phrase, phrase
from signing.verdicts.verdict import HolderKind, Signer, TimeSource, Value, Verdict

VALUES: dict[Value, Phrase] = {
    Value.VALID: phrase("Hợp lệ"),
    Value.UNCLEAR: phrase("Chưa rõ"),
    Value.INVALID: phrase("Không hợp lệ"),
}
KINDS: dict[HolderKind, Phrase] = {
    HolderKind.PERSON: phrase("Chữ ký số của cá nhân"),
    HolderKind.SEAL: phrase("Con dấu số của cơ quan"),
    HolderKind.SYSTEM: phrase("Chữ ký số của hệ thống gửi"),
    HolderKind.UNKNOWN: phrase("Chữ ký số chưa rõ của ai"),
}
SOURCES: dict[TimeSource, Phrase | str] = {
    TimeSource.TSA: phrase("theo dấu thời gian"),
    TimeSource.SELF_DECLARED: phrase("máy người ký tự khai"),
    TimeSource.NONE: "",
}


@dataclass(frozen=True)
class Finding:
    """One reason: its stable code, the sub-indication of ETSI EN 319 102-1 ("" for a remark), the sentence."""

    code: str
    etsi: str
    tone: str
    sentence: Phrase


@dataclass(frozen=True)
class SignerView:
    """One signature. `earlier` says that the file grew after it: what was signed is a revision of its own."""

    place: int
    kind: Phrase
    name: str
    agency: str
    title: str
    word: Phrase
    tone: str
    signed_at: datetime | None
    source: Phrase | str
    level: str
    algorithm: str
    issuer: str
    serial: str
    not_after: datetime | None
    covers: int
    earlier: bool
    test: bool


@dataclass(frozen=True)
class VerdictView:
    """A verdict: the sentence, the reasons, the signers, and by which version of which policy it was made."""

    word: Phrase
    tone: str
    sentence: Phrase
    indication: str
    findings: tuple[Finding, ...]
    signers: tuple[SignerView, ...]
    policy: str
    sha256: str
    checked_at: datetime
    test: bool


def verdict_view(verdict: Verdict, size: int) -> VerdictView:
    """A verdict on a file of so many bytes, for a page."""
    return VerdictView(
        word=VALUES[verdict.value],
        tone=verdict_store.tone_of(verdict.value),
        sentence=verdict.summary,
        indication=verdict.indication,
        findings=tuple(
            Finding(
                one.code,
                one.etsi,
                "plain" if one.weight is Value.VALID else verdict_store.tone_of(one.weight),
                one.phrase,
            )
            for one in verdict.reasons
        ),
        signers=tuple(_signer(one, place, size) for place, one in enumerate(verdict.signers, start=1)),
        policy=verdict.policy,
        sha256=verdict.sha256,
        checked_at=verdict.checked_at,
        test=verdict.test,
    )


def _signer(signer: Signer, place: int, size: int) -> SignerView:
    return SignerView(
        place=place,
        kind=KINDS[signer.kind],
        name=signer.name or signer.field,
        agency=signer.agency,
        title=signer.title,
        word=VALUES[signer.value],
        tone=verdict_store.tone_of(signer.value),
        signed_at=signer.signed_at,
        source=SOURCES[signer.time_source],
        level=signer.level.value if signer.level.value.startswith("B-") else "",
        algorithm=signer.algorithm.upper(),
        issuer=signer.issuer,
        serial=signer.serial,
        not_after=signer.not_after,
        covers=signer.covers,
        earlier=0 < signer.covers < size,
        test=signer.test,
    )
