"""Reading an evidence pack in which not one byte was changed since its maker signed it.

`open_pack` compares every file with the signed manifest, so that what is checked afterwards is what the maker wrote.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from kernel.text import Phrase, phrase
from signing.evidence.pack import FORMAT, KEYS, MANIFEST, SIGNATURE, TYPE
from signing.evidence.pack_format import Entry, NoPack, bytes_of, read_form
from signing.log import receipts
from signing.verdicts.verdict import Value, phrase_to_json

MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Finding:
    """One thing that was found; `weight` is what it alone makes of the pack, VALID marks a remark."""

    code: str
    weight: Value
    words: Phrase
    file: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        told = {"vi": self.words.vi, "en": self.words.en, "phrase": phrase_to_json(self.words)}
        return {"code": self.code, "weight": self.weight.value, "file": self.file, **told}


class PackError(Exception):
    """The pack is not what its maker signed: nothing in it is looked at any more."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding


@dataclass(frozen=True)
class OpenedPack:
    """A pack of which every byte is as its maker signed it."""

    file: IO[bytes]
    entries: Mapping[str, Entry]
    manifest: Mapping[str, Any]
    keys: Mapping[str, dict[str, Any]]
    kid: str

    def read(self, name: str) -> bytes:
        """The bytes of one file of the pack."""
        return bytes_of(self.file, self.entries[name])

    def text(self, name: str) -> str:
        """One file of the pack as text (UTF-8)."""
        return self.read(name).decode()


def open_pack(file: IO[bytes]) -> OpenedPack:
    """Open a pack in which nothing was changed since it was signed; PackError says what was."""
    try:
        entries = read_form(file)
    except NoPack as error:
        said = phrase("Tệp không phải là hồ sơ bằng chứng nguyên vẹn: vỏ ZIP bị sửa ở byte {at}.", at=error.at)
        raise PackError(Finding("NOT_A_PACK", Value.INVALID, said)) from None
    try:
        manifest = json.loads(bytes_of(file, entries[MANIFEST]))
        listed = {one["name"]: (one["sha256"], one["size"]) for one in manifest["files"]}
        keys = {key["kid"]: key for key in json.loads(bytes_of(file, entries[KEYS]))["keys"]}
        signature = bytes_of(file, entries[SIGNATURE]).decode()
        right = manifest["format"] == FORMAT
    except MALFORMED:
        right = False
    if not right:
        raise PackError(malformed_manifest())
    for name in sorted({*entries, *listed} - {MANIFEST, SIGNATURE}):
        entry = entries.get(name)
        if entry is None or listed.get(name) != (entry.sha256, entry.size):
            said = phrase("Tệp {file} bị sửa, bị thêm vào hoặc bị bỏ đi.", file=name)
            raise PackError(Finding("FILE_CHANGED", Value.INVALID, said, name))
    claims = signed_claims(signature, keys, TYPE)
    if claims is None or claims.get("sha256") != entries[MANIFEST].sha256 or list(entries)[-1] != SIGNATURE:
        said = phrase("Bản kê không còn khớp với chữ ký của hệ thống đã lập hồ sơ.")
        raise PackError(Finding("PACK_SIGNATURE", Value.INVALID, said, SIGNATURE))
    return OpenedPack(file, entries, manifest, keys, receipts.kid_of(signature))


def malformed_manifest() -> Finding:
    """The finding for a pack without a manifest that can be read."""
    said = phrase("Hồ sơ thiếu bản kê, hoặc bản kê không đọc được.")
    return Finding("MANIFEST_MALFORMED", Value.INVALID, said)


def signed_claims(jws: str, keys: Mapping[str, dict[str, Any]], kind: str) -> dict[str, Any] | None:
    """The claims of a statement of this kind that one of the keys has signed."""
    if not receipts.is_canonical(jws) or receipts.kind_of(jws) != kind:
        return None
    return receipts.checked(jws, keys)


def digest_of(pack: OpenedPack, file: str) -> str:
    """The SHA-256 of a file of the pack, in hex."""
    return pack.entries[file].sha256
