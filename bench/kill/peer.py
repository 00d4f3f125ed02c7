"""Huey's side of `scripts/bench kill`: the same SMS as a task, with retries, four threads, SQLite that syncs."""

import os
import sys

import requests
from huey import SqliteHuey

queue = SqliteHuey("kill", filename=os.environ["KILL_PEER_DB"], fsync=True)


@queue.task(retries=5, retry_delay=1)  # type: ignore[untyped-decorator]
def send(number: int) -> None:
    """Hand one SMS to the server; an error is tried again by the framework."""
    url = os.environ["KILL_PEER_SINK"] + "/2010-04-01/Accounts/AC" + "0" * 31 + "1/Messages.json"
    fields = {"To": f"+8450{number:07}", "From": "LienThong", "Body": f"Viec so {number} den han"}
    requests.post(url, fields, auth=("AC" + "0" * 31 + "1", "sink-token"), timeout=10).raise_for_status()


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        for place in range(int(sys.argv[2])):
            send(place)
    elif sys.argv[1] == "waiting":
        sys.stdout.write(str(queue.pending_count() + queue.scheduled_count()))
    else:
        queue.create_consumer(workers=4, periodic=False, initial_delay=0.01, max_delay=0.05).run()
