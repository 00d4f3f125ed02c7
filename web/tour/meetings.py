"""The other threads: a meeting is held, a conclusion becomes a task and an SMS, a reminder survives kills."""

import re
import time
from datetime import date, datetime, timedelta
from email import message_from_string, policy
from typing import Any

import requests
import sqlalchemy as sa
from icalendar import Calendar

from directory.models import Person
from kernel import clock
from kernel.clock import VN
from kernel.text import sms_size, strip_marks
from kernel.worktime import WorkCalendar
from meetings.models import Participant
from web.tour.browser import WAIT_S, Browser, Unexpected
from web.tour.documents import small_pdf, until
from web.tour.instance import Instance
from web.tour.reading import link, number_in, option
from web.tour.report import Report, Step

TITLE = "Họp giao ban công tác chuyển đổi số tháng 12"
ITEMS = ("Tình hình giải ngân vốn đầu tư công", "Kế hoạch chuyển đổi số năm 2027", "Công việc khác")
INVITED = ("Trần Quốc Bình", "Lê Thị Lan", "Vũ Hoàng Nam", "Đặng Anh Dũng", "Dương Hữu Phúc", "Huỳnh Minh Tuấn")
WORK = "Tổng hợp tiến độ giải ngân của các sở, báo cáo Ủy ban nhân dân thành phố"
MUST_S, BUSY_S = 5.0, 60.0
"""How soon after the press the SMS must be accepted; on a machine with other work, where the clock judges that work."""
LEASE_S = 3
KILLED_AT = ("worker.claimed", "notify.preparing", "worker.performed")
"""Where it is known, or can be asked, what has left. An SMS whose worker dies between the trace of its try and the call
is shown as unknown (tests/faults)."""


def drive(instance: Instance, report: Report, people: dict[str, Browser], *, must_s: float = MUST_S) -> None:
    """Plan, convene, answer, hold, conclude with the SMS accepted within `must_s`, remind."""
    thu, son = people["thu"], people["son"]
    with report.step("Thư plans a meeting: three items, a paper, six people") as step:
        meeting = _plan(thu, step)
    with report.step("convening sends each an e-mail with a calendar request and an SMS") as step:
        thu.get(f"{meeting}/build")
        thu.post(f"{meeting}/convene")
        _check_invitations(instance, step)
    with report.step("the link answers on POST only") as step:
        _answer(instance, thu, meeting, step)
    with report.step("chair, two delegates and a wall see the current item change at once") as step:
        items = _open(thu, son, meeting)
        _hold(instance, people, meeting, items, step)
    deadline = WorkCalendar().add_working_days(clock.today(), 4)
    with report.step("conclusion → task → SMS accepted, in one press") as step:
        text = _conclude(instance, people, meeting, step, deadline, must_s)
    with report.step("one tap says “đã nhận”; the giver sees it live") as step:
        _receive(instance, people, step, text)
    with report.step(f"a due reminder goes out once, the worker killed with -9 at {len(KILLED_AT)} points") as step:
        _remind(instance, step, deadline)


def _plan(thu: Browser, step: Step) -> str:
    form = thu.get("/meetings/new")
    on = WorkCalendar().add_working_days(clock.today(), 1)
    chair = option(form, "Hồ Thanh Sơn")
    thu.post(
        "/meetings",
        title=TITLE,
        kind="room",
        place="Phòng họp số 1",
        starts_on=on.isoformat(),
        starts_at="08:00",
        ends_at="11:00",
        chair_id=chair,
    )
    meeting = thu.at.removesuffix("/build")
    for title in ITEMS:
        thu.post(f"{meeting}/items", title=title, presenter="Văn phòng", minutes="30")
    page = thu.get(f"{meeting}/build")
    first = re.findall(rf'action="{meeting}/items/(\d+)/papers"', page)[0]
    thu.post(f"{meeting}/items/{first}/papers", files={"file": ("tai-lieu.pdf", small_pdf(), "application/pdf")})
    for name in INVITED:
        found = thu.session.get(f"{thu.url}{meeting}/build", params={"q": name}, timeout=WAIT_S).text
        thu.post(f"{meeting}/people", person=option(found, name), role="delegate")
    page = thu.get(f"{meeting}/build")
    step.check(all(title in page for title in ITEMS), "three items on the agenda")
    step.check(all(name in page for name in INVITED), "six people besides chair and secretary")
    paper = thu.get_bytes(link(thu.get(meeting), rf"{meeting}/papers/\d+"))
    step.check(paper.startswith(b"%PDF-"), "its paper opens")
    return meeting


