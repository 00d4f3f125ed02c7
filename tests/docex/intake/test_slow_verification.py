"""Papers that take long to verify hold up no document."""

from threading import Event, Semaphore, Thread
from time import monotonic, sleep

import pytest
from flask import Flask

from docex.documents.key_custody import Custody
from docex.documents.verification.handlers import VerifyHandler
from docex.documents.verification.verdict_store import EnvelopeToVerify, EnvelopeVerified
from docex.edxml.model import Organ
from kernel import outbox
from kernel.queue.wakeup import Wakeup
from kernel.queue.worker import Worker
from tests.docex.hub.systems import System, a_file
from tests.docex.hub.test_mailbox import waiting
from tests.docex.office import Office

pytestmark = pytest.mark.long_proof


class Slowly(VerifyHandler):
    """Verifies as always, once it may."""

    def __init__(self, hub: Office, at_once: int) -> None:
        super().__init__(hub.blobs, Custody(hub.config), at_once)
        self.may, self.begun = Event(), Semaphore(0)

    def perform(self, prepared: EnvelopeToVerify) -> EnvelopeVerified:
        self.begun.release()
        self.may.wait()
        return super().perform(prepared)


def test_a_delivery_goes_out_while_a_dozen_slow_verifications_wait(
    app: Flask, hub: Office, near: System, far: System
) -> None:
    usual = outbox.handlers["docex.verify"]
    threads = hub.config.worker_threads
    assert usual.at_once_here is not None
    assert 0 < usual.at_once_here < threads
    for number in range(12):
        city = Organ(hub.cast.city.code, hub.cast.city.name)
        finance = Organ(hub.cast.finance.code, hub.cast.finance.name)
        assert near.hand_in(a_file(hub, number + 1, sender=city, receivers=(finance,))).status_code == 202
    outbox.handlers["docex.verify"] = slow = Slowly(hub, usual.at_once_here)
    worker = Worker(hub.db, Wakeup(hub.db), threads=threads)
    running = Thread(target=worker.run)
    running.start()
    try:
        for _ in range(usual.at_once_here):
            assert slow.begun.acquire(timeout=60)
        near.hand_in(a_file(hub, 99))
        until = monotonic() + 60
        while not (there := waiting(far)["items"]) and monotonic() < until:
            sleep(0.05)
        assert [item["code"] for item in there] == ["99/VP"]
        assert not slow.begun.acquire(blocking=False)  # no more threads than theirs verify
    finally:
        worker.stop()
        slow.may.set()
        running.join()
        outbox.handlers["docex.verify"] = usual
