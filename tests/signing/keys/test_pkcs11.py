"""Keys on a token: what they sign holds, sessions are kept, and a token that is away says so and comes back."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pkcs11
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from kernel.errors import Unavailable
from signing.keys.keystore import KeyAlgorithm
from signing.keys.pkcs11 import TokenKeyStore
from signing.pdf.pades import sign_field, sign_person, sign_seal
from signing.sandbox import runner
from signing.testca.authority import TestPerson
from signing.trust.trust_store import TrustStore
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import Value
from signing.verification.file_verification import Expected, verify
from tests.signing.keys.conftest import CITY, PIN, TOKEN, Hsm
from tests.signing.papers import minimal_pdf


def holds(hsm: Hsm, label: str, signature: bytes, data: bytes) -> bool:
    public = hsm.pairs[label].certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(public, ec.EllipticCurvePublicKey)
        public.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    return True


@pytest.mark.parametrize("label", ["rsa", "ec"])
def test_a_letter_sealed_on_the_token_is_valid(hsm: Hsm, label: str) -> None:
    store = TokenKeyStore(hsm.key(label))
    binh = hsm.authority.issue_person(TestPerson("binh", "Trần Quốc Bình", CITY, "Phó Chánh Văn phòng"))
    signed = sign_person(minimal_pdf("Thu"), binh)
    sealed = runner.run_sandboxed(sign_seal, signed, store)
    trusted = TrustStore(hsm.folder / f"trust-{label}", allow_test=True)
    hsm.authority.enter_into(trusted)
    verdict = verify(sealed, trusted.trust(), policy_for(DocumentKind.OFFICIAL), expected=Expected((CITY,)))
    assert verdict.value is Value.VALID, verdict.reasons
    kind = KeyAlgorithm.RSA_SHA256 if label == "rsa" else KeyAlgorithm.ECDSA_SHA256
    assert store.describe().algorithm is kind
    assert store.describe().chain == (hsm.authority.issuing_certificate,)


def test_the_certificate_is_read_without_a_pin(hsm: Hsm) -> None:
    assert TokenKeyStore(hsm.key("rsa", pin="")).describe().certificate


def test_a_key_is_found_by_its_id_as_well(hsm: Hsm) -> None:
    store = TokenKeyStore(hsm.key("", key_id=b"\x02"))
    assert holds(hsm, "ec", store.sign(b"x"), b"x")


def test_the_session_is_kept_and_threads_share_it(hsm: Hsm, monkeypatch: pytest.MonkeyPatch) -> None:
    store, other = TokenKeyStore(hsm.key("rsa")), TokenKeyStore(hsm.key("ec"))
    store.sign(b"first")
    session = store._device._session
    texts = [f"text {number}".encode() for number in range(24)]

    def sign(text: bytes) -> tuple[bytes, bytes]:
        return store.sign(text), other.sign(text)

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(sign, texts))
    assert all(
        holds(hsm, "rsa", one, text) and holds(hsm, "ec", two, text)
        for text, (one, two) in zip(texts, made, strict=True)
    )
    assert store._device is other._device
    assert store._device._session is session


def test_a_session_that_ended_is_opened_again(hsm: Hsm) -> None:
    store = TokenKeyStore(hsm.key("rsa"))
    store.sign(b"x")
    assert store._device._session is not None
    store._device._session.close()
    assert holds(hsm, "rsa", store.sign(b"y"), b"y")


def test_a_token_that_is_pulled_out_says_so_and_works_again(hsm: Hsm) -> None:
    store = TokenKeyStore(hsm.key("rsa"))
    store.sign(b"x")
    hsm.unplug()
    try:
        for _ in range(2):
            with pytest.raises(Unavailable, match="chưa được cắm") as told:
                store.sign(b"y")
            assert TOKEN in told.value.message.en
    finally:
        hsm.plug_in()
    assert holds(hsm, "rsa", store.sign(b"z"), b"z")


def test_the_same_child_is_not_used_again_after_a_token_failed(hsm: Hsm) -> None:
    wrong = TokenKeyStore(hsm.key("rsa", pin="sai-pin-0000", serial=_serial(hsm)))
    with pytest.raises(Unavailable):
        runner.run_sandboxed(sign_field, minimal_pdf("Thu"), wrong, "ConDau")
    signed = runner.run_sandboxed(sign_field, minimal_pdf("Thu"), TokenKeyStore(hsm.key("rsa")), "ConDau")
    assert signed.startswith(b"%PDF")


def _serial(hsm: Hsm) -> str:
    return str(pkcs11.lib(hsm.key("rsa").module).get_token(token_label=TOKEN).serial.decode())


def test_a_wrong_pin_is_tried_once_and_no_more(hsm: Hsm, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    store = TokenKeyStore(hsm.key("ec", pin="sai-pin-1111"))
    store._device.forget()
    messages = set()
    for _ in range(12):  # SoftHSM forgives, devices do not: what is counted is that we ask once
        with pytest.raises(Unavailable) as told:
            store.sign(b"x")
        messages.add(told.value.message.vi)
    assert len(messages) == 1
    assert "không đúng" in messages.pop()
    assert len(store._device._refused) >= 1
    assert "sai-pin-1111" not in caplog.text


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"label": "nobody"}, "Không tìm thấy"),
        ({"label": "mistaken"}, "không thuộc khoá"),
        ({"pin": ""}, "Chưa khai báo mã PIN"),
        ({"module": "/nowhere/libnone.so"}, "Không nạp được thư viện"),
        ({"token": "another"}, "chưa được cắm"),
    ],
)
def test_what_is_wrong_is_said_in_both_languages(hsm: Hsm, changes: dict[str, str], word: str) -> None:
    store = TokenKeyStore(hsm.key("rsa", **changes) if "label" not in changes else hsm.key(**changes))
    store._device.forget()
    with pytest.raises(Unavailable, match=word) as told:
        store.sign(b"x")
    assert told.value.message.en != told.value.message.vi
    assert PIN not in repr(store._key)