def _check_invitations(instance: Instance, step: Step) -> None:
    wanted = len(INVITED) + 2
    until(lambda: len(_mails(instance)) >= wanted and len(_invitations(instance)) >= wanted, f"{wanted} mails and SMS")
    uids, methods = set(), set()
    for entry in _mails(instance):
        message: Any = message_from_string(entry["raw"], policy=policy.default)
        parts = [p for p in message.walk() if p.get_content_type() == "text/calendar"]
        calendar: Any = Calendar.from_ical(parts[0].get_payload(decode=True))
        methods.add((str(calendar["METHOD"]), parts[0].get_param("method")))
        event = calendar.walk("VEVENT")[0]
        uids.add(str(event["UID"]))
        if str(event["SUMMARY"]) != TITLE:
            raise Unexpected(f"the calendar says {event['SUMMARY']}")
    step.check(
        methods == {("REQUEST", "REQUEST")} and len(uids) == 1, "one calendar request each, METHOD:REQUEST, one UID"
    )
    texts = [text["body"] for text in _invitations(instance)]
    step.check(len(texts) == wanted, f"one SMS each, {wanted} in all")
    step.check(sum("/l/" in body for body in texts) >= len(INVITED), "with a short link for everybody who is asked")
    step.check(all(sms_size(body).segments <= 2 for body in texts), "no SMS takes more than two segments")


def _answer(instance: Instance, thu: Browser, meeting: str, step: Step) -> None:
    text = next(t for t in _invitations(instance) if t["to"] == _phone(instance, "Vũ Hoàng Nam"))
    url = _link_in(text["body"])
    before = _answers(instance, meeting)
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        requests.request(method, url, timeout=WAIT_S)
    step.check(_answers(instance, meeting) == before, "GET, HEAD and OPTIONS change nothing")
    page = requests.get(url, timeout=WAIT_S).text
    step.check("tai-lieu" not in page and "/papers/" not in page, "the link shows no paper")
    for _ in range(2):
        requests.post(url, data={"answer": "yes"}, timeout=WAIT_S).raise_for_status()
    changed = [now for now, then in zip(_answers(instance, meeting), before, strict=True) if now != then]
    step.check([answer for answer, _ in changed] == ["yes"], "POST answers; a second POST is the same answer")
    step.check("Vũ Hoàng Nam" in thu.get(f"{meeting}/build?fragment=1"), "it stands on the secretary's page")


def _answers(instance: Instance, meeting: str) -> list[tuple[str | None, int]]:
    """What everybody answered so far, with the revision of the answer."""
    rows = sa.select(Participant.answer, Participant.rev).where(Participant.meeting_id == number_in(meeting))
    with instance.database() as db, db.read() as tx:
        return [(answer, rev) for answer, rev in tx.session.execute(rows.order_by(Participant.id))]


def _open(thu: Browser, son: Browser, meeting: str) -> list[str]:
    son.get(meeting)
    son.post_json(f"{meeting}/open", **{"from": "plain"})
    snapshot = thu.get_json(f"{meeting}/snapshot")
    return [str(item) for item in _item_ids(snapshot)]


def _item_ids(snapshot: Any) -> list[int]:
    state = snapshot.get("state", snapshot)
    meeting = state.get("meeting", state)
    ids: list[int] = meeting.get("order") or meeting.get("item_order") or [i["id"] for i in state["items"]]
    return ids


def _hold(instance: Instance, people: dict[str, Browser], meeting: str, items: list[str], step: Step) -> None:
    son, stream = people["son"], f"meeting:{number_in(meeting)}"
    wall = Browser(instance.url)
    wall.get("/wall")
    code = re.search(r"<[^>]*class=\"[^\"]*code[^\"]*\"[^>]*>(.*?)</", wall.post("/wall"), re.S)
    if not code:
        raise Unexpected("the wall shows no code")
    thu = people["thu"]
    thu.get(f"{meeting}/build")
    thu.post(f"{meeting}/walls", code=re.sub(r"<[^>]+>|\s", "", code[1]))
    step.check(TITLE in wall.get("/wall"), "the wall is paired by code and shows the meeting")
    seats = {"chair": son, "Lan": people["lan"], "Nam": people["nam"], "wall": wall}
    listeners = {name: browser.listen(stream) for name, browser in seats.items()}
    son.get(f"{meeting}/plain")
    begun = time.monotonic()
    son.post_json(f"{meeting}/current", item=items[1], command_id="tour-1")
    for name, listener in listeners.items():
        seen = listener.wait("meeting")["d"]["current"]
        step.check(seen == int(items[1]), f"{name}: the new item after {(time.monotonic() - begun) * 1000:.0f} ms")
    _lose_and_find(son, listeners["Lan"], meeting, items, step)
    snapshot = people["nam"].get_json(f"{meeting}/snapshot")
    step.check(snapshot["heads"][stream] >= 1, "a reload lands on the snapshot with its stream numbers")
    step.check(ITEMS[2] in people["nam"].get(f"{meeting}/plain"), "the plain page shows the same without scripts")
    for listener in listeners.values():
        listener.close()


