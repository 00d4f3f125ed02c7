"""The secretary builds a meeting: its facts, agenda, papers and people."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa

from directory import auditing
from directory import queries as directory
from directory.actor import Actor
from docex.official.uploads import check_pdf
from kernel import clock
from kernel.db import Tx
from kernel.errors import Forbidden, Invalid, Stale, Unavailable
from kernel.storage.blobs import Blob
from kernel.text import Phrase, one_line, phrase
from meetings import access, audiences, streams
from meetings.access import Right, item_for, meeting_for, must_allow
from meetings.acts import ACTS
from meetings.models import AgendaItem, Conclusion, Meeting, MeetingPaper, Participant, SpeakTurn
from meetings.states import LEADING, Answer, MeetingKind, MeetingState, Role, Verb

TITLE_MAX = 500
LINE_MAX = 200
ITEMS_MAX = 100
PEOPLE_MAX = 500
FARTHEST = timedelta(days=5 * 366)
"""A later year is a slip of the finger."""
LONGEST = timedelta(hours=24)
TIMEOUT_S = 20.0
"""How long an upload waits for a free process that reads it."""

auditing.words.update(ACTS)


@dataclass(frozen=True)
class MeetingFacts:
    """What a meeting is: the part of it that stands in the invitation."""

    kind: MeetingKind
    title: str
    place: str
    online_url: str
    starts_at: datetime | None
    ends_at: datetime | None
    chair_id: int | None


@dataclass(frozen=True)
class SettledFacts:
    """Facts that were checked."""

    kind: MeetingKind
    title: str
    place: str
    online_url: str
    starts_at: datetime
    ends_at: datetime
    chair_id: int


@dataclass(frozen=True)
class ItemFacts:
    """One point of the agenda as the secretary writes it."""

    title: str
    presenter: str = ""
    minutes: int | None = 15


@dataclass(frozen=True)
class PaperFile:
    """An uploaded paper that was found to be a readable PDF and is stored as a blob."""

    title: str
    blob: Blob
    pages: int


def plan(tx: Tx, actor: Actor, facts: MeetingFacts) -> Meeting:
    """Start a meeting of the actor's agency. Its chair and its secretary, the actor, are in it from the start."""
    if not access.may_plan(actor):
        raise Forbidden(phrase("Chỉ thư ký họp hoặc chánh văn phòng được lập cuộc họp."))
    settled = checked(tx, facts)
    meeting = Meeting(
        uid=f"{secrets.token_hex(16)}@lienthong",
        sequence=0,
        agency_id=actor.agency_id,
        kind=settled.kind,
        title=settled.title,
        place=settled.place,
        online_url=settled.online_url,
        starts_at=settled.starts_at,
        ends_at=settled.ends_at,
        chair_id=settled.chair_id,
        secretary_id=actor.person_id,
        state=MeetingState.DRAFT,
        rev=1,
        item_order=[],
        visited=[],
        queue_rev=0,
        created_at=clock.now(),
    )
    tx.session.add(meeting)
    tx.session.flush()
    _seat(tx, meeting, [settled.chair_id], Role.CHAIR)
    if actor.person_id != settled.chair_id:
        _seat(tx, meeting, [actor.person_id], Role.SECRETARY)
    note(tx, meeting, "meeting.plan", {"title": meeting.title})
    return meeting


