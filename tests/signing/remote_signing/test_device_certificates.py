"""Certificates on devices: their owner and the administrators see whose they are, and let go of them."""

import pytest
from flask import Flask

from directory import account, demo, secondstep
from directory.actor import Actor, Role, chain_of
from directory.models import RoleGrant
from kernel import audit, clock
from kernel.errors import Invalid
from kernel.refs import Ref
from signing.remote_signing import handoffs
from signing.remote_signing.models import HeldCertificate
from signing.remote_signing.return_check import Returned
from tests.directory.test_second_step import code_now
from tests.docex.office import Office
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services

BINH, LAN, CITY = "b1" * 32, "1a" * 32, "c1" * 32
OWN, ADMIN = "/account/certificates", "/admin/certificates"


@pytest.fixture
def app(office: Office) -> Flask:
    """Bình, Lan and the city office have signed with a device each."""
    cast = office.cast
    with office.db.write() as tx:
        for sha256, owner, name in (
            (BINH, Ref("person", cast.binh.person_id), cast.binh.name),
            (LAN, Ref("person", cast.lan.person_id), cast.lan.name),
            (CITY, Ref("agency", cast.city.id), cast.city.name),
        ):
            handoffs.hold(tx, owner, Returned("NguoiKy", sha256, name, sha256[:6]))
    return create_app(office.config, Services(office.config, office.db, office.blobs))


def kept(office: Office) -> set[str]:
    with office.db.read() as tx:
        return {row.sha256 for row in tx.session.query(HeldCertificate)}


def acts(office: Office, actor: Actor, owner: Ref) -> list[str]:
    with office.db.read() as tx:
        entries = [one for one in audit.history(tx, str(owner)) if one.chain == chain_of(actor.agency_id)]
        return [one.action for one in entries if one.action.startswith("signing.")]


def test_the_owner_lets_go_of_a_certificate_with_the_password_once_more(app: Flask, office: Office) -> None:
    binh = sign_in(app, "binh")
    assert OWN in binh.get("/account").get_data(as_text=True)
    page = binh.get(OWN).get_data(as_text=True)
    assert "b1b1 b1b1" in page
    assert "1a1a" not in page
    assert "Chưa có chứng thư nào" in sign_in(app, "ha").get(OWN).get_data(as_text=True)
    refused = binh.post(f"{OWN}/{BINH}/unbind", data={"password": "không phải"})
    assert refused.status_code == 422
    assert "Mật khẩu hiện tại không đúng" in refused.get_data(as_text=True)
    for other in (LAN, CITY, "x"):
        assert binh.post(f"{OWN}/{other}/unbind", data={"password": demo.PASSWORD}).status_code == 404
    assert kept(office) == {BINH, LAN, CITY}
    assert binh.post(f"{OWN}/{BINH}/unbind", data={"password": demo.PASSWORD}).status_code == 303
    assert kept(office) == {LAN, CITY}
    owner = Ref("person", office.cast.binh.person_id)
    assert acts(office, office.cast.binh, owner) == ["signing.certificate_unbound"]
    with office.db.write() as tx:  # free again, also for somebody else of that name
        handoffs.hold(tx, Ref("person", office.cast.son.person_id), Returned("NguoiKy", BINH, "x", "1"))


def test_wrong_passwords_are_counted(app: Flask, office: Office) -> None:
    binh = sign_in(app, "binh")
    for _ in range(office.config.sign_in_tries):
        binh.post(f"{OWN}/{BINH}/unbind", data={"password": "không phải"})
    locked = binh.post(f"{OWN}/{BINH}/unbind", data={"password": demo.PASSWORD})
    assert "quá nhiều lần" in locked.get_data(as_text=True)
    assert BINH in kept(office)


def test_with_the_second_step_its_code_is_asked_for_too(app: Flask, office: Office) -> None:
    with clock.frozen(clock.now()):  # a code holds for half a minute
        _asked_for_the_code(app, office)


def _asked_for_the_code(app: Flask, office: Office) -> None:
    with office.db.write() as tx:
        secret = account.start_totp(tx, office.cast.binh).secret
        recovery = account.enable_totp(
            tx, office.cast.binh, secret, code_now(secret), secondstep.safe_of(office.config)
        )
    binh = sign_in(app, "binh")
    assert 'name="code"' in binh.get(OWN).get_data(as_text=True)
    for code in ("", "000000", code_now(secret)):  # the last one was used up when it was switched on
        refused = binh.post(f"{OWN}/{BINH}/unbind", data={"password": demo.PASSWORD, "code": code})
        assert refused.status_code == 422
        assert "Mã xác thực chưa đúng" in refused.get_data(as_text=True)
    assert BINH in kept(office)
    answer = binh.post(f"{OWN}/{BINH}/unbind", data={"password": demo.PASSWORD, "code": recovery[0]})
    assert answer.status_code == 303
    assert BINH not in kept(office)


def test_administrators_see_and_free_those_of_their_own(app: Flask, office: Office) -> None:
    cast = office.cast
    with office.db.write() as tx:
        tx.session.add(RoleGrant(person_id=cast.lan.person_id, agency_id=cast.finance.id, role=Role.ADMIN))
    top, below = sign_in(app, "quantri"), sign_in(app, "lan")
    assert sign_in(app, "binh").get(ADMIN).status_code == 403
    assert sign_in(app, "binh").post(f"{ADMIN}/{BINH}/unbind", data={"reason": "x"}).status_code == 403
    page = top.get(ADMIN).get_data(as_text=True)
    assert all(one in page for one in ("b1b1 b1b1", "1a1a 1a1a", "c1c1 c1c1", "con dấu của cơ quan"))
    found = top.get(f"{ADMIN}?q=b%C3%ACnh").get_data(as_text=True)
    assert "b1b1 b1b1" in found
    assert "1a1a" not in found
    hers = below.get(ADMIN).get_data(as_text=True)
    assert "1a1a 1a1a" in hers
    assert "b1b1" not in hers
    assert "c1c1" not in hers
    for other in (BINH, CITY, "x"):
        assert below.post(f"{ADMIN}/{other}/unbind", data={"reason": "x"}).status_code == 404
    refused = top.post(f"{ADMIN}/{CITY}/unbind", data={"reason": " "})
    assert refused.status_code == 422
    assert "Cần nêu lý do" in refused.get_data(as_text=True)
    for client, one in ((top, CITY), (top, BINH), (below, LAN)):
        assert client.post(f"{ADMIN}/{one}/unbind", data={"reason": "Thay thiết bị"}).status_code == 303
    assert kept(office) == set()
    assert acts(office, cast.admin, Ref("agency", cast.city.id)) == ["signing.certificate_unbound"]
    assert acts(office, cast.lan, Ref("person", cast.lan.person_id)) == ["signing.certificate_unbound"]


def test_another_person_cannot_take_a_certificate_that_is_held(app: Flask, office: Office) -> None:
    with pytest.raises(Invalid), office.db.write() as tx:
        handoffs.hold(tx, Ref("person", office.cast.son.person_id), Returned("NguoiKy", BINH, "x", "1"))
