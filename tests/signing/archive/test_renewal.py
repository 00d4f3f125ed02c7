"""In later years: a new time-stamp before the newest one's certificate ends, and what others say of the result."""

import asyncio
import subprocess
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from asn1crypto import crl, x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import ValidationContext

from kernel import clock
from kernel.outbox import OutboxRow, State
from signing.archive import jobs as archive_jobs
from signing.archive import preservation
from signing.archive.models import Archived, Waits
from signing.archive.status_text import sentence
from signing.pdf.signed_file import embedded_signatures
from signing.testca.certificates import subject_named
from signing.testca.services import CRL, OCSP, Fault
from signing.verdicts.verdict import Level, Value
from tests.signing.archive.conftest import Keeping


@pytest.fixture
def kept(keeping: Keeping) -> str:
    """A letter at B-LTA."""
    name = keeping.keep(keeping.letter())
    keeping.step(name)
    assert keeping.step(name).level is Level.B_LTA
    return name


def daily_round(keeping: Keeping) -> None:
    """Today's round, and everything that follows from it today."""
    with keeping.instance.db.write() as tx:
        tx.outbox(archive_jobs.DUE, f"test {clock.now().isoformat()}")
    keeping.instance.work()
    for row in keeping.jobs(preservation.LOOK, preservation.STAMP):
        if row.due_at < clock.now() + timedelta(minutes=10):
            with clock.frozen(max(row.due_at, clock.now())):
                keeping.instance.work()


@pytest.mark.repeats("signing.archive_due")
def test_a_time_stamp_gets_its_successor_ninety_days_before_its_end_and_outlives_it(
    keeping: Keeping, kept: str, tmp_path: Path
) -> None:
    first = keeping.row(kept)
    assert first.not_after is not None
    assert first.next_at is not None
    assert first.not_after - first.next_at >= timedelta(days=90)
    with clock.frozen(first.next_at - timedelta(days=3)):
        daily_round(keeping)
        assert keeping.row(kept).newest == first.newest  # not yet
    with clock.frozen(first.next_at + timedelta(hours=1)):
        authority = keeping.public.authority
        subject = subject_named("Dấu thời gian mới", [(NameOID.ORGANIZATION_NAME, "Liên Thông")])
        pair = authority.certify(subject, usages=(ExtendedKeyUsageOID.TIME_STAMPING,))
        keeping.public.services.time_stamp_key = authority.write_pair(tmp_path / "tsa2.p12", pair)
        daily_round(keeping)
        renewed = keeping.row(kept)
        assert (renewed.level, renewed.waits) == (Level.B_LTA, Waits.RENEWAL)
        assert renewed.not_after is not None
        assert renewed.not_after > first.not_after + timedelta(days=365)
        daily_round(keeping)
        assert keeping.row(kept) == renewed
    grown = keeping.file(kept)
    with clock.frozen(first.not_after + timedelta(days=200)):  # signers and the first authority have ended
        verdict = keeping.verify(grown)
    assert verdict.value is Value.VALID
    assert {signer.signed_at for signer in verdict.signers} == {first.proven_at}
    pyhanko_says(keeping, grown, first.not_after + timedelta(days=200))


@pytest.mark.long_proof
def test_a_renewal_waits_for_a_sick_authority_and_loses_nothing(keeping: Keeping, kept: str) -> None:
    first = keeping.row(kept)
    assert first.next_at is not None
    for service in (CRL, OCSP):
        keeping.public.services.moods[service].fault = Fault.DOWN
    with clock.frozen(first.next_at + timedelta(hours=1)):
        daily_round(keeping)
        waiting = keeping.row(kept)
        assert (waiting.level, waiting.waits, waiting.proven_at) == (Level.B_LTA, Waits.RENEWAL, first.proven_at)
        assert "thử lại lúc" in sentence(waiting).vi
        keeping.public.services.well()
    with clock.frozen(first.next_at + timedelta(days=1)):
        keeping.instance.work()
        daily_round(keeping)
        assert keeping.row(kept).newest != first.newest


def test_an_authority_that_ends_soon_is_not_asked_each_day() -> None:
    now = clock.now()
    assert preservation.renewal_of(now + timedelta(days=900), now) == now + timedelta(days=800)
    assert preservation.renewal_of(now + timedelta(days=60), now) == now + timedelta(days=30)
    assert preservation.renewal_of(now + timedelta(hours=3), now) == now + timedelta(days=1)
    assert preservation.renewal_of(None, now) is None


def test_a_lost_promise_is_found_by_the_daily_round(keeping: Keeping) -> None:
    name = keeping.keep(keeping.letter())
    with keeping.instance.db.write() as tx:
        tx.session.execute(sa.delete(OutboxRow).where(OutboxRow.topic == preservation.STAMP))
    with clock.frozen(clock.now() + timedelta(hours=2)):
        daily_round(keeping)
        assert keeping.row(name).level is Level.B_LTA


