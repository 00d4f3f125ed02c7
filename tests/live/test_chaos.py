"""The real web process and the real database, readers behind a wire that breaks in every way: at the end each stands
where the rows stand, and nothing of a confidential point has reached who may not read it."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import requests

from kernel.db import Database
from kernel.streams import renew_epoch
from meetings import audiences, convening, planning, snapshots
from meetings.access import item_for
from meetings.audiences import AudienceFacts
from meetings.planning import ItemFacts
from meetings.states import Audience
from tests.browser.tcp_proxy import TcpProxy
from tests.cast import Cast, meet
from tests.forks.instance import ForkedInstance
from tests.live.reader import Reader
from tests.meetings import stage as at
from tests.postgres import TestServer
from web.tour.browser import Browser
from web.tour.instance import Instance

SECRET = "Điều động cán bộ"
READERS = ("thu", "lan", "nam", "dung")
CLEARED = ("lan", "nam")
CONVERGED_S = 40.0


@dataclass
class Scene:
    """A meeting in progress, four readers at their wires, and how often its closed point was rewritten."""

    instance: Instance
    db: Database
    cast: Cast
    stage: at.Stage
    wires: dict[str, TcpProxy] = field(default_factory=dict)
    readers: dict[str, Reader] = field(default_factory=dict)
    writes: int = 0

    def write(self, item: int) -> None:
        """A change of a point by another process than the web's."""
        self.writes += 1
        with self.db.write(self.cast.thu.by) as tx:
            title = f"{SECRET} {self.writes}" if item == self.stage.items[1] else f"Việc {self.writes}"
            rev = item_for(tx, at.meeting(self.db, self.stage), item).rev
            planning.change_item(tx, self.cast.thu, self.stage.id, item, ItemFacts(title, "", 5), rev)

    def clear(self, *names: str) -> None:
        """Choose who reads the closed point."""
        with self.db.write(self.cast.thu.by) as tx:
            facts = AudienceFacts(Audience.HIDDEN, frozenset(self.stage.people[name] for name in names))
            audiences.change_audience(tx, self.cast.thu, self.stage.id, self.stage.items[1], facts)

    def restored(self) -> None:
        """What a restore does to the numbers: they are worth nothing any more."""
        self.instance.kill("web")
        with self.db.write() as tx:
            renew_epoch(tx)
        self.start()

    def killed_between_commit_and_emit(self) -> None:
        """The change is a row, and no socket has heard of it."""
        self.instance.kill("web")
        self.instance.start("web", LIENTHONG_FAULT_POINT="tx.after_commit")
        self.instance.wait_for_web()
        thu = self.readers["thu"].browser
        with suppress(requests.ConnectionError):
            thu.get(f"/meetings/{self.stage.id}/build")
            thu.post(f"/meetings/{self.stage.id}/items", title="Việc phát sinh", presenter="", minutes="5")
        self.instance.kill("web")
        self.start()

    def start(self) -> None:
        """The web process is there again."""
        self.instance.start("web")
        self.instance.wait_for_web()

    def difference(self) -> str:
        """What some reader does not show as the rows say it; empty when all do."""
        for name, reader in self.readers.items():
            with self.db.read() as tx:
                wanted = snapshots.snapshot(tx, getattr(self.cast, name), self.stage.id).wire()
            heads = {stream: head for stream, head in wanted["heads"].items() if stream.startswith("meeting:")}
            if reader.last != heads or reader.state != wanted["state"]:
                return f"{name}: {reader.last} instead of {heads} after {reader.joins}"
        return ""


@pytest.fixture(scope="module")
def instance(postgres: TestServer) -> Iterator[Instance]:
    with ForkedInstance(database_url=postgres.create(postgres.fresh_name()), parts=("web",)) as running:
        yield running


