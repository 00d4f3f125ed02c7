# ruff: noqa: F811 - a fixture that takes another is named as its import
"""A letter on its real way through the exchange, and its evidence in the hands of both agencies."""

import io
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

import docex.evidence_facts  # noqa: F401 - tells the audit of the log what must be there
from directory.actor import Actor
from docex.documents.key_custody import Custody
from docex.documents.models import Dispatch
from docex.exchange.evidence import packs
from docex.exchange.evidence.jobs import register_jobs
from docex.exchange.evidence.models import EvidencePack
from docex.exchange.hub.jobs import register_jobs as register_hub
from docex.exchange.hub.models import Receipt
from kernel import audit, clock
from kernel.errors import NotFound, WrongState
from kernel.outbox import OutboxRow, State, Topic
from kernel.storage.blobs import read_all
from signing.evidence.pack_check import Checked, check_pack
from signing.jobs import register_jobs as register_signing
from signing.log import receipts
from signing.log.log_audit import audit as log_audit
from signing.verdicts.verdict import Value
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.office import Office
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services


@pytest.fixture
def rooms(office: Office) -> Iterator[Office]:
    """The exchange with its hub, the log and this part at work, in a minute that does not end by itself: the log would
    make one more head of it, which has no time-stamp yet."""
    register_hub(office.config, office.blobs)
    register_signing(office.config, office.blobs)
    register_jobs(office.config, office.blobs)
    receipts.use(office.config)
    with clock.frozen(clock.now()):
        yield office


def minute_passes(office: Office) -> None:
    """The log numbers what waits, and its head is time-stamped."""
    with office.db.write() as tx:
        due = clock.now() - timedelta(seconds=1)
        tx.outbox(Topic("signing.sequence"), f"test {due}", due_at=due)
    office.work()


def asked(office: Office, actor: Actor, side: str, number: int) -> EvidencePack:
    """The pack that somebody asks for, when it is made."""
    with office.db.write(actor.by) as tx:
        pack_id = packs.ask_for(tx, actor, side, number).id
    office.work()
    with office.db.read() as tx:
        return packs.pack_for(tx, actor, side, number, pack_id)[0]


def checked(office: Office, row: EvidencePack) -> Checked:
    with office.db.read() as tx:
        trust = Custody(office.config).trust(tx)
        known = {key["kid"]: key for key in receipts.all_keys(tx)["keys"]}
    return check_pack(io.BytesIO(read_all(office.blobs, row.sha256)), trust, known)


