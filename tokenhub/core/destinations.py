"""Where calls to providers may go: the guard against addresses that reach what is not a provider.

Whoever may enter a provider's address could else have the server ask on their behalf what only it
can reach: the cloud's metadata service with the machine's credentials, or a neighbour in the
private network.

    public      always
    private     loopback, private networks and all that is not routed: where the operator lists it
    forbidden   link-local, metadata, multicast, broadcast, no address at all: never

An address is judged by what it reaches: one of IPv6 that carries one of IPv4 counts as that.
"""

import re
import unicodedata
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

from tokenhub.core.addresses import Address, Network

SETTING = "TOKENHUB_ALLOWED_PRIVATE_HOSTS"
# How a refusal is told to programs.
CODE = "address_not_allowed"

# Metadata services outside of link-local: Alibaba Cloud's, Oracle's older one, Azure's (public by
# its number, but the host's), and of IPv6 the networks of Amazon's and Google's (the vendors'
# pages on instance metadata, 2026-01).
_METADATA = (
    IPv4Network("100.100.100.200/32"),
    IPv4Network("192.0.0.192/32"),
    IPv4Network("168.63.129.16/32"),
    IPv6Network("fd00:ec2::/32"),
    IPv6Network("fd20:ce::254/128"),
)
_METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
        "instance-data",
        "instance-data.ec2.internal",
    }
)
# "This network" (RFC 1122, 3.2.1.3): most systems take 0.0.0.0 for themselves.
_NOWHERE = IPv4Network("0.0.0.0/8")
# For protocols, not for hosts (RFC 6890). Older Pythons take most of it for public.
_PROTOCOLS = IPv4Network("192.0.0.0/24")
# The part of IPv6 that is given out (RFC 4291, 2.4). All else is private or nothing.
_GLOBAL = IPv6Network("2000::/3")
# IPv4 inside of IPv6, and how many bits stand behind it: mapped and compatible (RFC 4291, 2.5.5),
# translated (RFC 2765), 6to4 (RFC 3056) and NAT64 (RFC 6052).
_CARRIERS = (
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("::ffff:0:0:0/96"), 0),
    (IPv6Network("::/96"), 0),
    (IPv6Network("2002::/16"), 80),
    (IPv6Network("64:ff9b::/96"), 0),
)
# The address is written inverted (RFC 4380, 4).
_TEREDO = IPv6Network("2001::/32")
_HERE = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
_LEAST_CARRIED = 1 << 16
_IPV4_BITS = 0xFFFF_FFFF
_IPV4_PARTS = 4
_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_])?")


class Destinations(msgspec.Struct, frozen=True, kw_only=True):
    """The private hosts that calls may go to, beside all that is public.

    `names` are lower case; one that begins with `*.` stands for all names below it. A listed name
    is believed for any private address that it resolves to.
    """

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    def refusal(self, host: str, address: Address) -> str:
        """Why no call may go to `address`, which `host` has led to; empty where one may."""
        whole = _unscoped(address)
        reached = (whole, *_carried(whole))
        if forbidden := next(filter(None, map(_forbidden, reached)), ""):
            return f"{_of(host, whole)} is {forbidden}, where no call may go"
        if _is_public(reached[-1]) or self._lists(host, reached):
            return ""
        what = "loopback" if reached[-1].is_loopback else "private"
        named = canonical(host)
        return (
            f"{_of(host, whole)} is a {what} address; if a provider of yours is there, add "
            f"{named} to {SETTING} in the server's environment or its server.env, and start it "
            f'again or, for server.env, "tokenhubctl reload"'
        )

    def objection(self, host: str) -> str:
        """What speaks against a host of a URL before anything is looked up; empty for nothing."""
        name = canonical(host)
        if name in _METADATA_NAMES:
            return f"{name} is a metadata service, where no call may go"
        if name == "localhost" or name.endswith(".localhost"):
            found = [self.refusal(host, here) for here in _HERE]
            return found[0] if all(found) else ""
        address = literal(name)
        return "" if address is None else self.refusal(host, address)

    def _lists(self, host: str, reached: tuple[Address, ...]) -> bool:
        name = canonical(host)
        if name in self.names or any(
            listed[0] == "*" and name.endswith(listed[1:]) for listed in self.names
        ):
            return True
        return any(one in network for one in reached for network in self.networks)


