"""Whatever a file does to the process that reads it, the caller gets a reason and the next one gets an answer."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from kernel import clock
from kernel.errors import Invalid, WrongState
from signing import isolation
from signing.isolation import Broken, Busy, Ending, Limits, Pool
from signing.pades import add_timestamp, sign_person, sign_seal
from signing.policy import DocumentKind, policy_for
from signing.timestamps import LocalTimeStamps
from signing.verdicts import Level, Value
from signing.verify import verify
from tests.signing import disasters
from tests.signing.conftest import Office

OFFICIAL = policy_for(DocumentKind.OFFICIAL)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Patient: on a busy machine only what really has no end reaches its time limit."""
    pool = Pool(Limits(processes=2, memory_bytes=700 << 20, seconds=60))
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def hasty() -> Iterator[Pool]:
    """For work without end, so that the test does not wait for it."""
    pool = Pool(Limits(processes=1, memory_bytes=700 << 20, seconds=3))
    yield pool
    pool.close()


@pytest.mark.parametrize(
    ("disaster", "ending"),
    [
        (disasters.abort, Ending.CRASHED),
        (disasters.touch_nothing, Ending.CRASHED),
        (disasters.leave, Ending.CRASHED),
        (disasters.eat, Ending.TOO_MUCH),
    ],
)
def test_a_disaster_is_told_and_the_next_work_is_done(
    pool: Pool, disaster: Callable[[], None], ending: Ending, office: Office, sealed: bytes
) -> None:
    with pytest.raises(Broken) as caught:
        pool.run(disaster)
    assert caught.value.ending is ending
    assert isolation.words(caught.value).vi
    assert pool.run(verify, sealed, office.trust, OFFICIAL).value is Value.VALID


@pytest.mark.parametrize("endless", [disasters.spin, disasters.sleep])
def test_work_without_end_is_given_up_and_the_next_is_done(hasty: Pool, endless: Callable[[], None]) -> None:
    with pytest.raises(Broken) as caught:
        hasty.run(endless)
    assert caught.value.ending is Ending.TOO_LONG
    assert isolation.words(caught.value).vi
    assert hasty.run(disasters.environment)


def test_what_is_signed_and_judged_there_is_the_same_as_here(pool: Pool, office: Office, letter: bytes) -> None:
    at = clock.now() - timedelta(days=3)
    with clock.frozen(at):
        there = pool.run(sign_person, letter, office.binh)
        there = pool.run(sign_seal, there, office.seal)
    with clock.frozen(at + timedelta(days=1)):
        verdict = pool.run(verify, there, office.trust, OFFICIAL)
        assert verdict == verify(there, office.trust, OFFICIAL)
        assert verdict.report == verify(there, office.trust, OFFICIAL).report
    assert verdict.value is Value.VALID
    assert {signer.signed_at for signer in verdict.signers} == {at.replace(microsecond=0)}


def test_a_time_stamp_is_asked_for_on_this_side(pool: Pool, office: Office, sealed: bytes) -> None:
    stamped = pool.run(add_timestamp, sealed, LocalTimeStamps(office.authority.time_stamp_key()))
    verdict = pool.run(verify, stamped, office.trust, OFFICIAL)
    assert [signer.level for signer in verdict.signers] == [Level.B_T, Level.B_T]


def test_a_refusal_there_is_a_refusal_here(pool: Pool, office: Office, letter: bytes, signed: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        pool.run(sign_person, b"no pdf", office.binh)
    assert set(caught.value.fields) == {"file"}
    with pytest.raises(WrongState):
        pool.run(sign_person, signed, office.binh)
    with pytest.raises(WrongState):
        pool.run(sign_seal, letter, office.seal)


def test_no_key_byte_goes_to_a_child(
    pool: Pool, office: Office, letter: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    send = isolation._Child._send

    def listen(self: isolation._Child, kind: bytes, body: bytes) -> None:
        sent.append(body)
        send(self, kind, body)

    monkeypatch.setattr(isolation._Child, "_send", listen)
    pool.run(sign_person, letter, office.binh)
    numbers = office.binh._key.private_numbers()
    secret = numbers.p.to_bytes(128, "big")  # type: ignore[union-attr]
    assert len(sent) == 2  # the task, and the signature
    assert not any(secret in body or secret[::-1] in body for body in sent)
    assert not any(office.authority.passphrase in body for body in sent)


def test_a_key_signs_once_for_a_piece_of_work(pool: Pool, office: Office, letter: bytes) -> None:
    with pytest.raises(Broken) as caught:
        pool.run(disasters.sign_twice, office.binh)
    assert "second signature" in caught.value.detail
    assert pool.run(sign_person, letter, office.binh).startswith(letter)


def test_children_that_sign_are_others_than_those_that_judge() -> None:
    judges, signs = isolation.apart(os.getpid), isolation.with_key(os.getpid)
    assert judges == isolation.apart(os.getpid) != signs == isolation.with_key(os.getpid)


def test_a_child_knows_no_setting_writes_no_file_and_its_answers_run_no_code(pool: Pool, tmp_path: Path) -> None:
    os.environ["LIENTHONG_SECRET_KEY"] = "of the test"
    try:
        fresh = Pool(pool.limits)
        assert not any(name.startswith("LIENTHONG") for name in fresh.run(disasters.environment))
        fresh.close()
    finally:
        del os.environ["LIENTHONG_SECRET_KEY"]
    assert pool.run(disasters.write_a_file, str(tmp_path / "left")) == "OSError"
    assert (tmp_path / "left").stat().st_size == 0
    with pytest.raises(Broken) as caught:
        pool.run(disasters.set_a_trap)
    assert "UnpicklingError" in caught.value.detail


def test_who_will_not_wait_is_told_that_all_are_busy() -> None:
    pool = Pool(Limits(processes=1, seconds=2))
    with ThreadPoolExecutor(1) as beside:
        first = beside.submit(pool.run, disasters.sleep)
        time.sleep(0.5)
        with pytest.raises(Busy):
            pool.run(disasters.environment, patience_s=0.1)
        with pytest.raises(Broken):
            first.result()
    assert pool.run(disasters.environment, patience_s=5)
    pool.close()


def test_threads_share_the_children(pool: Pool, office: Office, sealed: bytes) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = threads.map(lambda _: pool.run(verify, sealed, office.trust, OFFICIAL).value, range(12))
    assert set(answers) == {Value.VALID}


def test_a_file_that_unpacks_to_gigabytes_is_refused(pool: Pool, office: Office) -> None:
    assert pool.run(verify, disasters.unpacking_bomb(), office.trust, OFFICIAL).value is Value.INVALID


def test_a_form_without_end_is_given_up(hasty: Pool, office: Office) -> None:
    with pytest.raises(Broken) as caught:
        hasty.run(verify, disasters.field_bomb(), office.trust, OFFICIAL)
    assert caught.value.ending in (Ending.TOO_LONG, Ending.TOO_MUCH)


def test_children_end_with_their_parent(pool: Pool) -> None:
    other = Pool(pool.limits)
    other.run(disasters.environment)
    process = other._idle[0]._process
    threading.Thread(target=other._idle[0]._socket.close).start()
    assert process.wait(10) == 0
    other.close()
