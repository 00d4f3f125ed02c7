"""The way of a kept paper: B-B, B-T, B-LT, B-LTA, whatever the authorities do meanwhile."""

import secrets
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner

from kernel import clock, outbox
from kernel.outbox import Job, OutboxRow, State
from kernel.queue.wakeup import Wakeup
from kernel.queue.worker import Worker
from signing.archive import jobs as archive_jobs
from signing.archive import preservation
from signing.archive.models import Archived, Waits
from signing.archive.status_text import sentence, tone
from signing.keys.keystore import FileKeyStore, StoreSigner
from signing.pdf.pades import add_timestamp, sign_field
from signing.pdf.timestamps import HttpTimeStamps, LocalTimeStamps
from signing.testca.authority import TestAuthority, TestPerson
from signing.testca.services import CRL, TSA, Fault
from signing.trust.trust_store import Trust
from signing.verdicts.verdict import Level, Value
from tests.signing.archive.conftest import Keeping
from tests.signing.conftest import CITY
from tests.signing.papers import minimal_pdf

TOPICS = (preservation.LOOK, preservation.STAMP)


def person(keeping: Keeping) -> FileKeyStore:
    """Somebody new, whose certificate a test may have revoked."""
    return keeping.public.authority.issue_person(
        TestPerson(secrets.token_hex(4), "Trần Thị Tâm", CITY, "Phó Chánh Văn phòng")
    )


@pytest.mark.repeats("signing.archive_look", "signing.archive_stamp")
def test_a_sealed_letter_grows_to_b_lta_and_its_bytes_stay(keeping: Keeping) -> None:
    letter = keeping.letter()
    name = keeping.keep(letter)
    first = keeping.row(name)
    assert (first.level, first.waits, first.proven_at) == (Level.B_B, Waits.TIME_STAMP, None)
    assert "đang chờ dấu thời gian" in sentence(first).vi
    asked = keeping.step(name)  # the time-stamp came; whether it counts is not known before the authorities answer
    assert (asked.level, asked.waits) == (Level.B_B, Waits.VALIDATION)
    files = [letter, keeping.file(name)]
    kept = keeping.step(name)
    files.append(keeping.file(name))
    assert (kept.level, kept.waits) == (Level.B_LTA, Waits.RENEWAL)
    assert tone(kept) == "good"
    assert kept.proven_at is not None
    assert all(later.startswith(earlier) and later != earlier for earlier, later in pairwise(files))
    assert keeping.blobs.size(name) == len(letter)
    assert {signer.level for signer in keeping.verify(files[-1]).signers} == {Level.B_LTA}
    _do_again(keeping, name)


def _do_again(keeping: Keeping, name: str) -> None:
    """Every job that was done is done once more: nothing changes, and nobody is asked again."""
    before, asked = keeping.row(name), keeping.public.services.counts[TSA]
    with keeping.instance.db.write() as tx:
        tx.session.execute(sa.update(OutboxRow).where(OutboxRow.topic.in_(TOPICS)).values(state=State.WAITING))
    keeping.instance.work()
    assert keeping.row(name) == before
    assert keeping.public.services.counts[TSA] == asked


@pytest.mark.long_proof
def test_each_level_is_reached_and_said_by_itself(keeping: Keeping) -> None:
    """What usually follows at once, one after the other: B-T, then B-LT while no second time-stamp can be had."""
    first = keeping.keep(keeping.letter())
    keeping.step(first)
    keeping.step(first)  # now the instance knows about revocation
    services = keeping.public.services
    stamped = add_timestamp(keeping.letter(), HttpTimeStamps(services.tsa_url))
    assert {signer.level for signer in keeping.verify(stamped).signers} == {Level.B_T}
    name = keeping.keep(stamped, Level.B_T)
    services.moods[TSA].fault = Fault.DOWN
    waiting = keeping.step(name)
    assert (waiting.level, waiting.waits) == (Level.B_LT, Waits.ARCHIVE_STAMP)
    assert "đang chờ dấu thời gian lưu trữ" in sentence(waiting).vi
    assert {signer.level for signer in keeping.verify(keeping.file(name)).signers} == {Level.B_LT}
    services.well()
    assert keeping.step(name).level is Level.B_LTA


@pytest.mark.long_proof
def test_a_silent_authority_is_asked_thrice_and_then_each_quarter_of_an_hour(keeping: Keeping) -> None:
    services = keeping.public.services
    services.moods[TSA].fault = Fault.DOWN
    name = keeping.keep(keeping.letter())
    begun = keeping.row(name).since
    for number in range(1, 5):
        due = keeping.row(name).next_at
        assert due is not None
        at = max(due, clock.now())
        with clock.frozen(at):
            waiting = keeping.step(name)
        assert (waiting.tries, waiting.level, waiting.since) == (number, Level.B_B, begun)
        assert services.counts[TSA] == number
        assert waiting.next_at is not None
        pause = waiting.next_at - at
        assert timedelta(0) < pause < timedelta(minutes=1) if number < 3 else pause >= timedelta(minutes=15)
    assert waiting.proven_at is None
    assert waiting.next_at is not None
    text = sentence(waiting, waiting.since).vi
    assert waiting.since.astimezone(clock.VN).strftime("%H:%M %d/%m/%Y") in text
    assert waiting.next_at.astimezone(clock.VN).strftime("thử lại lúc %H:%M") in text
    services.well()
    keeping.step(name)
    assert keeping.step(name).level is Level.B_LTA


