"""In a process of green threads nobody is held up by a wait for PostgreSQL or by long work."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import TestServer

CHILD = """
import io, socket, sys
from gevent import monkey
monkey.patch_all()
import gevent, psycopg
from pathlib import Path
from kernel.storage.blobs import DiskBlobs
from web.server import greenlets

url, asked = sys.argv[1], []
plain = greenlets.wait
def counted(*given, **named):
    asked.append(given)
    return plain(*given, **named)
greenlets.wait = counted
greenlets.install()

def connect():
    return psycopg.connect(url, autocommit=True)

def asks_by_name():
    with connect() as one:
        before = len(asked)
        one.execute("SELECT 1")
        return len(asked) > before

def others_go_on():
    with connect() as one, connect() as other:
        asleep = gevent.spawn(one.execute, "SELECT pg_sleep(1)")
        gevent.sleep(0)
        rounds = 0
        while not asleep.ready():
            other.execute("SELECT 1")
            rounds += 1
        return rounds > 1 and asleep.get().rowcount == 1

def much_goes_both_ways():
    text = "Thành phố " * 2_000_000
    with connect() as one:
        return one.execute("SELECT %s::text", [text]).fetchone() == (text,)

def a_lost_connection_is_told():
    with connect() as other:
        one = connect()
        asleep = gevent.spawn(one.execute, "SELECT pg_sleep(600)")
        gevent.sleep(0.05)
        other.execute("SELECT pg_terminate_backend(%s)", [one.info.backend_pid])
        try:
            asleep.get(timeout=60)
        except psycopg.OperationalError:
            return one.broken

def a_wait_may_be_given_up_and_its_number_used_again():
    one = connect()
    asleep = gevent.spawn(one.execute, "SELECT pg_sleep(600)")
    gevent.sleep(0.05)
    asleep.kill(timeout=60)
    number = one.fileno()
    one.close()
    with connect() as again:
        return again.fileno() == number and again.execute("SELECT 1").fetchone() == (1,)

def a_term_ends():
    with connect() as one:
        one.execute("LISTEN something")
        return list(one.notifies(timeout=0.05)) == []

def long_work_lets_others_ask_and_answer():
    here, there = socket.socketpair()
    def answers():
        while word := there.recv(1):
            there.send(word)
    gevent.spawn(answers)
    store = DiskBlobs(Path(sys.argv[3]))
    kept = gevent.spawn(store.put, io.BytesIO(bytes(100 << 20)))
    rounds = 0
    while not kept.ready():
        here.send(b"x")
        here.recv(1)
        rounds += 1
    return rounds > 20 and kept.get().size == 100 << 20

print(globals()[sys.argv[2]]())
"""


@pytest.mark.parametrize(
    "what",
    [
        "asks_by_name",
        "others_go_on",
        "much_goes_both_ways",
        "a_lost_connection_is_told",
        "a_wait_may_be_given_up_and_its_number_used_again",
        "a_term_ends",
        "long_work_lets_others_ask_and_answer",
    ],
)
def test_nobody_is_held_up(postgres: TestServer, tmp_path: Path, what: str) -> None:
    child = [sys.executable, "-c", CHILD, postgres.url, what, str(tmp_path)]
    done = subprocess.run(child, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "True\n", done.stderr
