"""A token in software (SoftHSM) with the city's seal as RSA and as EC, and a key with a wrong certificate."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pkcs11.util.ec import decode_ec_private_key
from pkcs11.util.rsa import decode_rsa_private_key
from pkcs11.util.x509 import decode_x509_certificate

from signing.keys.pkcs11 import TokenKey
from signing.testca.authority import TestAuthority
from signing.testca.certificates import Pair, subject_named

MODULE = next(
    (
        str(path)
        for folder in ("/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/lib/aarch64-linux-gnu/softhsm")
        if (path := Path(folder, "libsofthsm2.so")).exists()
    ),
    "",
)
PIN = "pin-7301-rat-kho-doan"
TOKEN = "HSM thanh pho"
CITY = "Văn phòng Ủy ban nhân dân thành phố Sông Hồng"


@dataclass
class Hsm:
    """The token's files, which tests may take away, and what is on it."""

    folder: Path
    authority: TestAuthority
    pairs: dict[str, Pair]

    def key(self, label: str, **changes: object) -> TokenKey:
        return TokenKey(**{"module": MODULE, "token": TOKEN, "label": label, "pin": PIN, **changes})  # type: ignore[arg-type]

    def uri(self, label: str, query: str = "") -> str:
        return f"pkcs11:token={TOKEN.replace(' ', '%20')};object={label}{query}"

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens"

    def unplug(self) -> None:
        """Take the token away: what a process has open dies with it."""
        self.tokens.rename(self.folder / "away")
        self.tokens.mkdir()
        pkcs11.lib(MODULE).reinitialize()

    def plug_in(self) -> None:
        self.tokens.rmdir()
        (self.folder / "away").rename(self.tokens)


@pytest.fixture(scope="session")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hsm]:
    """The token; there is one SoftHSM a process, because its library reads its settings once."""
    if not MODULE or not shutil.which("softhsm2-util"):
        pytest.fail("SoftHSM is missing: apt-get install softhsm2 (scripts/setup --dev does)")
    folder = tmp_path_factory.mktemp("hsm")
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    run = ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", "so-" + PIN]
    subprocess.run(run, check=True, capture_output=True)
    authority = TestAuthority(folder / "pki")
    pairs = {
        label: _pair(authority, key) for label, key in (("rsa", None), ("ec", ec.generate_private_key(ec.SECP256R1())))
    }
    _store(pairs, authority)
    yield Hsm(folder, authority, pairs)
    os.environ.pop("SOFTHSM2_CONF")


def _pair(authority: TestAuthority, key: ec.EllipticCurvePrivateKey | None) -> Pair:
    subject = subject_named(CITY, [(NameOID.ORGANIZATION_NAME, CITY)])
    return authority.certify(subject, usages=(ExtendedKeyUsageOID.EMAIL_PROTECTION,), key=key)


def _store(pairs: dict[str, Pair], authority: TestAuthority) -> None:
    lib = pkcs11.lib(MODULE)
    if lib.initialized:
        lib.reinitialize()
    with lib.get_token(token_label=TOKEN).open(rw=True, user_pin=PIN) as session:
        for number, (label, pair) in enumerate(pairs.items(), start=1):
            _put(session, label, bytes([number]), pair, pair.certificate)
        # Somebody has typed the label of one key to the certificate of another.
        _put(session, "mistaken", b"\x09", pairs["rsa"], _pair(authority, None).certificate)
        issuing = decode_x509_certificate(authority.issuing_certificate)
        session.create_object({**issuing, pkcs11.Attribute.TOKEN: True, pkcs11.Attribute.LABEL: "CA"})


def _put(session: pkcs11.Session, label: str, number: bytes, pair: Pair, certificate: x509.Certificate) -> None:
    private = pair.key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    decode = decode_ec_private_key if isinstance(pair.key, ec.EllipticCurvePrivateKey) else decode_rsa_private_key
    common = {pkcs11.Attribute.TOKEN: True, pkcs11.Attribute.LABEL: label, pkcs11.Attribute.ID: number}
    session.create_object({**decode(private), **common})
    session.create_object({**decode_x509_certificate(certificate.public_bytes(Encoding.DER)), **common})
