"""Makes the files of this folder with programs that are too large for every test run; README.md says what it needs.

    python -m tests.signing.legitimate.make WORK

WORK gets the keys of an authority made for this once, the files on the way, and nothing that has to be kept.
"""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from cryptography.x509.oid import NameOID

from signing.testca.authority import TestAuthority, TestPerson, TestSeal
from signing.testca.certificates import Pair, ca_builder, new_key, sign_certificate, subject_named
from signing.testca.services import TestServices, served
from signing.testca.specimens import handwriting, seal
from tests.signing.papers import hybrid_pdf, minimal_pdf

HERE = Path(__file__).parent
AGENCY = "Văn phòng Ủy ban nhân dân thành phố Sông Hồng"
JARS = ("pdfbox2", "fontbox2", "commons-logging", "bcprov", "bcpkix", "bcutil", "itext5")


KEPT = ("base-", "pdfbox-", "itext-", "node-signpdf-", "endesive-", "libreoffice-")


class PlainlyNamed(TestAuthority):
    """An authority whose issuing certificate has a name of plain letters: node-signpdf garbles others."""

    def _issuing_authority(self) -> Pair:
        path = self.folder / "authority" / "issuing.p12"
        if not path.exists():
            key, subject = new_key(), subject_named("Issuing CA", [(NameOID.ORGANIZATION_NAME, "Lien Thong")])
            plain = type(subject)([one for one in subject if one.oid != NameOID.ORGANIZATIONAL_UNIT_NAME])
            builder = ca_builder(plain, self._root.certificate.subject, key, path_length=0)
            self._write_pair(path, Pair(key, sign_certificate(builder, key, self._root)), chain=False)
        return self._read_pair(path)


