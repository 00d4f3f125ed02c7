"""The prime-order subgroup of edwards25519, in its standard encoding of 32 bytes, by libsodium.

Points that come from outside go through `point`, scalars through `scalar`; everything else here takes what those gave.
"""

import re
from collections.abc import Iterable

from nacl import bindings as sodium

ORDER = 2**252 + 27742317777372353535851937790883648493
IDENTITY = bytes([1]) + bytes(31)
_HEX = re.compile(r"[0-9a-f]{64}")


class Malformed(ValueError):
    """What came is no point or no scalar in its one encoding."""


def point(text: object, *, identity: bool = False) -> bytes:
    """A point from its 64 lower-case hex digits: canonical, in the subgroup, and not the identity unless it may be."""
    raw = _raw(text)
    if identity and raw == IDENTITY:
        return raw
    if not sodium.crypto_core_ed25519_is_valid_point(raw):
        raise Malformed("not a point of the group")
    return raw


def scalar(text: object) -> int:
    """A scalar from its 64 lower-case hex digits, little-endian and reduced."""
    number = int.from_bytes(_raw(text), "little")
    if number >= ORDER:
        raise Malformed("not a reduced scalar")
    return number


def _raw(text: object) -> bytes:
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise Malformed("not 64 lower-case hex digits")
    return bytes.fromhex(text)


def hex_scalar(number: int) -> str:
    """A scalar as files hold it."""
    return (number % ORDER).to_bytes(32, "little").hex()


def base(factor: int) -> bytes:
    """factor · G."""
    factor %= ORDER
    if factor == 0:
        return IDENTITY
    return bytes(sodium.crypto_scalarmult_ed25519_base_noclamp(factor.to_bytes(32, "little")))


def times(factor: int, one: bytes) -> bytes:
    """factor · one. libsodium answers an error where the result is the identity."""
    factor %= ORDER
    if factor == 0 or one == IDENTITY:
        return IDENTITY
    return bytes(sodium.crypto_scalarmult_ed25519_noclamp(factor.to_bytes(32, "little"), one))


def add(one: bytes, other: bytes) -> bytes:
    """one + other."""
    return bytes(sodium.crypto_core_ed25519_add(one, other))


def sub(one: bytes, other: bytes) -> bytes:
    """one − other."""
    return bytes(sodium.crypto_core_ed25519_sub(one, other))


def total(points: Iterable[bytes]) -> bytes:
    """The sum of points; of none, the identity."""
    found = IDENTITY
    for one in points:
        found = add(found, one)
    return found
