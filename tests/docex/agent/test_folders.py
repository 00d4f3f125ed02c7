"""Offices exchange files through folders, and a kill at any marked point changes nothing about what arrives."""

import hashlib
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from docex.agent.errors import Busy
from docex.agent.folders import Folders, bring, code_name, free_name, move, plain, stem_of
from docex.agent.hub import Hub
from docex.agent.main_loop import run
from docex.documents.models import Dispatch, StatusLog
from docex.edxml.model import Attachment
from tests.docex.agent.agents import DIED, LAID_ASIDE, AgentProcess, until
from tests.docex.agent.conftest import Served
from tests.docex.hub.systems import a_file
from tests.docex.office import a_pdf
from tests.sampling import sampled

ROOT = Path(__file__).resolve().parents[3]
SENDING = ("agent.submitted", "agent.submission_kept", "agent.receipt_kept", "agent.leaving", "agent.sent")
LARGE = ("agent.announced", "agent.piece_sent", "agent.uploaded")
FETCHING = (
    "agent.piece_kept",
    "agent.downloaded",
    "agent.ready",
    "agent.marked",
    "agent.delivered",
    "agent.acknowledged",
    "agent.retrieval_kept",
)
REFUSING = ("agent.leaving", "agent.reason_kept", "agent.laid_aside")
FOLLOWING = ("agent.evidence_kept", "agent.states_told", "agent.states_kept")
LOSING = ("agent.loss_told",)
RECALLING = ("agent.recall_written", "agent.recall_noted", "agent.recall_told")


def a_large_file(served: Served) -> bytes:
    """Over the size up to which a file is handed in with one call."""
    noise = hashlib.shake_256(b"noise").digest(5_000_000)
    papers = (Attachment("22222222-2222-4222-8222-222222222222", "ban-do.bin", noise),)
    own = Attachment("11111111-1111-4111-8111-111111111111", "1.pdf", a_pdf())
    return a_file(served.office, attachments=(own, *papers))


def test_every_marked_point_of_the_agent_is_tried() -> None:
    marked = set()
    for path in (ROOT / "docex" / "agent").rglob("*.py"):
        marked |= set(re.findall(r'faults\.point\("([a-z_.]+)"\)', path.read_text()))
    assert marked == {*SENDING, *LARGE, *FETCHING, *REFUSING, *FOLLOWING, *LOSING, *RECALLING}


@pytest.mark.both_databases
def test_a_letter_goes_from_one_folder_to_another(served: Served, sender: AgentProcess, receiver: AgentProcess) -> None:
    data = a_file(served.office)
    sender.put("giay-moi.edxml", data)
    assert sender.run() == 0
    served.office.work()
    assert sender.names("outbox") == []
    assert sender.names("sent") == ["giay-moi.edxml"]
    assert receiver.run() == 0
    (name,) = receiver.names("inbox")
    assert (receiver.root / "inbox" / name).read_bytes() == data
    assert name.endswith("-1-vp.edxml")
    assert any(one.endswith(".retrieved.jws") for one in receiver.names("receipts"))
    assert sender.run() == 0
    assert [path.name for path in sorted((sender.root / "receipts").glob("giay-moi.*/*"))] == [
        "H98.07.available.jws",
        "H98.07.retrieved.jws",
        "states.json",
        "states.txt",
        "submitted.jws",
    ]
    (told,) = sender.receipts("states.txt")
    assert "H98.07  Sở Giao thông tỉnh Bạn: Đã đến, chờ văn thư / " in told.read_text(encoding="utf-8")
    assert "Đang hoạt động bình thường. / " in sender.status


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize("point", sampled(SENDING, one_in=4))
def test_killed_while_sending_it_sends_once(served: Served, sender: AgentProcess, point: str) -> None:
    sender.put("giay-moi.edxml", a_file(served.office))
    assert sender.run(die_at=point) in DIED
    assert sender.run() == 0
    _was_sent_once(served, sender)


@pytest.mark.long_proof
@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize("point", sampled([*LARGE, *SENDING], one_in=5))
def test_killed_while_sending_a_large_file_it_sends_once(served: Served, sender: AgentProcess, point: str) -> None:
    sender.put("giay-moi.edxml", a_large_file(served))
    assert sender.run(die_at=point) in DIED
    assert sender.run() == 0
    _was_sent_once(served, sender)


def _was_sent_once(served: Served, sender: AgentProcess) -> None:
    assert sender.names("outbox") == []
    assert sender.names("sent") == ["giay-moi.edxml"]
    assert len(sender.receipts("submitted.jws")) == 1
    with served.office.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count(Dispatch.id))) == 1


