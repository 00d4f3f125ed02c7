"""Receipts: signed, one for each fact, the first one for ever, each naming the one before it."""

import hashlib
import json
import stat
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.documents.models import Dispatch
from docex.edxml import write
from docex.edxml.model import Organ
from docex.exchange.hub.models import Receipt
from docex.exchange.hub.operators import interventions
from kernel import clock
from kernel.audit import AuditEntry
from kernel.db import Database
from signing.log import evidence_log, receipts
from signing.log.models import SystemKey
from tests.docex.hub.systems import FAR, System, a_file, an_agency
from tests.docex.hub.systems import a_letter as _letter
from tests.docex.office import Office


def read_receipt(app: Flask, jws: str) -> dict[str, Any]:
    """The claims of a receipt as anybody can check them with the published keys."""
    header = json.loads(urlsafe_b64decode(jws.split(".")[0] + "=="))
    published = app.test_client().get("/api/v1/keys").get_json()["keys"]
    jwk = next(key for key in published if key["kid"] == header["kid"])
    assert "d" not in jwk
    claims = receipts.verify(jws, jwk)
    assert claims is not None
    return claims


def fetched(system: System) -> Any:
    """The acknowledgement of the one document that waits for a system."""
    (item,) = system.get("/api/v1/inbox").get_json()["items"]
    token = system.post(f"/api/v1/inbox/{item['id']}/lease").get_json()["token"]
    return system.post(f"/api/v1/inbox/{item['id']}/ack", {"token": token})


def test_a_submission_is_answered_with_a_receipt_that_anybody_can_check(
    app: Flask, hub: Office, near: System, far: System
) -> None:
    data = a_file(hub)
    answer = near.hand_in(data, Idempotency_Key=" Số 5/à ".encode().decode("latin-1"))
    receipt = answer.get_json()["receipt"]
    claims = read_receipt(app, receipt["jws"])
    assert claims["message_id"] == answer.get_json()["message_id"] == "Số 5/à"
    assert claims["kind"] == receipt["kind"] == "submitted"
    assert claims["sha256"] == hashlib.sha256(data).hexdigest()
    assert claims["size"] == len(data)
    assert claims["receivers"] == ["H98.07"]
    assert claims["sender"] == hub.cast.city.code
    assert claims["previous"] is None
    assert near.get(f"/api/v1/receipts/{receipt['id']}").get_json() == receipt


def test_the_same_submission_again_gets_the_first_receipt_byte_for_byte(hub: Office, near: System, far: System) -> None:
    data = a_file(hub)
    first, again = (near.hand_in(data, Idempotency_Key="1").get_data() for _ in range(2))
    assert first == again
    with hub.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Receipt)) == 1


def test_a_receipt_stands_or_falls_with_the_envelope(hub: Office, near: System, far: System) -> None:
    refused = near.hand_in(write(_letter(hub, receivers=(Organ("H97.404", "Không có"),))))
    assert refused.status_code == 422
    with hub.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Receipt)) == 0
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Dispatch)) == 0


def test_a_local_arrival_is_receipted_and_names_the_receipt_before_it(app: Flask, hub: Office, near: System) -> None:
    letter = _letter(hub, receivers=(Organ(hub.cast.finance.code, hub.cast.finance.name),))
    first = near.hand_in(write(letter)).get_json()["receipt"]
    hub.work()
    hub.work()
    with hub.db.read() as tx:
        rows = tx.session.scalars(sa.select(Receipt).where(Receipt.kind == "available")).all()
    (row,) = rows
    claims = read_receipt(app, row.jws)
    assert claims["previous"] == hashlib.sha256(first["jws"].encode()).hexdigest()
    assert claims["receivers"] == [hub.cast.finance.code]


