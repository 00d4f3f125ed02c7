"""Signing files that others made: uploads, attachments, what came back from devices.

Such a file must come near neither the programs that are kept for our own papers nor more of a key than its signature.
So it is read by a child of its own, and what the child answers is looked at: it begins with the file that was given,
and the key has signed just this, not something else under cover of it.
"""

# mypy: allow-untyped-calls
# (asn1crypto is untyped)

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from asn1crypto import cms

from signing.keys.keystore import KeyDescription, KeyStore
from signing.sandbox.limits import ExitReason, SandboxError
from signing.sandbox.runner import pool
from signing.verification.admission import admitted

_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]")
_MAX_SIGNED_BYTES = 64 * 1024


def signed(work: Callable[..., bytes], pdf: bytes, key: KeyStore, **named: Any) -> bytes:
    """`work(pdf, key, **named)` of `pades`, in a child of its own. SandboxError when it did anything but sign this
    file, Invalid(file) when a judge would refuse the file (`admission`)."""
    witness = _Witness(key)
    made = pool("signed").run(admitted, work, pdf, witness, **named)
    if not (made.startswith(pdf) and witness.digest == _digest_of(made, len(pdf))):
        raise SandboxError(ExitReason.FAILED, "signed something else than what came back")
    return made


class _Witness:
    """A key, and the digest of what it has signed."""

    def __init__(self, key: KeyStore) -> None:
        self._key = key
        self.digest: bytes | None = None

    def describe(self) -> KeyDescription:
        """As the key itself."""
        return self._key.describe()

    def sign(self, tbs: bytes) -> bytes:
        """Signs the attributes of a CMS signature (RFC 5652 §5.4) and nothing else."""
        try:
            self.digest = _message_digest(tbs)
        except (ValueError, TypeError, KeyError, RecursionError):
            raise SandboxError(ExitReason.FAILED, "asked to sign what is no signature of a paper") from None
        return self._key.sign(tbs)


def _message_digest(tbs: bytes) -> bytes:
    if len(tbs) > _MAX_SIGNED_BYTES:
        raise ValueError
    attributes = cms.CMSAttributes.load(tbs, strict=True)
    found = [one["values"].native for one in attributes if one["type"].native == "message_digest"]
    ((digest,),) = found
    return bytes(digest)


def _digest_of(made: bytes, before: int) -> bytes | None:
    """SHA-256 of the file without the gap of its newest signature, which lies behind `before`; None without one."""
    ranges = [tuple(map(int, found.groups())) for found in _RANGE.finditer(made, before)]
    if len(ranges) != 1:
        return None
    start, first, second, rest = ranges[0]
    whole = start == 0 and before <= first < second and second + rest == len(made)
    if not whole or made[first : first + 1] != b"<" or made[second - 1 : second] != b">":
        return None
    digest = sha256(memoryview(made)[:first])
    digest.update(memoryview(made)[second:])
    return digest.digest()
