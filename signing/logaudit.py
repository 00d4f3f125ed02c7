"""Reading the whole log again: whether leaves, tree and signed heads still belong together. Finds what somebody did to
the database behind the software's back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from kernel.db import Tx
from kernel.text import Phrase, phrase
from signing import log, merkle, receipts
from signing.logmodels import LogHead, LogLeaf, LogTile

_AT_A_TIME = 10_000
_MOST = 20


@dataclass(frozen=True)
class Audit:
    """How much was read, and what is wrong with it, at most twenty findings."""

    leaves: int
    heads: int
    wrong: tuple[Phrase, ...]


def audit(tx: Tx) -> Audit:
    """Compare every leaf, every tile and every head. Takes seconds for a million leaves and little memory."""
    wrong: list[Phrase] = []
    keys = {key["kid"]: key for key in receipts.all_keys(tx)["keys"]}
    heads = _rows(tx, sa.select(LogHead).order_by(LogHead.size))
    tiles = _rows(tx, sa.select(LogTile).where(LogTile.level == 0).order_by(LogTile.place))
    tree, read = merkle.Frontier(), 0
    head, tile = next(heads, None), next(tiles, None)
    for leaf in _rows(tx, sa.select(LogLeaf).where(LogLeaf.number.is_not(None)).order_by(LogLeaf.number)):
        if leaf.number != tree.size:
            wrong.append(phrase("Thiếu hoặc thừa dòng ở số {number}.", number=tree.size))
            break
        found = merkle.leaf_hash(log.leaf_bytes(leaf.kind, leaf.sha256, leaf.at))
        place, start = divmod(tree.size, log.WIDTH)
        if tile is not None and tile.place < place:
            tile = next(tiles, None)
        if tile is None or tile.hashes[start * log.HASH : (start + 1) * log.HASH] != found:
            wrong.append(phrase("Dòng số {number} không khớp với cây băm.", number=leaf.number))
        tree.add(found)
        while head is not None and head.size == tree.size:
            wrong += _judged(head, tree.root.hex(), keys)
            head, read = next(heads, None), read + 1
    if head is not None and not wrong:
        wrong.append(phrase("Mốc {size} có nhiều dòng hơn nhật ký ({here}).", size=head.size, here=tree.size))
    return Audit(tree.size, read, tuple(wrong[:_MOST]))


def _judged(head: LogHead, root: str, keys: dict[str, Any]) -> Iterator[Phrase]:
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
