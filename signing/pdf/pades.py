"""Making signatures: PAdES in a PDF, each as an incremental update, so that earlier bytes never change.

ETSI EN 319 142-1 (`ETSI.CAdES.detached`), SHA-256. A signature is made at level B-B at once; `add_timestamp`
raises the file to B-T later, in a job. Everything here is CPU work on bytes: call it in workers, never in the web
process, and never from a thread that runs an event loop (pyHanko starts its own).
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import asyncio
import logging
import math
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, TypeVar

from asn1crypto import x509
from PIL import Image
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, append_signature_field, enumerate_sig_fields
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.stamp import StaticStampStyle
from tzlocal import get_localzone

from kernel import clock
from kernel.errors import Invalid, Unavailable, WrongState
from kernel.text import Phrase, phrase
from signing.keys.keystore import KeyStore, StoreSigner
from signing.pdf.complexity import TooComplicated, check_count, check_structure, check_tables
from signing.pdf.rotation import page_of, shown, turned
from signing.pdf.stamps import Box, empty_style, image_style, mark_box, seal_box, signature_box, text_style
from signing.pdf.timestamps import NO_TIME_STAMP, TimeStamps, token_over
from signing.trust.holders import TEST_MARK, read_holder
from signing.verdicts.verdict import HolderKind

log = logging.getLogger(__name__)

FIELD_PERSON = "NguoiKy"
FIELD_SEAL = "ConDau"
FIELD_COPY = "SaoY"
FIELD_TIMESTAMP = "DauThoiGian"

# What screen readers say of a field; the paper is Vietnamese whatever the reader's language.
_SPOKEN = {
    FIELD_PERSON: "Chữ ký số của người có thẩm quyền",
    FIELD_SEAL: "Chữ ký số của cơ quan",
    FIELD_COPY: "Chữ ký số của cơ quan trên bản sao",
    FIELD_TIMESTAMP: "Dấu thời gian",
}

DIGEST = "sha256"

T = TypeVar("T")


def warm_up() -> None:
    """Load what the first signature needs, once for all files (`signing.sandbox.child_process`): formats of pictures,
    and the local zone, which pyHanko asks for."""
    Image.preinit()
    get_localzone()


@dataclass(frozen=True)
class Look:
    """How a signature shows on the page: a style from `signing.pdf.stamps` inside a box; None shows nothing."""

    box: Box
    style: StaticStampStyle


def sign_person(
    pdf: bytes,
    key: KeyStore,
    *,
    anchor: Box | None = None,
    image: bytes | None = None,
    seal_diameter: float | None = None,
    at: datetime | None = None,
) -> bytes:
    """The file signed by a person in `NguoiKy`, with the empty field `ConDau` prepared for the agency's seal.

    `anchor` is the space that the template leaves for the signature; the PNG `image` is centred in it. Without
    them the signature is invisible. WrongState when a person has signed already.
    """
    if holder_of(key) is HolderKind.SEAL:
        raise _refused("key", phrase("Chứng thư này là của cơ quan, không dùng để ký thay cá nhân."))
    if FIELD_PERSON in signed_fields(pdf):
        raise WrongState(phrase("Văn bản đã có chữ ký của người có thẩm quyền."))
    look = seal_look = None
    if anchor is not None and image is not None:
        box = signature_box(anchor, image)
        look = Look(box, image_style(image))
        diameter = {} if seal_diameter is None else {"diameter": seal_diameter}
        seal_look = seal_box(box, **diameter)
    return sign_field(pdf, key, FIELD_PERSON, look=look, prepared={FIELD_SEAL: seal_look}, at=at)


def sign_seal(
    pdf: bytes,
    key: KeyStore,
    *,
    image: bytes | None = None,
    mark: bytes | None = None,
    box: Box | None = None,
    at: datetime | None = None,
) -> bytes:
    """The file sealed by the agency in `ConDau`, over the person's signature when that is visible.

    What shows is the PNG `image`, or the text `mark` of `stamps.text_mark` where there is no picture of the seal.
    `box` places the seal when nobody prepared a field. WrongState without a person's signature before it
    (Decree 30/2020 art. 32.2d), or when the seal is there already.
    """
    if holder_of(key) is not HolderKind.SEAL:
        raise _refused("key", phrase("Chứng thư này không phải của cơ quan nên không dùng làm con dấu."))
    fields = signed_fields(pdf)
    if FIELD_SEAL in fields:
        raise WrongState(phrase("Văn bản đã được đóng dấu của cơ quan."))
    if not _a_person_signed(pdf):
        raise WrongState(phrase("Chưa có chữ ký của người có thẩm quyền nên chưa đóng dấu được."))
    style = text_style(mark) if mark is not None else empty_style()
    style = image_style(image) if image is not None else style
    look = Look(box, style) if box is not None else None
    return sign_field(pdf, key, FIELD_SEAL, look=look, style=style, at=at)


def sign_copy(pdf: bytes, key: KeyStore, *, mark: bytes, box: Box, at: datetime | None = None) -> bytes:
    """The agency's signature on a copy or a separate attachment: the text `mark` of `stamps.text_mark`, no image."""
    if holder_of(key) is not HolderKind.SEAL:
        raise _refused("key", phrase("Chứng thư này không phải của cơ quan nên không dùng làm con dấu."))
    if FIELD_COPY in signed_fields(pdf):
        raise WrongState(phrase("Bản sao này đã được cơ quan ký."))
    return sign_field(pdf, key, FIELD_COPY, look=Look(mark_box(box, mark), text_style(mark)), at=at)


