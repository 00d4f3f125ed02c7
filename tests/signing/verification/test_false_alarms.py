"""What honest programs write and was taken for damage once, each by itself; and what stays damage."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from signing.pdf.pades import add_timestamp, sign_person, sign_seal
from signing.pdf.signed_file import embedded_signatures, integrity_of, trailing_bytes
from signing.pdf.timestamps import LocalTimeStamps
from signing.trust.trust_store import Trust
from signing.updates.review import review
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import TimeSource, Value
from signing.verification.file_verification import verify
from signing.verification.long_term import look_into
from tests.signing import attacks
from tests.signing.conftest import Office
from tests.signing.papers import minimal_pdf, written
from tests.signing.placeholders import with_placeholder
from tests.signing.programs import Programs

pytestmark = pytest.mark.long_proof

KEPT = Path(__file__).parent.parent / "legitimate"


def with_dangling(where: str) -> bytes:
    """A paper in which something refers to object 77, which does not exist."""
    more = {"resources": "/XObject << /Im1 77 0 R >>", "page": "/Metadata 77 0 R", "thumb": "/Thumb 77 0 R"}
    inside, beside = (more["resources"], "") if where == "resources" else ("", more.get(where, ""))
    outlines = "/Outlines 77 0 R" if where == "catalogue" else ""
    text = "BT /F1 14 Tf 72 760 Td (So: 15/UBND-VP) Tj ET"
    bodies = [
        f"<< /Type /Catalog /Pages 2 0 R {outlines} >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R {beside} "
        f"/Resources << /Font << /F1 3 0 R >> {inside} >> >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
    ]
    return written(bodies)


DANGLING = ("catalogue", "resources", "page", "thumb")


@pytest.mark.parametrize("where", DANGLING)
def test_a_reference_to_nothing_is_null_and_no_error(office: Office, where: str) -> None:
    sealed = sign_seal(sign_person(with_dangling(where), office.binh), office.seal)
    verdict = office.verify(sealed)
    assert verdict.value is Value.VALID, verdict.summary.vi


@pytest.mark.parametrize("where", DANGLING)
def test_what_referred_to_nothing_is_not_given_something_later(office: Office, where: str) -> None:
    sealed = sign_seal(sign_person(with_dangling(where), office.binh), office.seal)
    previous = re.findall(rb"startxref\s+(\d+)", sealed)[-1]
    body = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 0 >>\nstream\n\nendstream"
    place = len(sealed)
    added = b"77 0 obj\n" + body + b"\nendobj\n"
    table = b"xref\n77 1\n%010d 00000 n \ntrailer\n<< /Size 78 /Root 1 0 R /Prev %s >>\n" % (place, previous)
    later = sealed + added + table + b"startxref\n%d\n%%%%EOF\n" % (place + len(added))
    assert office.verify(later).value is Value.INVALID


def test_a_dss_update_with_a_cross_reference_stream_leaves_no_bytes_over(office: Office) -> None:
    base = (KEPT / "base-object-streams.pdf").read_bytes()
    sealed = sign_seal(sign_person(base, office.binh), office.seal)
    stamped = add_timestamp(sealed, LocalTimeStamps(office.authority.time_stamp_key()))
    proven = stamped + look_into(stamped, office.trust).added
    assert len(proven) > len(stamped)
    assert b"xref\n" not in proven.replace(b"startxref\n", b"")
    assert trailing_bytes(embedded_signatures(proven)) == 0
    assert office.verify(proven).value is Value.VALID
    payload = b"PK\x03\x04 and more"
    assert trailing_bytes(embedded_signatures(proven + payload)) == len(payload)
    assert office.verify(proven + payload).has(Code.TRAILING_BYTES)


@pytest.mark.parametrize("base", ["minimal", "object-streams"])
@pytest.mark.parametrize(
    "comment", [b"%iText-5.5.13.3\n", b"% " + b"PK\x03\x04" * 500 + b"\n"], ids=["name", "payload"]
)
def test_a_comment_before_startxref_may_name_a_program_and_no_more(office: Office, base: str, comment: bytes) -> None:
    pdf = minimal_pdf("So: 15/UBND-VP") if base == "minimal" else (KEPT / f"base-{base}.pdf").read_bytes()
    stamped = add_timestamp(
        sign_seal(sign_person(pdf, office.binh), office.seal), LocalTimeStamps(office.authority.time_stamp_key())
    )
    proven = stamped + look_into(stamped, office.trust).added
    place = proven.rindex(b"startxref")
    left = trailing_bytes(embedded_signatures(proven[:place] + comment + proven[place:]))
    assert left == (0 if comment.startswith(b"%iText") else len(comment.strip()))


def test_something_between_trailer_and_startxref_is_left_over(office: Office, letter: bytes) -> None:
    stamped = add_timestamp(
        sign_seal(sign_person(letter, office.binh), office.seal), LocalTimeStamps(office.authority.time_stamp_key())
    )
    proven = stamped + look_into(stamped, office.trust).added
    place = proven.rindex(b"startxref")
    hidden = proven[:place] + b"<script>alert(1)</script>\n" + proven[place:]
    assert office.verify(hidden).has(Code.TRAILING_BYTES)


def test_a_token_without_its_certificate_is_unclear_and_not_damaged(office: Office, programs: Programs) -> None:
    signed = programs.openssl(minimal_pdf("So: 15/UBND-VP"), "binh", "-nocerts")
    for kind in DocumentKind:
        verdict = office.verify(signed, kind, agency="")
        assert verdict.has(Code.NO_CERTIFICATE)
        assert not verdict.has(Code.SIGNATURE_UNREADABLE)
    assert office.verify(signed, DocumentKind.FOREIGN, agency="").value is Value.UNCLEAR
    assert office.verify(signed, DocumentKind.PUBLIC, agency="").value is Value.UNCLEAR


def test_content_that_was_changed_is_found_without_a_certificate_too(office: Office, programs: Programs) -> None:
    signed = programs.openssl(minimal_pdf("So: 15/UBND-VP"), "binh", "-nocerts")
    verdict = office.verify(attacks.flip_a_letter(signed), DocumentKind.FOREIGN, agency="")
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.CONTENT_CHANGED)


@pytest.mark.parametrize("token", [b"", b"\x30\x03\x02\x01\x01", b"\x30\x80garbage"], ids=["empty", "number", "noise"])
def test_no_token_at_all_is_damaged(office: Office, letter: bytes, token: bytes) -> None:
    ruined = with_placeholder(letter, "Ky").filled(token)
    assert office.verify(ruined, DocumentKind.FOREIGN).has(Code.SIGNATURE_UNREADABLE)


def test_two_signers_in_one_token_are_damage_and_no_missing_certificate(
    office: Office, programs: Programs, letter: bytes
) -> None:
    signed = programs.openssl(letter, "binh", "-signer", str(programs.pem_of("thu")))
    verdict = office.verify(signed, DocumentKind.FOREIGN, agency="")
    assert verdict.has(Code.SIGNATURE_UNREADABLE)


def test_a_number_that_begins_with_a_later_generation_is_well_formed(office: Office, programs: Programs) -> None:
    """poppler writes new objects so; ISO 32000-1, 7.5.4 says nothing against it."""
    signed = programs.poppler(minimal_pdf("So: 15/UBND-VP"), "binh")
    assert re.search(rb"\n\d{10} 00001 n", signed)
    verdict = office.verify(signed, DocumentKind.FOREIGN)
    assert not verdict.has(Code.LENIENT_READING)
    assert verdict.value is Value.VALID


@pytest.mark.parametrize("number", [5, 77])
@pytest.mark.parametrize("generation", [1, 2, 65535])
def test_another_generation_of_what_is_referred_to_is_never_valid(office: Office, number: int, generation: int) -> None:
    """Many readers do not look at the generation and show the new object: 5 is the text, 77 was nothing so far."""
    sealed = sign_seal(sign_person(with_dangling("resources"), office.binh), office.seal)
    previous = re.findall(rb"startxref\s+(\d+)", sealed)[-1]
    added = b"%d %d obj\n<< /Length 0 >>\nstream\n\nendstream\nendobj\n" % (number, generation)
    table = b"xref\n%d 1\n%010d %05d n \n" % (number, len(sealed), generation)
    table += b"trailer\n<< /Size 99 /Root 1 0 R /Prev %s >>\n" % previous
    later = sealed + added + table + b"startxref\n%d\n%%%%EOF\n" % (len(sealed) + len(added))
    for kind in DocumentKind:
        assert office.verify(later, kind).value is not Value.VALID


NEW = b"11 1 obj\r\n<</Length 0 /Subtype /Form /BBox [0 0 180 60 ] >> stream\r\n\r\nendstream\r\n\r\nendobj"
DRAWN = NEW.replace(b"Length 0", b"Length 1").replace(b"\r\n\r\nendstream\r\n\r\n", b"\r\nq\r\nendstream\r\n\n")
OLD = b"/Type /XObject\n/Subtype /Form\n/Length 0\n>>\nstream\n\n"
GIVEN_AWAY = {
    "as poppler writes it": (NEW, NEW),
    "and the field still shows it": (b"/N 14 0 R", b"/N 11 1 R"),
    "and the field shows what was there before": (b"/N 14 0 R", b"/N 11 0 R"),
    "and it draws something": (NEW, DRAWN),
    "and it is no picture": (NEW, NEW.replace(b"/Form", b"/Fonn")),
    "and it drew something": (OLD, OLD.replace(b"e /X", b"e/X").replace(b"h 0", b"h 1").replace(b"\n\n", b"\nq\n")),
}  # fmt: skip


@pytest.mark.parametrize("way", GIVEN_AWAY)
def test_the_number_of_a_picture_of_nothing_goes_to_nothing_else(programs: Programs, way: str) -> None:
    """poppler fills a prepared field and gives the number of its empty picture to another empty picture, to which
    nothing refers. Both judges, by themselves, allow this and nothing more."""
    prepared = programs.prepared(minimal_pdf("So: 15/UBND-VP"), "KyTen", "Dau", visible=True)
    first = programs.poppler(prepared, "binh", "-sign", "KyTen")
    both = programs.poppler(first, "city", "-sign", "Dau")
    old, new = GIVEN_AWAY[way]
    place = both.rindex(old)
    changed = both[:place] + new + both[place + len(old) :]
    assert len(changed) == len(both)
    harmless = way == "as poppler writes it"
    assert (changed == both) is harmless
    problems = [update.problem for update in review(changed, len(first), frozenset()).updates]
    assert (problems == [""]) is harmless, problems
    file = embedded_signatures(changed)
    person = next(found for found in file.found if found.field == "KyTen")
    assert (integrity_of(file, person).later is not None) is harmless


def test_what_is_freed_is_not_valid(office: Office, sealed: bytes) -> None:
    """Nor is an update that frees what nobody used and does nothing else. That iText enters its own cross-reference
    stream as free, under a new number, does no harm: its papers are in the corpus."""
    previous = re.findall(rb"startxref\s+(\d+)", sealed)[-1]
    identity = re.findall(rb"/ID \[.*?\]", sealed)[-1]
    for number in (5, 150):
        for next_generation in (1, 65535):
            table = b"xref\n%d 1\n0000000000 %05d f \n" % (number, next_generation)
            table += b"trailer\n<< /Size 160 /Root 1 0 R /Prev %s %s >>\n" % (previous, identity)
            later = sealed + table + b"startxref\n%d\n%%%%EOF\n" % len(sealed)
            assert office.verify(later).value is Value.INVALID


def test_a_broken_time_stamp_inside_a_token_says_nothing_against_the_signature(kept_trust: Trust) -> None:
    """LibreOffice puts one there that is over something else: unclear, for what it would have proven is not proven."""
    pdf = (KEPT / "libreoffice-time-stamp.pdf").read_bytes()
    made = datetime.fromisoformat((KEPT / "made").read_text().strip()) + timedelta(hours=12)
    verdict = verify(pdf, kept_trust, policy_for(DocumentKind.FOREIGN), at=made)
    assert (verdict.value, verdict.has(Code.TIMESTAMP_BROKEN)) == (Value.UNCLEAR, True)
    assert verdict.signers[0].time_source is not TimeSource.TSA
    changed = verify(attacks.append_a_page(pdf), kept_trust, policy_for(DocumentKind.PUBLIC), at=made)
    assert changed.value is Value.INVALID
