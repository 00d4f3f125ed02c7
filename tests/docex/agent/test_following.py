"""The fate of a letter at its receivers stands beside its receipt: evidence, states, losses."""

import hashlib
import json
from base64 import urlsafe_b64decode
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from docex.agent.following import Follower
from docex.agent.hub import Hub
from docex.agent.status_file import Board
from docex.documents.models import Dispatch
from docex.edxml import write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ
from docex.exchange.hub import terms
from docex.exchange.hub.models import Parcel, Receipt, Term
from kernel import clock
from tests.docex.agent.agents import DIED, AgentProcess, Tampering, until
from tests.docex.agent.conftest import Served
from tests.docex.agent.test_folders import FOLLOWING, LOSING
from tests.docex.agent.test_odd_files import a_sender
from tests.docex.hub.systems import FAR, a_file, a_letter, a_status

pytestmark = [pytest.mark.one_database("sqlite"), pytest.mark.long_proof]


def states(agent: AgentProcess) -> dict[str, str]:
    """The state at each receiver, as states.json of the only letter says."""
    (path,) = agent.receipts("states.json")
    return {one["code"]: one["state"] for one in json.loads(path.read_text(encoding="utf-8"))["deliveries"]}


def follow(agent: AgentProcess, hub: Hub) -> None:
    """Ask after all letters, in this process."""
    Follower(agent.folders, hub, Board(agent.folders, agent.url)).follow(all_of_them=True)


def expire(served: Served) -> None:
    """The term of every letter ends now, and nobody is fetching any."""
    with served.office.db.write() as tx:
        tx.session.execute(sa.update(Parcel).values(leased_until=clock.now()))
        for term in tx.session.scalars(sa.select(Term)):
            term.expires_at = clock.now() - timedelta(seconds=1)
            terms.expire(tx, term.dispatch_id)


@pytest.mark.parametrize("point", FOLLOWING)
def test_killed_while_following_it_misses_nothing(
    served: Served, sender: AgentProcess, receiver: AgentProcess, point: str
) -> None:
    sender.put("giay-moi.edxml", a_file(served.office))
    sender.run()
    served.office.work()
    receiver.run()
    assert sender.run(die_at=point) in DIED
    assert sender.run() == 0
    assert states(sender) == {FAR: "01"}
    (kept,) = sender.receipts(f"{FAR}.retrieved.jws")
    with served.office.db.read() as tx:
        signed = tx.session.scalars(sa.select(Receipt.jws).where(Receipt.kind == "retrieved")).one()
    assert kept.read_text() == signed
    assert len(list((sender.root / "receipts").iterdir())) == 1


def test_every_receiver_has_its_own_receipts(served: Served, sender: AgentProcess, receiver: AgentProcess) -> None:
    cast = served.office.cast
    receivers = (Organ(FAR, "Xa"), Organ(cast.finance.code, cast.finance.name), Organ(cast.science.code, "Khoa học"))
    sender.put("giay-moi.edxml", a_file(served.office, receivers=receivers))
    sender.run()
    served.office.work()
    receiver.run()
    served.office.work()
    sender.run()
    assert states(sender) == {FAR: "01", cast.finance.code: "01", cast.science.code: "01"}
    assert len(sender.receipts("*.available.jws")) == 3
    assert [path.name for path in sender.receipts("*.retrieved.jws")] == [f"{FAR}.retrieved.jws"]


@pytest.mark.parametrize("point", [*LOSING, ""])
def test_a_letter_that_nobody_fetched_is_told_where_the_office_looks(
    served: Served, sender: AgentProcess, receiver: AgentProcess, point: str
) -> None:
    sender.put("giay-moi.edxml", a_file(served.office))
    sender.run()
    served.office.work()
    Hub(receiver.reach).waiting(0)
    expire(served)
    if point:
        assert sender.run(die_at=point) in DIED
    assert sender.run() == 0
    (told,) = sender.names("error")
    assert told.startswith("giay-moi.")
    assert told.endswith(f".{FAR}.expired.txt")
    text = (sender.root / "error" / told).read_text(encoding="utf-8")
    assert "Văn bản này chưa đến được nơi nhận" in text
    assert "Sở Giao thông tỉnh Bạn" in text
    assert len(sender.receipts(f"{FAR}.expired.jws")) == 1
    assert states(sender) == {FAR: "expired"}
    # What the receiver does later counts all the same, so the letter is followed on.
    assert len(list(sender.folders.following.iterdir())) == 1


def test_a_status_goes_out_as_a_file_and_comes_back_as_a_state(
    served: Served, sender: AgentProcess, receiver: AgentProcess
) -> None:
    letter = a_letter(served.office)
    sender.put("giay-moi.edxml", write(letter))
    sender.run()
    served.office.work()
    receiver.run()
    receiver.put("tiep-nhan.edxml", a_status(served.office, letter, StatusCode.REGISTERED))
    assert receiver.run() == 0
    assert receiver.names("sent") == ["tiep-nhan.edxml"]
    (note,) = (name for name in receiver.names("receipts") if ".status-" in name)
    assert json.loads((receiver.root / "receipts" / note).read_text())["state"] == "counted"
    sender.run()
    assert states(sender) == {FAR: "03"}
    receiver.put("xong.edxml", a_status(served.office, letter, StatusCode.DONE))
    receiver.run()
    sender.run()
    assert states(sender) == {FAR: "06"}
    assert list(sender.folders.following.iterdir()) == []


