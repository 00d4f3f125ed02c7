"""The signature and the file hash, on vectors that the official SDK produced (invented system and secret)."""

import hashlib
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docex.exchange.vxp import wire
from docex.exchange.vxp.wire import PREFIX, BadSignature

SYSTEM, SECRET = "H29.invented", "s3cret-ĐẶC-biệt"
HASH = "fc2b5eb2ddc4b3b0acbc73e5116d97cf778ba1e0b25ab43511c4ace99abe23b"
JSON, BYTES = "application/json", "application/octet-stream"
SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "edxml" / "built-by-official-sdk"

VECTORS = {
    "sendEdoc": (
        {
            "systemid": SYSTEM,
            "servicetype": "eDoc",
            "messagetype": "edoc",
            "hash-file": HASH,
            "from": "000.00.15.H29",
            "timestamp": "23112026T213348+0150",
            "Content-Type": BYTES,
        },
        "c0837ea2c9aa22accc1f16d12e19cd12cbcec2e7f19bacfb1f5992c470496061",
    ),
    "updateStatus": (
        {
            "systemid": SYSTEM,
            "docId": "4711",
            "timestamp": "23112026T213348+0281",
            "Content-Type": JSON,
            "status": "done",
        },
        "ce44a442017bf07695108d5fe2f07319a8c0d2906da68e5ae17948270f612e9d",
    ),
    "deleteAgency": (
        {
            "systemid": SYSTEM,
            "AgencyCode": "000.00.15.H29",
            "timestamp": "23112026T213348+0646",
            "Content-Type": JSON,
        },
        "b9ecae97e8aafed46fb53a231ba87c770746807cf216730f7857832758fd607b",
    ),
    "getAgenciesListQD20": (
        {"systemid": SYSTEM, "level": "1", "timestamp": "23112026T213348+0652", "Content-Type": JSON},
        "e5b85c952231ec6323754eb9122a5f71318c8ee37ab67cb4441c005ebee52072",
    ),
}


def as_wsgi(headers: dict[str, str]) -> list[tuple[str, str]]:
    """Headers as a WSGI server hands them over: other letter case, bytes read as Latin-1."""
    return [(name.title(), value.encode().decode("latin-1")) for name, value in headers.items()]


def check(headers: dict[str, str], secret: str | None = SECRET) -> dict[str, str]:
    return wire.verified(as_wsgi(headers), lambda system_id: secret if system_id == SYSTEM else None)


@pytest.mark.parametrize("call", VECTORS)
def test_the_text_and_its_signature_are_those_of_the_official_sdk(call: str) -> None:
    values, mac = VECTORS[call]
    assert wire.signature(SECRET, wire.canonical(values).encode()) == mac
    assert wire.signed_headers(SECRET, values)[PREFIX + "hash-header"] == mac


@pytest.mark.parametrize("call", VECTORS)
def test_what_the_sdk_signed_is_believed(call: str) -> None:
    values, _mac = VECTORS[call]
    assert check(wire.signed_headers(SECRET, values)) == values


def test_the_order_of_the_members_does_not_matter() -> None:
    values = dict(reversed(VECTORS["sendEdoc"][0].items()))
    assert check(wire.signed_headers(SECRET, values))["from"] == "000.00.15.H29"


@pytest.mark.parametrize("value", ["<>&'=/\"\\ đủ dấu", "a\u2028b", "x"])
def test_values_survive_the_escaping(value: str) -> None:
    headers = wire.signed_headers(SECRET, {"systemid": SYSTEM, "servicetype": value})
    assert check(headers)["servicetype"] == value


def test_another_secret_is_refused() -> None:
    with pytest.raises(BadSignature):
        check(wire.signed_headers("another", VECTORS["updateStatus"][0]))


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(BadSignature):
        check(wire.signed_headers(SECRET, {**VECTORS["updateStatus"][0], "systemid": "H29.other"}))


