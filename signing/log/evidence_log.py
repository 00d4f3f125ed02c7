"""The evidence log: every accepted document, receipt and verdict is a leaf of one Merkle tree that only grows.

Whoever keeps a signed head can have proved that a leaf is under it, and that every later head still holds everything
that it held. A leaf is an insert in the transaction of its fact and locks nothing; the sequencer gives the numbers
afterwards and signs a head. The tree is kept in tiles of 256 hashes, of which a proof over millions of leaves reads a
handful.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound, WrongState
from kernel.text import phrase
from signing.log import merkle, receipts
from signing.log.merkle import Node, Range
from signing.log.models import LogHead, LogLeaf, LogTile

TYPE = "lienthong-log-head+jwt"
BATCH_SIZE = 5_000
"""Leaves that are numbered in one transaction."""
HEIGHT = 8
WIDTH = 1 << HEIGHT
"""Hashes of a full tile."""
HASH = 32
"""Bytes of one."""


class Kind(StrEnum):
    """What a leaf is about."""

    DOCUMENT = "document"  # the bytes of an envelope or of a paper
    RECEIPT = "receipt"  # the compact JWS
    VERDICT = "verdict"  # the canonical JSON of a verdict
    AUDIT = "audit"  # the canonical JSON of heads of audit chains (signing.log.audit_heads)


class NotYet(WrongState):
    """The fact is known and waits for its number; within a minute it has one."""

    code = "not_yet_in_log"


@dataclass(frozen=True)
class Proof:
    """That a leaf is number `number` (from 0) of the tree of `size` leaves; `path` from the leaf upwards."""

    leaf: bytes
    number: int
    size: int
    path: tuple[bytes, ...]


def canonical(facts: dict[str, Any]) -> bytes:
    """The bytes of a record, the same for everybody: JSON with sorted keys, no blanks, UTF-8."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def leaf_bytes(kind: str, sha256: str, at: datetime) -> bytes:
    """The leaf of a fact: what is hashed into the tree."""
    return canonical({"at": at.isoformat(), "kind": kind, "sha256": sha256})


def add(tx: Tx, kind: Kind, *sha256: str) -> None:
    """These facts belong to the log from this transaction on."""
    now = clock.now()
    tx.session.add_all(LogLeaf(number=None, kind=kind, sha256=one, at=now) for one in dict.fromkeys(sha256))


def add_statement(tx: Tx, jws: str) -> None:
    """The same for a receipt."""
    add(tx, Kind.RECEIPT, hashlib.sha256(jws.encode()).hexdigest())


def add_verdict(tx: Tx, report: dict[str, Any]) -> None:
    """The same for a verdict, as it is kept."""
    add(tx, Kind.VERDICT, hashlib.sha256(canonical(report)).hexdigest())


def sequence(tx: Tx) -> LogHead | None:
    """Number the leaves that wait, oldest first, at most a stretch of them, and sign the head over all; None when
    nothing waits. Sequencers take turns, and each goes on where the last one ended."""
    if tx.session.get_bind().dialect.name == "postgresql":
        tx.session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended("signing.log", 0))))
    last = newest(tx)
    size = last.size if last else 0
    fresh = _number(tx, size)
    if not fresh:
        return None
    append(tx, size, fresh)
    size += len(fresh)
    root = hashes_over(tx, [(0, size)])[0].hex()
    now = clock.now()
    claims = {"iss": receipts.issuer(), "iat": int(now.timestamp()), "at": now.isoformat(), "size": size, "root": root}
    head = LogHead(size=size, root=root, jws=receipts.state(tx, TYPE, claims), made_at=now, token=None, stamped_at=None)
    tx.session.add(head)
    tx.session.flush()
    return head


def newest(tx: Tx) -> LogHead | None:
    """The head over everything that has a number; None before the first."""
    return tx.session.scalar(sa.select(LogHead).order_by(LogHead.size.desc()).limit(1))


