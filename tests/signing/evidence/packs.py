"""Evidence packs of a letter that the tests' office has signed and sealed, with a log and its time-stamped head."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.jwk import ECKey

from kernel import clock
from kernel.db import Database, Tx
from kernel.storage.blobs import Blob
from signing.evidence.pack import PaperFile, Source, proved, write_pack
from signing.log import evidence_log, receipts
from signing.log.evidence_log import Kind, canonical
from signing.pdf.pades import FIELD_SEAL, add_timestamp, sign_field, sign_person, sign_seal
from signing.pdf.timestamps import LocalTimeStamps, token_over
from signing.testca.authority import TestPerson
from signing.testca.certificates import Pair, subject_named
from signing.testca.services import status_of, status_request
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.reasons import Code
from signing.verification.context import Expected
from signing.verification.file_verification import not_verified
from tests.signing.conftest import CITY, Office
from tests.signing.papers import minimal_pdf

ENVELOPE = "<edXML>một phong bì</edXML>".encode()


@dataclass(frozen=True)
class Made:
    """A pack, what went into it and the keys of the installation that made it."""

    data: bytes
    source: Source
    keys: dict[str, dict[str, Any]]
    store: "Store"

    @property
    def file(self) -> io.BytesIO:
        return io.BytesIO(self.data)

    def other_file(self, data: bytes) -> io.BytesIO:
        return io.BytesIO(data)

    def other(self, **changes: Any) -> "Made":
        """What a maker who signs anything would have made of it."""
        source = replace(self.source, **changes)
        return replace(self, data=written(source, self.store), source=source)


class Store(dict[str, bytes]):
    """Files by their SHA-256, in memory."""

    def put(self, data: bytes) -> Blob:
        digest = sha256(data).hexdigest()
        self[digest] = data
        return Blob(digest, len(data))

    def open(self, digest: str) -> io.BytesIO:
        return io.BytesIO(self[digest])


def receipt(tx: Tx, envelope: Blob, kind: str, previous: str | None) -> str:
    now = clock.now()
    claims = {
        "iss": receipts.issuer(), "jti": kind, "iat": int(now.timestamp()), "kind": kind, "at": now.isoformat(),
        "previous": previous, "sha256": envelope.sha256, "size": envelope.size,
    }  # fmt: skip
    return receipts.state(tx, "lienthong-receipt+jwt", claims)


def make_pack(db: Database, office: Office, papers: Sequence[bytes], *, stamped: bool = True) -> Made:
    """Put the letter and its attachments into the log, as the exchange does, and make the pack."""
    store = Store()
    envelope = store.put(ENVELOPE)
    files = [
        PaperFile(
            "Giấy mời họp.pdf" if not number else f"Phụ lục {number}.pdf",
            "application/pdf",
            "attachment" if number else "main",
            DocumentKind.FOREIGN if number else DocumentKind.OFFICIAL,
            store.put(data),
        )
        for number, data in enumerate(papers)
    ]
    verdict = canonical(office.verify(papers[0]).to_json())
    unsigned = not_verified(Code.TOO_LARGE, envelope.sha256, envelope.size, policy_for(DocumentKind.FOREIGN))
    of_envelope = canonical(unsigned.to_json())
    with db.write() as tx:
        first = receipt(tx, envelope, "submitted", None)
        second = receipt(tx, envelope, "available", sha256(first.encode()).hexdigest())
        evidence_log.add(tx, Kind.DOCUMENT, envelope.sha256, *(file.blob.sha256 for file in files))
        evidence_log.add_statement(tx, first)
        evidence_log.add_statement(tx, second)
        evidence_log.add(tx, Kind.VERDICT, sha256(verdict).hexdigest(), sha256(of_envelope).hexdigest())
    with db.write() as tx:
        head = evidence_log.sequence(tx)
        assert head is not None
        if stamped:
            source = LocalTimeStamps(office.authority.time_stamp_key())
            head.token, head.stamped_at = token_over(sha256(head.jws.encode()).digest(), source), clock.now()
        key = receipts.known_key(tx)
        facts = [(Kind.DOCUMENT, blob.sha256) for blob in (envelope, *(file.blob for file in files))]
        facts += [(Kind.RECEIPT, sha256(jws.encode()).hexdigest()) for jws in (first, second)]
        facts += [(Kind.VERDICT, sha256(one).hexdigest()) for one in (verdict, of_envelope)]
        given = Source(
            document={"code": "15/UBND-VP", "subject": "Mời họp giao ban tháng 3", "sender": CITY},
            expected=Expected((CITY,)),
            envelope=envelope,
            papers=tuple(files),
            receipts=(("submitted", first), ("available", second)),
            verdicts=((0, verdict), (None, of_envelope)),
            proved=proved(tx, facts),
            keys=receipts.all_keys(tx),
            key=key,
            issuer="https://lienthong.example.vn",
            trust=office.trust,
            at=clock.now(),
        )
    return Made(written(given, store), given, {one["kid"]: one for one in given.keys["keys"]}, store)


def written(source: Source, store: Store) -> bytes:
    out = io.BytesIO()
    write_pack(source, store.open, out)
    return out.getvalue()


def grown(made: Made, office: Office) -> Made:
    """The pack of the letter once the archive has put a time-stamp over its signatures."""
    paper = made.source.papers[0]
    stamped = add_timestamp(made.store[paper.blob.sha256], LocalTimeStamps(office.authority.time_stamp_key()))
    return made.other(papers=(replace(paper, grown=made.store.put(stamped)), *made.source.papers[1:]))


def by_answers(made: Made, office: Office) -> Made:
    """The pack when the issuing authority has no list and answers about each certificate (OCSP)."""
    issuer = office.authority.issuing_certificate
    keys = (office.binh, office.seal, office.authority.time_stamp_key())
    asked = [status_request(key.describe().certificate, issuer) for key in keys]
    answers = tuple(status_of(office.authority, one) for one in asked)
    root_list, _ = office.authority.crls()
    return made.other(trust=replace(office.trust, crls=(root_list,), ocsps=answers))


def _by_the_revoked(db: Database, office: Office) -> Made:
    key = office.authority.issue_person(TestPerson("thoi", "Trần Văn Thôi", CITY, "Phó Chánh Văn phòng"))
    letter = sign_seal(sign_person(minimal_pdf("So: 17/UBND-VP."), key), office.seal)
    office.authority.revoke(key.describe().certificate, at=clock.now() - timedelta(days=30))
    office.authority.enter_into(office.store)
    return make_pack(db, office, [letter])


def _by_another_use(made: Made, office: Office, db: Database, name: str, pair: Pair) -> Made:
    """A letter signed with a certificate that is not for letters, and a maker who says that all was well."""
    key = office.authority.write_pair(office.authority.folder / f"{name}.p12", pair)
    letter = sign_field(sign_person(minimal_pdf("So: 18/UBND-VP."), key), office.seal, FIELD_SEAL)
    pack = make_pack(db, office, [letter])
    said = json.loads(made.source.verdicts[0][1])
    lie = canonical({**said, "sha256": pack.source.papers[0].blob.sha256})
    return pack.other(verdicts=((0, lie), pack.source.verdicts[1]))


def spoiled(made: Made, office: Office, db: Database) -> dict[str, tuple[Made, str, str]]:
    """Packs whose form, hashes and manifest are right and which prove nothing: what is found, here and by the page."""
    source, proved_ = made.source, made.source.proved
    stranger = receipts.SigningKey(ECKey.generate_key("P-256", private=True))
    kind, jws = source.receipts[0]
    claims = receipts.verify(jws, made.keys[source.key.kid])
    assert claims is not None
    forged = stranger.sign("lienthong-receipt+jwt", claims)
    elsewhere = source.key.sign("lienthong-receipt+jwt", {**claims, "sha256": "00" * 32})
    (head,) = proved_.heads
    told = receipts.verify(head.jws, made.keys[source.key.kid])
    assert told is not None
    false_head = replace(head, jws=stranger.sign(evidence_log.TYPE, told))
    other_time = token_over(sha256(b"something else").digest(), LocalTimeStamps(office.authority.time_stamp_key()))
    first, second = list(proved_.proofs)[:2]
    swapped = {**proved_.proofs, first: proved_.proofs[second], second: proved_.proofs[first]}
    later = {fact: replace(proof, number=proof.number ^ 1) for fact, proof in proved_.proofs.items()}
    about_other = canonical({**json.loads(source.verdicts[0][1]), "sha256": "00" * 32})
    letter = made.store[source.papers[0].blob.sha256]
    changed = make_pack(db, office, [letter.replace(b"15/UBND", b"16/UBND", 1)])
    who = subject_named("Trần Văn Khách", [(NameOID.ORGANIZATION_NAME, CITY), (NameOID.TITLE, "Phó")])
    of_a_server = office.authority.certify(
        who, usages=(ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    )
    of_an_authority = office.authority._issuing
    return {
        "a receipt that somebody else signed": (made.other(receipts=((kind, forged),)), *2 * ("RECEIPT_SIGNATURE",)),
        "a receipt of another envelope": (made.other(receipts=((kind, elsewhere),)), *2 * ("RECEIPT_OTHER",)),
        "a head that somebody else signed": (
            made.other(proved=replace(proved_, heads=(false_head,))), *2 * ("HEAD_SIGNATURE",)
        ),
        "a time-stamp over something else": (
            made.other(proved=replace(proved_, heads=(replace(head, token=other_time),))), *2 * ("TIMESTAMP_BROKEN",)
        ),
        "proofs of other leaves": (made.other(proved=replace(proved_, proofs=swapped)), *2 * ("LOG_PROOF",)),
        "proofs of other places": (made.other(proved=replace(proved_, proofs=later)), *2 * ("LOG_PROOF",)),
        "a verdict on another file": (made.other(verdicts=((0, about_other),)), *2 * ("VERDICT_OTHER",)),
        "an archived file of another letter": (
            made.other(papers=(replace(source.papers[0], grown=made.store.put(b"x" + letter)),)), *2 * ("KEPT_OTHER",)
        ),
        "a letter of somebody whose certificate was revoked": (_by_the_revoked(db, office), "PAPER", "REVOKED"),
        "a letter that was changed after signing": (changed, "PAPER", "SIGNATURE_BROKEN"),
        "a letter signed with the certificate of a web server": (
            _by_another_use(made, office, db, "server", of_a_server), "PAPER", "WRONG_PURPOSE"
        ),
        "a letter signed with the certificate of an authority": (
            _by_another_use(made, office, db, "authority", of_an_authority), "PAPER", "WRONG_PURPOSE"
        ),
    }  # fmt: skip
