"""Files that people upload: named safely, typed by their bytes, stored piece by piece."""

from dataclasses import replace
from pathlib import PurePath
from typing import IO

from docex.documents.papers.files import HAZARDS, File
from docex.edxml import papers
from docex.official.uploads import looks_like_pdf
from kernel.errors import Invalid
from kernel.storage.blobs import BlobStore, read_all
from kernel.text import phrase
from signing.sandbox.runner import SandboxBusy, SandboxError, error_phrase, run_sandboxed, verification_seconds
from signing.verification.admission import obstacles, refusal_for
from signing.verification.hazards import Hazard

PDF = "application/pdf"
_OFFICE = ("application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.")
ACCEPTED = frozenset(
    {
        PDF,
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/rtf",
        "application/zip",
        "image/png",
        "image/jpeg",
        "image/tiff",
        "text/plain",
    }
)
ENDINGS = ".pdf,.doc,.docx,.xls,.xlsx,.ppt,.pptx,.odt,.ods,.rtf,.zip,.png,.jpg,.jpeg,.tif,.tiff,.txt,.csv"
_HEAD = 4096


TIMEOUT_S = 5.0
"""How long a form waits for a free process; the worker looks into the file in any case."""


def refuse_hazards(blobs: BlobStore, file: File, field: str) -> None:
    """Invalid on `field` when verification would refuse this PDF once it is signed: said while the form is still open.
    Of a broken file the worker can say more."""
    data = read_all(blobs, file.sha256)
    try:
        found = run_sandboxed(obstacles, data, timeout_s=TIMEOUT_S, within_s=verification_seconds())
        refusal = refusal_for(tuple(one for one in found if one is not Hazard.BROKEN))
    except SandboxBusy:
        return
    except SandboxError as broken:
        refusal = error_phrase(broken)
    if refusal is not None:
        raise Invalid({field: refusal})


def with_hazards(blobs: BlobStore, file: File) -> File:
    """An attachment with the names of what keeps it from being signed, if anything does. It may go out all the same,
    without the agency's signature: an appendix is often another's file. Drafter, clerk and receiver are warned."""
    if file.media_type != PDF:
        return file
    try:
        found = run_sandboxed(
            obstacles, read_all(blobs, file.sha256), timeout_s=TIMEOUT_S, within_s=verification_seconds()
        )
    except (SandboxBusy, SandboxError):
        return file  # sealing tries again, and the receiver verifies it in any case
    named = [one.value for one in found if one is not Hazard.FIELD_OVER_TEXT]
    return replace(file, spot={**(file.spot or {}), HAZARDS: named}) if named else file


def receive(
    blobs: BlobStore, stream: IO[bytes], filename: str, field: str, *, max_bytes: int, pdf_only: bool = False
) -> File:
    """Store an uploaded file. Invalid on `field` when it is empty, too large, or of a kind that nobody can open."""
    name = papers.plain_name(filename) or "tep.bin"
    head = stream.read(_HEAD)
    stream.seek(0)
    if not head:
        raise Invalid({field: phrase("Tệp “{name}” trống, không có nội dung.", name=name)})
    media_type = papers.media_type(head, name)
    if pdf_only and not looks_like_pdf(head):
        raise Invalid({field: phrase("Tệp “{name}” không phải là PDF.", name=name)})
    if media_type not in ACCEPTED and not media_type.startswith(_OFFICE):
        raise Invalid(
            {field: phrase("Tệp “{name}” thuộc loại không nhận. Xin dùng PDF, Word, Excel hoặc ảnh.", name=name)}
        )
    try:
        blob = blobs.put(stream, max_bytes=max_bytes)
    except Invalid as error:
        raise Invalid({field: next(iter(error.fields.values()))}) from error
    if pdf_only and PurePath(name).suffix.lower() != ".pdf":
        name = f"{name}.pdf"
    return File(name, media_type, blob.sha256, blob.size)
