"""Which addresses of strangers are called: those of the public internet and no other."""

import ipaddress
import socket

import pytest

from docex.exchange.hub.webhooks import http_client
from kernel import netaddresses
from signing.trust.fetching import NotFetched, fetched

INNER = ipaddress.IPv4Address("10.0.0.1")
BLOCKED = [
    "0.0.0.1",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::10.0.0.1",
    "::8.8.8.8",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "2606:4700::1111%eth0",
    "no address",
    "",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "203.162.4.191", "100.63.255.255", "172.32.0.1", "198.20.0.1", "2606:4700::1111",
          "2001:4860:4860::8888", "2405:4800::1", "2a00:1450::1"]  # fmt: skip


@pytest.mark.parametrize("address", BLOCKED)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not netaddresses.is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert netaddresses.is_public(address)


def test_the_rule_is_never_laxer_than_the_registries_in_the_standard_library() -> None:
    for number in range(1 << 16):
        four = ipaddress.IPv4Address((number << 16) + 5)
        six = ipaddress.IPv6Address((number << 112) + 5)
        for one in (four, six):
            assert not netaddresses.is_public(str(one)) or (one.is_global and not one.is_multicast), one


@pytest.mark.parametrize("address", [one for one in BLOCKED if netaddresses.is_address(one) and "%" not in one])
def test_neither_webhooks_nor_certificates_lead_there(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(http_client.Refused, match="not_allowed"):
        http_client.call(f"https://{host}/", "s", 1, b"{}", anywhere=False)
    with pytest.raises(NotFetched, match="not_public"):
        fetched(f"http://{host}/x.crl", ())
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443)),
        (family, socket.SOCK_STREAM, 6, "", (address, 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: answers)
    with pytest.raises(http_client.Refused, match="not_public"):
        http_client.call("https://name.example/", "s", 1, b"{}", anywhere=False)
    with pytest.raises(NotFetched, match="not_public"):
        fetched("http://name.example/x.crl", ())


def test_the_judged_address_is_the_one_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that gives a public address first and an inner one a moment later."""
    asked: list[str] = []

    def answer(host: str, port: int, *_a: object, **_k: object) -> list[object]:
        if netaddresses.is_address(host):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8" if len(asked) == 1 else str(INNER), port))]

    reached: list[object] = []

    def connect(_sock: socket.socket, address: object) -> None:
        reached.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(http_client.Refused):
        http_client.call("https://rebound.example/", "s", 1, b"{}", anywhere=False)
    asked.clear()
    with pytest.raises(NotFetched):
        fetched("http://rebound.example/x.crl", ())
    assert reached == [("8.8.8.8", 443), ("8.8.8.8", 80)]
    assert asked == ["rebound.example"]
