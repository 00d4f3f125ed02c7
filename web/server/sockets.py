"""The browsers that this process holds, and the tailer that hands them the rows of their streams.

Sockets only carry server → browser; the one thing a browser says is which streams it wants (docs/live-protocol.md).
"""

import json
import logging
from collections import defaultdict
from typing import Any

import gevent
from flask import Flask, request
from flask_socketio import SocketIO, join_room, leave_room

from directory import signin
from directory.attempts import DEVICE_COOKIE, Limits
from kernel import clock, streams
from kernel.db import PROCESS, Committed, Tx
from kernel.netaddresses import network_of
from kernel.queue.wakeup import Wakeup
from meetings import walls
from web.entry import actor_from_cookies
from web.rates import Pace, Purses
from web.services import Services

log = logging.getLogger(__name__)

HEARTBEAT_S = 10.0
MAX_STREAMS = 110
JOINS_PER_S = 100
"""Of everybody who is signed in; a browser that must wait asks again after a second."""
JOINS_OF_ONE = Pace(20, 50)
"""Of one person or wall: more tabs than anybody has, and a fifth of what all have together."""
STRANGER_LOOKUPS = Pace(5, 20)
"""At cookies that turn out to be nobody's: of one browser in which somebody has signed in before, or else of everybody
at one address. A socket is looked at once; then it is known for a stranger's."""
STRANGER_DENIALS = 5
"""Of a stranger's socket; from then on it is told to wait."""
MAX_JOINS_OF_A_STRANGER = 100
"""More end the socket."""
DENIED: dict[str, Any] = {"mode": "denied"}
WAIT: dict[str, Any] = {"mode": "wait", "ms": 1000}
UNAVAILABLE: dict[str, Any] = {"mode": "wait", "ms": 1000, "error": "unavailable"}
CHECK_ROUNDS = 6  # the rights of every browser are looked at once a minute


