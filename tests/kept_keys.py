"""RSA keys of tests. Making one takes 50 ms of the processor, and so does opening a file with one, since OpenSSL looks
again whether its numbers are primes: more than most tests take for all else. Test authorities need some thousands."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    pkcs12,
)

SIZE = 2048
"""Of the keys that are kept; others are made as they are asked for."""


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Within the block the n-th key that a process asks for is the same in all processes with this folder, and is made
    once; a key file with the same bytes is opened once. No process gets a key twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rsa, "generate_private_key", _from_folder(folder, rsa.generate_private_key))
        patch.setattr(pkcs12, "load_key_and_certificates", _opened_once(pkcs12.load_key_and_certificates))
        yield


def _from_folder(folder: Path, make: Callable[..., rsa.RSAPrivateKey]) -> Callable[..., rsa.RSAPrivateKey]:
    numbers = itertools.count()

    def generate(public_exponent: int, key_size: int) -> rsa.RSAPrivateKey:
        if key_size != SIZE:
            return make(public_exponent, key_size)
        path = folder / f"{next(numbers)}.der"
        if not path.exists():
            draft = path.with_suffix(f".{os.getpid()}")
            made = make(public_exponent, key_size)
            draft.write_bytes(made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
            draft.rename(path)
        key = load_der_private_key(path.read_bytes(), None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key

    return generate


def _opened_once(load: Callable[..., Any]) -> Callable[..., Any]:
    opened: dict[bytes, Any] = {}

    def load_key_and_certificates(data: bytes, password: bytes | None) -> Any:
        which = sha256(data + b"\0" + (password or b"")).digest()  # the password itself stays in nobody's memory
        if which not in opened:
            opened[which] = load(data, password)
        key, certificate, others = opened[which]
        return key, certificate, list(others)

    return load_key_and_certificates
