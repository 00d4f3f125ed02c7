"""Checking an evidence pack: first that not one byte was changed, then what it proves.

Works with nothing but the pack and what the reader trusts: the root certificates, and the keys of the installation that
made it. What the pack brings of these is only shown. Never valid while anything is unknown.
"""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import IO, Any

from asn1crypto import cms, pem, x509

from kernel import clock
from kernel.text import phrase
from signing.evidence.pack import ENVELOPE, KEYS, MAX_PARSED_BYTES
from signing.evidence.pack_format import Entry, pieces_of
from signing.evidence.pack_reader import (
    MALFORMED,
    Finding,
    OpenedPack,
    PackError,
    digest_of,
    malformed_manifest,
    open_pack,
    signed_claims,
)
from signing.log import merkle
from signing.log.evidence_log import TYPE as HEAD_TYPE
from signing.log.evidence_log import Kind
from signing.pdf.pades import run
from signing.pdf.signed_file import BROKEN
from signing.sandbox.runner import run_sandboxed, verification_seconds
from signing.trust.revocation_info import read_answer, read_list
from signing.trust.trust_store import Trust
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import Level, Value, Verdict
from signing.verification.context import Expected, worst
from signing.verification.embedded_proofs import Carried, Doubt, verify_token
from signing.verification.file_verification import too_large
from signing.verification.safe_verification import verdict_on

MAX_FINDINGS = 30
_MAX_SENTENCE = 1000


@dataclass(frozen=True)
class Checked:
    """What came out. `known_since` is when a time-stamp over the log proves that the envelope existed."""

    value: Value
    findings: tuple[Finding, ...]
    verdicts: tuple[tuple[str, Verdict], ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict, hash=False)
    known_since: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "kind": "pack",
            "value": self.value.value,
            "findings": [one.to_json() for one in self.findings],
            "papers": [{"file": file, **verdict.to_json()} for file, verdict in self.verdicts],
            "document": self.manifest.get("document", {}),
            "issuer": self.manifest.get("issuer", ""),
            "made_at": self.manifest.get("made_at", ""),
            "known_since": self.known_since.isoformat() if self.known_since else None,
        }


def check_pack(
    file: IO[bytes], trust: Trust, keys: Mapping[str, dict[str, Any]], *, at: datetime | None = None
) -> Checked:
    """Check a pack as of `at` (now). `keys` are those of the installation by `kid`, as the reader has them from it."""
    moment = at or clock.now()
    try:
        pack = open_pack(file)
    except PackError as wrong:
        return Checked(Value.INVALID, (wrong.finding,))
    except MALFORMED:
        return Checked(Value.INVALID, (malformed_manifest(),))
    try:
        return _verified(pack, trust, keys, moment)
    except (*MALFORMED, PackError) as error:
        said = phrase("Bản kê của hồ sơ không đúng định dạng nên không kiểm tra được.")
        found = error.finding if isinstance(error, PackError) else Finding("MANIFEST_MALFORMED", Value.INVALID, said)
        return Checked(Value.INVALID, (found,), manifest=pack.manifest)


def check_apart(
    data: bytes, trust: Trust, keys: Mapping[str, dict[str, Any]], *, timeout_s: float | None = None
) -> Checked:
    """The same for bytes of strangers, all of it in one process of its own (SandboxBusy, SandboxError)."""
    return run_sandboxed(_check_bytes, data, trust, dict(keys), timeout_s=timeout_s, within_s=verification_seconds())


def _check_bytes(data: bytes, trust: Trust, keys: Mapping[str, dict[str, Any]]) -> Checked:
    checked = check_pack(io.BytesIO(data), trust, keys)
    return replace(checked, manifest={})  # which nobody needs, and which may be large


def _verified(pack: OpenedPack, trust: Trust, known: Mapping[str, dict[str, Any]], moment: datetime) -> Checked:
    findings = [*_keys(pack, known), *_receipts(pack)]
    own = _with_answers(pack, trust)
    heads: dict[int, _HeadSeen] = {}
    findings += _heads(pack, own, moment, heads)
    since: dict[str, datetime] = {}
    findings += _proofs(pack, heads, since)
    findings += _tokens(pack)
    findings += _kept_verdicts(pack)
    verdicts = [(paper["file"], _verdict(pack, paper, own, since, moment)) for paper in pack.manifest["papers"]]
    findings += [found for number, pair in enumerate(verdicts) for found in _of_paper(number, *pair)]
    findings += _level(pack, since)
    value = worst(one.weight for one in findings)
    if value is Value.UNCLEAR:
        findings += _ended(pack, moment)
    told = sorted(findings, key=lambda one: -one.weight.gravity)[:MAX_FINDINGS]
    return Checked(value, tuple(told), tuple(verdicts), pack.manifest, since.get(digest_of(pack, ENVELOPE)))