class Maker:
    """One run, in the folder `work`."""

    def __init__(self, work: Path, authority: TestAuthority, services: TestServices) -> None:
        self.work, self.authority, self.services = work, authority, services
        authority.issue_person(TestPerson("binh", "Nguyễn Thanh Bình", AGENCY, "Chánh Văn phòng", "binh@example.vn"))
        authority.issue_seal(TestSeal("city", AGENCY))
        self.person, self.seal = authority.person_path("binh"), authority.seal_path("city")
        self.password = authority.passphrase.decode()

    def run(self, *words: object, env: dict[str, str] | None = None) -> None:
        """One command in the work folder."""
        subprocess.run([str(word) for word in words], cwd=self.work, check=True, env=env)

    def certificates(self) -> None:
        """What a judge has to know, and when the files were made."""
        for name, data in (("root", self.authority.root_certificate), ("issuing", self.authority.issuing_certificate)):
            (self.work / f"{name}.der").write_bytes(data)
            pem = load_der_x509_certificate(data).public_bytes(Encoding.PEM)
            (self.work / f"{name}.pem").write_bytes(pem)
        for name, data in zip(("root", "issuing"), self.authority.crls(), strict=True):
            (self.work / f"{name}.crl").write_bytes(data)
        (self.work / "made").write_text(datetime.now(UTC).isoformat(timespec="seconds") + "\n")
        (self.work / "hand.png").write_bytes(handwriting("Nguyễn Thanh Bình"))
        (self.work / "seal.png").write_bytes(seal(AGENCY))

    def bases(self) -> None:
        """Unsigned papers of several programs."""
        (self.work / "minimal.pdf").write_bytes(minimal_pdf("So: 15/UBND-VP"))
        (self.work / "hybrid.pdf").write_bytes(hybrid_pdf("So: 15/UBND-VP"))
        self.run("qpdf", "--object-streams=generate", "minimal.pdf", "base-object-streams.pdf")
        self.run("qpdf", "--linearize", "minimal.pdf", "base-linearised.pdf")
        self.run("gs", "-q", "-sDEVICE=pdfwrite", "-o", "base-ghostscript.pdf", "minimal.pdf")
        self.run("node", "node-signpdf.cjs", "base", "base-pdf-lib.pdf")

    def pdfbox(self) -> None:
        """Apache PDFBox, in the way of its examples."""

        def sign(source: str, out: str, keys: Path, *more: object) -> None:
            self.java("PdfBoxSign", source, out, keys, self.password, *more)

        cms, cades = "adbe.pkcs7.detached", "ETSI.CAdES.detached"
        for base in ("minimal", "base-object-streams", "hybrid", "base-linearised"):
            name = f"pdfbox-{base.removeprefix('base-')}"
            sign(f"{base}.pdf", f"{name}.pdf", self.person, cms)
            sign(f"{name}.pdf", f"{name}-sealed.pdf", self.seal, cms)
        sign("minimal.pdf", "pdfbox-visible.pdf", self.person, cms, "visible", "hand.png")
        sign("pdfbox-visible.pdf", "pdfbox-visible-sealed.pdf", self.seal, cms, "visible", "seal.png")
        sign("minimal.pdf", "pdfbox-certified.pdf", self.person, cms, "certify", 2)
        sign("pdfbox-certified.pdf", "pdfbox-certified-sealed.pdf", self.seal, cms)
        sign("minimal.pdf", "pdfbox-no-further-changes.pdf", self.person, cms, "certify", 1)
        sign("minimal.pdf", "pdfbox-pades-without-attribute.pdf", self.person, cades)

    def itext(self) -> None:
        """iText 5, which most signing programs here are built on: levels B-B to B-LTA."""

        def sign(source: str, out: str, keys: Path, *more: object) -> None:
            self.java("ITextSign", source, out, keys, self.password, *more)

        tsa = self.services.tsa_url
        for base in ("minimal", "base-object-streams", "hybrid", "base-linearised"):
            name = f"itext-{base.removeprefix('base-')}"
            sign(f"{base}.pdf", f"{name}.pdf", self.person, "KyTen", "cades")
            sign(f"{name}.pdf", f"{name}-sealed.pdf", self.seal, "Dau", "cades", "tsa", tsa)
            proofs = ("root.crl", "issuing.crl", "issuing.der", "root.der")
            self.java("ITextSign", "ltv", f"{name}-sealed.pdf", f"{name}-lt.pdf", *proofs)
            self.java("ITextSign", "stamp", f"{name}-lt.pdf", f"{name}-lta.pdf", tsa)
        sign("minimal.pdf", "itext-cms.pdf", self.person, "KyTen", "cms")
        sign("minimal.pdf", "itext-visible.pdf", self.person, "KyTen", "cades", "visible", "hand.png")
        sign("itext-visible.pdf", "itext-visible-sealed.pdf", self.seal, "Dau", "cades", "text")
        sign("minimal.pdf", "itext-certified.pdf", self.person, "KyTen", "cades", "certify", 2)
        sign("itext-certified.pdf", "itext-certified-sealed.pdf", self.seal, "Dau", "cades")
        self.java("ITextSign", "field", "minimal.pdf", "prepared.pdf", "KyTen", "Dau")
        sign("prepared.pdf", "itext-prepared.pdf", self.person, "KyTen", "cades")
        sign("itext-prepared.pdf", "itext-prepared-sealed.pdf", self.seal, "Dau", "cades")

    def java(self, *words: object) -> None:
        """One of our two programs for Java libraries."""
        jars = ":".join(f"/usr/share/java/{jar}.jar" for jar in JARS)
        self.run("java", "-cp", f"{self.work}:{jars}", *words)

    def node(self) -> None:
        """node-signpdf."""
        cms, cades = "adbe.pkcs7.detached", "ETSI.CAdES.detached"
        for base in ("minimal", "base-pdf-lib"):
            name = f"node-signpdf-{base.removeprefix('base-')}"
            self.run("node", "node-signpdf.cjs", f"{base}.pdf", f"{name}.pdf", self.person, self.password, cms, "plain")
            sealed = (f"{name}.pdf", f"{name}-sealed.pdf", self.seal, self.password, cms, "plain")
            self.run("node", "node-signpdf.cjs", *sealed)
        saved = ("minimal.pdf", "node-signpdf-saved-by-pdf-lib.pdf", self.person, self.password, cms, "pdf-lib")
        self.run("node", "node-signpdf.cjs", *saved)
        loose = ("minimal.pdf", "node-signpdf-pades-without-attribute.pdf", self.person, self.password, cades, "plain")
        self.run("node", "node-signpdf.cjs", *loose)

    def endesive(self) -> None:
        """endesive, in an environment of its own."""
        if not (self.work / "endesive").exists():
            self.run(sys.executable, "-m", "venv", "endesive")
            self.run("endesive/bin/pip", "install", "-q", "endesive<3")
            # oscrypto 1.3.0, which it needs, does not know an OpenSSL whose version has two digits at its end.
            for library in (self.work / "endesive").glob("lib/*/site-packages/oscrypto/_openssl/*_c*.py"):
                library.write_text(library.read_text().replace(r"\\d\\.\\d\\.\\d[a-z]*", r"\\d+\\.\\d+\\.\\d+[a-z]*"))
        for base in ("minimal", "base-object-streams"):
            name = f"endesive-{base.removeprefix('base-')}"
            script = ("endesive/bin/python", "endesive_sign.py")
            self.run(*script, f"{base}.pdf", f"{name}.pdf", self.person, self.password)
            self.run(*script, f"{name}.pdf", f"{name}-sealed.pdf", self.seal, self.password)
        self.run(*script, "minimal.pdf", "endesive-visible.pdf", self.person, self.password, "visible")

    def libreoffice(self) -> None:
        """LibreOffice, which takes its keys from a database of NSS."""
        nss = self.work / "nss"
        nss.mkdir(exist_ok=True)
        self.run("certutil", "-N", "-d", f"sql:{nss}", "--empty-password")
        for keys in (self.person, self.seal):
            self.run("pk12util", "-i", keys, "-d", f"sql:{nss}", "-W", self.password)
        self.run("certutil", "-A", "-d", f"sql:{nss}", "-n", "root", "-t", "CT,CT,CT", "-i", "root.der")
        env = {**os.environ, "MOZILLA_CERTIFICATE_FOLDER": f"sql:{nss}", "HOME": str(self.work)}
        office = [
            "soffice",
            "--headless",
            "--norestore",
            "--nologo",
            f"-env:UserInstallation=file://{self.work}/office",
        ]
        with subprocess.Popen([*office, "--accept=pipe,name=legitimate;urp;"], env=env):
            names = ("Nguyễn Thanh Bình", "Sông Hồng", self.services.tsa_url)
            self.run("/usr/bin/python3", "libreoffice.py", self.work, *names, env=env)


