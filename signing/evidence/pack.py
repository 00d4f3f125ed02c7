"""The evidence pack of one document: everything that somebody needs to check it without us, in one file.

A ZIP in the shape of ASiC-E (ETSI EN 319 162-1): the bytes as they came, receipts, verdicts, each signature by itself,
certificates with what authorities said about them, proofs of the log under signed heads, a page that checks it all in a
browser, and the same for openssl. In the place of the container's signature stands a JWS of the installation's key over
the manifest, which names the SHA-256 of every other file. docs/evidence-pack.md has the format.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey

from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.storage.blobs import Blob
from kernel.text import strip_marks
from signing.evidence import openssl
from signing.evidence.pack_format import PIECE, Entry, Writer
from signing.evidence.pack_parts import Part, Parts, TokenParts, is_list, parts_of, token_parts
from signing.log import evidence_log, receipts
from signing.log.evidence_log import Kind, NotYet, Proof
from signing.log.models import LogHead
from signing.log.receipts import SigningKey
from signing.sandbox.runner import SandboxError, run_sandboxed
from signing.trust.known_authorities import KNOWN_AUTHORITIES
from signing.trust.revocation_info import describe_answer
from signing.trust.trust_store import Trust
from signing.verdicts.policy import DocumentKind
from signing.verdicts.verdict import Level
from signing.verification.context import Expected
from signing.verification.long_term import ORDER

FORMAT = "lienthong-evidence/1"
TYPE = "lienthong-pack+jwt"
MAX_PARSED_BYTES = 100 * 1024**2
"""A larger PDF goes into the pack as it is; nobody takes it into memory to take it apart."""

MANIFEST, SIGNATURE, PROOFS = "META-INF/manifest.json", "META-INF/manifest.jws", "log/proofs.json"
ENVELOPE, KEYS, PAGE = "envelope.edxml", "keys/keys.json", "index.html"
HERE = Path(__file__).parent / "page"

Open = Callable[[str], IO[bytes]]


@dataclass(frozen=True)
class PaperFile:
    """One paper as it lies in the store, under which rules it is verified, and the file that it has grown into for
    keeping (signing.archive.preservation)."""

    name: str
    media_type: str
    role: str
    kind: DocumentKind
    blob: Blob
    grown: Blob | None = None


@dataclass(frozen=True)
class Head:
    """A signed head of the log with its time-stamp, if it has one."""

    size: int
    jws: str
    token: bytes | None
    stamped_at: datetime | None


@dataclass(frozen=True)
class Proved:
    """What the log proves of some facts, by kind and SHA-256, under these heads. `waiting` have no number yet."""

    proofs: Mapping[tuple[str, str], Proof]
    heads: tuple[Head, ...]
    waiting: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Source:
    """Everything that goes into a pack.

    `verdicts` are canonical JSON, oldest first, beside the place of their paper, None for those on the envelope;
    `receipts` pairs of kind and compact JWS, `document` what is told of the document, plain data; `key` signs it all.
    """

    document: dict[str, Any]
    expected: Expected
    envelope: Blob
    papers: tuple[PaperFile, ...]
    receipts: tuple[tuple[str, str], ...]
    verdicts: tuple[tuple[int | None, bytes], ...]
    proved: Proved
    keys: dict[str, Any]
    key: SigningKey
    issuer: str
    trust: Trust
    at: datetime


def proved(tx: Tx, facts: Iterable[tuple[Kind, str]]) -> Proved:
    """What the log has about these facts, each under the earliest head that proves a time for it."""
    proofs: dict[tuple[str, str], Proof] = {}
    waiting = set()
    for kind, digest in dict.fromkeys(facts):
        try:
            proofs[kind.value, digest] = evidence_log.earliest_proof_for(tx, kind, digest)
        except (NotYet, NotFound):
            waiting.add((kind.value, digest))
    sizes = {proof.size for proof in proofs.values()}
    rows = tx.session.scalars(sa.select(LogHead).where(LogHead.size.in_(sizes)).order_by(LogHead.size))
    heads = tuple(Head(row.size, row.jws, row.token, row.stamped_at) for row in rows)
    return Proved(proofs, heads, frozenset(waiting))


def write_pack(source: Source, open_: Open, target: IO[bytes]) -> dict[str, Any]:
    """Write the pack into `target`, in which it must be possible to go back. Answers the manifest. Files go through
    piece by piece; only signed PDFs are taken into memory, in a process of its own."""
    pack = _Pack(source, open_, Writer(target))
    pack.write()
    return pack.manifest


@dataclass
class _Pack:
    """One pack under way."""

    source: Source
    open: Open
    out: Writer
    manifest: dict[str, Any] = field(default_factory=dict)
    roots: dict[bytes, None] = field(default_factory=dict)
    others: dict[bytes, None] = field(default_factory=dict)
    answers: dict[bytes, None] = field(default_factory=dict)
    named: dict[tuple[str, str], str] = field(default_factory=dict)

    def write(self) -> None:
        """All files in their order, the manifest and its signature last."""
        source = self.source
        self.out.add(PAGE, [page().encode()])
        self._stored(ENVELOPE, source.envelope)
        self.named[Kind.DOCUMENT.value, source.envelope.sha256] = ENVELOPE
        papers = [self._paper(number, paper) for number, paper in enumerate(source.papers, 1)]
        levels = [Level(paper["level"]) for paper in papers if paper["level"]]
        self.manifest = {
            "format": FORMAT,
            "issuer": source.issuer,
            "made_at": source.at.isoformat(),
            "document": source.document,
            "expected": {
                "agency_names": list(source.expected.agency_names),
                "signer_name": source.expected.signer_name,
                "signer_title": source.expected.signer_title,
                "authority": source.expected.authority,
                "delegated": source.expected.delegated,
            },
            "level": min(levels, key=ORDER.index).value if levels else "",
            "envelope": ENVELOPE,
            "papers": papers,
            "receipts": self._receipts(),
            "verdicts": self._verdicts(papers),
            "log": self._log(),
            "keys": self._keys(),
            "certificates": self._certificates(),
            "revocation": self._revocation(),
        }
        self._text("CHECK.txt", openssl.check_text(self.manifest, self.out.entries, source.proved))
        self._text("META-INF/ASiCManifest.xml", openssl.asic_manifest(self.out.entries, SIGNATURE))
        self._seal()

    def _seal(self) -> None:
        """The manifest, which names every file before it, and the signature over it."""
        self.manifest["files"] = [{"name": e.name, "sha256": e.sha256, "size": e.size} for e in self.out.entries]
        entry = self._text(MANIFEST, json.dumps(self.manifest, ensure_ascii=False, indent=1) + "\n")
        now = self.source.at
        claims = {"iss": self.source.issuer, "iat": int(now.timestamp()), "at": now.isoformat(), "sha256": entry.sha256}
        self._text(SIGNATURE, self.source.key.sign(TYPE, claims))
        self.out.close()

    def _text(self, name: str, text: str) -> Entry:
        return self.out.add(name, [text.encode()])

    def _stored(self, name: str, blob: Blob) -> None:
        with self.open(blob.sha256) as file:
            entry = self.out.add(name, _pieces(file))
        if entry.sha256 != blob.sha256:
            raise OSError(f"the stored file {blob.sha256} was changed")

    def _paper(self, number: int, paper: PaperFile) -> dict[str, Any]:
        file = f"{number:02d}-{plain_name(paper.name)}"
        name, grown = f"papers/{file}", f"kept/{file}" if paper.grown else ""
        self._stored(name, paper.blob)
        self.named.setdefault((Kind.DOCUMENT.value, paper.blob.sha256), name)
        if paper.grown:
            self._stored(grown, paper.grown)
        parts = self._parts(paper, paper.grown or paper.blob)
        for path in parts.paths if parts else ():
            self._path(path)
        if parts:
            self.others.update(dict.fromkeys(parts.embedded))
            self.answers.update(dict.fromkeys(parts.answers))
        return {
            "file": name,
            "kept": grown,
            "name": paper.name,
            "media_type": paper.media_type,
            "role": paper.role,
            "kind": paper.kind.value,
            "readable": parts is not None,
            "level": parts.level if parts else "",
            "signatures": [self._part(number, n, one) for n, one in enumerate(parts.signatures, 1)] if parts else [],
        }

    def _parts(self, paper: PaperFile, newest: Blob) -> Parts | None:
        if paper.media_type != "application/pdf" or newest.size > MAX_PARSED_BYTES:
            return None
        with self.open(newest.sha256) as file, suppress(Invalid, SandboxError):
            return run_sandboxed(parts_of, file.read(), self.source.trust, self.source.at)
        return None

    def _path(self, path: tuple[bytes, ...]) -> None:
        self.roots.update(dict.fromkeys(path[:1]))
        self.others.update(dict.fromkeys(path[1:]))

    def _part(self, paper: int, number: int, part: Part) -> dict[str, Any]:
        stem = f"{paper:02d}-{number}-{plain_name(part.field, 30)}"
        file = f"signatures/{stem}.{'tst' if part.timestamp else 'p7s'}"
        self.out.add(file, [part.token])
        certificate = ""
        if part.path:
            certificate = f"certificates/{stem}.pem"
            self._text(certificate, openssl.pem(part.path[-1]))
        return {
            "file": file,
            "field": part.field,
            "timestamp": part.timestamp,
            "pades": part.pades,
            "ranges": [list(one) for one in part.ranges],
            "level": part.level,
            "name": part.name,
            "at": part.at.isoformat() if part.at else None,
            "certificate": certificate,
            "chain": len(part.path),
        }

    def _receipts(self) -> list[dict[str, Any]]:
        listed = []
        for number, (kind, jws) in enumerate(self.source.receipts, 1):
            name = f"receipts/{number:04d}-{plain_name(kind)}.jws"
            self._fact(Kind.RECEIPT, name, self._text(name, jws))
            listed.append({"file": name, "kind": kind})
        return listed

    def _verdicts(self, papers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        listed = []
        for number, (paper, report) in enumerate(self.source.verdicts, 1):
            name = f"verdicts/{number:02d}.json"
            self._fact(Kind.VERDICT, name, self.out.add(name, [report]))
            told = json.loads(report)
            file = ENVELOPE if paper is None else papers[paper]["file"]
            about = {"paper": file, "value": told["value"], "checked_at": told["checked_at"]}
            listed.append({"file": name, **about})
        return listed

    def _fact(self, kind: Kind, name: str, entry: Entry) -> None:
        self.named[kind.value, entry.sha256] = name

    def _log(self) -> dict[str, Any]:
        proved = self.source.proved
        heads = [self._head(head) for head in proved.heads]
        proofs = [
            {"file": self.named[fact], "kind": fact[0], **evidence_log.proof_shown(proof)}
            for fact, proof in proved.proofs.items()
            if fact in self.named
        ]
        self._text(PROOFS, json.dumps(proofs, ensure_ascii=False, indent=1) + "\n")
        waiting = sorted(self.named[fact] for fact in proved.waiting if fact in self.named)
        return {"heads": heads, "proofs": PROOFS, "waiting": waiting}

    def _head(self, head: Head) -> dict[str, Any]:
        name = f"log/head-{head.size}.jws"
        self._text(name, head.jws)
        told: dict[str, Any] = {"size": head.size, "file": name, "time_stamp": "", "stamped_at": None, "chain": 0}
        if head.token is None or head.stamped_at is None:
            return told
        stamp = f"log/head-{head.size}.tst"
        self.out.add(stamp, [head.token])
        parts: TokenParts = token_parts(head.token, self.source.trust)
        self._path(parts.path)
        self.answers.update(dict.fromkeys(parts.answers))
        return told | {"time_stamp": stamp, "stamped_at": head.stamped_at.isoformat(), "chain": len(parts.path)}

    def _keys(self) -> list[dict[str, Any]]:
        """Those that signed something here, as one JWK set and each as PEM for openssl."""
        signed = [jws for _, jws in self.source.receipts] + [head.jws for head in self.source.proved.heads]
        used = {receipts.kid_of(jws) for jws in signed} | {self.source.key.kid}
        keys = [jwk for jwk in self.source.keys["keys"] if jwk["kid"] in used]
        self._text(KEYS, json.dumps({"keys": keys}, indent=1) + "\n")
        listed = []
        for number, jwk in enumerate(keys, 1):
            name = f"keys/{number}.pem"
            self.out.add(name, [public_pem(jwk)])
            listed.append({"file": name, "kid": jwk["kid"]})
        return listed

    def _certificates(self) -> dict[str, Any]:
        others = [one for one in self.others if one not in self.roots]
        files = {"roots": list(self.roots), "others": others}
        listed: dict[str, Any] = {"fingerprints": [sha256(one).hexdigest() for one in self.roots]}
        for name, held in files.items():
            listed[name] = f"certificates/{name}.pem" if held else ""
            if held:
                self._text(listed[name], "".join(map(openssl.pem, held)))
        return listed

    def _revocation(self) -> list[dict[str, Any]]:
        listed = []
        for number, answer in enumerate(self.answers, 1):
            listed_ = is_list(answer)
            name = f"revocation/{number:02d}.{'crl.pem' if listed_ else 'ocsp'}"
            self.out.add(name, [openssl.pem(answer, "X509 CRL").encode() if listed_ else answer])
            listed.append({"file": name, **describe_answer(answer)})
        return listed


@cache
def page() -> str:
    """The page that checks a pack in a browser: the same bytes in every pack of this version."""
    html = (HERE / "index.html").read_text("utf-8")
    scripts = "".join((HERE / name).read_text("utf-8") for name in SCRIPTS)
    roots = json.dumps([one.sha256 for one in KNOWN_AUTHORITIES if one.root])
    return html.replace("/*SCRIPT*/", scripts.replace("/*KNOWN*/[]", roots))


SCRIPTS = ("words.js", "der.js", "form.js", "cms.js", "log.js", "page.js")


def public_pem(jwk: Mapping[str, Any]) -> bytes:
    """A public key of the JWK set as openssl reads it."""
    key = ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}).public_key
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def plain_name(name: str, most: int = 60) -> str:
    """A file name that every system takes; the real one stands in the manifest."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in strip_marks(name))
    stem, dot, ending = kept.strip("-.").rpartition(".")
    if not dot:
        stem, ending = ending, ""
    short = "-".join(part for part in stem.split("-") if part)[:most].strip("-._")
    return f"{short or 'tep'}{dot}{ending[:10]}"


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece
