"""The tables of the life cycles, without a database."""

from hypothesis import given
from hypothesis import strategies as st

from docex.documents.labels import DOCUMENT, INCOMING, PROGRESS
from docex.documents.states import (
    INCOMING as INCOMING_TABLE,
)
from docex.documents.states import OUTGOING, SAYS, DocumentState, IncomingState
from docex.edxml.progress import Progress, Recall, advanced, recall_after


def test_every_state_has_a_row_and_a_word() -> None:
    assert set(OUTGOING) == set(DocumentState) == set(DOCUMENT)
    assert set(INCOMING_TABLE) == set(IncomingState) == set(INCOMING)
    assert set(Progress) == set(PROGRESS)
    assert set(SAYS.values()) == {"02", "03", "04", "05", "06"}


def test_every_state_can_be_reached() -> None:
    assert {s for row in OUTGOING.values() for s in row.values()} == set(DocumentState)
    reached = {s for row in INCOMING_TABLE.values() for s in row.values()}
    assert reached | {IncomingState.ARRIVED} == set(IncomingState)


@given(st.lists(st.sampled_from(list(Progress)), max_size=12))
def test_progress_never_goes_back(said: list[Progress]) -> None:
    known = Progress.SUBMITTED
    order = [p for p in Progress if p is not Progress.REFUSED]
    for step in said:
        after = advanced(known, step)
        if known is Progress.REFUSED:
            assert after is Progress.REFUSED
        elif after is not Progress.REFUSED:
            assert order.index(after) >= order.index(known)
        known = after


@given(st.permutations([Progress.ARRIVED, Progress.REGISTERED, Progress.ASSIGNED, Progress.WORKING, Progress.DONE]))
def test_the_order_in_which_statuses_come_does_not_matter(said: list[Progress]) -> None:
    known = Progress.AVAILABLE
    for step in said:
        known = advanced(known, step)
    assert known is Progress.DONE


def test_a_refusal_after_registration_is_not_counted() -> None:
    assert advanced(Progress.REGISTERED, Progress.REFUSED) is Progress.REGISTERED
    assert advanced(Progress.ARRIVED, Progress.REFUSED) is Progress.REFUSED


def test_a_recall_is_answered_only_when_it_was_asked() -> None:
    assert recall_after(Recall.NONE, Recall.AGREED) is Recall.NONE
    assert recall_after(Recall.ASKED, Recall.REFUSED) is Recall.REFUSED
    assert recall_after(Recall.REFUSED, Recall.ASKED) is Recall.ASKED
    assert recall_after(Recall.AGREED, Recall.ASKED) is Recall.AGREED
