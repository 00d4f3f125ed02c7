"""The directory as a signed, versioned document."""

import sqlalchemy as sa
from flask import Flask

from directory.models import Agency, AgencyAlias
from docex.hub.models import DirectoryEdition
from tests.docex.office import Office
from tests.docex_hub.systems import FAR, System
from tests.docex_hub.test_receipts import read_receipt


def test_the_directory_is_signed_and_says_codes_successors_and_ways(
    app: Flask, hub: Office, near: System, far: System
) -> None:
    with hub.db.write() as tx:
        gone = Agency(code="H99.98", name="Sở cũ", is_local=False, merged_into_id=hub.cast.finance.id)
        tx.session.add(gone)
        tx.session.flush()
        tx.session.add(AgencyAlias(agency_id=gone.id, code="000.99.98"))
    body = near.get("/api/v1/directory").get_json()
    claims = read_receipt(app, body["jws"])
    assert claims["version"] == body["version"]
    by_code = {agency["code"]: agency for agency in claims["agencies"]}
    assert by_code["H99.98"]["successor"] == hub.cast.finance.code
    assert by_code["H99.98"]["old_codes"] == ["000.99.98"]
    assert by_code[FAR]["ways"] == ["mailbox"]
    assert by_code[hub.cast.finance.code]["ways"] == ["pages"]


def test_an_unchanged_directory_is_not_sent_again_and_a_changed_one_is_the_next_version(
    hub: Office, near: System
) -> None:
    first = near.get("/api/v1/directory")
    tag = first.headers["ETag"]
    assert near.get("/api/v1/directory", If_None_Match=tag).status_code == 304
    assert near.get("/api/v1/directory").get_data() == first.get_data()
    with hub.db.write() as tx:
        tx.session.get_one(Agency, hub.cast.science.id).name = "Sở Khoa học và Công nghệ Mẫu (mới)"
    changed = near.get("/api/v1/directory", If_None_Match=tag)
    assert changed.status_code == 200
    assert changed.get_json()["version"] == first.get_json()["version"] + 1
    with hub.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(DirectoryEdition)) == 2


def test_strangers_do_not_get_the_directory(app: Flask) -> None:
    assert app.test_client().get("/api/v1/directory").status_code == 401