def _keys(pack: OpenedPack, known: Mapping[str, dict[str, Any]]) -> Iterator[Finding]:
    """Whether the reader knows the keys that signed all this."""
    for kid, jwk in pack.keys.items():
        ours = known.get(kid)
        if ours is None:
            said = phrase(
                "Chưa biết khoá {kid} có đúng là của {issuer} không. Hãy đối chiếu với {issuer}/api/v1/keys.",
                kid=kid,
                issuer=str(pack.manifest["issuer"]),
            )
            yield Finding("KEY_UNKNOWN", Value.UNCLEAR, said, KEYS)
        elif (ours["x"], ours["y"]) != (jwk["x"], jwk["y"]):
            said = phrase("Khoá {kid} trong hồ sơ không phải là khoá của hệ thống.", kid=kid)
            yield Finding("KEY_OTHER", Value.INVALID, said, KEYS)


def _receipts(pack: OpenedPack) -> Iterator[Finding]:
    """Each is signed, about this envelope, and names one that came before it."""
    seen = {sha256(pack.read(one["file"])).hexdigest() for one in pack.manifest["receipts"]}
    missing = 0
    for one in pack.manifest["receipts"]:
        claims = signed_claims(pack.text(one["file"]), pack.keys, "lienthong-receipt+jwt")
        if claims is None:
            said = phrase("Biên nhận {file} không có chữ ký đúng của hệ thống.", file=one["file"])
            yield Finding("RECEIPT_SIGNATURE", Value.INVALID, said, one["file"])
        elif claims["sha256"] != pack.entries[ENVELOPE].sha256 or claims["kind"] != one["kind"]:
            said = phrase("Biên nhận {file} không phải của phong bì này.", file=one["file"])
            yield Finding("RECEIPT_OTHER", Value.INVALID, said, one["file"])
        elif claims.get("previous") not in (None, *seen):
            missing += 1
    if missing:
        said = phrase("{count} biên nhận nhắc tới biên nhận trước đó không có trong hồ sơ này.", count=missing)
        yield Finding("RECEIPT_BEFORE", Value.VALID, said)


@dataclass(frozen=True)
class _HeadSeen:
    root: bytes
    stamped_at: datetime | None


def _heads(pack: OpenedPack, trust: Trust, moment: datetime, seen: dict[int, _HeadSeen]) -> Iterator[Finding]:
    for head in pack.manifest["log"]["heads"]:
        jws = pack.text(head["file"])
        claims = signed_claims(jws, pack.keys, HEAD_TYPE)
        if claims is None or claims["size"] != head["size"]:
            said = phrase("Mốc nhật ký {file} không có chữ ký đúng của hệ thống.", file=head["file"])
            yield Finding("HEAD_SIGNATURE", Value.INVALID, said, head["file"])
            continue
        stamped = None
        if head["time_stamp"]:
            verified = _stamp(pack.read(head["time_stamp"]), jws.encode(), trust, moment)
            if isinstance(verified, datetime):
                stamped = verified
            else:
                yield replace(verified, file=head["time_stamp"])
        seen[head["size"]] = _HeadSeen(bytes.fromhex(claims["root"]), stamped)


def _stamp(token: bytes, over: bytes, trust: Trust, moment: datetime) -> datetime | Finding:
    """The moment that a time-stamp over these bytes proves, or why it proves none."""
    try:
        signed = cms.ContentInfo.load(token)["content"]
        digest = lambda algorithm: _hashed(algorithm, over)  # noqa: E731
        verified = run(verify_token(signed, digest, "log", trust, moment, Carried()))
    except BROKEN:
        return Finding("TIMESTAMP_BROKEN", Value.INVALID, phrase("Dấu thời gian không đọc được."))
    if isinstance(verified, Doubt):
        return Finding(verified.reason.code, verified.reason.weight, verified.reason.phrase)
    return verified.at


def _hashed(algorithm: str, data: bytes) -> bytes:
    import hashlib

    return hashlib.new(algorithm, data).digest()


