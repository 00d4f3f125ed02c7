"""Which key lies where, as the settings say: an agency's seal on an HSM, a trial's keys in files.

`LIENTHONG_KEYS` has one entry a key, separated by blanks or lines: an owner, `=`, and a place.

    seal:H29.01=pkcs11:token=UBND;object=con-dau      RFC 7512; ?module-path= and ?pin-source= may follow
    seal:H29.02=file:seals/h29-02.p12                 beneath `pki` in the data folder; for trials
    system=pkcs11:token=UBND;object=he-thong          the key of receipts and log heads, EC P-256; `file:` works, too
    envelope:H29.01=file:systems/h29-01.p12           the key with which an agency's system signs its envelopes

A person's key is never held by a production installation: it stays on the person's own device
(`signing.remote_signing.handoffs`).
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

from kernel.config import Config, Secret
from kernel.errors import Unavailable
from kernel.text import Phrase, phrase
from signing.keys.keystore import KeyStore, Passphrase, file_key
from signing.keys.pkcs11 import TokenKey, TokenKeyStore

PIN_IN_URL = phrase("Mục {owner} của LIENTHONG_KEYS chứa mã PIN. Xin dùng LIENTHONG_PKCS11_PIN_FILE hoặc pin-source.")
NOT_READ = phrase("Không đọc được mục “{owner}” của LIENTHONG_KEYS.")
NO_FILES_HERE = phrase(
    "Hệ thống chính thức không dùng tệp khoá cho cá nhân và con dấu. Xin ký bằng thiết bị của người ký hoặc HSM."
)
NO_PERSONS_HERE = phrase("Hệ thống chính thức không giữ khoá của cá nhân. Xin ký bằng thiết bị của người ký.")
PIN_FILE_UNREADABLE = phrase("Không đọc được tệp mã PIN khai báo ở mục “{owner}” của LIENTHONG_KEYS.")

SEAL, PERSON, SYSTEM, ENVELOPE = "seal", "person", "system", "envelope"
OF_AGENCIES = (SEAL, ENVELOPE)


class BadEntry(Exception):
    """An entry that cannot be used; `why` never repeats what stands in it."""

    def __init__(self, why: Phrase) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True)
class Entry:
    """One key of the settings: `kind` and `whose` say the owner, `place` where it lies."""

    kind: str
    whose: str
    place: str

    @property
    def owner(self) -> str:
        """As it stands in the settings: `seal:H29.01`."""
        return f"{self.kind}:{self.whose}" if self.whose else self.kind


def entries(config: Config) -> tuple[Entry, ...]:
    """The keys of the settings; BadEntry when one cannot be read."""
    return tuple(map(_entry, map(Secret, config.keys.split())))


def seal_store(config: Config, agency_code: str) -> KeyStore | None:
    """The key of an agency's seal; None when the settings name none. Unavailable says why it cannot be used."""
    return _store(config, SEAL, agency_code.upper())


def names_seal(config: Config, agency_code: str) -> bool:
    """Whether the settings name a key for this agency's seal; whether it can be used is found out when it is."""
    try:
        return any((entry.kind, entry.whose) == (SEAL, agency_code.upper()) for entry in entries(config))
    except BadEntry:
        return False


def names_system(config: Config) -> bool:
    """Whether the settings name a key for the installation's own statements; BadEntry is for the doctor to tell."""
    return any(text.startswith(f"{SYSTEM}=") for text in config.keys.split())


def person_store(config: Config, email: str) -> KeyStore | None:
    """The key of a person in a trial; None when the settings name none. Unavailable in production."""
    return _store(config, PERSON, email.lower())


def system_store(config: Config) -> KeyStore | None:
    """The key of the installation for its own statements; None when the settings name none."""
    return _store(config, SYSTEM, "")


def envelope_store(config: Config, agency_code: str) -> KeyStore | None:
    """The key with which an agency's system signs envelopes; None when the settings name none. A file will do, also in
    production: it is a machine's key. Unavailable says why it cannot be used."""
    return _store(config, ENVELOPE, agency_code.upper())


def store_at(config: Config, entry: Entry) -> KeyStore:
    """The store behind an entry; BadEntry when the entry is not to be used here, Unavailable when it cannot be now."""
    _allowed(config, entry)
    scheme, _, place = entry.place.partition(":")
    if scheme == "file":
        return file_key(config.pki_dir / place, Passphrase(config.key_passphrase.encode()))
    return _token_store(_token_key(config, entry, place))


def _store(config: Config, kind: str, whose: str) -> KeyStore | None:
    try:
        found = [entry for entry in entries(config) if (entry.kind, entry.whose) == (kind, whose)]
        return store_at(config, found[-1]) if found else None
    except BadEntry as error:
        raise Unavailable(error.why) from None


def _entry(text: Secret) -> Entry:
    if "pin-value" in text:  # first of all, so that no variable holds it when that is reported
        raise BadEntry(phrase(PIN_IN_URL.msgid, owner=text.partition("=")[0][:60]))
    owner, equals, place = text.partition("=")
    kind, _, whose = owner.partition(":")
    known = owner == SYSTEM or (kind in (*OF_AGENCIES, PERSON) and whose)
    if not known or not equals or not place.startswith(("pkcs11:", "file:")):
        raise BadEntry(phrase(NOT_READ.msgid, owner=owner[:60]))
    return Entry(kind, whose.upper() if kind in OF_AGENCIES else whose.lower(), place)


def _allowed(config: Config, entry: Entry) -> None:
    if config.mode != "production":
        return
    if entry.kind == PERSON:
        raise BadEntry(NO_PERSONS_HERE)
    if entry.kind == SEAL and entry.place.startswith("file:"):
        raise BadEntry(NO_FILES_HERE)


def _token_key(config: Config, entry: Entry, uri: str) -> TokenKey:
    """What a PKCS#11 URI (RFC 7512) says; the PIN comes from a file or from the settings, never from the URI."""
    path, _, query = uri.partition("?")
    said = dict(pair.partition("=")[::2] for pair in path.split(";") if pair)
    asked = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
    module = unquote(asked.get("module-path", "")) or config.pkcs11_module
    key = TokenKey(
        module=module,
        token=unquote(said.get("token", "")),
        serial=unquote(said.get("serial", "")),
        label=unquote(said.get("object", "")),
        key_id=unquote_to_bytes(said.get("id", "")),
        pin=_pin(config, entry, unquote(asked.get("pin-source", ""))),
    )
    if not module or not key.device or not key.name:
        raise BadEntry(phrase(NOT_READ.msgid, owner=entry.owner))
    return key


def _pin(config: Config, entry: Entry, source: str) -> str:
    if not source:
        return config.pkcs11_pin
    try:
        return Secret(Path(source.removeprefix("file:").removeprefix("//")).read_text().rstrip("\r\n"))
    except (OSError, UnicodeDecodeError):
        raise BadEntry(phrase(PIN_FILE_UNREADABLE.msgid, owner=entry.owner)) from None


# The certificate is read once for each key, and a token's session is shared by its keys.


@lru_cache(maxsize=4096)
def _token_store(key: TokenKey) -> TokenKeyStore:
    return TokenKeyStore(key)
