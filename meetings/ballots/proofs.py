"""The equations by which anybody checks keys, ballots and decryption shares (docs/ballots.md). Nothing here is secret.

Each proof is a sigma protocol made non-interactive: its challenge is a hash of the context, of the whole statement and
of the commitments, so that no proof fits another vote, another ballot or another place in it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from meetings.ballots import group

DOMAIN = "lienthong-ballot/1 "

Cipher = tuple[bytes, bytes]
"""ElGamal in the exponent: (r·G, m·G + r·Y)."""


@dataclass(frozen=True)
class Branch:
    """One branch of a proof: its challenge and its response."""

    c: int
    z: int


def digest(label: str, *parts: bytes) -> bytes:
    """SHA-512 over the label and the parts, each after its length as 8 bytes little-endian."""
    told = hashlib.sha512()
    for part in ((DOMAIN + label).encode(), *parts):
        told.update(len(part).to_bytes(8, "little") + part)
    return told.digest()


def challenge(label: str, *parts: bytes) -> int:
    """A digest as a number below the order of the group."""
    return int.from_bytes(digest(label, *parts), "little") % group.ORDER


def number(value: int) -> bytes:
    """A count or a place as 8 bytes little-endian."""
    return value.to_bytes(8, "little")


def key_holds(draft: bytes, place: int, name: str, key: bytes, proof: Branch) -> bool:
    """Whether who published a key has its secret half, and made it for this vote."""
    commitment = group.sub(group.base(proof.z), group.times(proof.c, key))
    return proof.c == challenge("key", draft, number(place), name.encode(), key, commitment)


def is_one_of(
    label: str,
    context: Sequence[bytes],
    cipher: Cipher,
    values: Sequence[int],
    branches: Sequence[Branch],
    key: bytes,
) -> bool:
    """Whether a cipher is known to hold one of the values, without telling which (disjunctive Chaum–Pedersen)."""
    if len(branches) != len(values):
        return False
    commitments = []
    for value, branch in zip(values, branches, strict=True):
        left, right = cipher[0], group.sub(cipher[1], group.base(value))
        commitments.append(group.sub(group.base(branch.z), group.times(branch.c, left)))
        commitments.append(group.sub(group.times(branch.z, key), group.times(branch.c, right)))
    wanted = challenge(label, *context, *cipher, *commitments)
    return sum(branch.c for branch in branches) % group.ORDER == wanted


def share_holds(context: bytes, key: bytes, sums: Sequence[bytes], points: Sequence[bytes], proof: Branch) -> bool:
    """Whether each point is the trustee's secret times the sum beside it (Chaum–Pedersen for all of them at once)."""
    if len(sums) != len(points):
        return False
    commitments = [group.sub(group.base(proof.z), group.times(proof.c, key))]
    for one, opened in zip(sums, points, strict=True):
        commitments.append(group.sub(group.times(proof.z, one), group.times(proof.c, opened)))
    return proof.c == challenge("share", context, key, *sums, *points, *commitments)
