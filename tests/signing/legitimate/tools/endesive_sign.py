"""Signs with endesive: IN OUT KEYS PASSWORD [visible]. For the Python that has endesive."""

# mypy: ignore-errors

import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import pkcs12
from endesive import pdf

source, out, keys, password, *more = sys.argv[1:]
key, certificate, others = pkcs12.load_key_and_certificates(Path(keys).read_bytes(), password.encode())
data = Path(source).read_bytes()
asked = {
    "aligned": 0,
    "sigflags": 3,
    "sigpage": 0,
    "sigfield": f"Signature{data.count(b'/ByteRange') + 1}",
    "sigandcertify": False,
    "contact": "binh@example.vn",
    "location": "Song Hong",
    "signingdate": "D:20261202090000+00'00'",
    "reason": "Thu nghiem",
}
if more:
    asked |= {"signaturebox": (100, 200, 250, 240), "signature": "Nguyen Thanh Binh", "auto_sigfield": False}
Path(out).write_bytes(data + pdf.cms.sign(data, asked, key, certificate, others, "sha256"))