@pytest.mark.parametrize(
    "forgery",
    [
        {PREFIX + "docId": "4712"},
        {PREFIX + "systemid": "H29.other"},
        {PREFIX + "sign-header-key": "systemid;docId"},
        {PREFIX + "sign-header-key": "systemid;docId;timestamp;Content-Type;status;from"},
        {PREFIX + "sign-header": "{}"},
        {PREFIX + "sign-header": "[]"},
        {PREFIX + "sign-header": "oops"},
        {PREFIX + "sign-header": ""},
        {PREFIX + "hash-header": ""},
        {PREFIX + "hash-header": "đ" * 32},
    ],
)
def test_a_request_that_was_changed_on_the_way_is_refused(forgery: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        check({**wire.signed_headers(SECRET, VECTORS["updateStatus"][0]), **forgery})


def test_a_signed_value_without_its_header_is_refused() -> None:
    headers = wire.signed_headers(SECRET, VECTORS["updateStatus"][0])
    del headers[PREFIX + "status"]
    with pytest.raises(BadSignature):
        check(headers)


def signed_twice(names: str, **headers: str) -> list[tuple[str, str]]:
    """A call in which `names` are signed one after the other, with the values 1, 2, …"""
    spelt = names.split()
    members = {"systemid": SYSTEM} | dict.fromkeys(spelt, "")
    given = "".join(f',"{PREFIX}{name}":"{number}"' for number, name in enumerate(spelt, start=1))
    text = f'{{"{PREFIX}systemid":"{SYSTEM}"{given}}}'
    signed = {
        "systemid": SYSTEM,
        "sign-header-key": ";".join(members),
        "sign-header": text,
        "hash-header": wire.signature(SECRET, text.encode()),
    }
    return as_wsgi({PREFIX + name: value for name, value in (signed | headers).items()})


def test_a_name_that_is_signed_twice_is_refused() -> None:
    with pytest.raises(BadSignature):
        wire.verified(signed_twice("docId docId", docId="2"), lambda _: SECRET)
    many = "docId docid DocId DOCID"
    with pytest.raises(BadSignature):
        wire.verified(signed_twice(many, docId="1,2,3,4"), lambda _: SECRET)


@pytest.mark.parametrize("seen", ["1,2", "2,1", "1, 2", "1", "2"])
def test_both_spellings_of_a_name_in_one_call_are_what_the_sdk_sends(seen: str) -> None:
    """However a server hands over two headers whose names differ in capitals only."""
    assert wire.verified(signed_twice("docId docid", docId=seen), lambda _: SECRET) == {
        "systemid": SYSTEM,
        "docId": "1",
        "docid": "2",
    }


@pytest.mark.parametrize("seen", ["1,3", "1,2,2", "12", "3", ""])
def test_of_two_spellings_nothing_else_may_stand_in_the_header(seen: str) -> None:
    with pytest.raises(BadSignature):
        wire.verified(signed_twice("docId docid", docId=seen), lambda _: SECRET)


def test_two_spellings_as_two_headers_are_what_was_signed() -> None:
    headers = [one for one in signed_twice("docId docid") if "doc" not in one[0].lower()]
    for pair in ([("docId", "1"), ("docid", "2")], [("docid", "2"), ("docId", "1")]):
        seen = [(PREFIX + name, value) for name, value in pair]
        assert wire.verified([*headers, *seen], lambda _: SECRET)["docid"] == "2"


@pytest.mark.parametrize("value", ["\x00", "\ud800"])
def test_what_no_column_holds_is_refused_before_anybody_is_looked_for(value: str) -> None:
    text = json.dumps({PREFIX + "systemid": value})
    headers = {PREFIX + "sign-header": text, PREFIX + "hash-header": wire.signature(SECRET, text.encode())}
    with pytest.raises(BadSignature):
        wire.verified(as_wsgi(headers), lambda _: pytest.fail("somebody was looked for"))


def test_a_header_beside_the_signed_ones_means_nothing() -> None:
    headers = wire.signed_headers(SECRET, VECTORS["updateStatus"][0])
    assert "AgencyCode" not in check({**headers, PREFIX + "AgencyCode": "x"})


@given(st.dictionaries(st.text("abcxyz", min_size=1), st.text()), st.binary())
def test_no_text_makes_the_check_stumble(values: dict[str, str], rubbish: bytes) -> None:
    for text in (json.dumps(values).encode(), rubbish):
        headers = [(PREFIX + "sign-header", text.decode("latin-1")), (PREFIX + "hash-header", "0" * 64)]
        with pytest.raises(BadSignature):
            wire.verified(headers, lambda _: SECRET)


def hash_of(data: bytes) -> str:
    return wire.unpadded(hashlib.sha256(data).digest())


def sent(body: bytes, announced: str) -> bytes | None:
    """The file that is found in a body."""
    size = wire.sent_size(io.BytesIO(body), announced)
    return None if size is None else body[:size]


@given(st.binary(max_size=60), st.integers(1, 5))
def test_a_file_is_found_however_its_pieces_fall(data: bytes, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "PIECE", piece)
        assert sent(data + b"\r\n", hash_of(data)) == data
        assert sent(data, hash_of(data)) == data
        assert wire.file_hash(io.BytesIO(data)) == (hash_of(data), len(data))


@given(st.binary())
def test_a_file_is_found_under_both_forms_of_its_hash(data: bytes) -> None:
    plain = hashlib.sha256(data).hexdigest()
    for announced in (plain, hash_of(data), plain.upper()):
        assert sent(data + b"\r\n", announced) == data
        assert sent(data, announced) == data


def test_only_one_line_end_is_taken_off() -> None:
    data = b"<edXML/>\r\n"
    assert sent(data + b"\r\n", hash_of(data)) == data
    assert sent(b"\r\n", hash_of(b"")) == b""


def test_a_body_with_another_hash_is_nothing() -> None:
    assert sent(b"<edXML/>\r\n", hash_of(b"other")) is None
    assert sent(b"", "") is None


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")
def test_the_hash_of_an_official_file_is_the_one_that_the_sdk_announced() -> None:
    data = (SAMPLES / "new-01-one-recipient.edxml").read_bytes()
    assert hash_of(data) == HASH
    assert sent(data + b"\r\n", HASH) == data