@pytest.fixture
def scene(instance: Instance) -> Iterator[Scene]:
    with instance.database() as db:
        with db.read() as tx:
            cast = meet(tx)
        scene = Scene(instance, db, cast, at.opened(db, cast))
        scene.clear(*CLEARED)
        for name in READERS:
            scene.wires[name] = wire = TcpProxy(instance.port)
            browser = Browser(instance.url).sign_in(name)
            scene.readers[name] = Reader(browser, wire.url, scene.stage.id, polling=name == "nam")
        until_all_stand_where_the_rows_do(scene)
        yield scene
        for wire in scene.wires.values():
            wire.close()
        for reader in scene.readers.values():
            reader.close()


def until_all_stand_where_the_rows_do(scene: Scene) -> None:
    end = time.monotonic() + CONVERGED_S
    while wrong := scene.difference():
        assert time.monotonic() < end, wrong
        time.sleep(0.05)


FAULTS: dict[str, Callable[[TcpProxy], None]] = {
    "cut": TcpProxy.cut,
    "stall": TcpProxy.stall,
    "half-open": TcpProxy.swallow,
    "buffered": TcpProxy.buffer,
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_broken_wire_loses_nothing(scene: Scene, fault: str) -> None:
    for wire in scene.wires.values():
        FAULTS[fault](wire)
    for item in (*scene.stage.items, *scene.stage.items):
        scene.write(item)
    if fault != "buffered":  # that one must do as it is
        for wire in scene.wires.values():
            wire.mend()
    until_all_stand_where_the_rows_do(scene)


def test_a_server_that_dies_between_commit_and_emit_loses_nothing(scene: Scene) -> None:
    scene.write(scene.stage.items[1])
    scene.killed_between_commit_and_emit()
    scene.write(scene.stage.items[0])
    until_all_stand_where_the_rows_do(scene)


def test_a_restored_database_is_read_anew(scene: Scene) -> None:
    scene.restored()
    scene.write(scene.stage.items[0])
    until_all_stand_where_the_rows_do(scene)


def test_who_may_not_read_a_point_any_more_hears_nothing_of_what_follows(scene: Scene) -> None:
    for turn in range(3):
        scene.clear("nam")
        scene.write(scene.stage.items[1])
        lost = f"{SECRET} {scene.writes}"
        until_all_stand_where_the_rows_do(scene)
        assert not [told for told in scene.readers["lan"].reached if lost in told], turn
        assert [told for told in scene.readers["nam"].reached if lost in told], turn
        scene.clear(*CLEARED)
        until_all_stand_where_the_rows_do(scene)
    assert not [told for told in scene.readers["dung"].reached if SECRET in told]


def test_who_was_taken_off_the_list_while_connected_is_out(scene: Scene) -> None:
    with scene.db.write(scene.cast.thu.by) as tx:
        convening.drop_person(tx, scene.cast.thu, scene.stage.id, scene.stage.people["lan"])
    scene.write(scene.stage.items[0])
    last = f"Việc {scene.writes}"
    lan = scene.readers.pop("lan")
    until_all_stand_where_the_rows_do(scene)
    end = time.monotonic() + CONVERGED_S
    while not lan.is_out:
        assert time.monotonic() < end, lan.joins
        time.sleep(0.05)
    lan.close()
    assert not [told for told in lan.reached if last in told]


@pytest.mark.long_proof
@pytest.mark.parametrize("seed", range(10))
def test_any_order_of_all_of_it_leads_everybody_where_the_rows_lead(scene: Scene, seed: int) -> None:
    source = random.Random(seed)
    for _ in range(25):
        act = source.choice(["write"] * 6 + ["wire"] * 6 + ["mend"] * 4 + ["audience", "die", "restore"])
        if act == "write":
            scene.write(source.choice(scene.stage.items))
        elif act == "wire":
            FAULTS[source.choice(sorted(FAULTS))](scene.wires[source.choice(READERS)])
        elif act == "mend":
            scene.wires[source.choice(READERS)].mend()
        elif act == "audience":
            scene.clear(*source.sample(CLEARED, source.randint(0, 2)))
        elif act == "die":
            scene.killed_between_commit_and_emit()
        else:
            scene.restored()
    for wire in scene.wires.values():
        wire.mend()
    until_all_stand_where_the_rows_do(scene)
    assert not [told for told in scene.readers["dung"].reached if SECRET in told]
