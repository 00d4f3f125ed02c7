"""No forged paper is valid, whatever was done to it, under any policy.

In the default lane each attack is tried on some papers; `LIENTHONG_EXAMPLES=full` tries the whole table.
"""

import pytest

from signing.policy import DocumentKind, policy_for
from signing.reasons import Code
from signing.verdicts import Value
from signing.verify import verify
from tests.sampling import sampled
from tests.signing.conftest import CITY
from tests.signing.forgery import forms, signers
from tests.signing.forgery.conftest import FULL
from tests.signing.forgery.papers import BY_NAME, PAPERS, Paper
from tests.signing.forgery.scribe import Scribe
from tests.signing.forgery.table import Forgery, Target, attacks, chosen

LENIENT = policy_for(DocumentKind.FOREIGN)
"""Asks for no certain signers: what is not valid here is valid nowhere."""


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_the_papers_themselves_are_valid(scribe: Scribe, paper: Paper) -> None:
    data = scribe.stages(paper)[-1]
    kinds = [DocumentKind.OFFICIAL, DocumentKind.PUBLIC] if paper.official else []
    for kind in (DocumentKind.FOREIGN, *kinds):
        agency = CITY if kind is DocumentKind.OFFICIAL else ""
        verdict = scribe.office.judge(data, kind, agency=agency)
        assert verdict.value is Value.VALID, f"{kind}: {verdict.summary.vi}"


@pytest.mark.parametrize("forgery", sampled(chosen(every=FULL), one_in=3), ids=lambda forgery: forgery.name)
def test_a_forged_paper_is_not_valid(scribe: Scribe, forgery: Forgery) -> None:
    data = forgery.bytes(scribe)
    assert data != scribe.stages(forgery.paper)[-1]
    verdict = verify(data, scribe.office.trust, LENIENT)
    assert verdict.value is not Value.VALID


def test_there_are_enough_forgeries_of_every_kind() -> None:
    tried = chosen(every=False)
    assert len(tried) >= 400
    assert {one.attack.name for one in tried} == {attack.name for attack in attacks()}
    assert {one.paper.name for one in tried} == {paper.name for paper in PAPERS}


def test_a_time_stamp_behind_an_emptied_signature_is_nobodys_signature(scribe: Scribe) -> None:
    data = signers.sealed(Target(BY_NAME["table-one"], scribe), forms.emptied)
    verdict = verify(data, scribe.office.trust, LENIENT)
    assert verdict.value is not Value.VALID
    assert Code.NO_SIGNATURE in {one.code for one in verdict.reasons}
