"""The pages of a document say how its paper is kept, and give out the grown file beside the original."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

import signing.doctor  # noqa: F401  # registers the self-checks
from docex.documents.models import Paper
from docex.documents.papers import preservation
from docex.documents.papers.files import main_paper, papers_of
from kernel import clock, streams
from kernel.doctor import Health, checks
from kernel.errors import NotFound
from kernel.storage.blobs import read_all
from kernel.text import phrase
from signing.archive import preservation as archive
from signing.archive.models import Archived, Waits
from signing.verdicts.reasons import Code, reason
from signing.verdicts.verdict import HolderKind, Level, Signer, TimeSource, Value, Verdict
from tests.docex.office import Office
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services


def test_a_sealed_letter_is_kept_and_both_sides_see_how_far_it_has_come(office: Office) -> None:
    cast, number = office.cast, office.sent()
    copy = office.incoming(cast.lan)[0].id
    waiting = office.sheet(cast.ha, number).kept
    assert waiting is not None
    assert (waiting.tone, waiting.size) == ("waiting", 0)
    assert "mức B-B, đang chờ dấu thời gian" in waiting.sentence.vi
    with office.db.read() as tx:
        paper = main_paper(tx, number, stage="sealed")
        assert paper is not None
        before = streams.heads(tx, [f"document:{number}", f"incoming:{copy}"])
    with clock.frozen(clock.now() + archive.GRACE_PERIOD):
        office.work()
    with office.db.read() as tx:
        after = streams.heads(tx, [f"document:{number}", f"incoming:{copy}"])
        row = tx.session.scalars(sa.select(Archived)).one()  # one paper for sender and recipients
    assert all(after[name] > before[name] for name in before)
    for kept in (office.sheet(cast.ha, number).kept, office.incoming_sheet(cast.lan, copy).kept):
        assert kept is not None
        assert kept.tone == "good"
        assert "B-LTA" in kept.sentence.vi
        assert "B-LTA" in kept.sentence.en
    original = read_all(office.blobs, paper.sha256)
    assert read_all(office.blobs, row.newest).startswith(original)
    assert len(original) == paper.size
    _is_served(office, copy, row)


def _is_served(office: Office, copy: int, row: Archived) -> None:
    """The recipient downloads the grown file; who may not see the document does not find it."""
    with office.db.read() as tx:
        mine = next(p for p in papers_of(tx, office.incoming(office.cast.lan)[0].dispatch_id) if p.role == "main")
    path = f"/documents/papers/{mine.id}/kept"
    app = create_app(office.config, Services(office.config, office.db, office.blobs))
    lan, quynh = sign_in(app, "lan"), sign_in(app, "quynh")
    answer = lan.get(path)
    assert answer.status_code == 200
    assert "B-LTA.pdf" in answer.headers["Content-Disposition"]
    assert answer.data == read_all(office.blobs, row.newest)
    assert quynh.get(path).status_code == 404
    page = lan.get(f"/documents/in/{copy}").get_data(as_text=True)
    assert path in page
    assert "Lưu giữ chữ ký" in page


@pytest.mark.long_proof
def test_a_paper_that_has_not_grown_has_no_second_file(office: Office) -> None:
    number = office.sent()
    with office.db.read() as tx:
        paper = main_paper(tx, number, stage="sealed")
        assert paper is not None
        with pytest.raises(NotFound):
            preservation.grown_for(tx, office.cast.ha, paper.id)


@pytest.mark.parametrize(("value", "kept"), [(Value.VALID, True), (Value.UNCLEAR, True), (Value.INVALID, False)])
def test_what_came_is_kept_unless_it_has_to_go_back(office: Office, value: Value, kept: bool) -> None:
    number = office.on_its_way()
    with office.db.write() as tx:
        signed, unsigned = (
            Paper(dispatch_id=None, document_id=number, role="main", name="a.pdf", media_type="application/pdf")
            for _ in range(2)
        )
        for n, paper in enumerate((signed, unsigned)):
            paper.sha256, paper.size, paper.spot, paper.made_at = f"{n:064x}", 9, {}, clock.now()
            tx.session.add(paper)
        tx.session.flush()
        preservation.keep_verified(tx, [(signed.id, _verdict(value, Level.B_T)), (unsigned.id, _verdict(value, None))])
        found = archive.kept(tx, [signed.sha256, unsigned.sha256])
    assert set(found) == ({signed.sha256} if kept else set())
    assert all(one.waits is Waits.LOOK for one in found.values())


def _verdict(value: Value, level: Level | None) -> Verdict:
    at = clock.now()
    signer = Signer(
        "F", HolderKind.SEAL, value, "x", "x", "", "1", "x", "", at, at, TimeSource.TSA, level or Level.B_B, "", 9, True
    )
    signers = (signer,) if level else ()
    return Verdict(value, phrase("Đang hỏi"), (reason(Code.NO_SIGNATURE),), signers, "official-1", "", at)


def test_the_self_check_tells_of_papers_that_wait_too_long(office: Office) -> None:
    def health() -> tuple[Health, str]:
        found = checks["archive"](office.config)
        return found.health, found.what.vi

    assert health()[0] is Health.GOOD
    now = clock.now()
    rows = [
        ("a", Waits.VALIDATION, now - timedelta(days=8), None, Health.POOR, "một tuần"),
        ("b", Waits.TIME_STAMP, now - timedelta(days=2), None, Health.POOR, "một ngày"),
        ("c", Waits.RENEWAL, now - timedelta(days=900), now + timedelta(days=80), Health.BAD, "gia hạn"),
    ]
    for name, waits, since, not_after, wanted, word in rows:
        with office.db.write() as tx:
            same = {"newest": name, "size": 1, "level": Level.B_LTA, "kept_at": since, "obstacle": {}}
            next_at = now - timedelta(days=2)
            tx.session.add(
                Archived(sha256=name, waits=waits, since=since, next_at=next_at, not_after=not_after, **same)
            )
        assert health()[0] is wanted
        assert word in health()[1]
