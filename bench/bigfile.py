"""`scripts/bench bigfile [--gigabytes 1]`: a paper of so many gigabytes through the hub, in pieces, cut on both ways.

Claim: a paper of 1 GB (`--gigabytes`, at most 2) goes in by pieces, cut in the middle of one, and out by ranges, cut
again, without web or worker growing.

Floor: a copy of the same envelope on the same disk, hashed on the way, one fsync.

Bound: at most four times the floor both ways, at least 100 MB/s or that many times; web and worker grow by at most 64
MB.

Takes: about five minutes and five gigabytes of disk.

Real processes on a real, durable PostgreSQL. A system uploads the envelope (a third larger: edXML writes papers in
Base64) in pieces, loses its connection in the middle of one, asks how far it came and goes on; then it hands it in. The
receiver waits at its mailbox, loses its connection in the middle of the download, goes on with a range, checks the hash
and acknowledges. Meanwhile the memory of web and worker is watched, and somebody else asks for something small again
and again. The floor is a copy of the same file on the same disk, hashed on the way, with one fsync.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import random
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from bench.clients.sender import Sender
from bench.fixtures.letters import FAR, Credentials, envelope, letter, register
from bench.harness import memory
from bench.harness.result import Result, TimeBound, median, percentile, progress
from directory import demo
from docex.edxml import Attachment, write_file
from kernel import clock
from kernel.outbox import OPEN_STATES, OutboxRow
from tests.postgres import TestServer
from web.tour.instance import Instance

ROUNDS = 3
GIGABYTE = 1_000_000_000
WARM_UP_BYTES = 3_000_000
LETTERS, LETTERS_AT_ONCE = 24, 4
PIECE = 1 << 20
CUT_IN_AT, CUT_OUT_AT = 0.4, 0.6
MAX_GROWTH_MB = 64.0
MIN_MB_S = 100.0
TIMEOUT_S = 120.0
MUST = 4.0
KIND = "application/octet-stream"


@dataclass(frozen=True)
class Paper:
    """Bytes that no packing makes smaller, the same at every reading; a block of a megabyte over and over."""

    size: int
    seed: int

    def open(self) -> IO[bytes]:
        """From the beginning."""
        file = tempfile.TemporaryFile()  # noqa: SIM115 - its reader closes it
        block = random.Random(self.seed).randbytes(PIECE)
        for start in range(0, self.size, PIECE):
            file.write(block[: self.size - start])
        file.seek(0)
        return file


@dataclass(frozen=True)
class Round:
    """One large file: MB each second on each stretch of its way, seconds, and what it cost others."""

    upload_mb_s: float
    download_mb_s: float
    read_mb_s: float  # from "hand it in" to the answer: the hub reads the envelope and stores its paper
    copy_mb_s: float  # the floor
    offered_s: float  # from that answer until the receiver knows of it
    whole_s: float  # from the first piece to the receipt of the receiver
    grown_mb: Mapping[str, float]
    others_p95_ms: float  # a small question of somebody else, meanwhile
    others_most_ms: float


def main(*, gigabytes: float = 1.0, rounds: int = ROUNDS) -> Result:
    """Three rounds; the figures are the medians, of memory the worst. Two gigabytes are the largest that may come."""
    measured = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        TestServer(durable=True) as server,
        Instance(database_url=server.create("bigfile"), LIENTHONG_API_RATE="") as instance,
    ):
        with instance.database() as db:
            way = Way(instance, Sender(instance.url, register(db, demo.FINANCE)), register(db, FAR), Path(scratch))
        way.warm_up()
        for number in range(rounds):
            measured.append(way.go(number + 1, int(gigabytes * GIGABYTE)))
            progress(f"round {number + 1}: {measured[-1]}")
    return _result(measured, gigabytes)


def _result(rounds: list[Round], gigabytes: float) -> Result:
    plain = ("upload_mb_s", "download_mb_s", "read_mb_s", "copy_mb_s", "offered_s", "whole_s", "others_p95_ms")
    middle = {name: median(getattr(one, name) for one in rounds) for name in plain}
    grown = {name: max(one.grown_mb[name] for one in rounds) for name in rounds[0].grown_mb}
    return Result(
        claim=f"a paper of {gigabytes:g} GB goes through the hub in pieces, cut on both ways: an "
        f"upload and a download take at most {MUST:.0f} times a copy on the same disk",
        ours={"upload_ms_mb": _ms(middle["upload_mb_s"]), "download_ms_mb": _ms(middle["download_mb_s"])},
        peer={"upload_ms_mb": _ms(middle["copy_mb_s"]), "download_ms_mb": _ms(middle["copy_mb_s"])},
        must=MUST,
        further={
            f"memory of web and worker grows by at most {MAX_GROWTH_MB:.0f} MB": max(grown.values()) <= MAX_GROWTH_MB,
        },
        bounds=[
            TimeBound(
                f"{way} of a MB", _ms(middle[f"{way}_mb_s"]), _ms(MIN_MB_S), "a copy", _ms(middle["copy_mb_s"]), MUST
            )
            for way in ("upload", "download")
        ],
        extra={
            "figures": {**middle, "grown_mb": grown, "others_most_ms": max(one.others_most_ms for one in rounds)},
            "rounds": len(rounds),
        },
    )


def _ms(mb_s: float) -> float:
    return round(1000 / mb_s, 3)


class Way:
    """From the sender's disk to the receiver's hands."""

    def __init__(self, instance: Instance, sender: Sender, receiver: Credentials, folder: Path) -> None:
        self.instance, self.sender, self.folder = instance, sender, folder
        self.receiver = Sender(instance.url, receiver)
        self.parts = {name: instance.process_id(name) for name in ("web", "worker")}

    def warm_up(self) -> None:
        """Have everything begun that stays: the programs that read and verify strangers' files above all. Several
        letters at once, so that as many of them begin as ever will."""
        with ThreadPoolExecutor(LETTERS_AT_ONCE) as pool:
            list(pool.map(self.sender.hand_in, [letter([demo.CITY_OFFICE], n, 100_000) for n in range(LETTERS)]))
        self._wait_for_rest()
        self.go(0, WARM_UP_BYTES)

    def go(self, number: int, paper_bytes: int) -> Round:
        """One file, all the way."""
        path = self.folder / "envelope.edxml"
        _write(path, number, paper_bytes)
        copy_s = _floor(path, self.folder / "copy")
        sha256, size = _sha256(path), path.stat().st_size
        self.receiver.ask("/api/v1/inbox")  # opens the mailbox
        with memory.watched(self.parts) as growth, _others(self.sender) as others_ms:
            begun = time.monotonic()
            upload = self._upload(path, sha256, size)
            uploaded = time.monotonic()
            told = self.sender.hand_in(b"", {"Upload-Id": upload})
            item = self._offered(sha256)
            offered = time.monotonic()
            lease = self.receiver.do(f"/api/v1/inbox/{item['id']}/lease", {})
            started = time.monotonic()
            self._download(f"/api/v1/inbox/{item['id']}/envelope", sha256, size)
            downloaded = time.monotonic()
            self.receiver.do(f"/api/v1/inbox/{item['id']}/ack", {"token": lease["token"]})
            ended = time.monotonic()
            self._wait_for_rest()
        path.unlink()
        return Round(
            upload_mb_s=round(size / 1e6 / (uploaded - begun), 1),
            download_mb_s=round(size / 1e6 / (downloaded - started), 1),
            read_mb_s=round(size / 1e6 / (told.answered - told.begun), 1),
            copy_mb_s=round(size / 1e6 / copy_s, 1),
            offered_s=round(offered - told.answered, 3),
            whole_s=round(ended - begun, 3),
            grown_mb=growth.grown_mb,
            others_p95_ms=percentile(others_ms, 95),
            others_most_ms=round(max(others_ms), 1),
        )

    def _upload(self, path: Path, sha256: str, size: int) -> str:
        """In pieces, with a cut in the middle of one. Answers the id that the envelope is handed in with."""
        begun = self.sender.do("/api/v1/uploads", {"size": size, "sha256": sha256})
        upload, place = str(begun["id"]), f"/api/v1/uploads/{begun['id']}"
        cut_at = int(size * CUT_IN_AT) // PIECE * PIECE
        with path.open("rb") as file:
            self._send(file, place, 0, cut_at)
            file.seek(cut_at)
            self._break_off(place, cut_at, file.read(PIECE))
            here = int(self.sender.ask(place)["offset"])
            if here != cut_at:
                raise RuntimeError(f"after the cut at {cut_at} the hub goes on at {here}")
            self._send(file, place, here, size)
        if not self.sender.do(f"{place}/finish", {})["whole"]:
            raise RuntimeError("the upload is not whole")
        return upload

    def _send(self, file: IO[bytes], place: str, start: int, end: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.instance.port, timeout=60)
        connection.connect()
        file.seek(start)
        for offset in range(start, end, PIECE):
            headers = {**self.sender.bearer, "Upload-Offset": str(offset), "Content-Type": KIND}
            connection.request("PATCH", place, file.read(min(PIECE, end - offset)), headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{answer.status}: {said[:300]!r}")
        connection.close()

    def _break_off(self, place: str, offset: int, piece: bytes) -> None:
        """Half a piece, then the line is dead."""
        connection = http.client.HTTPConnection("127.0.0.1", self.instance.port, timeout=60)
        connection.putrequest("PATCH", place)
        headers = {"Upload-Offset": str(offset), "Content-Type": KIND, "Content-Length": str(len(piece))}
        for name, value in {**self.sender.bearer, **headers}.items():
            connection.putheader(name, value)
        connection.endheaders(piece[: len(piece) // 2])
        connection.close()

    def _offered(self, sha256: str) -> Mapping[str, Any]:
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end:
            for item in self.receiver.ask("/api/v1/inbox?wait=25&limit=500")["items"]:
                if item["sha256"] == sha256:
                    found: Mapping[str, Any] = item
                    return found
        raise RuntimeError("the letter did not come")

    def _download(self, place: str, sha256: str, size: int) -> None:
        """With a cut; the pieces are hashed and not kept. RuntimeError when they are not what was sent."""
        digest, here, cut_at = hashlib.sha256(), 0, int(size * CUT_OUT_AT)
        while here < size:
            connection = http.client.HTTPConnection("127.0.0.1", self.instance.port, timeout=60)
            headers = {**self.receiver.bearer, **({"Range": f"bytes={here}-"} if here else {})}
            connection.request("GET", place, headers=headers)
            answer = connection.getresponse()
            if answer.status != (206 if here else 200):
                raise RuntimeError(f"{answer.status}: {answer.read()[:300]!r}")
            while piece := answer.read(PIECE):
                digest.update(piece)
                here += len(piece)
                if here - len(piece) < cut_at <= here:
                    break  # the line is dead, in the middle of the file
            connection.close()
        if digest.hexdigest() != sha256:
            raise RuntimeError("other bytes came than were sent")

    def _wait_for_rest(self) -> None:
        """What the worker does with the papers counts for its memory too: signatures, text for the search."""
        end = time.monotonic() + TIMEOUT_S
        while _is_at_work(self.instance) and time.monotonic() < end:
            time.sleep(0.2)


def _is_at_work(instance: Instance) -> bool:
    due = sa.and_(OutboxRow.state.in_(OPEN_STATES), OutboxRow.due_at <= clock.now())
    with instance.database() as db, db.read() as tx:
        return tx.session.scalar(sa.select(OutboxRow.id).where(due).limit(1)) is not None


@contextmanager
def _others(system: Sender) -> Iterator[list[float]]:
    """Somebody else's small question, ten times a second: the milliseconds that each took."""
    over, took_ms = threading.Event(), [0.0]
    headers = dict(system.bearer)

    def ask() -> None:
        connection = http.client.HTTPConnection(system.url.removeprefix("http://"), timeout=60)
        while not over.wait(0.1):
            begun = time.monotonic()
            connection.request("GET", "/api/v1/keys", headers=headers)
            connection.getresponse().read()
            took_ms.append((time.monotonic() - begun) * 1000)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    try:
        yield took_ms
    finally:
        over.set()
        asking.join()


def _write(path: Path, number: int, paper_bytes: int) -> None:
    """An envelope with a small letter as PDF and a large paper."""
    name = f"ho-so-{number}.zip"
    large = Attachment(str(uuid.uuid4()), name, b"", file=Paper(paper_bytes, number))
    with path.open("wb") as file:
        write_file(envelope([FAR], 900 + number, 4_000, large), file)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _floor(source: Path, target: Path) -> float:
    """Seconds for a copy that is hashed on the way and durable."""
    begun = time.monotonic()
    digest = hashlib.sha256()
    with source.open("rb") as reading, target.open("wb") as writing:
        while piece := reading.read(PIECE):
            digest.update(piece)
            writing.write(piece)
        writing.flush()
        os.fsync(writing.fileno())
    took_s = time.monotonic() - begun
    target.unlink()
    return took_s
