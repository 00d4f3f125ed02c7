"""Files that come in pieces: they go on after a cut, and nothing but the announced bytes is taken."""

import base64
import errno
import hashlib
import io
import os
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.documents.models import Dispatch
from docex.exchange.hub.models import Upload
from docex.exchange.hub.uploads import resumable
from kernel import clock, outbox
from kernel.storage.blobs import PIECE, fingerprint, read_all
from tests.docex.hub.systems import System, a_file
from tests.docex.office import Office


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
    for wrong in ({"size": 0, "sha256": "0" * 64}, {"size": 5, "sha256": "no"}, {"size": 2**63, "sha256": "0" * 64}):
        assert near.post("/api/v1/uploads", wrong).status_code == 422


def test_a_file_of_two_gigabytes_may_come_and_a_larger_one_is_refused_before_it_travels(
    hub: Office, near: System
) -> None:
    asked = {"size": 2 * 1024**3, "sha256": "0" * 64}
    assert near.post("/api/v1/uploads", asked).status_code == 200
    most = hub.config.chunked_max_bytes
    refused = near.post("/api/v1/uploads", {**asked, "size": most + 1})
    assert refused.status_code == 413
    problem = refused.get_json()
    assert (problem["code"], problem["info"]["most"]) == ("too_large", most)
    assert "3000 MB" in problem["message"]["vi"]
    assert "3000 MB" in problem["message"]["en"]


def test_a_file_for_which_there_is_no_room_is_refused_before_it_travels(
    hub: Office, near: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumable, "SPARE_BYTES", 10**18)
    refused = near.post("/api/v1/uploads", {"size": 5, "sha256": "0" * 64})
    assert (refused.status_code, refused.get_json()["code"]) == (503, "unavailable")


def test_a_piece_that_finds_the_disk_full_is_not_there_at_all(
    hub: Office, near: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"x" * 100
    number = announce(near, data)["id"]
    assert piece(near, number, 0, data[:40]).status_code == 200
    whole = os.pwrite

    def half(file: int, part: bytes, offset: int) -> int:
        if len(part) <= 30:
            raise OSError(errno.ENOSPC, "no space left")
        return whole(file, part[:30], offset)

    monkeypatch.setattr(os, "pwrite", half)
    assert piece(near, number, 40, data[40:]).status_code == 503
    assert near.get(f"/api/v1/uploads/{number}").get_json()["offset"] == 40
    monkeypatch.setattr(os, "pwrite", whole)
    assert piece(near, number, 40, data[40:]).status_code == 200
    assert near.post(f"/api/v1/uploads/{number}/finish").status_code == 200


def test_a_piece_may_bring_its_own_hash(hub: Office, near: System) -> None:
    data = b"piece" * 20
    number = announce(near, data)["id"]
    right = base64.b64encode(hashlib.sha256(data).digest()).decode()
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()

    def with_digest(text: str) -> Any:
        headers = {**near.headers, "Upload-Offset": "0", "Content-Digest": text}
        return near.http.patch(f"/api/v1/uploads/{number}", data=data, headers=headers)

    refused = with_digest(f"sha-256=:{wrong}:")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "wrong_hash")
    assert near.get(f"/api/v1/uploads/{number}").get_json()["offset"] == 0
    in_hex = hashlib.sha256(data).hexdigest()
    for unread in (f"sha-256=:{in_hex}:", "sha-256=:AAAA:", f"sha-512=:AAAA:, sha-256={right}", "SHA-256=", "sha-256"):
        answer = with_digest(unread)
        assert answer.status_code == (422 if "=" in unread else 200), unread
    assert with_digest(f"SHA-256=:{wrong}:").status_code == 409
    for good in (f"sha-512=:AAAA:, sha-256=:{right}:", "md5=:AAAA:", ""):
        assert with_digest(good).status_code == 200, good


def test_a_first_piece_that_comes_late_once_more_changes_nothing(hub: Office, near: System) -> None:
    data = bytes(range(90))
    number = announce(near, data)["id"]
    for at in (0, 30, 0, 60, 0):
        answer = piece(near, number, at, data[at : at + 30])
        assert answer.status_code == 200
    assert answer.get_json()["offset"] == 90
    assert near.post(f"/api/v1/uploads/{number}/finish").status_code == 200


