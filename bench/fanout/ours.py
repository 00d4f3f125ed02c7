"""Our side of `bench fanout`: the web process as it is, with a meeting under way and its chair signed in.

Usage: `python -m bench.fanout.ours FOLDER`; prints one JSON line that tells the driver what to do.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import sys  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from datetime import timedelta  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import sqlalchemy as sa  # noqa: E402
from flask import Flask, session  # noqa: E402
from flask_wtf.csrf import generate_csrf  # noqa: E402

from bench.fanout.plan import ITEMS  # noqa: E402
from directory import demo, queries, signin  # noqa: E402
from directory.attempts import Limits  # noqa: E402
from directory.models import Person  # noqa: E402
from kernel import clock, streams  # noqa: E402
from kernel.config import Config  # noqa: E402
from kernel.db import Base, Database, Tx  # noqa: E402
from meetings.models import AgendaItem, Meeting  # noqa: E402
from meetings.states import MeetingState  # noqa: E402
from web import rooms  # noqa: E402
from web.app import create_app  # noqa: E402
from web.server.sockets import Live  # noqa: E402
from web.server.wsgi_server import make_socketio, serve  # noqa: E402
from web.services import Services  # noqa: E402


@dataclass(frozen=True)
class Stage:
    """A meeting under way: its id, its points, and the cookie of its chair."""

    meeting_id: int
    items: list[int]
    token: str


def set_up(db: Database) -> Stage:
    """Make the tables, the demo city, a meeting with its points, and a session of its chair."""
    Base.metadata.create_all(db.engine)
    with db.write() as tx:
        streams.renew_epoch(tx)
        demo.seed(tx)
        chair = tx.session.scalars(sa.select(Person).where(Person.email == demo.email_of("binh"))).one()
        meeting, items = _open_meeting(tx, chair)
        visit = signin.Visit("127.0.0.1", "bench", 12, Limits(10))
        return Stage(meeting.id, items, signin.enter(tx, chair, visit).token)


def _open_meeting(tx: Tx, chair: Person) -> tuple[Meeting, list[int]]:
    actor = queries.actor_of(tx, chair.id)
    assert actor is not None
    now = clock.now()
    meeting = Meeting(
        uid="bench@example.org",
        agency_id=actor.agency_id,
        title="Phiên họp thường kỳ",
        starts_at=now,
        ends_at=now + timedelta(hours=4),
        chair_id=chair.id,
        secretary_id=chair.id,
        state=MeetingState.OPEN,
        created_at=now,
    )
    tx.session.add(meeting)
    tx.session.flush()
    points = [AgendaItem(meeting_id=meeting.id, title=f"Nội dung {number + 1}") for number in range(ITEMS)]
    tx.session.add_all(points)
    tx.session.flush()
    items = [point.id for point in points]
    meeting.item_order = meeting.visited = items
    return meeting, items


def plan_for(app: Flask, stage: Stage) -> dict[str, Any]:
    """What the driver needs: how to join, and the request of the chair that moves the agenda."""
    with app.test_request_context():
        csrf_token = generate_csrf()
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        form_cookie = serializer.dumps(dict(session))
    name = app.config["SESSION_COOKIE_NAME"]
    return {
        "headers": {"Cookie": f"{signin.COOKIE}={stage.token}; {name}={form_cookie}"},
        "post": {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-CSRFToken": csrf_token,
            "Accept": "application/json",
        },
        "join": ["join", {"streams": {f"meeting:{stage.meeting_id}": 0}, "epoch": None}],
        "path": f"/meetings/{stage.meeting_id}/current",
        "bodies": [f"item={item}" for item in stage.items],
    }


def main() -> None:
    folder = Path(sys.argv[1])
    config = Config(data_dir=folder, database_url=f"sqlite:///{folder / 'bench.db'}", secret_key="bench")
    parts = Services.from_config(config)
    rooms.load_models()
    stage = set_up(parts.db)
    app = create_app(config, parts)
    socketio = make_socketio(ping_interval=20, ping_timeout=20)
    socketio.init_app(app)
    Live(app, socketio, parts).start()
    plan = plan_for(app, stage)

    def say(port: int) -> None:
        sys.stdout.write(json.dumps({**plan, "port": port}) + "\n")
        sys.stdout.flush()

    serve(app, socketio, "127.0.0.1", 0, on_start=say)


if __name__ == "__main__":
    main()
