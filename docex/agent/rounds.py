"""What the agent does again and again: send what lies in outbox/, fetch what waits in the mailbox.

It may be killed between any two lines. Sending is safe because the hub answers the same file with the same receipt;
fetching is safe because the order of the notes tells what was done:

1. parts/N grows, is checked against the hub's hash and moves to ready/N;
2. marks/N is written: from now on this delivery is never downloaded again;
3. ready/N moves into inbox/, and the hub is told.

With a mark and without ready/N the file was delivered, wherever the office has put it since.
"""

import json
import logging
import os
from pathlib import Path

from docex.agent.folders import Folders, free_name, move, plain, sha256_of, write_json, write_whole
from docex.agent.hub import Gone, Hub, Refused, Waiting
from kernel import clock, faults

log = logging.getLogger("lienthong.agent")
FINAL = frozenset({"02", "06", "expired", "undeliverable"})


def send(folders: Folders, hub: Hub) -> int:
    """Hand in every file that has stopped changing. Answers how many left outbox/."""
    done = 0
    for path in folders.waiting():
        try:
            digest = sha256_of(path)
            answer = hub.submit(path, f"agent:{digest}")
        except FileNotFoundError:
            continue  # the office took it back
        except Refused as refused:
            _lay_aside(folders, path, refused)
        else:
            faults.point("agent.submitted")
            _keep_receipt(folders, path, answer)
        folders.forget(path)
        done += 1
    return done


def _keep_receipt(folders: Folders, path: Path, answer: dict[str, object]) -> None:
    name = f"{path.stem}.{answer['id']}"
    receipt = answer.get("receipt")
    if isinstance(receipt, dict):
        write_whole(folders.receipts / f"{name}.submitted.jws", str(receipt["jws"]).encode())
    write_json(folders.following / f"{answer['id']}.json", {"name": path.stem, "shown": ""})
    faults.point("agent.receipt_kept")
    move(path, free_name(folders.sent, path.name))
    faults.point("agent.sent")
    log.info("sent %s: number %s", path.name, answer["id"])


def _lay_aside(folders: Folders, path: Path, refused: Refused) -> None:
    target = free_name(folders.error, path.name)
    reason = f"{refused.vi}\n{refused.en}\n[{refused.code}] {clock.now().isoformat(timespec='seconds')}\n"
    write_whole(target.with_name(f"{target.name}.txt"), reason.encode())
    faults.point("agent.reason_kept")
    move(path, target)
    log.warning("refused %s: %s", path.name, refused.code)


def follow(folders: Folders, hub: Hub) -> None:
    """Write the states at the receivers beside the receipts, until each is final."""
    for note in sorted(folders.following.glob("*.json")):
        number = int(note.stem)
        told = hub.states(number)
        name = _name_in(note)
        write_json(folders.receipts / f"{name}.{number}.states.json", told)
        if all(one["state"] in FINAL for one in told["deliveries"]):
            note.unlink()


def _name_in(note: Path) -> str:
    name: str = json.loads(note.read_text(encoding="utf-8"))["name"]
    return name


def fetch(folders: Folders, hub: Hub, wait_s: int) -> int:
    """Bring what waits into inbox/ and tell the hub. Waits up to `wait_s` seconds for the first. Answers how many."""
    done = 0
    waiting = hub.waiting(wait_s)
    _forget_old_marks(folders, {one.id for one in waiting})
    for one in waiting:
        try:
            done += _bring(folders, hub, one)
        except Gone as gone:
            log.info("delivery %d is no longer ours: %s", one.id, gone)
    return done


def _bring(folders: Folders, hub: Hub, one: Waiting) -> int:
    token = hub.lease(one.id)
    mark, ready = folders.marks / str(one.id), folders.ready / str(one.id)
    if not mark.exists():
        if not ready.exists() and not _download(folders, hub, one, ready):
            return 0
        faults.point("agent.ready")
        write_whole(mark, b"")
    faults.point("agent.marked")
    if ready.exists():
        move(ready, free_name(folders.inbox, f"{one.id}-{plain(one.code)}.edxml"))
    faults.point("agent.delivered")
    receipt = hub.acknowledge(one.id, token)
    faults.point("agent.acknowledged")
    write_whole(folders.receipts / f"{one.id}-{plain(one.code)}.retrieved.jws", receipt.encode())
    mark.unlink()
    log.info("received delivery %d", one.id)
    return 1


def _download(folders: Folders, hub: Hub, one: Waiting, ready: Path) -> bool:
    part = folders.parts / str(one.id)
    hub.download(one.id, part)
    faults.point("agent.downloaded")
    if sha256_of(part) != one.sha256:
        part.unlink()
        log.warning("delivery %d came damaged; it is fetched again", one.id)
        return False
    with part.open("rb") as file:
        os.fsync(file.fileno())
    move(part, ready)
    return True


def _forget_old_marks(folders: Folders, waiting: set[int]) -> None:
    """A mark that outlived its acknowledgement: the hub no longer offers this delivery."""
    for mark in folders.marks.iterdir():
        if mark.name.isdigit() and int(mark.name) not in waiting and not (folders.ready / mark.name).exists():
            mark.unlink()