@pytest.mark.long_proof
def test_an_authority_that_is_not_trusted_is_not_asked_again_and_again(keeping: Keeping, tmp_path: Path) -> None:
    """A paper came with a time-stamp of an authority that is trusted; the one that is asked here is another."""
    services = keeping.public.services
    known(keeping)
    letter = add_timestamp(keeping.letter(), HttpTimeStamps(services.tsa_url))
    services.time_stamp_key = TestAuthority(tmp_path / "stranger").time_stamp_key()
    name, asked = keeping.keep(letter, Level.B_T), services.counts[TSA]
    pauses = []
    for number in range(1, 5):
        waiting = keeping.step(name)
        assert (waiting.level, waiting.waits, waiting.tries) == (Level.B_LT, Waits.ARCHIVE_STAMP, number)
        assert services.counts[TSA] == asked + number
        assert waiting.next_at is not None
        pauses.append(waiting.next_at)
    assert pauses[-1] - pauses[-2] >= timedelta(hours=1)
    assert "không được tin cậy" in sentence(waiting, waiting.since).vi
    assert [signer.level for signer in keeping.verify(keeping.file(name)).signers] == [Level.B_LT] * 2
    assert keeping.verify(keeping.file(name)).value is Value.VALID
    services.time_stamp_key = services.own_key
    assert keeping.step(name).level is Level.B_LTA


@pytest.mark.long_proof
def test_a_time_stamp_of_ours_that_does_not_count_yet_waits_for_answers_and_not_for_another(
    keeping: Keeping, tmp_path: Path
) -> None:
    """As papers were left by a release that put every time-stamp in."""
    services = keeping.public.services
    known(keeping)
    name = keeping.keep(add_timestamp(keeping.letter(), HttpTimeStamps(services.tsa_url)), Level.B_T)
    services.moods[TSA].fault = Fault.DOWN
    assert keeping.step(name).waits is Waits.ARCHIVE_STAMP
    services.well()
    stranger = LocalTimeStamps(TestAuthority(tmp_path / "stranger").time_stamp_key())
    blob = keeping.blobs.put(BytesIO(add_timestamp(keeping.file(name), stranger)))
    with keeping.instance.db.write() as tx:
        preservation.stamped(tx, tx.session.get_one(Archived, name), blob.sha256, blob.size)
    begun = clock.now()
    while (row := keeping.step(name)).waits is Waits.VALIDATION:
        assert (row.newest, services.counts[TSA]) == (blob.sha256, 0)
        assert "tin cậy" in sentence(row, row.since).vi
        assert row.next_at is not None
        assert row.next_at - begun < timedelta(days=20)
    assert row.level is Level.B_LTA
    assert 1 <= services.counts[TSA] <= 2  # the answers under the first one had grown old meanwhile


def known(keeping: Keeping) -> None:
    """The instance has learnt about revocation."""
    first = keeping.keep(keeping.letter())
    keeping.step(first)
    keeping.step(first)


@pytest.mark.long_proof
def test_many_papers_ask_at_most_three_at_a_time_and_keep_nobody_else_waiting(keeping: Keeping) -> None:
    services, db = keeping.public.services, keeping.instance.db
    services.moods[TSA].delay_s = 120  # until the test has seen enough
    letter = keeping.letter()
    names = [keeping.keep(letter + b"\n" * more) for more in range(6)]
    with db.write() as tx:  # their time has come
        tx.session.execute(sa.update(Archived).values(next_at=clock.now() - timedelta(seconds=1)))
        tx.session.execute(sa.update(OutboxRow).values(due_at=clock.now() - timedelta(seconds=1)))
    worker = Worker(db, Wakeup(db), threads=2)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        eventually(lambda: services.now_at_once == 3)
        time.sleep(0.4)  # for a fourth, if it were taken
        services.moods[TSA].delay_s = 0
        eventually(lambda: services.counts[TSA] >= len(names))
    finally:
        services.moods[TSA].delay_s = 0
        worker.stop()
        thread.join()
    assert services.most_at_once == 3


def eventually(true: Callable[[], bool]) -> None:
    """Wait until it is so; how long that takes says how busy the machine is."""
    ends = time.monotonic() + 100
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_who_is_revoked_before_the_time_stamp_never_turns_green(keeping: Keeping) -> None:
    signer = person(keeping)
    letter = keeping.letter(signer)
    name = keeping.keep(letter)
    keeping.public.authority.revoke(signer.describe().certificate, at=clock.now() - timedelta(minutes=5))
    keeping.step(name)
    stopped = keeping.step(name)
    assert (stopped.waits, stopped.next_at) == (Waits.NOTHING, None)
    assert stopped.level in (Level.B_B, Level.B_T)
    assert stopped.obstacle is not None
    assert "thu hồi" in sentence(stopped).vi
    assert tone(stopped) != "good"
    assert keeping.verify(keeping.file(name)).value is Value.INVALID


