"""Conclusions: what was decided, and the one press that makes a task of it."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from directory import queries as directory
from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, WrongState
from kernel.refs import Ref
from kernel.text import Phrase, nfc, phrase
from meetings import streams
from meetings.access import Right, conclusion_for, item_for, meeting_for, must_allow
from meetings.holding import once
from meetings.models import Conclusion, Meeting
from meetings.planning import note
from meetings.states import Verb
from notify.wording import brief
from tasks import deadlines, giving
from tasks.deadlines import Deadline
from tasks.giving import GiveTask, Lead

TEXT_MAX = 2000
CO_WORKERS_MAX = 20
TASK_TITLE_MAX = 500


@dataclass(frozen=True)
class ConclusionWords:
    """A conclusion as it is written; `due` is the deadline in the words of the chair."""

    text: str
    item_id: int | None = None
    lead_id: int | None = None
    co_ids: tuple[int, ...] = ()
    due: str = ""


def conclude(
    tx: Tx,
    actor: Actor,
    meeting_id: int,
    words: ConclusionWords,
    *,
    assign: bool = False,
    command_id: str | None = None,
) -> dict[str, Any]:
    """Write a conclusion under a point (the current one unless another is named); with `assign` it becomes a task
    in the same transaction. Answers the ids of both.

    The same `command_id` with the same words is the same conclusion, however often it is sent; other words are another
    one, because whoever got no answer may have gone on writing.
    """
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    answer = once(tx, meeting.id, _key(command_id, words), lambda: _conclude(tx, actor, meeting, words, assign))
    if assign and answer["task"] is None:  # an earlier press only wrote it, and its answer was lost
        return _assign(tx, actor, meeting, answer["conclusion"])
    return answer


def _key(command_id: str | None, words: ConclusionWords) -> str | None:
    if not command_id:
        return None
    said = json.dumps([command_id, asdict(words)], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _conclude(tx: Tx, actor: Actor, meeting: Meeting, words: ConclusionWords, assign: bool) -> dict[str, Any]:
    must_allow(meeting, Verb.CONCLUDE)
    text = nfc(words.text).strip()
    deadline = _checked(tx, words, text, assign)
    item_id = words.item_id or meeting.current_item_id
    if item_id is not None:
        item_for(tx, meeting, item_id)
    cards = directory.people(tx, [i for i in (words.lead_id, *words.co_ids) if i is not None])
    co_ids = [i for i in dict.fromkeys(words.co_ids) if i != words.lead_id]
    conclusion = Conclusion(
        meeting_id=meeting.id,
        item_id=item_id,
        text=text,
        lead_person_id=words.lead_id,
        lead_name=cards[words.lead_id].name if words.lead_id is not None else "",
        co_workers=[{"id": i, "name": cards[i].name} for i in co_ids],
        due_at=deadline.at if deadline else None,
        due_words=deadline.rule if deadline else "",
        created_by_id=actor.person_id,
        created_at=clock.now(),
        rev=1,
    )
    tx.session.add(conclusion)
    tx.session.flush()
    note(tx, meeting, "meeting.conclude", {"conclusion": conclusion.id, **said(tx, conclusion)})
    if assign:
        _give(tx, actor, meeting, conclusion)
    streams.tell_conclusion(tx, conclusion)
    return {"conclusion": conclusion.id, "task": conclusion.task_id}


def _checked(tx: Tx, words: ConclusionWords, text: str, assign: bool) -> Deadline | None:
    """The deadline that was read; Invalid names everything that is wrong."""
    wrong: dict[str, Phrase] = {}
    named = [i for i in (words.lead_id, *words.co_ids) if i is not None]
    known = directory.people(tx, named)
    if not text:
        wrong["text"] = phrase("Xin nhập nội dung kết luận.")
    elif len(text) > TEXT_MAX:
        wrong["text"] = phrase("Kết luận dài quá {max} ký tự.", max=TEXT_MAX)
    if words.lead_id is not None and words.lead_id not in known:
        wrong["lead_id"] = phrase("Không tìm thấy người này.")
    elif words.lead_id is None and assign:
        wrong["lead_id"] = phrase("Xin chọn người chủ trì thực hiện.")
    if any(i not in known for i in words.co_ids):
        wrong["co_id"] = phrase("Không tìm thấy người này.")
    elif len(words.co_ids) > CO_WORKERS_MAX:
        wrong["co_id"] = phrase("Chọn nhiều nhất {max} người phối hợp.", max=CO_WORKERS_MAX)
    deadline = None
    try:
        deadline = deadlines.read(words.due, clock.now(), "due")
    except Invalid as error:
        wrong |= error.fields
    if wrong:
        raise Invalid(wrong)
    return deadline


def assign(tx: Tx, actor: Actor, meeting_id: int, conclusion_id: int) -> dict[str, Any]:
    """Make a task of a conclusion. Pressing twice makes one task."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    return _assign(tx, actor, meeting, conclusion_id)


def _assign(tx: Tx, actor: Actor, meeting: Meeting, conclusion_id: int) -> dict[str, Any]:
    conclusion = conclusion_for(tx, meeting, conclusion_id)
    if conclusion.task_id is None:
        must_allow(meeting, Verb.CONCLUDE)
        if conclusion.lead_person_id is None:
            raise Invalid({"lead_id": phrase("Xin chọn người chủ trì thực hiện.")})
        _give(tx, actor, meeting, conclusion)
        conclusion.rev += 1
        streams.tell_conclusion(tx, conclusion)
    return {"conclusion": conclusion.id, "task": conclusion.task_id}


def drop(tx: Tx, actor: Actor, meeting_id: int, conclusion_id: int) -> None:
    """Take a conclusion back. Not one that is a task: that is cancelled where tasks are."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, Verb.CONCLUDE)
    conclusion = conclusion_for(tx, meeting, conclusion_id)
    if conclusion.task_id is not None:
        raise WrongState(phrase("Kết luận này đã thành công việc được giao. Xin hủy công việc trước."))
    streams.tell_conclusion_gone(tx, conclusion)
    note(tx, meeting, "meeting.drop_conclusion", {"conclusion": conclusion.id, **said(tx, conclusion)})
    tx.session.delete(conclusion)


def said(tx: Tx, conclusion: Conclusion) -> dict[str, str]:
    """The words for the agency's journal; those on a confidential point stay out of it."""
    is_open = streams.about(tx, conclusion.meeting_id, conclusion.item_id) == streams.room(conclusion.meeting_id)
    return {"text": conclusion.text} if is_open else {}


def _give(tx: Tx, actor: Actor, meeting: Meeting, conclusion: Conclusion) -> None:
    """Give the task in the chair's name; the meeting's secretary follows it."""
    assert conclusion.lead_person_id is not None
    long = len(conclusion.text) > TASK_TITLE_MAX or "\n" in conclusion.text
    task = giving.give(
        tx,
        actor,
        GiveTask(
            title=brief(conclusion.text, TASK_TITLE_MAX),
            detail=conclusion.text if long else "",
            lead=Lead(person_id=conclusion.lead_person_id),
            deadline_at=conclusion.due_at,
            deadline_rule=conclusion.due_words,
            co_workers=tuple(int(person["id"]) for person in conclusion.co_workers),
            followers=(meeting.secretary_id,),
            origin=Ref("conclusion", conclusion.id),
            giver_id=meeting.chair_id,
            once=f"conclusion:{conclusion.id}",
        ),
    )
    conclusion.task_id = task.id
