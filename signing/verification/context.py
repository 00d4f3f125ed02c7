"""What is known and found while a file is verified."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from signing.pdf.signed_file import Found, Signatures
from signing.trust.trust_store import Trust
from signing.updates.review import Later
from signing.verdicts.policy import Policy
from signing.verdicts.verdict import Reason, Signer, Value
from signing.verification.certificate_chains import Chain
from signing.verification.embedded_proofs import Carried, Doubt, Stamp


@dataclass(frozen=True)
class Expected:
    """What the caller knows of the paper: all names of the agency, the present one first (former ones, too: papers
    and certificates outlive them), and who signs it by its text, with the position and the authority ("KT. CHỦ TỊCH")
    that stand there."""

    agency_names: tuple[str, ...] = ()
    signer_name: str = ""
    signer_title: str = ""
    authority: str = ""
    delegated: bool = True  # False: the signer had no decision to sign under that authority


@dataclass
class Case:
    """One verification under way."""

    policy: Policy
    trust: Trust
    expected: Expected
    moment: datetime
    known_since: datetime | None
    file: Signatures
    carried: Carried = field(default_factory=Carried)
    later: Later = field(default_factory=Later)
    stamps: list[Stamp] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    chains: dict[str, Chain] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)
    signers: list[Signer] = field(default_factory=list)
    details: list[dict[str, Any]] = field(default_factory=list)

    @property
    def papers(self) -> list[Found]:
        """The signatures that are no time-stamps, oldest first."""
        return [found for found in self.file.found if not found.is_timestamp]


def worst(values: Iterable[Value]) -> Value:
    """The gravest of several answers."""
    return max(values, key=lambda value: value.gravity, default=Value.VALID)
