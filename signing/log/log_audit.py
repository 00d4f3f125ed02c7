"""Reading the whole log again: whether leaves, tree and signed heads still belong together, and whether everything that
belongs into the log is there. Finds what somebody did to the database behind the software's back."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

from kernel.db import Tx
from kernel.text import Phrase, phrase
from signing.log import evidence_log, merkle, receipts
from signing.log.models import LogHead, LogLeaf, LogTile

_AT_A_TIME = 10_000
_ASKED_AT_ONCE = 500
_MAX_FINDINGS = 20

Fact = tuple[evidence_log.Kind, str]
"""What must be a leaf: its kind and SHA-256."""

_sources: list[Callable[[Tx], Iterable[Fact]]] = []


def facts(source: Callable[[Tx], Iterable[Fact]]) -> Callable[[Tx], Iterable[Fact]]:
    """Register what tells of everything that a room has put into the log."""
    if source not in _sources:
        _sources.append(source)
    return source


@dataclass(frozen=True)
class Audit:
    """How much was read, and what is wrong with it, at most twenty findings."""

    leaves: int
    heads: int
    facts: int
    wrong: tuple[Phrase, ...]


def audit(tx: Tx) -> Audit:
    """Compare every leaf, every tile of every level, every head and every fact. Takes seconds for a million leaves and
    little memory."""
    reading = _Reading(tx)
    wrong = list(islice(reading.wrong(), _MAX_FINDINGS))
    told = 0
    if len(wrong) < _MAX_FINDINGS:
        missing, told = _missing(tx)
        wrong += missing
    return Audit(reading.tree.size, reading.heads, told, tuple(wrong[:_MAX_FINDINGS]))


class _Reading:
    """One reading of leaves, tiles and heads side by side."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._keys = {key["kid"]: key for key in receipts.all_keys(tx)["keys"]}
        self._heads = _rows(tx, sa.select(LogHead).order_by(LogHead.size))
        self._tiles = _rows(tx, sa.select(LogTile).where(LogTile.level == 0).order_by(LogTile.place))
        self._levels = _Levels()
        self.tree = merkle.Frontier()
        self.heads = 0

    def wrong(self) -> Iterator[Phrase]:
        """What is wrong, in the order of the leaves."""
        head, broken = next(self._heads, None), False
        for leaf in _rows(self._tx, sa.select(LogLeaf).where(LogLeaf.number.is_not(None)).order_by(LogLeaf.number)):
            if leaf.number != self.tree.size:
                yield phrase("Thiếu hoặc thừa dòng ở số {number}.", number=self.tree.size)
                broken = True
                break
            found = merkle.leaf_hash(evidence_log.leaf_bytes(leaf.kind, leaf.sha256, leaf.at))
            self.tree.add(found)
            for level, place, hashes in self._levels.add(found):
                yield from self._compared(level, place, hashes)
            while head is not None and head.size == self.tree.size:
                yield from _verified(head, self.tree.root.hex(), self._keys)
                head, self.heads = next(self._heads, None), self.heads + 1
        for level, place, hashes in self._levels.rest():
            yield from self._compared(level, place, hashes)
        if broken:
            return
        if head is not None:
            yield phrase("Mốc {size} có nhiều dòng hơn nhật ký ({here}).", size=head.size, here=self.tree.size)
        count = self._tx.session.scalar(sa.select(sa.func.count()).select_from(LogTile)) or 0
        if count != self._levels.tiles:
            yield phrase("Cây băm có {count} ô, lẽ ra là {wanted}.", count=count, wanted=self._levels.tiles)

    def _compared(self, level: int, place: int, hashes: bytes) -> Iterator[Phrase]:
        """A tile as it is and as it must be: on level 0 the leaves that differ, above them the tile."""
        if level:
            tile = self._tx.session.get(LogTile, (level, place))
        else:
            tile = next((one for one in self._tiles if one.place >= place), None)
        kept = tile.hashes if tile is not None and tile.place == place else b""
        if kept == hashes:
            return
        if level:
            yield phrase("Ô {place} ở tầng {level} của cây băm không khớp với các dòng.", place=place, level=level)
            return
        if len(kept) > len(hashes):
            yield phrase(
                "Cây băm có nhiều dòng hơn nhật ký ({here}).",
                here=place * evidence_log.WIDTH + len(hashes) // evidence_log.HASH,
            )
        for start in range(0, len(hashes), evidence_log.HASH):
            if kept[start : start + evidence_log.HASH] != hashes[start : start + evidence_log.HASH]:
                number = place * evidence_log.WIDTH + start // evidence_log.HASH
                yield phrase("Dòng số {number} không khớp với cây băm.", number=number)


