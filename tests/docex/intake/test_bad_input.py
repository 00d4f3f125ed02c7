"""A faulty file gets a code and a sentence in both languages; nothing of it stays, and nothing is lost."""

import socket
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.serving import make_server

from docex.documents.models import Dispatch, StatusIn
from docex.edxml import write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Attachment, Organ, OtherInfo
from docex.exchange.hub.models import Receipt
from kernel import clock
from tests.docex.edxml.test_hostile import HOSTILE
from tests.docex.hub.systems import System, a_file, a_letter, a_status
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.hub.test_uploads import announce, piece
from tests.docex.office import Office
from web.services import Services

pytestmark = pytest.mark.one_database("postgresql")


def stays(hub: Office) -> tuple[int, int, int, list[str]]:
    """How many envelopes, statuses and receipts there are, and the files."""
    with hub.db.read() as tx:
        counts = [tx.session.scalar(sa.select(sa.func.count()).select_from(t)) for t in (Dispatch, StatusIn, Receipt)]
    files = [path.name for path in hub.config.blobs_dir.rglob("*") if path.is_file()]
    return (*[int(count or 0) for count in counts], files)  # type: ignore[return-value]


NOTHING: tuple[int, int, int, list[str]] = (0, 0, 0, [])


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    told: dict[str, Any] = answer.get_json()
    assert (answer.status_code, told["code"]) == (status, code), told
    assert told["message"]["vi"]
    assert told["message"]["en"] != told["message"]["vi"]
    return told


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_malformed_files_are_refused_and_leave_nothing(hub: Office, near: System, name: str) -> None:
    text, refusal = HOSTILE[name]
    data = text.encode("latin-1" if "klingon" in text else "utf-8")
    told = problem(near.hand_in(data), 422, "edxml_refused")
    assert told["info"]["refusal"] == refusal
    assert stays(hub) == NOTHING


def zipped(name: str, data: bytes) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return target.getvalue()


def test_a_zip_bomb_is_refused_and_leaves_nothing(hub: Office, near: System, far: System) -> None:
    bomb = zipped("a.txt", bytes(80 * 1024 * 1024))
    packed = (Attachment("11111111-1111-4111-8111-111111111111", "a.zip", bomb),)
    data = a_file(hub, attachments=packed).replace(b">a.zip<", b">a.txt<")
    told = problem(near.hand_in(data), 422, "edxml_refused")
    assert told["info"]["refusal"] in {"attachment_bomb", "attachment_too_large"}
    assert stays(hub) == NOTHING


@pytest.mark.parametrize(
    ("where", "mark"),
    [("sphere", "Tối mật"), ("subject", "[MẬT] Phương án bảo vệ"), ("field", "2")],
)
def test_secret_documents_are_refused(hub: Office, near: System, far: System, where: str, mark: str) -> None:
    letter = a_letter(hub)
    if where == "sphere":
        letter = replace(letter, other=OtherInfo(sphere=mark))
    if where == "subject":
        letter = replace(letter, subject=mark)
    data = write(letter)
    if where == "field":
        data = data.replace(b"</edXML:OtherInfo>", b"<edXML:DoMat>2</edXML:DoMat></edXML:OtherInfo>")
    told = problem(near.hand_in(data), 422, "secret_document")
    assert told["info"]["mark"] in mark
    assert stays(hub) == NOTHING


def test_somebody_elses_sender_and_unknown_receivers_leave_nothing(hub: Office, near: System, far: System) -> None:
    problem(far.hand_in(a_file(hub)), 403, "forbidden")
    lost = (Organ("H97.404", "Không có"), Organ("H97.405", "Cũng không có"))
    told = problem(near.hand_in(a_file(hub, receivers=lost)), 422, "unknown_receiver")
    assert told["info"]["codes"] == ["H97.404", "H97.405"]
    assert stays(hub) == NOTHING


def test_an_empty_file_is_refused_and_an_empty_paper_is_carried(hub: Office, near: System, far: System) -> None:
    told = problem(near.hand_in(b""), 422, "edxml_refused")
    assert told["info"]["refusal"] == "empty"
    empty = (Attachment("11111111-1111-4111-8111-111111111111", "trong.pdf", b""),)
    number = near.hand_in(a_file(hub, attachments=empty)).get_json()["id"]
    hub.work()
    assert fetched(far, waiting(far)["items"][0]).status_code == 200
    with hub.db.read() as tx:
        assert [note["code"] for note in tx.session.get_one(Dispatch, number).notes] == ["empty"]
    problem(near.post("/api/v1/uploads", {"size": 0, "sha256": "0" * 64}), 422, "invalid")


def test_a_body_over_the_cap_is_refused(app: Flask, hub: Office, near: System, far: System) -> None:
    config = replace(hub.config, upload_max_bytes=10_000)
    app.extensions["lienthong"] = Services(config, hub.db, hub.blobs)
    problem(near.hand_in(a_file(hub) + b" " * 10_000), 413, "too_large")
    assert stays(hub) == NOTHING


