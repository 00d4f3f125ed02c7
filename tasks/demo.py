"""Something to do in this room of the demo city: a task to receive, one that an agency leads, one to accept."""

import sqlalchemy as sa

from directory import queries
from directory.actor import Actor
from directory.demo import FINANCE, email_of
from kernel import clock, worktime
from kernel.db import Tx
from kernel.storage.blobs import BlobStore
from tasks import finishing, giving, receiving
from tasks.giving import GiveTask, Lead
from tasks.models import Priority, Task


def seed(tx: Tx, blobs: BlobStore) -> None:
    """Three tasks from Bình, unless there are tasks already."""
    if tx.session.scalar(sa.select(sa.exists().where(Task.id.is_not(None)))):
        return
    binh, nam = _actor(tx, "binh"), _actor(tx, "nam")
    finance = queries.agency_by_code(tx, FINANCE)
    assert finance is not None
    calendar, today = worktime.calendar(tx), clock.today()
    due = [calendar.end_of_day(calendar.add_working_days(today, days)) for days in (3, 5)]
    giving.give(
        tx,
        binh,
        GiveTask(
            title="Tổng hợp tiến độ giải ngân vốn đầu tư công quý IV",
            lead=Lead(person_id=nam.person_id),
            deadline_at=due[0],
            detail="Nêu rõ dự án chậm, nguyên nhân và đề xuất.",
            priority=Priority.URGENT,
            co_workers=(_actor(tx, "yen").person_id,),
        ),
    )
    giving.give(
        tx,
        binh,
        GiveTask("Dự thảo phương án sử dụng nguồn tiết kiệm chi năm nay", Lead(agency_id=finance.id), due[1]),
    )
    done = giving.give(
        tx, binh, GiveTask("Lập danh sách đầu mối số liệu của các phường", Lead(person_id=nam.person_id), due[1])
    )
    receiving.receive(tx, nam, done.id)
    finishing.finish(tx, nam, done.id, "Đã lập danh sách 4 phường, kèm số điện thoại.")


def _actor(tx: Tx, mailbox: str) -> Actor:
    person = queries.person_by_email(tx, email_of(mailbox))
    found = queries.actor_of(tx, person.id) if person else None
    assert found is not None
    return found
