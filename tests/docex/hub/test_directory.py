"""The directory as a signed, versioned document."""

import hashlib
import threading
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask

from directory import clients
from directory.models import Agency, AgencyAlias, Unit
from docex.exchange.hub.models import DirectoryEdition
from docex.exchange.mail import partners
from kernel import clock
from tests.api.test_tokens import a_certificate, pem
from tests.docex.hub.systems import FAR, System
from tests.docex.hub.test_receipts import read_receipt
from tests.docex.office import Office


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
    most = hub.config.chunked_max_bytes
    assert by_code[FAR]["ways"] == [{"way": "mailbox", "most_bytes": most}]
    assert by_code[hub.cast.finance.code]["ways"] == [{"way": "pages", "most_bytes": most}]
    assert by_code["H99.98"]["ways"] == []
    assert claims["capabilities"]["business"] == [0, 1, 2, 3]
    assert "06" in claims["capabilities"]["statuses"]


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


def directory_of(app: Flask, system: System) -> dict[str, Any]:
    claims = read_receipt(app, system.get("/api/v1/directory").get_json()["jws"])
    return {agency["code"]: agency for agency in claims["agencies"]} | {"version": claims["version"]}


def test_a_state_that_comes_back_is_a_new_version(app: Flask, hub: Office, near: System) -> None:
    def renamed(name: str) -> int:
        with hub.db.write() as tx:
            tx.session.get_one(Agency, hub.cast.science.id).name = name
        return int(directory_of(app, near)["version"])

    assert [renamed("A"), renamed("B"), renamed("A"), renamed("A")] == [1, 2, 3, 3]


def test_everybody_who_asks_at_once_gets_the_same_version(app: Flask, hub: Office, near: System) -> None:
    headers, answers = near.headers, []
    threads = [
        threading.Thread(
            target=lambda: answers.append(app.test_client().get("/api/v1/directory", headers=headers).get_json())
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["version"] for answer in answers] == [1] * 4
    assert len({answer["jws"] for answer in answers}) == 1


def test_units_stand_under_their_units(app: Flask, hub: Office, near: System, far: System) -> None:
    with hub.db.write() as tx:
        office = Unit(agency_id=far.agency_id, name="Văn phòng", short_name="VP")
        tx.session.add(office)
        tx.session.flush()
        tx.session.add(Unit(agency_id=far.agency_id, name="Tổ văn thư", short_name="VT", parent_id=office.id))
    assert directory_of(app, near)[FAR]["units"] == [
        {"name": "Tổ văn thư", "short_name": "VT", "parent": "Văn phòng"},
        {"name": "Văn phòng", "short_name": "VP", "parent": None},
    ]


def test_certificates_of_seals_systems_and_mail_are_in_it(app: Flask, hub: Office, near: System, far: System) -> None:
    hub.sent()  # a real letter with a real seal, verified by the worker
    certificate = a_certificate()
    with hub.db.write(hub.cast.admin.by) as tx:
        clients.register_key(tx, hub.cast.admin, far.client_id, pem(certificate))
        terms = partners.Terms("van-thu@ban.example", pem(certificate), max_bytes=10_000_000)
        partners.keep(tx, hub.cast.admin, far.agency_id, terms)
    found = directory_of(app, near)
    (seal,) = found[hub.cast.city.code]["certificates"]
    assert (seal["use"], seal["test"], len(seal["sha256"])) == ("seal", True, 64)
    assert seal["valid_until"] > clock.now().isoformat()
    system, mail = found[FAR]["certificates"]
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    until = certificate.not_valid_after_utc.isoformat()
    assert system == {"use": "system", "sha256": digest, "valid_until": until}
    assert mail == {"use": "mail", "sha256": digest, "valid_until": until, "pem": pem(certificate).strip()}
    ways = {way["way"]: way for way in found[FAR]["ways"]}
    assert ways["mail"]["address"] == "van-thu@ban.example"
    assert (ways["mail"]["encrypted"], ways["mail"]["most_bytes"]) == (False, 10_000_000)
