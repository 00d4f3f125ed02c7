"""The Merkle tree against the definition in RFC 6962, against pymerkle, and against those who would forge a proof."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from pymerkle.proof import verify_consistency

from signing.log import merkle
from signing.log.merkle import Node, Range

MOST = 40
LEAVES = [f"lá {number}".encode() for number in range(MOST)]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]


def split(size: int) -> int:
    """The largest power of two below `size`."""
    k = 1
    while 2 * k < size:
        k *= 2
    return k


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:])).digest()


def hash_of(node: Node) -> bytes:
    """A perfect subtree over the test's leaves."""
    height, place = node
    return root(LEAVES[place << height : (place + 1) << height])


def path(ranges: list[Range]) -> list[bytes]:
    """The hashes of a proof."""
    return [merkle.range_hash(one, hash_of) for one in ranges]


def test_the_roots_of_the_test_vectors() -> None:
    """Those of the reference implementation of RFC 6962 (certificate-transparency, merkle_tree_test)."""
    entries = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    entries.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
    wanted = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    frontier = merkle.Frontier()
    assert frontier.root.hex() == wanted[0]
    for number, entry in enumerate(entries, start=1):
        frontier.add(merkle.leaf_hash(entry))
        if number in wanted:
            assert frontier.root.hex() == wanted[number]


@pytest.mark.parametrize("size", range(MOST + 1))
def test_every_root_is_the_one_of_the_definition(size: int) -> None:
    assert merkle.range_hash((0, size), hash_of) == root(LEAVES[:size])


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_every_leaf_of_every_tree_is_proved_and_no_other(size: int) -> None:
    top = root(LEAVES[:size])
    for number in range(size):
        proof = path(merkle.inclusion_ranges(number, size))
        assert merkle.is_included(HASHES[number], number, size, top, proof)
        assert not merkle.is_included(HASHES[number - 1], number, size, top, proof) or size == 1
        assert not merkle.is_included(HASHES[number], number, size, top, [*proof, top])
        for other in range(size):
            assert (other == number) == merkle.is_included(HASHES[number], other, size, top, proof)


@pytest.mark.parametrize("second", range(1, MOST + 1))
def test_every_older_tree_is_the_beginning_of_a_newer_one_and_of_no_other(second: int) -> None:
    for first in range(1, second + 1):
        proof = path(merkle.consistency_ranges(first, second))
        older, newer = root(LEAVES[:first]), root(LEAVES[:second])
        assert merkle.is_consistent(first, older, second, newer, proof)
        forked = root([*LEAVES[: first - 1], b"khac"])
        assert not merkle.is_consistent(first, forked, second, newer, proof)
        assert not merkle.is_consistent(first, older, second, root([*LEAVES[: second - 1], b"khac"]), proof)
        assert not merkle.is_consistent(first, older, second, newer, [*proof, newer])
        if first < second:
            assert not merkle.is_consistent(first, older, second, newer, proof[:-1])
            assert not merkle.is_consistent(second, newer, first, older, proof)


@pytest.mark.parametrize(("number", "size"), [(-1, 4), (4, 4), (0, 0)])
def test_there_is_no_proof_of_what_is_not_there(number: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.inclusion_ranges(number, size)
    assert not merkle.is_included(HASHES[0], number, size, merkle.EMPTY, [])


@pytest.mark.parametrize(("first", "second"), [(0, 4), (5, 4), (-1, 4)])
def test_there_is_no_proof_between_trees_that_are_not_there(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="no such trees"):
        merkle.consistency_ranges(first, second)
    assert not merkle.is_consistent(first, merkle.EMPTY, second, root(LEAVES[:4]), [HASHES[0]])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(min_size=32, max_size=32), max_size=8), st.integers(1, MOST), st.integers(1, MOST))
def test_invented_paths_prove_nothing(invented: list[bytes], first: int, second: int) -> None:
    older, newer = root(LEAVES[:first]), root(LEAVES[:second])
    if first != second:
        assert not merkle.is_consistent(first, older, second, newer, invented)
    if second > 1:
        assert not merkle.is_included(HASHES[0], 0, second, newer, invented)


def audit_path(number: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if number < k:
        return [*audit_path(number, leaves[:k]), root(leaves[k:])]
    return [*audit_path(number - k, leaves[k:]), root(leaves[:k])]


def subproof(first: int, leaves: Sequence[bytes], complete: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2, word for word."""
    if first == len(leaves):
        return [] if complete else [root(leaves)]
    k = split(len(leaves))
    if first <= k:
        return [*subproof(first, leaves[:k], complete), root(leaves[k:])]
    return [*subproof(first - k, leaves[k:], False), root(leaves[:k])]


def test_paths_are_those_of_the_definition() -> None:
    for size in range(1, MOST + 1):
        for number in range(size):
            assert path(merkle.inclusion_ranges(number, size)) == audit_path(number, LEAVES[:size])
            first = number + 1
            assert path(merkle.consistency_ranges(first, size)) == subproof(first, LEAVES[:size], True)


def test_pymerkle_finds_the_same_roots_and_paths() -> None:
    """A second opinion. Its inclusion path begins with the leaf; its consistency path is laid out in its own way, so
    that only what it leads to can be compared."""
    tree = InmemoryTree(algorithm="sha256")
    for size in range(1, MOST + 1):
        tree.append_entry(LEAVES[size - 1])
        newer = merkle.range_hash((0, size), hash_of)
        assert tree.get_root() == newer
        for number in range(size):
            theirs = tree.prove_inclusion(number + 1).path
            assert theirs == [HASHES[number], *path(merkle.inclusion_ranges(number, size))]
        for first in range(1, size + 1):
            older = merkle.range_hash((0, first), hash_of)
            verify_consistency(older, newer, tree.prove_consistency(first, size))
