"""A marked TEST authority for trials and tests: root, issuing authority, people, agency seals, time-stamps, revocation.

All keys are made on the spot and kept in the given folder, readable by its owner only. Nothing of it is ever shipped.
Every subject carries `CHỨNG THƯ THỬ NGHIỆM`, every verdict on its signatures says so, and a store that is not in
trial mode does not trust it at all.

    authority/root.p12 issuing.p12 tsa.p12 ocsp.p12     people/<id>.p12     seals/<id>.p12
    crl/root.crl issuing.crl                            revoked.json        passphrase     address

`address` is where `signing.testca.services` answers; certificates made while there is one name it.
"""

import fcntl
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kernel import clock
from kernel.text import fold
from signing.keys.keystore import FileKeyStore, Passphrase
from signing.testca.certificates import (
    CRL_LIFETIME,
    LIFETIME,
    Pair,
    PrivateKey,
    build_crl,
    ca_builder,
    certificate_builder,
    key_usage,
    new_key,
    sign_certificate,
    subject_named,
    with_addresses,
)
from signing.trust.holders import TEST_MARK
from signing.trust.trust_store import Purpose, TrustStore

PASSPHRASE = "passphrase"  # noqa: S105  # the name of a file
TIME_STAMPS = "authority/tsa.p12"
STATUS_ANSWERS = "authority/ocsp.p12"
ADDRESS = "address"

EMAIL_PROTECTION = ExtendedKeyUsageOID.EMAIL_PROTECTION
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336


@dataclass(frozen=True)
class TestPerson:
    """Somebody who shall have a test certificate; `key` names the file and stays the same for the same person."""

    __test__ = False  # pytest would collect the name

    key: str
    name: str
    agency: str
    title: str = ""
    email: str = ""


@dataclass(frozen=True)
class TestSeal:
    """An agency that shall have a test seal."""

    __test__ = False

    key: str
    agency: str


