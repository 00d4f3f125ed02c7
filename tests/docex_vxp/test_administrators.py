"""Administrators register document systems of the VXP shape and see their secrets once."""

import re

import pytest
import sqlalchemy as sa
from flask import Flask

from directory.models import ApiClient
from docex.vxp import systems
from docex.vxp.api import vault_for
from docex.vxp.models import VxpSystem
from docex.vxp.systems import Vault
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from tests.docex.office import Office
from tests.web.people import sign_in


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
        sealed = tx.session.scalars(sa.select(VxpSystem.sealed_secret)).one()
    secret = vault_for(office.config.signing_secret()).open(sealed)
    assert secret
    assert secret in made.text
    assert secret not in sealed
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
    vault = Vault("a")
    with office.db.write() as tx, pytest.raises(Forbidden):
        systems.register(tx, office.cast.lan, vault, office.cast.finance.id, "QLVB", "")
    with office.db.write() as tx, pytest.raises(NotFound):
        systems.register(tx, office.cast.admin, vault, 10**6, "QLVB", "")
    for name, system_id in (("Q", "H29.ok"), ("QLVB", "có dấu"), ("QLVB", "a/b"), ("QLVB", "x")):
        with office.db.write() as tx, pytest.raises(Invalid):
            systems.register(tx, office.cast.admin, vault, office.cast.finance.id, name, system_id)


def test_a_revoked_system_gets_no_new_secret(office: Office) -> None:
    vault = Vault("a")
    with office.db.write() as tx:
        given = systems.register(tx, office.cast.admin, vault, office.cast.finance.id, "QLVB", "")
        assert re.fullmatch(r"[A-Za-z0-9._-]{3,64}", given.system_id)
        systems.revoke(tx, office.cast.admin, given.client_id)
        with pytest.raises(WrongState):
            systems.renew(tx, office.cast.admin, vault, given.client_id)
        with pytest.raises(WrongState):
            systems.revoke(tx, office.cast.admin, given.client_id)


def test_a_secret_of_another_installation_is_lost_and_said_to_be(office: Office) -> None:
    with office.db.write() as tx:
        systems.register(tx, office.cast.admin, Vault("a"), office.cast.finance.id, "QLVB", "")
        (card,) = systems.listed(tx, office.cast.admin, Vault("b"))
    assert not card.readable
    assert Vault("b").open(Vault("a").seal("x")) is None
