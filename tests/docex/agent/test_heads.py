"""The agent watches the hub's log: what only grows is kept, a rewritten history is refused loudly."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from docex.agent.hub import Hub
from docex.agent.log_watch import Watch
from docex.agent.status_file import Board
from kernel.db import Tx
from signing.log import evidence_log, receipts
from signing.log.evidence_log import Kind
from signing.log.models import LogHead, LogLeaf, LogTile
from tests.docex.agent.agents import REFUSED_TO_WORK, AgentProcess
from tests.docex.agent.conftest import Served
from tests.docex.hub.systems import a_file
from tests.sampling import sampled

pytestmark = [pytest.mark.one_database("sqlite"), pytest.mark.long_proof]


def grow(served: Served, *names: str) -> str:
    """The log gets these leaves and a head. Answers the head."""
    with served.office.db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, *names)
        evidence_log.sequence(tx)
        return evidence_log.head_for(tx).jws


def kept(agent: AgentProcess) -> dict[str, Any]:
    """The head that the agent keeps."""
    (path,) = agent.folders.notes.glob("log-*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def alarms(agent: AgentProcess) -> list[Path]:
    return sorted(agent.folders.error.glob("log-*.txt"))


def forget_everything(tx: Tx) -> None:
    for table in (LogLeaf, LogTile, LogHead):
        tx.session.execute(sa.delete(table))


def _removed(tx: Tx) -> None:
    """The same log without one of its leaves, made and signed anew, and larger than before."""
    forget_everything(tx)
    evidence_log.add(tx, Kind.DOCUMENT, "a" * 64, "c" * 64, "d" * 64, "e" * 64)


def _swapped(tx: Tx) -> None:
    forget_everything(tx)
    evidence_log.add(tx, Kind.DOCUMENT, "b" * 64, "a" * 64, "c" * 64, "d" * 64)


def _forked(tx: Tx) -> None:
    """Another history of the same size."""
    forget_everything(tx)
    evidence_log.add(tx, Kind.DOCUMENT, "a" * 64, "b" * 64, "x" * 64)


def _shorter(tx: Tx) -> None:
    """As after a backup was restored: the last leaves are gone."""
    forget_everything(tx)
    evidence_log.add(tx, Kind.DOCUMENT, "a" * 64)


def _unsigned(tx: Tx) -> None:
    """A head that another key has signed."""
    evidence_log.add(tx, Kind.DOCUMENT, "d" * 64)
    evidence_log.sequence(tx)
    head = evidence_log.head_for(tx)
    body, _, _ = head.jws.rpartition(".")
    head.jws = f"{body}.{'A' * 86}"


def test_the_newest_head_is_kept_and_moves_on_with_the_log(served: Served, receiver: AgentProcess) -> None:
    assert receiver.run() == 0
    assert list(receiver.folders.notes.glob("log-*.json")) == []
    for number in range(1, 4):
        grow(served, f"{number:064x}")
        assert receiver.run() == 0
        assert kept(receiver)["size"] == number
    assert alarms(receiver) == []


@pytest.mark.parametrize(
    "rewrite", sampled([_removed, _swapped, _forked, _shorter, _unsigned], one_in=3), ids=lambda one: one.__name__
)
def test_a_rewritten_history_is_refused_loudly_and_letters_go_on(
    served: Served, sender: AgentProcess, receiver: AgentProcess, rewrite: Callable[[Tx], None]
) -> None:
    first = grow(served, "a" * 64, "b" * 64, "c" * 64)
    assert receiver.run() == 0
    with served.office.db.write() as tx:
        rewrite(tx)
    with served.office.db.write() as tx:
        evidence_log.sequence(tx)
        shown = evidence_log.head_for(tx).jws
    sender.put("1.edxml", a_file(served.office))
    sender.run()
    served.office.work()
    assert receiver.run() == REFUSED_TO_WORK
    (alarm,) = alarms(receiver)
    text = alarm.read_text(encoding="utf-8")
    assert first in text
    assert shown in text
    assert "nhật ký" in text
    assert "log" in text
    assert "nhật ký / log" in receiver.status
    assert kept(receiver)["jws"] == first
    assert len(receiver.names("inbox")) == 1
    assert receiver.run() == REFUSED_TO_WORK
    assert alarms(receiver) == [alarm]


def test_an_older_head_of_the_same_history_is_no_reason_to_worry(served: Served, receiver: AgentProcess) -> None:
    """Two answers may overtake each other on the way."""
    older = grow(served, "a" * 64)
    newer = grow(served, "b" * 64, "c" * 64)
    folders, hub = receiver.folders, Hub(receiver.reach)
    board = Board(folders, receiver.url)
    watch = Watch(folders, hub, board)
    for jws in (newer, older, ""):
        watch.look(jws)
    assert board.is_clean
    assert kept(receiver)["jws"] == newer


def test_a_new_key_of_the_hub_is_asked_for(served: Served, receiver: AgentProcess) -> None:
    grow(served, "a" * 64)
    folders, hub = receiver.folders, Hub(receiver.reach)
    watch = Watch(folders, hub, Board(folders, receiver.url))
    watch.look(hub.waiting(0).head)
    receipts.rotate(served.office.config)
    newer = grow(served, "b" * 64)
    watch.look(hub.waiting(0).head)
    assert kept(receiver)["jws"] == newer


def test_a_note_that_was_damaged_begins_anew(served: Served, receiver: AgentProcess) -> None:
    head = grow(served, "a" * 64)
    assert receiver.run() == 0
    (path,) = receiver.folders.notes.glob("log-*.json")
    path.write_bytes(b"{")
    assert receiver.run() == 0
    assert kept(receiver)["jws"] == head