def _proofs(pack: OpenedPack, heads: Mapping[int, _HeadSeen], since: dict[str, datetime]) -> Iterator[Finding]:
    """Every fact is a leaf under a signed head, or said to wait."""
    proved = set()
    for proof in json.loads(pack.text(pack.manifest["log"]["proofs"])):
        head, leaf = heads.get(proof["size"]), json.loads(proof["leaf"])
        path = [bytes.fromhex(step) for step in proof["path"]]
        hashed = merkle.leaf_hash(proof["leaf"].encode())
        right = head is not None and (leaf["kind"], leaf["sha256"]) == (proof["kind"], digest_of(pack, proof["file"]))
        if head is None or not right or not merkle.is_included(hashed, proof["number"], proof["size"], head.root, path):
            said = phrase("Chứng minh rằng {file} có trong nhật ký là sai.", file=proof["file"])
            yield Finding("LOG_PROOF", Value.INVALID, said, proof["file"])
            continue
        proved.add((proof["file"], proof["kind"]))
        if head.stamped_at is not None:
            since[digest_of(pack, proof["file"])] = head.stamped_at
    by_digest = {(digest_of(pack, file), kind) for file, kind in proved}
    young = 0
    for file, kind in _facts(pack):
        if (digest_of(pack, file), kind) in by_digest:
            continue
        if kind is Kind.DOCUMENT:
            said = phrase("{file} chưa có số trong nhật ký bằng chứng khi lập hồ sơ.", file=file)
            yield Finding("NOT_IN_LOG", Value.UNCLEAR, said, file)
        else:
            young += 1
    if young:
        said = phrase("{count} biên nhận, kết luận chưa có số trong nhật ký bằng chứng khi lập hồ sơ.", count=young)
        yield Finding("NOT_IN_LOG", Value.VALID, said)


def _facts(pack: OpenedPack) -> Iterator[tuple[str, Kind]]:
    yield ENVELOPE, Kind.DOCUMENT
    yield from ((paper["file"], Kind.DOCUMENT) for paper in pack.manifest["papers"])
    yield from ((one["file"], Kind.RECEIPT) for one in pack.manifest["receipts"])
    yield from ((one["file"], Kind.VERDICT) for one in pack.manifest["verdicts"])


def _tokens(pack: OpenedPack) -> Iterator[Finding]:
    """What lies beside a PDF as its signatures are those in the PDF."""
    for paper in pack.manifest["papers"]:
        entry = pack.entries[paper["kept"] or paper["file"]]
        if paper["kept"] and not _begins_with(pack, entry, pack.entries[paper["file"]]):
            said = phrase("{file} không phải là bản lưu giữ của {paper}.", file=paper["kept"], paper=paper["file"])
            yield Finding("KEPT_OTHER", Value.INVALID, said, paper["kept"])
        for one in paper["signatures"]:
            (_, first), (start, _) = one["ranges"]
            pack.file.seek(entry.start + first)
            gap = pack.file.read(max(0, min(start - first, entry.size)))
            if not bytes.fromhex(gap[1:-1].decode()).startswith(pack.read(one["file"])):
                said = phrase("{file} không phải là chữ ký nằm trong tệp PDF.", file=one["file"])
                yield Finding("SIGNATURE_OTHER", Value.INVALID, said, one["file"])


def _begins_with(pack: OpenedPack, grown: Entry, original: Entry) -> bool:
    """A file that is kept has grown by updates only; its beginning is what was signed and sent."""
    beginning = replace(grown, size=min(grown.size, original.size))
    digest = sha256()
    for piece in pieces_of(pack.file, beginning):
        digest.update(piece)
    return digest.hexdigest() == original.sha256


def _kept_verdicts(pack: OpenedPack) -> Iterator[Finding]:
    for one in pack.manifest["verdicts"]:
        if json.loads(pack.text(one["file"]))["sha256"] != digest_of(pack, one["paper"]):
            said = phrase("Kết luận {file} không phải về tệp này.", file=one["file"])
            yield Finding("VERDICT_OTHER", Value.INVALID, said, one["file"])
    last = {one["paper"]: _as_told(json.loads(pack.text(one["file"]))) for one in pack.manifest["verdicts"]}
    if ENVELOPE in last:
        verdict = last[ENVELOPE]
        weight = Value.INVALID if verdict.value is Value.INVALID else Value.VALID
        said = phrase("Chữ ký của phong bì, theo kết luận của hệ thống: {verdict}", verdict=verdict.summary)
        yield Finding("ENVELOPE", weight, said, ENVELOPE)
    for number, paper in enumerate(pack.manifest["papers"]):
        if paper["file"] in last:
            yield from _kept_of_paper(number, paper["file"], last[paper["file"]])


def _as_told(kept: dict[str, Any]) -> Verdict:
    """A verdict from a pack, whose sentence is text where it is none of ours: a pattern of strangers, filled in, could
    be gigabytes long."""
    verdict = Verdict.from_json(kept)
    if verdict.summary.is_ours():
        return verdict
    return replace(verdict, summary=phrase("{text}", text=str(kept["summary_vi"])[:_MAX_SENTENCE]))


