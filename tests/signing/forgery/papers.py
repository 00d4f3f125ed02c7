"""Legitimate signed papers of many kinds: how each is written, and who signs it in which order."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import asyncio
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.stamp import TextStampStyle

from docex.official.rendering import RenderedPaper, render_pdf
from signing.keys.keystore import KeyStore, StoreSigner
from signing.pdf.stamps import Box
from tests.docex.official.papers import LETTER
from tests.signing.papers import minimal_pdf, written

ANCHOR = Box(page=0, x=320, y=180, width=180, height=75)
TEXT = "So: 15/UBND-VP. Cap cho So Tai chinh 10 trieu dong."
A_FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /FirstChar 32 /LastChar 126 /Widths 10 0 R >>"


@dataclass(frozen=True)
class Paper:
    """A kind of signed paper. `make` writes it, `steps` are done to it one after the other (see `scribe`).

    `anchor` tells the space for the person's signature. `official`: valid under the policies for official papers, too.
    """

    name: str
    make: Callable[[], bytes]
    steps: tuple[str, ...]
    anchor: Callable[[], Box] = lambda: ANCHOR

    @property
    def official(self) -> bool:
        """Whether a person and then a seal signed it."""
        return "person" in self.steps and "seal" in self.steps

    @property
    def signatures(self) -> int:
        """How many people and agencies signed."""
        return sum(step in SIGNERS for step in self.steps)

    @property
    def stamped(self) -> bool:
        """Whether it carries a document time-stamp."""
        return "stamp" in self.steps

    @property
    def archived(self) -> bool:
        """Whether it carries validation data (DSS)."""
        return "archive" in self.steps


SIGNERS = ("person", "hidden", "seal", "foreign", "certified", "colleague")


@cache
def _rendered() -> RenderedPaper:
    return render_pdf(LETTER)


def official() -> bytes:
    """The product's own letter: PDF/A-3, tagged, object streams and a cross-reference stream."""
    return _rendered().pdf


def _official_anchor() -> Box:
    return _rendered().signature_box


def table() -> bytes:
    """A page of text with a cross-reference table, by hand."""
    return minimal_pdf(TEXT)


def pages() -> bytes:
    """Three pages whose resources stand in the tree above them; lengths and widths are objects of their own."""
    lines = [TEXT, "Trang 2: 10 trieu dong.", "Trang 3: het."]
    streams = [f"BT /F1 14 Tf 72 760 Td ({line}) Tj ET" for line in lines]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(3))
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R /PageMode /UseNone >>",
        f"<< /Type /Pages /Kids [{kids}] /Count 3 /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> >>",
        A_FONT,
    ]
    for n, stream in enumerate(streams):
        bodies.append(f"<< /Type /Page /Parent 2 0 R /Contents {5 + 2 * n} 0 R >>")
        bodies.append(f"<< /Length {11 + n} 0 R >>\nstream\n{stream}\nendstream")
    return written([*bodies, f"[{'600 ' * 95}]", *(str(len(stream)) for stream in streams)])


def tagged() -> bytes:
    """A tagged page, with layers' absence, outline, metadata, labels and names, by hand."""
    stream = f"/P << /MCID 0 >> BDC BT /F1 14 Tf 72 760 Td ({TEXT}) Tj ET EMC"
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Cong van</dc:title>'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    return written(
        [
            "<< /Type /Catalog /Pages 2 0 R /MarkInfo << /Marked true >> /Lang (vi) /StructTreeRoot 6 0 R "
            "/Metadata 9 0 R /Outlines 11 0 R /PageLabels << /Nums [0 << /S /D >>] >> "
            "/Names << /Dests << /Names [(dau) [4 0 R /Fit]] >> >> >>",
            "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            A_FONT,
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /StructParents 0 "
            "/Resources << /Font << /F1 3 0 R >> /ExtGState << /G0 << /ca 1 >> >> >> >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
            "<< /Type /StructTreeRoot /K 7 0 R /ParentTree 8 0 R >>",
            "<< /Type /StructElem /S /P /P 6 0 R /Pg 4 0 R /K 0 /ActualText (10 trieu) >>",
            "<< /Nums [0 [7 0 R]] >>",
            f"<< /Type /Metadata /Subtype /XML /Length {len(xmp)} >>\nstream\n{xmp}\nendstream",
            f"[{'600 ' * 95}]",
            "<< /Type /Outlines /First 12 0 R /Last 12 0 R /Count 1 >>",
            "<< /Title (Cong van) /Parent 11 0 R /Dest [4 0 R /Fit] >>",
        ]
    )


def rotated() -> bytes:
    """A page that is shown turned by a quarter."""
    return minimal_pdf(TEXT, page="/MediaBox [0 0 842 595] /Rotate 90 /CropBox [10 10 832 585]")


def numbered() -> bytes:
    """A letter whose number and date are filled in between person and seal."""
    from tests.signing.forgeries import numbered_pdf

    return numbered_pdf("So: ....../UBND-VP. 10 trieu dong.")


def linked() -> bytes:
    """A page with an annotation of its own (a link) in an array of its own."""
    stream = f"BT /F1 14 Tf 72 760 Td ({TEXT}) Tj ET"
    return written(
        [
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            A_FONT,
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents [5 0 R] /Annots 6 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
            "[7 0 R]",
            "<< /Type /Annot /Subtype /Link /Rect [72 700 200 720] /Border [0 0 0] /F 4 /P 4 0 R "
            "/A << /S /URI /URI (https://example.vn/) >> >>",
            "<< >>",
            "<< >>",
            f"[{'600 ' * 95}]",
        ]
    )


