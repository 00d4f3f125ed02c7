"""A stored file that changed behind the service's back is served to nobody, and no verdict calls it valid."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.documents.models import Dispatch, Paper
from docex.documents.queries import dispatch_status
from docex.documents.verification import verdict_store
from docex.documents.verification.models import PublicCode
from kernel.storage.blobs import DiskBlobs
from tests.docex.office import Office
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services

pytestmark = pytest.mark.one_database("sqlite")


@pytest.fixture
def app(office: Office) -> Flask:
    return create_app(office.config, Services(office.config, office.db, office.blobs))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def remove(path: Path) -> None:
    path.unlink()


def file_of(office: Office, sha256: str) -> Path:
    assert isinstance(office.blobs, DiskBlobs)
    return office.blobs.folder / sha256[:2] / sha256


@pytest.mark.parametrize("damage", [flip, cut, remove])
def test_a_changed_paper_is_nowhere_valid_and_nowhere_served(
    app: Flask, office: Office, damage: Callable[[Path], None]
) -> None:
    number = office.sent()
    with office.db.read() as tx:
        paper = tx.session.scalars(sa.select(Paper).where(Paper.dispatch_id.is_not(None))).one()
        code = tx.session.scalar(sa.select(PublicCode.code))
        dispatch = tx.session.scalars(sa.select(Dispatch)).one()
    lan, ha = sign_in(app, "lan"), sign_in(app, "ha")
    received = office.incoming(office.cast.lan)[0].id
    pages = {
        "in": (lan, f"/documents/in/{received}"),
        "out": (ha, f"/documents/out/{number}"),
        "verdict": (lan, f"/documents/papers/{paper.id}/verdict"),
        "public": (app.test_client(), f"/check/{code}"),
    }
    for client, address in pages.values():
        assert "Hợp lệ: " in client.get(address).get_data(as_text=True), address
    report = f"/documents/papers/{paper.id}/verdicts/1"
    assert lan.get(report).status_code == 200
    for sha256 in (paper.sha256, dispatch.sha256):  # the envelope has a verdict of its own on the same page
        damage(file_of(office, sha256))

    for client, address in pages.values():
        shown = client.get(address).get_data(as_text=True)
        assert "Hợp lệ: " not in shown, address
        assert "Chưa rõ: Tệp" in shown, address
        assert "verdict-good" not in shown, address
    assert lan.get(report).status_code == 503
    wanted = 404 if damage is remove else 503
    for address in (f"/documents/papers/{paper.id}", f"/documents/papers/{paper.id}/signed/1"):
        for headers in ({}, {"Range": "bytes=0-9"}):
            assert lan.get(address, headers=headers).status_code == wanted, address
    with office.db.read() as tx:
        assert verdict_store.value_as_stored(tx, dispatch) == "unclear"
        assert dispatch_status(tx, office.cast.ha, dispatch)["verdict"] == "unclear"


def test_a_changed_envelope_is_not_valid(app: Flask, office: Office) -> None:
    office.sent()
    received = office.incoming(office.cast.lan)[0].id
    with office.db.read() as tx:
        dispatch = tx.session.scalars(sa.select(Dispatch)).one()
        assert verdict_store.value_as_stored(tx, dispatch) == "valid"
    before = office.incoming_sheet(office.cast.lan, received).envelope
    assert before is not None
    assert before.tone == "good"
    flip(file_of(office, dispatch.sha256))
    after = office.incoming_sheet(office.cast.lan, received).envelope
    assert after is not None
    assert after.tone == "waiting"
    with office.db.read() as tx:
        assert verdict_store.value_as_stored(tx, dispatch) == "unclear"


@pytest.mark.long_proof
def test_the_page_of_a_damaged_file_does_not_ask_to_load_it_again(app: Flask, office: Office) -> None:
    office.sent()
    (incoming,) = office.incoming(office.cast.lan)
    with office.db.read() as tx:
        paper = tx.session.scalars(sa.select(Paper).where(Paper.dispatch_id == incoming.dispatch_id)).first()
        assert paper is not None
    flip(file_of(office, paper.sha256))
    answer = sign_in(app, "lan").get(f"/documents/papers/{paper.id}", headers={"Accept": "text/html"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 503
    assert "Tệp trong kho bị hỏng" in page
    assert "Báo quản trị viên" in page
    assert "Chờ một lát" not in page
    assert "tạm thời" not in page
