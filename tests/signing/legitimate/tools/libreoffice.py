"""Exports and signs with a running LibreOffice: FOLDER PERSON SEAL TIME-STAMPS. For the Python that has `uno`."""

# mypy: ignore-errors

import shutil
import sys
import time
from pathlib import Path

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException

folder, person, seal, time_stamps = Path(sys.argv[1]), *sys.argv[2:]


def connected():
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(100):
        try:
            return resolver.resolve("uno:pipe,name=legitimate;urp;StarOffice.ComponentContext")
        except NoConnectException:
            time.sleep(0.3)
    raise SystemExit("no LibreOffice answers")


def named(**values):
    made = []
    for name, value in values.items():
        one = PropertyValue()
        one.Name, one.Value = name, value
        made.append(one)
    return tuple(made)


context = connected()


def service(name):
    return context.ServiceManager.createInstanceWithContext(name, context)


environment = service("com.sun.star.xml.crypto.SEInitializer").createSecurityContext("").getSecurityEnvironment()
keys = environment.getPersonalCertificates()
by_name = {name: next(one for one in keys if name in one.SubjectName) for name in (person, seal)}
desktop = service("com.sun.star.frame.Desktop")
letter = desktop.loadComponentFromURL("private:factory/swriter", "_blank", 0, named(Hidden=True))
letter.Text.String = "Số: 15/UBND-VP\nVề việc họp giao ban tháng 3"


def export(name, **how):
    data = uno.Any("[]com.sun.star.beans.PropertyValue", named(**how))
    letter.storeToURL(f"file://{folder / name}", named(FilterName="writer_pdf_Export", FilterData=data))


def sign_again(source, target):
    shutil.copy(folder / source, folder / target)
    stream = service("com.sun.star.ucb.SimpleFileAccess").openFileReadWrite(f"file://{folder / target}")
    if not service("com.sun.star.security.DocumentDigitalSignatures").signDocumentWithCertificate(
        by_name[seal], None, stream
    ):
        raise SystemExit(f"LibreOffice does not sign {source}")
    stream.getOutputStream().flush()
    stream.getOutputStream().closeOutput()


signs = {"SignPDF": True, "SignatureCertificate": by_name[person], "SignatureReason": "Thu nghiem"}
export("base-libreoffice.pdf")
for name, version in (("1.7", 0), ("a-2b", 2), ("a-3b", 3)):
    export(f"libreoffice-{name}.pdf", SelectPdfVersion=version, **signs)
export("libreoffice-time-stamp.pdf", SignatureTSA=time_stamps, **signs)
sign_again("libreoffice-1.7.pdf", "libreoffice-1.7-sealed.pdf")
sign_again("libreoffice-a-2b.pdf", "libreoffice-a-2b-sealed.pdf")
sign_again("itext-cms.pdf", "libreoffice-after-itext.pdf")
letter.close(True)
desktop.terminate()
