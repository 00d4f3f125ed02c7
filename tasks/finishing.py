"""Progress, the lead's "finished", and the giver's acceptance."""

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.text import nfc, phrase
from tasks import access, moves
from tasks.access import Right
from tasks.receiving import note_receipt
from tasks.states import Verb


def report(tx: Tx, actor: Actor, task_id: int, progress: int, note: str) -> None:
    """Say how far the task is, in percent and words."""
    task = access.task_for(tx, actor, task_id, Right.LEAD, lock=True)
    if not 0 <= progress <= 100:
        raise Invalid({"progress": phrase("Tiến độ từ 0 đến 100 phần trăm.")})
    note_receipt(actor, task)
    task.progress = progress
    moves.move(tx, actor, task, Verb.REPORT, nfc(note).strip()[:4000], progress=progress)


def finish(tx: Tx, actor: Actor, task_id: int, note: str) -> None:
    """Say that it is done. It waits for the giver's acceptance, unless the giver is the lead."""
    task = access.task_for(tx, actor, task_id, Right.LEAD, lock=True)
    clean = moves.needed(note, "note", phrase("Xin ghi kết quả thực hiện."))
    note_receipt(actor, task)
    task.progress, task.finished_at = 100, clock.now()
    moves.move(tx, actor, task, Verb.FINISH, clean)
    if task.lead_person_id == task.giver_id == actor.person_id:
        accept(tx, actor, task_id)
    else:
        moves.tell_news(tx, actor, task, {task.giver_id}, phrase("Đã báo hoàn thành"), clean)


def accept(tx: Tx, actor: Actor, task_id: int, note: str = "") -> None:
    """The giver is content: the task is done, on time or late by the moment at which the lead said so."""
    task = access.task_for(tx, actor, task_id, Right.GIVE, lock=True)
    task.closed_at = clock.now()
    moves.move(tx, actor, task, Verb.ACCEPT, nfc(note).strip()[:4000])
    moves.tell_news(tx, actor, task, access.involved(tx, task), phrase("Việc đã được nghiệm thu"), note)


def send_back(tx: Tx, actor: Actor, task_id: int, reason: str) -> None:
    """The giver is not content yet and says what is missing."""
    task = access.task_for(tx, actor, task_id, Right.GIVE, lock=True)
    note = moves.needed(reason, "reason", phrase("Xin ghi điều còn thiếu."))
    task.finished_at = None
    moves.move(tx, actor, task, Verb.SEND_BACK, note)
    leads = {card.id for card in access.lead_people(tx, task)}
    moves.tell_news(tx, actor, task, leads, phrase("Việc cần làm thêm"), note)
