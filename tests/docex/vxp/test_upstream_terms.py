# ruff: noqa: F811 - a fixture that is taken is named as its import
"""Documents that wait for the upper axis until their term ends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from directory import clients
from docex.documents.models import Delivery
from docex.edxml.progress import Progress
from docex.exchange import dispatch
from docex.exchange.hub import jobs as hub_jobs
from docex.exchange.hub import terms
from docex.exchange.hub.models import Receipt
from docex.exchange.vxp import jobs, upstream
from docex.exchange.vxp.systems import Given
from kernel import clock
from kernel.outbox import OutboxRow, State
from tests.docex.office import Office
from tests.docex.vxp.two_hubs import MINISTRY, US, Above, above, below, forwards, ministry_below, progress  # noqa: F401 - fixtures

pytestmark = pytest.mark.long_proof


def left_behind(below: Office, given: Callable[[int], Given]) -> Given:
    """While the upper axis is away the receiver gets a system here, so that nothing has to go up any more. The clock
    stands still. Answers that system, which never asks."""
    jobs.register_jobs(replace(below.config, vxp_upstream_url="http://127.0.0.1:9"), below.blobs)
    hub_jobs.register_jobs(below.config, below.blobs)
    ministry_id = ministry_below(below)
    below.sent(recipients=(ministry_id,))
    system = given(ministry_id)
    clock.advance(timedelta(hours=2))
    below.work()
    jobs.register_jobs(below.config, below.blobs)
    assert (progress(below), forwards(below)) == ([Progress.SUBMITTED], [State.DONE])
    return system


def shut_out(below: Office, system: Given) -> None:
    with below.db.write(below.cast.admin.by) as tx:
        clients.revoke(tx, below.cast.admin, system.client_id)


def test_what_nobody_takes_up_any_more_is_told_to_its_sender_when_the_term_ends(
    below: Office, given: Callable[[int], Given]
) -> None:
    with clock.frozen(clock.now()):
        shut_out(below, left_behind(below, given))
        clock.advance(timedelta(days=30))
        below.work()
        assert (progress(below), forwards(below)) == ([Progress.UNDELIVERABLE], [State.DONE])
    with below.db.read() as tx:
        assert tx.session.scalars(sa.select(Receipt.kind).where(Receipt.delivery_id == 1)).all() == ["undeliverable"]


def test_what_waits_for_the_upper_axis_again_goes_up(
    below: Office, above: Above, given: Callable[[int], Given]
) -> None:
    ministry = above.system("ministry", MINISTRY)
    with clock.frozen(clock.now()):
        shut_out(below, left_behind(below, given))
        with below.db.write() as tx:
            dispatch.deliver(tx, 1)
        below.work()
        assert progress(below) == [Progress.AVAILABLE]
        with below.db.write() as tx:
            dispatch.deliver(tx, 1)  # again: nothing more goes up
        assert forwards(below) == [State.DONE]
        above.deliver()
        assert len(ministry.received("edoc")) == 1


def test_what_the_upper_axis_refused_does_not_go_up_by_itself(below: Office, above: Above) -> None:
    below.sent(recipients=(ministry_below(below),))  # the axis above has no such ministry
    with below.db.write() as tx:
        dispatch.deliver(tx, 1)
    assert (progress(below), forwards(below)) == ([Progress.UNDELIVERABLE], [State.FAILED])


def test_what_went_up_at_the_last_moment_expires_too(below: Office) -> None:
    jobs.register_jobs(replace(below.config, vxp_upstream_url="http://127.0.0.1:9"), below.blobs)
    hub_jobs.register_jobs(below.config, below.blobs)
    with clock.frozen(clock.now()):
        below.sent(recipients=(ministry_below(below),))
        clock.advance(timedelta(days=30))
        with below.db.write() as tx:
            terms.expire(tx, 1)
            ended = sa.update(OutboxRow).where(OutboxRow.topic == "hub.expire")
            tx.session.execute(ended.values(state=State.DONE))
            assert tx.session.get_one(Delivery, 1).progress == Progress.SUBMITTED  # the promise gives word itself
            found = upstream.rising(tx, 1, US)
            assert found is not None
            upstream.risen(tx, found, "42")
        below.work()
    assert progress(below) == [Progress.EXPIRED]
