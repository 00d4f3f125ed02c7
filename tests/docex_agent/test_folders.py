"""Offices exchange files through folders, whatever happens to the agent, the hub or the network."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from docex.agent import rounds
from docex.agent.folders import Busy, Folders, free_name, plain
from docex.agent.hub import Credentials, Hub, Unreachable
from docex.agent.running import run
from docex.models import Dispatch, StatusLog
from tests.docex_agent.agents import REFUSED_TO_WORK, AgentProcess
from tests.docex_agent.conftest import Served
from tests.docex_hub.systems import a_file
from web.cli import main

ROOT = Path(__file__).resolve().parents[2]
SENDING = ("agent.submitted", "agent.receipt_kept", "agent.sent")
FETCHING = ("agent.downloaded", "agent.ready", "agent.marked", "agent.delivered", "agent.acknowledged")
REFUSING = ("agent.reason_kept",)
KILLED = -9


def test_every_marked_point_of_the_agent_is_tried() -> None:
    marked = set()
    for path in (ROOT / "docex" / "agent").rglob("*.py"):
        marked |= set(re.findall(r'faults\.point\("([a-z_.]+)"\)', path.read_text()))
    assert marked == {*SENDING, *FETCHING, *REFUSING}


def test_a_letter_goes_from_one_folder_to_another(served: Served, sender: AgentProcess, receiver: AgentProcess) -> None:
    data = a_file(served.office)
    sender.put("giay-moi.edxml", data)
    assert sender.run() == 0
    served.office.work()
    assert sender.names("outbox") == []
    assert sender.names("sent") == ["giay-moi.edxml"]
    assert any(name.endswith(".submitted.jws") for name in sender.names("receipts"))
    assert receiver.run() == 0
    (name,) = receiver.names("inbox")
    assert (receiver.root / "inbox" / name).read_bytes() == data
    assert name.endswith("-1-vp.edxml")
    assert any(one.endswith(".retrieved.jws") for one in receiver.names("receipts"))
    assert sender.run() == 0
    (states,) = (path for path in (sender.root / "receipts").iterdir() if path.name.endswith(".states.json"))
    assert '"state": "01"' in states.read_text()


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize("point", SENDING)
def test_killed_while_sending_it_sends_once(served: Served, sender: AgentProcess, point: str) -> None:
    data = a_file(served.office)
    sender.put("giay-moi.edxml", data)
    assert sender.run(die_at=point) == KILLED
    assert sender.run() == 0
    assert sender.names("outbox") == []
    assert sender.names("sent") == ["giay-moi.edxml"]
    assert len([name for name in sender.names("receipts") if name.endswith(".jws")]) == 1
    with served.office.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count(Dispatch.id))) == 1


@pytest.mark.parametrize("moved_away", [False, True])
@pytest.mark.parametrize("point", FETCHING)
def test_killed_while_fetching_it_delivers_once(
    served: Served, sender: AgentProcess, receiver: AgentProcess, point: str, moved_away: bool
) -> None:
    data = a_file(served.office)
    sender.put("giay-moi.edxml", data)
    sender.run()
    served.office.work()
    assert receiver.run(die_at=point) == KILLED
    found = list((receiver.root / "inbox").iterdir())
    if moved_away:  # the office is quick: a file that is gone from inbox/ must not come again
        for path in found:
            path.rename(receiver.root / path.name)
    assert receiver.run() == 0
    everywhere = [*receiver.root.glob("*.edxml"), *(receiver.root / "inbox").iterdir()]
    assert [path.read_bytes() for path in everywhere] == [data]
    with served.office.db.read() as tx:
        arrived = sa.select(sa.func.count(StatusLog.id)).where(StatusLog.code == "01", StatusLog.counted)
        assert tx.session.scalar(arrived) == 1
    assert receiver.run() == 0
    assert [*receiver.root.glob("*.edxml"), *(receiver.root / "inbox").iterdir()] == everywhere


def test_what_can_never_be_sent_is_laid_aside_with_the_reason(served: Served, sender: AgentProcess) -> None:
    sender.put("ghi-chu.txt", "Không phải văn bản điện tử".encode())
    sender.put("trong.edxml", b"")
    assert sender.run(die_at="agent.reason_kept") == KILLED
    assert sender.run() == 0
    assert sender.names("outbox") == []
    laid = sender.names("error")
    assert {"ghi-chu.txt", "trong.edxml", "trong.edxml.txt"} <= set(laid)
    reason = (sender.root / "error" / "trong.edxml.txt").read_text(encoding="utf-8").splitlines()
    assert reason[0] != reason[1]
    assert "[" in reason[2]


def test_a_cut_download_goes_on_where_it_broke_off(
    served: Served, sender: AgentProcess, receiver: AgentProcess
) -> None:
    data = a_file(served.office)
    sender.put("giay-moi.edxml", data)
    sender.run()
    served.office.work()
    folders = receiver.folders
    hub = Hub(served.url, receiver.credentials, name="test")
    (one,) = hub.waiting(0)
    (folders.parts / str(one.id)).write_bytes(data[:1000])
    assert rounds.fetch(folders, hub, 0) == 1
    assert next((receiver.root / "inbox").iterdir()).read_bytes() == data


def test_a_damaged_download_is_thrown_away(served: Served, sender: AgentProcess, receiver: AgentProcess) -> None:
    data = a_file(served.office)
    sender.put("giay-moi.edxml", data)
    sender.run()
    served.office.work()
    folders, hub = receiver.folders, Hub(served.url, receiver.credentials, name="test")
    (one,) = hub.waiting(0)
    (folders.parts / str(one.id)).write_bytes(b"x" * 1000)
    assert rounds.fetch(folders, hub, 0) == 0
    assert receiver.names("inbox") == []
    assert rounds.fetch(folders, hub, 0) == 1
    assert next((receiver.root / "inbox").iterdir()).read_bytes() == data


def test_a_file_that_still_grows_is_not_taken(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    path = folders.outbox / "lon.edxml"
    path.write_bytes(b"first half")
    assert folders.waiting() == []
    path.write_bytes(b"first half and second half")
    assert folders.waiting() == []
    assert folders.waiting() == [path]


def test_unfinished_and_hidden_files_stay(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    for name in (".an", "a.edxml.part", "b.TMP"):
        (folders.outbox / name).write_bytes(b"x")
    (folders.outbox / "thu-muc").mkdir()
    folders.waiting()
    assert folders.waiting() == []


def test_a_hub_that_is_away_loses_nothing(sender: AgentProcess) -> None:
    sender.url = "http://127.0.0.1:9"
    sender.put("giay-moi.edxml", b"x")
    assert sender.run() == REFUSED_TO_WORK
    assert sender.names("outbox") == ["giay-moi.edxml"]


def test_wrong_credentials_lose_nothing(served: Served, sender: AgentProcess) -> None:
    sender.credentials = Credentials(sender.credentials.client_id, "sai")
    sender.put("giay-moi.edxml", a_file(served.office))
    assert sender.run() == REFUSED_TO_WORK
    assert sender.names("outbox") == ["giay-moi.edxml"]


def test_a_receipt_that_the_hub_did_not_sign_is_not_believed(served: Served, sender: AgentProcess) -> None:
    hub = Hub(served.url, sender.credentials, name="test")
    with pytest.raises(Unreachable):
        hub.check("eyJhbGciOiJFUzI1NiJ9.e30.AAAA")


def test_two_agents_do_not_share_a_folder(served: Served, sender: AgentProcess) -> None:
    with sender.folders.alone(), pytest.raises(Busy):
        run(served.url, sender.root, sender.credentials, once=True)


@pytest.mark.usefixtures("receiver")
def test_the_command_serves_a_folder(served: Served, sender: AgentProcess, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(sender.credentials.secret + "\n")
    sender.put("giay-moi.edxml", a_file(served.office))
    options = ["--hub", served.url, "--dir", str(sender.root), "--client-id", sender.credentials.client_id]
    done = CliRunner().invoke(main, ["agent", *options, "--secret-file", str(secret), "--once"])
    assert done.exit_code == 0, done.output
    assert sender.names("sent") == ["giay-moi.edxml"]
    away = CliRunner().invoke(
        main, ["agent", "--hub", "http://127.0.0.1:9", *options[2:], "--secret-file", str(secret), "--once"]
    )
    assert away.exit_code == 1
    assert "Traceback" not in away.output


def test_names_stay_apart_and_plain(tmp_path: Path) -> None:
    (tmp_path / "a.edxml").touch()
    (tmp_path / "a-2.edxml").touch()
    assert free_name(tmp_path, "a.edxml").name == "a-3.edxml"
    assert plain("125/QĐ-UBND../..") == "125-qd-ubnd"
    assert plain("///") == "van-ban"
