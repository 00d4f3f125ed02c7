"""A file may take over the process that reads it. What it then says and does reaches nobody else."""

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kernel.config import Config
from kernel.doctor import Health
from signing import doctor
from signing.pdf.pades import sign_person
from signing.pdf.stamps import TEXT_MARK_SIZE, text_mark
from signing.sandbox import ipc, runner, zygote
from signing.sandbox.result_codec import written
from signing.sandbox.runner import ExitReason, Limits, Pool, SandboxError
from signing.verdicts.verdict import Value
from signing.verification import safe_signing
from tests.signing.conftest import Office
from tests.signing.papers import minimal_pdf
from tests.signing.sandbox import escapes

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 240
"""For programs that always come to an end: how soon says how busy the machine is."""


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool(Limits(processes=1, memory_bytes=700 << 20, seconds=60))
    yield pool
    pool.close()


SAID: dict[str, tuple[bytes, bytes]] = {
    "a pickle": (ipc.ANSWER, escapes.poison()),
    "a pickle that takes for ever to read": (ipc.ANSWER, escapes.hash_without_end()),
    "something else": (ipc.ANSWER, written(Value.VALID)),
    "a refusal without form": (ipc.REFUSAL, written("no")),
    "a refusal that is none": (ipc.REFUSAL, written(("Exception", "no", {}, {}))),
    "a refusal with strange words": (ipc.REFUSAL, written(("Stale", "no", {}, {"current": 1}))),
    "a refusal with two messages": (ipc.REFUSAL, written(("NotFound", "no", {}, {"message": "no"}))),
    "a failure without form": (ipc.FAILURE, written(1)),
    "a failure of no kind": (ipc.FAILURE, written(("fine", "no"))),
    "a key": (ipc.REQUEST, bytes(4) + b"sign this"),
    "what nobody says": (b"?", b""),
    "what the zygote says": (ipc.END, b"0"),
}


@pytest.mark.parametrize(("kind", "body"), SAID.values(), ids=SAID.keys())
def test_what_a_conquered_child_says_is_no_answer_and_changes_nothing(pool: Pool, kind: bytes, body: bytes) -> None:
    with pytest.raises(SandboxError) as caught:
        pool.run(escapes.say, kind, body)
    assert caught.value.ending is ExitReason.FAILED
    assert Value("invalid").value == "invalid"


def test_what_it_says_of_its_failure_is_one_line_of_the_log(pool: Pool) -> None:
    told = ("failed", "x\nWARNING all is well\x1b[2J" + "y" * 10_000)
    with pytest.raises(SandboxError) as caught:
        pool.run(escapes.say, ipc.FAILURE, written(told))
    assert caught.value.detail.startswith("x?WARNING")
    assert len(caught.value.detail) <= 200


@pytest.mark.parametrize("length", [64 << 20, 1 << 62])
def test_an_answer_without_end_is_not_listened_to(pool: Pool, length: int) -> None:
    with pytest.raises(SandboxError) as caught:
        pool.run(escapes.announce, length)
    assert "without end" in caught.value.detail


def test_nothing_but_its_line_was_left_open_for_it(pool: Pool) -> None:
    assert len(pool.run(escapes.handles)) == len(("stdin", "stdout", "stderr", "line"))


ATTEMPTS = """
import ctypes, json, sys
from tests.signing.sandbox import escapes
from signing.sandbox import system_calls
libc = ctypes.CDLL(None, use_errno=True)
assert not libc.prctl(38, 1, 0, 0, 0) and system_calls.restrict(libc)
print(json.dumps(getattr(escapes, sys.argv[1])(*json.loads(sys.argv[2]))), flush=True)
"""


