"""Files that come in pieces: they go on after a cut, and nothing but the announced bytes is taken."""

import hashlib
import io
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.hub import uploads
from docex.hub.models import Upload
from docex.models import Dispatch
from kernel import clock, outbox
from kernel.blobs import PIECE, read_all
from tests.docex.office import Office
from tests.docex_hub.systems import System, a_file


def announce(system: System, data: bytes) -> dict[str, Any]:
    asked = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    answer = system.post("/api/v1/uploads", asked)
    assert answer.status_code == 200, answer.get_json()
    body: dict[str, Any] = answer.get_json()
    return body


def piece(system: System, number: str, offset: int | str, data: bytes) -> Any:
    headers = {**system.headers, "Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
    return system.http.patch(f"/api/v1/uploads/{number}", data=data, headers=headers)


def bring(system: System, data: bytes, length: int) -> str:
    """All of it in pieces. Answers the upload's id."""
    number: str = announce(system, data)["id"]
    for offset in range(0, len(data), length):
        assert piece(system, number, offset, data[offset : offset + length]).status_code == 200
    return number


def files(hub: Office, *of: str) -> list[str]:
    folder = hub.config.data_dir / "uploads"
    return [name for name in of if (folder / name).exists()]


def test_an_envelope_in_pieces_is_handed_in_as_if_it_had_come_whole(hub: Office, near: System, far: System) -> None:
    data = a_file(hub)
    number = bring(near, data, 10_000)
    assert near.post(f"/api/v1/uploads/{number}/finish").get_json()["whole"] is True
    assert near.post(f"/api/v1/uploads/{number}/finish").get_json()["whole"] is True
    answer = near.hand_in(b"", Upload_Id=number)
    assert answer.status_code == 202, answer.get_json()
    assert answer.get_json()["sha256"] == hashlib.sha256(data).hexdigest()
    with hub.db.read() as tx:
        assert read_all(hub.blobs, tx.session.scalars(sa.select(Dispatch)).one().sha256) == data


def test_after_a_cut_it_goes_on_where_it_was(hub: Office, near: System) -> None:
    data = bytes(range(256)) * 100
    number = announce(near, data)["id"]
    piece(near, number, 0, data[:9_000])
    again = announce(near, data)
    assert (again["id"], again["offset"]) == (number, 9_000)
    assert near.get(f"/api/v1/uploads/{number}").get_json()["offset"] == 9_000
    early = near.post(f"/api/v1/uploads/{number}/finish")
    assert early.get_json()["code"] == "wrong_offset"
    doubled = piece(near, number, 8_000, data[8_000:9_000])
    assert (doubled.status_code, doubled.get_json()["info"]["offset"]) == (409, 9_000)
    assert piece(near, number, 9_000, data[9_000:]).status_code == 200
    assert near.post(f"/api/v1/uploads/{number}/finish").status_code == 200


def test_a_piece_that_was_cut_in_the_middle_counts_for_nothing(app: Flask, hub: Office, near: System) -> None:
    data = b"x" * 5_000
    number = announce(near, data)["id"]
    answer = near.http.patch(
        f"/api/v1/uploads/{number}",
        input_stream=io.BytesIO(data[:1_000]),
        environ_overrides={"CONTENT_LENGTH": "5000"},
        headers={**near.headers, "Upload-Offset": "0"},
    )
    assert answer.status_code == 400
    assert near.get(f"/api/v1/uploads/{number}").get_json()["offset"] == 0


def test_other_bytes_than_announced_are_refused_and_can_be_sent_anew(hub: Office, near: System) -> None:
    data = b"right" * 100
    number = announce(near, data)["id"]
    piece(near, number, 0, b"wrong" * 100)
    refused = near.post(f"/api/v1/uploads/{number}/finish")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "wrong_hash")
    assert piece(near, number, 0, data).status_code == 200
    assert near.post(f"/api/v1/uploads/{number}/finish").status_code == 200
    assert piece(near, number, 0, data).status_code == 409


def test_pieces_have_their_limits(hub: Office, near: System) -> None:
    data = b"x" * (PIECE + 10)
    number = announce(near, data)["id"]
    assert piece(near, number, 0, data).status_code == 422
    assert piece(near, number, 0, b"").status_code == 422
    assert piece(near, number, "one", b"x").status_code == 409
    assert piece(near, number, 0, data[:PIECE]).status_code == 200
    assert piece(near, number, PIECE, b"x" * 11).status_code == 422
    assert piece(near, number, PIECE, b"x" * 10).status_code == 200
    for wrong in ({"size": 0, "sha256": "0" * 64}, {"size": 5, "sha256": "no"}, {"size": 10**13, "sha256": "0" * 64}):
        assert near.post("/api/v1/uploads", wrong).status_code == 422


def test_uploads_belong_to_one_system(hub: Office, near: System, far: System) -> None:
    number = bring(near, b"x" * 100, 50)
    assert far.get(f"/api/v1/uploads/{number}").status_code == 404
    assert piece(far, number, 0, b"y").status_code == 404
    assert far.post(f"/api/v1/uploads/{number}/finish").status_code == 404
    assert far.hand_in(b"", Upload_Id=number).status_code == 404
    assert near.hand_in(b"", Upload_Id=number).status_code == 409  # not finished
    assert near.hand_in(b"", Upload_Id="../../secret_key").status_code == 404


@pytest.mark.repeats("hub.sweep")
def test_abandoned_pieces_are_swept_and_finished_files_leave_none(hub: Office, near: System) -> None:
    with clock.frozen(clock.now()):
        left = bring(near, b"a" * 100, 50)
        whole = bring(near, b"b" * 100, 50)
        near.post(f"/api/v1/uploads/{whole}/finish")
        hub.work()
        assert files(hub, left, whole) == [left]
        clock.advance(timedelta(hours=23))
        late = announce(near, b"a" * 100)["id"]
        assert late == left
        piece(near, left, 0, b"a" * 50)
        clock.advance(timedelta(hours=2))
        hub.work()
        assert files(hub, left, whole) == [left]  # somebody went on with it
        clock.advance(uploads.ABANDONED)
        hub.work()
        assert files(hub, left, whole) == []
        assert near.get(f"/api/v1/uploads/{left}").status_code == 404
        assert near.get(f"/api/v1/uploads/{whole}").status_code == 200
    handler = outbox.handlers["hub.sweep"]
    handler.perform(left)  # again: nothing is there, nothing happens
    with hub.db.read() as tx:
        assert tx.session.scalars(sa.select(Upload.id)).all() == [whole]


def test_one_system_cannot_keep_too_many_files_open(hub: Office, near: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_OPEN", 2)
    announce(near, b"1")
    announce(near, b"2")
    refused = near.post("/api/v1/uploads", {"size": 1, "sha256": hashlib.sha256(b"3").hexdigest()})
    assert refused.status_code == 409