def checked(tx: Tx, facts: MeetingFacts) -> SettledFacts:
    """The facts made clean; Invalid names every wrong one."""
    wrong: dict[str, Phrase] = {}
    title, place, url = one_line(facts.title), one_line(facts.place), facts.online_url.strip()
    if not title:
        wrong["title"] = phrase("Xin nhập tên cuộc họp.")
    elif len(title) > TITLE_MAX:
        wrong["title"] = phrase("Tên cuộc họp dài quá {max} ký tự.", max=TITLE_MAX)
    if facts.kind != MeetingKind.ONLINE and not place:
        wrong["place"] = phrase("Xin nhập địa điểm họp.")
    elif len(place) > LINE_MAX:
        wrong["place"] = phrase("Địa điểm dài quá {max} ký tự.", max=LINE_MAX)
    if facts.kind != MeetingKind.ROOM and not _is_web_address(url):
        wrong["online_url"] = phrase("Xin nhập đường dẫn họp trực tuyến, bắt đầu bằng https://.")
    wrong |= _wrong_times(facts)
    if facts.chair_id is None or facts.chair_id not in directory.people(tx, [facts.chair_id]):
        wrong["chair_id"] = phrase("Xin chọn người chủ trì.")
    if wrong or facts.starts_at is None or facts.ends_at is None or facts.chair_id is None:
        raise Invalid(wrong)
    url = "" if facts.kind == MeetingKind.ROOM else url
    return SettledFacts(facts.kind, title, place, url, facts.starts_at, facts.ends_at, facts.chair_id)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and len(url) <= 1000


def _wrong_times(facts: MeetingFacts) -> dict[str, Phrase]:
    wrong: dict[str, Phrase] = {}
    if facts.starts_at is None:
        wrong["starts_at"] = phrase("Xin nhập ngày và giờ bắt đầu.")
    elif facts.starts_at <= clock.now():
        wrong["starts_at"] = phrase("Giờ bắt đầu đã qua. Xin chọn một giờ sắp tới.")
    elif facts.starts_at > clock.now() + FARTHEST:
        wrong["starts_at"] = phrase("Ngày họp quá xa, xin xem lại năm.")
    if facts.ends_at is None:
        wrong["ends_at"] = phrase("Xin nhập giờ kết thúc.")
    elif facts.starts_at is not None and facts.ends_at <= facts.starts_at:
        wrong["ends_at"] = phrase("Giờ kết thúc phải sau giờ bắt đầu.")
    elif facts.starts_at is not None and facts.ends_at - facts.starts_at > LONGEST:
        wrong["ends_at"] = phrase("Một cuộc họp không quá 24 giờ. Xin lập từng phiên riêng.")
    return wrong


def note(tx: Tx, meeting: Meeting, action: str, detail: dict[str, object] | None = None) -> None:
    """Record an act on the meeting in its agency's chain."""
    tx.audit(f"agency:{meeting.agency_id}", action, f"meeting:{meeting.id}", detail)


# ---- agenda ----


def add_item(tx: Tx, actor: Actor, meeting_id: int, facts: ItemFacts) -> AgendaItem:
    """Put a point at the end of the agenda."""
    meeting = _editable(tx, actor, meeting_id)
    facts = _checked_item(facts)
    if len(meeting.item_order) >= ITEMS_MAX:
        raise Invalid({"title": phrase("Một chương trình họp có nhiều nhất {max} nội dung.", max=ITEMS_MAX)})
    item = AgendaItem(meeting_id=meeting.id, title=facts.title, presenter=facts.presenter, minutes=facts.minutes, rev=1)
    tx.session.add(item)
    tx.session.flush()
    audiences.tell_item(tx, item)
    _set_order(tx, meeting, [*meeting.item_order, item.id])
    note(tx, meeting, "meeting.add_item", {"item": item.id, "title": item.title})
    return item


def change_item(tx: Tx, actor: Actor, meeting_id: int, item_id: int, facts: ItemFacts, rev: int) -> AgendaItem:
    """Rewrite a point. Stale when somebody else did since `rev`."""
    meeting = _editable(tx, actor, meeting_id)
    item = item_for(tx, meeting, item_id)
    facts = _checked_item(facts)
    if item.rev != rev:
        raise Stale({"title": item.title, "presenter": item.presenter, "minutes": item.minutes, "rev": item.rev})
    assert facts.minutes is not None
    item.title, item.presenter, item.minutes = facts.title, facts.presenter, facts.minutes
    _tell_item(tx, item)
    note(tx, meeting, "meeting.change_item", {"item": item.id, **audiences.named(item)})
    return item


