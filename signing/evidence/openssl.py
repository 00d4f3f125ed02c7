"""The parts of an evidence pack for other programs: the check by openssl, and the manifest that ASiC readers know."""

import base64
import shlex
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from signing.evidence.pack_format import Entry

if TYPE_CHECKING:
    from signing.evidence.pack import Proved

_NO_WAY = "chưa có đường tới chứng thư gốc nào / no way to a trusted root"
MAX_PROOFS = 40
"""Each step of a proof starts openssl twice; a letter to 700 agencies has thousands of receipts."""

_HEAD = """\
# Kiểm tra hồ sơ này bằng OpenSSL, không cần mạng. Giải nén hồ sơ, mở cửa sổ lệnh trong thư mục đó, chạy:
# To check this pack with OpenSSL, without a network: unpack it, open a shell in that folder and run:
#
#     sh CHECK.txt
#
# Mỗi dòng lệnh cũng có thể chạy riêng. Dấu vân tay của chứng thư gốc và của khoá phải do chính bạn đối chiếu với
# nguồn chính thức: hồ sơ tự nó không thể chứng minh điều đó.
# Each command can be run by itself. The fingerprints of the root certificates and of the keys are yours to compare
# with an official source: a pack cannot prove them by itself.
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT; bad=0; left=0
ok() { if "$@" > "$tmp/said" 2>&1; then echo "  OK"; else echo "  SAI / WRONG"; cat "$tmp/said"; bad=1; fi; }
# What this script does not check, and how many things that are. WORDS COUNT
skip() { echo "CHƯA KIỂM TRA / NOT CHECKED: $1"; left=$((left + $2)); }
is() { [ "$1" = "$2" ]; }
digest() { openssl dgst -sha256 -r "$@" | cut -c1-64; }
# A JWS (RFC 7515, ES256): its signature as DER, then openssl says whether the key has made it. FILE KEY
jws() {
  IFS= read -r line < "$1" || true
  hex=$(printf '%s==' "${line##*.}" | tr '_-' '/+' | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \\n')
  printf 'asn1=SEQUENCE:s\\n[s]\\nr=INTEGER:0x%s\\ns=INTEGER:0x%s\\n' \\
    "$(printf %s "$hex" | cut -c1-64)" "$(printf %s "$hex" | cut -c65-128)" > "$tmp/cnf"
  openssl asn1parse -genconf "$tmp/cnf" -noout -out "$tmp/sig"
  printf %s "${line%.*}" | openssl dgst -sha256 -verify "$2" -signature "$tmp/sig"
}
any_key() { for key in keys/*.pem; do jws "$1" "$key" && return 0; done; return 1; }
# What a JWS says. FILE
says() {
  body=$(cut -d. -f2 "$1" | tr '_-' '/+'); while [ $((${#body} % 4)) != 0 ]; do body="$body="; done
  printf %s "$body" | openssl base64 -d -A
}
claims() { says "$1" | grep -qF "$2"; }
# The hash of two nodes of a Merkle tree (RFC 6962): SHA-256(01 LEFT RIGHT). LEFT RIGHT
node() { openssl asn1parse -genstr "FORMAT:HEX,OCT:01$1$2" -noout -out "$tmp/n"; tail -c 65 "$tmp/n" | digest; }
leaf() { { printf '\\000'; printf %s "$1"; } | digest; }
# The signed bytes of a PDF: two stretches of the file. FILE LENGTH START LENGTH
signed() { { head -c "$2" "$1"; tail -c +"$(($3 + 1))" "$1" | head -c "$4"; } > "$tmp/signed"; }
"""


def check_text(manifest: dict[str, Any], entries: Sequence[Entry], proved: "Proved") -> str:
    """CHECK.txt: a script for any POSIX shell and openssl 1.1.1 or newer. It prints OK or SAI / WRONG for each line."""
    lines = [_HEAD]
    lines += _files(entries)
    lines += _statements(manifest)
    lines += _heads(manifest)
    lines += _proofs(manifest, proved)
    lines += _signatures(manifest)
    lines += _fingerprints()
    lines.append(_LAST)
    return "\n".join(lines) + "\n"


