# ruff: noqa: F811 - a fixture that takes another is named as its import
"""A system takes the evidence of an envelope away as a person does from the page, and no other system does."""

import hashlib
import zipfile
from io import BytesIO

import pytest
from flask import Flask

from directory.actor import chain_of
from docex.api.evidence_packs import EVIDENCE
from docex.exchange.evidence.jobs import register_jobs
from kernel import audit
from kernel.refs import Ref
from signing.jobs import register_jobs as register_signing
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.hub.conftest import app, hub  # noqa: F401 - fixtures
from tests.docex.hub.systems import FAR, System, a_file, an_agency
from tests.docex.office import Office
from tests.web.people import sign_in

ALL = frozenset({"docex.submit", "docex.receive", EVIDENCE})


@pytest.fixture
def systems(app: Flask, hub: Office) -> tuple[System, System]:
    """Those of the sender and of a receiver elsewhere, with the right."""
    register_jobs(hub.config, hub.blobs)
    register_signing(hub.config, hub.blobs)
    far = System(app, hub, an_agency(hub, FAR, "Sở Giao thông tỉnh Bạn"), ALL)
    far.get("/api/v1/inbox")
    return System(app, hub, hub.cast.city.id, ALL), far


def test_a_pack_is_asked_for_made_and_taken(app: Flask, hub: Office, systems: tuple[System, System]) -> None:
    near, _ = systems
    envelope = near.hand_in(a_file(hub)).get_json()
    hub.work()
    path = f"/api/v1/documents/{envelope['id']}/evidence"
    assert near.get(path).get_json() == {"items": []}
    asked = near.post(path)
    assert asked.status_code == 202
    pack = asked.get_json()
    assert (pack["state"], pack["sha256"], pack["size"]) == ("waiting", None, None)
    assert near.post(path).get_json()["id"] == pack["id"]  # while one is being made, that is the one
    assert near.get(f"{path}/{pack['id']}").status_code == 409
    hub.work()
    made = near.get(path).get_json()["items"][0]
    assert (made["id"], made["state"], made["problem"]) == (pack["id"], "done", None)
    answer = near.get(f"{path}/{pack['id']}")
    assert answer.status_code == 200
    assert answer.mimetype == "application/vnd.etsi.asic-e+zip"
    assert (hashlib.sha256(answer.data).hexdigest(), len(answer.data)) == (made["sha256"], made["size"])
    with zipfile.ZipFile(BytesIO(answer.data)) as file:
        assert "CHECK.txt" in file.namelist()
    part = near.get(f"{path}/{pack['id']}", Range="bytes=10-19")
    assert (part.status_code, part.data) == (206, answer.data[10:20])
    with hub.db.read() as tx:
        acts = [one for one in audit.history(tx, str(Ref("evidence-pack", pack["id"])))]
    assert [(one.chain, one.action, one.by) for one in acts] == [
        (chain_of(hub.cast.city.id), "evidence.ask", f"client:{near.client_id}"),
        (chain_of(hub.cast.city.id), "evidence.take", f"client:{near.client_id}"),
    ]


def test_a_receiver_has_its_own_pack_once_it_has_the_envelope(
    app: Flask, hub: Office, systems: tuple[System, System]
) -> None:
    near, far = systems
    envelope = near.hand_in(a_file(hub)).get_json()
    hub.work()
    path = f"/api/v1/documents/{envelope['id']}/evidence"
    for refused in (far.get(path), far.post(path)):  # it lies ready; the sender may still take it back
        assert refused.status_code == 404
    (item,) = far.get("/api/v1/inbox").get_json()["items"]
    leased = far.post(f"/api/v1/inbox/{item['id']}/lease").get_json()
    assert far.post(f"/api/v1/inbox/{item['id']}/ack", {"token": leased["token"]}).status_code < 300
    theirs, own = far.post(path).get_json()["id"], near.post(path).get_json()["id"]
    hub.work()
    assert far.get(f"{path}/{theirs}").status_code == 200
    assert far.get(f"{path}/{own}").status_code == 404  # it has receipts of other receivers
    assert [one["id"] for one in far.get(path).get_json()["items"]] == [theirs]


def test_strangers_find_nothing_and_the_right_is_its_own(
    app: Flask, hub: Office, systems: tuple[System, System]
) -> None:
    near, _ = systems
    envelope = near.hand_in(a_file(hub)).get_json()
    path = f"/api/v1/documents/{envelope['id']}/evidence"
    stranger, plain = System(app, hub, hub.cast.science.id, ALL), System(app, hub, hub.cast.city.id)
    for system, status in ((stranger, 404), (plain, 403)):
        for answer in (system.get(path), system.post(path), system.get(f"{path}/1")):
            assert answer.status_code == status
    assert near.get(f"{path}/999").status_code == 404
    assert near.get(f"/api/v1/documents/{2**63 - 1}/evidence").status_code == 404
    assert sign_in(app, "ha").get(path).status_code == 401