def test_strangers_do_not_find_a_receipt(app: Flask, hub: Office, near: System, far: System) -> None:
    number = near.hand_in(a_file(hub)).get_json()["receipt"]["id"]
    assert far.get(f"/api/v1/receipts/{number}").status_code == 404
    assert System(app, hub, hub.cast.science.id).get(f"/api/v1/receipts/{number}").status_code == 404
    assert near.get("/api/v1/receipts/none").status_code == 404
    assert app.test_client().get(f"/api/v1/receipts/{number}").status_code == 401


def test_the_sender_reads_all_receipts_of_an_envelope_and_a_receiver_its_own(
    app: Flask, hub: Office, near: System, far: System
) -> None:
    receivers = (Organ("H98.07", "Xa"), Organ(hub.cast.finance.code, hub.cast.finance.name))
    told = near.hand_in(write(_letter(hub, receivers=receivers))).get_json()
    path = f"/api/v1/documents/{told['id']}/receipts"
    hub.work()
    far.get("/api/v1/inbox")
    hub.work()
    listed = near.get(path).get_json()["items"]
    assert listed[0] == {**told["receipt"], "code": None}
    assert {(one["kind"], one["code"]) for one in listed[1:]} == {
        ("available", "H98.07"),
        ("available", hub.cast.finance.code),
    }
    for one in listed[1:]:
        assert read_receipt(app, one["jws"])["receivers"] == [one["code"]]
    assert near.get(f"{path}?code=H98.07").get_json()["items"] == [one for one in listed if one["code"] == "H98.07"]
    assert near.get(f"{path}?code=X").get_json()["items"] == []
    assert far.get(path).get_json()["items"] == [one for one in listed if one["code"] == "H98.07"]
    assert System(app, hub, hub.cast.science.id).get(path).status_code == 404


@pytest.mark.parametrize("back", [timedelta(0), timedelta(seconds=60)], ids=["one instant", "clocks apart"])
def test_receipts_stand_in_the_order_in_which_they_name_each_other_whatever_the_clocks_say(
    app: Flask, hub: Office, near: System, far: System, back: timedelta
) -> None:
    """The worker's clock is ahead of the one at the operator's, and that is ahead of the one at the receiver's."""
    start = clock.now()
    with clock.frozen(start):
        number = near.hand_in(a_file(hub), Delivery_TTL="60").get_json()["id"]
        clock.advance(back)
        hub.work()  # lays it into the mailbox
        clock.advance(timedelta(seconds=60))
        hub.work()  # it expires
        ended = clock.now()
        clock.advance(-back)
        with hub.db.write(hub.cast.admin.by) as tx:
            interventions.requeue_expired(tx, hub.cast.admin, far.agency_id, "Máy chủ đã chạy lại")
        clock.advance(-back)
        answered = fetched(far).get_json()["receipt"]
    listed = near.get(f"/api/v1/documents/{number}/receipts").get_json()["items"]
    assert [one["kind"] for one in listed] == ["submitted", "available", "expired", "retrieved"]
    assert [one["made_at"] for one in listed] == sorted({one["made_at"] for one in listed})
    before = None
    for one in listed:
        assert read_receipt(app, one["jws"])["previous"] == before
        before = hashlib.sha256(one["jws"].encode()).hexdigest()
    assert read_receipt(app, answered["jws"])["at"] == (ended - 2 * back).isoformat()  # what that clock said


def test_what_is_sent_from_our_own_pages_is_receipted_too(app: Flask, hub: Office) -> None:
    far = an_agency(hub, "H98.08", "Sở Xây dựng tỉnh Bạn")
    hub.on_its_way(recipients=(far,))
    with hub.db.read() as tx:
        row = tx.session.scalars(sa.select(Receipt)).one()
    assert read_receipt(app, row.jws)["receivers"] == ["H98.08"]


def test_the_key_is_kept_for_its_owner_only_and_its_making_is_on_record(
    app: Flask, hub: Office, near: System, far: System
) -> None:
    near.hand_in(a_file(hub))
    path = hub.config.data_dir / "hub" / receipts.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"PRIVATE" in path.read_bytes()
    near.hand_in(a_file(hub, 2))
    with hub.db.read() as tx:
        made = tx.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "hub.key_made")).all()
        assert len(made) == 1
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(SystemKey)) == 1