_LAST = """\
[ "$bad" = 0 ] || { echo "CÓ CHỖ SAI / WRONG"; exit 1; }
if [ "$left" = 0 ]; then echo "Tất cả đều đúng. / All is right."; else
  echo "Những gì đã kiểm tra đều đúng; $left mục chưa được kiểm tra." \\
    "/ What was checked is right; $left things were not checked."
fi"""


def _skipped(words: str, count: int = 1) -> str:
    return f"skip {shlex.quote(words)} {count}"


def _said(words: str) -> str:
    return f"echo {shlex.quote(words)}"


def _files(entries: Sequence[Entry]) -> Iterator[str]:
    yield "\n# 1. Từng tệp còn nguyên / every file is unchanged"
    for entry in entries:
        yield f'{_said(entry.name)}; ok is "$(digest {entry.name})" {entry.sha256}'
    yield _said("META-INF/manifest.json")
    yield 'ok claims META-INF/manifest.jws "\\"sha256\\":\\"$(digest META-INF/manifest.json)\\""'


def _statements(manifest: dict[str, Any]) -> Iterator[str]:
    yield "\n# 2. Biên nhận, mốc nhật ký và bản kê do khoá của hệ thống ký / signed by the installation's key"
    names = ["META-INF/manifest.jws", *(one["file"] for one in manifest["receipts"])]
    for name in [*names, *(head["file"] for head in manifest["log"]["heads"])]:
        yield f"{_said(name)}; ok any_key {name}"


def _heads(manifest: dict[str, Any]) -> Iterator[str]:
    yield "\n# 3. Dấu thời gian trên mốc nhật ký / the time-stamps over heads of the log"
    for head in manifest["log"]["heads"]:
        if head["time_stamp"] and head["chain"]:
            yield _said(f"{head['time_stamp']}: {head['stamped_at']}")
            at = _seconds(head["stamped_at"])
            token, trusting = head["time_stamp"], _trusting(manifest)
            yield f"ok openssl ts -verify -token_in -in {token} -data {head['file']} {trusting} -attime {at}"
        elif head["time_stamp"]:
            yield _skipped(f"{head['time_stamp']}: {_NO_WAY}")


def _proofs(manifest: dict[str, Any], proved: "Proved") -> Iterator[str]:
    yield "\n# 4. Nội dung có trong nhật ký bằng chứng (RFC 6962) / what stands in the evidence log"
    heads = {head["size"]: head["file"] for head in manifest["log"]["heads"]}
    shown = list(proved.proofs.values())
    for proof in shown[:MAX_PROOFS]:
        yield _said(f"dòng / leaf {proof.number}: {proof.leaf.decode()}")
        yield f"h=$(leaf {shlex.quote(proof.leaf.decode())})"
        yield from _climb(proof.number, proof.size, proof.path)
        yield f'ok claims {heads[proof.size]} "\\"root\\":\\"$h\\""'
    if len(shown) > MAX_PROOFS:
        more = len(shown) - MAX_PROOFS
        words = f"còn {more} dòng nhật ký nữa, index.html và lienthong verify kiểm tra tất cả / {more} more leaves"
        yield _skipped(f"{words}, all checked by index.html and lienthong verify", more)
    if young := len(manifest["log"]["waiting"]):
        yield _skipped(f"{young} tệp chưa có số trong nhật ký / {young} files have no number in the log yet", young)


def _climb(number: int, size: int, path: Sequence[bytes]) -> Iterator[str]:
    """The order in which the hashes of a path are joined (RFC 9162 §2.1.3.2)."""
    here, last = number, size - 1
    for step in path:
        if here & 1 or here == last:
            yield f'h=$(node {step.hex()} "$h")'
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            yield f'h=$(node "$h" {step.hex()})'
        here, last = here >> 1, last >> 1


def _signatures(manifest: dict[str, Any]) -> Iterator[str]:
    yield "\n# 5. Chữ ký số trên các tệp PDF / the signatures of the PDF files"
    for paper in manifest["papers"]:
        if paper["media_type"] == "application/pdf" and not paper["readable"]:
            yield _skipped(f"{paper['file']}: PDF quá lớn hoặc không đọc được / a PDF too large or not readable")
        if paper["kept"]:
            yield _said(f"{paper['kept']} bắt đầu bằng / begins with {paper['file']}")
            yield f'ok is "$(head -c $(wc -c < {paper["file"]}) {paper["kept"]} | digest)" "$(digest {paper["file"]})"'
        for one in paper["signatures"]:
            if one["chain"]:
                yield from _signature(manifest, paper["kept"] or paper["file"], one)
            else:
                yield _skipped(f"{one['file']}: {_NO_WAY}")


