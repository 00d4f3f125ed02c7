"""Odd things that people put into outbox/: names, links, folders, empty and half-written files, and files that
change."""

import hashlib
import os
import re
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from docex.agent.folders import Folders
from docex.agent.hub import Hub
from docex.agent.outbox import CUT_S, Outbox
from docex.agent.sending import Sender
from docex.agent.status_file import Board
from docex.documents.models import Dispatch
from kernel import clock
from tests.docex.agent.agents import LAID_ASIDE, AgentProcess
from tests.docex.agent.conftest import Served
from tests.docex.hub.systems import a_file
from tests.sampling import sampled

pytestmark = [pytest.mark.one_database("sqlite"), pytest.mark.long_proof]

NFC, NFD = (unicodedata.normalize(form, "Giấy mời họp số 12 (bản chính).edxml") for form in ("NFC", "NFD"))


def a_sender(agent: AgentProcess) -> Sender:
    """The sending part of an agent, in this process."""
    folders = agent.folders
    return Sender(folders, Hub(agent.reach), Board(folders, agent.url), threading.Event())


@contextmanager
def just_written(path: Path) -> Iterator[None]:
    """The clocks of the disk and of this machine stand where the disk says that the file was changed: on a slow machine
    seconds may have passed already."""
    with pytest.MonkeyPatch.context() as patch, clock.frozen(datetime.fromtimestamp(path.stat().st_ctime, UTC)):
        patch.setattr("docex.agent.outbox.time", SimpleNamespace(monotonic=lambda: clock.now().timestamp()))
        patch.setattr(Folders, "disk_time", lambda _: clock.now().timestamp())
        yield


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize(
    "name",
    sampled(
        [
            NFC,
            NFD,
            "  hai  dấu cách .edxml",
            "Đ" * 120 + ".edxml",
            "x" * 255,
            "văn-bản." + "y" * 120,
            "a\nb\t.edxml",
            "-rf --.edxml",
            "$(reboot);`x`.edxml",
            "không có đuôi",
            os.fsdecode(b"kh\xf4ng ph\xe3i utf8.edxml"),
        ],
        one_in=3,
    ),
)
def test_any_name_is_sent(served: Served, sender: AgentProcess, name: str) -> None:
    sender.put(name, a_file(served.office))
    assert sender.run() == 0
    assert sender.names("outbox") == []
    (sent,) = sender.names("sent")
    assert unicodedata.is_normalized("NFC", sent)
    (folder,) = (sender.root / "receipts").iterdir()
    assert (folder / "submitted.jws").exists()
    assert "\n" not in sent + folder.name


@pytest.mark.usefixtures("receiver")
def test_names_that_look_alike_stay_apart(served: Served, sender: AgentProcess) -> None:
    first, second = a_file(served.office, 1), a_file(served.office, 2)
    sender.put(NFC, first)
    sender.put(NFD, second)
    assert sender.run() == 0
    sent = {path.read_bytes() for path in (sender.root / "sent").iterdir()}
    assert sent == {first, second}
    assert sorted(sender.names("sent")) == sorted([NFC, NFC.replace(".edxml", "-2.edxml")])
    assert len(sender.receipts("submitted.jws")) == 2


def test_links_are_not_followed(served: Served, sender: AgentProcess, tmp_path: Path) -> None:
    secret = tmp_path / "mat.edxml"
    secret.write_bytes(a_file(served.office))
    outbox = sender.folders.outbox
    (outbox / "lien-ket.edxml").symlink_to(secret)
    (outbox / "dut.edxml").symlink_to(tmp_path / "khong-co")
    (outbox / "thu-muc.edxml").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(outbox / "ong.edxml")
    assert sender.run() == LAID_ASIDE
    assert sender.names("outbox") == []
    assert len([name for name in sender.names("error") if name.endswith(".reason.txt")]) == 4
    assert "outbox" in (sender.root / "error" / "lien-ket.edxml.reason.txt").read_text(encoding="utf-8")
    assert secret.exists()
    with served.office.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count(Dispatch.id))) == 0


