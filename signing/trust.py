"""Whom we trust: root certificates pinned by SHA-256 for a purpose, the certificates between, and revocation lists.

The store is a folder. It ships empty: an administrator loads the certificates, and the pin is checked at each load.

    anchors.json               what is trusted, for which purposes, who added it
    anchors/<sha256>.der       the root certificates themselves
    intermediates/<sha256>.der issuing authorities; real signatures often embed only the signer's certificate
    revocation/<sha256>.crl    cached revocation lists (and .ocsp answers)
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from asn1crypto import crl, ocsp, pem, x509

from kernel import clock
from kernel.errors import Invalid
from kernel.text import phrase

log = logging.getLogger(__name__)


class Purpose(StrEnum):
    """What a root is trusted for."""

    PERSON = "person"
    SEAL = "seal"
    TSA = "tsa"
    SYSTEM = "system"


@dataclass(frozen=True)
class KnownAuthority:
    """A public authority whose fingerprint we know; its certificate is not shipped with the software."""

    name: str
    url: str
    sha256: str
    root: bool


# Fingerprints (SHA-256 of the DER) of the Vietnamese authorities.
KNOWN_AUTHORITIES: tuple[KnownAuthority, ...] = (
    KnownAuthority(
        "Root CA chuyên dùng Chính phủ G2 (2018–2048)",
        "http://ca.gov.vn/pki/pub/crt/rootcag2.crt",
        "f04ba4b459a7c9a1b971ad9b1cb833e695a80c79aea63b174b66a70edfe2fdb8",
        root=True,
    ),
    KnownAuthority(
        "Sub-CA cơ quan nhà nước G2",
        "http://ca.gov.vn/pki/pub/crt/cpcag2.crt",
        "d8cab7a4aef92e6bb2509d7c61cee7b44f3731b2d21074963530277b366fae4b",
        root=False,
    ),
    KnownAuthority(
        "Sub-CA cơ quan Đảng G2",
        "http://ca.gov.vn/pki/pub/crt/dcscag2.crt",
        "e4b402e3cb4cacc0a20d21fa49bce76beb4eb47ba7ffb7a8f71c554dbe561a81",
        root=False,
    ),
    KnownAuthority(
        "Root CA chuyên dùng Chính phủ G1 (2010–2030)",
        "http://ca.gov.vn/pki/pub/cert/rootca.crt",
        "f7bc89054cec7f12730d7b8cd3eb7955b163835087e5eb873edfb584763b3f90",
        root=True,
    ),
    KnownAuthority(
        "Sub-CA G1 (cấp chứng thư cho thiết bị đang dùng)",
        "http://ca.gov.vn/pki/pub/cert/cp.crt",
        "75e969c07ba35c29c72bbc1bfb880f20f3891a619b00b77eb02ca6160736a1fe",
        root=False,
    ),
    KnownAuthority(
        "Vietnam National Root CA (các CA công cộng)",
        "https://rootca.gov.vn/crt/vnrca256.p7b",
        "bac8bf609ab420a8ee1780d74f4de5c7f7184959d2a7375b0a75e4c29f0908e7",
        root=True,
    ),
)


@dataclass(frozen=True)
class Anchor:
    """One trusted root. `test` marks the authority of a trial installation."""

    certificate: x509.Certificate = field(compare=False)
    sha256: str
    purposes: frozenset[Purpose]
    label: str
    test: bool
    added_by: str
    added_at: datetime


@dataclass(frozen=True)
class Trust:
    """A snapshot of the store, safe to share between threads. `broken` names files that failed their pin."""

    anchors: tuple[Anchor, ...] = ()
    intermediates: tuple[x509.Certificate, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    broken: tuple[str, ...] = ()

    def roots(self, purpose: Purpose) -> list[x509.Certificate]:
        """The root certificates trusted for `purpose`."""
        return [anchor.certificate for anchor in self.anchors if purpose in anchor.purposes]

    def is_test(self, root: x509.Certificate) -> bool:
        """Whether this root belongs to a test authority."""
        fingerprint = root.sha256.hex()
        return any(anchor.test for anchor in self.anchors if anchor.sha256 == fingerprint)

    @property
    def empty(self) -> bool:
        """True when nothing is trusted yet, so that no signature can be called valid."""
        return not self.anchors


class TrustStore:
    """The folder and the verbs that change it. Every change is written whole or not at all."""

    def __init__(self, folder: Path, *, allow_test: bool = False) -> None:
        """`allow_test` is for trial installations: without it test anchors are read over."""
        self.folder = folder
        self._allow_test = allow_test
        self._stamp: tuple[Any, ...] | None = None
        self._trust = Trust()

    def trust(self) -> Trust:
        """The store as it stands now; read again only when a file has changed."""
        stamp = self._stamp_now()
        if stamp != self._stamp:
            self._trust = self._read()
            self._stamp = stamp
        return self._trust

    def add_anchor(
        self, certificate: bytes, purposes: Iterable[Purpose], *, by: str, label: str = "", test: bool = False
    ) -> str:
        """Trust this root (DER or PEM) for `purposes` from now on. Answers with its SHA-256.

        Adding it again replaces purposes and label. Invalid when it is no certificate of an authority.
        """
        root = load_certificate(certificate)
        if not root.ca:
            raise Invalid({"certificate": phrase("Đây không phải là chứng thư của một tổ chức cấp chứng thư (CA).")})
        fingerprint = root.sha256.hex()
        self._write(self.folder / "anchors" / f"{fingerprint}.der", root.dump())
        entries = {entry["sha256"]: entry for entry in self._entries()}
        entries[fingerprint] = {
            "sha256": fingerprint,
            "purposes": sorted(purpose.value for purpose in purposes),
            "label": label or _known_name(fingerprint) or root.subject.human_friendly,
            "test": test,
            "added_by": by,
            "added_at": clock.now().isoformat(),
        }
        self._write_entries(list(entries.values()))
        return str(fingerprint)

    def remove_anchor(self, sha256: str) -> None:
        """Trust this root no longer."""
        self._write_entries([entry for entry in self._entries() if entry["sha256"] != sha256])
        (self.folder / "anchors" / f"{sha256}.der").unlink(missing_ok=True)

    def add_intermediate(self, certificate: bytes) -> str:
        """Keep an issuing authority's certificate for building chains. It gives no trust by itself."""
        issuer = load_certificate(certificate)
        fingerprint: str = issuer.sha256.hex()
        self._write(self.folder / "intermediates" / f"{fingerprint}.der", issuer.dump())
        return fingerprint

    def add_crl(self, revocation_list: bytes) -> None:
        """Keep a revocation list; a newer one of the same issuer takes the place of the older."""
        fresh = crl.CertificateList.load(revocation_list)
        name = hashlib.sha256(fresh.issuer.dump()).hexdigest()
        path = self.folder / "revocation" / f"{name}.crl"
        if path.exists():
            kept = crl.CertificateList.load(path.read_bytes())
            if _age(kept) >= _age(fresh):
                return
        self._write(path, revocation_list)

    def add_ocsp(self, answer: bytes) -> None:
        """Keep an OCSP answer."""
        ocsp.OCSPResponse.load(answer).basic_ocsp_response  # noqa: B018  # raises on a broken answer
        self._write(self.folder / "revocation" / f"{hashlib.sha256(answer).hexdigest()}.ocsp", answer)

    def _read(self) -> Trust:
        anchors, broken = [], []
        for entry in self._entries():
            if entry["test"] and not self._allow_test:
                continue
            path = self.folder / "anchors" / f"{entry['sha256']}.der"
            data = path.read_bytes() if path.exists() else b""
            if hashlib.sha256(data).hexdigest() != entry["sha256"]:
                log.error("trusted certificate %s does not match its pin and is not used", path.name)
                broken.append(path.name)
                continue
            anchors.append(_anchor(entry, data))
        return Trust(
            anchors=tuple(anchors),
            intermediates=tuple(
                x509.Certificate.load(path.read_bytes()) for path in self._files("intermediates", ".der")
            ),
            crls=tuple(path.read_bytes() for path in self._files("revocation", ".crl")),
            ocsps=tuple(path.read_bytes() for path in self._files("revocation", ".ocsp")),
            broken=tuple(broken),
        )

    def _files(self, kind: str, suffix: str) -> list[Path]:
        return sorted(path for path in (self.folder / kind).glob(f"*{suffix}"))

    def _stamp_now(self) -> tuple[Any, ...]:
        paths = [self.folder / "anchors.json"]
        for kind in ("anchors", "intermediates", "revocation"):
            paths.extend(sorted((self.folder / kind).glob("*.*")))
        stats = [(path.name, path.stat()) for path in paths if path.exists()]
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)

    def _entries(self) -> list[dict[str, Any]]:
        path = self.folder / "anchors.json"
        entries: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else []
        return entries

    def _write_entries(self, entries: list[dict[str, Any]]) -> None:
        text = json.dumps(entries, ensure_ascii=False, indent=2)
        self._write(self.folder / "anchors.json", text.encode())

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_bytes(data)
        draft.replace(path)