class TestAuthority:
    """The authority in one folder. Issuing the same key twice gives the same certificate."""

    __test__ = False

    def __init__(self, folder: Path, served_at: str = "") -> None:
        """Open the authority in `folder`, or make it there.

        `served_at` is the address at which its services answer from now on; certificates that are made later name it.
        """
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        with self._lock():
            self._passphrase = self._read_passphrase()
            if served_at:
                self._write(folder / ADDRESS, served_at.rstrip("/").encode())
            self._root = self._root_authority()
            self._issuing = self._issuing_authority()
            self._tsa_path = self._time_stamp_certificate()
            if self._crls_are_old():
                self._write_crls()

    def issue_person(self, person: TestPerson) -> FileKeyStore:
        """The key of this person, made at the first call."""
        names = [
            (NameOID.ORGANIZATION_NAME, person.agency),
            (NameOID.TITLE, person.title),
            (NameOID.EMAIL_ADDRESS, person.email),
        ]
        return self._issue(self.person_path(person.key), person.name, names)

    def issue_seal(self, seal: TestSeal) -> FileKeyStore:
        """The key of this agency's seal, made at the first call."""
        return self._issue(self.seal_path(seal.key), seal.agency, [(NameOID.ORGANIZATION_NAME, seal.agency)])

    def issue_system(self, seal: TestSeal) -> FileKeyStore:
        """The key of this agency's system, which signs envelopes, made at the first call; never the seal's."""
        names = [(NameOID.ORGANIZATION_NAME, seal.agency)]
        return self._issue(self.folder / "systems" / f"{_file_name(seal.key)}.p12", f"Hệ thống {seal.agency}", names)

    def person_key(self, key: str) -> FileKeyStore | None:
        """The key of a person who has one."""
        return self._held_by(self.person_path(key))

    def seal_key(self, key: str) -> FileKeyStore | None:
        """The key of an agency that has one."""
        return self._held_by(self.seal_path(key))

    def person_path(self, key: str) -> Path:
        """Where the PKCS#12 file of this person lies."""
        return person_file(self.folder, key)

    def seal_path(self, key: str) -> Path:
        """Where the PKCS#12 file of this seal lies."""
        return seal_file(self.folder, key)

    @property
    def passphrase(self) -> bytes:
        """What the PKCS#12 files are encrypted with."""
        return self._passphrase

    @property
    def root_certificate(self) -> bytes:
        """DER of the root."""
        return self._root.certificate.public_bytes(Encoding.DER)

    @property
    def issuing_certificate(self) -> bytes:
        """DER of the issuing authority."""
        return self._issuing.certificate.public_bytes(Encoding.DER)

    def time_stamp_key(self) -> FileKeyStore:
        """The key of the test time-stamp authority, for `signing.pdf.timestamps.LocalTimeStamps`."""
        return FileKeyStore(self._tsa_path, self._passphrase)

    def status_pair(self) -> Pair:
        """The OCSP responder of the issuing authority, made at the first call."""
        path = self.folder / STATUS_ANSWERS
        with self._lock():
            if not path.exists():
                subject = subject_named("OCSP thử nghiệm", [(NameOID.ORGANIZATION_NAME, "Liên Thông")])
                self._write_pair(path, self.certify(subject, usages=(ExtendedKeyUsageOID.OCSP_SIGNING,)))
        return self._read_pair(path)

    @property
    def address(self) -> str:
        """Where the services of this authority answer, without a slash at the end; empty when they never did."""
        path = self.folder / ADDRESS
        return path.read_text() if path.exists() else ""

    def revoked_at(self, serial: int) -> datetime | None:
        """When the certificate with this serial number was revoked."""
        at = self._revoked().get(format(serial, "x"))
        return datetime.fromisoformat(at) if at else None

    def crls(self) -> list[bytes]:
        """The revocation lists of root and issuing authority, made anew long before they end."""
        if self._crls_are_old():
            with self._lock():
                self._write_crls()
        return [(self.folder / "crl" / f"{name}.crl").read_bytes() for name in ("root", "issuing")]

    def revoke(self, certificate: bytes, at: datetime | None = None) -> None:
        """Revoke a certificate (DER) of this authority and publish a new list."""
        serial = x509.load_der_x509_certificate(certificate).serial_number
        with self._lock():
            revoked = self._revoked()
            revoked.setdefault(format(serial, "x"), (at or clock.now()).isoformat())
            self._write(self.folder / "revoked.json", json.dumps(revoked).encode())
            self._write_crls()

    def enter_into(self, store: TrustStore) -> None:
        """Make `store` trust this authority, marked as a test authority, and bring its revocation lists."""
        fingerprint = self._root.certificate.fingerprint(hashes.SHA256()).hex()
        if all(anchor.sha256 != fingerprint for anchor in store.trust().anchors):
            store.add_anchor(self.root_certificate, list(Purpose), by="lienthong pki test", label=TEST_MARK, test=True)
            store.add_intermediate(self.issuing_certificate)
        for revocation_list in self.crls():
            store.add_crl(revocation_list)

    def _issue(self, path: Path, name: str, names: Sequence[tuple[x509.ObjectIdentifier, str]]) -> FileKeyStore:
        with self._lock():
            if not path.exists():
                self._write_pair(path, self.certify(subject_named(name, names), usages=_SIGNING))
        return FileKeyStore(path, self._passphrase)

    def certify(
        self,
        subject: x509.Name,
        *,
        usages: Sequence[x509.ObjectIdentifier],
        not_after: datetime | None = None,
        key: PrivateKey | None = None,
    ) -> Pair:
        """A certificate for `subject` and its (new) key; for odd certificates that tests need, too."""
        key = key or new_key()
        builder = certificate_builder(
            subject, self._issuing.certificate.subject, key, not_after or clock.now() + LIFETIME
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(key_usage(signs=True), critical=True)
        builder = builder.add_extension(
            x509.ExtendedKeyUsage(usages), critical=tuple(usages) == (ExtendedKeyUsageOID.TIME_STAMPING,)
        )
        if ExtendedKeyUsageOID.OCSP_SIGNING in usages:
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
        elif self.address:
            builder = with_addresses(builder, self.address, "issuing", answers=True)
        return Pair(key, sign_certificate(builder, key, self._issuing))

    def write_pair(self, path: Path, held: Pair) -> FileKeyStore:
        """Keep a pair made by `certify` in an encrypted file and open it."""
        with self._lock():
            self._write_pair(path, held)
        return FileKeyStore(path, self._passphrase)

    def _root_authority(self) -> Pair:
        path = self.folder / "authority" / "root.p12"
        if not path.exists():
            key = new_key()
            subject = subject_named(f"{TEST_MARK} - CA gốc", [(NameOID.ORGANIZATION_NAME, "Liên Thông")])
            builder = ca_builder(subject, subject, key, path_length=1)
            self._write_pair(path, Pair(key, sign_certificate(builder, key, None)), chain=False)
        return self._read_pair(path)

    def _issuing_authority(self) -> Pair:
        path = self.folder / "authority" / "issuing.p12"
        if not path.exists():
            key = new_key()
            subject = subject_named(f"{TEST_MARK} - CA cấp chứng thư", [(NameOID.ORGANIZATION_NAME, "Liên Thông")])
            builder = ca_builder(subject, self._root.certificate.subject, key, path_length=0)
            if self.address:
                builder = with_addresses(builder, self.address, "root", answers=False)
            self._write_pair(path, Pair(key, sign_certificate(builder, key, self._root)), chain=False)
        return self._read_pair(path)

    def _time_stamp_certificate(self) -> Path:
        path = self.folder / TIME_STAMPS
        if not path.exists():
            subject = subject_named("Dấu thời gian thử nghiệm", [(NameOID.ORGANIZATION_NAME, "Liên Thông")])
            self._write_pair(path, self.certify(subject, usages=(ExtendedKeyUsageOID.TIME_STAMPING,)))
        return path

    def _revoked(self) -> dict[str, str]:
        path = self.folder / "revoked.json"
        entries: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return entries

    def _crls_are_old(self) -> bool:
        path = self.folder / "crl" / "issuing.crl"
        if not path.exists():
            return True
        issued = x509.load_der_x509_crl(path.read_bytes()).last_update_utc
        return clock.now() - issued > CRL_LIFETIME / 4

    def _write_crls(self) -> None:
        revoked, now = self._revoked(), clock.now()  # both are of one moment, and end at one
        for name, held, entries in (("root", self._root, {}), ("issuing", self._issuing, revoked)):
            self._write(self.folder / "crl" / f"{name}.crl", build_crl(held, entries, now))

    def _held_by(self, path: Path) -> FileKeyStore | None:
        return FileKeyStore(path, self._passphrase) if path.exists() else None

    def _read_pair(self, path: Path) -> Pair:
        key, certificate, _ = pkcs12.load_key_and_certificates(path.read_bytes(), self._passphrase)
        if not isinstance(key, PrivateKey) or certificate is None:
            raise ValueError(f"{path.name} holds no key of the test authority")
        return Pair(key, certificate)

    def _write_pair(self, path: Path, held: Pair, *, chain: bool = True) -> None:
        above = [self._issuing.certificate] if chain else None
        self._write(
            path,
            pkcs12.serialize_key_and_certificates(
                path.stem.encode(), held.key, held.certificate, above, BestAvailableEncryption(self._passphrase)
            ),
        )

    def _read_passphrase(self) -> bytes:
        path = self.folder / PASSPHRASE
        if not path.exists():
            self._write(path, secrets.token_urlsafe(32).encode())
        return Passphrase(path.read_bytes())

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.touch(mode=0o600)
        draft.write_bytes(data)
        draft.replace(path)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Web, worker and command line may ask for the same certificate at the same moment."""
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def make_test_authority(
    folder: Path,
    people: Iterable[TestPerson] = (),
    seals: Iterable[TestSeal] = (),
    *,
    trust: TrustStore | None = None,
) -> TestAuthority:
    """Make the test authority in `folder` or open it, see to these certificates, and let `trust` trust it."""
    authority = TestAuthority(folder)
    for person in people:
        authority.issue_person(person)
    for seal in seals:
        authority.issue_seal(seal)
    if trust is not None:
        authority.enter_into(trust)
    return authority


_SIGNING = (EMAIL_PROTECTION, DOCUMENT_SIGNING)


def person_file(folder: Path, key: str) -> Path:
    """Where the key of a person lies in the folder of an authority."""
    return folder / "people" / f"{_file_name(key)}.p12"


def seal_file(folder: Path, key: str) -> Path:
    """Where the key of a seal lies in the folder of an authority."""
    return folder / "seals" / f"{_file_name(key)}.p12"


def _file_name(key: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in fold(key)).strip(".-") or "x"
