"""Other programs that sign PDFs, run with the keys of the test authority: pyHanko, openssl and poppler."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, SigFieldSpec, SigSeedSubFilter, append_signature_field
from pyhanko.sign.signers import SimpleSigner
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner, PdfTimeStamper
from pyhanko.stamp import TextStampStyle
from pyhanko_certvalidator import ValidationContext

from signing.pdf.timestamps import LocalTimeStamps
from signing.testca.authority import TestAuthority
from tests.signing.placeholders import openssl_signed


@dataclass
class Programs:
    """Programs that sign as Bình, the person, or with the city's seal. Every file of theirs lies in `folder`."""

    authority: TestAuthority
    folder: Path

    def openssl(self, pdf: bytes, who: str, *options: str, subfilter: str = "adbe.pkcs7.detached") -> bytes:
        """`openssl cms -sign`, in a field written by hand."""
        return openssl_signed(pdf, f"Ky-{who}", self.pem_of(who), self.folder, *options, subfilter=subfilter)

    def poppler(self, pdf: bytes, who: str, *options: str) -> bytes:
        """`pdfsig`, in a field of its own unless `options` name one (-sign FIELD)."""
        (self.folder / "in.pdf").write_bytes(pdf)
        options = options or ("-add-signature",)
        self.run("pdfsig", *options, "-nssdir", str(self.nss), "-nick", who, "in.pdf", "out.pdf")
        return (self.folder / "out.pdf").read_bytes()

    def pyhanko_command(self, pdf: bytes, who: str, *options: str) -> bytes:
        """pyHanko's command line."""
        (self.folder / "in.pdf").write_bytes(pdf)
        (self.folder / "pass").write_bytes(self.authority.passphrase)
        keys = ("pkcs12", "--passfile", "pass", "in.pdf", "out.pdf", str(self.path_of(who)))
        self.run(str(Path(sys.executable).with_name("pyhanko")), "sign", "addsig", *options, *keys)
        return (self.folder / "out.pdf").read_bytes()

    def pyhanko(self, pdf: bytes, who: str, field: str, *, stamped: bool = False, **asked: Any) -> bytes:
        """pyHanko as a library: `asked` goes into its metadata; `box` makes the signature visible."""
        place, box = asked.pop("page", 0), asked.pop("box", None)
        signer = SimpleSigner.load_pkcs12(self.path_of(who), passphrase=self.authority.passphrase)
        asked = {"subfilter": SigSeedSubFilter.PADES, "md_algorithm": "sha256", **asked}
        if asked.get("embed_validation_info") or asked.get("use_pades_lta"):
            asked["validation_context"] = self.context
        stamps = self.time_stamps if stamped or asked.get("use_pades_lta") else None
        spec = SigFieldSpec(field, on_page=place, box=box) if box else None
        style = TextStampStyle(stamp_text="%(signer)s\n%(ts)s") if box else None
        made = PdfSigner(
            PdfSignatureMetadata(field_name=field, **asked),
            signer,
            timestamper=stamps,
            stamp_style=style,
            new_field_spec=spec,
        )
        return bytes(made.sign_pdf(self.writer(pdf)).getvalue())

    def pyhanko_stamped(self, pdf: bytes) -> bytes:
        """A document time-stamp by pyHanko, with what it rests on."""
        made = PdfTimeStamper(self.time_stamps)
        return bytes(made.timestamp_pdf(self.writer(pdf), "sha256", validation_context=self.context).getvalue())

    def prepared(self, pdf: bytes, *fields: str, lock: bool = False, visible: bool = True) -> bytes:
        """The file with empty fields, made by pyHanko; `lock` makes the last signature lock the first's field."""
        writer = self.writer(pdf)
        for number, name in enumerate(fields):
            locks = FieldMDPSpec(FieldMDPAction.INCLUDE, [fields[0]]) if lock and number else None
            box = (60 + 200 * number, 100, 240 + 200 * number, 160) if visible else None
            append_signature_field(writer, SigFieldSpec(name, box=box, field_mdp_spec=locks))
        out = BytesIO()
        writer.write(out)
        return out.getvalue()

    @property
    def time_stamps(self) -> LocalTimeStamps:
        return LocalTimeStamps(self.authority.time_stamp_key())

    @property
    def context(self) -> ValidationContext:
        return ValidationContext(
            trust_roots=[x509.Certificate.load(self.authority.root_certificate)],
            other_certs=[x509.Certificate.load(self.authority.issuing_certificate)],
            crls=self.authority.crls(),
            allow_fetching=False,
            revocation_mode="hard-fail",
        )

    def writer(self, pdf: bytes) -> IncrementalPdfFileWriter:
        """For one more update, also of Word's files."""
        strict = b"/XRefStm" not in pdf
        return IncrementalPdfFileWriter(BytesIO(pdf), strict=strict)

    def run(self, *words: str) -> None:
        """One command in the folder; AssertionError with what it said when it fails."""
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def path_of(self, who: str) -> Path:
        """The PKCS#12 file of Bình or of the city's seal."""
        return self.authority.seal_path("city") if who == "city" else self.authority.person_path(who)

    def pem_of(self, who: str) -> Path:
        """Key and certificate as openssl reads them."""
        path = self.folder / f"{who}.pem"
        if not path.exists():
            loaded = pkcs12.load_pkcs12(self.path_of(who).read_bytes(), self.authority.passphrase)
            assert loaded.key is not None
            assert loaded.cert is not None
            key = loaded.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            path.touch(mode=0o600)
            path.write_bytes(key + loaded.cert.certificate.public_bytes(Encoding.PEM))
        return path

    @cached_property
    def nss(self) -> Path:
        """A database of NSS with the keys and the root, for poppler."""
        folder = self.folder / "nss"
        folder.mkdir()
        self.run("certutil", "-N", "-d", f"sql:{folder}", "--empty-password")
        for who in ("binh", "thu", "city"):
            (self.folder / "keys").touch(mode=0o600)
            (self.folder / "keys").write_bytes(self.path_of(who).read_bytes())
            password = self.authority.passphrase.decode()
            self.run("pk12util", "-i", "keys", "-d", f"sql:{folder}", "-W", password)
        (self.folder / "root.der").write_bytes(self.authority.root_certificate)
        self.run("certutil", "-A", "-d", f"sql:{folder}", "-n", "root", "-t", "CT,CT,CT", "-i", "root.der")
        return folder
