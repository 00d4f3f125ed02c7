"""The same work with mesh-client at mesh-sandbox: `python peer.py PLAN`, in the sandbox's own environment.

The plan is a JSON file: `port`, `shared_key`, `sender`, `receiver`, `password`, `pause_s`, `folder` and `files`. A
thread receives: it looks for messages, fetches each, puts it on the disk and acknowledges it. The sender sends one file
after another and asks until the hub says that it was acknowledged. mesh-client cannot wait at a mailbox, so both look
again every `pause_s` seconds. Prints one JSON line with the milliseconds from send to that answer, for each file.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from mesh_client import MeshClient
from requests import HTTPError

TIMEOUT_S = 30


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text())
    over = threading.Event()
    receiving = threading.Thread(target=receive, args=(plan, over))
    receiving.start()
    try:
        with client(plan, "sender") as mesh:
            each_ms = [send(mesh, plan, Path(file)) for file in plan["files"]]
    finally:
        over.set()
        receiving.join()
    sys.stdout.write(json.dumps(each_ms) + "\n")


def client(plan: dict[str, Any], side: str) -> MeshClient:
    return MeshClient(
        f"http://127.0.0.1:{plan['port']}",
        plan[side],
        plan["password"],
        shared_key=plan["shared_key"].encode(),
        verify=False,
    )


def send(mesh: MeshClient, plan: dict[str, Any], file: Path) -> float:
    begun = time.monotonic()
    number = mesh.send_message(plan["receiver"], file.read_bytes(), workflow_id="BENCH")
    while time.monotonic() < begun + TIMEOUT_S:
        if is_acknowledged(mesh, number):
            return (time.monotonic() - begun) * 1000
        time.sleep(plan["pause_s"])
    sys.exit(f"{file.name} was not acknowledged within {TIMEOUT_S} s")


def is_acknowledged(mesh: MeshClient, number: str) -> bool:
    """Now and then the sandbox does not know yet (404) what it took a moment ago."""
    try:
        return str(mesh.track_message(message_id=number).get("status", "")).lower() == "acknowledged"
    except HTTPError as error:
        if error.response.status_code != 404:
            raise
        return False


def receive(plan: dict[str, Any], over: threading.Event) -> None:
    with client(plan, "receiver") as mesh:
        while not over.wait(plan["pause_s"]):
            for number in mesh.list_messages():
                try:
                    message = mesh.retrieve_message(number)
                except HTTPError as error:
                    if error.response.status_code != 404:
                        raise
                    continue  # listed already and not there yet: the next look finds it
                target = Path(plan["folder"]) / number
                with target.open("wb") as file:
                    file.write(message.read())
                    file.flush()
                    os.fsync(file.fileno())
                message.acknowledge()


if __name__ == "__main__":
    main()
