"""A sending that has come to nothing may be repeated: the same bytes are then a new sending, whose receipt names the
old."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from directory import agencies
from docex.documents.models import Delivery, Dispatch, Paper
from docex.edxml import Envelope, write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ, ResponseFor, StatusMessage
from docex.edxml.progress import Progress, Recall, has_failed
from docex.exchange.hub.operators import interventions
from kernel import clock
from tests.docex.hub.systems import System, a_file, a_letter, a_status, an_agency
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.hub.test_receipts import read_receipt
from tests.docex.office import Office
from tests.docex.recalls.test_recalls import recall_of
from tests.sampling import sampled

pytestmark = pytest.mark.long_proof

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 08:00 in Vietnam


@pytest.fixture(autouse=True)
def monday() -> Any:
    """Every test begins on a Monday morning."""
    with clock.frozen(MONDAY):
        yield


def handed_in(hub: Office, near: System, data: bytes, **headers: str) -> dict[str, Any]:
    answer = near.hand_in(data, **headers)
    assert answer.status_code == 202, answer.json
    hub.work()
    found: dict[str, Any] = answer.json
    return found


def expires(hub: Office, near: System, far: System, letter: Envelope) -> None:
    clock.advance(timedelta(days=4))
    hub.work()


def is_recalled_unfetched(hub: Office, near: System, far: System, letter: Envelope) -> None:
    near.hand_in(recall_of(letter, "Gửi nhầm"))
    hub.work()


def is_asked_back_by_a_status(hub: Office, near: System, far: System, letter: Envelope) -> None:
    about = ResponseFor("H98.07", "1/VP", letter.document_id, clock.today())
    near.hand_in(write(StatusMessage(letter.sender, about, StatusCode.RECALL_ASKED, "Gửi nhầm", clock.now())))
    hub.work()


def is_withdrawn_by_the_operator(hub: Office, near: System, far: System, letter: Envelope) -> None:
    (item,) = waiting(far)["items"]
    with hub.db.write(hub.cast.admin.by) as tx:
        interventions.withdraw(tx, hub.cast.admin, far.agency_id, item["id"], "Nơi gửi nhờ")
    hub.work()


def is_refused(hub: Office, near: System, far: System, letter: Envelope) -> None:
    (item,) = waiting(far)["items"]
    fetched(far, item)
    assert far.post(f"/api/v1/inbox/{item['id']}/status", {"code": "02", "description": "Sai"}).status_code == 200
    hub.work()


def is_given_back(hub: Office, near: System, far: System, letter: Envelope) -> None:
    (item,) = waiting(far)["items"]
    fetched(far, item)
    near.hand_in(recall_of(letter, "Gửi nhầm"))
    assert far.post(f"/api/v1/inbox/{item['id']}/status", {"code": "15"}).status_code == 200
    hub.work()


ENDS = [
    expires,
    is_recalled_unfetched,
    is_asked_back_by_a_status,
    is_withdrawn_by_the_operator,
    is_refused,
    is_given_back,
]
End = Callable[[Office, System, System, Envelope], None]


@pytest.mark.parametrize("end", sampled(ENDS, one_in=2))
def test_after_its_end_the_same_bytes_are_a_new_sending(hub: Office, near: System, far: System, end: End) -> None:
    letter = a_letter(hub)
    data = write(letter)
    first = handed_in(hub, near, data)
    assert handed_in(hub, near, data) == first, "before the end it is the same sending"
    end(hub, near, far, letter)

    second = handed_in(hub, near, data)
    assert (second["id"], second["sha256"]) != (first["id"], "")
    assert (first["resends"], second["resends"]) == (None, first["id"])
    assert second["receivers"] == first["receivers"]
    told = read_receipt(near.http.application, second["receipt"]["jws"])
    digest = hashlib.sha256(first["receipt"]["jws"].encode()).hexdigest()
    assert told["resends"] == {"receipt": first["receipt"]["id"], "sha256": digest}
    assert "resends" not in read_receipt(near.http.application, first["receipt"]["jws"])
    assert handed_in(hub, near, data) == second, "and this one is told again until it ends, too"

    (item,) = waiting(far)["items"]
    assert (item["document"], item["sha256"]) == (second["id"], hashlib.sha256(data).hexdigest())
    fetched(far, item)
    assert near.get(f"/api/v1/documents/{second['id']}").json["deliveries"][0]["state"] == "01"
    (before,) = near.get(f"/api/v1/documents/{first['id']}").json["deliveries"]
    assert has_failed(before["state"], before["recall"] or ""), "what was told of the old one stays"
    assert handed_in(hub, near, data) == second
    with hub.db.read() as tx:
        papers = sa.select(sa.func.count()).where(Paper.dispatch_id == second["id"])
        assert tx.session.scalar(papers) == 1, "its papers were stored again"


def test_undeliverable_is_an_end(hub: Office, near: System) -> None:
    an_agency(hub, "H98.07", "Sở Giao thông tỉnh Bạn")
    data = a_file(hub)
    first = handed_in(hub, near, data)
    clock.advance(timedelta(days=4))
    hub.work()
    assert near.get(f"/api/v1/documents/{first['id']}").json["deliveries"][0]["state"] == "undeliverable"
    assert handed_in(hub, near, data)["resends"] == first["id"]


def test_it_ends_again_and_again(hub: Office, near: System, far: System) -> None:
    data = a_file(hub)
    numbers: list[int] = []
    for _ in range(4):
        answer = handed_in(hub, near, data)
        assert answer["resends"] == (numbers[-1] if numbers else None)
        numbers.append(answer["id"])
        clock.advance(timedelta(days=7))
        hub.work()
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("end", sampled(ENDS, one_in=2))
def test_a_key_names_one_sending_for_good(hub: Office, near: System, far: System, end: End) -> None:
    letter = a_letter(hub)
    first = handed_in(hub, near, write(letter), Idempotency_Key="thu-1")
    end(hub, near, far, letter)
    assert handed_in(hub, near, write(letter), Idempotency_Key="thu-1") == first
    second = handed_in(hub, near, write(letter), Idempotency_Key="thu-2")
    assert second["resends"] == first["id"]


def test_what_is_done_is_no_failure(hub: Office, near: System, far: System) -> None:
    data = a_file(hub)
    first = handed_in(hub, near, data)
    (item,) = waiting(far)["items"]
    fetched(far, item)
    for code in ("03", "06"):
        assert far.post(f"/api/v1/inbox/{item['id']}/status", {"code": code}).status_code == 200
        assert handed_in(hub, near, data) == first


def test_whoever_has_it_does_not_get_it_twice(app: Flask, hub: Office, near: System, far: System) -> None:
    other = System(app, hub, an_agency(hub, "H98.09", "Sở Xây dựng tỉnh Bạn"))
    letter = a_letter(hub)
    letter = replace(letter, receivers=(*letter.receivers, Organ("H98.09", "Sở Xây dựng tỉnh Bạn")))
    handed_in(hub, near, write(letter))
    waiting(other)
    fetched(far, waiting(far)["items"][0])
    clock.advance(timedelta(days=4))
    hub.work()
    second = handed_in(hub, near, write(letter))
    assert [one["code"] for one in second["receivers"]] == ["H98.09"]
    assert read_receipt(near.http.application, second["receipt"]["jws"])["receivers"] == ["H98.09"]
    assert waiting(far)["items"] == []
    assert [item["document"] for item in waiting(other)["items"]] == [second["id"]]
    assert handed_in(hub, near, write(letter)) == second


def test_after_a_merger_the_successor_gets_it(hub: Office, near: System, far: System) -> None:
    data = a_file(hub)
    first = handed_in(hub, near, data)
    clock.advance(timedelta(days=4))
    hub.work()
    with hub.db.write(hub.cast.admin.by) as tx:
        agencies.merge(tx, hub.cast.admin, far.agency_id, hub.cast.finance.id, clock.today() - timedelta(days=1))
    second = handed_in(hub, near, data)
    assert (second["resends"], second["receivers"][0]["forwarded_to"]) == (first["id"], hub.cast.finance.code)
    assert len(hub.incoming(hub.cast.lan)) == 1
    assert handed_in(hub, near, data) == second


def test_a_file_in_pieces_is_sent_anew_too(hub: Office, near: System, far: System) -> None:
    data = a_file(hub)
    sha256 = hashlib.sha256(data).hexdigest()
    upload = near.post("/api/v1/uploads", {"size": len(data), "sha256": sha256}).json
    near.http.patch(f"/api/v1/uploads/{upload['id']}", data=data, headers={**near.headers, "Upload-Offset": "0"})
    near.post(f"/api/v1/uploads/{upload['id']}/finish")
    first = handed_in(hub, near, b"", Upload_Id=upload["id"])
    clock.advance(timedelta(days=4))
    hub.work()
    assert handed_in(hub, near, b"", Upload_Id=upload["id"])["resends"] == first["id"]


def test_the_same_recall_asks_again_after_a_refusal_and_for_what_was_sent_anew(
    hub: Office, near: System, far: System
) -> None:
    letter = a_letter(hub)
    data, recall = write(letter), recall_of(letter, "Gửi nhầm")
    handed_in(hub, near, data)
    (item,) = waiting(far)["items"]
    fetched(far, item)
    asked = handed_in(hub, near, recall)
    assert handed_in(hub, near, recall) == asked
    far.post(f"/api/v1/inbox/{item['id']}/status", {"code": "16", "description": "Đã làm"})
    assert handed_in(hub, near, recall)["resends"] == asked["id"]
    far.post(f"/api/v1/inbox/{item['id']}/status", {"code": "15"})
    second = handed_in(hub, near, data)
    last = handed_in(hub, near, recall)
    assert near.get(f"/api/v1/documents/{second['id']}").json["deliveries"][0]["recall"] == Recall.AGREED
    assert handed_in(hub, near, recall) == last, "there is nothing left to ask for"


def test_the_same_status_is_said_of_what_was_sent_anew(hub: Office, near: System, far: System) -> None:
    letter = a_letter(hub)
    data, refusal = write(letter), a_status(hub, letter, StatusCode.REFUSED, "Sai nơi nhận")
    handed_in(hub, near, data)
    fetched(far, waiting(far)["items"][0])
    first = handed_in(hub, far, refusal)
    assert handed_in(hub, far, refusal) == first
    second = handed_in(hub, near, data)
    assert handed_in(hub, far, refusal) == first, "nobody has the new one so far"
    fetched(far, waiting(far)["items"][0])
    again = handed_in(hub, far, refusal)
    assert (again["id"], again["state"]) == (second["id"], "counted")
    assert near.get(f"/api/v1/documents/{second['id']}").json["deliveries"][0]["state"] == Progress.REFUSED
    assert handed_in(hub, far, refusal) == again


@pytest.mark.one_database("postgresql")
def test_of_many_at_one_moment_one_is_the_new_sending(app: Flask, hub: Office, near: System, far: System) -> None:
    data = a_file(hub)
    first = handed_in(hub, near, data)
    clock.advance(timedelta(days=4))
    hub.work()
    headers = near.headers | {"Content-Type": "application/octet-stream"}
    answers: list[Any] = []
    start = threading.Barrier(8)

    def send() -> None:
        start.wait()
        answers.append(app.test_client().post("/api/v1/edxml", data=data, headers=headers).json)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(one == answers[0] for one in answers)
    assert answers[0]["resends"] == first["id"]
    with hub.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Dispatch)) == 2
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 2
