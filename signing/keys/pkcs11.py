"""Keys on a USB token or an HSM, through the maker's PKCS#11 library.

A process opens a token once and keeps the session: logging in costs most of a second on many devices, and a device
has few sessions. All keys of a token share that session, one operation at a time in one library. A token that was
pulled out is looked for again at each press; a wrong PIN is never tried twice, because devices lock themselves.
"""

# mypy: allow-untyped-calls
# (the bindings are typed in parts)

import hashlib
import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from asn1crypto import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import load_der_x509_certificate

from kernel.config import Secret
from kernel.errors import Unavailable
from kernel.text import Phrase, phrase
from signing.keys.keystore import KeyAlgorithm, KeyDescription, keep_keys_out_of_core_dumps

if TYPE_CHECKING:
    import pkcs11

log = logging.getLogger(__name__)

T = TypeVar("T")

NO_LIBRARY = phrase("Không nạp được thư viện PKCS#11 “{name}”. Xin quản trị hệ thống kiểm tra cấu hình.")
NOT_PLUGGED_IN = phrase("Thiết bị khoá “{token}” chưa được cắm hoặc đã bị rút ra. Xin cắm lại rồi thử lại.")
WRONG_PIN = phrase("Mã PIN của thiết bị khoá “{token}” không đúng. Hệ thống không thử lại để thiết bị không bị khoá.")
LOCKED = phrase("Thiết bị khoá “{token}” đã bị khoá do nhập sai mã PIN nhiều lần.")
NO_PIN = phrase("Chưa khai báo mã PIN của thiết bị khoá “{token}”.")
NO_KEY = phrase("Không tìm thấy khoá “{name}” trên thiết bị khoá “{token}”.")
NO_CERTIFICATE = phrase("Không tìm thấy chứng thư của khoá “{name}” trên thiết bị khoá “{token}”.")
OTHER_KEY = phrase("Chứng thư trên thiết bị khoá “{token}” không thuộc khoá “{name}”.")
TROUBLE = phrase("Thiết bị khoá “{token}” báo lỗi “{error}”. Xin thử lại hoặc báo quản trị hệ thống.")


@dataclass(frozen=True)
class TokenKey:
    """Which key on which token. `token`, `serial`, `label` and `key_id` narrow it down; empty ones do not count."""

    module: str
    token: str = ""
    serial: str = ""
    label: str = ""
    key_id: bytes = b""
    pin: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """What people find it by."""
        return self.label or self.key_id.hex()

    @property
    def device(self) -> str:
        """What the token is called, for sentences."""
        return self.token or self.serial


