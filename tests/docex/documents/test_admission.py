"""A paper that would be refused later never comes to its signer: the form says why, and keeps what was typed."""

import io

import pytest
import sqlalchemy as sa

from docex.documents.models import Document, Paper
from docex.documents.papers.uploads import refuse_hazards
from docex.documents.states import DocumentState
from kernel.errors import Invalid, WrongState
from kernel.text import Phrase
from tests.docex.documents.test_pages import typed
from tests.docex.office import Office
from tests.sampling import sampled
from tests.signing.hazardous import HARMLESS, OTHERWISE, SHOWING
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services

pytestmark = pytest.mark.one_database("postgresql")

REFUSED = {**SHOWING, **OTHERWISE}
SAMPLE = ("script when opened", "xfa", "layers", "promised object", "orphan stream", "signature field over text")


@pytest.mark.parametrize("name", sampled(SAMPLE, one_in=3))
def test_an_upload_with_a_hazard_is_refused_before_anybody_signs(office: Office, name: str) -> None:
    number = office.uploaded(REFUSED[name]())
    office.work()
    with office.db.read() as tx:
        document = tx.session.get_one(Document, number)
        assert document.state == DocumentState.DRAFT
        assert "không ký được" in Phrase.from_json(document.problem).vi
        assert document.subject  # what was typed is there still
        assert tx.session.scalars(sa.select(Paper.stage).where(Paper.document_id == number)).all() == ["refused"]
    with pytest.raises(WrongState):
        office.submit(number)


def test_the_form_says_it_at_the_field_of_the_file(office: Office) -> None:
    with pytest.raises(Invalid) as caught:
        refuse_hazards(office.blobs, office.file(REFUSED["program"]()), "file")
    assert set(caught.value.fields) == {"file"}
    assert "không ký được" in caught.value.fields["file"].vi
    refuse_hazards(office.blobs, office.file(HARMLESS["plain"]()), "file")


def test_a_plain_upload_goes_to_its_signer(office: Office) -> None:
    number = office.uploaded(HARMLESS["link"]())
    office.work()
    office.submit(number)
    office.sign(number)
    office.work()
    with office.db.read() as tx:
        assert tx.session.get_one(Document, number).state == DocumentState.SIGNED


@pytest.mark.parametrize("name", sampled(["script when opened", "xfa", "file inside"], one_in=2))
def test_an_attachment_with_a_hazard_is_named_to_the_clerk_and_to_the_receiver(office: Office, name: str) -> None:
    data = REFUSED[name]()
    app = create_app(office.config, Services(office.config, office.db, office.blobs))
    ha, lan = sign_in(app, "ha"), sign_in(app, "lan")
    fields = {
        **typed(office),
        "attachments": [(io.BytesIO(data), "phu-luc.pdf"), (io.BytesIO(HARMLESS["plain"]()), "b.pdf")],
    }
    answer = ha.post("/documents/out/new", data=fields, content_type="multipart/form-data")
    assert answer.status_code == 303
    page = answer.headers["Location"]
    shown = ha.get(page).get_data(as_text=True)
    assert shown.count("sẽ gửi đi mà không có chữ ký số của cơ quan") == 1

    number = int(page.rsplit("/", 1)[1])
    office.issue(number, office.cast.ha, office.cast.binh)
    (incoming,) = office.incoming(office.cast.lan)
    shown = lan.get(f"/documents/in/{incoming.id}").get_data(as_text=True)
    assert shown.count("hãy thận trọng khi mở") == 1
    assert "Tệp không ký số và có" in shown
