# ruff: noqa: F811 - a fixture that takes another is named as its import
"""No byte of a private key, no PIN and no passphrase in anything that outlives a signature: logs, the database, files,
addresses, error reports. Every kind of key signs here at the most talkative level, and fails on purpose as well.
"""

import base64
import json
import logging
import resource
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from directory import queries as directory
from docex.documents.issuing import issuance
from docex.documents.key_custody import Custody
from docex.jobs.delivery import register_jobs
from kernel.config import Config
from kernel.db import Database
from kernel.errors import DomainError
from kernel.outbox import OutboxRow
from kernel.schema import Base
from signing.keys import key_settings
from signing.keys.keystore import FileKeyStore
from signing.keys.pkcs11 import TokenKeyStore
from signing.log import receipts
from signing.testca.authority import TestAuthority
from signing.testca.trial import authority_in
from tests.cast import cast, city  # noqa: F401 - fixtures
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.office import Office
from tests.leaks import Secrets, files_in
from tests.signing.keys.conftest import MODULE, PIN, Hsm
from tests.signing.remote_signing.conftest import Desk, _loopback, at_desk  # noqa: F401 - fixtures

WRONG_PIN, WRONG_PASSPHRASE = "sai-pin-9917-dai", "sai-mat-khau-8826-dai"
PASSPHRASE = "mat-khau-tep-khoa-4471"


@pytest.fixture
def logged() -> Iterator[Callable[[], bytes]]:
    """Everything that any logger says, SQL and its values included."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.name} {record.getMessage()}")
            if record.exc_info and record.exc_info[1]:
                report = traceback.TracebackException.from_exception(record.exc_info[1], capture_locals=True)
                lines.extend(report.format())

    keeper, root = Keeper(), logging.getLogger()
    before = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    chatty = [logging.getLogger(name) for name in ("sqlalchemy.engine", "werkzeug", "pyhanko", "signing", "docex")]
    levels = [one.level for one in chatty]
    for one in chatty:
        one.setLevel(logging.DEBUG)
    yield lambda: "\n".join(lines).encode()
    root.removeHandler(keeper)
    root.setLevel(before)
    for one, level in zip(chatty, levels, strict=True):
        one.setLevel(level)


def reported(work: Callable[[], object]) -> bytes:
    """The fullest error report that anybody could make: every frame with its variables, every cause."""
    try:
        work()
    except DomainError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()).encode()
    raise AssertionError("that should have failed")


def rows_of(db: Database) -> bytes:
    """A dump of every table, with bytes as they are."""
    out = bytearray()
    with db.read() as tx:
        for table in Base.metadata.sorted_tables:
            for row in tx.session.execute(sa.select(table)):
                for value in row:
                    out += value if isinstance(value, bytes) else str(value).encode()
                    out += b"\n"
                    if isinstance(value, dict | list):
                        out += json.dumps(value, ensure_ascii=False, default=str).encode()
    return bytes(out)


def opened(path: Path, passphrase: bytes) -> Any:
    return pkcs12.load_key_and_certificates(path.read_bytes(), passphrase)[0]


def add_secrets(secrets: Secrets, office: Office, hsm: Hsm, authority: TestAuthority, person_id: int) -> None:
    """Look for every key, PIN and passphrase that the server or a token has held."""
    secrets.add_key("person", opened(authority.person_path(f"person-{person_id}"), authority.passphrase))
    secrets.add_key("seal", opened(authority.seal_path(f"agency-{office.cast.city.id}"), authority.passphrase))
    secrets.add_key("token rsa", hsm.pairs["rsa"].key)
    secrets.add_key("token ec", hsm.pairs["ec"].key)
    secrets.add_key(
        "receipts", load_pem_private_key((office.config.data_dir / "hub" / receipts.FILE).read_bytes(), None)
    )
    for name, secret in (
        ("PIN", PIN), ("wrong PIN", WRONG_PIN), ("passphrase", PASSPHRASE), ("wrong passphrase", WRONG_PASSPHRASE)
    ):  # fmt: skip
        secrets.add(name, secret.encode())
    secrets.add("trial's passphrase", bytes(authority.passphrase))


def test_no_secret_is_left_anywhere(
    at_desk: Desk, hsm: Hsm, tmp_path: Path, logged: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, secrets, reports = at_desk.office, Secrets(), []
    monkeypatch.setattr(receipts, "_ring", receipts._Ring())
    receipts.use(office.config)
    config = replace(office.config, key_passphrase=PASSPHRASE)
    authority = authority_in(config.pki_dir)
    # The server's keys in files: a leader signs and a clerk seals, in a trial.
    office.sent()
    # The leader's own device.
    number = at_desk.out()
    call = at_desk.call(number)
    at_desk.binh.do(call["parameters"])
    office.work()
    # The seal on a token, for the next letter; then with everything that can be wrong about it.
    entry = f"seal:{office.cast.city.code}={hsm.uri('rsa')}"
    on_token = replace(config, keys=entry, pkcs11_module=MODULE, pkcs11_pin=PIN)
    register_jobs(on_token, office.blobs)
    sealed_by_token(office, number)
    with office.db.read() as tx:
        binh = directory.person(tx, office.cast.binh.person_id)
    reports += failures(on_token, config, hsm, office)
    register_jobs(office.config, office.blobs)
    assert TokenKeyStore(hsm.key("ec")).sign(b"x")
    add_secrets(secrets, office, hsm, authority, binh.id)

    found = secrets.found_in("the log", logged())
    found += secrets.found_in("a table", rows_of(office.db))
    # These two are where the secrets are kept; everything else in the folder is looked into.
    kept = {"pki/passphrase", f"hub/{receipts.FILE}"}
    for name, data in files_in(config.data_dir, kept):
        found += secrets.found_in(name, data)
    for name, data in files_in(tmp_path, set()):
        found += secrets.found_in(name, data)
    for place, report in enumerate(reports):
        found += secrets.found_in(f"error report {place}", report)
    for text in (repr(on_token), str(on_token), repr(hsm.key("rsa")), repr(authority.passphrase), str(vars(on_token))):
        found += secrets.found_in("a repr", text.encode())
    found += secrets.found_in("an address", json.dumps(call).encode())
    assert found == []
    assert len(reports) >= 5
    assert b"sqlalchemy.engine" in logged()
    with office.db.read() as tx:
        assert len(tx.session.scalars(sa.select(OutboxRow.id).where(OutboxRow.topic == "docex.seal")).all()) == 2
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0


def sealed_by_token(office: Office, number: int) -> None:
    """The trial does not trust the token's authority: the seal is made and then refused, which is fine here."""
    with office.db.write(office.cast.ha.by) as tx:
        issuance.seal(tx, office.cast.ha, number)
    office.work()


