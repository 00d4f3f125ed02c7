"""Live events are typed on both ends, and what goes over the wire is what it always was."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from kernel.wire import Wire
from meetings import live
from tests.meetings.live_rows import ROWS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WIRE: dict[str, str] = json.loads((HERE / "wire.json").read_text())
KINDS: dict[str, Any] = {
    "meeting": live.LiveMeeting,
    "item": live.LiveItem,
    "person": live.LivePerson,
    "answer": live.LiveAnswer,
    "turn": live.LiveTurn,
    "conclusion": live.LiveConclusion,
}


@pytest.mark.parametrize("kind", sorted(WIRE))
def test_an_object_goes_out_byte_for_byte_as_before_it_was_typed(kind: str) -> None:
    drawn: Wire = KINDS[kind].of(*ROWS[kind])
    assert json.dumps(drawn.wire(), ensure_ascii=False) == WIRE[kind]


def test_the_partial_and_the_empty_events_keep_their_names_too() -> None:
    assert live.Gone(7, 3).wire() == {"id": 7, "rev": 3, "gone": True}
    assert live.Reset().wire() == {}
    moment = ROWS["meeting"][0].current_at
    assert live.CurrentItem(2, 11, moment, (11,)).wire() == {
        "rev": 2,
        "current": 11,
        "current_at": "2026-11-23T01:02:03.456+00:00",
        "visited": [11],
    }


def test_the_types_of_the_browser_are_made_from_those_of_the_server() -> None:
    """When this fails, run scripts/livetypes."""
    jsdoc = runpy.run_path(str(ROOT / "scripts/live_types.py"))["jsdoc"]
    assert (ROOT / "static/js/room/types.js").read_text() == jsdoc()
