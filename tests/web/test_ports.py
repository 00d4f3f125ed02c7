"""Ports that are chosen now and bound later."""

import socket
from pathlib import Path

import pytest

from web.tour import instance


def test_nobody_is_given_a_port_that_was_chosen_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given_by_itself = tmp_path / "range"
    given_by_itself.write_text("32768\t60999\n")
    monkeypatch.setattr(instance, "GIVEN_BY_ITSELF", given_by_itself)
    ports = {instance.free_port() for _ in range(20)}
    assert max(ports) < 32_768
    assert len(ports) > 10  # two who choose at once do not choose the same


@pytest.mark.parametrize("said", ["1024\t65535\n", ""])
def test_where_no_other_port_is_left_or_nobody_says_it_is_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    given_by_itself = tmp_path / "range"
    if said:
        given_by_itself.write_text(said)
    monkeypatch.setattr(instance, "GIVEN_BY_ITSELF", given_by_itself)
    assert instance.free_port() > 0


def test_a_port_that_somebody_listens_on_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number: int = taken.getsockname()[1]
        monkeypatch.setattr(instance, "_ports_to_try", lambda: [number, 0])
        assert instance.free_port() != number