class Live:
    """The live side of one web process."""

    def __init__(self, app: Flask, socketio: SocketIO, parts: Services) -> None:
        self.app = app
        self.socketio = socketio
        self.parts = parts
        self.wakeup = Wakeup(parts.db, poll_s=parts.config.poll_ms / 1000)
        self._members: dict[str, set[str]] = defaultdict(set)  # stream -> sids
        self._joined: dict[str, set[str]] = defaultdict(set)  # sid -> streams
        self._cookies: dict[str, dict[str, str]] = {}  # sid -> the cookies that it came with
        self._origins: dict[str, str] = {}  # sid -> the known browser, or the network, that it came from
        self._known: set[str] = set()  # sids whose cookies stand for somebody
        self._strangers: dict[str, int] = {}  # sids whose cookies stand for nobody -> their joins
        self._limits = Limits.of(parts.config)
        self._purses = Purses()
        self._sent: dict[str, int] = {}  # stream -> last number given to its room
        self._round = 0
        self._handed: set[str] = set()
        parts.db.after_commit.append(self.hear)
        socketio.on_event("connect", self.connect)
        socketio.on_event("disconnect", self.disconnect)
        socketio.on_event("join", self.join)
        socketio.on_event("leave", self.leave)

    def start(self) -> None:
        """Begin to follow the rows and to beat."""
        gevent.spawn(self._forever, self._tail)
        gevent.spawn(self._forever, self._beat)

    # What browsers say

    def connect(self, _auth: Any = None) -> None:
        """Take a browser in. Who has no sign-in may stay, and every join of theirs is denied."""
        sid = _sid()
        self._cookies[sid] = dict(request.cookies)
        device = self._limits.any_device_of(request.cookies.get(DEVICE_COOKIE, ""))
        self._origins[sid] = f"device {device}" if device else f"address {network_of(request.remote_addr or '')}"
        if not any(request.cookies.get(name) for name in (signin.COOKIE, walls.COOKIE)):
            self._strangers[sid] = 0

    def disconnect(self, _reason: Any = None) -> None:
        """Forget a browser."""
        sid = _sid()
        for name in self._joined.pop(sid, set()):
            self._forget(sid, name)
        self._cookies.pop(sid, None)
        self._origins.pop(sid, None)
        self._known.discard(sid)
        self._strangers.pop(sid, None)

    def leave(self, data: Any) -> None:
        """Stop following streams."""
        sid = _sid()
        for name in self._joined.get(sid, set()).intersection(_names(data)):
            leave_room(name)
            self._joined[sid].discard(name)
            self._forget(sid, name)

    def join(self, data: Any) -> dict[str, Any]:
        """Follow streams from the numbers that the browser has. Answers everything that it missed, or where the
        whole state is read, or that it may not: never a part. While the database is away it is told to come again."""
        sid = _sid()
        if sid in self._strangers:  # costs no look into the database
            return self._turn_away(sid)
        wanted = data.get("streams") if isinstance(data, dict) else None
        if not isinstance(wanted, dict) or not 0 < len(wanted) <= MAX_STREAMS:
            return DENIED
        try:
            return self._admit(sid, wanted) or self._follow(sid, wanted, data.get("epoch"))
        except Exception:  # a join without an answer would wait for ten seconds and then close the connection
            log.exception("a join failed; the browser will try again")
            return UNAVAILABLE

    def _admit(self, sid: str, wanted: dict[str, Any]) -> dict[str, Any] | None:
        """Why the browser may not follow these streams now; None when it may."""
        origin, is_new = self._origins.get(sid, ""), sid not in self._known
        if is_new and not self._purses.take(origin, STRANGER_LOOKUPS):
            return WAIT  # others of this origin have shown cookies that are nobody's
        with self.parts.db.read() as tx:
            actor = actor_from_cookies(tx, self._cookies.get(sid, {}))
            if actor is None:
                self._strangers[sid] = 0
                return self._turn_away(sid)
            if is_new:
                self._purses.give_back(origin, STRANGER_LOOKUPS)
                self._known.add(sid)
            if not self._may_spend(f"{actor.kind} {actor.session_id or actor.by}"):
                return WAIT
            return None if all(streams.may_join(tx, actor, str(name)) for name in wanted) else DENIED

    def _follow(self, sid: str, wanted: dict[str, Any], epoch: Any) -> dict[str, Any]:
        self._enter(sid, [str(name) for name in wanted])
        # A second look, after the rooms were entered: what is committed in between is then either read here or
        # emitted to the room, and a double is dropped by its number.
        with self.parts.db.read() as tx:
            return self._missed(tx, wanted, epoch)

    def _turn_away(self, sid: str) -> dict[str, Any]:
        """What a stranger is told, for as long as that is worth a socket."""
        self._strangers[sid] += 1
        if self._strangers[sid] > MAX_JOINS_OF_A_STRANGER:
            gevent.spawn(self.socketio.server.disconnect, sid)
        return DENIED if self._strangers[sid] <= STRANGER_DENIALS else WAIT

    def _enter(self, sid: str, names: list[str]) -> None:
        for name in names:
            join_room(name)
            self._members[name].add(sid)
            self._joined[sid].add(name)

    def _missed(self, tx: Tx, wanted: dict[str, Any], epoch: Any) -> dict[str, Any]:
        ours = str(streams.epoch(tx))
        heads = streams.heads(tx, wanted)
        for name, head in heads.items():
            self._sent.setdefault(name, head)
        missed: list[streams.Event] = []
        for name, last in wanted.items():
            known = epoch in (None, ours) and type(last) is int and last >= 0
            events = streams.replay(tx, name, last) if known else None
            if events is None:
                url = next((u for u in map(streams.snapshot_url, wanted) if u), None)
                return {"mode": "snapshot", "url": url, "heads": heads, "epoch": ours}
            missed += events
        return {"mode": "replay", "events": [e.wire() for e in missed], "epoch": ours}

    def _may_spend(self, who: str) -> bool:
        """A thousand browsers that come back at once are let in at a pace that the database can answer; one of them
        alone never takes more than its own part of it."""
        return self._purses.take(who, JOINS_OF_ONE) and self._purses.take("everybody", Pace(JOINS_PER_S, JOINS_PER_S))

    # What browsers hear

    def hear(self, done: Committed) -> None:
        """A write of this very process: hand its events on at once, without reading them back. Whatever does not
        follow directly on what was handed on is left to the tailer."""
        for event in done.events:
            follows = self._sent.get(event.stream) == event.seq - 1
            (self._handed.add if follows else self._handed.discard)(event.stream)
            self._hand_on(event)
        for hint in done.hints:
            self.socketio.emit(hint.name, hint.data, to=hint.stream)

    def _hand_on(self, event: streams.Event) -> None:
        if self._sent.get(event.stream) != event.seq - 1:
            return
        self._sent[event.stream] = event.seq
        self.socketio.emit("ev", event.wire(), to=event.stream)
        if event.kind == "reset":
            self._reset(event.stream)

    def _tail(self) -> None:
        heard = self.wakeup.wait(1.0)
        self._pass_hints(heard)
        if "*" in heard or not heard:
            names = list(self._sent)
        else:
            # What this process wrote and handed on itself need not be looked for while it is still going out.
            names = [n[2:] for n in heard if n.startswith("s ") and n[2:] in self._sent and n[2:] not in self._handed]
        self._handed.clear()
        if names:
            for event in self._news(names):
                self._hand_on(event)

    def _pass_hints(self, heard: frozenset[str]) -> None:
        """Hand on what is volatile and was written in another process."""
        for text in heard:
            if text.startswith("h "):
                process, stream, name, data = json.loads(text[2:])
                if process != PROCESS:
                    self.socketio.emit(name, data, to=stream)

    def _news(self, names: list[str]) -> list[streams.Event]:
        found = []
        with self.parts.db.read() as tx:
            for name, head in streams.heads(tx, names).items():
                last = self._sent.get(name)
                if last is not None and head > last:
                    events = streams.between(tx, name, last, head)
                    self._pass_over(name, last, events[0].seq - 1 if events else head)
                    found += events
        return found

    def _pass_over(self, name: str, last: int, to: int) -> None:
        """Rows that were deleted before they were handed on (`streams.forget`) are nobody's any more. Who follows sees
        the gap, here or at the next beat, joins again and gets a snapshot."""
        if self._sent.get(name) == last:
            self._sent[name] = to

    def _reset(self, stream: str) -> None:
        """Rights changed: put everybody of this stream out; who may come back joins again."""
        for sid in list(self._members.get(stream, ())):
            self._put_out(sid)

    def _put_out(self, sid: str) -> None:
        names = sorted(self._joined.get(sid, ()))
        self._drop_from_all(sid)
        self.socketio.emit("reset", {"streams": names}, to=sid)

    def _drop_from_all(self, sid: str) -> None:
        for name in self._joined.pop(sid, set()):
            self.socketio.server.leave_room(sid, name, namespace="/")
            self._forget(sid, name)

    def _beat(self) -> None:
        """Tell the heads, one message a stream to all who follow it, and look again at the rights of some."""
        gevent.sleep(HEARTBEAT_S)
        now = int(clock.now().timestamp() * 1000)
        for name, head in list(self._sent.items()):
            self.socketio.emit("hb", {"heads": {name: head}, "now": now}, to=name)
            gevent.sleep(0)
        for place, sid in enumerate(list(self._joined)):
            if place % CHECK_ROUNDS == self._round:
                self._check_rights(sid)
                gevent.sleep(0.001)  # lets a change of the agenda pass between two looks
        self._round = (self._round + 1) % CHECK_ROUNDS

    def _check_rights(self, sid: str) -> None:
        """A sign-out elsewhere or a lost role ends what a browser hears within a minute."""
        with self.parts.db.read() as tx:
            actor = actor_from_cookies(tx, self._cookies.get(sid, {}))
            allowed = actor is not None and all(streams.may_join(tx, actor, n) for n in self._joined.get(sid, ()))
        if not allowed:
            self._put_out(sid)

    def _forget(self, sid: str, name: str) -> None:
        members = self._members.get(name)
        if members is None:
            return
        members.discard(sid)
        if not members:
            del self._members[name]
            self._sent.pop(name, None)

    def _forever(self, step: Any) -> None:
        while True:
            try:
                step()
            except Exception:
                log.exception("the live side failed")
                gevent.sleep(1)


def _sid() -> str:
    sid: str = request.sid  # type: ignore[attr-defined]
    return sid


def _names(data: Any) -> list[str]:
    names = data.get("streams") if isinstance(data, dict) else data
    return [str(n) for n in names] if isinstance(names, list) else []
