"""A file that comes as a form, or in the wrapper of one, is no document: the answer says how to send it."""

import hashlib
import io

import pytest
import sqlalchemy as sa

from docex.documents.models import Dispatch
from docex.edxml import EdxmlError, read
from docex.exchange.hub.models import Refusal
from tests.docex.hub.systems import System, a_file
from tests.docex.office import Office

pytestmark = pytest.mark.one_database("postgresql")
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.edxml"\r\n\r\n%b\r\n--x--\r\n'


def wrapped(data: bytes) -> bytes:
    return PART % data


def dispatches(hub: Office) -> int:
    with hub.db.read() as tx:
        return tx.session.scalar(sa.select(sa.func.count()).select_from(Dispatch)) or 0


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=x",
        "Multipart/Form-Data; boundary=x",
        "multipart/mixed; boundary=x",
        "multipart/related",
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
    ],
)
def test_a_form_is_refused_and_told_how_to_send(hub: Office, near: System, far: System, kind: str) -> None:
    for body in (wrapped(a_file(hub)), a_file(hub), b"file=%3Cedxml", b""):
        answer = near.hand_in(body, Content_Type=kind)
        assert (answer.status_code, answer.json["code"]) == (415, "unsupported_type")
        assert answer.json["info"]["accepts"] == "application/octet-stream"
        assert "--data-binary" in answer.json["message"]["en"]
    assert dispatches(hub) == 0
    with hub.db.read() as tx:
        assert tx.session.scalars(sa.select(Refusal.code)).all() == ["unsupported_type"], "the operator sees it"


def test_a_real_form_with_a_file(hub: Office, near: System, far: System) -> None:
    form = {"file": (io.BytesIO(a_file(hub)), "a.edxml")}
    answer = near.http.post("/api/v1/edxml", data=form, headers=near.headers)
    assert answer.status_code == 415
    assert dispatches(hub) == 0


def test_a_form_is_no_way_past_the_token(hub: Office, near: System) -> None:
    for size in (10, 3 << 20):
        body, kind = b"x" * size, "multipart/form-data; boundary=x"
        assert near.http.post("/api/v1/edxml", data=body, content_type=kind).status_code == 401


def test_pieces_are_bytes_too(hub: Office, near: System) -> None:
    data = a_file(hub)
    announced = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    upload = near.post("/api/v1/uploads", announced).json
    path, headers = f"/api/v1/uploads/{upload['id']}", near.headers | {"Upload-Offset": "0"}
    refused = near.http.patch(path, data=data, headers=headers, content_type="multipart/form-data; boundary=x")
    assert refused.status_code == 415
    assert near.get(path).json["offset"] == 0
    assert near.http.patch(path, data=data, headers=headers, content_type="application/octet-stream").status_code == 200


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/xml", "text/xml; charset=utf-8", ""])
def test_whatever_is_no_form_is_taken(hub: Office, near: System, far: System, kind: str) -> None:
    assert near.hand_in(a_file(hub), Content_Type=kind).status_code == 202


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"preamble\r\n"])
def test_the_wrapper_of_a_form_is_found_whatever_it_is_declared_as(
    hub: Office, near: System, far: System, before: bytes
) -> None:
    answer = near.hand_in(before + wrapped(a_file(hub)))
    assert (answer.status_code, answer.json["info"]["refusal"]) == (422, "form")
    with pytest.raises(EdxmlError, match="biểu mẫu"):
        read(before + wrapped(a_file(hub)))
    assert dispatches(hub) == 0