def destinations(text: str) -> Destinations:
    """Names, addresses and networks from a list with commas. Raises ValueError with what is wrong.

    An address may stand in brackets.
    """
    names = set()
    networks: list[Network] = []
    for part in filter(None, (part.strip().lower() for part in text.split(","))):
        bare = part.strip("[]").rstrip(".")
        network = _network(bare)
        if network is not None:
            first = network.network_address
            if network.is_link_local or network.is_multicast or network == _network(str(first)):
                _refuse_forbidden(part, first)
            networks.append(network)
        elif "/" in part or ":" in part or literal(bare) is not None:
            raise ValueError(f"{part!r} is no host name, address or network")
        elif not _NAME.fullmatch(bare):
            raise ValueError(f"{part!r} is no host name")
        else:
            names.add(bare)
    return Destinations(names=frozenset(names), networks=tuple(networks))


def canonical(host: str) -> str:
    """A host as it will be understood: lower case, without brackets, zone and closing dot.

    Letters that only look different are one (IDNA): full-width digits, an ideographic full stop.
    """
    plain = unicodedata.normalize("NFKC", host).replace("\u3002", ".").lower()
    return plain.strip("[]").partition("%")[0].rstrip(".")


def literal(host: str) -> Address | None:
    """The address that a host is written as, in any form that a system's resolver takes."""
    try:
        return ip_address(host)
    except ValueError:
        return _numbers(host)


def _numbers(host: str) -> IPv4Address | None:
    """As inet_aton(3): one to four numbers in base 10, 8 or 16, the last one for all the rest."""
    try:
        parts = [_number(part) for part in host.split(".")]
    except ValueError:
        return None
    *first, last = parts
    rest = _IPV4_PARTS - len(first)
    if rest < 1 or any(part > 255 for part in first) or last >= 256**rest:  # noqa: PLR2004 - bytes
        return None
    value = last
    for place, part in enumerate(first):
        value |= part << (24 - 8 * place)
    return IPv4Address(value)


def _number(text: str) -> int:
    if not text.isascii() or not text.isalnum():
        raise ValueError(text)
    if text[:2] in {"0x", "0X"}:
        return int(text[2:] or "0", 16)
    return int(text, 8 if text[0] == "0" else 10)


def _network(text: str) -> Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


def _refuse_forbidden(part: str, address: Address) -> None:
    if forbidden := _forbidden(address):
        raise ValueError(f"{part!r} is {forbidden}, where no call may ever go")


def _unscoped(address: Address) -> Address:
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return IPv6Address(int(address))
    return address


def _carried(address: Address) -> tuple[Address, ...]:
    """The IPv4 address inside of one of IPv6, if there is one."""
    if isinstance(address, IPv4Address):
        return ()
    value = int(address)
    if address in _TEREDO:
        return (IPv4Address(~value & _IPV4_BITS),)
    for network, behind in _CARRIERS:
        if address in network and value >= _LEAST_CARRIED:  # :: and ::1 are themselves
            return (IPv4Address(value >> behind & _IPV4_BITS),)
    return ()


def _forbidden(address: Address) -> str:
    """What an address is that no call may ever go to; empty for any other."""
    if any(address in network for network in _METADATA):
        return "a metadata service"
    if address.is_link_local:
        return "link-local, as metadata services are"
    if address.is_multicast:
        return "multicast"
    if address.is_unspecified or address in _NOWHERE:
        return "no address of a host"
    if isinstance(address, IPv4Address) and address.is_reserved:  # 240.0.0.0/4, with broadcast
        return "reserved or broadcast"
    return ""


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        return address in _GLOBAL and address.is_global
    return address.is_global and address not in _PROTOCOLS


def _of(host: str, address: Address) -> str:
    name = canonical(host)
    return str(address) if literal(name) == address else f"{name} ({address})"