def load_certificate(data: bytes) -> x509.Certificate:
    """A certificate from DER or PEM; Invalid when it is neither."""
    try:
        if pem.detect(data):
            _, _, data = pem.unarmor(data)
        certificate = x509.Certificate.load(data)
        certificate.native  # noqa: B018  # asn1crypto parses lazily; this makes a broken one raise here
    except (ValueError, TypeError) as error:
        log.info("not a certificate: %s", error)
        raise Invalid({"certificate": phrase("Tệp không phải là chứng thư số X.509.")}) from None
    return certificate


def _anchor(entry: dict[str, Any], data: bytes) -> Anchor:
    return Anchor(
        certificate=x509.Certificate.load(data),
        sha256=entry["sha256"],
        purposes=frozenset(Purpose(purpose) for purpose in entry["purposes"]),
        label=entry["label"],
        test=entry["test"],
        added_by=entry["added_by"],
        added_at=datetime.fromisoformat(entry["added_at"]),
    )


def _known_name(fingerprint: str) -> str:
    return next((known.name for known in KNOWN_AUTHORITIES if known.sha256 == fingerprint), "")


def _age(revocation_list: crl.CertificateList) -> tuple[datetime, int]:
    """When it was made and its number: two lists may be of the same second."""
    number = revocation_list.crl_number_value
    return revocation_list["tbs_cert_list"]["this_update"].native, number.native if number is not None else 0