class _Device:
    """One token and its one session in this process."""

    def __init__(self, key: TokenKey) -> None:
        self.module, self.token, self.serial, self.name = key.module, key.token, key.serial, key.device
        self.lock = _locks[key.module]
        self._session: pkcs11.Session | None = None
        self._refused: dict[bytes, Phrase] = {}
        self._found: dict[tuple[str, bytes], pkcs11.PrivateKey] = {}

    def use(self, pin: str, work: Callable[["_Device", "pkcs11.Session"], T]) -> T:
        """Do this with an open session; with a new one when the session that was kept has ended meanwhile."""
        import pkcs11

        with self.lock:
            kept = self._session is not None
            try:
                return work(self, self._open(pin))
            except pkcs11.exceptions.PKCS11Error as error:
                self.forget()
                if not kept:
                    raise self._told(error) from None
            log.info("the session with token %s has ended, opening another", self.name)
            try:
                return work(self, self._open(pin))
            except pkcs11.exceptions.PKCS11Error as error:
                self.forget()
                raise self._told(error) from None

    def read(self, work: Callable[["pkcs11.Session"], T]) -> T:
        """Do this with what the token shows to everybody: needs no PIN."""
        import pkcs11

        with self.lock:
            try:
                if self._session is not None:
                    return work(self._session)
                with self._present().open() as session:
                    return work(session)
            except pkcs11.exceptions.PKCS11Error as error:
                self.forget()
                raise self._told(error) from None

    def private_key(self, session: "pkcs11.Session", label: str, key_id: bytes) -> "pkcs11.PrivateKey":
        """The key, looked for once a session."""
        import pkcs11

        if (label, key_id) not in self._found:
            found: Any = session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, label=label or None, id=key_id or None)
            self._found[label, key_id] = found
        return self._found[label, key_id]

    def forget(self) -> None:
        """Let the session go; the next use opens another."""
        import pkcs11

        session, self._session = self._session, None
        self._found.clear()
        if session is not None:
            try:
                session.close()
            except pkcs11.exceptions.PKCS11Error as error:
                log.debug("closing the session with token %s: %s", self.name, type(error).__name__)

    def _open(self, pin: str) -> "pkcs11.Session":
        import pkcs11

        if self._session is not None:
            return self._session
        mark = hashlib.sha256(pin.encode()).digest()  # the PIN itself is not kept
        if mark in self._refused:
            raise Unavailable(self._refused[mark])
        if not pin:
            raise Unavailable(_said(NO_PIN, token=self.name))
        token = self._present()
        try:
            self._session = token.open(user_pin=pin)
        except (pkcs11.exceptions.PinIncorrect, pkcs11.exceptions.PinInvalid, pkcs11.exceptions.PinLenRange):
            self._refused[mark] = _said(WRONG_PIN, token=self.name)
            raise Unavailable(self._refused[mark]) from None
        return self._session

    def _present(self) -> "pkcs11.Token":
        library = _library(self.module)
        found = _matching(library, self.token, self.serial)
        if found is None:
            # Many libraries notice a token that was plugged in only when they are started anew; that ends all sessions.
            _forget_all(self.module)
            library.reinitialize()
            found = _matching(library, self.token, self.serial)
        if found is None:
            raise Unavailable(_said(NOT_PLUGGED_IN, token=self.name))
        return cast("pkcs11.Token", found)

    def _told(self, error: Exception) -> Unavailable:
        """What the device said, in a sentence; its own text is the name of a constant, never a secret."""
        import pkcs11

        kind = type(error).__name__
        log.warning("token %s: %s", self.name, kind)
        if isinstance(error, pkcs11.exceptions.PinLocked):
            return Unavailable(_said(LOCKED, token=self.name))
        if isinstance(error, _gone()):
            return Unavailable(_said(NOT_PLUGGED_IN, token=self.name))
        return Unavailable(_said(TROUBLE, token=self.name, error=kind))


_devices: dict[tuple[str, str, str], _Device] = {}
_guard = threading.Lock()
_locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
"""One a library: starting it anew while another thread is in it would bring the process down."""


def _forget_all(module: str) -> None:
    for device in list(_devices.values()):
        if device.module == module:
            device.forget()


class TokenKeyStore:
    """A key that never leaves its device."""

    def __init__(self, key: TokenKey, chain: tuple[bytes, ...] = ()) -> None:
        """`chain` are certificates above the key's (DER) that the token does not hold."""
        keep_keys_out_of_core_dumps()
        self._key, self._chain = replace(key, pin=Secret(key.pin)), chain
        self._device = _device(key)
        self._description: KeyDescription | None = None
        self._proven = False

    def describe(self) -> KeyDescription:
        """The certificate on the token that belongs to the key; read once."""
        if self._description is None:
            certificate, others = self._device.read(self._certificates)
            chain = _ordered(certificate, [*others, *self._chain])
            self._description = KeyDescription(certificate, chain, _algorithm(certificate))
        return self._description

    def sign(self, tbs: bytes) -> bytes:
        """Have the device sign."""
        described = self.describe()

        def work(device: _Device, session: "pkcs11.Session") -> bytes:
            return _signed(self._find(device, session), described.algorithm, tbs)

        signature = self._device.use(self._key.pin, work)
        if not self._proven and not _belongs(described.certificate, signature, tbs):
            raise Unavailable(_said(OTHER_KEY, name=self._key.name, token=self._device.name))
        self._proven = True
        return signature

    def check(self) -> None:
        """Log in and find the key; Unavailable says what is wrong. Signs nothing."""
        self.describe()
        self._device.use(self._key.pin, self._find)

    def _find(self, device: _Device, session: "pkcs11.Session") -> "pkcs11.PrivateKey":
        import pkcs11

        try:
            return device.private_key(session, self._key.label, self._key.key_id)
        except (pkcs11.exceptions.NoSuchKey, pkcs11.exceptions.MultipleObjectsReturned):
            raise Unavailable(_said(NO_KEY, name=self._key.name, token=device.name)) from None

    def _certificates(self, session: "pkcs11.Session") -> tuple[bytes, list[bytes]]:
        import pkcs11

        own: list[bytes] = []
        others: list[bytes] = []
        for found in session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE}):
            is_own = (not self._key.key_id or found[pkcs11.Attribute.ID] == self._key.key_id) and (
                bool(self._key.key_id) or found[pkcs11.Attribute.LABEL] == self._key.label
            )
            (own if is_own else others).append(bytes(found[pkcs11.Attribute.VALUE]))
        leaves = [der for der in own if not x509.Certificate.load(der).ca] or own
        if len(leaves) != 1:
            raise Unavailable(_said(NO_CERTIFICATE, name=self._key.name, token=self._device.name))
        return leaves[0], [der for der in (*own, *others) if der != leaves[0]]

    def __repr__(self) -> str:
        return f"<TokenKeyStore {self._key.device}/{self._key.name}>"


