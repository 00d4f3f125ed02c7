"""No forged paper is valid, whatever was done to it, under any policy.

In the default lane each attack is tried on some papers; `LIENTHONG_EXAMPLES=full` tries the whole table.
"""

import pytest

from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import Value
from signing.verification.file_verification import verify
from tests.sampling import sampled
from tests.signing.conftest import CITY
from tests.signing.forgery import forms, locks, signers
from tests.signing.forgery.conftest import FULL
from tests.signing.forgery.papers import BY_NAME, PAPERS, SIGNERS, Paper
from tests.signing.forgery.scribe import Scribe
from tests.signing.forgery.table import Forgery, Target, attacks, chosen

LENIENT = policy_for(DocumentKind.FOREIGN)
"""Asks for no certain signers: what is not valid here is valid nowhere."""
EACH = 45
"""In the default lane every so many forgeries are judged as what they pretend to be, too."""


def kinds_of(paper: Paper) -> tuple[DocumentKind, ...]:
    """What such a paper is valid as, besides a foreign one."""
    if paper.official:
        return DocumentKind.OFFICIAL, DocumentKind.PUBLIC
    people = sum(step in SIGNERS and step != "seal" for step in paper.steps)
    return (DocumentKind.MINUTES,) if people > 1 else (DocumentKind.PERSON_ONLY,)


def value_as(scribe: Scribe, data: bytes, kind: DocumentKind) -> Value:
    """What the file is worth as a paper of the city's office."""
    public = kind in {DocumentKind.PUBLIC, DocumentKind.FOREIGN}
    return scribe.office.verify(data, kind, agency="" if public else CITY).value


@pytest.mark.parametrize("paper", sampled(PAPERS, one_in=7), ids=lambda paper: paper.name)
def test_the_papers_themselves_are_valid(scribe: Scribe, paper: Paper) -> None:
    data = scribe.stages(paper)[-1]
    for kind in (DocumentKind.FOREIGN, *kinds_of(paper)):
        assert value_as(scribe, data, kind) is Value.VALID, kind


@pytest.mark.parametrize(
    "forgery", sampled(chosen(every=FULL), one_in=1 if FULL else 12), ids=lambda forgery: forgery.name
)
def test_a_forged_paper_is_not_valid(scribe: Scribe, forgery: Forgery) -> None:
    data = forgery.bytes(scribe)
    assert data != scribe.stages(forgery.paper)[-1]
    verdict = verify(data, scribe.office.trust, LENIENT)
    assert verdict.value is not Value.VALID


@pytest.mark.parametrize("forgery", chosen(every=FULL)[:: 1 if FULL else EACH], ids=lambda forgery: forgery.name)
def test_nor_is_it_as_what_it_pretends_to_be(scribe: Scribe, forgery: Forgery) -> None:
    data = forgery.bytes(scribe)
    for kind in kinds_of(forgery.paper):
        assert value_as(scribe, data, kind) is not Value.VALID, kind


@pytest.mark.long_proof
@pytest.mark.parametrize("name", locks.ALLOWED)
def test_locks_that_forbid_neither_number_nor_seal_are_no_obstacle(scribe: Scribe, name: str) -> None:
    for paper in ("numbered-two", "table-two"):
        target = Target(BY_NAME[paper], scribe)
        data = locks.locked(target, locks.ALLOWED[name], numbers=paper == "numbered-two")
        assert value_as(scribe, data, DocumentKind.OFFICIAL) is Value.VALID


def test_there_are_enough_forgeries_of_every_kind() -> None:
    tried = chosen(every=False)
    assert len(tried) >= 400
    assert {one.attack.name for one in tried} == {attack.name for attack in attacks()}
    assert {one.paper.name for one in tried} == {paper.name for paper in PAPERS}
    verified = {kind for one in tried[::EACH] for kind in kinds_of(one.paper)}
    assert verified == {DocumentKind.OFFICIAL, DocumentKind.PUBLIC, DocumentKind.MINUTES, DocumentKind.PERSON_ONLY}


def test_a_time_stamp_behind_an_emptied_signature_is_nobodys_signature(scribe: Scribe) -> None:
    data = signers.sealed(Target(BY_NAME["table-one"], scribe), forms.emptied)
    verdict = verify(data, scribe.office.trust, LENIENT)
    assert verdict.value is not Value.VALID
    assert Code.NO_SIGNATURE in {one.code for one in verdict.reasons}
