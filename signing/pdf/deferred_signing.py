"""Signing in two steps, for keys that are elsewhere: make the file with room for the signature, then put it in.

Between the two only the bytes to be signed travel. `prepare` makes empty fields for signers whose own program adds the
signature to the file by itself.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from pyhanko.pdf_utils.generic import NumberObject
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigAppearanceSetup, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from kernel import clock
from kernel.errors import Invalid
from kernel.text import phrase
from signing.pdf.pades import DIGEST, Look, add_empty_field, unreadable, writer_for
from signing.pdf.stamps import Box

NO_ROOM = phrase("Chữ ký dài hơn chỗ để dành trong tệp.")
ROOM = 32 * 1024
"""Hex digits for a signature with its certificates."""

SIGNED_AND_APPENDED = 3
"""ISO 32000-1, table 219: the file has signatures, and is changed by updates only."""

_TROUBLE = (PdfError, SigningError, ValueError, KeyError, TypeError, IndexError, AttributeError)


def prepare(pdf: bytes, fields: dict[str, Box | None]) -> bytes:
    """The file with these empty signature fields, as an update: later signers change nothing but their own field."""
    writer = writer_for(pdf)
    try:
        for name, box in fields.items():
            add_empty_field(writer, name, box)
        # Said now, so that the program that signs has nothing to change but its own field.
        form = writer.root["/AcroForm"]
        form["/SigFlags"] = NumberObject(SIGNED_AND_APPENDED)
        writer.update_container(form)
        out = BytesIO()
        writer.write(out)
    except _TROUBLE as error:
        raise unreadable(error) from error
    return out.getvalue()


@dataclass(frozen=True)
class Begun:
    """A file that waits for its signature: plain data, which may lie in a database for as long as a person needs.

    `start` and `end` are the limits of the gap, the brackets of the hex string included.
    """

    data: bytes
    digest: bytes
    start: int
    end: int

    @property
    def to_be_signed(self) -> bytes:
        """Everything but the gap: what a detached CAdES signature is made over."""
        return self.data[: self.start] + self.data[self.end :]


def begin(
    pdf: bytes, field: str, *, name: str, look: Look | None = None, at: datetime | None = None, room: int = ROOM
) -> Begun:
    """The file with room (hex digits) for a signature by `name` in this field; earlier bytes stay as they are."""
    writer, moment = writer_for(pdf), (at or clock.now()).astimezone(clock.VN)
    try:
        add_empty_field(writer, field, look.box if look else None)
        steps = PdfCMSEmbedder().write_cms(field_name=field, writer=writer)
        next(steps)
        place = SignatureObject(moment, subfilter=SigSeedSubFilter.PADES, name=name, bytes_reserved=room)
        shown = SigAppearanceSetup(style=look.style, timestamp=moment, name=name) if look else None
        steps.send(SigObjSetup(sig_placeholder=place, appearance_setup=shown))
        made, out = steps.send(SigIOSetup(md_algorithm=DIGEST))
    except _TROUBLE as error:
        raise unreadable(error) from error
    out.seek(0)
    return Begun(out.read(), made.document_digest, made.reserved_region_start, made.reserved_region_end)


def finish(begun: Begun, signature: bytes) -> bytes:
    """The file with this CMS signature (DER) in its gap. Invalid(file) when it does not fit."""
    digits, begin_at = signature.hex().upper().encode(), begun.start + 1
    if len(digits) > begun.end - begun.start - 2:
        raise Invalid({"file": NO_ROOM}, NO_ROOM)
    return begun.data[:begin_at] + digits + begun.data[begin_at + len(digits) :]
