"""Deliveries that wait at the hub come into inbox/: whole, once, urgent things first; one keeps no other waiting."""

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.agent.fetching import Fetcher
from docex.agent.hub import Hub, Page, Waiting
from docex.agent.sending import Sender
from docex.agent.status_file import Board
from docex.documents.models import Delivery
from docex.edxml.codes import Priority
from docex.edxml.model import Attachment, Organ, OtherInfo
from docex.edxml.progress import Progress
from docex.exchange.hub import mailbox
from docex.exchange.hub.models import Parcel, Upload
from docex.exchange.hub.operators import interventions
from tests.docex.agent.agents import DIED, AgentProcess, Circumstances, until
from tests.docex.agent.conftest import Served
from tests.docex.agent.test_folders import a_large_file
from tests.docex.agent.test_following import expire
from tests.docex.hub.systems import a_file

pytestmark = [pytest.mark.one_database("sqlite"), pytest.mark.long_proof]


class Spied(Hub):
    """The hub, with what was asked of it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.got: list[tuple[int, int]] = []
        self.leases = 0
        self.polls: list[str] = []

    def download(self, one: Waiting, target: Path) -> Iterator[int]:
        """Notes from where to where bytes were fetched."""
        have = target.stat().st_size if target.exists() else 0
        for now in super().download(one, target):
            self.got.append((have, now))
            have = now
            yield now

    def lease(self, number: int) -> int:
        """Counts."""
        self.leases += 1
        return super().lease(number)

    def waiting(self, wait_s: int, after: str = "") -> Page:
        """Notes where the question began."""
        self.polls.append(after)
        return super().waiting(wait_s, after)


def a_fetcher(agent: AgentProcess) -> tuple[Fetcher, Spied]:
    """The fetching part of an agent, in this process."""
    folders, hub = agent.folders, Spied(agent.reach)
    return Fetcher(folders, hub, Board(folders, agent.url), threading.Event()), hub


def sent(served: Served, sender: AgentProcess, *files: bytes) -> None:
    """The sender's letters wait at the hub."""
    for number, data in enumerate(files, start=1):
        sender.put(f"{number}.edxml", data)
    assert sender.run() == 0
    served.office.work()


def inbox(receiver: AgentProcess) -> list[bytes]:
    """The files that came, in the order of the deliveries."""
    found = sorted((receiver.root / "inbox").iterdir(), key=lambda path: int(path.name.split("-")[0]))
    return [path.read_bytes() for path in found]


def test_a_cut_download_goes_on_where_it_broke_off(
    served: Served, sender: AgentProcess, receiver: AgentProcess
) -> None:
    data = a_large_file(served)
    sent(served, sender, data)
    fetcher, hub = a_fetcher(receiver)
    assert receiver.run(die_at="agent.piece_kept") in DIED
    (part,) = receiver.folders.parts.iterdir()
    have = part.stat().st_size
    assert 0 < have < len(data)
    assert fetcher.fetch(0) == 1
    assert inbox(receiver) == [data]
    assert hub.got[0][0] == have


def test_a_large_file_that_was_cut_is_sent_on_from_the_last_piece(
    served: Served, sender: AgentProcess, receiver: AgentProcess
) -> None:
    sender.put("lon.edxml", a_large_file(served))
    assert sender.run(die_at="agent.piece_sent") in DIED

    class Counting(Hub):
        offsets: list[int] = []  # noqa: RUF012 - one test, one list

        def put_piece(self, upload: Any, offset: int, data: bytes) -> Any:
            self.offsets.append(offset)
            return super().put_piece(upload, offset, data)

    folders = sender.folders
    part = Sender(folders, Counting(sender.reach), Board(folders, sender.url), threading.Event())
    assert part.send() == 1
    assert Counting.offsets[0] == 1 << 20
    assert sender.names("sent") == ["lon.edxml"]