def test_a_key_that_was_undone_with_its_transaction_is_made_known_again(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.write() as tx:
        receipts.known_key(tx)
        receipts.known_key(tx)
        raise ZeroDivisionError
    for _ in range(3):
        with db.write() as tx:
            kid = receipts.known_key(tx).kid
    with db.read() as tx:
        assert list(tx.session.scalars(sa.select(SystemKey.kid))) == [kid]


def test_receipts_of_a_lost_key_can_still_be_checked(app: Flask, hub: Office, near: System, far: System) -> None:
    old = near.hand_in(a_file(hub)).get_json()["receipt"]["jws"]
    (hub.config.data_dir / "hub" / receipts.FILE).unlink()
    new = near.hand_in(a_file(hub, 2)).get_json()["receipt"]["jws"]
    assert old.split(".")[0] != new.split(".")[0]
    assert read_receipt(app, old)["kind"] == "submitted"
    assert read_receipt(app, new)["kind"] == "submitted"


def test_a_changed_receipt_is_not_believed(app: Flask, hub: Office, near: System, far: System) -> None:
    jws = near.hand_in(a_file(hub)).get_json()["receipt"]["jws"]
    head, body, signature = jws.split(".")
    jwk = app.test_client().get("/api/v1/keys").get_json()["keys"][0]
    assert receipts.verify(f"{head}.{body[:-4]}AAAA.{signature}", jwk) is None
    assert receipts.verify("not a receipt", jwk) is None


def test_the_receipts_of_a_broadcast_are_turned_page_by_page(app: Flask, hub: Office, near: System) -> None:
    codes = [f"H77.{number:02d}" for number in range(1, 6)]
    for code in codes:
        System(app, hub, an_agency(hub, code, f"Sở {code}"))
    answer = near.hand_in(write(_letter(hub, receivers=tuple(Organ(code, f"Sở {code}") for code in codes))))
    hub.work()
    path = f"/api/v1/documents/{answer.get_json()['id']}/receipts"
    found, after, turns = [], "", 0
    while after is not None:
        page = near.get(f"{path}?limit=4&after={after}").get_json()
        found += [(item["kind"], item["code"]) for item in page["items"]]
        after, turns = page["next"], turns + 1
    assert (found[0], turns) == (("submitted", None), 2)
    assert sorted(found[1:]) == [("available", code) for code in codes]
    assert near.get(f"{path}?code=H77.03").get_json()["items"][0]["code"] == "H77.03"
    for wrong in ("after=made-up", "limit=0", "limit=501"):
        assert near.get(f"{path}?{wrong}").status_code == 422


def test_a_system_that_may_only_receive_reads_what_was_signed_about_what_it_fetched(
    app: Flask, hub: Office, near: System
) -> None:
    far = System(app, hub, an_agency(hub, FAR, "Sở Giao thông tỉnh Bạn"), frozenset({"docex.receive"}))
    told = near.hand_in(a_file(hub)).get_json()
    number, submitted = told["id"], told["receipt"]
    hub.work()
    retrieved = fetched(far).get_json()["receipt"]
    listed = far.get(f"/api/v1/documents/{number}/receipts").get_json()["items"]
    assert [one["kind"] for one in listed] == ["available", "retrieved"]
    assert far.get(f"/api/v1/receipts/{retrieved['id']}").get_json() == retrieved
    with hub.db.write() as tx:
        evidence_log.sequence(tx)
    assert far.get(f"/api/v1/receipts/{retrieved['id']}/proof").status_code == 200
    assert far.get(f"/api/v1/documents/{number}").get_json()["deliveries"][0]["state"] == "01"
    assert far.get(f"/api/v1/receipts/{submitted['id']}").status_code == 404
    assert far.hand_in(a_file(hub)).status_code == 403