def _lose_and_find(son: Browser, lan: Any, meeting: str, items: list[str], step: Step) -> None:
    lan.disconnect()
    for number, item in enumerate((items[0], items[2])):
        son.post_json(f"{meeting}/current", item=item, command_id=f"tour-lost-{number}")
    answer = lan.connect()
    step.check(
        answer["mode"] == "replay" and len(answer["events"]) == 2, "Lan lost the network: both changes are replayed"
    )
    last = answer["events"][-1]["d"]["current"]
    step.check(last == int(items[2]), "and she lands on the present item")


def _conclude(
    instance: Instance, people: dict[str, Browser], meeting: str, step: Step, deadline: date, must_s: float
) -> str:
    """Answers what the SMS says."""
    son = people["son"]
    lead = option(son.get(f"{meeting}/plain"), "Vũ Hoàng Nam")
    known = len(_texts(instance))
    begun = time.monotonic()
    press = {
        "text": WORK,
        "lead_id": lead,
        "due": f"{deadline:%d/%m/%Y} 17:00",
        "assign": "y",
        "command_id": "tour-conclusion",
    }
    answer = son.post_json(f"{meeting}/conclusions", **press)
    until(lambda: bool(_about_work(instance, known)), "the assignee's SMS")
    took = time.monotonic() - begun
    step.check(
        took < must_s, f"the SMS was accepted {took * 1000:.0f} ms after the press (must be under {must_s:.0f} s)"
    )
    again = son.post_json(f"{meeting}/conclusions", **press)
    step.check(again == answer, "a doubled press is one conclusion, one task")
    return str(_about_work(instance, known)[0]["body"])


def _receive(instance: Instance, people: dict[str, Browser], step: Step, body: str) -> None:
    son = people["son"]
    giver = son.listen(f"person:{_person_of(son)}")
    requests.get(_link_in(body), timeout=WAIT_S).raise_for_status()
    answer = requests.post(_link_in(body), timeout=WAIT_S)
    step.check("đã nhận" in answer.text.lower(), "“đã nhận” by one tap, without sign-in")
    event = giver.wait("task")
    step.check(event["d"]["state"] == "received", "the giver's screen hears of it")
    giver.close()


def _remind(instance: Instance, step: Step, deadline: date) -> None:
    """The worker lives in the future, where the reminder of the day before is due, and dies again and again."""
    eve = WorkCalendar().add_working_days(deadline, -1)
    ahead = datetime.combine(eve, datetime.min.time(), VN) + timedelta(hours=8) - clock.now()
    clock.run_ahead(ahead)  # the sinks live here, and a provider's clock is the same as the world's
    try:
        _die_and_remind(instance, step, ahead)
    finally:
        clock.run_ahead(timedelta())


def _die_and_remind(instance: Instance, step: Step, ahead: timedelta) -> None:
    known = len(_texts(instance))
    instance.stop("worker")
    settings = {"LIENTHONG_CLOCK_AHEAD_S": str(int(ahead.total_seconds())), "LIENTHONG_LEASE_S": str(LEASE_S)}
    settings["LIENTHONG_WORKER_THREADS"] = "1"  # one job dies, and none with it that is just about to call
    for point in KILLED_AT:
        worker = instance.start("worker", LIENTHONG_FAULT_POINT=point, **settings)
        code = worker.wait(2 * WAIT_S)
        step.check(code == -9, f"died at {point}")
    instance.start("worker", **settings)
    until(lambda: len(_about_work(instance, known)) >= 1, "the reminder")
    time.sleep(LEASE_S + 1)  # more than a lease: whoever would send it again has had time to
    step.check(len(_about_work(instance, known)) == 1, "one SMS in the provider's own log, neither lost nor doubled")


def _about_work(instance: Instance, known: int) -> list[dict[str, Any]]:
    return [t for t in _texts(instance)[known:] if t["to"] == _phone(instance, "Vũ Hoàng Nam")]


def _mails(instance: Instance) -> list[dict[str, Any]]:
    """The invitations; the demo city convenes meetings of its own."""
    return [e for e in instance.smtp.journal.entries() if TITLE in e["subject"]]


def _texts(instance: Instance) -> list[dict[str, Any]]:
    return instance.twilio.journal.entries()


def _invitations(instance: Instance) -> list[dict[str, Any]]:
    return [text for text in _texts(instance) if strip_marks(TITLE[:20]) in text["body"]]


def _link_in(body: str) -> str:
    found = re.search(r"https?://\S+/l/[\w-]+", body)
    if not found:
        raise Unexpected(f"no link in {body!r}")
    return found[0]


def _phone(instance: Instance, name: str) -> str:
    with instance.database() as db, db.read() as tx:
        phone: str = tx.session.scalars(sa.select(Person.phone).where(Person.name == name)).one()
    return phone


def _person_of(browser: Browser) -> int:
    found = re.search(r"person:(\d+)", browser.get("/"))
    if not found:
        raise Unexpected("the start page follows no stream of the person")
    return int(found[1])
