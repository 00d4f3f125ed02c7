"""The broadcast reaches into three packages; this fails when one of them changes."""

from __future__ import annotations

import inspect
from importlib import metadata

import engineio.socket
import geventwebsocket.websocket
import pytest
from engineio.async_drivers import gevent as driver

from web.server.broadcast import PINS


@pytest.mark.parametrize("package", sorted(PINS))
def test_the_installed_version_is_the_one_the_broadcast_was_written_for(package: str) -> None:
    assert metadata.version(package) == PINS[package], (
        f"{package} is not {PINS[package]} any more. web/server/broadcast.py uses its internals: read "
        "docs/decisions/0006-direct-broadcast.md, compare what it lists, run tests/web/server and "
        "`scripts/bench fanout`, then raise the pin in web/server/broadcast.py."
    )


def test_the_writer_takes_a_packet_and_sends_it_without_a_switch_in_between() -> None:
    """The order of direct frames and queued packets rests on this shape of the writer."""
    source = inspect.getsource(engineio.socket.Socket._websocket_handler)
    assert "packets = self.poll()" in source
    assert "ws.send(pkt.encode())" in source


def test_the_transport_is_made_from_a_method_of_the_engine_socket() -> None:
    source = inspect.getsource(engineio.socket.Socket._upgrade_websocket)
    assert "self.server._async['websocket'](" in source
    assert "self._websocket_handler, self.server)" in source
    assert driver._async["websocket"] is driver.WebSocketWSGI


def test_the_stock_websocket_still_writes_through_raw_write() -> None:
    source = inspect.getsource(geventwebsocket.websocket.WebSocket.send_frame)
    assert "self.raw_write(header + message)" in source
