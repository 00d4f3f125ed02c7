"""Who must sign what, in which order and how strongly. A policy never changes; a new rule is a new version.

Decree 30/2020 art. 32.2d: the competent person signs first, then the clerk applies the agency's seal.
"""

from dataclasses import dataclass
from enum import StrEnum

from signing.verdicts.verdict import HolderKind, Level, Value


class DocumentKind(StrEnum):
    """What a file is, as far as signatures are concerned."""

    OFFICIAL = "official"
    PERSON_ONLY = "person_only"
    COPY = "copy"
    MINUTES = "minutes"
    FOREIGN = "foreign"
    PUBLIC = "public"


@dataclass(frozen=True)
class Policy:
    """The rules for one kind of document; `name` goes into every verdict.

    `required` are the kinds of signer that must be there, in the order in which they must have signed; a kind that
    stands there twice wants two signers. `unsigned` is the value of a file in which no signature can be found,
    `missing` of one that lacks a signer, `edited_later` of one that grew after the signature by what is not allowed,
    `undelegated` of one that somebody signed for another without a decision. `fields_filled_later` are the form fields
    that may be filled in between a person's signature and the first seal, when they were blank.
    """

    name: str
    required: tuple[HolderKind, ...]
    unsigned: Value
    missing: Value = Value.INVALID
    edited_later: Value = Value.INVALID
    least_level: Level = Level.B_B
    digests: frozenset[str] = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"})
    least_rsa_bits: int = 2048
    least_ec_bits: int = 256
    weak_algorithm: Value = Value.INVALID
    undelegated: Value = Value.INVALID
    fields_filled_later: frozenset[str] = frozenset({"So", "Ngay"})


_PERSON, _SEAL = HolderKind.PERSON, HolderKind.SEAL

POLICIES: dict[DocumentKind, Policy] = {
    DocumentKind.OFFICIAL: Policy("official-5", (_PERSON, _SEAL), Value.INVALID),
    # Before the clerk applies the seal: what the leader has signed.
    DocumentKind.PERSON_ONLY: Policy("person-only-4", (_PERSON,), Value.INVALID),
    # Copies and separate attachments carry the agency's signature alone (Decree 30, Annex I, Part II).
    DocumentKind.COPY: Policy("copy-3", (_SEAL,), Value.INVALID),
    # Minutes are signed by the secretary and the chair; a seal only "if any" (Decree 30, form 1.9).
    DocumentKind.MINUTES: Policy("minutes-4", (_PERSON, _PERSON), Value.INVALID),
    # Papers of which we do not know who had to sign them: verify what is there. Other programs add to signed files what
    # we cannot tell from an attack; what was signed can be shown.
    DocumentKind.FOREIGN: Policy(
        "foreign-4", (), Value.UNCLEAR, edited_later=Value.UNCLEAR, weak_algorithm=Value.UNCLEAR
    ),
    # What anybody hands in for checking: most likely an official paper, perhaps a copy, which no person signs.
    DocumentKind.PUBLIC: Policy(
        "public-4", (_PERSON, _SEAL), Value.UNCLEAR, missing=Value.UNCLEAR, weak_algorithm=Value.UNCLEAR
    ),
}


ENVELOPE = Policy("envelope-2", (), Value.UNCLEAR, weak_algorithm=Value.UNCLEAR)
"""The signature that a sender's system puts on its envelope."""


IN_FORCE = frozenset(policy.name for policy in POLICIES.values())
"""The versions by which papers are verified today; a verdict that names another one was made by earlier rules."""


def policy_for(kind: DocumentKind) -> Policy:
    """The policy in force for this kind of document."""
    return POLICIES[kind]
