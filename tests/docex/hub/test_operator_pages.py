"""The operator's page of one system, as a browser gets it: where it leads back to, what it offers, what it says."""

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from directory.models import Agency
from docex.exchange.hub.models import Mailbox, Parcel
from docex.exchange.hub.operators import dead_letters, interventions
from kernel import clock
from kernel.outbox import OutboxRow, State
from tests.docex.hub.systems import System, a_file
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.office import Office
from tests.web.people import sign_in


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    """The browser of the instance's administrator."""
    return sign_in(app, "quantri")


@pytest.fixture
def parcel(hub: Office, near: System, far: System) -> int:
    """A document that waits for the far agency."""
    near.hand_in(a_file(hub))
    hub.work()
    return int(waiting(far)["items"][0]["id"])


def page_of(far: System) -> str:
    return f"/admin/exchange/{far.agency_id}"


def change(hub: Office, row: type, number: int, **values: Any) -> None:
    with hub.db.write() as tx:
        for name, value in values.items():
            setattr(tx.session.get_one(row, number), name, value)


@pytest.mark.parametrize("asked", ["hold", "resend", "withdraw"])
def test_what_was_typed_stands_in_the_dialog_that_was_refused(
    hub: Office, far: System, admin: FlaskClient, parcel: int, asked: str
) -> None:
    path, typed = asked if asked == "hold" else f"parcels/{parcel}/{asked}", "   "  # nothing else is refused
    answer = admin.post(f"{page_of(far)}/{path}", data={"reason": typed})
    assert answer.status_code == 422
    assert re.search(r'<dialog id="([a-z]+)[^"]*"[^>]* data-open', answer.text).group(1) == asked  # type: ignore[union-attr]
    assert answer.text.count(f">{typed}</textarea>") == 1


def test_an_act_leads_back_to_where_the_operator_was(far: System, admin: FlaskClient, parcel: int) -> None:
    page = admin.get(f"{page_of(far)}?state=waiting&below=99").text
    acts = re.findall(r'<form[^>]* action="(/admin/exchange/\d+/[^"]+)"', page)
    assert len(acts) == 4
    assert all(act.endswith("?state=waiting&amp;below=99") for act in acts)
    path = f"{page_of(far)}/parcels/{parcel}/resend?state=waiting&below=99"
    blank = admin.post(path, data={"reason": " "})
    assert re.search(r'aria-current="true">Đang chờ', blank.text)
    done = admin.post(path, data={"reason": "Máy chủ hỏng đĩa"})
    assert done.headers["Location"] == f"{page_of(far)}?state=waiting&below=99#parcels"


def test_an_act_that_comes_too_late_names_its_document(far: System, admin: FlaskClient, parcel: int) -> None:
    fetched(far, waiting(far)["items"][0])
    late = admin.post(f"{page_of(far)}/parcels/{parcel}/withdraw?state=fetched", data={"reason": "Gửi nhầm"})
    assert late.status_code == 409
    assert "1/VP: Nơi nhận đã lấy văn bản này." in late.text
    assert re.search(r"<textarea[^>]*id=\"kept-words\"[^>]*>Gửi nhầm<", late.text)


def test_withdrawing_is_offered_only_where_it_can_be_done(
    hub: Office, far: System, admin: FlaskClient, parcel: int
) -> None:
    def offered() -> bool:
        return f"withdraw-{parcel}" in admin.get(page_of(far)).text

    assert offered()
    far.post(f"/api/v1/inbox/{parcel}/lease")
    assert not offered()
    assert "đang được nhận, giữ chỗ đến" in admin.get(page_of(far)).text
    change(hub, Parcel, parcel, leased_until=clock.now() - timedelta(minutes=1))
    assert offered()  # nobody is at it any more
    fetched(far, waiting(far)["items"][0])
    assert not offered()
    with hub.db.write(hub.cast.admin.by) as tx:
        interventions.resend(tx, hub.cast.admin, far.agency_id, parcel, "Máy chủ hỏng đĩa")
    assert not offered()
    assert "chỉ nơi gửi yêu cầu lấy lại được" in admin.get(page_of(far)).text


def test_the_list_and_its_counts_move_with_the_facts(far: System, admin: FlaskClient, parcel: int) -> None:
    page = admin.get(f"{page_of(far)}?state=waiting").text
    (src,) = re.findall(r'<live-region[^>]* src="([^"]+)"', page)
    part = admin.get(src.replace("&amp;", "&")).text
    assert "<html" not in part
    assert f'id="parcel-{parcel}"' in part
    assert re.search(r'aria-current="true">Đang chờ<span class="count">1<', part)
    assert "1 văn bản</dd>" in part


def test_systems_of_one_agency_stand_apart_under_their_names(
    app: Flask, hub: Office, far: System, admin: FlaskClient
) -> None:
    System(app, hub, far.agency_id)
    assert len(re.findall(r"<h3[^>]*>Phần mềm QLVB</h3>", admin.get(page_of(far)).text)) == 2


def test_a_long_name_that_the_heading_cuts_stands_whole_among_the_facts(
    hub: Office, far: System, admin: FlaskClient
) -> None:
    assert "Tên cơ quan" not in admin.get(page_of(far)).text
    name = "Ban Quản lý dự án " + "đầu tư xây dựng " * 8
    change(hub, Agency, far.agency_id, name=name.strip())
    assert f"<dt>Tên cơ quan</dt><dd>{name.strip()}</dd>" in admin.get(page_of(far)).text


@pytest.mark.long_proof
@pytest.mark.parametrize(
    ("skew_s", "vi", "en"),
    [(-660, "chậm 11 phút", "11 minutes slow"), (40, "nhanh 40 giây", "40 seconds fast"), (0, "đúng giờ", "right")],
)
def test_a_clock_is_slow_or_fast_in_words(
    hub: Office, far: System, admin: FlaskClient, parcel: int, skew_s: int, vi: str, en: str
) -> None:
    change(hub, Mailbox, far.agency_id, skew_s=skew_s)
    assert f"<dt>Đồng hồ</dt><dd>{vi}</dd>" in admin.get(page_of(far)).text
    admin.set_cookie("lt_locale", "en")
    assert f"<dt>Clock</dt><dd>{en}</dd>" in admin.get(page_of(far)).text
    assert ">Facts</span>" not in admin.get(page_of(far)).text  # the chip of what is only good to know


def test_what_is_told_after_an_act_is_in_the_language_of_the_page(far: System, admin: FlaskClient) -> None:
    admin.set_cookie("lt_locale", "en")
    told = admin.post(f"{page_of(far)}/test", follow_redirects=True).text
    assert "Tested. What was found is below." in told
    admin.set_cookie("lt_locale", "vi")
    assert "Đã kiểm tra." in admin.post(f"{page_of(far)}/test", follow_redirects=True).text


def test_a_fault_of_the_exchange_is_not_blamed_on_the_other_side(hub: Office, near: System, far: System) -> None:
    near.hand_in(a_file(hub))
    with hub.db.write() as tx:
        stuck = sa.update(OutboxRow).where(OutboxRow.topic == "docex.deliver")
        tx.session.execute(stuck.values(state=State.FAILED, finished_at=clock.now(), reason="OSError: [Errno 28]"))
    with hub.db.read() as tx:
        ((one,),) = [group.items for group in dead_letters.groups(tx, hub.cast.admin)]
    assert one.why.vi == "Phần mềm của trục gặp lỗi: “OSError: [Errno 28]”."
