"""What a browser hears from the real web process: only its own streams, all of it, in order, wherever it left off."""

import re
from collections.abc import Iterator

import pytest
import requests
import sqlalchemy as sa

from kernel import streams
from kernel.streams import stored_name
from tests.forks.instance import ForkedInstance
from tests.postgres import TestServer
from tests.sample_events import Sample
from tests.sampling import sampled
from web.tour.browser import Browser, Unexpected
from web.tour.instance import Instance
from web.tour.reading import number_in


@pytest.fixture(scope="module")
def instance(database_kind: str, request: pytest.FixtureRequest) -> Iterator[Instance]:
    url = ""
    if database_kind == "postgresql":
        server: TestServer = request.getfixturevalue("postgres")
        url = server.create(server.fresh_name())
    with ForkedInstance(database_url=url, parts=("web",)) as running:
        yield running


@pytest.fixture
def nam(instance: Instance) -> Browser:
    return Browser(instance.url).sign_in("nam")


@pytest.fixture
def own(nam: Browser) -> str:
    """Nam's own stream."""
    found = re.search(r"person:\d+", nam.get("/"))
    assert found
    return found[0]


def publish(instance: Instance, stream: str, kind: str = "task", **data: object) -> None:
    """What a worker does: a write of another process."""
    with instance.database() as db, db.write() as tx:
        tx.publish(stored_name(stream), kind, Sample(data))


def test_a_write_of_another_process_is_heard(instance: Instance, nam: Browser, own: str) -> None:
    listener = nam.listen(own)
    publish(instance, own, state="done")
    assert listener.wait("task")["d"] == {"state": "done"}
    listener.close()


def test_events_that_overtake_each_other_on_their_way_are_heard_in_order(nam: Browser, own: str) -> None:
    """The client has a thread for each, and on a busy machine the later one may come first."""
    listener = nam.listen(own)
    last = listener.last[own]
    for place in (3, 1, 1, 2):
        listener._event({"s": own, "n": last + place, "k": "task", "d": {"place": place}})
    assert [listener.wait("task")["d"]["place"] for _ in range(3)] == [1, 2, 3]
    assert listener.heard.empty()
    listener.close()


def test_what_was_missed_is_replayed_in_order(instance: Instance, nam: Browser, own: str) -> None:
    listener = nam.listen(own)
    listener.disconnect()
    for number in range(5):
        publish(instance, own, number=number)
    answer = listener.connect()
    assert answer["mode"] == "replay"
    assert [e["d"]["number"] for e in answer["events"]] == [0, 1, 2, 3, 4]
    listener.close()


@pytest.mark.parametrize("last", [None, -1, 10**9, "3", True])
def test_numbers_that_make_no_sense_get_a_snapshot(nam: Browser, own: str, last: object) -> None:
    listener = nam.listen(own)
    listener.disconnect()
    listener.last = {own: last}  # type: ignore[dict-item]
    assert listener.connect()["mode"] == "snapshot"
    listener.close()


def test_too_many_missed_events_get_a_snapshot_never_a_part(instance: Instance, nam: Browser, own: str) -> None:
    listener = nam.listen(own)
    listener.disconnect()
    with instance.database() as db, db.write() as tx:
        for number in range(501):
            tx.publish(stored_name(own), "task", Sample({"number": number}))
    assert listener.connect()["mode"] == "snapshot"
    listener.close()


@pytest.mark.parametrize(
    "stream", ["person:1", "agency:1/clerks", "meeting:1", "document:1", "nothing:1", "person:x", ""]
)
def test_foreign_and_unknown_streams_look_the_same(nam: Browser, stream: str) -> None:
    with pytest.raises(Unexpected, match="denied"):
        nam.listen(stream)


def test_who_may_not_hear_one_hears_none(nam: Browser, own: str) -> None:
    with pytest.raises(Unexpected, match="denied"):
        nam.listen(own, "agency:1/clerks")


def test_a_stranger_is_denied(instance: Instance, own: str) -> None:
    with pytest.raises(Unexpected, match="denied"):
        Browser(instance.url).listen(own)


def test_a_reset_puts_everybody_out_and_who_may_comes_back(instance: Instance, nam: Browser, own: str) -> None:
    listener = nam.listen(own)
    publish(instance, own, "reset")
    assert listener.wait("reset")
    publish(instance, own, number=1)
    with pytest.raises(Unexpected):
        listener.wait("task", timeout_s=1)
    listener.disconnect()
    assert [e["d"] for e in listener.connect()["events"]] == [{"number": 1}]
    listener.close()


def test_what_was_deleted_before_it_was_handed_on_holds_nobody_up(instance: Instance, nam: Browser, own: str) -> None:
    """A point becomes confidential while an event of another process has not gone out yet."""
    staying = nam.listen(own)
    with instance.database() as db, db.write() as tx:
        move = sa.update(streams.Stream).where(streams.Stream.name == own).values(head=streams.Stream.head + 1)
        tx.session.execute(move)
        streams.forget(tx, stored_name(own))
        tx.publish(stored_name(own), "task", Sample({"number": 1}))
    coming = nam.listen(own)
    publish(instance, own, number=2)
    assert coming.wait("task")["d"] == {"number": 2}
    staying.disconnect()
    assert staying.connect()["mode"] == "snapshot"
    staying.close()
    coming.close()


def test_a_crash_between_commit_and_emit_loses_nothing(instance: Instance) -> None:
    thu = Browser(instance.url).sign_in("thu")
    found = re.search(r'href="(/meetings/\d+)', thu.get("/meetings"))
    assert found, "the demo city has a meeting that Thư prepares"
    listener = thu.listen(f"meeting:{number_in(found[1])}")
    instance.stop("web")
    instance.start("web", LIENTHONG_FAULT_POINT="tx.after_commit")
    instance.wait_for_web()
    thu.get(f"{found[1]}/build")
    with pytest.raises(requests.ConnectionError):
        thu.post(f"{found[1]}/items", title="Việc phát sinh", presenter="", minutes="5")
    instance.kill("web")
    instance.start("web")
    instance.wait_for_web()
    listener.disconnect()
    answer = listener.connect()
    assert answer["mode"] == "replay"
    assert "Việc phát sinh" in str(answer["events"]), "it was committed, so it is heard"
    listener.close()


@pytest.mark.parametrize("number", sampled(["1" * 23, str(2**63), "9" * 5000, "１２", "1\0"], one_in=4))
@pytest.mark.parametrize(
    "kind", sampled(["task", "meeting", "document", "incoming", "mailbox", "person", "agency"], one_in=2)
)
def test_a_number_that_no_column_holds_is_denied_and_answered(nam: Browser, kind: str, number: str) -> None:
    with pytest.raises(Unexpected, match="denied"):
        nam.listen(f"{kind}:{number}")