def test_a_long_download_keeps_its_lease(
    served: Served, sender: AgentProcess, receiver: AgentProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docex.agent.fetching.RENEW_S", 0.0)
    data = a_large_file(served)
    sent(served, sender, data)
    fetcher, hub = a_fetcher(receiver)
    assert fetcher.fetch(0) == 1
    assert hub.leases == 1 + len(hub.got) > 2
    assert inbox(receiver) == [data]
    assert [name.endswith(".retrieved.jws") for name in receiver.names("receipts")] == [True]


def test_a_long_download_ends_when_another_system_has_taken_over(
    served: Served, sender: AgentProcess, receiver: AgentProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docex.agent.fetching.RENEW_S", 0.0)
    sent(served, sender, a_large_file(served))

    class Overtaken(Spied):
        def lease(self, number: int) -> int:
            token = super().lease(number)
            with served.office.db.write() as tx:
                parcel = tx.session.get_one(Parcel, number)
                parcel.leased_by, parcel.lease_token = None, token + 1
            return token

    folders = receiver.folders
    hub = Overtaken(receiver.reach)
    fetcher = Fetcher(folders, hub, Board(folders, receiver.url), threading.Event())
    assert fetcher.fetch(0) == 0
    assert (hub.leases, len(hub.got)) == (2, 1)
    assert receiver.names("inbox") == []
    assert list(folders.marks.iterdir()) == []


def test_a_damaged_download_is_thrown_away(served: Served, sender: AgentProcess, receiver: AgentProcess) -> None:
    data = a_file(served.office)
    sent(served, sender, data)
    fetcher, hub = a_fetcher(receiver)
    (one,) = hub.waiting(0).items
    (receiver.folders.parts / f"{one.id}-{one.sha256[:16]}").write_bytes(b"x" * 1000)
    assert fetcher.fetch(0) == 0
    assert receiver.names("inbox") == []
    fetcher, hub = a_fetcher(receiver)
    assert fetcher.fetch(0) == 1
    assert inbox(receiver) == [data]


def test_one_that_does_not_work_keeps_no_other_waiting_and_is_tried_again(
    served: Served, sender: AgentProcess, receiver: AgentProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docex.agent.fetching.AGAIN_S", 3600.0)  # on a slow machine half a minute may pass
    first, second, third = (a_file(served.office, number) for number in (1, 2, 3))
    sent(served, sender, first, second)
    fetcher, hub = a_fetcher(receiver)
    bad = hub.waiting(0).items[0]
    (receiver.folders.parts / f"{bad.id}-{bad.sha256[:16]}").write_bytes(b"x" * 1000)
    assert fetcher.fetch(0) == 1
    assert inbox(receiver) == [second]
    # It now asks behind the bad one, so that the hub holds the answer back until something new comes.
    begun = time.monotonic()
    assert fetcher.fetch(2) == 0
    assert time.monotonic() - begun > 1.5
    assert hub.polls[-1]
    sent(served, sender, third)
    assert fetcher.fetch(2) == 1
    fetcher._again_at = time.monotonic()
    assert fetcher.fetch(0) == 1
    assert len(inbox(receiver)) == 3


def test_urgent_things_come_first(served: Served, sender: AgentProcess, receiver: AgentProcess) -> None:
    plain, urgent = a_file(served.office, 1), a_file(served.office, 2, other=OtherInfo(priority=Priority.EXPRESS))
    sent(served, sender, plain, urgent)
    came: list[int] = []

    class Noting(Spied):
        def lease(self, number: int) -> int:
            came.append(number)
            return super().lease(number)

    folders, hub = receiver.folders, Noting(receiver.reach)
    urgencies = {one.id: one.urgency for one in hub.waiting(0).items}
    Fetcher(folders, hub, Board(folders, receiver.url), threading.Event()).fetch(0)
    assert [urgencies[number] for number in came] == [3, 0]


def test_what_another_system_fetches_is_left_to_it(
    served: Served, sender: AgentProcess, receiver: AgentProcess
) -> None:
    sent(served, sender, a_file(served.office))
    with served.office.db.read() as tx:
        agency_id = tx.session.scalars(sa.select(Parcel.agency_id)).one()
    other = Hub(type(receiver.reach)(served.url, served.credentials(agency_id)))
    (one,) = other.waiting(0).items
    token = other.lease(one.id)
    fetcher, _ = a_fetcher(receiver)
    assert fetcher.fetch(0) == 0
    assert receiver.names("inbox") == []
    assert fetcher.board.is_clean
    other.acknowledge(one.id, token, one.sha256)


def test_what_expired_after_it_was_delivered_does_not_come_twice(
    served: Served, sender: AgentProcess, receiver: AgentProcess
) -> None:
    """It was in inbox/, the agent died before it could say so, the term ended, and the operator laid it out again."""
    data = a_file(served.office)
    sent(served, sender, data)
    assert receiver.run(die_at="agent.delivered") in DIED
    expire(served)
    assert receiver.run() == 0
    with served.office.db.write() as tx:
        parcel = tx.session.scalars(sa.select(Parcel)).one()
        tx.session.get_one(Delivery, parcel.delivery_id).progress = Progress.AVAILABLE
        mailbox.lay_again(tx, parcel)
    assert receiver.run() == 0
    assert inbox(receiver) == [data]
    assert len([name for name in receiver.names("receipts") if name.endswith(".retrieved.jws")]) == 1


def test_a_held_mailbox_is_asked_calmly(served: Served, sender: AgentProcess, receiver: AgentProcess) -> None:
    sent(served, sender, a_file(served.office))
    with served.office.db.read() as tx:
        agency_id = tx.session.scalars(sa.select(Parcel.agency_id)).one()
    Hub(receiver.reach).waiting(0)
    admin = served.office.cast.admin
    with served.office.db.write(admin.by) as tx:
        interventions.hold(tx, admin, agency_id, "Kiểm tra")
    fetcher, _ = a_fetcher(receiver)
    begun = time.monotonic()
    assert fetcher.fetch(2) == 0
    assert time.monotonic() - begun >= 1.9
    with served.office.db.write(admin.by) as tx:
        interventions.release(tx, admin, agency_id)
    assert fetcher.fetch(0) == 1


def test_more_than_a_page_comes(served: Served, sender: AgentProcess, receiver: AgentProcess) -> None:
    receivers = (Organ("H98.07", "Xa"),)
    files = [a_file(served.office, number, receivers=receivers) for number in range(1, 104)]
    sent(served, sender, *files)
    fetcher, _ = a_fetcher(receiver)
    assert fetcher.fetch(0) == 100
    assert fetcher.fetch(0) == 3
    assert sorted(inbox(receiver)) == sorted(files)


@pytest.mark.long_proof  # two letters of many megabytes; `scripts/bench bigfile` measures the hub's side
def test_a_large_letter_takes_no_more_memory_than_a_small_one(
    served: Served, sender: AgentProcess, receiver: AgentProcess, tmp_path: Path
) -> None:
    noise = hashlib.shake_256(b"noise").digest(30_000_000)
    paper = Attachment("11111111-1111-4111-8111-111111111111", "ban-do.bin", noise)
    small, large = a_file(served.office, 1), a_file(served.office, 2, attachments=(paper,))
    peaks: dict[str, list[int]] = {"sending": [], "fetching": []}
    for number, data in enumerate((small, large)):
        sender.circumstances = Circumstances(peak_to=str(tmp_path / f"s{number}"))
        receiver.circumstances = Circumstances(peak_to=str(tmp_path / f"r{number}"))
        sent(served, sender, data)
        assert receiver.run() == 0
        peaks["sending"].append(int((tmp_path / f"s{number}").read_text()))
        peaks["fetching"].append(int((tmp_path / f"r{number}").read_text()))
    assert sorted(map(len, inbox(receiver))) == [len(small), len(large)]
    for small_kb, large_kb in peaks.values():
        assert large_kb - small_kb < 12_000, peaks


@pytest.mark.one_database("sqlite")
def test_a_file_beyond_all_measure_is_refused_clearly_before_a_byte_is_sent(
    app: Flask, served: Served, sender: AgentProcess
) -> None:
    parts, most = app.extensions["lienthong"], 200_000_000
    app.extensions["lienthong"] = replace(parts, config=replace(parts.config, chunked_max_bytes=most))
    path = sender.folders.outbox / "lon.edxml"
    with path.open("wb") as file:
        file.write(b"<a>")
        file.truncate(most)  # sparse: it takes no room
        file.seek(0, 2)
        file.write(b"</a>")
    folders = sender.folders
    part = Sender(folders, Hub(sender.reach), Board(folders, sender.url), threading.Event())
    until(part.send)
    vi, en, code = (sender.root / "error" / "lon.edxml.reason.txt").read_text(encoding="utf-8").splitlines()
    limit = f"{most // 1_000_000} MB"
    assert limit in vi
    assert limit in en
    assert "too_large" in code
    with served.office.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Upload)) == 0