def test_another_beginning_starts_over(hub: Office, near: System) -> None:
    data = bytes(range(90))
    number = announce(near, data)["id"]
    assert piece(near, number, 0, b"other" * 10).get_json()["offset"] == 50
    assert piece(near, number, 0, data[:30]).get_json()["offset"] == 30


def test_pieces_in_the_wrong_order_are_refused_and_lose_nothing(hub: Office, near: System) -> None:
    data = bytes(range(90))
    number = announce(near, data)["id"]
    assert piece(near, number, 30, data[30:60]).get_json()["info"]["offset"] == 0
    assert piece(near, number, 0, data[:30]).status_code == 200
    assert piece(near, number, 60, data[60:]).get_json()["info"]["offset"] == 30
    assert near.post(f"/api/v1/uploads/{number}/finish").status_code == 409
    assert piece(near, number, 30, data[30:60]).status_code == 200
    assert piece(near, number, 60, data[60:]).status_code == 200
    assert near.post(f"/api/v1/uploads/{number}/finish").status_code == 200


def test_nothing_is_written_to_a_file_that_is_being_checked(hub: Office, near: System) -> None:
    """Whoever still held it open could change what lies in the store under the hash of something else."""
    data = b"right" * 20
    number = announce(near, data)["id"]
    piece(near, number, 0, data)
    folder = resumable.Folder(hub.config.data_dir / "uploads")
    with folder.alone(number):
        assert piece(near, number, 0, b"wrong" * 20).status_code == 409
        assert near.post(f"/api/v1/uploads/{number}/finish").status_code == 409
    assert near.post(f"/api/v1/uploads/{number}/finish").status_code == 200
    assert read_all(hub.blobs, hashlib.sha256(data).hexdigest()) == data


def test_no_transaction_is_open_while_a_file_is_hashed(
    hub: Office, near: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = bring(near, b"gigabytes", 9)
    held: list[int] = []

    def watched(file: Any) -> Any:
        held.append(hub.db.engine.pool.checkedout())  # type: ignore[attr-defined]
        return fingerprint(file)

    monkeypatch.setattr(resumable, "fingerprint", watched)
    assert near.post(f"/api/v1/uploads/{number}/finish").get_json()["whole"] is True
    assert held == [0]


def test_a_finish_that_died_halfway_is_finished_by_the_next(
    hub: Office, near: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"z" * 200
    number = announce(near, data)["id"]
    piece(near, number, 0, data)

    def dies(*_: Any) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as at_night:
        at_night.setattr(resumable, "finish", dies)
        assert near.post(f"/api/v1/uploads/{number}/finish").status_code == 500
    assert near.get(f"/api/v1/uploads/{number}").get_json()["whole"] is False
    assert near.post(f"/api/v1/uploads/{number}/finish").get_json()["whole"] is True


def test_knowing_the_hash_of_a_file_is_not_having_it(hub: Office, near: System, far: System) -> None:
    data = a_file(hub)
    near.hand_in(data)
    number = announce(far, data)["id"]
    refused = far.post(f"/api/v1/uploads/{number}/finish")
    assert (refused.status_code, refused.get_json()["info"]["offset"]) == (409, 0)


def test_an_upload_is_named_instead_of_a_body_never_beside_one(hub: Office, near: System, far: System) -> None:
    data = a_file(hub)
    number = bring(near, data, 10_000)
    near.post(f"/api/v1/uploads/{number}/finish")
    refused = near.hand_in(data, Upload_Id=number)
    assert (refused.status_code, list(refused.get_json()["fields"])) == (422, ["Upload-Id"])


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
        clock.advance(resumable.ABANDONED)
        hub.work()
        assert files(hub, left, whole) == []
        assert near.get(f"/api/v1/uploads/{left}").status_code == 404
        assert near.get(f"/api/v1/uploads/{whole}").status_code == 200
    handler = outbox.handlers["hub.sweep"]
    handler.perform(left)  # again: nothing is there, nothing happens
    with hub.db.read() as tx:
        assert tx.session.scalars(sa.select(Upload.id)).all() == [whole]


def test_one_system_cannot_keep_too_many_files_open(hub: Office, near: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumable, "MAX_OPEN", 2)
    announce(near, b"1")
    announce(near, b"2")
    refused = near.post("/api/v1/uploads", {"size": 1, "sha256": hashlib.sha256(b"3").hexdigest()})
    assert refused.status_code == 409
