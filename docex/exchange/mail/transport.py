"""Offering e-mail as a way out of the hub: every process that says statuses has to know it, not only the worker."""

from docex.documents.delivery import transport
from docex.exchange.mail.outbound.letter_queue import MailTransport
from kernel.config import Config


def offer(config: Config) -> None:
    """From now on partners are told what happens to their documents, and get theirs as letters."""
    transport.register(MailTransport(config))
