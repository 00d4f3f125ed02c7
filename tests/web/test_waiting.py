"""In a process of green threads nobody is held up by a wait for PostgreSQL, and a wait ends however it ends."""

import subprocess
import sys

import pytest

from tests.postgres import TestServer

CHILD = """
import sys
from gevent import monkey
monkey.patch_all()
import gevent, psycopg
from psycopg import waiting as theirs
from web import waiting

url, asked = sys.argv[1], []
plain = waiting.wait
def counted(*given, **named):
    asked.append(given)
    return plain(*given, **named)
waiting.wait = counted
waiting.install()

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
    ],
)
def test_a_wait_for_postgresql(postgres: TestServer, what: str) -> None:
    child = [sys.executable, "-c", CHILD, postgres.url, what]
    done = subprocess.run(child, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "True\n", done.stderr