def drop_item(tx: Tx, actor: Actor, meeting_id: int, item_id: int) -> None:
    """Take a point off the agenda, with its papers. Not the one being discussed, nor one with conclusions."""
    meeting = _editable(tx, actor, meeting_id)
    item = item_for(tx, meeting, item_id)
    if meeting.current_item_id == item.id:
        raise Invalid({"item": phrase("Nội dung này đang được thảo luận. Xin chuyển sang nội dung khác trước.")})
    if tx.session.scalar(sa.select(sa.exists().where(Conclusion.item_id == item.id))):
        raise Invalid({"item": phrase("Nội dung này đã có kết luận nên không bỏ được.")})
    tx.session.execute(sa.update(SpeakTurn).where(SpeakTurn.item_id == item.id).values(item_id=None))
    tx.session.execute(sa.delete(MeetingPaper).where(MeetingPaper.item_id == item.id))
    tx.session.delete(item)
    audiences.tell_item_gone(tx, item)
    _set_order(tx, meeting, [i for i in meeting.item_order if i != item.id])
    note(tx, meeting, "meeting.drop_item", {"item": item.id, **audiences.named(item)})


def reorder(tx: Tx, actor: Actor, meeting_id: int, order: Sequence[int]) -> Meeting:
    """Give the whole new order. Stale when the agenda has other points than the ones in `order`."""
    meeting = _editable(tx, actor, meeting_id)
    if sorted(order) != sorted(meeting.item_order):
        raise Stale({"item_order": list(meeting.item_order), "rev": meeting.rev})
    if list(order) != list(meeting.item_order):
        _set_order(tx, meeting, list(order))
        note(tx, meeting, "meeting.reorder", {"order": list(order)})
    return meeting


def _set_order(tx: Tx, meeting: Meeting, order: list[int]) -> None:
    meeting.item_order = order
    meeting.rev += 1
    streams.tell_meeting(tx, meeting)
    audiences.tell_hidden_places(tx, meeting)


def _checked_item(facts: ItemFacts) -> ItemFacts:
    wrong: dict[str, Phrase] = {}
    title, presenter = one_line(facts.title), one_line(facts.presenter)
    if not title:
        wrong["title"] = phrase("Xin nhập nội dung họp.")
    elif len(title) > TITLE_MAX:
        wrong["title"] = phrase("Nội dung dài quá {max} ký tự.", max=TITLE_MAX)
    if len(presenter) > LINE_MAX:
        wrong["presenter"] = phrase("Tên người trình bày dài quá {max} ký tự.", max=LINE_MAX)
    if facts.minutes is None or not 1 <= facts.minutes <= 600:
        wrong["minutes"] = phrase("Thời lượng là số phút từ 1 đến 600.")
    if wrong:
        raise Invalid(wrong)
    return ItemFacts(title, presenter, facts.minutes)


# ---- papers ----


def read_paper(data: bytes, most_bytes: int) -> int:
    """The number of pages of a PDF; Invalid says what is wrong with it, or that too many others are being read."""
    if not data:
        raise Invalid({"file": phrase("Xin chọn một tệp PDF.")})
    try:
        return check_pdf(data, most_bytes, most_text=0, timeout_s=TIMEOUT_S).pages
    except Unavailable as busy:  # said at the field, so that what was typed beside it stays
        raise Invalid({"file": busy.message}) from None


def add_paper(
    tx: Tx, actor: Actor, meeting_id: int, item_id: int, file: PaperFile, *, replaces: int | None = None
) -> MeetingPaper:
    """Put a paper under a point, or a new version in the place of an older one."""
    meeting = _editable(tx, actor, meeting_id)
    item = item_for(tx, meeting, item_id)
    title = one_line(file.title)
    if not title or len(title) > LINE_MAX:
        raise Invalid({"paper_title": phrase("Tên tài liệu từ 1 đến {max} ký tự.", max=LINE_MAX)})
    old = access.paper_for(tx, actor, meeting_id, replaces) if replaces else None
    if old is not None and old.replaced_by_id is not None:
        raise Stale({"paper": old.replaced_by_id})
    paper = MeetingPaper(
        meeting_id=meeting.id,
        item_id=old.item_id if old else item.id,
        title=title,
        sha256=file.blob.sha256,
        size=file.blob.size,
        pages=file.pages,
        version=old.version + 1 if old else 1,
        uploaded_by_id=actor.person_id,
        uploaded_at=clock.now(),
    )
    tx.session.add(paper)
    tx.session.flush()
    if old is not None:
        old.replaced_by_id = paper.id
    _tell_item(tx, item if old is None else item_for(tx, meeting, old.item_id))
    note(tx, meeting, "meeting.add_paper", {"paper": paper.id, "sha256": paper.sha256, "version": paper.version})
    return paper


