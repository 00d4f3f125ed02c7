"""The worker process: threads, no gevent."""

import signal
from datetime import timedelta

from kernel import clock, faults, garbage
from kernel.config import Config
from kernel.queue.wakeup import Wakeup
from kernel.queue.worker import Worker
from web import jobs, rooms
from web.services import Services


def run(config: Config) -> None:
    """Do jobs until SIGTERM or SIGINT; jobs in hand are finished."""
    faults.arm(config.fault_point)
    clock.run_ahead(timedelta(seconds=config.clock_ahead_s))
    parts = Services.from_config(config)
    rooms.load_jobs(config, parts.blobs)
    jobs.begin(parts.db)
    rooms.begin_jobs(config, parts.db)
    worker = Worker(
        parts.db,
        Wakeup(parts.db, poll_s=config.poll_ms / 1000),
        threads=config.worker_threads,
        lease_s=config.lease_s,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    garbage.resume()
    worker.run()