def _kept_of_paper(number: int, file: str, verdict: Verdict) -> Iterator[Finding]:
    """The installation knew more than the file says, such as who was allowed to sign for whom: where it doubted last,
    the pack is not valid. An attachment that nobody signed says nothing here either."""
    alone = number and not verdict.signers and verdict.value is not Value.INVALID
    if alone or verdict.value is Value.VALID:
        return
    said = phrase("{file}, theo kết luận của hệ thống: {verdict}", file=file, verdict=verdict.summary)
    yield Finding("VERDICT_KEPT", verdict.value, said, file)


def _with_answers(pack: OpenedPack, trust: Trust) -> Trust:
    """The reader's roots, and the certificates between and authorities' answers of the pack: those are signed."""
    others = pack.manifest["certificates"]["others"]
    between = [der for _, _, der in pem.unarmor(pack.read(others), multiple=True)] if others else []
    crls, ocsps = _answers(pack)
    loaded = tuple(map(x509.Certificate.load, between))
    return trust.joined(Trust(intermediates=loaded, crls=crls, ocsps=ocsps))


def _answers(pack: OpenedPack) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The lists and the OCSP answers in the pack."""
    crls, ocsps = [], []
    for answer in pack.manifest["revocation"]:
        data = pack.read(answer["file"])
        if pem.detect(data):
            crls.append(pem.unarmor(data)[2])
        else:
            ocsps.append(data)
    return tuple(crls), tuple(ocsps)


def _verdict(
    pack: OpenedPack, paper: Mapping[str, Any], trust: Trust, since: Mapping[str, datetime], moment: datetime
) -> Verdict:
    newest, policy = paper["kept"] or paper["file"], policy_for(DocumentKind(paper["kind"]))
    entry = pack.entries[newest]
    if entry.size > MAX_PARSED_BYTES:
        return too_large(entry.sha256, entry.size, policy, at=moment)
    told = pack.manifest["expected"]
    delegated = told.get("delegated", True) is True  # packs of earlier versions do not say it
    expected = Expected(
        tuple(told["agency_names"]), told["signer_name"], told["signer_title"], told["authority"], delegated
    )
    # The grown file has time-stamps of its own, which are younger than the log's.
    known = since.get(entry.sha256)
    return verdict_on(pack.read(newest), trust, policy, expected=expected, known_since=known, at=moment)


def _of_paper(number: int, file: str, verdict: Verdict) -> Iterator[Finding]:
    """An attachment that nobody signed says nothing about the document."""
    if number and not verdict.signers:
        return
    said = phrase("{file}: {verdict}", file=file, verdict=verdict.summary)
    yield Finding("PAPER", verdict.value, said, file)


def _ended(pack: OpenedPack, moment: datetime) -> Iterator[Finding]:
    """Why a pack that was valid once no longer is: authorities' answers in it have ended; and what to do then. A
    remark: the doubt itself is found where such an answer is missed."""
    crls, ocsps = _answers(pack)
    told = [one.ends_at for one in (*map(read_list, crls), *map(read_answer, ocsps)) if one is not None]
    ended = [ends for ends in told if ends is not None and ends < moment]
    if not ended:
        return
    said = phrase(
        "Thông tin thu hồi trong hồ sơ chỉ có giá trị đến {until}, nên nay không đủ để xác nhận chứng thư, kể cả "
        "của dấu thời gian. Hãy kiểm tra theo thời điểm lập hồ sơ (lienthong verify --at {at}), đưa thêm danh sách "
        "thu hồi mới (--trust), hoặc lấy hồ sơ mới.",
        until=min(ended).astimezone(clock.VN).strftime("%H:%M %d/%m/%Y"),
        at=datetime.fromisoformat(pack.manifest["made_at"]).isoformat(timespec="seconds"),
    )
    yield Finding("ANSWERS_ENDED", Value.VALID, said)


def _level(pack: OpenedPack, since: Mapping[str, datetime]) -> Iterator[Finding]:
    """How long it can be checked, said honestly."""
    level = pack.manifest["level"]
    if level in ("", Level.B_LT, Level.B_LTA):
        return
    known = since.get(digest_of(pack, ENVELOPE))
    if known is not None:
        on = known.astimezone(clock.VN).strftime("%H:%M %d/%m/%Y")
        said = phrase(
            "Chữ ký mới ở mức {level}, chưa đủ để lưu trữ lâu dài; bằng chứng rằng văn bản đã có từ {on} là nhật ký có "
            "dấu thời gian trong hồ sơ này.",
            level=level,
            on=on,
        )
    else:
        said = phrase(
            "Chữ ký mới ở mức {level} và chưa có dấu thời gian nào trên nhật ký: khi chứng thư hết hạn sẽ không chứng "
            "minh được văn bản đã có từ trước. Hãy lấy lại hồ sơ sau.",
            level=level,
        )
    yield Finding("LEVEL", Value.VALID, said)
