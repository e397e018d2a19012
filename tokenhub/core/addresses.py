"""Addresses of callers: who a request is from, and which bucket counts it.

A forwarding header is anybody's word unless a proxy wrote it that the operator named. Such a
proxy puts the address that it sees at the end of the list, so a list is read from the right, and
what stands left of the first stranger was written by that stranger. Where a list holds what is no
address, the last good one answers for the request.
"""

from collections.abc import Iterable, Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# A subscriber is usually given a /64 at least (RFC 6177), and can send from each address in it.
IPV6_PREFIX = 64
# What a caller without an address (a socket that is no TCP) is counted by.
NOBODY = "unknown"
# No chain of proxies is longer.
MAX_HOPS = 32
_PORT_SEPARATORS = 1
_MAPPED = IPv6Network("::ffff:0:0/96")


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks from a list with commas. Raises ValueError that says what is wrong."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            network = ip_network(part)
        except ValueError as error:
            raise ValueError(f"{part!r} is no address or network: {error}") from error
        if not network.prefixlen:
            raise ValueError(f"{part!r} would believe everybody")
        if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
            raise ValueError(f"{part!r} is written as IPv6; write it as IPv4")
        found.append(network)
    return tuple(found)


def address_of(text: str) -> Address | None:
    """The address in a text, None where there is none. A port, brackets and a zone may stand by.

    An IPv4 address that is mapped into IPv6 is the IPv4 address.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == _PORT_SEPARATORS:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def bucket(address: Address | None) -> str:
    """The name of the bucket that counts an address: itself, or its /64 in IPv6."""
    if address is None:
        return NOBODY
    if isinstance(address, IPv4Address):
        return str(address)
    whole = int(address) >> (128 - IPV6_PREFIX) << (128 - IPV6_PREFIX)
    return f"{IPv6Address(whole)}/{IPV6_PREFIX}"


def trusted(address: Address | None, proxies: Iterable[Network]) -> bool:
    """Whether an address is that of a proxy whose word counts."""
    return address is not None and any(address in network for network in proxies)


def caller(
    peer: Address | None, headers: Iterable[tuple[bytes, bytes]], proxies: Iterable[Network]
) -> Address | None:
    """Who sent a request: the peer, or whom a trusted peer names.

    The first of X-Forwarded-For, Forwarded (RFC 7239) and X-Real-IP that is there is read.
    `headers` have lower-case names.
    """
    if not trusted(peer, proxies):
        return peer
    proxies = tuple(proxies)
    found = peer
    for hop in _hops(headers):
        address = address_of(hop)
        if address is None:
            return found
        found = address
        if not trusted(address, proxies):
            return found
    return found


def _hops(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[str]:
    """The addresses of the list that counts, as they are written, the last first."""
    said: dict[bytes, list[str]] = {}
    for name, value in headers:
        if name in {b"x-forwarded-for", b"forwarded", b"x-real-ip"} and value.strip():
            said.setdefault(name, []).append(value.decode("latin-1"))
    if b"x-forwarded-for" in said:
        yield from _from_the_right(said[b"x-forwarded-for"])
    elif b"forwarded" in said:
        yield from map(_for, _from_the_right(said[b"forwarded"]))
    elif b"x-real-ip" in said:
        yield said[b"x-real-ip"][-1]


def _from_the_right(lines: list[str]) -> Iterator[str]:
    # Several lines of a list are one list (RFC 9110, 5.3).
    yield from reversed(",".join(lines).rsplit(",", MAX_HOPS)[-MAX_HOPS:])


def _for(element: str) -> str:
    """The node of an element of Forwarded, empty where it names none."""
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            return value.strip().strip('"')
    return ""
