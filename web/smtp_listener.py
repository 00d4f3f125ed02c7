"""The process of the SMTP listener (docs/decisions/0011), and the operator's agreement with a partner."""

import logging
import signal
import threading

from directory import queries as directory
from directory.actor import Actor, Role
from docex.exchange.mail import partners
from docex.exchange.mail.addresses import exchange_address
from docex.exchange.mail.inbound.smtp_listener import SmtpListener
from docex.exchange.mail.partners import Terms
from kernel import faults
from kernel.config import Config
from kernel.errors import NotFound
from kernel.text import phrase
from web.services import Services

__all__ = ["Terms", "agree", "run"]

log = logging.getLogger(__name__)


def run(config: Config) -> None:
    """Take signed e-mail until SIGTERM or SIGINT; a letter that is being stored is finished."""
    faults.arm(config.fault_point)
    parts = Services.from_config(config)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    listener = SmtpListener(config, parts.db, parts.blobs)
    listener.start()
    log.info("SMTP listener takes letters on %s:%s", listener.hostname, listener.port)
    ended.wait()
    listener.stop()


def agree(config: Config, code: str, terms: Terms) -> str:
    """Write down how an agency is reached by e-mail; answers with a line for the operator."""
    operator = Actor(roles=frozenset({Role.ADMIN}), name="lienthong mail-partner")
    with Services.from_config(config).db.write("operator") as tx:
        agency = directory.agency_by_code(tx, code)
        if agency is None:
            raise NotFound(phrase("Danh bạ không có cơ quan mang mã {codes}.", codes=code[:40]))
        row = partners.keep(tx, operator, agency.id, terms)
        signed = "signed" if row.certificate else "unsigned (no certificate is pinned)"
        state = f"{signed}, {'encrypted' if row.encrypts else 'not encrypted'}" if row.is_active else "ended"
        return f"{agency.name}: {row.address}, {state}; its letters come to {exchange_address(config, '<code>')}"
