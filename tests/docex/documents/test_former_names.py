"""An agency is renamed: its older papers stay what they were, and nobody gains a name by claiming it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from directory import agencies
from directory.agencies import AgencyFacts
from directory.models import Agency
from docex.documents.envelope import Facts
from docex.documents.models import Dispatch, Paper
from docex.documents.verification import verdict_store
from docex.exchange import dispatch
from docex.exchange.dispatch import Receiver, Submission
from docex.exchange.evidence import packs
from docex.exchange.evidence.models import EvidencePack
from kernel import clock
from kernel.storage.blobs import Blob
from signing.trust.trust_store import Trust
from signing.verdicts.verdict import Value, Verdict
from tests.docex.office import Office

pytestmark = pytest.mark.long_proof

NEW = "Văn phòng Thành phố Mẫu (mới)"


@pytest.fixture
def paper(office: Office) -> Paper:
    """The sealed paper of a letter that the city office has sent under its first name."""
    office.sent()
    with office.db.read() as tx:
        return tx.session.scalars(sa.select(Paper).where(Paper.dispatch_id.is_not(None))).one()


def rename(office: Office, agency_id: int, name: str) -> None:
    with office.db.write(office.cast.admin.by) as tx:
        row = tx.session.get_one(Agency, agency_id)
        facts = AgencyFacts(**{field: getattr(row, field) for field in AgencyFacts.__dataclass_fields__})
        agencies.change_agency(tx, office.cast.admin, agency_id, replace(facts, name=name))


def verified_again(office: Office, paper: Paper, **asked: Any) -> Verdict:
    with office.db.write() as tx:
        assert verdict_store.request_verification(tx, office.cast.lan, paper.id, **asked)
    office.work()
    with office.db.read() as tx:
        return Verdict.from_json(verdict_store.history(tx, paper.id)[0].report)


def test_a_renamed_agency_keeps_the_verdicts_on_its_older_papers(office: Office, paper: Paper) -> None:
    rename(office, office.cast.city.id, NEW)
    rename(office, office.cast.city.id, f"{NEW} 2")
    now = verified_again(office, paper)
    assert (now.value, now.has("OTHER_AGENCY_SEAL")) == (Value.VALID, False)
    then = verified_again(office, paper, as_of=clock.now() - timedelta(microseconds=1))
    assert then.value is Value.VALID
    incoming = office.incoming(office.cast.lan)[0]
    with office.db.write() as tx:
        assert tx.session.get_one(Dispatch, paper.dispatch_id).verdict == Value.VALID
        row = packs.ask_for(tx, office.cast.lan, "in", incoming.id)
        source = packs.source_of(tx, tx.session.get_one(EvidencePack, row.id), Trust())
    assert source.expected.agency_names == (f"{NEW} 2", office.cast.city.name)


def test_what_is_sent_once_more_after_the_renaming_bears_the_older_seal(office: Office, paper: Paper) -> None:
    rename(office, office.cast.city.id, NEW)
    later = handed_in(office, paper, office.cast.city.id, NEW)
    assert later.value is Value.VALID


def test_a_name_that_a_stranger_writes_into_an_envelope_does_not_count(office: Office, paper: Paper) -> None:
    claimed = handed_in(office, paper, office.cast.home_affairs.id, office.cast.city.name)
    assert (claimed.value, claimed.has("OTHER_AGENCY_SEAL")) == (Value.INVALID, True)


def test_a_former_name_that_another_agency_bears_today_does_not_count_any_more(office: Office, paper: Paper) -> None:
    sender, city = office.cast.home_affairs.id, office.cast.city
    rename(office, city.id, NEW)
    rename(office, sender, city.name)
    early = handed_in(office, paper, sender, city.name, key="early")
    rename(office, sender, "Sở Nội vụ Mẫu")
    assert early.value is Value.VALID  # its own name, then
    rename(office, city.id, city.name)
    late = handed_in(office, paper, sender, city.name, key="late")
    assert (late.value, late.has("OTHER_AGENCY_SEAL")) == (Value.INVALID, True)


def handed_in(office: Office, paper: Paper, sender_id: int, name: str, key: str = "k") -> Verdict:
    """The verdict on the city's sealed paper in an envelope of another system, which calls its sender `name`."""
    file = office.file(office.blobs.open(paper.sha256).read())
    envelope = office.file(f"envelope {key}".encode())
    with office.db.write() as tx:
        known = Facts.from_json(tx.session.get_one(Dispatch, paper.dispatch_id).facts)
        facts = replace(known, sender_name=name)
        blob, to = Blob(envelope.sha256, envelope.size), (Receiver(office.cast.finance.id),)
        sent = Submission("client:1", key, key, 0, sender_id, blob, facts, (file,), to)
        number = dispatch.hand_in(tx, sent)[0].id
    office.work()
    with office.db.read() as tx:
        return next(iter(verdict_store.latest(tx, number).values()))
