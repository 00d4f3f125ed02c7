"""The demo city shows a meeting of each time: held, in progress, to come."""

import sqlalchemy as sa
from flask import Flask

from kernel import clock
from kernel.db import Database
from kernel.storage.blobs import BlobStore
from meetings import demo, queries
from meetings.models import Meeting
from tasks.models import Task
from tests.cast import Cast
from tests.web.people import sign_in


def test_a_meeting_was_held_one_is_in_progress_and_one_comes(db: Database, cast: Cast, blobs: BlobStore) -> None:
    with db.write() as tx:
        demo.seed(tx, blobs)
        demo.seed(tx, blobs)
    with db.read() as tx:
        lists = queries.my_meetings(tx, cast.lan)
        held = queries.page(tx, cast.lan, lists.past[0].id)
        tasks = tx.session.scalars(sa.select(Task.title)).all()
        assert tx.session.scalar(sa.select(sa.func.count(Meeting.id))) == 3
    assert [row.state for row in lists.running] == ["open"]
    assert [row.starts_at > clock.now() for row in lists.to_answer] == [True]
    assert (lists.upcoming, lists.drafts) == ([], [])
    assert held.is_over
    assert held.meeting.opened_at is not None
    assert held.meeting.opened_at > held.meeting.starts_at
    assert [title for title, _ in held.conclusions_by_point] == [item.title for item in held.items]
    assert [(vote.state, len(vote.lines)) for vote in held.votes] == [("announced", 3)]
    assert len(tasks) == 3


def test_the_page_of_a_meeting_that_was_held_tells_what_happened(
    db: Database, cast: Cast, blobs: BlobStore, app: Flask
) -> None:
    with db.write() as tx:
        demo.seed(tx, blobs)
        meeting = queries.my_meetings(tx, cast.thu).past[0].id
    page = sign_in(app, "thu").get(f"/meetings/{meeting}").text
    for told in ("Khai mạc lúc", "Kết thúc lúc", "Giờ mời họp", "có mặt: 5", "vắng: 1"):
        assert told in page
    for gone in ("Soạn chương trình", "Chuẩn bị biểu quyết", "chưa trả lời"):
        assert gone not in page