def test_who_is_revoked_after_the_time_stamp_has_signed_for_good(keeping: Keeping) -> None:
    signer = person(keeping)
    name = keeping.keep(keeping.letter(signer))
    keeping.public.services.moods[CRL].fault = Fault.DOWN
    keeping.step(name)
    assert keeping.row(name).waits is Waits.VALIDATION
    keeping.public.authority.revoke(signer.describe().certificate, at=clock.now() + timedelta(seconds=30))
    keeping.public.services.well()
    for _ in range(3):
        if keeping.row(name).waits is not Waits.RENEWAL:
            keeping.step(name)
    assert keeping.row(name).level is Level.B_LTA
    assert keeping.verify(keeping.file(name)).value is Value.VALID


def test_without_an_authority_no_time_is_invented_and_the_page_says_so(keeping: Keeping) -> None:
    outbox.register(archive_jobs.StampHandler(keeping.blobs, lambda: None, lambda tx: Trust()))
    name = keeping.keep(keeping.letter())
    waiting = keeping.step(name)
    assert (waiting.level, waiting.next_at, waiting.proven_at) == (Level.B_B, None, None)
    assert "chưa được khai báo" in sentence(waiting).vi


def test_a_file_that_takes_no_update_is_left_as_it_is(keeping: Keeping) -> None:
    name = keeping.keep(b"%PDF-1.7\nbroken")
    stopped = keeping.step(name)
    assert (stopped.waits, stopped.newest, stopped.has_grown) == (Waits.NOTHING, name, False)
    assert stopped.obstacle is not None


@pytest.mark.long_proof
def test_what_came_with_a_time_stamp_of_its_own_is_looked_into_first(keeping: Keeping) -> None:
    first = keeping.keep(keeping.letter())
    keeping.step(first)
    keeping.step(first)
    whole = keeping.file(first)
    asked = keeping.public.services.counts[TSA]
    name = keeping.keep(whole + b"\n", Level.B_LTA)
    assert keeping.step(name).waits is Waits.RENEWAL
    assert keeping.public.services.counts[TSA] == asked
    assert not keeping.row(name).has_grown


def test_a_paper_without_signatures_waits_for_nothing(keeping: Keeping) -> None:
    name = keeping.keep(minimal_pdf("Tai lieu kem theo"), Level.B_T)
    assert (keeping.step(name).waits, keeping.row(name).has_grown) == (Waits.NOTHING, False)


def test_an_older_kind_of_signature_gets_a_time_stamp_and_is_renewed(keeping: Keeping) -> None:
    meta = PdfSignatureMetadata(field_name="A", md_algorithm="sha256", subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED)
    signer = PdfSigner(meta, StoreSigner(keeping.public.seal))
    out = signer.sign_pdf(IncrementalPdfFileWriter(BytesIO(minimal_pdf("Van ban cu"))))
    name = keeping.keep(out.getvalue(), Level.OTHER)
    keeping.step(name)
    kept = keeping.step(name)
    assert (kept.level, kept.waits) == (Level.OTHER, Waits.RENEWAL)
    assert kept.proven_at is not None
    assert kept.next_at is not None
    assert tone(kept) != "good"
    assert sentence(kept).vi.startswith("Chữ ký kiểu cũ")


def test_a_file_beyond_all_measure_stays_at_its_level_and_its_page_says_so(keeping: Keeping) -> None:
    with keeping.instance.db.write() as tx:
        assert preservation.keep(tx, "ab" * 32, preservation.MAX_BYTES + 1, Level.B_B)
    kept = keeping.row("ab" * 32)
    assert (kept.waits, kept.next_at) == (Waits.NOTHING, None)
    assert "quá lớn" in sentence(kept).vi
    assert keeping.jobs(*TOPICS) == []


@pytest.mark.parametrize("topic", TOPICS)
def test_a_failure_of_our_own_is_tried_again_tomorrow(keeping: Keeping, topic: str) -> None:
    name = keeping.keep(keeping.letter())
    with keeping.instance.db.write() as tx:
        (row,) = tx.session.scalars(sa.select(OutboxRow).where(OutboxRow.topic == preservation.STAMP))
        job = Job(row.id, topic, row.key, row.payload, 1, 40, row.due_at, None, None)
        outbox.handlers[topic].give_up(tx, job, "the disk is full")
    again = keeping.row(name)
    assert again.waits is Waits.TIME_STAMP
    assert again.next_at is not None
    assert timedelta(hours=23) < again.next_at - clock.now() <= timedelta(days=1)
    assert len(keeping.jobs(preservation.STAMP)) == 2


def test_keeping_twice_is_keeping_once(keeping: Keeping) -> None:
    letter = sign_field(minimal_pdf("x"), keeping.public.seal, "SaoY")
    name = keeping.keep(letter)
    assert keeping.keep(letter) == name
    assert len(keeping.jobs(*TOPICS)) == 1