def _signature(manifest: dict[str, Any], paper: str, one: dict[str, Any]) -> Iterator[str]:
    (_, first), (start, second) = one["ranges"]
    yield _said(f"{one['file']} ({one['name'] or one['field']})")
    yield f"signed {paper} {first} {start} {second}"
    at = _seconds(one["at"] or manifest["made_at"])
    if one["timestamp"]:
        trusting = f"{_trusting(manifest)} -attime {at}"
        yield f'ok openssl ts -verify -token_in -in {one["file"]} -data "$tmp/signed" {trusting}'
        return
    cades = "-cades " if one["pades"] else ""
    yield (
        f'ok openssl cms -verify {cades}-binary -inform DER -in {one["file"]} -content "$tmp/signed" -purpose any '
        f"{_trusting(manifest, '-certfile')} -attime {at} -out /dev/null"
    )
    lists = [answer for answer in manifest["revocation"] if answer["kind"] == "crl"]
    now = _seconds(manifest["made_at"])
    if not lists or not all(_covers(answer, now) for answer in lists) or _by_ocsp(manifest):
        words = "chứng thư có bị thu hồi không / whether its certificate was revoked"
        yield _skipped(f"{one['file']}: {words}")
    else:
        files = " ".join(f"-CRLfile {answer['file']}" for answer in lists)
        yield f"ok openssl verify {_trusting(manifest)} -crl_check_all {files} -attime {now} {one['certificate']}"


def _by_ocsp(manifest: dict[str, Any]) -> bool:
    """Where one certificate is vouched for by OCSP alone, openssl finds no list for it and refuses the chain."""
    return any(answer["kind"] == "ocsp" for answer in manifest["revocation"])


def _covers(answer: dict[str, Any], at: int) -> bool:
    return _seconds(answer["made_at"]) <= at and (not answer["ends_at"] or at < _seconds(answer["ends_at"]))


def _trusting(manifest: dict[str, Any], between: str = "-untrusted") -> str:
    found = manifest["certificates"]
    return f"-CAfile {found['roots']}" + (f" {between} {found['others']}" if found["others"] else "")


def _fingerprints() -> Iterator[str]:
    yield "\n# 6. Đối chiếu với nguồn chính thức / to be compared with an official source"
    yield _said("Chứng thư gốc / root certificates (SHA-256 của DER):")
    yield (
        "awk '/BEGIN/{n++} {print > (\"'\"$tmp\"'/root-\" n)}' certificates/roots.pem; "
        'for one in "$tmp"/root-*; do [ -f "$one" ] && '
        'openssl x509 -in "$one" -noout -subject -fingerprint -sha256 -nameopt utf8; done'
    )
    yield _said("Khoá của hệ thống / keys of the installation (SHA-256 của DER):")
    yield 'for one in keys/*.pem; do echo "$one $(openssl pkey -pubin -in "$one" -outform DER | digest)"; done'


def asic_manifest(entries: Iterable[Entry], signature: str) -> str:
    """ASiCManifest.xml (ETSI EN 319 162-1 §A.4): every file with its digest, and where the signature lies."""
    references = "\n".join(
        f"  <asic:DataObjectReference URI={quoteattr(entry.name)}>"
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        f"<ds:DigestValue>{base64.b64encode(bytes.fromhex(entry.sha256)).decode()}</ds:DigestValue>"
        "</asic:DataObjectReference>"
        for entry in entries
        if entry.name != "mimetype"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" '
        'xmlns:ds="http://www.w3.org/2000/09/xmldsig#">\n'
        f'  <asic:SigReference URI={quoteattr(signature)} MimeType="application/jose"/>\n'
        f"{references}\n</asic:ASiCManifest>\n"
    )


def pem(der: bytes, label: str = "CERTIFICATE") -> str:
    """DER as PEM."""
    text = base64.b64encode(der).decode()
    body = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def _seconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp())
