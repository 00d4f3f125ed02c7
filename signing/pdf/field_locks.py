"""What a signature forbids to those who come after it: by certifying the file, by levels of change, by locked fields.

ISO 32000-2, 12.8.2 (DocMDP, FieldMDP) and 12.7.5.5 (lock dictionaries).
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from collections.abc import Iterable, Iterator

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    CatalogModificationRule,
    DiffPolicy,
    ModificationLevel,
    ReferenceUpdate,
    StandardDiffPolicy,
    WhitelistRule,
)
from pyhanko.sign.diff_analysis.commons import compare_key_refs
from pyhanko.sign.diff_analysis.constants import ROOT_EXEMPT_STRICT_COMPARISON
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from signing.pdf.complexity import TooComplicated
from signing.pdf.signed_file import BROKEN, NotReadable, embedded_signatures

_PERMS, _DOCMDP, _FIELDMDP = "/Perms", "/DocMDP", "/FieldMDP"


def forbids(signature: EmbeddedPdfSignature, later: tuple[str, ...]) -> bool:
    """Whether nobody can sign in the fields `later` after this signature. Raises what `signed_file.BROKEN` names."""
    return any(_locks(one, later) for one in _parameters(signature.sig_object, signature.sig_field))


def is_closed(data: bytes, fields: tuple[str, ...]) -> bool:
    """Whether a signature in this file keeps everybody from signing in these fields. Work for `runner.run_sandboxed`; a
    file that cannot be read is for others to refuse."""
    try:
        found = embedded_signatures(data).found
        return any(forbids(one.signature, fields) for one in found if one.signature is not None)
    except (NotReadable, TooComplicated, *BROKEN):
        return False


def _parameters(
    signature: generic.DictionaryObject, field: generic.DictionaryObject
) -> Iterator[generic.DictionaryObject]:
    """Parameters of both methods, each of which may hold those of the other as well, and the field's lock."""
    for reference in signature.get("/Reference", ()):
        one = reference.get_object()
        if one.get("/TransformMethod") in (_DOCMDP, _FIELDMDP):
            yield one["/TransformParams"]
    if "/Lock" in field:
        yield field["/Lock"]


def _locks(parameters: generic.DictionaryObject, fields: tuple[str, ...]) -> bool:
    if parameters.get("/P") == MDPPerm.NO_CHANGES.value:
        return True
    return "/Action" in parameters and any(map(FieldMDPSpec.from_pdf_object(parameters).is_locked, fields))


def comparison(before: PdfFileReader, after: PdfFileReader, signature: EmbeddedPdfSignature) -> DiffPolicy:
    """How the revision with this signature is compared with the one before: pyHanko's rules, and the entry in the
    catalogue with which a first signature certifies the file, which they do not know."""
    certifies = _PERMS not in before.root and _PERMS in after.root and _is_for(after.root[_PERMS], signature)
    return _CERTIFYING if certifies else DEFAULT_DIFF_POLICY


def _is_for(permissions: generic.DictionaryObject, signature: EmbeddedPdfSignature) -> bool:
    return set(permissions) == {_DOCMDP} and permissions[_DOCMDP] is signature.sig_object


class _NewPermissions(WhitelistRule):
    """The new entry may be an object of its own."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        return map(ReferenceUpdate, compare_key_refs(_PERMS, old, old.root, new.root))


_CERTIFYING = StandardDiffPolicy(
    global_rules=[
        CatalogModificationRule(ROOT_EXEMPT_STRICT_COMPARISON | {_PERMS}),
        _NewPermissions().as_qualified(ModificationLevel.LTA_UPDATES),
        *(rule for rule in DEFAULT_DIFF_POLICY.global_rules if not isinstance(rule, CatalogModificationRule)),
    ],
    form_rule=DEFAULT_DIFF_POLICY.form_rule,
)
