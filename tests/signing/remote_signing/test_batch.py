"""Many documents signed in one act: chosen, confirmed once, a job each; what fails hinders no other."""

import re

import sqlalchemy as sa

from docex.documents.models import Document
from docex.documents.states import DocumentState
from kernel.outbox import OutboxRow
from tests.signing.remote_signing.conftest import Desk


def choices(page: str) -> list[str]:
    return re.findall(r'name="id" value="(\d+:\d*)"', page)


def states(at_desk: Desk, ids: list[int]) -> list[str]:
    with at_desk.office.db.read() as tx:
        rows = dict(tx.session.execute(sa.select(Document.id, Document.state)).all())
    return [rows[number] for number in ids]


def letters(at_desk: Desk, *changes: dict[str, str]) -> list[int]:
    ids = [at_desk.office.written(**change) for change in changes]
    at_desk.office.work()
    for number in ids:
        at_desk.office.submit(number)
    return ids


def test_the_leader_signs_several_at_once_and_one_that_fails_hinders_no_other(at_desk: Desk) -> None:
    first, refused, third = letters(at_desk, {}, {"authority": "KT. CHÁNH VĂN PHÒNG"}, {"subject": "Văn bản thứ ba"})
    binh = at_desk.browser("binh")
    assert at_desk.browser("ha").get("/documents/sign").status_code == 403
    chosen = choices(binh.get("/documents/sign").get_data(as_text=True))
    assert {int(one.partition(":")[0]) for one in chosen} == {first, refused, third}
    confirm = binh.post("/documents/sign", data={"id": chosen}).get_data(as_text=True)
    assert "Ký 3 văn bản" in confirm
    assert sorted(choices(confirm)) == sorted(chosen)
    answer = binh.post("/documents/sign/all", data={"id": chosen, "by": "server"}).get_data(as_text=True)
    assert "1 văn bản chưa ký được" in answer
    assert "Chưa có quyết định" in answer
    assert states(at_desk, [first, refused, third]) == ["signing", "review", "signing"]
    with at_desk.office.db.read() as tx:
        jobs = tx.session.scalars(sa.select(OutboxRow.payload).where(OutboxRow.topic == "docex.sign")).all()
    assert sorted(job["document_id"] for job in jobs) == [first, third]
    at_desk.office.work()
    assert states(at_desk, [first, refused, third]) == ["signed", "review", "signed"]
    table = binh.get(f"/documents/sign?ids={first},{third}&fragment=1").get_data(as_text=True)
    assert table.count("Đã ký, chờ đóng dấu") == 2
    assert at_desk.browser("son").get(f"/documents/sign?ids={first}").get_data(as_text=True).count(f"/out/{first}") == 0


def test_a_text_that_was_changed_meanwhile_is_not_signed(at_desk: Desk) -> None:
    kept, changed = letters(at_desk, {}, {})
    binh = at_desk.browser("binh")
    chosen = choices(binh.get("/documents/sign").get_data(as_text=True))
    stale = [f"{changed}:999999" if one.startswith(f"{changed}:") else one for one in chosen]
    answer = binh.post("/documents/sign/all", data={"id": stale, "by": "server"}).get_data(as_text=True)
    assert "vừa được thay bằng bản khác" in answer
    assert states(at_desk, [kept, changed]) == ["signing", "review"]


def test_what_was_not_drawn_when_the_leader_looked_is_not_signed(at_desk: Desk) -> None:
    unseen = letters(at_desk, {})[0]
    binh = at_desk.browser("binh")
    for by in ("server", "device"):
        answer = binh.post("/documents/sign/all", data={"id": f"{unseen}:", "by": by}).get_data(as_text=True)
        assert "vừa được thay bằng bản khác" in answer
    assert states(at_desk, [unseen]) == ["review"]


def test_several_go_one_after_the_other_with_the_device(at_desk: Desk) -> None:
    ids = letters(at_desk, {}, {"subject": "Văn bản thứ hai"})
    binh = at_desk.browser("binh")
    chosen = choices(binh.get("/documents/sign").get_data(as_text=True))
    binh.post("/documents/sign/all", data={"id": chosen, "by": "device"})
    at_desk.office.work()
    shown = binh.get(f"/documents/sign?ids={ids[0]},{ids[1]}").get_data(as_text=True)
    opens = re.findall(r'data-open="([^"]+)"', shown)
    assert len(opens) == 2
    at_desk.binh.after = lambda data: data + b"junk"
    for place, address in enumerate(opens):
        call = binh.post(address).get_json()
        assert at_desk.binh.do(call["parameters"])["Status"] == 0
        at_desk.binh.after = lambda data: data
        at_desk.office.work()
        assert states(at_desk, ids)[place] == (DocumentState.SIGNED if place else DocumentState.REVIEW)
    table = binh.get(f"/documents/sign?ids={ids[0]},{ids[1]}&fragment=1").get_data(as_text=True)
    assert "Chưa ký được" in table
    assert "không bao trùm toàn bộ tệp" in table


def test_nothing_chosen_and_strange_choices_are_answered_calmly(at_desk: Desk) -> None:
    binh = at_desk.browser("binh")
    assert binh.post("/documents/sign").status_code == 303
    for choice in ("", "x:y", "0:0", "9" * 30 + ":1", "-1:2"):
        assert binh.post("/documents/sign", data={"id": choice}).status_code == 303
    assert binh.get("/documents/sign?ids=x,99999999999999999999999").status_code == 200
    assert binh.post("/documents/sign/all", data={"id": "77777:1", "by": "server"}).status_code == 200
