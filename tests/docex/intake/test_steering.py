"""Two ways of numbering SteeringType: chosen for an agency, followed in reading and in writing."""

import pytest
import sqlalchemy as sa
from flask import Flask

from docex import edxml
from docex.documents.envelope import Facts
from docex.documents.models import Dispatch
from docex.documents.pages.document_view import document_sheet, incoming_sheet
from docex.edxml import Envelope
from docex.edxml.codes import Steering
from docex.edxml.model import Organ
from docex.exchange import steering_conventions
from kernel.errors import Forbidden, Invalid
from kernel.storage.blobs import read_all
from tests.docex.hub.systems import System, a_file
from tests.docex.office import Office
from tests.web.people import sign_in

pytestmark = pytest.mark.long_proof


def choose(office: Office, agency_id: int, first: str) -> None:
    with office.db.write(office.cast.admin.by) as tx:
        steering_conventions.choose(tx, office.cast.admin, agency_id, first)


def newest(office: Office) -> Dispatch:
    with office.db.read() as tx:
        return tx.session.scalars(sa.select(Dispatch).order_by(Dispatch.id.desc())).first()  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("first", "raw", "meant"),
    [("", 1, Steering.DIRECTIVE), ("1", 2, Steering.DIRECTIVE), ("1", 1, Steering.NONE), ("1", 3, Steering.REPORT)],
)
def test_what_an_agency_sends_is_read_by_its_own_convention(
    hub: Office, near: System, first: str, raw: int, meant: Steering
) -> None:
    choose(hub, near.agency_id, first)
    cast = hub.cast
    letter = a_file(
        hub, receivers=(Organ(cast.finance.code, cast.finance.name),), steering=raw, steering_first=int(first or 0)
    )
    assert near.hand_in(letter).status_code == 202
    hub.work()
    facts = Facts.from_json(newest(hub).facts)
    assert (facts.steering, facts.steers) == (raw, meant)
    with hub.db.read() as tx:
        shown = incoming_sheet(tx, cast.lan, hub.incoming(cast.lan)[0].id).steering
    assert (shown.vi if shown else None) == {1: "Văn bản chỉ đạo", 2: "Báo cáo thực hiện chỉ đạo"}.get(int(meant))


def test_what_is_written_here_follows_the_receivers_when_they_agree(office: Office) -> None:
    cast = office.cast
    choose(office, cast.finance.id, "1")
    number = office.sent(recipients=(cast.finance.id,), steering=int(Steering.DIRECTIVE))
    dispatch = newest(office)
    envelope = edxml.read(read_all(office.blobs, dispatch.sha256))
    assert isinstance(envelope, Envelope)
    assert envelope.steering == 2
    assert Facts.from_json(dispatch.facts).steers is Steering.DIRECTIVE
    with office.db.read() as tx:
        for sheet in (
            document_sheet(tx, cast.ha, number),
            incoming_sheet(tx, cast.lan, office.incoming(cast.lan)[0].id),
        ):
            assert sheet.steering is not None
            assert sheet.steering.vi == "Văn bản chỉ đạo"
        assert steering_conventions.steering_first_for(tx, [cast.finance.id, cast.science.id]) == 0


def test_agencies_below_follow_the_nearest_above(office: Office) -> None:
    cast = office.cast
    choose(office, cast.city.id, "1")
    choose(office, cast.science.id, "0")
    with office.db.read() as tx:
        assert [
            steering_conventions.steering_first(tx, i) for i in (cast.city.id, cast.finance.id, cast.science.id)
        ] == [
            1,
            1,
            0,
        ]
    choose(office, cast.city.id, "")
    with office.db.read() as tx:
        assert steering_conventions.steering_first(tx, cast.finance.id) == 0


def test_only_administrators_choose_and_only_what_there_is(app: Flask, hub: Office) -> None:
    cast = hub.cast
    with hub.db.write(cast.lan.by) as tx, pytest.raises(Forbidden):
        steering_conventions.choose(tx, cast.lan, cast.city.id, "1")
    with hub.db.write(cast.admin.by) as tx, pytest.raises(Invalid):
        steering_conventions.choose(tx, cast.admin, cast.city.id, "2")
    assert sign_in(app, "lan").get("/admin/exchange/conventions").status_code in (403, 404)
    admin = sign_in(app, "quantri")
    assert "Chưa chọn cho cơ quan nào" in admin.get("/admin/exchange/conventions").text
    data = {"agency_id": str(cast.finance.id), "steering_first": "x"}
    refused = admin.post("/admin/exchange/conventions", data=data)
    assert refused.status_code == 422
    assert "Cần chọn cách đánh số." in refused.text
    assert admin.post("/admin/exchange/conventions", data=data | {"steering_first": "1"}).status_code == 303
    assert "Từ 1: 1 không phải chỉ đạo" in admin.get("/admin/exchange/conventions").text


def test_an_unknown_kind_of_steering_is_refused(office: Office) -> None:
    with pytest.raises(Invalid) as refused:
        office.written(steering=3)
    assert "steering" in refused.value.fields
