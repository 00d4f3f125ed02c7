"""Answers of the VXP operations to a wrong value, and the time when a system was last seen."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from directory.models import ApiClient
from docex.exchange.vxp.client import VxpClient
from kernel import clock
from kernel.outbox import SendError
from tests.docex.office import Office
from tests.docex.vxp.conftest import ABROAD
from tests.docex.vxp.letters import a_letter
from tests.docex.vxp.test_exchange import FRIEND, agency_id, second_agency

Made = Callable[[int], VxpClient]


@pytest.mark.parametrize("status", ["finished", "", "13", "đã nhận"])
def test_an_unknown_status_is_refused_in_words_for_a_program(
    office: Office, abroad: int, system: Made, status: str
) -> None:
    far = second_agency(office)
    there = system(agency_id(office, far.code))
    system(abroad).send(a_letter(FRIEND, far), ABROAD)
    office.work()
    (line,) = there.received("edoc")
    with pytest.raises(SendError) as caught:
        there.update_status(line.doc_id, status)
    said = str(caught.value)
    assert all(word in said for word in ("updateStatus", "processing", "done", "fail"))
    assert there.received("edoc") == [line]


def test_each_call_of_a_system_is_noted_within_a_minute(
    office: Office, abroad: int, system: Made, monkeypatch: Any
) -> None:
    here = system(abroad)

    def used() -> Any:
        with office.db.read() as tx:
            return tx.session.scalars(sa.select(ApiClient.used_at)).one()

    here.count("edoc")
    now = clock.now()
    assert now - used() < timedelta(seconds=60)
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=59))
    here.count("status")
    assert used() == now + timedelta(seconds=59)
