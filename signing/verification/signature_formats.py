"""Which signature dictionaries this judge understands: anything else may mean something else to another reader.

Source: ISO 32000-2, tables 255 and 260; ETSI EN 319 142-1 §6.3. The handlers are names of the software that signs;
those listed are what real programs write into files that are valid otherwise.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from pyhanko.pdf_utils import generic

from signing.pdf.signed_file import BROKEN, Found, Signatures
from signing.verdicts.policy import Policy
from signing.verdicts.reasons import Code, reason
from signing.verdicts.verdict import Reason, Value
from signing.verification.hazards import finding

_HANDLERS = frozenset(
    {"/Adobe.PPKLite", "/Adobe.PPKMS", "/Entrust.PPKEF", "/CICI.SignIt", "/VeriSign.PPKVS", "/Adobe.PubSec"}
)
_SIGNATURES = frozenset({"/ETSI.CAdES.detached", "/adbe.pkcs7.detached"})
_WEAK = "/adbe.pkcs7.sha1"
_TIME_STAMP = "/ETSI.RFC3161"


def found_in_the_file(file: Signatures, policy: Policy) -> list[Reason]:
    """What a signed file is that no judge can answer for: active content, and signatures of unknown kinds."""
    strange = [unknown_format(found, policy) for found in file.found]
    return [one for one in (finding(file.reader), *strange) if one is not None]


def unknown_format(found: Found, policy: Policy) -> Reason | None:
    """The finding on a signature or time-stamp of a kind that nobody here knows; None for one that is known, or that
    cannot be read at all, which is another's finding."""
    if found.signature is None:
        return None
    names = found.signature.sig_object
    handler, encoding = _name(names, "/Filter"), _name(names, "/SubFilter")
    known = {_TIME_STAMP} if found.is_timestamp else set(_SIGNATURES)
    if not found.is_timestamp and policy.weak_algorithm is not Value.INVALID:
        known.add(_WEAK)
    strange = [name for name, fits in ((handler, _HANDLERS), (encoding, known)) if name not in fits]
    if not strange:
        return None
    told = ", ".join(name.lstrip("/")[:40] or "?" for name in strange)
    return reason(Code.UNKNOWN_FORMAT, found.field, who=found.field, format=told)


def _name(names: generic.DictionaryObject, key: str) -> str:
    try:
        return str(names[key])
    except BROKEN:
        return ""
