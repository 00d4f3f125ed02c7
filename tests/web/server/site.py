"""A small site on the real server, started by the tests as a process of its own.

It has endpoints to do from outside what the application does from inside: enter a room, emit, look.
Usage: `python -m tests.web.server.site '{"backlog": 100000}'`; prints the port it got.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import sys  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
from flask import Flask, jsonify, request  # noqa: E402
from flask_socketio import join_room  # noqa: E402

from web.server.broadcast import Limits  # noqa: E402
from web.server.wsgi_server import make_socketio, serve  # noqa: E402


@dataclass(frozen=True)
class Observed:
    """What has happened on the site so far, for `/state` to tell."""

    answers: list[Any] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    slow: list[float] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)


def build(limits: Limits, ping_interval: float = 1, ping_timeout: float = 120) -> tuple[Flask, Any]:
    """The app and its Socket.IO side, bound to each other."""
    app = Flask(__name__)
    socketio = make_socketio(limits, ping_interval=ping_interval, ping_timeout=ping_timeout)
    socketio.init_app(app)
    observed = Observed()
    add_socket_events(socketio, observed)
    add_emitting_endpoints(app, socketio)
    add_state(app, socketio, observed)
    add_plain_endpoints(app, observed.slow)
    return app, socketio


def add_socket_events(socketio: Any, observed: Observed) -> None:
    """Rooms can be joined; joining and leaving are noted."""

    @socketio.on("join")  # type: ignore[untyped-decorator]
    def join(room: str) -> str:
        join_room(room)
        observed.joined.append(room)
        return str(request.sid)  # type: ignore[attr-defined]

    @socketio.on("disconnect")  # type: ignore[untyped-decorator]
    def left(reason: str) -> None:
        observed.gone.append(str(reason))


def add_emitting_endpoints(app: Flask, socketio: Any) -> None:
    """Endpoints that send events to rooms and to single sockets."""

    @app.post("/emit")
    def emit() -> Any:
        wanted = request.get_json()
        for number in range(wanted.get("first", 0), wanted.get("first", 0) + wanted.get("times", 1)):
            data = {"n": number, "text": wanted.get("text", "") * wanted.get("repeat", 1)}
            socketio.emit("event", data, to=wanted["room"], skip_sid=wanted.get("skip"))
            gevent.sleep(wanted.get("pause", 0))
        return jsonify(ok=True)

    @app.post("/emit-mixed")
    def emit_mixed() -> Any:
        """Events through the broadcast and, in between, packets that python-socketio queues itself."""
        wanted = request.get_json()
        for number in range(wanted["times"]):
            if number % 3 == 2:
                socketio.emit("event", {"n": number}, to=wanted["sid"], callback=lambda *_: None)
            else:
                socketio.emit("event", {"n": number}, to=wanted["room"])
            if number % 7 == 0:
                gevent.sleep(0)
        return jsonify(ok=True)

    @app.post("/emit-two-at-once")
    def emit_two_at_once() -> Any:
        """A second greenlet queues a packet for everyone as soon as the broadcast gives way."""
        wanted = request.get_json()

        def second() -> None:
            for sid in wanted["sids"]:
                socketio.emit("event", {"n": "second"}, to=sid, callback=lambda *_: None)

        gevent.spawn(second)
        socketio.emit("event", {"n": "first"}, to=wanted["room"])
        return jsonify(ok=True)

    @app.post("/emit-binary")
    def emit_binary() -> Any:
        socketio.emit("event", {"bytes": b"\x00\x01\xff"}, to=request.get_json()["room"])
        return jsonify(ok=True)


def add_state(app: Flask, socketio: Any, observed: Observed) -> None:
    """Endpoints that ask one socket for an answer, and tell what has happened so far."""

    @app.post("/ask")
    def ask() -> Any:
        socketio.emit("event", {"n": 1}, to=request.get_json()["sid"], callback=lambda *a: observed.answers.extend(a))
        return jsonify(ok=True)

    @app.get("/state")
    def state() -> Any:
        members = list(socketio.server.eio.sockets.values())
        return jsonify(
            answers=observed.answers,
            gone=observed.gone,
            slow=observed.slow,
            joined=observed.joined,
            members=len(members),
            queued=[member.queue.qsize() for member in members],
            owed=[wire.owed for wire in socketio.server.manager.wires()],
        )


def add_plain_endpoints(app: Flask, slow: list[float]) -> None:
    """Endpoints that have nothing to do with sockets; `slow` tells which slow requests have come in."""

    @app.get("/slow")
    def answer_slowly() -> str:
        slow.append(float(request.args["seconds"]))
        gevent.sleep(slow[-1])
        return "done"

    @app.post("/refuse")
    def refuse() -> tuple[str, int]:
        """Looks at no body."""
        return "not from you", 401


def main() -> None:
    settings = json.loads(sys.argv[1])
    pings = {name: settings.pop(name) for name in ("ping_interval", "ping_timeout") if name in settings}
    app, socketio = build(Limits(**settings), **pings)

    def say(word: str) -> None:
        sys.stdout.write(f"{word}\n")
        sys.stdout.flush()

    serve(app, socketio, "127.0.0.1", 0, lambda: say("stopping"), on_start=lambda port: say(str(port)))
    say("stopped")


if __name__ == "__main__":
    main()
