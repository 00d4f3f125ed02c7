"""Run as `python -m tests.forks.server PART SOCKET`: has everything imported that `web` or `worker` needs, and becomes
one as often as asked. Listens at the Unix socket SOCKET, reads a line of JSON for each, `{"log", "environment"}`, and
answers with the number of the process. It ends when the last of those has gone who may ask.
"""

import importlib
import json
import os
import selectors
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from kernel import garbage

Fork = Callable[[], int]


def main(part: str, path: str) -> None:
    """Import, say so, then fork as often as asked."""
    listener = socket.socket(socket.AF_UNIX)  # made before gevent takes its place: this process only waits
    listener.bind(path)
    listener.listen()
    selector = selectors.DefaultSelector()
    fork = _fork_under_gevent() if part == "web" else os.fork
    _import(part)
    sys.stdout.write("ready\n")
    sys.stdout.close()
    selector.register(listener, selectors.EVENT_READ)
    _serve(part, fork, listener, selector)


def _fork_under_gevent() -> Fork:
    from gevent import monkey
    from gevent import os as green

    monkey.patch_all()
    found: Fork = green.fork
    return found


def _import(part: str) -> None:
    names = {"web": ["web.server.process"], "worker": ["web.worker"]}[part]
    for name in (*names, "web.cli", "web.rooms", "psycopg", "sqlalchemy.dialects.postgresql.psycopg"):
        importlib.import_module(name)
    rooms = sys.modules["web.rooms"]
    rooms.load_pages() if part == "web" else rooms.load_models()
    garbage.resume()


def _serve(part: str, fork: Fork, listener: socket.socket, selector: selectors.BaseSelector) -> None:
    asking: set[socket.socket] = set()
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                connection, _ = listener.accept()
                asking.add(connection)
                selector.register(connection, selectors.EVENT_READ)
                continue
            assert isinstance(key.fileobj, socket.socket)
            if not _answer(part, fork, key.fileobj, {listener, *asking}):
                selector.unregister(key.fileobj)
                asking.discard(key.fileobj)
                key.fileobj.close()
        if not asking:
            return


def _answer(part: str, fork: Fork, connection: socket.socket, ours: set[socket.socket]) -> bool:
    """Fork for one request; False when nobody asks any more."""
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = connection.recv(1 << 16)
        if not piece:
            return False
        line += piece
    with suppress(ChildProcessError):  # the ended ones
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    number = fork()
    if number == 0:
        for one in ours:
            one.close()
        _become(part, json.loads(line))
    connection.sendall(b"%d\n" % number)
    return True


def _become(part: str, told: dict[str, Any]) -> None:
    """What `lienthong web` and `lienthong worker` do."""
    from web.cli import main as lienthong

    log = os.open(told["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(log, number)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(told["environment"])
    code = 1
    try:
        lienthong([part], prog_name="lienthong")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
