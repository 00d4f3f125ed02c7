"""Whatever a file does to the process that reads it, the caller gets a reason and the next one gets an answer."""

import ctypes
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from kernel import clock
from kernel.errors import Invalid, WrongState
from signing.keys.keystore import KeyAlgorithm, KeyDescription
from signing.pdf.pades import add_timestamp, sign_person, sign_seal
from signing.pdf.timestamps import LocalTimeStamps
from signing.sandbox import child_process, ipc, runner
from signing.sandbox.runner import ExitReason, Limits, Pool, SandboxBusy, SandboxError, SandboxTask
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import Level, Value
from signing.verification.file_verification import verify
from tests.signing import attacks
from tests.signing.conftest import Office
from tests.signing.sandbox import disasters

ROOT = Path(__file__).parents[3]
OFFICIAL = policy_for(DocumentKind.OFFICIAL)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Patient: on a busy machine only what really has no end reaches its time limit."""
    pool = Pool(Limits(processes=2, memory_bytes=700 << 20, seconds=60))
    yield pool
    pool.close()


@pytest.mark.parametrize(
    ("disaster", "ending"),
    [
        (disasters.abort, ExitReason.CRASHED),
        (disasters.touch_nothing, ExitReason.CRASHED),
        (disasters.leave, ExitReason.CRASHED),
        (disasters.eat, ExitReason.TOO_MUCH),
    ],
)
def test_a_disaster_is_told_and_the_next_work_is_done(
    pool: Pool, disaster: Callable[[], None], ending: ExitReason, office: Office, sealed: bytes
) -> None:
    with pytest.raises(SandboxError) as caught:
        pool.run(disaster)
    assert caught.value.ending is ending
    assert runner.error_phrase(caught.value).vi
    assert pool.run(verify, sealed, office.trust, OFFICIAL).value is Value.VALID


@pytest.mark.long_proof
def test_who_crashes_a_child_meets_the_next_one_laid_out_anew(pool: Pool) -> None:
    other = Pool(pool.limits)
    first = {other.run(os.getppid) for _ in range(2)}
    with pytest.raises(SandboxError):
        other.run(disasters.leave)
    assert {other.run(os.getppid)} == first
    with pytest.raises(SandboxError):
        other.run(disasters.abort)
    assert other.run(os.getppid) not in first
    other.close()


@pytest.mark.long_proof
@pytest.mark.parametrize("endless", [disasters.spin, disasters.sleep])
def test_work_without_end_is_given_up_and_the_next_is_done(pool: Pool, endless: Callable[[], None]) -> None:
    hasty = Pool(Limits(processes=1, memory_bytes=700 << 20))
    with pytest.raises(SandboxError) as caught:
        hasty.run(endless, within_s=0.1)
    assert caught.value.ending is ExitReason.TOO_LONG
    assert runner.error_phrase(caught.value).vi
    assert hasty.run(disasters.environment)  # by the same program
    hasty.close()


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
    send = ipc.Connection.send

    def listen(self: ipc.Connection, kind: bytes, body: bytes) -> None:
        sent.append(body)
        send(self, kind, body)

    monkeypatch.setattr(ipc.Connection, "send", listen)
    pool.run(sign_person, letter, office.binh)
    numbers = office.binh._key.private_numbers()
    secret = numbers.p.to_bytes(128, "big")  # type: ignore[union-attr]
    assert sum(len(body) > 200 for body in sent) == 2  # the task, and the signature
    assert not any(secret in body or secret[::-1] in body for body in sent)
    assert not any(office.authority.passphrase in body for body in sent)


def test_a_key_signs_once_for_a_piece_of_work(pool: Pool, office: Office, letter: bytes) -> None:
    with pytest.raises(SandboxError) as caught:
        pool.run(disasters.sign_twice, office.binh)
    assert "second signature" in caught.value.detail
    assert pool.run(sign_person, letter, office.binh).startswith(letter)


@pytest.mark.long_proof
def test_a_file_that_took_its_process_over_lies_about_itself_only(pool: Pool, office: Office, sealed: bytes) -> None:
    forged = attacks.flip_a_letter(sealed)
    alone = Pool(Limits(processes=1, memory_bytes=pool.limits.memory_bytes, seconds=60))
    alone.run(disasters.take_over)
    assert alone.run(verify, forged, office.trust, OFFICIAL).value is Value.INVALID
    processes = {alone.run(disasters.knows_trust, office.trust)[0] for _ in range(3)}
    assert len(processes) == 3
    assert alone._idle[0].tasks == 5  # one zygote made them all
    alone.close()


def test_one_child_does_several_things_with_a_file_and_none_with_the_next(pool: Pool) -> None:
    asked = [SandboxTask(disasters.process), SandboxTask(disasters.process)]
    first, second = pool.run_sequence(asked), pool.run_sequence(asked)
    assert first[0] == first[1] != second[0] == second[1]
    assert first[0] != pool.run(disasters.process)


@pytest.mark.long_proof
def test_what_a_child_said_before_it_broke_stands_and_nothing_after_it_is_tried(pool: Pool) -> None:
    alive = SandboxTask(disasters.process)
    for disaster, ending in ((disasters.abort, ExitReason.CRASHED), (disasters.eat, ExitReason.TOO_MUCH)):
        before, broken, after = pool.run_sequence([alive, SandboxTask(disaster), alive])
        assert isinstance(before, int)
        assert broken is after
        assert broken.ending is ending
    slow = SandboxTask(disasters.sleep, within_s=0.05)
    before, late = pool.run_sequence([alive, slow])
    assert isinstance(before, int)
    assert late.ending is ExitReason.TOO_LONG
    assert pool.run(disasters.environment)


def test_a_verdict_is_out_before_the_same_child_reads_on(pool: Pool, office: Office, sealed: bytes) -> None:
    """The reader of text takes the child over; the verdict on the same file was told already, the next file's too."""
    forged = attacks.flip_a_letter(sealed)
    verifying = SandboxTask(verify, (forged, office.trust, OFFICIAL))
    for _ in range(2):
        verdict, _ = pool.run_sequence([verifying, SandboxTask(disasters.take_over)])
        assert verdict.value is Value.INVALID


