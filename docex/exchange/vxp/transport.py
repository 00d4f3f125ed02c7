"""Registers the axis above as a transport of the hub: every process that reports statuses has to know it."""

from docex.documents.delivery import transport
from docex.exchange.vxp.upstream import UpstreamTransport
from kernel.config import Config


def offer(config: Config) -> None:
    """With an upper axis, what nobody here serves goes up, and statuses follow."""
    if config.vxp_upstream_url:
        transport.register(UpstreamTransport())