def head_for(tx: Tx, size: int | None = None) -> LogHead:
    """The newest head, or that of a size; NotFound when there is none."""
    head = newest(tx) if size is None else tx.session.get(LogHead, size)
    if head is None:
        raise NotFound()
    return head


def stamped_head_for(tx: Tx, number: int) -> LogHead | None:
    """The first time-stamped head that holds the leaf of this number: the earliest moment that is proved for it."""
    query = sa.select(LogHead).where(LogHead.size > number, LogHead.token.is_not(None))
    return tx.session.scalar(query.order_by(LogHead.size).limit(1))


def is_proved_later(tx: Tx, size: int) -> bool:
    """Whether a later head has a time-stamp, which then proves the earlier ones too."""
    query = sa.select(LogHead.size).where(LogHead.size > size, LogHead.token.is_not(None))
    return tx.session.scalar(query.limit(1)) is not None


def waits(tx: Tx) -> bool:
    """Whether a leaf has no number yet."""
    return tx.session.scalar(sa.select(LogLeaf.id).where(LogLeaf.number.is_(None)).limit(1)) is not None


def shown(head: LogHead) -> dict[str, Any]:
    """A head as answers carry it."""
    return {"size": head.size, "root": head.root, "at": head.made_at.isoformat(), "jws": head.jws}


def shown_in_full(head: LogHead) -> dict[str, Any]:
    """The same with its time-stamp."""
    at = head.stamped_at.isoformat() if head.stamped_at else None
    return {**shown(head), "time_stamp": b64encode(head.token).decode() if head.token else None, "stamped_at": at}


def proof_shown(proof: Proof) -> dict[str, Any]:
    """A proof as answers carry it."""
    path = [one.hex() for one in proof.path]
    return {"leaf": proof.leaf.decode(), "number": proof.number, "size": proof.size, "path": path}


def proof_for(tx: Tx, kind: str, sha256: str, size: int | None = None) -> Proof:
    """The proof that a fact is in the log, under the newest head or that of `size`. When it was said more than once,
    the first time counts. NotFound when it is not there, NotYet when it waits for its number."""
    leaf = _leaf_for(tx, kind, sha256)
    return _proof(tx, leaf, newest(tx) if size is None else head_for(tx, size))


def earliest_proof_for(tx: Tx, kind: str, sha256: str) -> Proof:
    """The same under the first time-stamped head that holds the fact, which proves the earliest moment; under the
    newest head while none has a time-stamp."""
    leaf = _leaf_for(tx, kind, sha256)
    stamped = stamped_head_for(tx, leaf.number) if leaf.number is not None else None
    return _proof(tx, leaf, stamped or newest(tx))


def _leaf_for(tx: Tx, kind: str, sha256: str) -> LogLeaf:
    query = sa.select(LogLeaf).where(LogLeaf.kind == kind, LogLeaf.sha256 == sha256)
    leaf = tx.session.scalar(query.order_by(LogLeaf.number.is_(None), LogLeaf.number).limit(1))
    if leaf is None:
        raise NotFound()
    return leaf


def _proof(tx: Tx, leaf: LogLeaf, head: LogHead | None) -> Proof:
    if leaf.number is None or head is None or leaf.number >= head.size:
        raise NotYet(phrase("Nội dung này chưa có số trong nhật ký ở mốc đó. Xin hỏi lại sau một phút."))
    path = hashes_over(tx, merkle.inclusion_ranges(leaf.number, head.size))
    return Proof(leaf_bytes(leaf.kind, leaf.sha256, leaf.at), leaf.number, head.size, path)


def consistency(tx: Tx, first: int, second: int) -> tuple[bytes, ...]:
    """The proof that the log of `first` leaves is the beginning of that of `second`. NotFound when the log is not that
    large, or there is nothing to prove."""
    last = newest(tx)
    if not 0 < first <= second or last is None or second > last.size:
        raise NotFound()
    return hashes_over(tx, merkle.consistency_ranges(first, second))