def _has_retrieved(sender: AgentProcess, count: int) -> bool:
    return len(sender.receipts("*.retrieved.jws")) == count


@pytest.mark.usefixtures("working")
def test_from_folder_to_receipt_nobody_has_to_ask(served: Served, sender: AgentProcess, receiver: AgentProcess) -> None:
    sender.start()
    receiver.start()
    until(lambda: (sender.root / "status.txt").exists() and (receiver.root / "status.txt").exists())
    for number in range(1, 6):
        sender.put(f"{number}.edxml", a_file(served.office, number))
        until(partial(_has_retrieved, sender, number))


def test_the_same_letter_under_another_name_keeps_its_first_folder(
    served: Served, sender: AgentProcess, receiver: AgentProcess
) -> None:
    data = a_file(served.office)
    sender.put("a.edxml", data)
    sender.run()
    sender.put("b.edxml", data)
    sender.run()
    assert sender.names("sent") == ["a.edxml", "b.edxml"]
    assert len(sender.receipts("submitted.jws")) == 1
    with served.office.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count(Dispatch.id))) == 1


def test_one_letter_that_cannot_be_followed_keeps_no_other_waiting(
    served: Served, sender: AgentProcess, receiver: AgentProcess
) -> None:
    sender.put("giay-moi.edxml", a_file(served.office))
    sender.run()
    folders = sender.folders
    (folders.following / "9999999.json").write_text(
        '{"folder": "x", "name": "x", "since": "2026-01-01T00:00:00+00:00"}'
    )
    (folders.following / "8888888.json").write_text("{")
    served.office.work()
    follow(sender, Hub(sender.reach))
    assert states(sender) == {FAR: "available"}


@pytest.mark.parametrize("name", ["quyet-dinh.edxml", "thong-bao.edxml"])
def test_a_number_that_a_restored_hub_uses_again_costs_no_receipt(
    served: Served, sender: AgentProcess, receiver: AgentProcess, name: str
) -> None:
    sender.put("quyet-dinh.edxml", a_file(served.office, 1))
    sender.run()
    (first,) = sender.receipts("submitted.jws")
    signed, number = first.read_bytes(), int(first.parent.name.rpartition(".")[2])
    part = a_sender(sender)
    part.hub.wire = Tampering(sender.reach, "/api/v1/edxml", lambda told: told | {"id": number})
    data = a_file(served.office, 2)
    sender.put(name, data)
    assert part.send() == 1
    assert first.read_bytes() == signed
    assert len({path.read_bytes() for path in sender.receipts("submitted.jws")}) == 2

    def of_the_second(told: dict[str, Any]) -> dict[str, Any]:
        return told | {"sha256": hashlib.sha256(data).hexdigest()}

    part.hub.wire = Tampering(sender.reach, f"/api/v1/documents/{number}", of_the_second)
    follow(sender, part.hub)
    (told,) = sender.names("error")
    assert told == f"quyet-dinh.{number}.lost.txt"
    assert "nay không còn biết" in (sender.root / "error" / told).read_text(encoding="utf-8")
    assert len(sender.receipts("states.json")) == 2
    assert len(list(sender.folders.following.iterdir())) == 1


def test_a_letter_that_its_hub_has_forgotten_is_told_once_and_anothers_is_not(
    served: Served, sender: AgentProcess
) -> None:
    about = {"name": "a.edxml", "since": clock.now().isoformat(), "sha256": "a" * 64}
    for folder, url in (("a.7777", sender.url), ("b.8888", "https://hub.example")):
        note = sender.folders.following / f"{folder[2:]}-{'a' * 16}.json"
        note.write_text(json.dumps(about | {"folder": folder, "hub": url}))
    for _ in range(2):
        follow(sender, Hub(sender.reach))
        assert sender.names("error") == ["a.7777.lost.txt"]
        assert [note.name[:4] for note in sender.folders.following.iterdir()] == ["8888"]


def test_the_same_bytes_are_sent_anew_when_nobody_fetched_them(
    served: Served, sender: AgentProcess, receiver: AgentProcess
) -> None:
    """Before that they are the same letter; the receipts of both stay."""
    data = a_file(served.office)
    for name in ("giay-moi.edxml", "giay-moi-nua.edxml"):
        sender.put(name, data)
        assert sender.run() == 0
    assert len(sender.receipts("submitted.jws")) == 1
    served.office.work()
    Hub(receiver.reach).waiting(0)
    expire(served)
    sender.put("gui-lai.edxml", data)
    assert sender.run() == 0
    old, new = sorted(sender.receipts("submitted.jws"), key=lambda path: path.parent.name.startswith("gui-lai"))
    claims = [json.loads(urlsafe_b64decode(path.read_text().split(".")[1] + "==")) for path in (old, new)]
    assert claims[1]["resends"] == {
        "receipt": claims[0]["jti"],
        "sha256": hashlib.sha256(old.read_bytes()).hexdigest(),
    }
    served.office.work()
    assert receiver.run() == 0
    (name,) = receiver.names("inbox")
    assert (receiver.root / "inbox" / name).read_bytes() == data