def test_sub_folders_stay_and_are_told(served: Served, sender: AgentProcess) -> None:
    inner = sender.folders.outbox / "năm 2026"
    inner.mkdir()
    (inner / "a.edxml").write_bytes(a_file(served.office))
    assert sender.run() == 0
    assert sender.names("outbox") == ["năm 2026"]
    assert "- outbox/năm 2026: Thư mục con không được gửi" in sender.status


def test_unfinished_hidden_and_litter_stay(sender: AgentProcess) -> None:
    names = [".an", "Thumbs.db", "a.edxml.part", "b.TMP", "~$c.docx"]
    for name in names:
        sender.put(name, b"x")
    assert sender.run() == 0
    assert sender.names("outbox") == sorted(names)


def test_a_whole_edxml_file_is_taken_at_the_first_look(served: Served, tmp_path: Path) -> None:
    outbox = Outbox(Folders(tmp_path))
    path = outbox.folders.outbox / "a.edxml"
    data = a_file(served.office)
    path.write_bytes(data + b"\n\n")
    assert outbox.ready() == [path]
    path.write_bytes(b"\xef\xbb\xbf<!-- a --><?x y?>" + data[data.index(b"?>") + 2 :])
    assert outbox.ready() == [path]


@pytest.mark.parametrize(
    ("data", "needs_s"),
    [
        (b"", 10.0),
        (b"%PDF-1.7 ...", 3.0),
        (b"<?xml version='1.0'?><a><b></b>", CUT_S),
        (b"<?xml" + b"<?a?>" * 800, CUT_S),
    ],
)
def test_what_may_be_unfinished_has_to_lie_still(tmp_path: Path, data: bytes, needs_s: float) -> None:
    outbox = Outbox(Folders(tmp_path))
    path = outbox.folders.outbox / "a.edxml"
    path.write_bytes(data)
    with just_written(path):
        assert outbox.ready() == []
        clock.advance(timedelta(seconds=needs_s - 1))
        assert outbox.ready() == []
        clock.advance(timedelta(seconds=2))
        assert outbox.ready() == [path]


def test_a_file_that_still_grows_is_not_taken(tmp_path: Path) -> None:
    outbox = Outbox(Folders(tmp_path))
    path = outbox.folders.outbox / "a.edxml"
    path.write_bytes(b"<a>")
    assert outbox.ready() == []
    with path.open("ab") as file:
        file.write(b"<b/>")
        file.flush()
        assert outbox.ready() == []
        file.write(b"</a>")
        file.flush()
        assert outbox.ready() == [path]


def test_a_clock_that_is_ahead_of_the_disks_does_not_make_a_file_old(tmp_path: Path) -> None:
    """The times of a shared folder are its server's."""
    outbox = Outbox(Folders(tmp_path))
    with clock.frozen(clock.of_files() + timedelta(hours=1)):
        (outbox.folders.outbox / "a.edxml").write_bytes(b"<?xml version='1.0'?><a><b></b>")
        assert outbox.ready() == []
        assert outbox.ready() == []


def test_what_lay_there_before_the_agent_need_not_wait_again(tmp_path: Path) -> None:
    outbox = Outbox(Folders(tmp_path))
    path = outbox.folders.outbox / "a.pdf"
    path.write_bytes(b"%PDF-1.7 ...")
    time.sleep(3.1)
    assert outbox.ready() == [path]


def test_a_young_file_is_not_laid_aside_at_the_first_refusal(sender: AgentProcess) -> None:
    part = a_sender(sender)
    path = sender.put("a.edxml", b"<a></a>")
    with just_written(path):
        assert part.send() == 0
        assert path.exists()
        clock.advance(timedelta(seconds=4))
        assert part.send() == 1
    assert sender.names("error") == ["a.edxml", "a.edxml.reason.txt"]


