"""Who speaks next, for how long, and who has not said a word."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import clock
from kernel.db import Database
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from meetings import attending, holding, queries, speaking
from meetings.rooms.order import moved, place_of_newcomer
from meetings.rooms.record import SpeakingRecord, record_of
from tests.cast import Cast
from tests.meetings import stage as at


@given(st.lists(st.integers(0, 3)), st.integers(0, 3))
def test_a_newcomer_passes_exactly_those_at_the_end_who_spoke_more_often(waiting: list[int], spoke: int) -> None:
    queue = sorted(waiting)
    place = place_of_newcomer(spoke, queue, quiet_first=True)
    assert sorted([*queue, spoke]) == [*queue[:place], spoke, *queue[place:]]
    assert all(times <= spoke for times in queue[:place])
    assert place_of_newcomer(spoke, waiting, quiet_first=False) == len(waiting)


@given(st.lists(st.integers(), unique=True, min_size=1), st.integers(0, 20), st.data())
def test_moving_keeps_everybody_and_the_order_of_the_others(queue: list[int], place: int, data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(queue))
    after = moved(queue, one, place)
    assert after.index(one) == min(place, len(queue) - 1)
    assert [other for other in after if other != one] == [other for other in queue if other != one]


def test_who_spoke_less_goes_first_when_the_chair_wants_it(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    _speak(db, cast, stage, "lan")
    _ask(db, cast, stage, "lan", "nam")
    assert _waiting(db, stage) == ["lan", "nam"]
    _rules(db, cast, stage, quiet_first=True)
    assert _waiting(db, stage) == ["nam", "lan"]
    _ask(db, cast, stage, "dung")
    assert _waiting(db, stage) == ["nam", "dung", "lan"]
    _rules(db, cast, stage, quiet_first=False)
    assert _waiting(db, stage) == ["lan", "nam", "dung"]


def test_the_desk_moves_people_and_pressing_twice_moves_once(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    _ask(db, cast, stage, "lan", "nam", "dung")
    for _ in range(2):
        with db.write() as tx:
            speaking.move_turn(tx, cast.binh, stage.id, _turn(db, stage, "dung"), 1)
        assert _waiting(db, stage) == ["lan", "dung", "nam"]
    with pytest.raises(Forbidden), db.write() as tx:
        speaking.move_turn(tx, cast.dung, stage.id, _turn(db, stage, "dung"), 0)
    other = at.opened(db, cast)
    with pytest.raises(NotFound), db.write() as tx:
        speaking.move_turn(tx, cast.binh, other.id, _turn(db, stage, "dung"), 0)


def test_each_speaker_gets_the_time_that_was_set_and_the_desk_may_add_to_it(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    _rules(db, cast, stage, limit=180)
    _call(db, cast, stage, "nam")
    assert _speaker(db, stage) == ("nam", 180)
    _rules(db, cast, stage, limit=60)
    assert _speaker(db, stage) == ("nam", 180)
    with db.write() as tx:
        speaking.set_time(tx, cast.thu, stage.id, _turn(db, stage, "nam"), 240)
    assert _speaker(db, stage) == ("nam", 240)
    with pytest.raises(Invalid), db.write() as tx:
        speaking.set_time(tx, cast.thu, stage.id, _turn(db, stage, "nam"), 3601)
    with pytest.raises(Invalid), db.write() as tx:
        speaking.set_rules(tx, cast.thu, stage.id, -1, quiet_first=False)


def test_the_chair_gives_the_floor_to_who_did_not_ask_and_the_one_before_is_done(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    _ask(db, cast, stage, "lan")
    _call(db, cast, stage, "nam")
    _call(db, cast, stage, "nam")
    assert (_speaker(db, stage), _waiting(db, stage)) == (("nam", 0), ["lan"])
    _call(db, cast, stage, "lan")
    assert (_speaker(db, stage), _waiting(db, stage)) == (("lan", 0), [])
    assert [line.person.id for line in _record(db, cast, stage).lines] == [stage.people["nam"]]


def test_nobody_is_called_on_before_the_opening_or_from_another_meeting(db: Database, cast: Cast) -> None:
    early, stage = at.convened(db, cast), at.opened(db, cast)
    with pytest.raises(WrongState), db.write() as tx:
        speaking.call_on(tx, cast.binh, early.id, early.people["lan"])
    with pytest.raises(NotFound), db.write() as tx:
        speaking.call_on(tx, cast.binh, stage.id, early.people["lan"])


def test_the_record_tells_who_spoke_on_what_how_long_and_who_is_here_and_did_not(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    began = clock.now()
    with clock.frozen(began), db.write() as tx:
        for name in ("lan", "nam", "thu"):
            attending.check_in_for(tx, cast.thu, stage.id, stage.people[name])
        holding.take_item(tx, cast.binh, stage.id, stage.items[0])
        speaking.ask_to_speak(tx, cast.lan, stage.id)
    with clock.frozen(began + timedelta(minutes=1)), db.write() as tx:
        holding.take_item(tx, cast.binh, stage.id, stage.items[1])
        speaking.call_on(tx, cast.binh, stage.id, stage.people["lan"])
    with clock.frozen(began + timedelta(minutes=2)), db.write() as tx:
        holding.pause(tx, cast.binh, stage.id)
    with clock.frozen(began + timedelta(minutes=20)), db.write() as tx:
        speaking.withdraw(tx, cast.lan, stage.id)  # in the pause nobody spoke
    record = _record(db, cast, stage)
    assert [(one.item, one.seconds) for one in record.lines] == [(at.TITLES[1], 60)]
    assert [(one.person.id, one.times, one.seconds) for one in record.totals] == [(stage.people["lan"], 1, 60)]
    assert [one.id for one in record.silent] == [stage.people["nam"]]


def test_what_was_said_in_a_pause_that_ends_the_meeting_does_not_count(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    began = clock.now()
    with clock.frozen(began):
        _call(db, cast, stage, "lan")
    with clock.frozen(began + timedelta(minutes=3)), db.write() as tx:
        holding.pause(tx, cast.binh, stage.id)
    with clock.frozen(began + timedelta(minutes=30)), db.write() as tx:
        holding.close(tx, cast.binh, stage.id)
    assert [one.seconds for one in _record(db, cast, stage).lines] == [180]


def _ask(db: Database, cast: Cast, stage: at.Stage, *names: str) -> None:
    for name in names:
        with db.write() as tx:
            speaking.ask_to_speak(tx, getattr(cast, name), stage.id)


def _call(db: Database, cast: Cast, stage: at.Stage, name: str) -> None:
    with db.write() as tx:
        speaking.call_on(tx, cast.binh, stage.id, stage.people[name])


def _speak(db: Database, cast: Cast, stage: at.Stage, name: str) -> None:
    _call(db, cast, stage, name)
    with db.write() as tx:
        speaking.withdraw(tx, getattr(cast, name), stage.id)


def _rules(db: Database, cast: Cast, stage: at.Stage, limit: int = 0, quiet_first: bool = False) -> None:
    with db.write() as tx:
        speaking.set_rules(tx, cast.binh, stage.id, limit, quiet_first)


def _turns(db: Database, stage: at.Stage) -> list[tuple[str, str, int, int]]:
    names = {number: name for name, number in stage.people.items()}
    with db.read() as tx:
        turns = speaking.queue_of(tx, at.meeting(db, stage)).turns
    return [(names[turn.participant], turn.state, turn.id, turn.seconds) for turn in turns]


def _turn(db: Database, stage: at.Stage, name: str) -> int:
    return next(number for who, _state, number, _seconds in _turns(db, stage) if who == name)


def _waiting(db: Database, stage: at.Stage) -> list[str]:
    return [who for who, state, _number, _seconds in _turns(db, stage) if state == "waiting"]


def _speaker(db: Database, stage: at.Stage) -> tuple[str, int]:
    (found,) = [(who, seconds) for who, state, _number, seconds in _turns(db, stage) if state == "speaking"]
    return found


def _record(db: Database, cast: Cast, stage: at.Stage) -> SpeakingRecord:
    with db.read() as tx:
        return record_of(tx, queries.page(tx, cast.binh, stage.id))
