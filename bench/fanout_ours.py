"""Our side of `bench fanout`: a durable agenda change over HTTP, and the tailer that tells the room.

Usage: `python -m bench.fanout_ours DATABASE`; prints the port it got.
"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
import sqlalchemy as sa  # noqa: E402
from flask import Flask, jsonify, request  # noqa: E402
from flask_socketio import SocketIO, join_room  # noqa: E402

from kernel import streams  # noqa: E402
from kernel.db import Base, Database  # noqa: E402
from kernel.wakeup import Wakeup  # noqa: E402
from web.server import make_socketio, serve  # noqa: E402

STREAM = "meeting:1"
AGENDA = sa.table("bench_agenda", sa.column("id"), sa.column("current_item"), sa.column("rev"))


def build(db: Database) -> tuple[Flask, SocketIO]:
    """The app with its one door, and its sockets."""
    app = Flask(__name__)
    socketio = make_socketio()
    socketio.init_app(app)

    @socketio.on("join")  # type: ignore[untyped-decorator]
    def join(room: str) -> bool:
        join_room(room)
        return True

    @app.post("/agenda")
    def move() -> Any:
        wanted = request.get_json()
        with db.write("person:1") as tx:
            rev = tx.session.execute(
                sa.update(AGENDA)
                .where(AGENDA.c.id == 1)
                .values(current_item=wanted["item"], rev=AGENDA.c.rev + 1)
                .returning(AGENDA.c.rev)
            ).scalar_one()
            data = {"meeting": 1, "rev": rev, "item": wanted["item"], "title": wanted["title"], "by": tx.by}
            tx.publish(STREAM, "agenda.moved", data)
        return jsonify(rev=rev)

    return app, socketio


def prepare(db: Database) -> None:
    """Make the tables and the meeting."""
    Base.metadata.create_all(db.engine)
    with db.write() as tx:
        tx.session.execute(
            sa.text("CREATE TABLE bench_agenda (id INTEGER PRIMARY KEY, current_item INTEGER, rev INTEGER)")
        )
        tx.session.execute(sa.insert(AGENDA).values(id=1, current_item=0, rev=0))


def tail(db: Database, socketio: SocketIO) -> None:
    """Emit what was committed, for ever."""
    wakeup = Wakeup(db)
    told = 0
    while True:
        wakeup.wait(1.0)
        with db.read() as tx:
            events = streams.replay(tx, STREAM, told) or []
        for event in events:
            socketio.emit("event", event.wire(), to=STREAM)
            told = event.seq


def main() -> None:
    db = Database(f"sqlite:///{sys.argv[1]}")
    prepare(db)
    app, socketio = build(db)
    gevent.spawn(tail, db, socketio)

    def say(port: int) -> None:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()

    serve(app, socketio, "127.0.0.1", 0, on_start=say)


if __name__ == "__main__":
    main()
