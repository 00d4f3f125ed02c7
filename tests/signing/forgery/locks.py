"""Locks (FieldMDP, DocMDP, /Lock, /Perms): broken by those who come later, changed afterwards, or saying two things."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import asyncio
import re
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from io import BytesIO

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.stamp import TextStampStyle

from signing.keys.keystore import KeyStore, StoreSigner
from signing.pdf.pades import FIELD_SEAL
from tests.signing import forgeries
from tests.signing.forgery.papers import Paper, sign_as_others
from tests.signing.forgery.table import Target, add, behind, between
from tests.signing.forgery.updating import Update, as_text

PERSON = "NguoiKy"
SEAL_BOX = (230, 180, 330, 280)


@dataclass(frozen=True)
class Lock:
    """What a signature forbids: changes of fields, changes of the file, and whether it certifies the file."""

    fields: FieldMDPSpec | None = None
    changes: MDPPerm | None = None
    certifies: bool = False


def include(*names: str) -> Lock:
    """These fields are locked."""
    return Lock(FieldMDPSpec(FieldMDPAction.INCLUDE, list(names)))


def exclude(*names: str) -> Lock:
    """All fields but these are locked."""
    return Lock(FieldMDPSpec(FieldMDPAction.EXCLUDE, list(names)))


def everything() -> Lock:
    """All fields are locked."""
    return Lock(FieldMDPSpec(FieldMDPAction.ALL))


Place = tuple[int, int, int, int]


def signed_with(
    data: bytes, key: KeyStore, lock: Lock, name: str = PERSON, box: Place | None = (300, 400, 480, 440)
) -> bytes:
    """A signature that locks: in the field's /Lock and in the signature's own references."""
    meta = PdfSignatureMetadata(
        field_name=name,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
        certify=lock.certifies,
        docmdp_permissions=lock.changes or MDPPerm.FILL_FORMS,
    )
    level = None if lock.certifies else lock.changes
    field = SigFieldSpec(name, box=box, field_mdp_spec=lock.fields, doc_mdp_update_value=level)
    style = TextStampStyle(stamp_text="Ky boi %(signer)s", background=None)
    signer = PdfSigner(meta, StoreSigner(key), new_field_spec=field, stamp_style=style)
    out = BytesIO()
    asyncio.run(signer.async_sign_pdf(IncrementalPdfFileWriter(BytesIO(data), strict=False), output=out))
    return out.getvalue()


def finished(target: Target, data: bytes, *, numbers: bool, box: Place | None = SEAL_BOX) -> bytes:
    """What an office does with what a person has signed: fill number and date in, and seal it."""
    if numbers:
        data = forgeries.fill(forgeries.fill(data, forgeries.NUMBER, "15"), forgeries.DAY, "02/03/2026")
    return signed_with(data, target.scribe.office.seal, Lock(), FIELD_SEAL, box)


def locked(target: Target, lock: Lock, *, numbers: bool) -> bytes:
    """A person locks, and an office goes on as if nothing were locked. Where changes are limited no field may be added
    that shows (ISO 32000-2, table 257), so there the seal does not."""
    signed = signed_with(target.stages[0], target.scribe.office.binh, lock)
    return finished(target, signed, numbers=numbers, box=None if lock.certifies or lock.changes else SEAL_BOX)


def certified_tightly(target: Target, *, numbers: bool) -> bytes:
    """The first signature certifies the file and forbids all changes. No program signs behind that, so it permits them
    until both have signed, and both sign again then."""
    office = target.scribe.office
    data = locked(target, Lock(changes=MDPPerm.FILL_FORMS, certifies=True), numbers=numbers)
    at = data.index(b"/P 2", len(target.stages[0]))
    return signed_through(data[:at] + b"/P 1" + data[at + 4 :], office.binh, office.seal)


def signed_through(data: bytes, *keys: KeyStore) -> bytes:
    """All signatures of the file made once more, from the first to the last, by these keys."""
    for place, key in enumerate(keys):
        first, second, length = (int(n) for n in re.findall(rb"/ByteRange \[0 (\d+) (\d+) (\d+)", data)[place])
        digest = sha256(data[:first] + data[second : second + length]).digest()
        token: bytes = asyncio.run(StoreSigner(key).async_sign(digest, "sha256")).dump().hex().encode()
        data = data[: first + 1] + token.ljust(second - first - 2, b"0") + data[second - 1 :]
    return data


def disagreeing(target: Target, old: bytes, new: bytes, *, last: bool) -> bytes:
    """The field's /Lock and the signature's own references say two things: one locks the number, the other a field that
    nobody has. The number is filled in."""
    key = target.scribe.office.binh
    data = signed_with(target.stages[0], key, include("So"))
    at = data.rindex(old) if last else data.index(old, len(target.stages[0]))
    changed = data[:at] + new + data[at + len(old) :]
    return finished(target, signed_through(changed, key), numbers=True)


def with_reference(data: bytes, text: str) -> bytes:
    """The signature gets this reference behind it."""
    update = Update(data)
    update.set(update.signed_field()["/V"], "/Reference", f"[{text}]")
    return update.written()


def _reference(method: str, parameters: str, more: str = "") -> str:
    kind = f"/Type /TransformParams {parameters}"
    return f"<< /Type /SigRef /TransformMethod /{method} /TransformParams << {kind} >> /DigestMethod /SHA256 {more} >>"


REFERENCES = {
    "a DocMDP that forbids nothing": _reference("DocMDP", "/P 3 /V /1.2"),
    "two DocMDPs": " ".join(_reference("DocMDP", f"/P {level} /V /1.2") for level in (1, 3)),
    "a FieldMDP for nothing": _reference("FieldMDP", "/Action /Include /Fields [] /V /1.2"),
    "a FieldMDP for a field of nobody": _reference("FieldMDP", "/Action /Include /Fields [(Khong)] /V /1.2"),
    "a FieldMDP that excludes all": _reference("FieldMDP", "/Action /Exclude /Fields [(So) (Ngay) (ConDau)] /V /1.2"),
    "a reference to another object": _reference("FieldMDP", "/Action /All /V /1.2", "/Data 1 0 R"),
    "a method that nobody knows": _reference("Khac", "/V /1.2"),
    "rights of use": _reference("UR3", "/Document [/FullSave] /V /2.2"),
    "nothing": "",
}
LOCKS = {
    "for all": "<< /Type /SigFieldLock /Action /All >>",
    "for nothing": "<< /Type /SigFieldLock /Action /Include /Fields [] >>",
    "for a field of nobody": "<< /Type /SigFieldLock /Action /Include /Fields [(Khong)] >>",
    "that excludes all": "<< /Type /SigFieldLock /Action /Exclude /Fields [(So) (Ngay) (ConDau)] >>",
    "that permits more": "<< /Type /SigFieldLock /Action /Include /Fields [] /P 3 >>",
    "that acts": "<< /Type /SigFieldLock /Action /All /A << /S /JavaScript /JS (app.alert\\(1\\)) >> >>",
}


def with_lock(data: bytes, text: str) -> bytes:
    """A field that is signed gets this lock."""
    update = Update(data)
    update.set(update.signed_field(), "/Lock", text)
    return update.written()


def with_indirect_lock(data: bytes, text: str) -> bytes:
    """The same as an object of its own, which a new empty field uses, too."""
    update = Update(data)
    lock = update.add(text)
    page = as_text(update.page().container_ref)
    keys = f"/Type /Annot /Subtype /Widget /FT /Sig /T (Them) /F 132 /P {page} /Rect [0 0 0 0] /Lock {lock}"
    update.append(update.form["/Fields"], update.add(f"<< {keys} >>"))
    update.set(update.signed_field(), "/Lock", lock)
    return update.written()


def with_permissions(data: bytes, key: str) -> bytes:
    """The catalogue names a signature that certifies the file, or gives rights of use, though none did."""
    update = Update(data)
    value = as_text(update.signed_field().raw_get("/V"))
    update.set(update.root, "/Perms", f"<< /{key} {value} >>")
    return update.written()


def without_permissions(data: bytes) -> bytes:
    """The file is certified no more."""
    update = Update(data)
    update.drop(update.root, "/Perms")
    return update.written()


def more_permitted(data: bytes) -> bytes:
    """The signature that certifies the file is written again, and permits more."""
    update = Update(data)
    signature = update.signed_field()["/V"]
    update.set(signature["/Reference"][0]["/TransformParams"], "/P", "3")
    return update.written()


def certified_again(target: Target) -> bytes:
    """An attacker certifies what others have signed."""
    update = Update(target.data)
    own = sign_as_others(update.written(), target.scribe.attacker, "Khach", box=(60, 40, 200, 80))
    later = Update(own)
    later.set(later.field("Khach")["/V"], "/Reference", f"[{REFERENCES['a DocMDP that forbids nothing']}]")
    later.set(later.root, "/Perms", f"<< /DocMDP {as_text(later.field('Khach').raw_get('/V'))} >>")
    return later.written()


def numbered(paper: Paper) -> bool:
    """Papers whose number and date are filled in between person and seal."""
    return "number" in paper.steps


def sealed(paper: Paper) -> bool:
    """Some papers by hand that somebody seals."""
    return paper.name in {"table-two", "tagged-two", "linked-two", "pages-archived", "streams-two"}


def certified(paper: Paper) -> bool:
    """Papers that the first signature certifies."""
    return "certified" in paper.steps


FILLED: dict[str, Lock] = {
    "the number": include("So"),
    "number and date": include("So", "Ngay"),
    "all but the seal": exclude(FIELD_SEAL),
    "all but the date": exclude("Ngay", FIELD_SEAL),
    "everything": everything(),
    "all changes": Lock(include(PERSON).fields, MDPPerm.NO_CHANGES),
}
SEALED: dict[str, Lock] = {
    "the seal": include(FIELD_SEAL),
    "all but the number": exclude("So"),
    "everything": everything(),
    "all changes": Lock(include(PERSON).fields, MDPPerm.NO_CHANGES),
}
ALLOWED: dict[str, Lock] = {
    "itself": include(PERSON),
    "a field of nobody": include("Khong"),
    "all but number, date and seal": exclude("So", "Ngay", FIELD_SEAL),
    "what is not filling": Lock(include(PERSON).fields, MDPPerm.FILL_FORMS),
    "what is not filling, certified": Lock(changes=MDPPerm.FILL_FORMS, certifies=True),
    "what is no comment, certified": Lock(changes=MDPPerm.ANNOTATE, certifies=True),
    "nothing": Lock(),
}
"""Locks that forbid neither number nor seal: with these the same steps make valid papers (`test_forgery`)."""


def register() -> None:
    """Into the table."""
    family = "locks"
    for what, lock in FILLED.items():
        add(family, f"{what} locked, and the number filled in", partial(locked, lock=lock, numbers=True), numbered)
    for what, lock in SEALED.items():
        add(family, f"{what} locked, and sealed", partial(locked, lock=lock, numbers=False), sealed)
    add(family, "certified as final, and the number filled in", partial(certified_tightly, numbers=True), numbered)
    add(family, "certified as final, and sealed", partial(certified_tightly, numbers=False), sealed)
    old, new = b"(So)", b"(Xa)"
    for what, last in {"the field's lock": True, "the signature's references": False}.items():
        make = partial(disagreeing, old=old, new=new, last=last)
        add(family, f"the number locked by only one of two, {what} changed", make, numbered)
    for what, text in REFERENCES.items():
        behind(family, f"the signature refers to {what}", partial(with_reference, text=text))
        between(family, f"the signature refers to {what}", partial(with_reference, text=text))
    for what, text in LOCKS.items():
        behind(family, f"a signed field gets a lock {what}", partial(with_lock, text=text))
        between(family, f"a signed field gets a lock {what}", partial(with_lock, text=text))
        behind(family, f"a signed field shares a lock {what}", partial(with_indirect_lock, text=text))
    for key in ("DocMDP", "UR3", "Khac"):
        behind(family, f"permissions by {key}", partial(with_permissions, key=key), lambda paper: not certified(paper))
        between(family, f"permissions by {key}", partial(with_permissions, key=key))
        behind(family, f"other permissions by {key}", partial(with_permissions, key=key), certified)
    behind(family, "certified no more", without_permissions, certified)
    behind(family, "certified, and more permitted", more_permitted, certified)
    add(family, "certified again", certified_again)
