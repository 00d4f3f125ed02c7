"""What people are shown of a forgery: the place that changed stands in a red frame, and honest signatures do not."""

import pytest

from signing.rendering.change_pictures import Changes, visible_changes
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import Value
from signing.verification.file_verification import verify
from tests.sampling import sampled
from tests.signing.forgery.papers import BY_NAME
from tests.signing.forgery.pictures import by_mupdf, without
from tests.signing.forgery.public_page import MAX_OUTSIDE, OTHERS, Forged, forge, outside_of_frames
from tests.signing.forgery.scribe import Scribe
from tests.signing.forgery.table import Forgery, attacks

SEEN = (
    "annotations/Square, drawn, its box shared@streams-two",
    "annotations/Ink, drawn as a certificate, its box shared@foreign-two",
    "timestamps/visible, before the next signature@numbered-two",
    "forms/a new field with an empty signature@word-two",
    "signers/a text field, and signed@table-two",
)


def forged(scribe: Scribe, name: str) -> Forged:
    """The file of this name in the table."""
    what, _, paper = name.rpartition("@")
    attack = next(one for one in attacks() if f"{one.family}/{one.name}" == what)
    return forge(scribe, Forgery(attack, BY_NAME[paper]))


def changes_of(scribe: Scribe, data: bytes) -> Changes:
    """What the public page shows of it."""
    verdict = verify(data, scribe.office.trust, policy_for(DocumentKind.PUBLIC))
    assert verdict.value is Value.INVALID
    found = visible_changes(data, verdict)
    assert found is not None
    return found


@pytest.mark.parametrize("name", sampled(SEEN, one_in=3))
def test_the_changed_place_stands_in_a_frame(scribe: Scribe, name: str) -> None:
    made = forged(scribe, name)
    found = changes_of(scribe, made.data)
    boxes = [*made.boxes.get(0, []), *OTHERS]
    before, now = (without(by_mupdf(one)[0], boxes) for one in (made.data[: made.signed], made.data))
    outside = outside_of_frames(found.shown[0].png, before, now)
    assert outside is not None
    assert outside <= MAX_OUTSIDE


def test_an_honest_seal_is_no_change_when_nothing_else_can_be_seen(scribe: Scribe) -> None:
    made = forged(scribe, "undefined_objects/the page's content ended@table-archived")
    found = changes_of(scribe, made.data)
    assert (found.pages, found.shown, found.signed) == ((), (), made.signed)


def test_a_seal_that_is_gone_is_shown_as_the_clerk_left_it(scribe: Scribe) -> None:
    made = forged(scribe, "appearances/moved out of the page@tagged-two")
    found = changes_of(scribe, made.data)
    assert found.pages == (1,)
    assert found.signed > made.signed  # the person signed before there was a seal
