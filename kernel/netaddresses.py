"""Which network addresses an outgoing call may reach when a stranger names the host: webhooks of agencies, and the OCSP
responders, revocation lists and issuers' certificates that stand in certificates.

A name is resolved once, every address of it is judged, and the caller connects to the address that was judged: a name
server that answers something else a moment later (DNS rebinding) changes nothing.
"""

import ipaddress
import socket

_V4_BLOCKED = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT
    "127.0.0.0/8",
    "169.254.0.0/16",  # link-local; cloud metadata
    "172.16.0.0/12",
    "192.0.0.0/24",  # protocol assignments
    "192.0.2.0/24",  # documentation
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # AMT relays
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",
    "192.175.48.0/24",  # AS112
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved and broadcast
)
_V6_BLOCKED = (
    "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4: an IPv4 address, public or not, is inside
    "2620:4f:8000::/48",  # AS112
    "3fff::/20",  # documentation
)
_BLOCKED = tuple(ipaddress.ip_network(one) for one in (*_V4_BLOCKED, *_V6_BLOCKED))
_V6_UNICAST = ipaddress.ip_network("2000::/3")
"""All that is handed out as global unicast; IPv4-mapped, IPv4-compatible and NAT64 addresses, private, link-local and
multicast ones lie outside."""


class UnknownHost(Exception):
    """The host has no address, or the name server did not answer."""


class NotPublic(Exception):
    """One of the addresses of the host is not an address of the public internet."""


def is_public(address: str) -> bool:
    """Whether `address` (IPv4 or IPv6 in text, without brackets) belongs to one host of the public internet.

    False for private, local, shared, multicast, documentation, benchmark and reserved ranges, for every form that
    carries an IPv4 address inside an IPv6 one (mapped, compatible, NAT64, 6to4, Teredo), for addresses with a zone,
    and for what is no address at all. The ranges are written here because the standard library's `is_global` counts
    multicast, NAT64 and 6to4 as global, and changes between releases.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and (found.scope_id or found not in _V6_UNICAST):
        return False
    return not any(found.version == network.version and found in network for network in _BLOCKED)


def network_of(address: str) -> str:
    """An address as it is counted: a subscriber of IPv6 has a whole /64 of them. Other text stays as it is."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def is_address(host: str) -> bool:
    """Whether `host` is an address in text and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def resolved(host: str, port: int, *, anywhere: bool = False) -> str:
    """The address to connect to for `host`. UnknownHost when there is none; NotPublic when any address of the host is
    not public, unless `anywhere` is allowed by the operator."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise UnknownHost(host) from None
    if not found:
        raise UnknownHost(host)
    if not anywhere and not all(map(is_public, found)):
        raise NotPublic(host)
    return found[0]
