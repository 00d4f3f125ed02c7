"""Administrators register document systems of the VXP shape and see their secrets once."""

import re
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from directory.models import ApiClient
from docex.exchange.vxp import doctor, jobs, systems, wire
from docex.exchange.vxp.models import VxpSystem
from kernel.config import Config
from kernel.doctor import Health
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from tests.docex.office import Office
from tests.web.people import sign_in

INSTALLATION = "of this installation"
SAFE = systems.safe_of(Config(secret_key=INSTALLATION))
EARLIER_SECRET = "the secret of a system"
#: As the first release kept it, with that secret of the installation.
OF_AN_EARLIER_RELEASE = (
    "gAAAAABrB0N8ECTdTnpxwSmv7F206AkFgGbcCOYHU_GQXpgvMN3ZFdPSObHM3GCp1NcI2ggVw9DLUKeONwlzC79DRNB5ziXU4EfHv1FRoGEA"
    "3VNhpSLyRr8="
)


def test_a_system_is_registered_listed_renewed_and_revoked_on_the_pages(app: Flask, office: Office) -> None:
    browser = sign_in(app, "quantri")
    assert "Chưa có hệ thống nào" in browser.get("/admin/clients/vxp").text
    assert browser.get("/admin/clients/vxp/new").status_code == 200
    form = {"agency_id": str(office.cast.city.id), "name": "Phần mềm QLVB", "system_id": "H99.cu"}
    made = browser.post("/admin/clients/vxp/new", data=form)
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    assert "/vxp" in made.text
    again = browser.post("/admin/clients/vxp/new", data=form)
    assert again.status_code == 422
    assert "đã được dùng" in again.text
    assert "H99.cu" in browser.get("/admin/clients/vxp").text
    with office.db.read() as tx:
        number = tx.session.scalars(sa.select(VxpSystem.client_id)).one()
        row = tx.session.scalars(sa.select(VxpSystem)).one()
    secret = systems.SECRETS.secret_of(row, systems.safe_of(office.config))
    assert secret
    assert secret in made.text
    assert secret not in row.sealed_secret
    renewed = browser.post(f"/admin/clients/vxp/{number}/secret")
    assert secret not in renewed.text
    assert browser.post(f"/admin/clients/vxp/{number}/revoke").status_code == 302
    with office.db.read() as tx:
        assert tx.session.get_one(ApiClient, number).revoked_at is not None
    assert "Đã thu hồi" in browser.get("/admin/clients/vxp").text
    assert secret not in browser.get("/admin/clients/vxp").text


def test_only_administrators_come_here(app: Flask, office: Office) -> None:
    browser = sign_in(app, "ha")
    assert browser.get("/admin/clients/vxp").status_code == 403
    assert app.test_client().get("/admin/clients/vxp").status_code == 302


def test_an_administrator_registers_for_the_agencies_below_alone(office: Office) -> None:
    with office.db.write() as tx, pytest.raises(Forbidden):
        systems.register(tx, office.cast.lan, SAFE, office.cast.finance.id, "QLVB", "")
    with office.db.write() as tx, pytest.raises(NotFound):
        systems.register(tx, office.cast.admin, SAFE, 10**6, "QLVB", "")
    for name, system_id in (("Q", "H29.ok"), ("QLVB", "có dấu"), ("QLVB", "a/b"), ("QLVB", "x")):
        with office.db.write() as tx, pytest.raises(Invalid):
            systems.register(tx, office.cast.admin, SAFE, office.cast.finance.id, name, system_id)


def test_a_revoked_system_gets_no_new_secret(office: Office) -> None:
    with office.db.write() as tx:
        given = systems.register(tx, office.cast.admin, SAFE, office.cast.finance.id, "QLVB", "")
        assert re.fullmatch(r"[A-Za-z0-9._-]{3,64}", given.system_id)
        systems.revoke(tx, office.cast.admin, given.client_id)
        with pytest.raises(WrongState):
            systems.renew(tx, office.cast.admin, SAFE, given.client_id)
        with pytest.raises(WrongState):
            systems.revoke(tx, office.cast.admin, given.client_id)


def test_a_secret_of_another_installation_is_lost_and_said_to_be(office: Office) -> None:
    with office.db.write() as tx:
        systems.register(tx, office.cast.admin, SAFE, office.cast.finance.id, "QLVB", "")
        other = systems.safe_of(Config(secret_key="another"))
        (card,) = systems.listed(tx, office.cast.admin, other)
    assert not card.readable
    configs = [replace(office.config, secret_key=key) for key in (INSTALLATION, "another")]
    assert [doctor.sealed_secrets(one).health for one in configs] == [Health.GOOD, Health.BAD]


def test_what_an_earlier_release_kept_works_and_is_sealed_for_its_system_when_a_worker_starts(office: Office) -> None:
    config = replace(office.config, secret_key=INSTALLATION)
    with office.db.write() as tx:
        given = systems.register(tx, office.cast.admin, systems.safe_of(config), office.cast.finance.id, "QLVB", "")
        tx.session.get_one(VxpSystem, given.client_id).sealed_secret = OF_AN_EARLIER_RELEASE
    headers = wire.signed_headers(EARLIER_SECRET, {"systemid": given.system_id})
    for _ in range(2):
        with office.db.read() as tx:
            assert systems.recognised(tx, systems.safe_of(config), headers.items()).client_id == given.client_id
        jobs.begin_jobs(config, office.db)
    with office.db.read() as tx:
        kept = tx.session.get_one(VxpSystem, given.client_id).sealed_secret
    safe = systems.safe_of(config)
    assert safe.opened(kept, f"client:{given.client_id}") == EARLIER_SECRET
    assert safe.opened(kept, f"client:{given.client_id + 1}") is None  # of no use in another system's row
