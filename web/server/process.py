"""The web process. Imported after gevent has patched the standard library."""

import logging

import gevent

from kernel import faults
from kernel.config import Config
from kernel.storage.blobs import DiskBlobs
from web.app import create_app
from web.server import greenlets
from web.server.broadcast import Limits
from web.server.sockets import Live
from web.server.wsgi_server import make_socketio, serve
from web.services import Services

log = logging.getLogger(__name__)


def run(config: Config) -> None:
    """Serve until SIGTERM or SIGINT."""
    faults.arm(config.fault_point)
    greenlets.install()
    parts = Services.from_config(config)
    if isinstance(parts.blobs, DiskBlobs):
        parts.blobs.aside = gevent.get_hub().threadpool.apply
    app = create_app(config, parts)
    socketio = make_socketio(Limits(join_s=config.connection_wait_s), ping_interval=20, ping_timeout=20)
    socketio.init_app(app)
    Live(app, socketio, parts).start()
    log.info("listening on %s:%s", config.host, config.port)
    # Behind a proxy all connections are the proxy's; it counts them by address itself (docs/operations.md).
    per_address = 0 if config.trusted_proxies else config.connections_per_address
    serve(app, socketio, config.host, config.port, wait_s=config.connection_wait_s, per_address=per_address)