def test_what_is_in_an_upload_may_not_be_larger_than_an_upload(
    app: Flask, hub: Office, near: System, far: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = a_file(hub)
    number = announce(near, data)["id"]
    piece(near, number, 0, data)
    near.post(f"/api/v1/uploads/{number}/finish")
    config = replace(hub.config, chunked_max_bytes=1000)  # lowered since it was announced
    app.extensions["lienthong"] = Services(config, hub.db, hub.blobs)
    told = problem(near.hand_in(b"", Upload_Id=number), 422, "edxml_refused")
    assert told["info"]["refusal"] == "too_large"


def test_statuses_of_systems_with_wrong_clocks_count_and_keep_what_they_said(
    hub: Office, near: System, far: System
) -> None:
    letter = a_letter(hub)
    number = near.hand_in(write(letter)).get_json()["id"]
    hub.work()
    with clock.frozen(clock.now() + timedelta(hours=1)):  # the far system's clock is an hour fast
        early = a_status(hub, letter, StatusCode.ARRIVED)
    with clock.frozen(clock.now() - timedelta(days=400)):
        late = a_status(hub, letter, StatusCode.REGISTERED)
    assert [far.hand_in(data).get_json()["state"] for data in (early, late)] == ["counted", "counted"]
    assert near.get(f"/api/v1/documents/{number}").get_json()["deliveries"][0]["state"] == "03"


def test_statuses_come_doubled_and_in_any_order(hub: Office, near: System, far: System) -> None:
    letter = a_letter(hub)
    number = near.hand_in(write(letter)).get_json()["id"]
    hub.work()
    order = (StatusCode.WORKING, StatusCode.ARRIVED, StatusCode.DONE, StatusCode.REGISTERED)
    files = [a_status(hub, letter, code) for code in order]
    states = [far.hand_in(data).get_json()["state"] for data in (*files, *files)]
    assert states == ["counted", "noted", "counted", "noted"] * 2  # again: the first answers
    assert near.get(f"/api/v1/documents/{number}").get_json()["deliveries"][0]["state"] == "06"
    assert stays(hub)[1] == 4


def test_calls_of_the_mailbox_in_the_wrong_order_break_nothing(hub: Office, near: System, far: System) -> None:
    number = near.hand_in(a_file(hub)).get_json()["id"]
    hub.work()
    (item,) = waiting(far)["items"]
    path = f"/api/v1/inbox/{item['id']}"
    problem(far.post(f"{path}/ack", {"token": 1}), 409, "conflict")  # before any lease
    assert far.post(f"{path}/status", {"code": "03"}).get_json()["state"] == "counted"  # before the acknowledgement
    assert far.get(f"{path}/envelope").status_code == 200  # without a lease
    leases = [far.post(f"{path}/lease").get_json()["token"] for _ in range(3)]
    problem(far.post(f"{path}/ack", {"token": leases[0]}), 409, "conflict")
    answers = [far.post(f"{path}/ack", {"token": leases[-1]}).get_data() for _ in range(3)]
    assert len(set(answers)) == 1
    assert near.get(f"/api/v1/documents/{number}").get_json()["deliveries"][0]["state"] == "03"


@pytest.fixture
def served(app: Flask) -> Iterator[tuple[str, int]]:
    """The application behind a real socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield "127.0.0.1", server.server_port
    server.shutdown()
    thread.join()


def cut(address: tuple[str, int], system: System, method: str, path: str, data: bytes, **headers: str) -> bytes:
    """Send the head and half of the body, then hang up. Answers what still came back."""
    lines = {**system.headers, "Host": "hub", "Content-Length": str(len(data)), **headers}
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {text}\r\n" for name, text in lines.items()) + "\r\n"
    with socket.create_connection(address, 60) as connection:
        connection.sendall(head.encode() + data[: len(data) // 2])
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(65_536)


def test_a_line_that_is_cut_in_the_middle_of_a_piece_loses_no_byte_and_adds_none(
    served: tuple[str, int], hub: Office, near: System, far: System
) -> None:
    data = a_file(hub)
    half = len(data) // 2
    number = announce(near, data)["id"]
    assert piece(near, number, 0, data[:half]).status_code == 200
    kind = {"Content-Type": "application/octet-stream"}
    path = f"/api/v1/uploads/{number}"
    told = cut(served, near, "PATCH", path, data[half:], **kind, **{"Upload-Offset": str(half)})
    assert b" 400 " in told.split(b"\r\n")[0]
    assert near.get(path).get_json()["offset"] == half
    assert piece(near, number, half, data[half:]).status_code == 200
    near.post(f"{path}/finish")
    assert near.hand_in(b"", Upload_Id=number).status_code == 202


def test_a_line_that_is_cut_in_the_middle_of_a_submission_leaves_nothing(
    served: tuple[str, int], hub: Office, near: System, far: System
) -> None:
    data = a_file(hub)
    told = cut(served, near, "POST", "/api/v1/edxml", data, **{"Content-Type": "application/octet-stream"})
    assert b" 4" in told.split(b"\r\n")[0]
    assert stays(hub) == NOTHING
    assert near.hand_in(data).status_code == 202  # a failed first try never blocks the repeat
