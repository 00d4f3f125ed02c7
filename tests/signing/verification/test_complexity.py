"""A few kilobytes that would cost minutes are said to be too complicated at once, and whatever is overlooked ends."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from kernel.config import Config
from kernel.errors import Invalid
from signing.pdf.complexity import MAX_LINES, TooComplicated, check_certificates
from signing.pdf.pades import sign_person, sign_seal
from signing.sandbox import runner
from signing.sandbox.limits import Limits
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import Value
from signing.verification.safe_verification import verdict_on
from tests.signing.conftest import Office
from tests.signing.papers import minimal_pdf, written
from tests.signing.sandbox import disasters

PAGES = [
    "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] >> >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
]


def table_stream(words: str, data: bytes) -> bytes:
    head = f"1 0 obj\n<< /Type /XRef {words} /Length {len(data)} /Filter /FlateDecode /Root 1 0 R >>\nstream\n"
    return b"%PDF-1.7\n" + head.encode() + data + b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n"


def with_fields(count: int) -> bytes:
    """Fields that share one signature."""
    value = (
        "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /ByteRange [0 1 2 3] /Contents <30> >>"
    )
    pages = [PAGES[0].replace("4 0 R", "4 0 R " * count), *PAGES[1:]]
    return written([*pages, "<< /FT /Sig /T (a) /V 5 0 R >>", value])


BOMBS: dict[str, Callable[[], bytes]] = {
    "a thousand million entries of no bytes": lambda: table_stream(
        "/Size 1000000000 /W [0 0 0] /Index [0 1000000000]", zlib.compress(b"")
    ),
    "a million entries in a kilobyte": lambda: table_stream(
        "/Size 1000000 /W [1 4 1]", zlib.compress(b"\1\0\0\0\x09\0" * 1_000_000, 9)
    ),
    "a table that says to be endless": lambda: (
        b"%PDF-1.4\nxref\n0 1000000000\n" + b"0000000000 65535 f \n" * 500
        + b"trailer\n<< /Size 9 /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"
    ),
    "a form with 2^40 ways down": disasters.field_bomb,
    "a form that turns back on itself": lambda: written([*PAGES, "<< /T (a) /Kids [4 0 R 4 0 R] >>"]),
    "three thousand fields with one signature": lambda: with_fields(3000),
}  # fmt: skip


@pytest.mark.parametrize("make", BOMBS.values(), ids=BOMBS.keys())
def test_a_small_file_that_would_cost_minutes_is_too_complicated_at_once(
    office: Office, make: Callable[[], bytes]
) -> None:
    data = make()
    assert len(data) < 50_000
    verdict = office.verify(data)
    assert verdict.has("TOO_COMPLICATED")
    assert verdict.value is Value.UNCLEAR


def test_one_signature_under_many_names_is_too_complicated(office: Office, signed: bytes) -> None:
    assert office.verify(with_many_signatures(signed)).has("TOO_COMPLICATED")


def with_many_signatures(signed: bytes) -> bytes:
    """One signature under 501 names."""
    writer = IncrementalPdfFileWriter(BytesIO(signed))
    form = writer.root["/AcroForm"]
    value = form["/Fields"][0].raw_get("/V")
    for number in range(500):
        field = {"/FT": generic.NameObject("/Sig"), "/T": generic.TextStringObject(f"x{number}"), "/V": value}
        form["/Fields"].append(writer.add_object(generic.DictionaryObject(field)))
    writer.update_container(form)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize("make", BOMBS.values(), ids=BOMBS.keys())
def test_what_is_too_complicated_is_refused_by_who_would_sign_it(office: Office, make: Callable[[], bytes]) -> None:
    for sign in (lambda data: sign_seal(data, office.seal), lambda data: sign_person(data, office.binh)):
        with pytest.raises(Invalid) as caught:
            sign(make())
        assert set(caught.value.fields) == {"file"}


def test_a_paper_that_cannot_be_judged_is_refused_before_it_is_sealed(office: Office, signed: bytes) -> None:
    """Its signatures are many, or it begins where readers look for none: the library would sign both."""
    for data in (with_many_signatures(signed), moved(signed, 1500)):
        with pytest.raises(Invalid) as caught:
            sign_seal(data, office.seal)
        assert set(caught.value.fields) == {"file"}


def moved(pdf: bytes, by: int) -> bytes:
    """The same file behind a comment, with the places in its tables moved along."""
    offset = re.compile(rb"(?<=[\r\n])(\d{10})(?= \d{5} n)")
    pdf = offset.sub(lambda found: b"%010d" % (int(found[1]) + by), pdf)
    last = re.compile(rb"((?:startxref\s+|/Prev )(\d+))")
    pdf = last.sub(lambda found: found[1].replace(found[2], b"%d" % (int(found[2]) + by)), pdf)
    return b"%" + b" " * (by - 2) + b"\n" + pdf


def certificates(levels: int, *, each: int) -> list[asn1.Certificate]:
    """So many of the same name on each level, all of them issued by the name of the next."""
    key, made = ec.generate_private_key(ec.SECP256R1()), []
    for level in range(levels):
        for number in range(each):
            builder = x509.CertificateBuilder().subject_name(named(level)).issuer_name(named(level + 1))
            builder = builder.public_key(key.public_key()).serial_number(1 + level * each + number)
            builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            signed = builder.not_valid_after(datetime(2046, 1, 1, tzinfo=UTC)).sign(key, hashes.SHA256())
            made.append(asn1.Certificate.load(signed.public_bytes(Encoding.DER)))
    return made


def named(level: int) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Cấp {level}")])


def test_certificates_that_lead_up_in_too_many_ways_are_counted_not_tried() -> None:
    first, *others = certificates(20, each=2)
    with pytest.raises(TooComplicated):
        check_certificates(first, others)
    first, *others = certificates(120, each=1)
    with pytest.raises(TooComplicated):
        check_certificates(first, others)


def test_the_certificates_of_real_papers_are_few() -> None:
    first, *others = certificates(6, each=1)
    check_certificates(first, [*others, *others, first])
    assert MAX_LINES > 6


def test_what_is_overlooked_ends_within_the_seconds_of_a_judgement(
    office: Office, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Limits.of(config).verification_seconds == 10
    monkeypatch.setattr(runner, "_limits", [Limits(verification_seconds=0)])
    verdict = verdict_on(minimal_pdf("x"), office.trust, policy_for(DocumentKind.PUBLIC))
    assert verdict.has("JUDGING_TOO_LONG")
    assert "quá phức tạp" in verdict.summary.vi


def test_a_long_paper_is_judged(office: Office) -> None:
    pages = " ".join(f"{3 + n} 0 R" for n in range(300))
    bodies = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{pages}] /Count 300 >>"]
    bodies += ["<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"] * 300
    verdict = office.verify(sign_person(written(bodies), office.binh), DocumentKind.PERSON_ONLY)
    assert verdict.value is Value.VALID
