"""The page that is presented: who may lead, the newest place wins, who comes late lands there."""

from datetime import timedelta

import pytest

from kernel import clock
from kernel.db import Committed, Database
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from kernel.storage.blobs import Blob
from meetings import following, holding, planning, snapshots, speaking
from meetings.planning import PaperFile
from tests.cast import Cast
from tests.meetings import stage as at


def paper_of(db: Database, cast: Cast, stage: at.Stage) -> int:
    """A paper of three pages under the first item."""
    file = PaperFile("Tờ trình", Blob("ab" * 32, 4096), 3)
    with db.write(cast.thu.by) as tx:
        return planning.add_paper(tx, cast.thu, stage.id, stage.items[0], file).id


@pytest.fixture
def told(db: Database) -> list[Committed]:
    done: list[Committed] = []
    db.after_commit.append(done.append)
    return done


def test_the_desk_leads_and_who_comes_late_lands_on_the_page(db: Database, cast: Cast, told: list[Committed]) -> None:
    stage = at.opened(db, cast)
    paper = paper_of(db, cast, stage)
    with db.read() as tx:
        before = snapshots.snapshot_tag(tx, cast.lan, stage.id)
    with db.write(cast.thu.by) as tx:
        following.lead(tx, cast.thu, stage.id, paper, 2, 250)
    with db.read() as tx:
        place = snapshots.snapshot(tx, cast.lan, stage.id).follow
        assert snapshots.snapshot_tag(tx, cast.lan, stage.id) != before
    assert place is not None
    assert (place.paper, place.page, place.y) == (paper, 2, 250)
    hint = told[-1].hints[0]
    assert (hint.stream, hint.name, hint.data) == (f"meeting:{stage.id}", "follow", place.wire())
    assert not told[-1].events


def test_moves_that_come_too_close_are_asked_to_come_again(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    paper = paper_of(db, cast, stage)
    at_once = clock.now()
    revs = []
    for later in (0, 10, 60):
        with clock.frozen(at_once + timedelta(milliseconds=later)), db.write(cast.thu.by) as tx:
            moved = following.lead(tx, cast.thu, stage.id, paper, 1, later)
        revs.append(moved and moved.rev)
    assert revs == [1, None, 2]


def test_only_the_desk_and_who_has_the_floor_lead(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    paper = paper_of(db, cast, stage)
    with db.write() as tx, pytest.raises(Forbidden):
        following.lead(tx, cast.lan, stage.id, paper)
    with db.write() as tx, pytest.raises(NotFound):
        following.lead(tx, cast.oanh, stage.id, paper)
    with db.write() as tx:
        turn = speaking.ask_to_speak(tx, cast.lan, stage.id)
        tx.session.flush()
        speaking.give_floor(tx, cast.binh, stage.id, turn.id)
    with db.write() as tx:
        assert following.lead(tx, cast.lan, stage.id, paper) is not None


def test_a_page_that_is_not_there_and_a_meeting_that_is_over_are_refused(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    paper = paper_of(db, cast, stage)
    with db.write() as tx, pytest.raises(Invalid):
        following.lead(tx, cast.thu, stage.id, paper, 999)
    with db.write() as tx:
        holding.close(tx, cast.binh, stage.id)
    with db.write() as tx, pytest.raises(WrongState):
        following.lead(tx, cast.thu, stage.id, paper)