def _signed(key: Any, algorithm: KeyAlgorithm, tbs: bytes) -> bytes:
    import pkcs11
    from pkcs11.util.ec import encode_ecdsa_signature

    if algorithm is KeyAlgorithm.RSA_SHA256:
        return bytes(key.sign(tbs, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))
    # Hashed here: few devices offer ECDSA together with a hash, all offer it alone.
    raw = key.sign(hashlib.sha256(tbs).digest(), mechanism=pkcs11.Mechanism.ECDSA)
    return bytes(encode_ecdsa_signature(raw))


def _belongs(certificate: bytes, signature: bytes, tbs: bytes) -> bool:
    """Whether the signature was made with the certificate's key: labels on a token are typed by people."""
    public = load_der_x509_certificate(certificate).public_key()
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, tbs, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, tbs, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _device(key: TokenKey) -> _Device:
    place = (key.module, key.token, key.serial)
    with _guard:
        if place not in _devices:
            _devices[place] = _Device(key)
        return _devices[place]


def _library(module: str) -> Any:
    name = module.rpartition("/")[2]
    try:
        import pkcs11

        library = pkcs11.lib(module)
        if not library.initialized:
            library.initialize()
        return library
    except (ImportError, RuntimeError, OSError) as error:
        log.warning("PKCS#11 library %s: %s", name, type(error).__name__)
        raise Unavailable(_said(NO_LIBRARY, name=name)) from None


def _matching(library: Any, token: str, serial: str) -> Any:
    import pkcs11

    for slot in library.get_slots(token_present=True):
        try:
            found = slot.get_token()
        except pkcs11.exceptions.PKCS11Error:
            continue
        number = found.serial.decode(errors="replace").strip()
        if (not token or found.label.strip() == token) and (not serial or number == serial):
            return found
    return None


def _gone() -> tuple[type[Exception], ...]:
    """How libraries say that the device is not there any more."""
    import pkcs11

    told = pkcs11.exceptions
    return (told.DeviceRemoved, told.DeviceError, told.TokenNotPresent, told.NoSuchToken, told.TokenNotRecognised,
            told.SlotIDInvalid)  # fmt: skip


def _ordered(certificate: bytes, others: list[bytes]) -> tuple[bytes, ...]:
    """Those of `others` that stand above the certificate, issuer first, without the root."""
    above: list[bytes] = []
    current = x509.Certificate.load(certificate)
    by_subject = {x509.Certificate.load(der).subject.dump(): der for der in others}
    while not current.self_issued and (der := by_subject.get(current.issuer.dump())) and der not in above:
        current = x509.Certificate.load(der)
        if not current.self_issued:
            above.append(der)
    return tuple(above)


def _algorithm(certificate: bytes) -> KeyAlgorithm:
    kind = x509.Certificate.load(certificate).public_key.algorithm
    return KeyAlgorithm.ECDSA_SHA256 if kind == "ec" else KeyAlgorithm.RSA_SHA256


def _said(text: Phrase, **values: str) -> Phrase:
    return phrase(text.msgid, **values)
