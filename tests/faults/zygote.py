"""Run as `python -m tests.faults.zygote PART`: has everything imported that `web` or `worker` needs, and becomes one
as often as asked. Reads a line of JSON for each, `{"log", "environment"}`, and answers with the number of the process.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any


def main(part: str) -> None:
    """Import, then fork as often as asked."""
    fork: Callable[[], int] = os.fork
    if part == "web":
        from gevent import monkey
        from gevent import os as green

        fork = green.fork
        monkey.patch_all()
    process = importlib.import_module({"web": "web.server.process", "worker": "web.worker"}[part])
    for name in ("web.rooms", "kernel.config", "psycopg", "sqlalchemy.dialects.postgresql.psycopg"):
        importlib.import_module(name)
    sys.modules["web.rooms"].load_pages() if part == "web" else sys.modules["web.rooms"].load_models()
    for line in sys.stdin:
        number = fork()
        if number == 0:
            _become(process, json.loads(line))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


def _become(process: Any, told: dict[str, Any]) -> None:
    """What `lienthong web` and `lienthong worker` do."""
    from kernel.config import Config

    log = os.open(told["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(log, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(told["environment"])
    try:
        process.run(Config.from_env())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
