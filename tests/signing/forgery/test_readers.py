"""Third and fourth eyes: visible forgeries are real ones in some reader, and honest steps change nothing in any."""

import pytest

from tests.sampling import sampled
from tests.signing.forgery.papers import BY_NAME, PAPERS, Paper
from tests.signing.forgery.pictures import READERS, same, signature_boxes
from tests.signing.forgery.scribe import Scribe
from tests.signing.forgery.table import Attack, Forgery, attacks

VISIBLE = [attack for attack in attacks() if attack.visible and "before the next signature" not in attack.name][::2]
UPRIGHT = [paper for paper in PAPERS if paper.name != "rotated-two"]


def _paper_for(attack: Attack) -> Paper:
    wanted = ("table-two", "table-one", "streams-two", "numbered-two")
    known = [BY_NAME[name] for name in wanted]
    return next(paper for paper in (*known, *PAPERS) if attack.applies(paper))


@pytest.mark.parametrize("attack", sampled(VISIBLE, one_in=7), ids=lambda attack: f"{attack.family}/{attack.name}")
def test_a_visible_forgery_is_seen_by_some_reader(scribe: Scribe, attack: Attack) -> None:
    paper = _paper_for(attack)
    honest, forged = scribe.stages(paper)[-1], Forgery(attack, paper).bytes(scribe)
    assert not all(same(read(honest), read(forged)) for read in READERS.values())


def test_there_are_enough_visible_forgeries() -> None:
    assert len(VISIBLE) >= 30


@pytest.mark.parametrize("paper", sampled(UPRIGHT, one_in=5), ids=lambda paper: paper.name)
def test_honest_steps_change_nothing_beyond_their_own_boxes(scribe: Scribe, paper: Paper) -> None:
    stages = scribe.stages(paper)
    boxes = signature_boxes(stages[-1])
    for name, read in READERS.items():
        assert same(read(stages[0]), read(stages[-1]), boxes), name
