"""Any schedule of cuts, doubles, reorders, kills between commit and emit, restored databases and changed audiences
leads every reader where the rows lead: nothing missed, doubled, out of order, or outside the audience."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.live.model import CLOSED, DESK, KINDS, ROOM, Client, Server

CLIENTS = 3
who = st.integers(0, CLIENTS - 1)
stream = st.sampled_from(sorted(KINDS))


class Schedules(RuleBasedStateMachine):
    """One meeting, three readers, and everything that happens to them."""

    @initialize()
    def begin(self) -> None:
        self.server = Server(CLIENTS)
        self.clients = [Client(number, self.server) for number in range(CLIENTS)]
        self.kept = self.server.backup()
        for client in self.clients:
            client.connect()

    @rule(stream=stream, thing=st.integers(1, 3), gone=st.booleans(), told=st.booleans())
    def change(self, stream: str, thing: int, gone: bool, told: bool) -> None:
        """A write; `told`: handed on at once, else it waits for the tailer or is lost with the process."""
        self.server.change(stream, thing, gone)
        if told:
            self.server.hand_on(stream)

    @rule(stream=stream)
    def tail(self, stream: str) -> None:
        self.server.hand_on(stream)

    @rule(who=who, ahead=st.integers(0, 3))
    def deliver(self, who: int, ahead: int) -> None:
        """The next message, or an event that overtakes others of its kind."""
        wire = self.clients[who].wire
        if not wire:
            return
        events = next((n for n, (kind, _) in enumerate(wire) if kind != "ev"), len(wire))
        self.clients[who].receive(min(ahead, max(events - 1, 0)))

    @rule(who=who)
    def double(self, who: int) -> None:
        wire = self.clients[who].wire
        if wire and wire[0][0] == "ev":
            wire.insert(0, wire[0])

    @rule(who=who)
    def cut(self, who: int) -> None:
        self.clients[who].lose()

    @rule(who=who)
    def connect(self, who: int) -> None:
        if not self.clients[who].connected:
            self.clients[who].connect()

    @rule()
    def kill(self) -> None:
        self.server.die()

    @rule()
    def beat(self) -> None:
        self.server.beat()

    @rule(stream=stream)
    def prune(self, stream: str) -> None:
        self.server.prune(stream)

    @rule(stream=st.sampled_from([CLOSED, DESK]), people=st.sets(who))
    def change_audience(self, stream: str, people: set[int]) -> None:
        self.server.reset(stream, people & self.server.rows.audience[ROOM])  # only of people in the meeting

    @rule(gone=who)
    def remove_and_seat(self, gone: int) -> None:
        """Somebody is taken off the list, everybody else is back on it."""
        for name in (CLOSED, DESK):
            if gone in self.server.rows.audience[name]:
                self.server.reset(name, self.server.rows.audience[name] - {gone})
        self.server.reset(ROOM, set(range(CLIENTS)) - {gone})

    @rule()
    def keep(self) -> None:
        self.kept = self.server.backup()

    @rule()
    def restore(self) -> None:
        self.server.restore(self.kept)

    @invariant()
    def nothing_is_doubled_or_out_of_order(self) -> None:
        for client in self.clients:
            for name in KINDS:
                numbers = [n for s, n in client.applied if s == name]
                assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True

    @invariant()
    def nothing_is_told_outside_the_audience(self) -> None:
        assert self.server.leaks == []

    def teardown(self) -> None:
        """The storm is over: everybody is connected, everything is delivered, and stands where the rows stand."""
        for client in self.clients:
            if not client.connected:
                client.connect()
            elif client.beginning and not client.wire:  # was sent away, and opens the page anew
                client.begin()
        for _ in range(4):
            for name in KINDS:
                self.server.hand_on(name)
            self.server.beat()
            self._deliver_all()
        for client in self.clients:
            allowed = self.server.allowed(client.who)
            wanted: dict[str, Any] = {name: self.server.rows.states[name] for name in allowed}
            assert client.states == wanted
            assert client.last == {name: self.server.rows.head(name) for name in allowed}

    def _deliver_all(self) -> None:
        for _ in range(10_000):
            ready = [client for client in self.clients if client.wire]
            if not ready:
                return
            ready[0].receive()
        raise AssertionError("the wires never fell silent")


def _run(examples: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run = settings(max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=checks)
    run_state_machine_as_test(Schedules, settings=run)


def test_two_hundred_schedules_lead_everybody_where_the_rows_lead() -> None:
    _run(200)


@pytest.mark.long_proof
def test_ten_thousand_schedules_do() -> None:
    _run(10_000)
