"""One tap on the link in an SMS says "received"."""

from collections.abc import Mapping

from directory import queries
from kernel.db import Tx
from kernel.errors import Forbidden, NotFound, WrongState
from kernel.refs import Ref
from kernel.text import phrase
from notify import links
from notify.links import LinkPage, LinkPurpose, link_purpose
from notify.models import Link
from notify.wording import full_moment
from tasks import moves, receiving
from tasks.models import Task
from tasks.states import TaskState


@link_purpose("task.receive")
class ReceiveLink(LinkPurpose):
    """Shows title, giver and deadline and nothing else; the button receives the task for the link's person."""

    def page(self, tx: Tx, link: Link) -> LinkPage:
        task = _task_of(tx, link)
        person = links.actor_of(tx, link)
        facts = [
            (phrase("Người giao"), queries.person(tx, task.giver_id).name),
            (phrase("Người nhận"), person.name),
        ]
        if task.deadline_at is not None:
            facts.append((phrase("Hạn hoàn thành"), full_moment(task.deadline_at, person.locale)))
        if task.state == TaskState.NEW:
            return LinkPage(task.title, tuple(facts), button=phrase("Đã nhận"))
        if task.received_at is not None and task.received_by_id == person.person_id:
            facts.append((phrase("Báo nhận lúc"), full_moment(task.received_at, person.locale)))
            return LinkPage(task.title, tuple(facts), done=phrase("Đã ghi nhận: bạn đã nhận việc này."))
        return LinkPage(task.title, tuple(facts), done=moves.LABELS[TaskState(task.state)][0])

    def act(self, tx: Tx, link: Link, form: Mapping[str, str]) -> None:
        task = _task_of(tx, link)
        try:
            receiving.receive(tx, links.actor_of(tx, link), task.id, channel="link")
        except (Forbidden, WrongState):
            raise NotFound() from None


def _task_of(tx: Tx, link: Link) -> Task:
    task = tx.session.get(Task, Ref.parse(link.ref).id)
    if task is None:
        raise NotFound()
    return task
