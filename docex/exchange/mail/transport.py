"""Registers e-mail as a transport of the hub: every process that reports statuses has to know it, the worker and
others."""

from docex.documents.delivery import transport
from docex.exchange.mail.outbound.letter_queue import MailTransport
from kernel.config import Config


def offer(config: Config) -> None:
    """From now on partners are told what happens to their documents, and get theirs as letters."""
    transport.register(MailTransport(config))
