"""Hands in what a plan lists, over several connections at once: `python -m bench.clients.http_driver PLAN`.

The plan is a JSON file: `port`, `connections`, and `requests`, each with `path`, `headers` and the `file` to hand in;
without a file it is a question (GET). Prints one JSON line with the milliseconds that each took, and all of them
together. Any answer but 2xx ends it: what fails quickly must not look quick.
"""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from bench.harness.failures import MeasurementError, last_line

CONNECTIONS = 8
TIMEOUT_S = 600


def driven(
    folder: Path, port: int, requests: Sequence[dict[str, Any]], connections: int = CONNECTIONS
) -> tuple[float, list[float]]:
    """Have it done by a process of its own: the seconds for all, and the milliseconds that each took.

    MeasurementError when one was refused or they took too long.
    """
    plan = folder / "plan.json"
    plan.write_text(json.dumps({"port": port, "connections": connections, "requests": list(requests)}))
    command = [sys.executable, "-m", "bench.clients.http_driver", str(plan)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as late:
        raise MeasurementError(f"{len(requests)} requests were not answered within {TIMEOUT_S} s") from late
    if done.returncode:
        raise MeasurementError(last_line(done.stderr))
    answer = json.loads(done.stdout)
    return answer["whole_s"], answer["each_ms"]


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text())
    waiting: SimpleQueue[dict[str, Any]] = SimpleQueue()
    for one in plan["requests"]:
        waiting.put(one)
    each_ms: list[float] = []
    problems: list[str] = []

    def work() -> None:
        try:
            hand_in()
        except (OSError, http.client.HTTPException) as error:
            problems.append(f"{type(error).__name__}: {error}")

    def hand_in() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", plan["port"], timeout=60)
        connection.connect()
        while not problems:
            try:
                one = waiting.get_nowait()
            except Empty:
                return
            body = Path(one["file"]).read_bytes() if "file" in one else None
            begun = time.perf_counter()
            connection.request("POST" if body else "GET", one["path"], body, one["headers"])
            answer = connection.getresponse()
            said = answer.read()
            each_ms.append((time.perf_counter() - begun) * 1000)
            if not 200 <= answer.status < 300:
                problems.append(f"{answer.status}: {said[:300]!r}")

    threads = [threading.Thread(target=work) for _ in range(plan["connections"])]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole_s = time.perf_counter() - begun
    if problems:
        sys.exit(problems[0])
    sys.stdout.write(json.dumps({"each_ms": each_ms, "whole_s": whole_s}) + "\n")


if __name__ == "__main__":
    main()
