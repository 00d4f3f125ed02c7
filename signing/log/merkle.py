"""The Merkle tree of RFC 6962 §2.1: hashing, what a proof consists of, and the check of a proof. Pure.

A tree of n leaves is made of perfect subtrees. A node `(height, place)` is the perfect subtree over the leaves from
`place << height` to `(place + 1) << height`; a range `(start, end)` of leaves is what a hash of a proof stands for.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from hashlib import sha256

Node = tuple[int, int]
Range = tuple[int, int]

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf's bytes; the prefix keeps a leaf from passing for a node."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return sha256(b"\x01" + left + right).digest()


def perfect_hash(hashes: Sequence[bytes]) -> bytes:
    """The hash above 1, 2, 4, 8 … neighbouring hashes of one height."""
    level = list(hashes)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs]  # `node_hash`, hundreds of times
    return level[0]


def nodes_of(leaves: Range) -> list[Node]:
    """The perfect subtrees that a range of leaves consists of, from left to right."""
    start, end = leaves
    found = []
    while start < end:
        height = (end - start).bit_length() - 1
        found.append((height, start >> height))
        start += 1 << height
    return found


def range_hash(leaves: Range, hash_of: Callable[[Node], bytes]) -> bytes:
    """The hash over a range of a proof, or over the whole tree from 0, when those of perfect subtrees are known."""
    parts = [hash_of(node) for node in nodes_of(leaves)]
    if not parts:
        return EMPTY
    return reduce(lambda right, left: node_hash(left, right), reversed(parts))


def inclusion_ranges(number: int, size: int) -> list[Range]:
    """What the proof that leaf `number` (from 0) is in the tree of `size` leaves consists of, from the leaf upwards
    (§2.1.1). ValueError when there is no such leaf."""
    if not 0 <= number < size:
        raise ValueError("no such leaf")
    start, end = 0, size
    found = []
    while end - start > 1:
        middle = start + _split(end - start)
        if number < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """What the proof that the tree of `first` leaves is the beginning of that of `second` consists of (§2.1.2).
    ValueError when it cannot be."""
    if not 0 < first <= second:
        raise ValueError("no such trees")
    start, end = 0, second
    found = []
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    # When the older tree is a perfect subtree at the left edge, its root is known to whoever checks.
    return [*([(start, end)] if start else []), *found[::-1]]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def is_included(leaf: bytes, number: int, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the hash `leaf` is number `number` (from 0) of the tree with this root (RFC 9162 §2.1.3.2)."""
    if not 0 <= number < size:
        return False
    found, here, last = leaf, number, size - 1
    for step in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(step, found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, step)
        here, last = here >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the tree with the second root begins with all leaves of the first, unchanged (RFC 9162 §2.1.4.2)."""
    if first == second:
        return not path and first_root == second_root
    if not 0 < first < second or not path:
        return False
    return _climb(first, second, [first_root, *path] if _is_power_of_two(first) else path) == (first_root, second_root)


def _climb(first: int, second: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The two roots that a path leads to, None when it leads nowhere."""
    here, last = first - 1, second - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    older = newer = path[0]
    for step in path[1:]:
        if last == 0:
            return None
        if here & 1 or here == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            newer = node_hash(newer, step)
        here, last = here >> 1, last >> 1
    return (older, newer) if last == 0 else None


def _is_power_of_two(number: int) -> bool:
    return number & (number - 1) == 0


class Frontier:
    """A tree that only grows, of which nothing is kept but the roots of its perfect subtrees: for whoever reads all
    leaves in turn and wants the roots on the way."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: dict[int, bytes] = {}  # by height; one for each bit of the size

    def add(self, leaf: bytes) -> None:
        """One more leaf's hash."""
        found, height = leaf, 0
        while height in self._roots:
            found, height = node_hash(self._roots.pop(height), found), height + 1
        self._roots[height] = found
        self.size += 1

    @property
    def root(self) -> bytes:
        """The root over all leaves up to here."""
        lowest_first: Iterator[bytes] = (self._roots[height] for height in sorted(self._roots))
        first = next(lowest_first, None)
        return EMPTY if first is None else reduce(lambda right, left: node_hash(left, right), lowest_first, first)
