"""What browsers do in a secret vote, in Python: trustees make keys and open sums, voters encrypt.

For tests and benches: the service itself never holds a choice or a secret key. static/js/ballots/ is the same
for people."""

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from meetings.ballots import group
from meetings.ballots.group import ORDER, hex_scalar
from meetings.ballots.proofs import Cipher, challenge, number
from meetings.ballots.record import Draft, Election, SealedBallot, canonical, sums

Data = dict[str, Any]
Chance = random.Random


def _scalar(chance: Chance) -> int:
    return chance.randrange(1, ORDER)


@dataclass
class Trustee:
    """Somebody who keeps a key."""

    name: str
    position: str = "Chủ trì"
    chance: Chance = field(default_factory=secrets.SystemRandom)
    secret: int = 0

    def __post_init__(self) -> None:
        """Make the key."""
        self.secret = self.secret or _scalar(self.chance)
        self.key = group.base(self.secret)

    def published(self, draft: Draft, place: int) -> Data:
        """The key with its proof, as the file holds it."""
        w = _scalar(self.chance)
        c = challenge("key", canonical(draft.data), number(place), self.name.encode(), self.key, group.base(w))
        proof = {"c": hex_scalar(c), "z": hex_scalar(w + c * self.secret)}
        return {"name": self.name, "position": self.position, "key": self.key.hex(), **proof}

    def share(self, election: Election, place: int, ballots: Sequence[SealedBallot], closing: bytes) -> Data:
        """What opens the sums."""
        lefts = [left for left, _ in sums(len(election.draft.options), ballots)]
        points = [group.times(self.secret, left) for left in lefts]
        w = _scalar(self.chance)
        commitments = [group.base(w), *(group.times(w, left) for left in lefts)]
        c = challenge("share", closing, self.key, *lefts, *points, *commitments)
        proof = {"c": hex_scalar(c), "z": hex_scalar(w + c * self.secret)}
        return {"trustee": place, "points": [one.hex() for one in points], **proof}


def sealed(election: Election, chosen: Sequence[int], chance: Chance | None = None) -> Data:
    """A ballot for these options."""
    chance = chance or secrets.SystemRandom()
    options = len(election.draft.options)
    bits = [int(place in chosen) for place in range(options)]
    keys = [_scalar(chance) for _ in bits]
    ciphers = [encrypted(election, bit, r) for bit, r in zip(bits, keys, strict=True)]
    statement = b"".join(part for cipher in ciphers for part in cipher)
    prover = _Prover(election, statement, chance)
    choices = [
        {
            "a": cipher[0].hex(),
            "b": cipher[1].hex(),
            "proof": prover.prove("choice", [number(j)], cipher, (0, 1), bit, r),
        }
        for j, (cipher, bit, r) in enumerate(zip(ciphers, bits, keys, strict=True))
    ]
    whole = (group.total(a for a, _ in ciphers), group.total(b for _, b in ciphers))
    allowed = range(election.draft.least, election.draft.most + 1)
    return {"choices": choices, "sum": prover.prove("sum", [], whole, allowed, sum(bits), sum(keys))}


def encrypted(election: Election, value: int, r: int) -> Cipher:
    """ElGamal in the exponent."""
    return group.base(r), group.add(group.base(value), group.times(r, election.key))


@dataclass
class _Prover:
    election: Election
    statement: bytes
    chance: Chance

    def prove(
        self, label: str, more: list[bytes], cipher: Cipher, values: Sequence[int], real: int, r: int
    ) -> list[Data]:
        """The branches: one that is proved, and the others made up backwards from their challenges."""
        w = _scalar(self.chance)
        made_up = {value: (_scalar(self.chance), _scalar(self.chance)) for value in values if value != real}
        commitments = []
        for value in values:
            if value == real:
                commitments += [group.base(w), group.times(w, self.election.key)]
                continue
            c, z = made_up[value]
            right = group.sub(cipher[1], group.base(value))
            commitments.append(group.sub(group.base(z), group.times(c, cipher[0])))
            commitments.append(group.sub(group.times(z, self.election.key), group.times(c, right)))
        context = [self.election.fingerprint, self.statement, *more]
        rest = challenge(label, *context, *cipher, *commitments) - sum(c for c, _ in made_up.values())
        branches = {**made_up, real: (rest % ORDER, w + rest % ORDER * r)} if real in values else made_up
        return [{"c": hex_scalar(branches[v][0]), "z": hex_scalar(branches[v][1])} for v in values]