def _number(tx: Tx, size: int) -> list[bytes]:
    """Give the next numbers out. Answers the hashes of these leaves in their order."""
    place = sa.func.row_number().over(order_by=LogLeaf.id) - 1 + size
    waiting = sa.select(LogLeaf.id, place.label("number")).where(LogLeaf.number.is_(None))
    turn = waiting.order_by(LogLeaf.id).limit(BATCH_SIZE).subquery()
    numbered = tx.session.execute(
        sa.update(LogLeaf)
        .where(LogLeaf.id == turn.c.id)
        .values(number=turn.c.number)
        .returning(LogLeaf.number, LogLeaf.kind, LogLeaf.sha256, LogLeaf.at)
        .execution_options(synchronize_session=False)
    ).all()
    in_order = sorted(numbered, key=lambda row: row.number)
    return [merkle.leaf_hash(leaf_bytes(row.kind, row.sha256, row.at)) for row in in_order]


def append(tx: Tx, size: int, hashes: list[bytes]) -> None:
    """Write the hashes behind the first `size` ones of level 0, and what gets full into the levels above."""
    level = 0
    while hashes:
        place, begun = divmod(size >> (level * HEIGHT), WIDTH)
        growing = tx.session.get_one(LogTile, (level, place)) if begun else None
        data = (growing.hashes if growing else b"") + b"".join(hashes)
        tiles = [data[start : start + WIDTH * HASH] for start in range(0, len(data), WIDTH * HASH)]
        if growing:
            growing.hashes = tiles[0]
        fresh = enumerate(tiles[1:] if growing else tiles, start=place + 1 if growing else place)
        tx.session.add_all(LogTile(level=level, place=number, hashes=tile) for number, tile in fresh)
        full = [tile for tile in tiles if len(tile) == WIDTH * HASH]
        hashes, level = [merkle.perfect_hash(_split(tile)) for tile in full], level + 1


def _split(tile: bytes) -> list[bytes]:
    return [tile[start : start + HASH] for start in range(0, len(tile), HASH)]


def hashes_over(tx: Tx, ranges: list[Range]) -> tuple[bytes, ...]:
    """The hashes over some ranges of leaves, that is of a proof, from their tiles."""
    tiles = _Tiles(tx, ranges)
    return tuple(merkle.range_hash(one, tiles.hash_of) for one in ranges)


class _Tiles:
    """The tiles that some ranges of the tree need, read at once."""

    def __init__(self, tx: Tx, ranges: Iterable[Range]) -> None:
        wanted: dict[int, set[int]] = {}
        for level, place, _, _ in (_tile_of(node) for one in ranges for node in merkle.nodes_of(one)):
            wanted.setdefault(level, set()).add(place)
        # Level by level: asked for pairs, SQLite reads the whole table.
        levels = [sa.and_(LogTile.level == level, LogTile.place.in_(places)) for level, places in wanted.items()]
        rows = sa.select(LogTile.level, LogTile.place, LogTile.hashes).where(sa.or_(sa.false(), *levels))
        self._tiles = {(level, place): hashes for level, place, hashes in tx.session.execute(rows)} if wanted else {}

    def hash_of(self, node: Node) -> bytes:
        """The hash of a perfect subtree: one of a tile, or made of 2, 4 … 128 of it."""
        level, place, start, count = _tile_of(node)
        hashes = self._tiles[level, place][start * HASH : (start + count) * HASH]
        return merkle.perfect_hash(_split(hashes))


def _tile_of(node: Node) -> tuple[int, int, int, int]:
    """Level and place of the tile, the first of its hashes that stand below a node, and how many."""
    height, place = node
    level, above = divmod(height, HEIGHT)
    tile, start = divmod(place << above, WIDTH)
    return level, tile, start, 1 << above