def test_each_round_promises_the_next_and_a_full_one_goes_on(keeping: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_jobs, "BATCH_SIZE", 2)
    with clock.frozen(clock.now()):  # a round is promised for a day, which may not end meanwhile
        _rounds_of_today(keeping)


def _rounds_of_today(keeping: Keeping) -> None:
    now = clock.now()
    with keeping.instance.db.write() as tx:
        for number in range(5):
            tx.session.add(_overdue(f"{number:064x}", now - timedelta(days=1)))
    archive_jobs.begin(keeping.instance.db)
    archive_jobs.begin(keeping.instance.db)
    handler = archive_jobs.DueHandler(lambda: None)
    rounds = 0
    while due := [row for row in keeping.jobs(archive_jobs.DUE) if row.due_at <= clock.now()]:
        rounds += 1
        assert rounds <= 3
        with keeping.instance.db.write() as tx:  # only the rounds, not the steps: there are no such files
            row = tx.session.get_one(OutboxRow, due[0].id)
            handler.prepare(tx, row)  # type: ignore[arg-type]
            handler.conclude(tx, row, True)  # type: ignore[arg-type]
            row.state = State.DONE
    assert len(keeping.jobs(preservation.LOOK)) == 5
    assert len(keeping.jobs(archive_jobs.DUE)) == 1


def _overdue(name: str, at: datetime) -> Archived:
    same = {"newest": name, "size": 1, "level": Level.B_LTA, "since": at, "kept_at": at, "obstacle": {}}
    return Archived(sha256=name, waits=Waits.RENEWAL, next_at=at, **same)


# ---- second opinions ----


def pyhanko_says(keeping: Keeping, pdf: bytes, at: datetime) -> None:
    """pyHanko walks the chain of time-stamps from the newest, whose revocation is asked about `at` that time, to the
    signatures: with what the file carries and the root. (Its own `ades_lta_validation` wants a time-stamp in the
    signer's token, which ETSI EN 319 142-1 does not.)"""
    root = x509.Certificate.load(keeping.public.authority.root_certificate)
    with clock.frozen(at):
        lists = [crl.CertificateList.load(der) for der in keeping.public.authority.crls()]
    reader = PdfFileReader(BytesIO(pdf))
    store = DocumentSecurityStore.read_dss(reader)

    def known(moment: datetime, crls: list[crl.CertificateList] | None = None) -> ValidationContext:
        rules: dict[str, Any] = {
            "trust_roots": [root],
            "allow_fetching": False,
            "moment": moment,
            "revocation_mode": "require",
        }
        rules["retroactive_revinfo"] = True
        if crls is not None:
            return ValidationContext(crls=crls, other_certs=list(store.load_certs()), **rules)
        return store.as_validation_context(rules)

    moment = at
    told: list[crl.CertificateList] | None = lists
    for stamp in reversed(reader.embedded_timestamp_signatures):
        status = asyncio.run(async_validate_pdf_timestamp(stamp, known(moment, told)))
        assert (status.intact, status.valid, status.trusted) == (True, True, True)
        moment, told = status.timestamp, None
    assert len(reader.embedded_regular_signatures) == 2
    for signature in reader.embedded_regular_signatures:
        signed = asyncio.run(async_validate_pdf_signature(signature, known(moment)))
        assert signed.bottom_line


def test_pdfsig_and_openssl_and_pyhanko_agree(keeping: Keeping, kept: str, tmp_path: Path) -> None:
    pdf = keeping.file(kept)
    pyhanko_says(keeping, pdf, clock.now())
    (tmp_path / "kept.pdf").write_bytes(pdf)
    said = subprocess.run(
        ["pdfsig", "-nocert", "kept.pdf"], cwd=tmp_path, capture_output=True, text=True, check=False
    ).stdout
    assert said.count("Signature Validation: Signature is Valid.") >= 2
    for name, der in (
        ("root", keeping.public.authority.root_certificate),
        ("issuing", keeping.public.authority.issuing_certificate),
    ):
        (tmp_path / f"{name}.der").write_bytes(der)
        command = ["openssl", "x509", "-inform", "DER", "-in", f"{name}.der", "-out", f"{name}.pem"]
        subprocess.run(command, cwd=tmp_path, check=True)
    stamps = [found.signature for found in embedded_signatures(pdf).found if found.is_timestamp]
    assert len(stamps) == 2
    for signature in stamps:
        assert signature is not None
        start, length, second, rest = (int(number) for number in signature.byte_range)
        (tmp_path / "stamped").write_bytes(pdf[start : start + length] + pdf[second : second + rest])
        (tmp_path / "token").write_bytes(signature.pkcs7_content)
        command = ["openssl", "ts", "-verify", "-data", "stamped", "-in", "token", "-token_in", "-CAfile", "root.pem"]
        command += ["-untrusted", "issuing.pem"]
        told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "Verification: OK" in told.stdout + told.stderr
        (tmp_path / "stamped").write_bytes(pdf[:-1])
        told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "Verification: OK" not in told.stdout + told.stderr
