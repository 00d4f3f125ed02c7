"""The evidence log on both databases: numbers without gaps, heads, proofs, and what tampering leaves behind."""

import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa

from kernel.config import Config
from kernel.db import Database, Tx
from kernel.doctor import Health
from kernel.errors import NotFound, Unavailable
from signing.doctor import receipts_key
from signing.log import evidence_log, merkle, receipts
from signing.log.evidence_log import Kind, NotYet
from signing.log.log_audit import audit
from signing.log.models import LogHead, LogLeaf, LogTile

pytestmark = pytest.mark.both_databases


def fingerprint(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def grown(db: Database, *sizes: int) -> list[LogHead]:
    """A log that had these sizes, one after the other."""
    heads, here = [], 0
    for size in sizes:
        with db.write() as tx:
            evidence_log.add(tx, Kind.DOCUMENT, *(fingerprint(str(number)) for number in range(here, size)))
        with db.write() as tx:
            while (head := evidence_log.sequence(tx)) is not None:
                last = head
        assert last.size == size
        heads.append(last)
        here = size
    return heads


def hashes_in(db: Database) -> list[bytes]:
    with db.read() as tx:
        rows = tx.session.scalars(sa.select(LogLeaf).order_by(LogLeaf.number)).all()
        return [merkle.leaf_hash(evidence_log.leaf_bytes(row.kind, row.sha256, row.at)) for row in rows]


def root_of(hashes: list[bytes]) -> bytes:
    frontier = merkle.Frontier()
    for one in hashes:
        frontier.add(one)
    return frontier.root


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles of four hashes and stretches of seven leaves, so that a small log has many levels."""
    monkeypatch.setattr(evidence_log, "HEIGHT", 2)
    monkeypatch.setattr(evidence_log, "WIDTH", 4)
    monkeypatch.setattr(evidence_log, "BATCH_SIZE", 7)


def test_a_leaf_is_plain_json_that_anybody_can_write_again() -> None:
    at = datetime(2026, 3, 2, 1, 2, 3, 4, tzinfo=UTC)
    leaf = evidence_log.leaf_bytes(Kind.RECEIPT, "ab" * 32, at)
    assert leaf == b'{"at":"2026-03-02T01:02:03.000004+00:00","kind":"receipt","sha256":"%s"}' % (b"ab" * 32)


def test_nothing_new_makes_no_head(db: Database) -> None:
    with db.write() as tx:
        assert evidence_log.sequence(tx) is None
    grown(db, 3)
    with db.write() as tx:
        assert evidence_log.sequence(tx) is None
    with db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(LogHead)) == 1


def test_a_fact_that_was_rolled_back_is_not_in_the_log(db: Database) -> None:
    with pytest.raises(RuntimeError), db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, fingerprint("a"))
        tx.session.flush()
        raise RuntimeError
    with db.write() as tx:
        assert evidence_log.sequence(tx) is None


def test_a_sequencer_that_dies_before_its_commit_has_done_nothing(db: Database) -> None:
    grown(db, 5)
    with db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, fingerprint("more"))
    with pytest.raises(RuntimeError), db.write() as tx:
        head = evidence_log.sequence(tx)
        assert head is not None
        assert head.size == 6
        raise RuntimeError
    with db.read() as tx:
        assert evidence_log.head_for(tx).size == 5
        assert evidence_log.waits(tx)
    with db.write() as tx:
        again = evidence_log.sequence(tx)
    assert again is not None
    assert (again.size, again.root) == (6, root_of(hashes_in(db)).hex())
    with db.read() as tx:
        assert audit(tx).wrong == ()


@pytest.mark.usefixtures("narrow")
def test_every_head_every_proof_and_every_consistency_over_many_levels(db: Database) -> None:
    sizes = (1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 100, 257)
    heads = grown(db, *sizes)
    hashes = hashes_in(db)
    assert [head.root for head in heads] == [root_of(hashes[:size]).hex() for size in sizes]
    with db.read() as tx:
        for number in range(0, 257, 5):
            for size in (s for s in sizes if s > number):
                proof = evidence_log.proof_for(tx, Kind.DOCUMENT, fingerprint(str(number)), size)
                assert (proof.number, proof.size) == (number, size)
                leaf, root = merkle.leaf_hash(proof.leaf), root_of(hashes[:size])
                assert merkle.is_included(leaf, number, size, root, proof.path)
        for first in sizes:
            for second in (s for s in sizes if s >= first):
                older, newer = root_of(hashes[:first]), root_of(hashes[:second])
                assert merkle.is_consistent(first, older, second, newer, evidence_log.consistency(tx, first, second))
        assert audit(tx).wrong == ()


def test_full_tiles_of_the_real_width(db: Database) -> None:
    """Over the edge of a tile of 256 in one stretch and in several."""
    heads = grown(db, 255, 256, 257, 1100)
    hashes = hashes_in(db)
    assert [head.root for head in heads] == [root_of(hashes[: head.size]).hex() for head in heads]
    with db.read() as tx:
        levels = dict(tx.session.execute(sa.select(LogTile.level, sa.func.count()).group_by(LogTile.level)).all())
        assert levels == {0: 5, 1: 1}
        proof = evidence_log.proof_for(tx, Kind.DOCUMENT, fingerprint("700"))
        assert len(proof.path) <= 11
        assert merkle.is_included(merkle.leaf_hash(proof.leaf), 700, 1100, root_of(hashes), proof.path)


def test_a_head_says_what_it_signs(db: Database) -> None:
    (head,) = grown(db, 3)
    with db.read() as tx:
        keys = {key["kid"]: key for key in receipts.all_keys(tx)["keys"]}
    claims = receipts.checked(head.jws, keys)
    assert claims is not None
    assert (claims["size"], claims["root"], claims["at"]) == (3, head.root, head.made_at.isoformat())
    assert claims["iss"] == receipts.issuer()
    assert receipts.checked(head.jws, {}) is None
    assert receipts.checked("nothing", keys) is None


def test_what_is_not_there_and_what_has_no_number_yet(db: Database) -> None:
    grown(db, 2, 5)
    with db.write() as tx:
        evidence_log.add(tx, Kind.RECEIPT, fingerprint("late"))
    with db.read() as tx:
        with pytest.raises(NotFound):
            evidence_log.proof_for(tx, Kind.DOCUMENT, fingerprint("never"))
        with pytest.raises(NotFound):
            evidence_log.proof_for(tx, Kind.VERDICT, fingerprint("0"))
        with pytest.raises(NotYet):
            evidence_log.proof_for(tx, Kind.RECEIPT, fingerprint("late"))
        with pytest.raises(NotYet):
            evidence_log.proof_for(tx, Kind.DOCUMENT, fingerprint("4"), 2)
        with pytest.raises(NotFound):
            evidence_log.proof_for(tx, Kind.DOCUMENT, fingerprint("1"), 3)
        for first, second in ((0, 5), (5, 2), (2, 6), (-1, 5)):
            with pytest.raises(NotFound):
                evidence_log.consistency(tx, first, second)


def test_what_was_said_twice_counts_from_the_first_time(db: Database) -> None:
    grown(db, 3)
    with db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, fingerprint("1"))
        evidence_log.sequence(tx)
    with db.read() as tx:
        assert evidence_log.proof_for(tx, Kind.DOCUMENT, fingerprint("1")).number == 1


def test_what_is_not_committed_yet_keeps_nobody_waiting_and_is_not_lost(db: Database) -> None:
    if db.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    with db.write() as slow:
        evidence_log.add(slow, Kind.DOCUMENT, fingerprint("slow"))
        slow.session.flush()
        with db.write() as quick:
            evidence_log.add(quick, Kind.DOCUMENT, fingerprint("quick"))
        with db.write() as tx:
            head = evidence_log.sequence(tx)
        assert head is not None
        assert head.size == 1
    with db.write() as tx:
        assert evidence_log.sequence(tx) is not None
    with db.read() as tx:
        assert [evidence_log.proof_for(tx, Kind.DOCUMENT, fingerprint(x)).number for x in ("quick", "slow")] == [0, 1]
        assert audit(tx).wrong == ()


def test_sequencers_at_once_leave_no_gap_and_double_nothing(db: Database) -> None:
    def add(name: str) -> None:
        for number in range(20):
            with db.write() as tx:
                evidence_log.add(tx, Kind.DOCUMENT, fingerprint(f"{name}{number}"))

    def number_them() -> None:
        for _ in range(15):
            with db.write() as tx:
                evidence_log.sequence(tx)

    work = [threading.Thread(target=add, args=(name,)) for name in "ab"]
    work += [threading.Thread(target=number_them) for _ in range(2)]
    for one in work:
        one.start()
    for one in work:
        one.join()
    number_them()
    with db.read() as tx:
        numbers = list(tx.session.scalars(sa.select(LogLeaf.number).order_by(LogLeaf.number)))
        assert numbers == list(range(40))
        found = audit(tx)
    assert (found.leaves, found.wrong) == (40, ())


def _change(tx: Tx) -> None:
    tx.session.execute(sa.update(LogLeaf).where(LogLeaf.number == 7).values(sha256=fingerprint("other")))


def _backdate(tx: Tx) -> None:
    tx.session.execute(sa.update(LogLeaf).where(LogLeaf.number == 7).values(at=datetime(2020, 1, 1, tzinfo=UTC)))


def _remove(tx: Tx) -> None:
    tx.session.execute(sa.delete(LogLeaf).where(LogLeaf.number == 7))


def _remove_last(tx: Tx) -> None:
    tx.session.execute(sa.delete(LogLeaf).where(LogLeaf.number == 11))


def _swap(tx: Tx) -> None:
    for old, new in ((7, -1), (8, 7), (-1, 8)):
        tx.session.execute(sa.update(LogLeaf).where(LogLeaf.number == old).values(number=new))


def _close_the_gap(tx: Tx) -> None:
    _remove(tx)
    for number in range(8, 12):
        tx.session.execute(sa.update(LogLeaf).where(LogLeaf.number == number).values(number=number - 1))


def _spoil_tile(tx: Tx) -> None:
    tile = tx.session.get_one(LogTile, (0, 0))
    tile.hashes = tile.hashes[:40] + bytes([tile.hashes[40] ^ 1]) + tile.hashes[41:]


def _spoil_upper_tile(tx: Tx) -> None:
    """The leaves are whole; a proof that needs this hash would be wrong."""
    tile = tx.session.get_one(LogTile, (1, 0))
    tile.hashes = tile.hashes[:-1] + bytes([tile.hashes[-1] ^ 1])


def _spoil_top_tile(tx: Tx) -> None:
    tx.session.get_one(LogTile, (2, 0)).hashes = b"x" * 32


def _lose_upper_tile(tx: Tx) -> None:
    tx.session.execute(sa.delete(LogTile).where(LogTile.level == 1, LogTile.place == 0))


def _add_a_tile(tx: Tx) -> None:
    tx.session.add(LogTile(level=3, place=0, hashes=b"x" * 32))


def _add_a_hash(tx: Tx) -> None:
    """One more leaf in the tree than there are rows."""
    tile = tx.session.get_one(LogTile, (0, 4))
    tile.hashes += b"x" * 32


UPPER = (_spoil_upper_tile, _spoil_top_tile, _lose_upper_tile, _add_a_tile, _add_a_hash)


@pytest.mark.usefixtures("narrow")
def test_every_level_of_the_tree_is_looked_at(db: Database) -> None:
    grown(db, 18)
    with db.read() as tx:
        assert audit(tx).wrong == ()
    for tamper in UPPER:
        with db.read() as reading:
            kept = [(one.level, one.place, one.hashes) for one in reading.session.scalars(sa.select(LogTile))]
        with db.write() as tx:
            tamper(tx)
        with db.read() as tx:
            assert audit(tx).wrong, tamper.__name__
        with db.write() as tx:
            tx.session.execute(sa.delete(LogTile))
            tx.session.add_all(LogTile(level=level, place=place, hashes=hashes) for level, place, hashes in kept)
    with db.read() as tx:
        assert audit(tx).wrong == ()


def _fork_head(tx: Tx) -> None:
    """Another root with a good signature of our own key: a history that only some are shown."""
    head = tx.session.get_one(LogHead, 10)
    head.root = "00" * 32
    claims = {"iss": "x", "iat": 0, "at": head.made_at.isoformat(), "size": 10, "root": head.root}
    head.jws = receipts.state(tx, evidence_log.TYPE, claims)


def _spoil_signature(tx: Tx) -> None:
    head = tx.session.get_one(LogHead, 10)
    body, _, signature = head.jws.rpartition(".")
    head.jws = f"{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def _borrow_signature(tx: Tx) -> None:
    tx.session.get_one(LogHead, 10).jws = tx.session.get_one(LogHead, 12).jws


TAMPERINGS = (
    _change, _backdate, _remove, _remove_last, _swap, _close_the_gap, _spoil_tile, _fork_head, _spoil_signature,
    _borrow_signature,
)  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda one: one.__name__)
def test_whoever_changes_the_rows_is_found_out(db: Database, tamper: Callable[[Tx], None]) -> None:
    grown(db, 10, 12)
    with db.read() as tx:
        found = audit(tx)
    assert (found.leaves, found.heads, found.wrong) == (12, 2, ())
    with db.write() as tx:
        tamper(tx)
    with db.read() as tx:
        assert audit(tx).wrong


def test_a_history_that_was_written_anew_does_not_fit_what_somebody_kept(db: Database) -> None:
    """Even when rows, tiles and heads are all made anew and signed: the head that was handed out does not fit."""
    kept, _ = grown(db, 10, 12)
    with db.write() as tx:
        for table in (LogLeaf, LogTile, LogHead):
            tx.session.execute(sa.delete(table))
    with db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, *(fingerprint(str(number)) for number in range(13) if number != 7))
        anew = evidence_log.sequence(tx)
    assert anew is not None
    with db.read() as tx:
        assert audit(tx).wrong == ()
        path = evidence_log.consistency(tx, 10, 12)
    assert not merkle.is_consistent(10, bytes.fromhex(kept.root), 12, bytes.fromhex(anew.root), path)


def test_a_new_key_signs_from_then_on_and_the_old_one_can_still_be_checked(db: Database, tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path)
    receipts.use(config)
    with db.write() as tx:
        old = receipts.state(tx, "test+jwt", {"a": 1})
    kid = receipts.rotate(config)
    with db.write() as tx:
        new = receipts.state(tx, "test+jwt", {"a": 2})
    with db.read() as tx:
        keys = {key["kid"]: key for key in receipts.all_keys(tx)["keys"]}
    assert len(keys) == 2
    assert receipts.verify(new, keys[kid]) == {"a": 2}
    assert receipts.verify(old, keys[kid]) is None
    assert receipts.checked(old, keys) == {"a": 1}
    assert not any("d" in key for key in keys.values())
    assert [path.name for path in (tmp_path / "hub").iterdir()] == [receipts.FILE]


def test_the_key_is_encrypted_once_there_is_a_passphrase_and_stays_the_same(db: Database, tmp_path: Path) -> None:
    plain = Config(data_dir=tmp_path)
    sealed, wrong = replace(plain, key_passphrase="of the test"), replace(plain, key_passphrase="another")
    file = tmp_path / "hub" / receipts.FILE

    def kid_with(config: Config) -> str:
        receipts.use(config)
        with db.write() as tx:
            return receipts.known_key(tx).kid

    kid = kid_with(plain)
    assert receipts_key(plain).health is Health.GOOD
    assert receipts_key(replace(plain, mode="production")).health is Health.POOR
    assert kid_with(sealed) == kid
    assert b"ENCRYPTED" in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert receipts_key(replace(sealed, mode="production")).health is Health.GOOD
    for config in (wrong, plain):
        with pytest.raises(Unavailable):
            kid_with(config)
    assert kid_with(sealed) == kid
    fresh = receipts.rotate(sealed)
    assert kid_with(sealed) == fresh != kid
    assert b"ENCRYPTED" in file.read_bytes()
    assert [path.name for path in file.parent.iterdir()] == [receipts.FILE]
