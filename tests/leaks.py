"""Looking for secrets where none may be, in every dress that they could wear."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


class Secrets:
    """What must be nowhere, in every dress that it could wear."""

    def __init__(self) -> None:
        self._dresses: dict[bytes, str] = {}

    def add(self, name: str, secret: bytes) -> None:
        assert len(secret) >= 12, name
        for dress in (secret, secret.hex().encode(), secret.hex().upper().encode(), secret.hex(":").encode()):
            self._dresses[dress] = name
        for lead in range(3):  # base64 looks different with each distance from the start
            whole = base64.b64encode(bytes(lead) + secret + bytes(2))
            core = whole[4 * (lead > 0) : 4 * ((lead + len(secret)) // 3)]
            self._dresses[core] = self._dresses[core.translate(bytes.maketrans(b"+/", b"-_"))] = f"{name} (base64)"

    def add_key(self, name: str, key: Any) -> None:
        """The numbers that make it private, and its plain encodings."""
        if isinstance(key, rsa.RSAPrivateKey):
            numbers = key.private_numbers()
            for part, value in (("d", numbers.d), ("p", numbers.p), ("q", numbers.q), ("dp", numbers.dmp1)):
                self.add(f"{name}.{part}", value.to_bytes((value.bit_length() + 7) // 8, "big"))
                self._dresses[str(value).encode()] = f"{name}.{part} (decimal)"
        else:
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self.add(name, key.private_numbers().private_value.to_bytes(32, "big"))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).splitlines()
        self._dresses[pem[10 if len(pem) > 10 else 2]] = f"{name} (PEM)"

    def found_in(self, place: str, data: bytes) -> list[str]:
        return [f"{name} in {place}" for dress, name in self._dresses.items() if dress in data]


def files_in(folder: Path, but: set[str]) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_file() and name not in but:
            yield name, path.read_bytes()