def failures(on_token: Config, config: Config, hsm: Hsm, office: Office) -> list[bytes]:
    """Wrong PIN, PIN in the address, wrong passphrase, no file, no token, a person's key in production."""
    TokenKeyStore(hsm.key("rsa"))._device.forget()
    code, city, wrong = office.cast.city.code, office.cast.city, replace(on_token, pkcs11_pin=WRONG_PIN)
    file = config.pki_dir / "seals" / "wrong.p12"
    file.write_bytes(authority_in(config.pki_dir).seal_path(f"agency-{city.id}").read_bytes())
    by_file = replace(config, keys=f"seal:{code}=file:seals/wrong.p12", key_passphrase=WRONG_PASSPHRASE)
    in_address = replace(on_token, keys=f"seal:{code}={hsm.uri('rsa', f'?pin-value={PIN}')}")
    reports = [
        reported(lambda: Custody(wrong).seal_key(city).sign(b"x")),
        reported(lambda: Custody(by_file).seal_key(city)),
        reported(lambda: key_settings.seal_store(in_address, code)),
        reported(lambda: Custody(replace(by_file, keys=f"seal:{code}=file:seals/none.p12")).seal_key(city)),
        reported(lambda: FileKeyStore(file, WRONG_PASSPHRASE.encode())),
        reported(lambda: TokenKeyStore(hsm.key("nobody")).sign(b"x")),
    ]
    file.unlink()
    return reports


def test_the_search_itself_finds_what_is_there() -> None:
    """A search that finds nothing has to show that it could."""
    secrets = Secrets()
    key = ec.generate_private_key(ec.SECP256R1())
    secrets.add_key("key", key)
    secrets.add("PIN", PIN.encode())
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    value = key.private_numbers().private_value.to_bytes(32, "big")
    for data in (der, pem, base64.b64encode(der), value.hex().encode(), value.hex(":").encode()):
        assert secrets.found_in("x", b"before" + data + b"after")
    for lead in range(4):
        assert secrets.found_in("x", base64.b64encode(b"x" * lead + PIN.encode() + b" and more"))
        assert secrets.found_in("x", base64.urlsafe_b64encode(b"x" * lead + value + b" and more"))
    assert not secrets.found_in("x", b"nothing of it")