def word() -> bytes:
    """A hybrid file in Word's way: a table, then an empty one that names a cross-reference stream beside it."""
    stream = f"BT /F1 14 Tf 72 760 Td ({TEXT}) Tj ET"
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R /Lang (vi-VN) /MarkInfo << /Marked true >> >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R "
        "/Resources << /Font << /F1 3 0 R >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Note (for newer readers) >>",
    ]
    out, places = bytearray(b"%PDF-1.7\n%\xb5\xb5\xb5\xb5\n"), []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    beside, hidden = len(out), places[5].to_bytes(4, "big")
    out += b"7 0 obj\n<< /Type /XRef /Size 8 /W [1 4 1] /Index [6 1] /Length 6 /Root 1 0 R >>\nstream\n"
    out += b"\x01" + hidden + b"\x00\nendstream\nendobj\n"
    first = len(out)
    lines = ["0000000000 65535 f ", *(f"{place:010d} 00000 n " for place in places[:5])]
    out += (
        "xref\n0 6\n" + "\n".join(lines) + f"\ntrailer\n<</Size 8/Root 1 0 R>>\nstartxref\n{first}\n%%EOF\n"
    ).encode()
    second = len(out)
    out += f"xref\n0 0\ntrailer\n<</Size 8/Root 1 0 R/Prev {first}/XRefStm {beside}>>\n".encode()
    return bytes(out) + f"startxref\n{second}\n%%EOF".encode()


def _qpdf(data: bytes, *options: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.pdf"), Path(folder, "after.pdf")
        before.write_bytes(data)
        subprocess.run(["qpdf", "--deterministic-id", *options, str(before), str(after)], check=True)
        return after.read_bytes()


@cache
def linearised() -> bytes:
    """As a web server's tools write it: the first page first (qpdf)."""
    return _qpdf(pages(), "--linearize", "--object-streams=disable")


@cache
def linearised_streams() -> bytes:
    """The same with object streams."""
    return _qpdf(tagged(), "--linearize", "--object-streams=generate")


@cache
def streams() -> bytes:
    """Object streams and a cross-reference stream, by another program than ours."""
    return _qpdf(tagged(), "--object-streams=generate")


OFFICIAL = ("person", "seal")
ARCHIVED = (*OFFICIAL, "stamp", "archive")

PAPERS = (
    Paper("official", official, OFFICIAL, _official_anchor),
    Paper("official-stamped", official, (*OFFICIAL, "stamp"), _official_anchor),
    Paper("official-archived", official, (*ARCHIVED, "stamp"), _official_anchor),
    Paper("table-one", table, ("person",)),
    Paper("table-two", table, OFFICIAL),
    Paper("table-stamped", table, (*OFFICIAL, "stamp")),
    Paper("table-archived", table, ARCHIVED),
    Paper("streams-one", streams, ("person",)),
    Paper("streams-two", streams, OFFICIAL),
    Paper("streams-archived", streams, (*ARCHIVED, "stamp")),
    Paper("linearised-two", linearised, OFFICIAL),
    Paper("linearised-streams-stamped", linearised_streams, (*OFFICIAL, "stamp")),
    Paper("word-two", word, OFFICIAL),
    Paper("tagged-two", tagged, OFFICIAL),
    Paper("pages-archived", pages, ARCHIVED),
    Paper("rotated-two", rotated, OFFICIAL),
    Paper("linked-two", linked, OFFICIAL),
    Paper("numbered-two", numbered, ("person", "number", "seal")),
    Paper("foreign-one", table, ("foreign",)),
    Paper("foreign-two", linked, ("foreign", "colleague")),
    Paper("foreign-stamped", pages, ("foreign", "stamp")),
    Paper("certified-one", table, ("certified",)),
    Paper("hidden-one", tagged, ("hidden",)),
)
BY_NAME = {paper.name: paper for paper in PAPERS}


def sign_as_others(
    data: bytes,
    key: KeyStore,
    name: str,
    *,
    certify: bool = False,
    box: tuple[int, int, int, int] = (300, 400, 480, 440),
) -> bytes:
    """A signature as other programs make it: `adbe.pkcs7.detached`, in a field that nobody has prepared."""
    meta = PdfSignatureMetadata(
        field_name=name,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
        certify=certify,
        docmdp_permissions=MDPPerm.FILL_FORMS,
    )
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=False)
    there = any(existing == name for existing, _, _ in enumerate_sig_fields(writer))
    field = None if there else SigFieldSpec(name, box=box)
    style = TextStampStyle(stamp_text="Ky boi %(signer)s", background=None)
    signer = PdfSigner(meta, StoreSigner(key), new_field_spec=field, stamp_style=style)
    out = BytesIO()
    asyncio.run(signer.async_sign_pdf(writer, output=out))
    return out.getvalue()


def signed_again(data: bytes, key: KeyStore, old: bytes, new: bytes) -> bytes:
    """The last signature of the file made once more, after these bytes (as many) were changed under it."""
    at = data.rindex(old)
    changed = data[:at] + new + data[at + len(old) :]
    first, second, length = (int(n) for n in re.findall(rb"/ByteRange \[0 (\d+) (\d+) (\d+)", changed)[-1])
    digest = sha256(changed[:first] + changed[second : second + length]).digest()
    token: bytes = asyncio.run(StoreSigner(key).async_sign(digest, "sha256")).dump().hex().encode()
    return changed[: first + 1] + token.ljust(second - first - 2, b"0") + changed[second - 1 :]