def main(work: Path) -> None:
    """Make all, and copy what is kept here."""
    work.mkdir(parents=True, exist_ok=True)
    for tool in (HERE / "tools").iterdir():
        shutil.copy(tool, work)
    authority = PlainlyNamed(work / "pki")
    with served(authority) as services:
        maker = Maker(work, authority, services)
        maker.certificates()
        modules = ("signpdf", "placeholder-plain", "placeholder-pdf-lib", "signer-p12")
        maker.run("npm", "install", "--silent", *(f"@signpdf/{name}" for name in modules), "pdf-lib")
        jars = ":".join(f"/usr/share/java/{jar}.jar" for jar in JARS)
        maker.run("javac", "-cp", jars, "-d", work, "PdfBoxSign.java", "ITextSign.java")
        maker.bases()
        for step in (maker.pdfbox, maker.itext, maker.node, maker.endesive, maker.libreoffice):
            step()
    keep(work)


def keep(work: Path) -> None:
    """Copy what the tests read. A file with which another one begins is left out: its revisions are in the other."""
    papers = {path: path.read_bytes() for path in sorted(work.glob("*.pdf")) if path.name.startswith(KEPT)}
    for path, data in papers.items():
        begun = any(other.startswith(data) and other != data for other in papers.values())
        if path.name.startswith("base-") or not begun:
            shutil.copy(path, HERE)
    for name in ("root.pem", "issuing.pem", "root.crl", "issuing.crl", "made"):
        shutil.copy(work / name, HERE)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