@pytest.mark.parametrize("moved_away", [False, True])
@pytest.mark.parametrize("point", sampled(FETCHING, one_in=5))
def test_killed_while_fetching_it_delivers_once(
    served: Served, sender: AgentProcess, receiver: AgentProcess, point: str, moved_away: bool
) -> None:
    data = a_file(served.office)
    sender.put("giay-moi.edxml", data)
    sender.run()
    served.office.work()
    assert receiver.run(die_at=point) in DIED
    found = list((receiver.root / "inbox").iterdir())
    if moved_away:  # the office is quick: a file that is gone from inbox/ must not come again
        for path in found:
            path.rename(receiver.root / path.name)
    assert receiver.run() == 0
    everywhere = [*receiver.root.glob("*.edxml"), *(receiver.root / "inbox").iterdir()]
    assert [path.read_bytes() for path in everywhere] == [data]
    assert len([name for name in receiver.names("receipts") if name.endswith(".retrieved.jws")]) == 1
    with served.office.db.read() as tx:
        arrived = sa.select(sa.func.count(StatusLog.id)).where(StatusLog.code == "01", StatusLog.counted)
        assert tx.session.scalar(arrived) == 1
    assert receiver.run() == 0
    assert [*receiver.root.glob("*.edxml"), *(receiver.root / "inbox").iterdir()] == everywhere


@pytest.mark.long_proof
@pytest.mark.parametrize("point", sampled(REFUSING, one_in=3))
def test_killed_while_laying_aside_it_lays_aside_once(sender: AgentProcess, point: str) -> None:
    sender.put("ghi-chu.edxml", "<a>Không phải văn bản</a>".encode())
    assert sender.run(die_at=point) in DIED
    # Killed after it had laid it aside, the next run has nothing left to tell.
    assert sender.run() == (0 if point == "agent.laid_aside" else LAID_ASIDE)
    assert sender.names("outbox") == []
    assert sender.names("error") == ["ghi-chu.edxml", "ghi-chu.edxml.reason.txt"]
    vi, en, code = (sender.root / "error" / "ghi-chu.edxml.reason.txt").read_text(encoding="utf-8").splitlines()
    assert vi != en
    assert code.startswith("[edxml_refused] ")


def test_two_agents_do_not_share_a_folder(sender: AgentProcess) -> None:
    with sender.folders.alone(), pytest.raises(Busy):
        run(sender.reach, sender.root, once=True)


@pytest.mark.long_proof
def test_a_started_agent_ends_when_it_is_told(served: Served, sender: AgentProcess) -> None:
    sender.start()
    until((sender.folders.root / "status.txt").exists)  # it has begun, and listens to signals
    assert Hub(sender.reach).waiting(0).items == []
    assert sender.stop() == 0


def test_what_has_a_name_already_is_never_replaced(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ready", tmp_path / "a.edxml"
    ours.write_text("ours")
    theirs.write_text("theirs")
    with pytest.raises(FileExistsError):
        move(ours, theirs)
    assert (ours.read_text(), theirs.read_text()) == ("ours", "theirs")
    assert bring(ours, tmp_path, "a.edxml").name == "a-2.edxml"
    assert theirs.read_text() == "theirs"


def test_evidence_is_never_replaced(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    path = folders.receipts / "7-vp.retrieved.jws"
    for text in (b"first", b"first", b"second"):
        folders.keep(path, text)
    assert [one.read_bytes() for one in sorted(folders.receipts.iterdir(), reverse=True)] == [b"first", b"second"]


@pytest.mark.usefixtures("receiver")
def test_what_could_go_no_further_is_sent_again(served: Served, sender: AgentProcess) -> None:
    sender.start()
    until((sender.root / "status.txt").exists)
    (sender.folders.leaving / "a.edxml").write_bytes(a_file(served.office))  # as when the disk is full just then
    until(lambda: sender.names("sent") == ["a.edxml"])


def test_names_stay_apart_and_plain(tmp_path: Path) -> None:
    (tmp_path / "a.edxml").touch()
    (tmp_path / "a-2.edxml").touch()
    assert free_name(tmp_path, "a.edxml").name == "a-3.edxml"
    assert plain("125/QĐ-UBND../..") == "125-qd-ubnd"
    assert plain("///") == "van-ban"
    assert code_name("../../H98") == "-..-H98"
    assert stem_of("Giấy mời họp\n.edxml") == "Giấy mời họp-"
