"""A signed letter for the benches, and the test authority that its certificates come from."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from pypdf import PdfWriter

from docex.official.paper import Paper
from docex.official.rendering import render_pdf
from signing.keys.keystore import FileKeyStore
from signing.pdf.pades import sign_person, sign_seal
from signing.pdf.stamps import Box
from signing.testca.authority import TestPerson, TestSeal, make_test_authority
from signing.testca.specimens import handwriting, seal
from signing.trust.trust_store import Trust, TrustStore

AGENCY = "Sở Tài chính"
PERSON = "Đặng Anh Dũng"
ANCHOR = Box(page=0, x=320, y=180, width=180, height=75)


@dataclass(frozen=True)
class Signing:
    """Keys of a person and of their agency, the pictures that show on the page, and who is trusted."""

    folder: Path
    person: FileKeyStore
    seal: FileKeyStore
    trust: Trust
    image: bytes
    stamp: bytes

    @classmethod
    def begin(cls, folder: Path) -> Signing:
        """Make the authority and the keys in this folder, or open those that are there."""
        person, agency = TestPerson("dung", PERSON, AGENCY, "Giám đốc"), TestSeal("finance", AGENCY)
        store = TrustStore(folder / "trust", allow_test=True)
        authority = make_test_authority(folder / "pki", [person], [agency], trust=store)
        return cls(
            folder,
            authority.issue_person(person),
            authority.issue_seal(agency),
            store.trust(),
            handwriting(PERSON),
            seal(AGENCY),
        )

    def sign(self, pdf: bytes) -> bytes:
        """B-B with the picture of the handwriting."""
        return sign_person(pdf, self.person, anchor=ANCHOR, image=self.image)

    def sealed(self, pdf: bytes) -> bytes:
        """Signed and sealed."""
        return sign_seal(self.sign(pdf), self.seal, image=self.stamp)


def letter() -> bytes:
    """An official letter of one page, as the service draws it."""
    paper = Paper(
        kind="letter",
        agency=AGENCY,
        notation="STC-VP",
        place="Thành phố Mẫu",
        subject="Báo cáo tiến độ giải ngân",
        body="Thực hiện kế hoạch năm 2026, Sở Tài chính báo cáo tiến độ.\nTrân trọng.",
        signer=PERSON,
        position="Giám đốc",
    )
    return render_pdf(paper).pdf


def enlarged(pdf: bytes, attached: bytes) -> bytes:
    """The same letter with a file embedded that cannot be packed any further."""
    writer = PdfWriter(clone_from=io.BytesIO(pdf))
    writer.add_attachment("so-lieu.bin", attached)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
