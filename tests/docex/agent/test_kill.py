"""Two offices send each other sixty letters while their agents are killed at random; nothing is lost, nothing comes
twice, and every receipt is the one that the hub gave first."""

import hashlib
import random
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from docex.documents.models import Delivery, Dispatch, StatusLog
from docex.edxml import write
from docex.edxml.model import Organ
from docex.exchange.hub.models import Parcel, Receipt
from docex.exchange.hub.states import ParcelState
from tests.docex.agent.agents import AgentProcess
from tests.docex.agent.conftest import Served
from tests.docex.agent.test_folders import FETCHING, FOLLOWING, SENDING
from tests.docex.hub.systems import FAR, a_letter, an_agency

LETTERS = 60
KILLS = 30
TIMEOUT_S = 600.0


@pytest.fixture
def offices(served: Served, tmp_path: Path) -> list[AgentProcess]:
    """Both are served by agents: letters to the city office go into its mailbox too."""
    far = an_agency(served.office, FAR, "Sở Giao thông tỉnh Bạn")
    near = an_agency(served.office, "H97.01", "Sở Xây dựng tỉnh Bạn")
    return [AgentProcess(served.url, tmp_path / str(number), served.credentials(number)) for number in (far, near)]


@pytest.mark.timeout(1200)  # a minute alone
@pytest.mark.long_proof  # every point of dying is tried alone in test_folders and test_fetching
@pytest.mark.one_database("sqlite")
@pytest.mark.usefixtures("working")
def test_thirty_kills_at_random_change_nothing(served: Served, offices: list[AgentProcess]) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    chance = random.Random(seed)
    codes = (FAR, "H97.01")
    written = [letters(served, codes[side], codes[1 - side]) for side in (0, 1)]
    kept: list[list[Path]] = [[], []]
    to_put = [(side, number) for side in (0, 1) for number in range(LETTERS)]
    chance.shuffle(to_put)
    try:
        for office in offices:
            office.start()
        for number in range(KILLS):
            for side, which in to_put[number * 4 : number * 4 + 4]:
                offices[side].put(f"{which}.edxml", written[side][which])
            time.sleep(chance.uniform(0.0, 0.7))
            side = chance.randrange(2)
            offices[side].kill()
            if chance.random() < 0.5:  # the office moves away what came
                kept[side] += _moved_away(offices[side])
            point = chance.choice([*SENDING, *FETCHING, *FOLLOWING])
            offices[side].start(die_at=point if chance.random() < 0.5 else "")  # half of them die again by themselves
        end = time.monotonic() + TIMEOUT_S
        while not _is_over(offices, kept) and time.monotonic() < end:
            for office in offices:
                if not office.is_alive:
                    office.start()
            time.sleep(0.1)
    finally:
        for office in offices:
            office.end()
    for office in offices:
        assert office.run() == 0
    for side in (0, 1):
        _check_folders(offices[side], written[side], written[1 - side], kept[side], seed)
    _check_hub(served, offices, [*written[0], *written[1]], seed)


def letters(served: Served, sender: str, receiver: str) -> list[bytes]:
    """Sixty letters from one to the other."""
    plain = a_letter(served.office)
    return [
        write(
            replace(
                plain,
                sender=Organ(sender, "Nơi gửi"),
                receivers=(Organ(receiver, "Nơi nhận"),),
                document_id=f"{sender},2026/03/02,{number}/VP",
                number=str(number),
            )
        )
        for number in range(LETTERS)
    ]


def _moved_away(office: AgentProcess) -> list[Path]:
    away = office.root / "cua-van-phong"
    away.mkdir(exist_ok=True)
    return [path.rename(away / path.name) for path in _letters_in(office)]


def _letters_in(office: AgentProcess) -> list[Path]:
    """The letters that an office's program sees: no hidden files."""
    return [path for path in (office.root / "inbox").iterdir() if not path.name.startswith(".")]


def _is_over(offices: list[AgentProcess], kept: list[list[Path]]) -> bool:
    return all(
        len(office.names("sent")) == LETTERS
        and len(office.names("inbox")) + len(kept[side]) == LETTERS
        and len(office.receipts("*.retrieved.jws")) == LETTERS
        for side, office in enumerate(offices)
    )


def _check_folders(office: AgentProcess, sent: list[bytes], expected: list[bytes], kept: list[Path], seed: int) -> None:
    came = [*kept, *_letters_in(office)]
    assert Counter(path.read_bytes() for path in came) == Counter(expected), seed
    assert {path.read_bytes() for path in (office.root / "sent").iterdir()} == set(sent), seed
    assert len(office.names("sent")) == LETTERS, seed
    assert office.names("outbox") == office.names("error") == [], seed
    assert len([name for name in office.names("receipts") if name.endswith(".retrieved.jws")]) == LETTERS, seed
    left = [path for path in (office.root / ".agent").rglob("*") if path.is_file() and path.parent.name != "following"]
    assert {path.parent.name for path in left} <= {".agent", "marks"}, (seed, left)


def _check_hub(served: Served, offices: list[AgentProcess], data: list[bytes], seed: int) -> None:
    sent = {hashlib.sha256(one).hexdigest() for one in data}
    with served.office.db.read() as tx:
        assert Counter(tx.session.scalars(sa.select(Dispatch.sha256))) == Counter(sent), seed
        assert set(tx.session.scalars(sa.select(Parcel.state))) == {ParcelState.FETCHED}, seed
        assert tx.session.scalar(sa.select(sa.func.count(Delivery.id))) == 2 * LETTERS, seed
        arrived = Counter(
            tx.session.scalars(sa.select(StatusLog.delivery_id).where(StatusLog.code == "01", StatusLog.counted))
        )
        signed = {
            kind: set(tx.session.scalars(sa.select(Receipt.jws).where(Receipt.kind == kind)))
            for kind in ("submitted", "retrieved")
        }
    assert len(arrived) == 2 * LETTERS, seed
    assert set(arrived.values()) == {1}, seed
    for kind, of_hub in signed.items():
        in_folders = Counter(path.read_text() for office in offices for path in office.receipts(f"*{kind}.jws"))
        assert in_folders == Counter(of_hub), (seed, kind)
