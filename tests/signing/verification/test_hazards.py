"""What a judge would refuse is named before anybody signs; on a signed paper it is a finding."""

from collections.abc import Callable

import pytest

from kernel.errors import Invalid
from signing.pdf.pades import sign_person
from signing.pdf.signed_file import embedded_signatures
from signing.sandbox.runner import run_sandboxed
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import Value
from signing.verification.admission import admitted, obstacles, refusal_for
from signing.verification.hazards import WORDS, Hazard, hazards_of
from signing.verification.signature_formats import unknown_format
from tests.docex.office import a_pdf
from tests.signing.conftest import Office
from tests.signing.hazardous import HARMLESS, OTHERWISE, SHOWING

REFUSED = {**SHOWING, **OTHERWISE}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_a_paper_that_nobody_should_sign_is_refused_with_words(make: Callable[[], bytes]) -> None:
    refusal = refusal_for(run_sandboxed(obstacles, make()))
    assert refusal is not None
    assert refusal.is_ours()
    assert refusal.vi != refusal.en


@pytest.mark.parametrize("make", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_real_programs_write_may_be_signed(make: Callable[[], bytes]) -> None:
    assert obstacles(make()) == ()


def test_papers_of_our_own_may_be_signed(signed: bytes, sealed: bytes, letter: bytes) -> None:
    for pdf in (a_pdf(), letter, signed, sealed):
        assert obstacles(pdf) == ()


@pytest.mark.parametrize("make", SHOWING.values(), ids=SHOWING.keys())
def test_a_signed_paper_that_may_show_something_else_is_unclear(office: Office, make: Callable[[], bytes]) -> None:
    verdict = office.verify(sign_person(make(), office.binh), DocumentKind.PERSON_ONLY)
    assert verdict.value is Value.UNCLEAR
    assert verdict.has("ACTIVE_CONTENT")


@pytest.mark.parametrize("name", ["file inside", "orphan text", "bytes after"])
def test_what_changes_no_page_is_no_active_content(office: Office, name: str) -> None:
    assert not office.verify(sign_person(REFUSED[name](), office.binh), DocumentKind.PERSON_ONLY).has("ACTIVE_CONTENT")


def test_a_refusal_names_three_hazards_and_counts_the_rest() -> None:
    every = refusal_for(tuple(Hazard))
    assert every is not None
    assert every.is_ours()
    assert f"{len(Hazard) - 3} điều khác" in every.vi
    assert set(WORDS) == set(Hazard)


def test_nobody_signs_what_is_not_admitted(office: Office) -> None:
    with pytest.raises(Invalid) as caught:
        admitted(sign_person, SHOWING["xfa"](), office.binh)
    assert "XFA" in caught.value.fields["file"].vi


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"/Adobe.PPKLite", b"/Nobody.Knows1"),
        (b"/ETSI.CAdES.detached", b"/ETSI.CAdES.attached"),
        (b"/ETSI.CAdES.detached", b"/adbe.x509.rsa_sha1_"),
    ],
)
def test_a_signature_of_an_unknown_kind_is_never_valid(
    office: Office, signed: bytes, before: bytes, after: bytes
) -> None:
    file = embedded_signatures(signed)
    policy = policy_for(DocumentKind.PERSON_ONLY)
    assert unknown_format(file.found[0], policy) is None
    changed = embedded_signatures(signed.replace(before, after))
    finding = unknown_format(changed.found[0], policy)
    assert finding is not None
    assert finding.weight is Value.UNCLEAR
    assert after.decode().strip("/") in finding.phrase.vi


def test_hazards_are_looked_for_in_bytes_that_are_no_pdf() -> None:
    assert hazards_of(b"%PDF-1.7\nnothing") == ()
    assert obstacles(b"nothing") == (Hazard.BROKEN,)