def test_an_empty_file_is_laid_aside_with_the_reason(sender: AgentProcess) -> None:
    with just_written(sender.put("trong.edxml", b"")):
        part = a_sender(sender)
        assert part.send() == 0
        clock.advance(timedelta(seconds=11))
        assert part.send() == 1
    reason = (sender.root / "error" / "trong.edxml.reason.txt").read_text(encoding="utf-8")
    assert "[edxml_refused]" in reason


def test_what_went_to_error_is_told_until_the_office_takes_it_away(served: Served, sender: AgentProcess) -> None:
    """By name, time and reason; also by an agent that starts later, and not when it was mended."""
    sender.put("hỏng 1.edxml", b"<a></a>")
    assert sender.run() == LAID_ASIDE
    (line,) = [line for line in sender.status.splitlines() if "error/" in line]
    told = re.fullmatch(r"- (\d\d/\d\d/\d{4} \d\d:\d\d:\d\d) error/hỏng 1\.edxml: (.+) / (.+)", line)
    assert told is not None
    reason = (sender.root / "error" / "hỏng 1.edxml.reason.txt").read_text(encoding="utf-8").splitlines()
    assert [told[2], told[3]] == reason[:2]
    at = datetime.strptime(told[1], "%d/%m/%Y %H:%M:%S").replace(tzinfo=clock.VN)
    assert abs(at - datetime.fromisoformat(reason[2].split()[-1])) < timedelta(seconds=5)

    assert sender.run() == 0
    assert line in sender.status
    (sender.root / "error" / "hỏng 1.edxml").unlink()
    assert sender.run() == 0
    assert "error/" not in sender.status


def test_of_many_files_in_error_the_newest_are_told(sender: AgentProcess) -> None:
    folder = sender.folders.error
    for number in range(25):
        (folder / f"{number:02}.edxml").write_bytes(b"x")
        (folder / f"{number:02}.edxml.reason.txt").write_text(f"Lý do {number}\nReason\n[x] y\n", encoding="utf-8")
        os.utime(folder / f"{number:02}.edxml.reason.txt", (number, number))
    assert sender.run() == 0
    lines = [line for line in sender.status.splitlines() if "error/" in line]
    assert ("error/24.edxml: Lý do 24 / Reason" in lines[0], len(lines)) == (True, 21)
    assert lines[-1] == "- error/: … 5"


class _Meddled(Hub):
    """A hub under which somebody changes the file while it is handed in."""

    meddle: Callable[[], Any] = staticmethod(lambda: None)

    def submit(self, data: bytes, key: str) -> dict[str, Any]:
        answer = super().submit(data, key)
        self.meddle()
        return answer


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize("how", ["replaced", "written over", "taken back"])
def test_what_is_changed_while_it_is_sent_is_another_letter(served: Served, sender: AgentProcess, how: str) -> None:
    first, second = a_file(served.office, 1), a_file(served.office, 2)
    path = sender.put("a.edxml", first)
    part, hub = a_sender(sender), _Meddled(sender.reach)
    part.hub = hub
    other = sender.root / "other"
    other.write_bytes(second)
    acts: dict[str, Callable[[], Any]] = {
        "replaced": lambda: other.replace(path),
        "written over": lambda: path.write_bytes(second),
        "taken back": path.unlink,
    }
    hub.meddle = acts[how]
    assert part.send() == 0
    hub.meddle = lambda: None
    part.send()
    sent = [hashlib.sha256(data).hexdigest() for data in ([first] if how == "taken back" else [first, second])]
    with served.office.db.read() as tx:
        assert list(tx.session.scalars(sa.select(Dispatch.sha256).order_by(Dispatch.id))) == sent
    assert [(sender.root / "sent" / name).read_bytes() for name in sender.names("sent")] == (
        [] if how == "taken back" else [second]
    )