def sign_field(
    pdf: bytes,
    key: KeyStore,
    field: str,
    *,
    look: Look | None = None,
    style: StaticStampStyle | None = None,
    prepared: dict[str, Box | None] | None = None,
    at: datetime | None = None,
) -> bytes:
    """Sign in a field of this name, new or prepared. The rules of who may sign when are with the verbs above.

    `prepared` are further fields to make for later signers; they are painted over this one.
    """
    writer = writer_for(pdf)
    certificate = read_holder(x509.Certificate.load(key.describe().certificate))
    meta = PdfSignatureMetadata(
        field_name=field,
        md_algorithm=DIGEST,
        subfilter=SigSeedSubFilter.PADES,
        name=certificate.full_name,
        # Viewers show the reason: nobody shall take a trial signature for a real one.
        reason=TEST_MARK if certificate.test else None,
    )
    try:
        # Widgets are painted in the order in which they were made: the seal lies over the signature.
        for name, place in {field: look.box if look else None, **(prepared or {})}.items():
            add_empty_field(writer, name, place)
        upright = turned((look.style if look else style) or empty_style(), _turn_of(writer, field))
        signer = PdfSigner(meta, StoreSigner(key), stamp_style=upright)
        return run(_finish(signer, writer, at or clock.now(), _room_for(key)))
    except (PdfError, SigningError, ValueError, KeyError, TypeError, IndexError) as error:
        raise unreadable(error) from error


@dataclass(frozen=True)
class Unstamped:
    """A file with room for a time-stamp: `digest` (SHA-256) is what the token must be over. Plain data, so that nothing
    is held while an authority takes its minutes."""

    data: bytes
    digest: bytes
    start: int
    end: int

    def stamped(self, token: bytes) -> bytes:
        """The file with this token (DER) in it. Unavailable when it does not fit: then the next try has more room."""
        digits = token.hex().upper().encode()
        if len(digits) > self.end - self.start - 2:
            raise Unavailable(NO_TIME_STAMP)
        begin = self.start + 1
        return self.data[:begin] + digits + self.data[begin + len(digits) :]