def restricted(name: str, *given: Any) -> subprocess.CompletedProcess[str]:
    """A conquest by a process that nothing but the filter of system calls holds."""
    command = [sys.executable, "-c", ATTEMPTS, name, json.dumps(given)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def test_what_landlock_does_not_hold_the_filter_holds(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("nobody else's")
    was = file.stat()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as port, tempfile.TemporaryDirectory() as short:
        port.bind(f"{short}/log")
        port.setblocking(False)
        done = restricted("is_refused", str(file), os.getpid(), f"{short}/log")
        told = json.loads(done.stdout)
        assert set(told.values()) == {"refused"}, {name: said for name, said in told.items() if said != "refused"}
        with pytest.raises(BlockingIOError):
            port.recv(1)
    assert file.read_text() == "nobody else's"
    now = file.stat()
    assert (now.st_mode, now.st_mtime_ns, now.st_ctime_ns) == (was.st_mode, was.st_mtime_ns, was.st_ctime_ns)
    assert [one.name for one in tmp_path.iterdir()] == ["key.pem"]


@pytest.mark.parametrize("name", ["other_numbering", "other_architecture"] if platform.machine() == "x86_64" else [])
def test_who_calls_by_other_numbers_is_ended(name: str) -> None:
    ended = restricted(name)
    assert ended.stdout == ""
    assert ended.returncode in (-signal.SIGSYS, -signal.SIGSEGV)  # the latter where there are no 32 bits at all


WITHOUT_LANDLOCK = """
import ctypes, logging, struct
from signing.sandbox import confinement, runner
from signing.sandbox.system_calls import _ALLOW, _EQUAL, _LOAD, _NUMBER_AT, _REFUSE, _Program, _return, _step
logging.basicConfig(format="%(message)s")
libc = ctypes.CDLL(None, use_errno=True)
steps = [_step(_LOAD, _NUMBER_AT), _step(_EQUAL, 444, 0, 1), _return(_REFUSE | 38), _return(_ALLOW)]
libc.prctl(38, 1, 0, 0, 0)
assert libc.prctl(22, 2, ctypes.byref(_Program(len(steps), b"".join(steps))), 0, 0) == 0
for _ in range(2):
    print(*runner.run_sandboxed(confinement.in_force))
"""


def test_a_kernel_that_offers_less_is_told_once() -> None:
    command = [sys.executable, "-c", WITHOUT_LANDLOCK]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.stdout.split() == ["seccomp", "seccomp"], done.stderr
    assert done.stderr.count("without landlock") == 1


def test_the_doctor_asks_a_child_and_says_when_there_is_none(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path)
    try:
        assert doctor.strangers_files(config).health is not Health.BAD
        assert doctor.strangers_files(replace(config, isolated_seconds=0)).health is Health.BAD
    finally:
        runner.configure(config)


def test_a_file_of_others_is_signed_by_a_child_of_its_own(office: Office, letter: bytes) -> None:
    made = safe_signing.signed(sign_person, letter, office.binh)
    assert made.startswith(letter)
    assert office.verify(made, agency="").signers[0].name == "Nguyễn Thanh Bình"
    assert runner.pool("signed")._idle[0].mode == "zygote"


@pytest.mark.parametrize(
    ("work", "named"),
    [
        (escapes.sign_another, {"other": minimal_pdf("Another paper")}),
        (escapes.sign_and_change, {}),
        (escapes.sign_no_paper, None),
    ],
)
def test_a_key_signs_nothing_but_the_file_that_was_given(
    office: Office, letter: bytes, work: Callable[..., bytes], named: dict[str, Any] | None
) -> None:
    mark = {} if named is None else {"mark": text_mark(("BẢN SAO",), *TEXT_MARK_SIZE)}
    with pytest.raises(SandboxError) as caught:
        safe_signing.signed(work, letter, office.seal, **mark, **(named or {}))
    assert "sign" in caught.value.detail


def test_a_program_that_does_not_start_in_time_is_not_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zygote, "START_S", 0.0)
    before = children()
    with pytest.raises(SandboxError):
        Pool(Limits(processes=1)).run(os.getpid)
    assert children() <= before


def children() -> set[str]:
    """The processes that this one has made."""
    found: set[str] = set()
    for one in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # a thread that has ended meanwhile
            found.update(one.read_text().split())
    return found


def test_a_fork_does_not_talk_with_the_children_of_its_parent() -> None:
    runner.run_sandboxed(os.getpid)
    assert "papers" in runner._shared
    child = os.fork()
    if not child:
        os._exit(len(runner._shared))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
