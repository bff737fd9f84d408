"""Tells addresses of the public internet from all others, and names from addresses. Pure."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias
from urllib.parse import urlsplit

_Address: TypeAlias = IPv4Address | IPv6Address
_Network: TypeAlias = IPv4Network | IPv6Network

# Of IPv6 only global unicast is ever public; the rest of both lists is IANA's special-purpose
# registries. The transition prefixes (Teredo, 6to4, NAT64) would carry a private IPv4 address.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_SPECIAL_TEXT: Final = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
    192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16
    192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 2001::/23
    2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20
"""
_SPECIAL: Final[tuple[_Network, ...]] = tuple(map(ip_network, _SPECIAL_TEXT.split()))


def is_public_address(address: _Address) -> bool:
    """Say whether an address is public unicast and carries no other address inside."""
    if isinstance(address, IPv6Address) and (
        address.scope_id is not None or address not in _GLOBAL_UNICAST
    ):
        return False
    return not any(address in network for network in _SPECIAL if network.version == address.version)


def find_host_name(url: str) -> str:
    """Answer the host of an address where it is a name; empty for an IP address."""
    host = urlsplit(url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host
    return ""
