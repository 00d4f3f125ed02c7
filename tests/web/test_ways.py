# ruff: noqa: F811 - a fixture that takes another is named as its import
"""The pictures of the way of one letter and of one agenda change show what the product does. `scripts/map` writes them
anew by LIENTHONG_DRAW=1."""

import os

import pytest

from docex.documents.incoming import handling
from docex.documents.issuing import issuance
from kernel.db import Database
from meetings import holding
from scripts.drawing.__main__ import PICTURES
from scripts.drawing.ways import Way, drawn
from tests.cast import Cast
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.office import Office
from tests.meetings import stage
from web import rooms

pytestmark = pytest.mark.one_database("postgresql")


def _is_fresh(way: Way, name: str) -> None:
    path = PICTURES / f"{name}.svg"
    if os.environ.get("LIENTHONG_DRAW"):
        path.write_text(drawn(way))
    assert path.read_text() == drawn(way), "run scripts/map"


@pytest.mark.long_proof
def test_the_picture_of_a_letter_is_fresh(office: Office) -> None:
    rooms.load_jobs(office.config, office.blobs)  # whichever tests came before, all of the house hears of it
    way, db, ha, binh = Way("The way of one letter"), office.db, office.cast.ha, office.cast.binh
    with way.step("A clerk writes a letter and hands it to a leader"):
        document_id = office.written()
        office.submit(document_id)
    with way.step("The worker draws it"):
        office.work()
    with way.step("The leader signs"), db.write(binh.by) as tx:
        issuance.sign(tx, binh, document_id)
    with way.step("The worker makes the signature"):
        office.work()
    with way.step("The clerk seals and sends"), db.write(ha.by) as tx:
        issuance.seal(tx, ha, document_id)
    with way.step("The worker seals, delivers, verifies and tells"):
        office.work()
    lan = office.cast.lan
    [copy] = office.incoming(lan)
    with way.step("The receiver's clerk registers it"), db.write(lan.by) as tx:
        handling.register(tx, lan, copy.id)
    _is_fresh(way, "letter")


def test_the_picture_of_an_agenda_change_is_fresh(db: Database, cast: Cast) -> None:
    way, scene = Way("The way of one agenda change"), stage.opened(db, cast)
    with way.step("The chair takes the next item: one transaction, one event"), db.write(cast.binh.by) as tx:
        holding.take_item(tx, cast.binh, scene.id, scene.items[0])
    _is_fresh(way, "agenda")