@pytest.mark.both_databases
@pytest.mark.repeats("docex.evidence")
def test_both_agencies_take_the_evidence_of_a_letter_away(rooms: Office, tmp_path: Path) -> None:
    cast = rooms.cast
    number = rooms.sent(recipients=(cast.finance.id, cast.science.id))
    minute_passes(rooms)
    copy = rooms.incoming(cast.lan)[0].id
    own, theirs = asked(rooms, cast.ha, "out", number), asked(rooms, cast.lan, "in", copy)
    for row in (own, theirs):
        found = checked(rooms, row)
        assert (found.value, [one.code for one in found.findings if one.weight is not Value.VALID]) == (Value.VALID, [])
        assert found.known_since is not None
        assert "ENVELOPE" in {one.code for one in found.findings}
        assert [verdict.value for _, verdict in found.verdicts] == [Value.VALID]
        assert (row.level, row.stamped) == ("B-B", True)
    with zipfile.ZipFile(io.BytesIO(read_all(rooms.blobs, own.sha256))) as pack:
        names = pack.namelist()
        pack.extractall(tmp_path)
    done = subprocess.run(["sh", "CHECK.txt"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "SAI" in done.stdout) == (0, False), done.stdout
    receiver = zipfile.ZipFile(io.BytesIO(read_all(rooms.blobs, theirs.sha256))).namelist()
    told = [sum(name.startswith("receipts/") for name in listed) for listed in (names, receiver)]
    assert told[0] > told[1] >= 1  # the other receiver's receipts are nobody's business
    with rooms.db.read() as tx:
        assert audit.first_break(tx, f"agency:{cast.city.id}") is None
    _anybody_checks(rooms, read_all(rooms.blobs, own.sha256))
    _again(rooms, own)
    _everything_is_a_leaf(rooms, number)


def _everything_is_a_leaf(office: Office, number: int) -> None:
    """Envelope, paper, receipts and verdict; and what somebody puts in the place of one of them is none."""
    with office.db.read() as tx:
        found = log_audit(tx)
    assert (found.wrong, found.facts >= 1 + 1 + 3 + 2) == ((), True)
    with office.db.write() as tx:
        tx.session.execute(sa.update(Dispatch).where(Dispatch.document_id == number).values(sha256="ab" * 32))
        tx.session.execute(sa.update(Receipt).where(Receipt.kind == "submitted").values(jws="a.b.c"))
    with office.db.read() as tx:
        assert len(log_audit(tx).wrong) == 2


def _anybody_checks(office: Office, pack: bytes) -> None:
    """The page for everybody takes packs, too, and tells a changed one."""
    config = replace(office.config, check_rate="")
    anybody = create_app(config, Services(config, office.db, office.blobs)).test_client()
    changed = pack[:-300] + bytes([pack[-300] ^ 1]) + pack[-299:]
    for data, good in ((pack, True), (changed, False)):
        answer = anybody.post("/check", data={"file": (io.BytesIO(data), "ho-so.zip")})
        page = answer.get_data(as_text=True)
        assert answer.status_code == 200
        assert ("Hợp lệ: hồ sơ bằng chứng" in page, "TEST_CERTIFICATE" in page, "verdict-bad" in page) == (
            good,
            good,
            not good,
        )


def _again(office: Office, row: EvidencePack) -> None:
    """Doing the work again does nothing."""
    with office.db.write() as tx:
        ours = OutboxRow.topic == packs.TOPIC
        assert set(tx.session.scalars(sa.select(OutboxRow.state).where(ours))) == {State.DONE}
        again = {"state": State.WAITING, "due_at": clock.now(), "finished_at": None}
        tx.session.execute(sa.update(OutboxRow).where(ours).values(again))
    office.work()
    with office.db.read() as tx:
        assert tx.session.get_one(EvidencePack, row.id).sha256 == row.sha256


def test_only_who_may_read_the_document_gets_its_evidence(rooms: Office) -> None:
    cast = rooms.cast
    number = rooms.on_its_way()
    copy = rooms.incoming(cast.lan)[0].id
    with rooms.db.write(cast.ha.by) as tx:
        pack_id = packs.ask_for(tx, cast.ha, "out", number).id
        assert packs.ask_for(tx, cast.ha, "out", number).id == pack_id  # while one is being made
        with pytest.raises(WrongState):
            packs.pack_for(tx, cast.ha, "out", number, pack_id)
    rooms.work()
    strangers = (cast.lan, cast.yen, cast.quynh)
    for actor in strangers:
        with rooms.db.write(actor.by) as tx, pytest.raises(NotFound):
            packs.ask_for(tx, actor, "out", number)
        with rooms.db.read() as tx, pytest.raises(NotFound):
            packs.pack_for(tx, actor, "out", number, pack_id)
    with rooms.db.read() as tx:
        for actor, side, document in ((cast.nam, "in", copy), (cast.quynh, "in", copy), (cast.lan, "in", copy)):
            with pytest.raises(NotFound):  # Lan may read the letter, and the pack is the sender's
                packs.pack_for(tx, actor, side, document, pack_id)
        with pytest.raises(NotFound):
            packs.pack_for(tx, cast.ha, "out", number, 2**70)


def test_a_draft_has_no_evidence_yet(rooms: Office) -> None:
    number = rooms.written()
    with rooms.db.write(rooms.cast.ha.by) as tx, pytest.raises(NotFound):
        packs.ask_for(tx, rooms.cast.ha, "out", number)


def test_a_pack_whose_file_is_lost_is_told_on_the_page(rooms: Office) -> None:
    number = rooms.on_its_way()
    with rooms.db.write() as tx:
        tx.session.execute(sa.update(Dispatch).values(sha256="0" * 64))
        packs.ask_for(tx, rooms.cast.ha, "out", number)
    rooms.work()
    with rooms.db.read() as tx:
        (card,) = packs.packs(tx, rooms.cast.ha, packs.subject_for(tx, rooms.cast.ha, "out", number))
    assert card.state == "failed"
    assert card.problem is not None
    assert "Chưa lập được hồ sơ" in card.problem.vi


def test_the_pages(rooms: Office) -> None:
    app: Flask = create_app(rooms.config, Services(rooms.config, rooms.db, rooms.blobs))
    ha, lan = sign_in(app, "ha"), sign_in(app, "lan")
    number = rooms.on_its_way()
    page = f"/documents/out/{number}/evidence"
    assert page in ha.get(f"/documents/out/{number}").get_data(as_text=True)
    assert "Chưa có hồ sơ nào" in ha.get(page).get_data(as_text=True)
    assert ha.post(page).status_code == 303
    assert "Đang lập" in ha.get(f"{page}?fragment=1").get_data(as_text=True)
    rooms.work()
    shown = ha.get(f"{page}?fragment=1").get_data(as_text=True)
    link = shown.partition(f'href="{page}/')[2].partition('"')[0]
    answer = ha.get(f"{page}/{link}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert zipfile.ZipFile(io.BytesIO(answer.data)).testzip() is None
    part = ha.get(f"{page}/{link}", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.data) == (206, answer.data[:10])
    for client, path in ((lan, page), (lan, f"{page}/{link}"), (ha, f"{page}/999")):
        assert client.get(path).status_code == 404, path
    with rooms.db.read() as tx:
        acts = [one.action for one in audit.history(tx, f"evidence-pack:{link}")]
    assert acts == ["evidence.ask", "evidence.take", "evidence.take"]
    open_page = app.test_client().get("/evidence/check.html")
    assert open_page.status_code == 200
    assert "sandbox" in open_page.headers["Content-Security-Policy"]
