"""Validation data after a signature (ISO 32000-2 §12.8.4.3): certificates, revocation lists, OCSP answers, and nothing
else."""

# mypy: allow-untyped-calls
# (asn1crypto is untyped)

import re
from collections.abc import Callable
from typing import Any

from asn1crypto import cms, crl, ocsp, x509

from signing.updates.document import ForbiddenChange, is_name
from signing.updates.syntax import Name, Ref, Stream, StructureError, equal
from signing.updates.tables import decoded
from signing.updates.writing import Written

MAX_PROOF = 16 << 20
MAX_PROOFS = 2_000

_KEY = re.compile(r"[0-9A-F]{40}")
_DATE = re.compile(rb"D:[0-9Z'+-]{4,24}")
_LISTS = {"Certs": "certificate", "CRLs": "list", "OCSPs": "answer"}
_VRI_LISTS = {"Cert": "certificate", "CRL": "list", "OCSP": "answer"}
_PROOF = {"Length", "Filter", "DecodeParms"}


def allow_dss(written: Written, before: Any, now: Any) -> None:
    """The store in the catalogue as it is after the update: its own objects only, every stream what it says it is."""
    if now is None:
        if before is not None:
            raise ForbiddenChange("the validation data are gone")
        return
    _Store(written).read(before, now)


class _Store:
    def __init__(self, written: Written) -> None:
        self._written = written
        self._count = 0
        self._before: set[int] = set()
        """The proofs that the store had before."""

    def read(self, before: Any, now: Any) -> None:
        written = self._written
        _note_nodes(written, before)
        old = written.old.get(before)
        for key in _LISTS if isinstance(old, dict) else ():
            found = written.old.get(old.get(key))
            self._before |= {one.number for one in (found if isinstance(found, list) else ()) if isinstance(one, Ref)}
        store = self._node(now)
        if not isinstance(store, dict) or set(store) - {"Type", "VRI", *_LISTS}:
            raise ForbiddenChange("validation data with something else among them")
        if not is_name(store.get("Type", Name("DSS")), "DSS"):
            raise ForbiddenChange("validation data of another type")
        for key, kind in _LISTS.items():
            self._list(store.get(key), kind)
        entries = self._node(store.get("VRI"))
        if not isinstance(entries, dict | None):
            raise ForbiddenChange("validation data that are none")
        for key, value in (entries or {}).items():
            self._entry(key, value)
        self._grown(written.old.get(before), store)

    def _grown(self, before: Any, now: dict[str, Any]) -> None:
        """Nothing that was there to prove a signature may be gone."""
        written = self._written
        old = before if isinstance(before, dict) else {}
        for key in ("VRI", *_LISTS):
            one, other = written.old.get(old.get(key)) or (), written.new.get(now.get(key)) or ()
            if len(other) < len(one) or (isinstance(one, dict) and set(one) - set(other)):
                raise ForbiddenChange("validation data that were there are gone")
            if len(other) > len(one) or (isinstance(one, dict) and not equal(one, other)):
                written.purpose = written.purpose or "validation"

    def _entry(self, key: str, value: Any) -> None:
        entry = self._node(value)
        if not _KEY.fullmatch(key) or not isinstance(entry, dict) or set(entry) - {"Type", "TU", "TS", *_VRI_LISTS}:
            raise ForbiddenChange("validation data of a signature with something else among them")
        if not is_name(entry.get("Type", Name("VRI")), "VRI"):
            raise ForbiddenChange("validation data of another type")
        at = entry.get("TU", b"D:2000")
        if not isinstance(at, bytes) or not _DATE.fullmatch(at):
            raise ForbiddenChange("validation data with a time that is none")
        for name, kind in _VRI_LISTS.items():
            self._list(entry.get(name), kind)
        if "TS" in entry:
            self._proof(entry["TS"], "token")

    def _list(self, value: Any, kind: str) -> None:
        found = self._node(value)
        if not isinstance(found, list | None):
            raise ForbiddenChange("validation data that are no list")
        for one in found or ():
            self._proof(one, kind)

    def _node(self, value: Any) -> Any:
        """A dictionary or an array of the store. An object that this update writes is that and nothing else."""
        written = self._written
        if written.writes(value):
            written.use(value.number, "validation")
        if isinstance(value, Ref):
            written.validation.add(value.number)
        return written.new.get(value)

    def _proof(self, value: Any, kind: str) -> None:
        written = self._written
        self._count += 1
        if not isinstance(value, Ref) or self._count > MAX_PROOFS * 8:
            raise ForbiddenChange(f"a {kind} that is no object of its own")
        if not written.writes(value):
            if value.number not in self._before:  # an object that was signed as something else is no proof
                _parse(kind, written.new.get(value))
            return
        if written.used.get(value.number) == f"proof: {kind}":
            return
        written.use(value.number, f"proof: {kind}")
        if not written.is_new(value):
            raise ForbiddenChange(f"another {kind} in the place of one")
        stream = written.new.get(value)
        if not isinstance(stream, Stream) or set(stream.values) - _PROOF:
            raise ForbiddenChange(f"a {kind} with something beside it")
        _parse(kind, stream)


def _parse(kind: str, stream: Any) -> None:
    try:
        if not isinstance(stream, Stream):
            raise TypeError("no stream")
        _PARSED[kind](decoded(stream, MAX_PROOF))
    except (ValueError, TypeError, KeyError, StructureError, RecursionError) as error:
        raise ForbiddenChange(f"something that is no {kind}") from error


def _certificate(data: bytes) -> None:
    found = x509.Certificate.load(data, strict=True)
    found["tbs_certificate"]["subject"].native  # noqa: B018 - reads it
    found["tbs_certificate"]["extensions"].native  # noqa: B018
    found["signature_value"].native  # noqa: B018


def _list_of_revoked(data: bytes) -> None:
    found = crl.CertificateList.load(data, strict=True)
    found["tbs_cert_list"]["issuer"].native  # noqa: B018
    found["tbs_cert_list"]["this_update"].native  # noqa: B018
    found["signature"].native  # noqa: B018


def _answer(data: bytes) -> None:
    found = ocsp.OCSPResponse.load(data, strict=True)
    if found["response_status"].native != "successful":
        raise ValueError("no answer")
    found.basic_ocsp_response["tbs_response_data"]["responses"].native  # noqa: B018


def _token(data: bytes) -> None:
    found = cms.ContentInfo.load(data, strict=True)
    if found["content_type"].native != "signed_data":
        raise ValueError("no token")
    found["content"]["signer_infos"].native  # noqa: B018


_PARSED: dict[str, Callable[[bytes], None]] = {
    "certificate": _certificate,
    "list": _list_of_revoked,
    "answer": _answer,
    "token": _token,
}


def _note_nodes(written: Written, store: Any) -> None:
    """Which objects were dictionaries and arrays of the store before: they may refer to what the update changes."""
    old = written.old
    pending = [(store, 0)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, Ref):
            written.validation.add(value.number)
        found = old.get(value)
        if depth < 4 and isinstance(found, dict):
            pending += [(one, depth + 1) for one in found.values()]
        elif depth < 4 and isinstance(found, list):
            pending += [(one, depth + 1) for one in found if not isinstance(old.get(one), Stream)]
