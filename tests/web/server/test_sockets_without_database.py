"""A join is answered also while the database is away, and goes on when it is back."""

import re

import pytest

from tests.forks.instance import ForkedInstance
from tests.postgres import TestServer
from web.tour.browser import WAIT_S, Browser

pytestmark = pytest.mark.one_database("postgresql")


def test_a_join_is_answered_while_the_database_is_away() -> None:
    with (
        TestServer(durable=True) as server,
        ForkedInstance(database_url=server.create("away"), parts=("web",)) as instance,
    ):
        nam = Browser(instance.url).sign_in("nam")
        found = re.search(r"person:\d+", nam.get("/"))
        assert found
        listener = nam.listen(found[0])
        wanted = {"streams": dict(listener.last), "epoch": None}
        server.stop()
        answer = listener._client.call("join", wanted, timeout=WAIT_S)
        assert (answer["mode"], answer["error"], answer["ms"] > 0) == ("wait", "unavailable", True)
        server.start()
        assert listener._client.call("join", wanted, timeout=WAIT_S)["mode"] == "replay"
        listener.close()
