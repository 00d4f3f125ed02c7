"""The inbox and the outbox: filters, saved filters, pages by cursor, acts on many."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from docex.documents.models import Document, Incoming
from docex.documents.registers import lists, saved_filters
from docex.documents.registers.list_query import ListQuery
from docex.documents.states import IncomingState
from kernel import clock
from kernel.errors import Invalid, NotFound
from tests.docex.office import Office
from tests.web.people import sign_in

pytestmark = pytest.mark.both_databases


def ids(rooms: Office, **asked: str) -> list[int]:
    with rooms.db.read() as tx:
        return [row.id for row in lists.inbox(tx, rooms.cast.lan, ListQuery.read(asked)).rows]


def arrived(rooms: Office, count: int) -> list[int]:
    """The copies of so many letters at Lan's agency, oldest first."""
    for number in range(count):
        rooms.on_its_way(subject=f"Văn bản số {number}")
    return [row.id for row in reversed(rooms.incoming(rooms.cast.lan))]


def test_pages_by_cursor_go_there_and_back_and_leave_nothing_out(
    rooms: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE", 2)
    copies = arrived(rooms, 5)[::-1]
    with rooms.db.read() as tx:
        first = lists.inbox(tx, rooms.cast.lan, ListQuery())
        second = lists.inbox(tx, rooms.cast.lan, ListQuery(before=first.older))
        third = lists.inbox(tx, rooms.cast.lan, ListQuery(before=second.older))
        back = lists.inbox(tx, rooms.cast.lan, ListQuery(after=third.newer))
        begin = lists.inbox(tx, rooms.cast.lan, ListQuery(after=back.newer))
    assert [row.id for page in (first, second, third) for row in page.rows] == copies
    assert (first.newer, third.older) == ("", "")
    assert back.rows == second.rows
    assert begin.rows == first.rows


def test_the_last_that_arrived_stands_first_whatever_its_number(rooms: Office) -> None:
    old, new, newest = arrived(rooms, 3)
    with rooms.db.write() as tx:
        tx.session.get_one(Incoming, newest).arrived_at = clock.now() - timedelta(days=400)
    assert ids(rooms) == [new, old, newest]
    long_ago = (clock.today() - timedelta(days=500)).isoformat()
    assert ids(rooms, since=long_ago, until=(clock.today() - timedelta(days=300)).isoformat()) == [newest]
    assert ids(rooms, before=str(newest)) == [new, old, newest]  # a cursor of an earlier release begins anew


def test_the_outbox_pages_by_its_last_change(rooms: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE", 2)
    with clock.frozen(clock.now()):  # all changed at the same moment
        written = [rooms.written(subject=f"Dự thảo {n}") for n in range(5)]
    found: list[int] = []
    cursor = ""
    with rooms.db.read() as tx:
        while True:
            page = lists.outbox(tx, rooms.cast.ha, ListQuery(before=cursor))
            found += [row.id for row in page.rows]
            cursor = page.older
            if not cursor:
                break
        back = lists.outbox(tx, rooms.cast.ha, ListQuery(after=page.newer))
    assert found == written[::-1]
    assert [row.id for row in back.rows] == found[2:4]


def test_filters_narrow_by_sender_urgency_due_date_and_word(rooms: Office) -> None:
    plain, urgent, overdue = arrived(rooms, 3)
    with rooms.db.write() as tx:
        tx.session.get_one(Incoming, urgent).urgency = 2
        late = tx.session.get_one(Incoming, overdue)
        late.due_on = clock.today() - timedelta(days=1)
        tx.session.get_one(Incoming, plain).arrived_at = clock.now() - timedelta(days=30)
    assert ids(rooms, urgency="2") == [urgent]
    assert ids(rooms, urgency="any") == [urgent]
    assert ids(rooms, due="late") == [overdue]
    assert ids(rooms, due="week") == []
    assert ids(rooms, due="any") == [overdue]
    assert ids(rooms, until=(clock.today() - timedelta(days=2)).isoformat()) == [plain]
    assert ids(rooms, since=clock.today().isoformat()) == [overdue, urgent]
    assert ids(rooms, agency=str(rooms.cast.city.id)) == [overdue, urgent, plain]
    assert ids(rooms, agency=str(rooms.cast.science.id)) == []
    assert ids(rooms, q="van ban so 1") == [urgent]
    assert ids(rooms, q="van ban so 1", urgency="3") == []
    assert ids(rooms, state="arrived") == [overdue, urgent, plain]
    assert ids(rooms, state="done") == []
    assert ids(rooms, state="?", since="x", before="y", agency="' or 1") == [overdue, urgent, plain]
    assert ids(rooms, since="0001-01-01", until="9999-12-31") == [overdue, urgent, plain]
    assert ids(rooms, until="0001-01-02") == []


def test_the_outbox_narrows_by_recipient(rooms: Office) -> None:
    there = rooms.on_its_way()
    rooms.written()
    with rooms.db.read() as tx:
        found = lists.outbox(tx, rooms.cast.ha, ListQuery(agency=str(rooms.cast.finance.id)))
        assert [row.id for row in found.rows] == [there]
        assert [name for _, name in found.agencies] == [rooms.cast.finance.name]
        assert lists.outbox(tx, rooms.cast.ha, ListQuery(agency=str(rooms.cast.science.id))).rows == ()


def test_a_saved_filter_is_its_owners_alone(app: Flask, rooms: Office, lan: FlaskClient) -> None:
    arrived(rooms, 1)
    data = {"list": "in", "name": "  Khẩn   của tôi ", "urgency": "any", "state": "arrived", "rows": "9"}
    answer = lan.post("/documents/filters", data=data)
    assert answer.headers["Location"] == "/documents/in?state=arrived&urgency=any"
    assert "Khẩn của tôi" in lan.get("/documents/in").get_data(as_text=True)
    assert "Khẩn của tôi" not in sign_in(app, "dung").get("/documents/in").get_data(as_text=True)
    page = lan.get("/documents/in?state=arrived&urgency=any").get_data(as_text=True)
    forget = re.search(r'action="(/documents/filters/\d+/forget)"', page)
    assert forget is not None
    assert sign_in(app, "dung").post(forget[1]).status_code == 404
    assert lan.post(forget[1]).status_code == 303
    assert "Khẩn của tôi" not in lan.get("/documents/in").get_data(as_text=True)


def test_a_filter_without_a_name_or_beyond_the_limit_is_refused(rooms: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_filters, "MAX_FILTERS", 1)
    with rooms.db.write() as tx:
        first = saved_filters.save(tx, rooms.cast.lan, "in", "Một", ListQuery(urgency="1"))
        again = saved_filters.save(tx, rooms.cast.lan, "in", "Một", ListQuery(urgency="2"))
        assert (again.id, again.asked) == (first.id, {"urgency": "2"})
        for name in (" ", "x" * 61, "Hai"):
            with pytest.raises(Invalid):
                saved_filters.save(tx, rooms.cast.lan, "in", name, ListQuery())
        with pytest.raises(NotFound):
            saved_filters.save(tx, rooms.cast.lan, "everything", "Ba", ListQuery())


def test_many_are_registered_at_once_each_with_its_own_result(rooms: Office, lan: FlaskClient) -> None:
    first, second, third = arrived(rooms, 3)
    rooms.refuse(rooms.cast.lan, second, "Sai nơi nhận")
    data = {"id": [third, second, first, 999_999, "x"]}
    page = lan.post("/documents/in/register-many", data=data).get_data(as_text=True)
    assert "Xong 2 trên 4 văn bản." in page
    assert "số 01." in page
    assert page.count("Chưa làm được") == 2
    with rooms.db.read() as tx:
        numbers = [tx.session.get_one(Incoming, i).number for i in (first, second, third)]
    assert numbers == [1, None, 2]
    assert lan.post("/documents/in/register-many", data={}).status_code == 422


@pytest.mark.long_proof
def test_what_may_be_a_double_is_held_back_until_the_clerk_means_it(rooms: Office, lan: FlaskClient) -> None:
    first, second, third = arrived(rooms, 3)
    with rooms.db.write() as tx:
        rows = [tx.session.get_one(Incoming, i) for i in (first, second, third)]
        rows[2].code = rows[0].code

    def numbers() -> list[int | None]:
        with rooms.db.read() as tx:
            return [tx.session.get_one(Incoming, i).number for i in (first, second, third)]

    page = lan.post("/documents/in/register-many", data={"id": [first, second, third]}).get_data(as_text=True)
    assert "Xong 1 trên 3 văn bản." in page
    assert page.count("Có thể trùng với văn bản") == 2  # each of the two is one of the other
    assert numbers() == [None, 1, None]
    assert 'value="yes"' in page
    again = {"id": re.findall(r'type="hidden" name="id" value="(\d+)"', page), "even_doubled": "yes"}
    assert "Xong 2 trên 2 văn bản." in lan.post("/documents/in/register-many", data=again).get_data(as_text=True)
    assert numbers() == [2, 1, 3]


def test_only_a_clerk_registers_many_and_only_at_their_own_agency(app: Flask, rooms: Office, ha: FlaskClient) -> None:
    (copy,) = arrived(rooms, 1)
    assert "Xong 0 trên 1" in ha.post("/documents/in/register-many", data={"id": copy}).get_data(as_text=True)
    dung = sign_in(app, "dung").post("/documents/in/register-many", data={"id": copy}).get_data(as_text=True)
    assert "Chỉ văn thư" in dung
    assert rooms.incoming(rooms.cast.lan)[0].state == IncomingState.ARRIVED


def test_many_are_put_before_a_leader_at_once(rooms: Office, lan: FlaskClient) -> None:
    first, second = arrived(rooms, 2)
    rooms.register(rooms.cast.lan, first)
    data = {"id": [first, second], "leader_id": rooms.cast.dung.person_id}
    page = lan.post("/documents/in/hand-over-many", data=data).get_data(as_text=True)
    assert "Xong 1 trên 2" in page
    assert "Đã trình" in page
    assert [row.state for row in rooms.incoming(rooms.cast.lan)] == [IncomingState.ARRIVED, IncomingState.SUBMITTED]


@pytest.mark.long_proof
def test_many_drafts_are_submitted_and_many_signed_ones_sealed(rooms: Office, ha: FlaskClient) -> None:
    drafts = [rooms.written(subject=f"Dự thảo {n}") for n in range(2)]
    rooms.work()
    assert "Xong 2 trên 2" in ha.post("/documents/out/submit-many", data={"id": drafts}).get_data(as_text=True)
    for number in drafts:
        rooms.sign(number)
    rooms.work()
    assert "Xong 2 trên 2" in ha.post("/documents/out/seal-many", data={"id": drafts}).get_data(as_text=True)
    rooms.work()
    with rooms.db.read() as tx:
        codes = [tx.session.get_one(Document, number).code for number in drafts]
    assert codes == ["01/VP-HCTC", "02/VP-HCTC"]


def test_the_lists_show_boxes_and_acts_to_those_who_may_use_them(app: Flask, rooms: Office, lan: FlaskClient) -> None:
    arrived(rooms, 1)
    page = lan.get("/documents/in").get_data(as_text=True)
    assert 'class="row-select"' in page
    assert 'id="bulk"' in page
    leader = sign_in(app, "dung").get("/documents/in").get_data(as_text=True)
    assert 'class="row-select"' not in leader
    assert 'id="bulk"' not in leader
    assert "<html" not in lan.get("/documents/in?fragment=1").get_data(as_text=True)