def test_programs_that_sign_are_others_than_those_that_judge() -> None:
    signs = runner.run_with_key(os.getpid)
    assert signs == runner.run_with_key(os.getpid)
    assert signs != runner.run_rendering(os.getpid) == runner.run_rendering(os.getpid)
    assert runner.run_sandboxed(os.getppid) not in (os.getpid(), signs)


def offered_by_the_kernel() -> tuple[str, ...]:
    """What confines a child here; the threat model rests on both where there is Linux 5.13 and a usual machine."""
    landlock = ctypes.CDLL(None).syscall(444, None, 0, 1) > 0
    return tuple(name for name, there in (("landlock", landlock), ("seccomp", True)) if there)


def test_a_child_reaches_nothing_but_its_line(pool: Pool, office: Office, tmp_path: Path) -> None:
    assert pool.run(disasters.knows_trust, office.trust)[1] == offered_by_the_kernel()
    if "landlock" not in offered_by_the_kernel():
        pytest.skip("this kernel has no Landlock")
    secret = tmp_path / "key.pem"
    secret.write_text("nobody else's")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        told = pool.run(disasters.reach_out, port, str(secret), str(tmp_path), [os.getpid()])
    assert set(told.values()) == {"PermissionError"}, told
    assert len(told) == 13
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]


@pytest.mark.long_proof
def test_a_child_knows_no_setting_and_writes_no_file(pool: Pool, tmp_path: Path) -> None:
    os.environ["LIENTHONG_SECRET_KEY"] = "of the test"
    try:
        fresh = Pool(pool.limits)
        assert not any(name.startswith("LIENTHONG") for name in fresh.run(disasters.environment))
        fresh.close()
    finally:
        del os.environ["LIENTHONG_SECRET_KEY"]
    for kept in (False, True):  # a file may be made where there is no Landlock, but nothing is written into it
        writer = Pool(pool.limits, kept=kept)
        assert writer.run(disasters.write_a_file, str(tmp_path / "left")) != "written"
        writer.close()
    assert (tmp_path / "left").stat().st_size == 0


class Slow:
    """A key on this side of the line that signs when it is told to."""

    def __init__(self) -> None:
        self.asked, self.told = threading.Event(), threading.Event()

    def describe(self) -> KeyDescription:
        return KeyDescription(b"", (), KeyAlgorithm.RSA_SHA256)

    def sign(self, tbs: bytes) -> bytes:
        self.asked.set()
        assert self.told.wait(120)
        return b"signed"


