"""A model of the live streams: a server with rows and rooms, a wire that loses, doubles and reorders, and clients that
do what live.js, live-subscription.js and room.js do. What clients apply is the real `meetings.projection`."""

import copy
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from kernel.streams import REPLAY_LIMIT
from meetings import projection

ROOM, CLOSED, DESK = "meeting:1", "meeting:1/item:7", "meeting:1/desk"
KINDS = {ROOM: "item", CLOSED: "cleared", DESK: "answer"}
Message = tuple[str, Any]


@dataclass
class Row:
    """One stored event."""

    n: int
    kind: str
    data: dict[str, Any]


@dataclass
class Rows:
    """The database: what a backup holds and a restore brings back."""

    events: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in KINDS})
    tails: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    states: dict[str, dict[str, Any]] = field(default_factory=lambda: {name: projection.empty() for name in KINDS})
    audience: dict[str, set[int]] = field(default_factory=dict)
    revs: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def head(self, stream: str) -> int:
        """The number of the newest event."""
        return self.events[stream][-1].n if self.events[stream] else self.tails[stream]


class Server:
    """Database and web process. A process that dies forgets rooms and what it has handed on; rows stay."""

    def __init__(self, clients: int) -> None:
        self.rows = Rows(audience={ROOM: set(range(clients)), CLOSED: {0}, DESK: {0}})
        self.epoch = 1
        self.rooms: dict[str, dict[int, Client]] = {name: {} for name in KINDS}
        self.sent: dict[str, int] = {}
        self.removed_at: dict[tuple[str, int], int] = {}
        self.leaks: list[tuple[int, str, int]] = []

    def allowed(self, who: int) -> list[str]:
        """The streams of somebody, as the snapshot names them."""
        return [name for name, people in self.rows.audience.items() if who in people]

    def write(self, stream: str, kind: str, data: dict[str, Any]) -> None:
        """Commit an event; nothing is handed on yet."""
        self.rows.events[stream].append(Row(self.rows.head(stream) + 1, kind, data))
        self.rows.states[stream] = projection.apply(self.rows.states[stream], kind, data)

    def change(self, stream: str, thing: int, gone: bool) -> None:
        """Set an object of a stream to a new revision, or take it away."""
        self.rows.revs[thing] += 1
        data = {"id": thing, "rev": self.rows.revs[thing], "value": self.rows.revs[thing] * 7}
        self.write(stream, KINDS[stream], {**data, "gone": True} if gone else data)

    def reset(self, stream: str, people: set[int]) -> None:
        """Another audience: those who lose it hear it on the stream itself, those who gain it in the room."""
        gained, lost = people - self.rows.audience[stream], self.rows.audience[stream] - people
        self.rows.audience[stream] = people
        self.removed_at |= {(stream, who): self.rows.head(stream) for who in lost}
        if lost or stream == ROOM:
            self.write(stream, "reset", {})
        if gained and stream != ROOM:
            self.write(ROOM, "reset", {})

    def hand_on(self, stream: str) -> None:
        """Give the rows of a stream that were not handed on to its room, as the tailer does."""
        for row in self.rows.events[stream]:
            if stream not in self.sent or row.n <= self.sent[stream]:
                continue
            self.sent[stream] = row.n
            for client in list(self.rooms[stream].values()):
                self._look_for_a_leak(client.who, stream, row)
                client.wire.append(("ev", {"s": stream, "n": row.n, "k": row.kind, "d": row.data}))
            if row.kind == "reset":
                for who in list(self.rooms[stream]):
                    self.put_out(who)

        if stream in self.sent:  # rows that were deleted before are passed over
            self.sent[stream] = max(self.sent[stream], self.rows.head(stream))

    def _look_for_a_leak(self, who: int, stream: str, row: Row) -> None:
        if who not in self.rows.audience[stream] and row.kind != "reset" and row.n > self.removed_at[stream, who]:
            self.leaks.append((who, stream, row.n))

    def put_out(self, who: int) -> None:
        """Out of all rooms first, then the word."""
        names = [name for name in KINDS if who in self.rooms[name]]
        clients = [self.rooms[name].pop(who) for name in names]
        clients[0].wire.append(("reset", names))

    def beat(self) -> None:
        """Heads to who follows."""
        for name, room in self.rooms.items():
            for client in room.values():
                client.wire.append(("hb", {name: self.sent[name]}))

    def enter(self, client: "Client", wanted: dict[str, int | None]) -> bool:
        """The first half of a join: the rooms, before anything is read."""
        if not all(client.who in self.rows.audience.get(name, ()) for name in wanted):
            return False
        for name in wanted:
            self.rooms[name][client.who] = client
            self.sent.setdefault(name, self.rows.head(name))
        return True

    def missed(self, wanted: dict[str, int | None], epoch: int | None) -> Message:
        """The second half: everything, or a snapshot; never a part."""
        found: list[dict[str, Any]] = []
        for name, last in wanted.items():
            head, tail = self.rows.head(name), self.rows.tails[name]
            known = epoch in (None, self.epoch) and last is not None and tail <= last <= head
            if not known or last is None or head - last > REPLAY_LIMIT:
                return "snapshot", self.epoch
            found += [{"s": name, "n": r.n, "k": r.kind, "d": r.data} for r in self.rows.events[name] if r.n > last]
        return "replay", (found, self.epoch)

    def snapshot(self, who: int) -> Message:
        """The whole state of one reader and its heads, from one instant."""
        names = self.allowed(who)
        return "state", ({n: self.rows.states[n] for n in names}, {n: self.rows.head(n) for n in names}, self.epoch)

    def die(self) -> None:
        """Kill -9: sockets, rooms and what was not handed on are gone."""
        for name in KINDS:
            for client in list(self.rooms[name].values()):
                client.lose()
            self.rooms[name].clear()
        self.sent.clear()

    def prune(self, stream: str) -> None:
        """Old events go."""
        self.rows.tails[stream] = self.rows.head(stream)
        self.rows.events[stream].clear()

    def backup(self) -> Rows:
        """What a restore brings back."""
        return copy.deepcopy(self.rows)

    def restore(self, rows: Rows) -> None:
        """The database of earlier, under a new epoch. Audiences are those of today: who was removed stays removed."""
        audience = self.rows.audience
        self.die()
        self.rows = copy.deepcopy(rows)
        self.rows.audience = audience
        self.epoch += 1