def drop_paper(tx: Tx, actor: Actor, meeting_id: int, paper_id: int) -> None:
    """Take a paper, with its older versions, away from its point."""
    meeting = _editable(tx, actor, meeting_id)
    paper = access.paper_for(tx, actor, meeting_id, paper_id)
    item = item_for(tx, meeting, paper.item_id)
    note(tx, meeting, "meeting.drop_paper", {"paper": paper.id, "sha256": paper.sha256})
    gone: MeetingPaper | None = paper
    while gone is not None:
        tx.session.delete(gone)
        gone = tx.session.scalar(sa.select(MeetingPaper).where(MeetingPaper.replaced_by_id == gone.id))
    _tell_item(tx, item)


def _tell_item(tx: Tx, item: AgendaItem) -> None:
    item.rev += 1
    audiences.tell_item(tx, item)


# ---- people ----


def add_people(
    tx: Tx, actor: Actor, meeting_id: int, person_ids: Sequence[int], role: Role = Role.DELEGATE
) -> list[Participant]:
    """Seat people; who is there already stays as they are."""
    meeting = _editable(tx, actor, meeting_id)
    if role is Role.CHAIR:
        raise Invalid({"role": phrase("Người chủ trì được chọn ở phần thông tin chung.")})
    if not person_ids:
        raise Invalid({"people": phrase("Xin chọn ít nhất một người.")})
    added = _seat(tx, meeting, person_ids, role)
    if added:
        note(tx, meeting, "meeting.add_people", {"people": [p.person_id for p in added], "role": str(role)})
    return added


def _seat(tx: Tx, meeting: Meeting, person_ids: Sequence[int], role: Role) -> list[Participant]:
    seated = set(tx.session.scalars(sa.select(Participant.person_id).where(Participant.meeting_id == meeting.id)))
    wanted = [i for i in dict.fromkeys(person_ids) if i not in seated]
    cards = directory.people(tx, wanted)
    if missing := [i for i in wanted if i not in cards]:
        raise Invalid({"people": phrase("Không tìm thấy {n} người đã chọn.", n=len(missing))})
    if len(seated) + len(wanted) > PEOPLE_MAX:
        raise Invalid({"people": phrase("Một cuộc họp mời nhiều nhất {max} người.", max=PEOPLE_MAX)})
    added = [
        Participant(
            meeting_id=meeting.id,
            person_id=i,
            role=role,
            answer=Answer.YES if role in LEADING else Answer.NONE,
            name=cards[i].name,
            position=cards[i].title,
            agency=cards[i].agency_name,
            rev=1,
        )
        for i in wanted
    ]
    tx.session.add_all(added)
    tx.session.flush()
    for participant in added:
        streams.tell_person(tx, participant)
    return added


def seat_chair(tx: Tx, meeting: Meeting, person_id: int) -> None:
    """Make a person the chair; who was it before stays as a delegate."""
    if meeting.chair_id == person_id:
        return
    meeting.chair_id = person_id
    for participant in tx.session.scalars(sa.select(Participant).where(Participant.meeting_id == meeting.id)):
        if participant.role == Role.CHAIR:
            participant.role, participant.rev = Role.DELEGATE, participant.rev + 1
            participant.answer = Answer.NONE
            streams.tell_person(tx, participant)
        elif participant.person_id == person_id:
            participant.role, participant.rev = Role.CHAIR, participant.rev + 1
            participant.answer = Answer.YES
            streams.tell_person(tx, participant)
    _seat(tx, meeting, [person_id], Role.CHAIR)


def _editable(tx: Tx, actor: Actor, meeting_id: int) -> Meeting:
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, Verb.EDIT)
    return meeting
