"""A hub that is not in its right mind, or in somebody else's hands: one odd answer keeps no other waiting, nothing is
written outside the office's folder, no letter counts as sent without a receipt."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docex.agent.errors import TransientError
from docex.agent.recalls import AskedBack
from tests.docex.agent.agents import AgentProcess, Tampering
from tests.docex.agent.conftest import Served
from tests.docex.agent.test_fetching import a_fetcher, inbox, sent
from tests.docex.agent.test_odd_files import a_sender
from tests.docex.agent.test_recalls import asked_back, questions
from tests.docex.hub.systems import a_file
from tests.sampling import sampled

pytestmark = [pytest.mark.one_database("sqlite"), pytest.mark.long_proof]

Rewrite = Callable[[dict[str, Any]], Any]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of somebody else's on the same machine."""
    folder = tmp_path / "etc"
    folder.mkdir()
    return folder


def a_path_in(folder: Path) -> Rewrite:
    """The id is a path."""
    return lambda one: one | {"id": str(folder / "cron"), "size": one["size"] + 1}


@pytest.mark.parametrize(
    "spoil",
    sampled(
        [
            a_path_in,
            lambda _: lambda one: one | {"id": True},
            lambda _: lambda one: one | {"id": 0},
            lambda _: lambda one: one | {"sha256": f"../{one['sha256']}"[:64]},
            lambda _: lambda one: one | {"code": None},
            lambda _: lambda one: {name: value for name, value in one.items() if name != "size"},
            lambda _: lambda one: "giay-moi",
        ],
        one_in=3,
    ),
)
def test_a_delivery_without_sense_keeps_no_other_waiting_and_writes_nowhere(
    served: Served, sender: AgentProcess, receiver: AgentProcess, elsewhere: Path, spoil: Callable[[Path], Rewrite]
) -> None:
    first, second = a_file(served.office, 1), a_file(served.office, 2)
    sent(served, sender, first, second)
    fetcher, hub = a_fetcher(receiver)
    rewrite = spoil(elsewhere)
    hub.wire = Tampering(receiver.reach, "/api/v1/inbox", lambda told: _with_first(told, rewrite))
    assert fetcher.fetch(0) == 1
    assert inbox(receiver) == [second]
    assert list(elsewhere.iterdir()) == []
    fetcher.board.show()
    assert "- inbox/" in receiver.status
    assert "Trục trả lời không đúng dạng" in receiver.status
    fetcher, _ = a_fetcher(receiver)
    assert fetcher.fetch(0) == 1
    assert inbox(receiver) == [first, second]


def _with_first(told: dict[str, Any], rewrite: Rewrite) -> dict[str, Any]:
    return told | {"items": [rewrite(told["items"][0]), *told["items"][1:]]}


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize(
    "spoilt",
    sampled(
        [
            {"receipt": None},
            {"receipt": {}},
            {"receipt": None, "status_id": 7},
            {"receipt": None, "status_id": "/../../x"},
        ],
        one_in=3,
    ),
)
def test_a_letter_counts_as_sent_only_with_a_receipt_and_keeps_no_other_waiting(
    served: Served, sender: AgentProcess, spoilt: dict[str, Any]
) -> None:
    first = a_file(served.office, 1)
    digest = hashlib.sha256(first).hexdigest()
    sender.put("1.edxml", first)
    sender.put("2.edxml", a_file(served.office, 2))
    part = a_sender(sender)
    part.hub.wire = Tampering(
        sender.reach, "/api/v1/edxml", lambda told: told | (spoilt if told["sha256"] == digest else {})
    )
    assert part.send() == 1
    assert (sender.names("outbox"), sender.names("sent")) == (["1.edxml"], ["2.edxml"])
    part.board.show()
    assert "- outbox/1.edxml: Trục không đưa biên nhận" in sender.status
    assert a_sender(sender).send() == 1
    assert len(sender.receipts("submitted.jws")) == 2


def test_a_recall_without_sense_keeps_no_other_waiting_and_writes_nowhere(
    served: Served, sender: AgentProcess, receiver: AgentProcess, elsewhere: Path
) -> None:
    asked_back(served, sender, receiver)
    _, hub = a_fetcher(receiver)

    def two(told: dict[str, Any]) -> dict[str, Any]:
        (item,) = told["items"]
        bad = item | {"document": str(elsewhere / "cron")}
        return told | {"items": [bad, item | {"subject": "Kính gửi\n* * * * * root id"}]}

    hub.wire = Tampering(receiver.reach, "/api/v1/recalls", two)
    with pytest.raises(TransientError):
        AskedBack(receiver.folders, hub).look(now=True)
    assert list(elsewhere.iterdir()) == []
    _, for_people = questions(receiver)
    assert "“Kính gửi * * * * * root id”" in for_people.read_text(encoding="utf-8")
    assert receiver.run() == 0
    assert len(questions(receiver)) == 2
