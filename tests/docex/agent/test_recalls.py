"""A recall by a sender comes into the office's folder, once for each question, and the answer goes back."""

from pathlib import Path

import pytest

from docex.edxml import StatusMessage, read, write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Envelope
from tests.docex.agent.agents import DIED, AgentProcess
from tests.docex.agent.conftest import Served
from tests.docex.agent.test_folders import RECALLING
from tests.docex.hub.systems import a_letter, a_status
from tests.docex.recalls.test_recalls import recall_of
from tests.sampling import sampled


def asked_back(served: Served, sender: AgentProcess, receiver: AgentProcess) -> Envelope:
    """A letter that the receiver has and the sender wants back."""
    letter = a_letter(served.office)
    sender.put("giay-moi.edxml", write(letter))
    sender.run()
    served.office.work()
    receiver.run()
    sender.put("thu-hoi.edxml", recall_of(letter, "Gửi nhầm nơi nhận"))
    assert sender.run() == 0
    served.office.work()
    return letter


def questions(receiver: AgentProcess) -> list[Path]:
    """The questions about recalls, wherever the office has put it."""
    return sorted([*receiver.root.glob("*.13.*"), *(receiver.root / "inbox").glob("*.13*")])


@pytest.mark.parametrize("moved_away", sampled([False, True], one_in=2))
@pytest.mark.parametrize("point", sampled([*RECALLING, ""], one_in=3))
def test_a_recall_comes_once_for_people_and_programs(
    served: Served, sender: AgentProcess, receiver: AgentProcess, point: str, moved_away: bool
) -> None:
    letter = asked_back(served, sender, receiver)
    if point:
        assert receiver.run(die_at=point) in DIED
    if moved_away:
        for path in questions(receiver):
            path.rename(receiver.root / path.name)
    assert receiver.run() == 0
    assert receiver.run() == 0
    for_programs, for_people = questions(receiver)
    assert for_programs.name.endswith("-1-vp.13.edxml")
    message = read(for_programs.read_bytes())
    assert isinstance(message, StatusMessage)
    assert (message.status, message.about.document_id) == (StatusCode.RECALL_ASKED, letter.document_id)
    text = for_people.read_text(encoding="utf-8")
    assert "yêu cầu thu hồi văn bản 1/VP “Phối hợp phân luồng giao thông”" in text
    assert "Lý do: Gửi nhầm nơi nhận" in text


@pytest.mark.long_proof
def test_the_answer_goes_back_and_a_new_question_comes_again(
    served: Served, sender: AgentProcess, receiver: AgentProcess
) -> None:
    letter = asked_back(served, sender, receiver)
    receiver.run()
    receiver.put("tu-choi.edxml", a_status(served.office, letter, StatusCode.RECALL_REFUSED, "Đã ban hành"))
    assert receiver.run() == 0
    sender.run()
    (states,) = (path for path in sender.receipts("states.txt") if "giay-moi" in path.parent.name)
    assert "Không đồng ý lấy lại" in states.read_text(encoding="utf-8")
    assert list(receiver.folders.asked.iterdir()) == []
    sender.put("thu-hoi-lan-2.edxml", recall_of(letter, "Sai nội dung"))
    sender.run()
    served.office.work()
    receiver.run()
    assert len(questions(receiver)) == 4