class Client:
    """One page. `wire` is what is on its way to it, in order; a lost connection loses all of it."""

    def __init__(self, who: int, server: Server) -> None:
        self.who, self.server = who, server
        self.wire: list[Message] = []
        self.connected = False
        self.states: dict[str, dict[str, Any]] = {}
        self.last: dict[str, int | None] = {}
        self.epoch: int | None = None
        self.joining = self.again = self.beginning = False
        self.waiting: list[dict[str, Any]] = []
        self.applied: list[tuple[str, int]] = []  # since the last snapshot

    def connect(self) -> None:
        """The socket opens: join again, or begin when there is nothing yet."""
        self.connected = True
        self.waiting, self.joining = [], False
        if self.beginning or not self.last:
            self.begin()
        else:
            self.join()

    def lose(self) -> None:
        """The socket is gone with everything on it; the server notices as well."""
        self.connected, self.joining = False, False
        self.wire.clear()
        for room in self.server.rooms.values():
            room.pop(self.who, None)

    def begin(self) -> None:
        """Forget everything, ask what is for us, follow that (room.js)."""
        self.states, self.last, self.waiting, self.applied = {}, {}, [], []
        self.epoch, self.joining, self.beginning = None, False, True
        for room in self.server.rooms.values():
            room.pop(self.who, None)
        self.wire[:] = [("get", None)]

    def join(self) -> None:
        """Ask for what is missing; the wire carries the question, its answer comes later."""
        if self.joining:
            self.again = True
            return
        self.joining, self.again = True, False
        if self.server.enter(self, dict(self.last)):
            self.wire.append(("join", None))
        else:
            self.wire.append(("denied", None))

    def receive(self, place: int = 0) -> None:
        """The next message arrives."""
        kind, what = self.wire.pop(place)
        getattr(self, f"_{kind}")(what)

    def _get(self, _: None) -> None:
        names = self.server.allowed(self.who)
        if names:
            self.wire.insert(0, self.server.snapshot(self.who))

    def _state(self, what: tuple[dict[str, Any], dict[str, int], int]) -> None:
        states, heads, epoch = what
        same = set(heads) == set(self.last)
        self.states, self.applied = dict(states), []
        self.last, self.epoch = dict(heads), epoch
        if self.beginning or not same:
            self.beginning = False
            self.joining = False
            self.join()
        else:
            self._joined()

    def _join(self, _: None) -> None:
        self.wire.insert(0, self.server.missed(dict(self.last), self.epoch))

    def _replay(self, what: tuple[list[dict[str, Any]], int]) -> None:
        events, self.epoch = what
        self.waiting = events + self.waiting
        self._joined()

    def _snapshot(self, _epoch: int) -> None:
        self.wire.insert(0, self.server.snapshot(self.who))

    def _joined(self) -> None:
        self.joining = False
        waiting, self.waiting = sorted(self.waiting, key=lambda e: e["n"]), []
        for place, event in enumerate(waiting):
            if not self._apply(event):
                self.waiting += waiting[place:]
                self.join()
                return
            if self.beginning:
                return
        if self.again:
            self.join()

    def _denied(self, _: None) -> None:
        self.begin()

    def _ev(self, event: dict[str, Any]) -> None:
        if event["s"] not in self.last:
            return
        if self.joining or not self._apply(event):
            self.waiting.append(event)
            self.join()

    def _apply(self, event: dict[str, Any]) -> bool:
        stream, n = event["s"], event["n"]
        last = self.last[stream]
        if last is None or n > last + 1:
            return False
        if n <= last:
            return True
        self.last[stream] = n
        self.applied.append((stream, n))
        if event["k"] == "reset":
            self.begin()
        else:
            self.states[stream] = projection.apply(self.states[stream], event["k"], event["d"])
        return True

    def _hb(self, heads: dict[str, int]) -> None:
        if not self.joining and any((self.last.get(s) or 0) < n for s, n in heads.items() if s in self.last):
            self.join()

    def _reset(self, names: list[str]) -> None:
        if any(name in self.last for name in names):
            self.begin()
