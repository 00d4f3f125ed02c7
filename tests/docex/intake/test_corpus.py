"""Every forged letter of the corpus, brought in as strangers bring files: each is flagged, none makes anything fall."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.documents.models import PaperVerdict
from docex.documents.verification.verdict_store import latest_of_envelope
from docex.edxml.model import Attachment, Organ
from docex.edxml.xmldsig.verification import State
from signing.testca.trial import authority_in
from signing.trust.trust_store import TrustStore
from signing.verdicts.verdict import Value, Verdict
from tests.docex.edxml.letters import DEPARTMENT, OFFICE, WARD
from tests.docex.edxml.test_signature import ATTACKS
from tests.docex.hub.systems import System, a_file, an_agency
from tests.docex.office import Office
from tests.signing.corpus import Forger
from tests.web.application import create_app
from web.services import Services


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture
def forger(hub: Office, folder: Path) -> Forger:
    return Forger(authority_in(hub.config.pki_dir), hub.cast.city.name, folder)


_made: dict[str, bytes] = {}  # by the first test


pytestmark = pytest.mark.one_database("sqlite")  # what a file is worth does not depend on the database


@pytest.fixture
def corpus(hub: Office, forger: Forger) -> dict[str, bytes]:
    if not _made:
        _made.update(forger.files())
    forger.authority.enter_into(TrustStore(hub.config.trust_folder, allow_test=True))
    assert len(_made) >= 45
    return _made


@pytest.fixture
def busy(hub: Office) -> Flask:
    """The application for one address that has much to ask."""
    hub.config = replace(hub.config, check_rate="")
    return create_app(hub.config, Services(hub.config, hub.db, hub.blobs))


@pytest.mark.long_proof
def test_the_public_page_calls_none_of_them_valid(busy: Flask, forger: Forger, corpus: dict[str, bytes]) -> None:
    client = busy.test_client()

    def said(data: bytes) -> tuple[int, set[str]]:
        answer = client.post("/check", data={"file": (io.BytesIO(data), "van-ban.pdf")})
        return answer.status_code, set(re.findall(r"\bverdict-(\w+)", answer.get_data(as_text=True)))

    assert said(forger.letter()) == (200, {"good"})
    told = {name: said(data) for name, data in corpus.items()}
    assert {name: one for name, one in told.items() if one[0] != 200 or "good" in one[1] or not one[1]} == {}


@pytest.mark.long_proof
def test_the_intake_of_the_api_calls_none_of_them_valid(
    hub: Office, near: System, forger: Forger, corpus: dict[str, bytes]
) -> None:
    to = (Organ(hub.cast.finance.code, hub.cast.finance.name),)
    names = ["a good letter", *corpus]
    for number, data in enumerate([forger.letter(), *corpus.values()], 1):
        paper = Attachment(f"11111111-1111-4111-8111-{number:012}", "van-ban.pdf", data)
        answer = near.hand_in(a_file(hub, number, receivers=to, attachments=(paper,)))
        assert answer.status_code == 202, (names[number - 1], answer.get_json())
    hub.work()
    with hub.db.read() as tx:
        rows = tx.session.scalars(sa.select(PaperVerdict).order_by(PaperVerdict.dispatch_id, PaperVerdict.id)).all()
    papers = [row for row in rows if row.paper_id is not None]
    assert len({row.dispatch_id for row in papers}) == len(names)
    values = {names[row.dispatch_id - 1]: row.value for row in papers}
    assert values.pop("a good letter") == "valid"
    assert set(values) == set(corpus)
    assert {name for name, value in values.items() if value not in ("invalid", "unclear")} == set()


@pytest.mark.long_proof
def test_the_intake_refuses_or_flags_each_envelope_with_a_forged_signature(app: Flask, hub: Office) -> None:
    sender = System(app, hub, an_agency(hub, OFFICE.code, OFFICE.name))
    an_agency(hub, DEPARTMENT.code, DEPARTMENT.name, is_local=True)
    an_agency(hub, WARD.code, WARD.name, is_local=True)
    taken = {}
    for name, (forge, state) in ATTACKS.items():
        answer = sender.hand_in(forge(), Idempotency_Key=name)
        assert answer.status_code in (202, 422), (name, answer.get_json())
        if answer.status_code == 202:
            taken[answer.get_json()["id"]] = (name, state)
    hub.work()
    with hub.db.read() as tx:
        values = {name: (latest_of_envelope(tx, number), state) for number, (name, state) in taken.items()}
    wrong = {
        name: verdict for name, (verdict, state) in values.items() if verdict is None or not flagged(verdict, state)
    }
    assert wrong == {}
    assert len(values) >= 40


def flagged(verdict: Verdict, state: State) -> bool:
    """A signature that nobody can check is unclear, every other bad one is invalid."""
    unclear = state in (State.UNKNOWN_METHOD, State.NO_CERTIFICATE)
    return verdict.value is (Value.UNCLEAR if unclear else Value.INVALID)
