"""A folder that cannot be written to: nothing is lost, the office is told why, and it goes on when there is room."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from docex.agent.errors import Unusable
from docex.agent.folders import Folders
from docex.documents.models import Dispatch
from kernel import clock
from tests.docex.agent.agents import REFUSED_TO_WORK, AgentProcess, Circumstances, until
from tests.docex.agent.conftest import Served
from tests.docex.agent.test_fetching import inbox, sent
from tests.docex.agent.test_folders import a_large_file
from tests.docex.agent.test_odd_files import a_sender, just_written
from tests.docex.hub.systems import a_file

pytestmark = [pytest.mark.one_database("sqlite"), pytest.mark.long_proof]

NOBODY = 65534
DISK_BYTES = 80 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 80 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], check=False)
    if made.returncode:
        pytest.skip("only root may mount a disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder in which an ordinary user can work, though root runs the tests."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def fill(disk: Path) -> Path:
    """A file that leaves no room at all."""
    path = disk / "day-o-dia"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass
    return path


@pytest.mark.usefixtures("receiver")
def test_a_full_disk_stops_sending_until_there_is_room(served: Served, sender: AgentProcess, disk: Path) -> None:
    sender.root = disk
    sender.put("giay-moi.edxml", a_file(served.office))
    ballast = fill(disk)
    assert sender.run() == REFUSED_TO_WORK
    assert sender.run() == REFUSED_TO_WORK
    assert sender.names("outbox") == ["giay-moi.edxml"]
    ballast.unlink()
    assert sender.run() == 0
    assert sender.names("sent") == ["giay-moi.edxml"]
    with served.office.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count(Dispatch.id))) == 1


def test_what_has_no_room_stays_at_the_hub(
    served: Served, sender: AgentProcess, receiver: AgentProcess, disk: Path
) -> None:
    data = a_file(served.office)
    sender.put("giay-moi.edxml", data)
    sender.run()
    served.office.work()
    receiver.root = disk
    receiver.folders  # noqa: B018 - made while there is room
    ballast = disk / "day-o-dia"
    ballast.write_bytes(b"\0" * (30 << 20))
    assert receiver.run() == REFUSED_TO_WORK
    assert "Ổ đĩa không đủ chỗ cho một văn bản" in receiver.status
    assert receiver.names("inbox") == []
    ballast.unlink()
    assert receiver.run() == 0
    assert next((disk / "inbox").iterdir()).read_bytes() == data
    assert "Đang hoạt động bình thường." in receiver.status


@pytest.mark.usefixtures("working")
def test_an_agent_at_work_goes_on_by_itself_when_there_is_room(
    served: Served, sender: AgentProcess, receiver: AgentProcess, disk: Path
) -> None:
    sender.root = disk
    sender.put("thu.edxml", a_file(served.office))
    ballast = fill(disk)
    sender.start()
    until(lambda: _dispatches(served) == 1)  # it has tried, and could keep nothing of what the hub said
    time.sleep(1)
    assert sender.is_alive
    assert sender.names("outbox") == ["thu.edxml"]
    ballast.unlink()
    until(lambda: sender.names("sent") == ["thu.edxml"])
    until(lambda: "Đang hoạt động bình thường." in sender.status)
    assert _dispatches(served) == 1


def _dispatches(served: Served) -> int:
    with served.office.db.read() as tx:
        return tx.session.scalar(sa.select(sa.func.count(Dispatch.id))) or 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_folder_that_may_not_be_written_to_is_said_at_the_start(
    served: Served, sender: AgentProcess, open_to_all: Path
) -> None:
    sender.root = open_to_all
    sender.put("giay-moi.edxml", a_file(served.office))
    (open_to_all / "outbox").chmod(0o755)  # others may look only
    sender.circumstances = Circumstances(user=NOBODY)
    assert sender.run() == REFUSED_TO_WORK
    assert _dispatches(served) == 0
    assert sender.names("outbox") == ["giay-moi.edxml"]


@pytest.mark.usefixtures("receiver")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_one_file_that_cannot_be_read_keeps_no_other_waiting(
    served: Served, sender: AgentProcess, open_to_all: Path
) -> None:
    sender.root = open_to_all
    sender.put("a.edxml", a_file(served.office))
    sender.put("khoa.edxml", a_file(served.office, 2)).chmod(0)
    for path in open_to_all.rglob("*"):
        if path.is_dir():
            path.chmod(0o777)
    sender.circumstances = Circumstances(user=NOBODY)
    assert sender.run() == REFUSED_TO_WORK
    assert sender.names("sent") == ["a.edxml"]
    assert "outbox/khoa.edxml: Tác tử không có quyền đọc" in sender.status


def test_one_that_is_too_large_for_the_file_system_keeps_no_other_waiting(
    served: Served, sender: AgentProcess, receiver: AgentProcess
) -> None:
    small = a_file(served.office, 2)
    sent(served, sender, a_large_file(served), small)
    receiver.circumstances = Circumstances(largest_file=2 << 20)
    assert receiver.run() == REFUSED_TO_WORK
    assert inbox(receiver) == [small]
    assert "- inbox/" in receiver.status
    assert "File too large" in receiver.status
    assert list(receiver.folders.parts.iterdir()) == []
    receiver.circumstances = Circumstances()
    assert receiver.run() == 0
    assert len(inbox(receiver)) == 2


@pytest.mark.usefixtures("receiver")
def test_one_file_that_the_disk_cannot_read_keeps_no_other_waiting(served: Served, sender: AgentProcess) -> None:
    damaged = sender.put("hong.edxml", b"")
    made = subprocess.run(["mount", "--bind", f"/proc/{os.getpid()}/mem", str(damaged)], check=False)
    if made.returncode:
        pytest.skip("only root may mount a disk")
    try:
        with just_written(damaged):
            part = a_sender(sender)
            part.send()
            clock.advance(timedelta(minutes=1))
            sender.put("a.edxml", a_file(served.office))
            assert part.send() == 1
        part.board.show()
        assert "- outbox/hong.edxml: Không làm việc được với hong.edxml: Input/output error" in sender.status
    finally:
        subprocess.run(["umount", "-l", str(damaged)], check=True)
    assert sender.names("sent") == ["a.edxml"]


def test_folders_on_two_disks_are_refused(disk: Path, tmp_path: Path) -> None:
    root = tmp_path / "office"
    root.mkdir()
    (root / "inbox").symlink_to(disk, target_is_directory=True)
    with pytest.raises(Unusable, match="cùng một ổ đĩa"):
        Folders(root)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "office").write_text("a file")
    with pytest.raises(Unusable):
        Folders(tmp_path / "office")
