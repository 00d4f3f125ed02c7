"""The process of the mail door (docs/decisions/0011)."""

import logging
import signal
import threading

from docex.mail.door import Door
from kernel import faults
from kernel.config import Config
from web.services import Services

log = logging.getLogger(__name__)


def run(config: Config) -> None:
    """Take signed e-mail until SIGTERM or SIGINT; a letter that is being stored is finished."""
    faults.arm(config.fault_point)
    parts = Services.from_config(config)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    door = Door(config, parts.db, parts.blobs)
    door.start()
    log.info("mail door listening on %s:%s", door.hostname, door.port)
    ended.wait()
    door.stop()