class _Levels:
    """All tiles of a tree that grows leaf by leaf; of each level only the last one is kept."""

    def __init__(self) -> None:
        self._growing: list[list[bytes]] = []
        self._full: list[int] = []

    def add(self, found: bytes) -> Iterator[tuple[int, int, bytes]]:
        """One more leaf's hash. Gives the tiles that are full with it: level, place, hashes."""
        level = 0
        while True:
            if level == len(self._growing):
                self._growing.append([])
                self._full.append(0)
            row = self._growing[level]
            row.append(found)
            if len(row) < evidence_log.WIDTH:
                return
            yield level, self._full[level], b"".join(row)
            found = merkle.perfect_hash(row)
            self._growing[level] = []
            self._full[level] += 1
            level += 1

    def rest(self) -> Iterator[tuple[int, int, bytes]]:
        """The tiles that still grow."""
        for level, row in enumerate(self._growing):
            if row:
                yield level, self._full[level], b"".join(row)

    @property
    def tiles(self) -> int:
        """How many there are."""
        return sum(self._full) + sum(1 for row in self._growing if row)


def _missing(tx: Tx) -> tuple[list[Phrase], int]:
    """Facts of the rooms that are no leaf, and how many facts there are."""
    wrong: list[Phrase] = []
    told = 0
    for source in _sources:
        listed = iter(source(tx))
        while batch := list(islice(listed, _ASKED_AT_ONCE)):
            told += len(batch)
            there = {fact for kind in evidence_log.Kind for fact in _there(tx, kind, batch)}
            lost = [fact for fact in dict.fromkeys(batch) if fact not in there]
            wrong += [_lost(*fact) for fact in lost[: _MAX_FINDINGS - len(wrong)]]
    return wrong, told


def _there(tx: Tx, kind: evidence_log.Kind, batch: list[Fact]) -> Iterator[Fact]:
    """Those of one kind that are leaves. Asked for pairs of kind and digest, SQLite would read the whole table."""
    wanted = {digest for one, digest in batch if one is kind}
    if wanted:
        found = sa.select(LogLeaf.sha256).where(LogLeaf.kind == kind, LogLeaf.sha256.in_(wanted))
        yield from ((kind, digest) for digest in tx.session.scalars(found))


def _lost(kind: evidence_log.Kind, digest: str) -> Phrase:
    return phrase("{kind} {digest} không có trong nhật ký.", kind=kind.value, digest=digest)


def _verified(head: LogHead, root: str, keys: dict[str, Any]) -> Iterator[Phrase]:
    if head.root != root:
        yield phrase("Mốc {size} không còn khớp với các dòng của nó.", size=head.size)
    claims = receipts.checked(head.jws, keys)
    if claims is None or (claims.get("size"), claims.get("root")) != (head.size, head.root):
        yield phrase("Chữ ký của mốc {size} không đúng.", size=head.size)


def _rows(tx: Tx, query: sa.Select[*tuple[Any, ...]]) -> Iterator[Any]:
    """The rows of a long list, a few at a time, and none of them kept."""
    for row in tx.session.scalars(query.execution_options(yield_per=_AT_A_TIME)):
        yield row
        tx.session.expunge(row)