def prepare_timestamp(pdf: bytes, room: int) -> Unstamped:
    """Make room for one more document time-stamp (`room` in hex digits); the bytes so far stay as they are."""
    writer = writer_for(pdf)
    try:
        number = 1 + sum(name.startswith(FIELD_TIMESTAMP) for name in signed_fields(pdf))
        declare_extension(writer)
        field = SigFieldSpec(f"{FIELD_TIMESTAMP}{number}", readable_field_name=_SPOKEN[FIELD_TIMESTAMP])
        steps = PdfCMSEmbedder(new_field_spec=field).write_cms(field_name=field.sig_field_name, writer=writer)
        next(steps)
        steps.send(SigObjSetup(sig_placeholder=DocumentTimestamp(bytes_reserved=room)))
        prepared, out = steps.send(SigIOSetup(md_algorithm=DIGEST))
    except (PdfError, SigningError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise unreadable(error) from error
    out.seek(0)
    return Unstamped(out.read(), prepared.document_digest, prepared.reserved_region_start, prepared.reserved_region_end)


def add_timestamp(pdf: bytes, source: TimeStamps) -> bytes:
    """Raise all signatures of the file to B-T with one document time-stamp; the bytes so far stay as they are.

    May take minutes: only for jobs. Unavailable when the authority gives no usable answer.
    """
    unstamped = prepare_timestamp(pdf, source.room)
    return unstamped.stamped(token_over(unstamped.digest, source))


def signed_fields(pdf: bytes) -> tuple[str, ...]:
    """Names of the signature fields that hold a signature. Invalid when the file is no readable PDF, or has more of
    them than any paper."""
    writer = writer_for(pdf)
    try:
        names = tuple(name for name, _, _ in enumerate_sig_fields(writer.prev, filled_status=True))
        check_count(len(names))
        return names
    except TooComplicated as error:
        raise _too_complicated(error) from error
    except (PdfError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(error) from error


def holder_of(key: KeyStore) -> HolderKind:
    """Whether the key is a person's or an agency's, by its certificate."""
    return read_holder(x509.Certificate.load(key.describe().certificate)).kind


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run pyHanko's coroutines to their end in this thread, which must not have an event loop."""
    return asyncio.run(work)


def _a_person_signed(pdf: bytes) -> bool:
    from signing.pdf.signed_file import NotReadable, embedded_signatures

    try:
        signatures = embedded_signatures(pdf).found
    except NotReadable as error:
        raise unreadable(error) from error
    except TooComplicated as error:
        raise _too_complicated(error) from error
    return any(
        read_holder(found.signature.signer_cert).kind is HolderKind.PERSON
        for found in signatures
        if found.signature is not None and not found.is_timestamp
    )


def _room_for(key: KeyStore) -> int:
    """Hex digits for the CMS: its certificates, and 3 KiB for signature and attributes.

    No more than needed: readers (pyHanko, too) go through these digits one by one, which is most of a verification.
    """
    description = key.describe()
    size = len(description.certificate) + sum(map(len, description.chain)) + 3 * 1024
    return 2 * 512 * math.ceil(size / 512)


async def _finish(signer: PdfSigner, writer: IncrementalPdfFileWriter, at: datetime, room: int) -> bytes:
    """pyHanko's own stages, one by one, because only there the signing time can be ours."""
    session = signer.init_signing_session(writer)
    session.system_time = at.astimezone(clock.VN)
    document = session.prepare_tbs_document(None, bytes_reserved=room)
    prepared, out = document.digest_tbs_document()
    token = await signer.signer.async_sign(prepared.document_digest, DIGEST, use_pades=True)
    prepared.fill_with_cms(out, token)
    out.seek(0)
    signed: bytes = out.read()
    return signed


def writer_for(pdf: bytes) -> IncrementalPdfFileWriter:
    """For one more update of the file. Invalid(file) when it is no readable PDF, locked by a password, or more
    complicated than any paper."""
    try:
        check_tables(pdf)
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        if writer.prev.xrefs.hybrid_xrefs_present:
            writer = IncrementalPdfFileWriter(BytesIO(pdf), strict=False)  # as Word writes them; see pdffile
        if writer.prev.encrypted:
            raise _refused("file", phrase("Tệp PDF bị khoá bằng mật khẩu nên không ký được."))
        check_structure(writer.prev)
        return writer
    except TooComplicated as error:
        raise _too_complicated(error) from error
    except (PdfError, ValueError, KeyError, TypeError, IndexError, OSError, RecursionError) as error:
        raise unreadable(error) from error


def declare_extension(writer: IncrementalPdfFileWriter) -> None:
    """Say in the file that it uses document time-stamps or validation data, which PDF knows by itself since 2.0."""
    writer.ensure_output_version(version=(1, 7))
    if writer.output_version < (2, 0):
        writer.register_extension(ESIC_EXTENSION_1)


def add_empty_field(writer: IncrementalPdfFileWriter, name: str, box: Box | None) -> None:
    """An empty field for a later signature, so that the later one changes nothing but its own field."""
    if all(existing != name for existing, _, _ in enumerate_sig_fields(writer)):
        append_signature_field(writer, _spec(writer, name, box))


def _turn_of(writer: IncrementalPdfFileWriter, name: str) -> int:
    """By how much the page is shown turned that this field stands on."""
    for existing, _, reference in enumerate_sig_fields(writer):
        page = reference.get_object().get("/P") if existing == name else None
        if page is not None:
            return shown(page.get_object()).turn
    return 0


def _spec(writer: IncrementalPdfFileWriter, name: str, box: Box | None) -> SigFieldSpec:
    if box is None:
        return SigFieldSpec(name, readable_field_name=_SPOKEN.get(name))
    place = shown(page_of(writer, box.page)).in_file(box.corners)
    corners: Any = tuple(round(side, 3) for side in place)  # pyHanko writes fractions as they are
    return SigFieldSpec(name, on_page=box.page, box=corners, readable_field_name=_SPOKEN.get(name))


def unreadable(error: Exception) -> Invalid:
    """What to raise for a file that the library cannot work on."""
    log.info("a PDF cannot be signed: %s: %s", type(error).__name__, error)
    return _refused("file", phrase("Tệp PDF bị hỏng hoặc không đúng chuẩn nên không ký được."))


def _too_complicated(error: TooComplicated) -> Invalid:
    log.info("a PDF is too complicated to be signed: %s", error.what)
    return _refused("file", phrase("Tệp PDF quá phức tạp nên không ký được."))


def _refused(name: str, why: Phrase) -> Invalid:
    """Jobs show the message, forms the field: both say the same."""
    return Invalid({name: why}, why)