@pytest.mark.long_proof
def test_who_will_not_wait_is_told_that_all_are_busy() -> None:
    pool, key = Pool(Limits(processes=1)), Slow()
    with ThreadPoolExecutor(1) as beside:
        first = beside.submit(pool.run, disasters.sign_twice, key)
        try:
            assert key.asked.wait(120)
            with pytest.raises(SandboxBusy):
                pool.run(disasters.environment, timeout_s=0.1)
        finally:
            key.told.set()
        with pytest.raises(SandboxError):
            first.result()
    assert pool.run(disasters.environment, timeout_s=60)
    pool.close()


@pytest.mark.long_proof
def test_threads_share_the_children(pool: Pool, office: Office, sealed: bytes) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = threads.map(lambda _: pool.run(verify, sealed, office.trust, OFFICIAL).value, range(12))
    assert set(answers) == {Value.VALID}


def test_a_file_that_unpacks_to_gigabytes_is_refused(pool: Pool, office: Office) -> None:
    assert pool.run(verify, disasters.unpacking_bomb(), office.trust, OFFICIAL).value is Value.INVALID


def test_a_form_without_end_is_too_complicated(pool: Pool, office: Office) -> None:
    assert pool.run(verify, disasters.field_bomb(), office.trust, OFFICIAL).has("TOO_COMPLICATED")


def test_children_end_with_their_parent(pool: Pool) -> None:
    for kept in (False, True):
        other = Pool(pool.limits, kept=kept)
        other.run(disasters.environment)
        program = other._idle[0]
        program._connection.close()
        assert program._process.wait(60) == 0
        other.close()


@pytest.mark.long_proof
def test_a_child_at_work_ends_with_its_nursery(pool: Pool) -> None:
    other = Pool(pool.limits)
    other.run(disasters.environment)
    program = other._idle[0]
    with ThreadPoolExecutor(1) as beside:
        work = beside.submit(other.run, disasters.sleep)
        child = first_child_of(program._process.pid)
        wait_for(lambda: needed(child) == child_process.LEAST_NEEDED)
        mine = os.getpriority(os.PRIO_PROCESS, 0)
        wait_for(lambda: os.getpriority(os.PRIO_PROCESS, child) == min(19, mine + child_process.LESS_URGENT))
        assert needed(program._process.pid) == child_process.LESS_NEEDED
        # What forks has one thread: no lock that another one holds is taken along.
        assert len(list(Path(f"/proc/{program._process.pid}/task").iterdir())) == 1
        wait_for(lambda: capabilities(child) in (0, 1 << 2))  # none but to read, also where the service is root
        soft, hard = time_limits(child)
        assert 0 < soft < hard <= pool.limits.seconds + 3  # it cannot ignore the end of its time
        program._process.kill()
        with pytest.raises(SandboxError):
            work.result()
    wait_for(lambda: not Path(f"/proc/{child}").exists())
    other.close()


def wait_for(found: Callable[[], bool]) -> None:
    """Until it is so."""
    while not found():
        time.sleep(0.01)


def needed(process: int) -> int:
    """How willingly the kernel ends this one when memory is short."""
    return int(Path(f"/proc/{process}/oom_score_adj").read_text())


def capabilities(process: int) -> int:
    """What it may do of what only root may."""
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in status if line.startswith("CapEff")), 16)


def time_limits(process: int) -> tuple[int, int]:
    """Seconds of CPU time after which it is told to end, and is ended."""
    limits = Path(f"/proc/{process}/limits").read_text().splitlines()
    soft, hard = next(line.split()[3:5] for line in limits if line.startswith("Max cpu time"))
    return int(soft), int(hard)


def first_child_of(process: int) -> int:
    """The number of the child of a process, as soon as there is one."""
    while not (found := Path(f"/proc/{process}/task/{process}/children").read_text().split()):
        time.sleep(0.01)
    return int(found[0])


UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, os
from signing.sandbox import runner
from tests.signing.sandbox import disasters
children = [gevent.spawn(runner.run_sandboxed, os.getpid) for _ in range(4)]
sleeper = gevent.spawn(runner.pool("papers").run, disasters.sleep, within_s=0.1)
gevent.joinall([*children, sleeper])
print(len({child.value for child in children}), sleeper.exception.ending, runner.run_with_key(max, 1, 2))
"""


@pytest.mark.long_proof
def test_it_works_in_the_web_process_too() -> None:
    done = subprocess.run([sys.executable, "-c", UNDER_GEVENT], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.stdout.split() == ["4", "too_long", "2"], done.stderr
