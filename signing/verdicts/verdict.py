"""What a verification says: a value of three, reasons with a sentence each, and who signed.

Only `signing.verification.file_verification` makes these. They go to the database and to pages as
JSON, so every border is plain data.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from kernel.text import Phrase


class Value(StrEnum):
    """The three answers. UNCLEAR is never shown in green."""

    VALID = "valid"
    UNCLEAR = "unclear"
    INVALID = "invalid"

    @property
    def gravity(self) -> int:
        """0 for valid, 2 for invalid: the worst answer wins."""
        return ("valid", "unclear", "invalid").index(self.value)


class HolderKind(StrEnum):
    """Whose certificate it is."""

    PERSON = "person"
    SEAL = "seal"
    SYSTEM = "system"  # signs envelopes, never papers
    UNKNOWN = "unknown"


class TimeSource(StrEnum):
    """Where a signing time comes from: proven by a time-stamp, or only claimed by the signer's computer."""

    TSA = "tsa"
    SELF_DECLARED = "self-declared"
    NONE = "none"


class Level(StrEnum):
    """PAdES baseline level reached (ETSI EN 319 142-1)."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"
    OTHER = "other"


@dataclass(frozen=True)
class Reason:
    """One finding. `etsi` is the sub-indication of ETSI EN 319 102-1; `signature` is the field, or None for the file.

    `weight` says what the finding alone makes of the file; VALID marks a remark.
    """

    code: str
    etsi: str
    weight: Value
    phrase: Phrase
    signature: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data, with the sentence in both languages beside its source."""
        return {
            "code": self.code,
            "etsi": self.etsi,
            "weight": self.weight.value,
            "phrase": phrase_to_json(self.phrase),
            "vi": self.phrase.vi,
            "en": self.phrase.en,
            "signature": self.signature,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            code=data["code"],
            etsi=data["etsi"],
            weight=Value(data["weight"]),
            phrase=phrase_from_json(data["phrase"]),
            signature=data["signature"],
        )


@dataclass(frozen=True)
class Signer:
    """One signature of the file and what is known of its maker.

    `covers` is the number of bytes from the start of the file that were signed: that prefix is the revision which
    the signer saw. `certificate` is the SHA-256 of the certificate, or "" when there is none to read.
    """

    field: str
    kind: HolderKind
    value: Value
    name: str
    agency: str
    title: str
    serial: str
    issuer: str
    certificate: str
    not_after: datetime | None
    signed_at: datetime | None
    time_source: TimeSource
    level: Level
    algorithm: str
    covers: int
    test: bool

    def to_json(self) -> dict[str, Any]:
        """Plain data; times as ISO 8601 in UTC."""
        return {
            **{name: getattr(self, name) for name in _SIGNER_PLAIN},
            "kind": self.kind.value,
            "value": self.value.value,
            "time_source": self.time_source.value,
            "level": self.level.value,
            "not_after": _time_to_json(self.not_after),
            "signed_at": _time_to_json(self.signed_at),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            **{name: data[name] for name in _SIGNER_PLAIN},
            kind=HolderKind(data["kind"]),
            value=Value(data["value"]),
            time_source=TimeSource(data["time_source"]),
            level=Level(data["level"]),
            not_after=_time_from_json(data["not_after"]),
            signed_at=_time_from_json(data["signed_at"]),
        )


_SIGNER_PLAIN = (
    "field",
    "name",
    "agency",
    "title",
    "serial",
    "issuer",
    "certificate",
    "algorithm",
    "covers",
    "test",
)


@dataclass(frozen=True)
class Verdict:
    """The verification of one file at one moment under one version of a policy.

    `summary` is the one sentence for the page; `report` holds the technical facts (plain data) for the record.
    """

    value: Value
    summary: Phrase
    reasons: tuple[Reason, ...]
    signers: tuple[Signer, ...]
    policy: str
    sha256: str
    checked_at: datetime
    report: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def test(self) -> bool:
        """True when any signature rests on the marked test authority."""
        return any(signer.test for signer in self.signers)

    def signed_by(self, kind: HolderKind) -> tuple[Signer, ...]:
        """The signers of one kind, in the order of their signatures."""
        return tuple(signer for signer in self.signers if signer.kind is kind)

    def has(self, code: str) -> bool:
        """Whether a finding with this code is among the reasons."""
        return any(reason.code == code for reason in self.reasons)

    def only(self, code: str) -> bool:
        """Whether this finding alone, and nothing graver, keeps it from being valid."""
        grave = [reason for reason in self.reasons if reason.weight is not Value.VALID]
        return bool(grave) and self.value is Value.UNCLEAR and all(reason.code == code for reason in grave)

    @property
    def indication(self) -> str:
        """The main indication of ETSI EN 319 102-1 §5.1.3."""
        return {Value.VALID: "TOTAL-PASSED", Value.UNCLEAR: "INDETERMINATE", Value.INVALID: "TOTAL-FAILED"}[self.value]

    def to_json(self) -> dict[str, Any]:
        """Plain data for the database, the API and the evidence pack."""
        return {
            "value": self.value.value,
            "indication": self.indication,
            "summary": phrase_to_json(self.summary),
            "summary_vi": self.summary.vi,
            "summary_en": self.summary.en,
            "reasons": [reason.to_json() for reason in self.reasons],
            "signers": [signer.to_json() for signer in self.signers],
            "policy": self.policy,
            "sha256": self.sha256,
            "checked_at": _time_to_json(self.checked_at),
            "test": self.test,
            "report": self.report,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            value=Value(data["value"]),
            summary=phrase_from_json(data["summary"]),
            reasons=tuple(Reason.from_json(item) for item in data["reasons"]),
            signers=tuple(Signer.from_json(item) for item in data["signers"]),
            policy=data["policy"],
            sha256=data["sha256"],
            checked_at=datetime.fromisoformat(data["checked_at"]),
            report=data["report"],
        )


def phrase_to_json(text: Phrase) -> dict[str, Any]:
    """A phrase as plain data; phrases may stand inside phrases."""
    return text.to_json()


def phrase_from_json(data: dict[str, Any]) -> Phrase:
    """The inverse of `phrase_to_json`."""
    return Phrase.from_json(data)


def _time_to_json(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _time_from_json(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
