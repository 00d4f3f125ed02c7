"""Whom we trust: root certificates pinned by SHA-256 for a purpose, the certificates between, and revocation lists.

A verification gets a `Trust`, a frozen snapshot. The service takes it from the database (`snapshot.trust_now`), where
two people agree on each root. A folder has the same for the command line and for the test authority of a trial; its
pins are checked at each load.

    anchors.json               what is trusted, for which purposes, who added it
    anchors/<sha256>.der       the root certificates themselves
    intermediates/<sha256>.der issuing authorities; real signatures often embed only the signer's certificate
    revocation/<sha256>.crl    cached revocation lists (and .ocsp answers)
"""

import copyreg
import hashlib
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from asn1crypto import cms, crl, ocsp, parser, pem, x509

from kernel import clock
from kernel.errors import Invalid
from kernel.text import phrase
from signing.sandbox import ports
from signing.trust.holders import common_name
from signing.trust.known_authorities import known

log = logging.getLogger(__name__)


class Purpose(StrEnum):
    """What a root is trusted for."""

    PERSON = "person"
    SEAL = "seal"
    TSA = "tsa"
    SYSTEM = "system"


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
    soft: timedelta = timedelta()
    """How long a revocation answer that has ended is still good for the word "unclear, was good until"."""

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

    def joined(self, other: "Trust") -> "Trust":
        """What either trusts; the soft window is ours."""
        return replace(
            self,
            anchors=self.anchors + other.anchors,
            intermediates=self.intermediates + other.intermediates,
            crls=self.crls + other.crls,
            ocsps=self.ocsps + other.ocsps,
            broken=self.broken + other.broken,
        )


def _pickle_by_bytes(certificate: x509.Certificate) -> tuple[Any, ...]:
    return x509.Certificate.load, (certificate.dump(),)


# asn1crypto prepares its classes when it makes their first object, and unpickling an object that was looked into makes
# none: a program whose first file has a time-stamp would call that stamp broken.
copyreg.pickle(x509.Certificate, _pickle_by_bytes)
ports.share(Trust)


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
            "label": label or label_of(root),
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
    """A certificate from DER, PEM or a PKCS#7 file (.p7b) that holds just one authority; Invalid when it is neither."""
    if not data:
        raise Invalid({"certificate": phrase("Cần chọn tệp chứng thư.")})
    try:
        found = _certificates(data)
        for one in found:
            one.native  # noqa: B018  # asn1crypto parses lazily; this makes a broken one raise here
    except (ValueError, TypeError, KeyError) as error:
        log.info("not a certificate: %s", error)
        found = []
    if not found:
        raise Invalid({"certificate": phrase("Tệp không phải là chứng thư số X.509.")})
    roots = [one for one in found if one.self_signed != "no"] if len(found) > 1 else found
    if len(roots) != 1:
        raise Invalid({"certificate": phrase("Tệp có nhiều chứng thư. Xin tách từng chứng thư ra rồi nạp lại.")})
    return roots[0]


def _certificates(data: bytes) -> list[x509.Certificate]:
    ders = [der for _, _, der in pem.unarmor(data, multiple=True)] if pem.detect(data) else [data]
    found: list[x509.Certificate] = []
    for der in ders:
        if _is_pkcs7(der):
            signed = cms.ContentInfo.load(der)["content"]
            found += [one.chosen for one in signed["certificates"] if one.name == "certificate"]
        else:
            found.append(x509.Certificate.load(der))
    return found


def _is_pkcs7(der: bytes) -> bool:
    """ContentInfo begins with an object identifier (tag 6), a certificate with another sequence."""
    _, _, _, _, content, _ = parser.parse(der)
    return bool(content[:1] == b"\x06")


def label_of(certificate: x509.Certificate) -> str:
    """What an authority is called: as we know it, else as its certificate says."""
    found = known(certificate.sha256.hex())
    return found.name if found else common_name(certificate.subject)


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


def _age(revocation_list: crl.CertificateList) -> tuple[datetime, int]:
    """When it was made and its number: two lists may be of the same second."""
    number = revocation_list.crl_number_value
    return revocation_list["tbs_cert_list"]["this_update"].native, number.native if number is not None else 0
