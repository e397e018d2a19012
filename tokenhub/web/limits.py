"""How much one address may send, and how a caller is told what is left.

The address is counted before anything else of a request is looked at: a flood without a key costs
a dictionary and a refusal, and reaches neither the key table nor a body.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil
from typing import Any, Protocol

import msgspec

from tokenhub.core.addresses import Network, address_of, bucket, caller, trusted
from tokenhub.core.buckets import UNLIMITED, Allowance, Limit, lasting
from tokenhub.ports.shared import RateLimits

Scope = Mapping[str, Any]
Headers = list[tuple[bytes, bytes]]

# Addresses that are remembered as they are read; one more costs a few microseconds.
_KNOWN_PEERS = 4096


class Door(Protocol):
    """Counts requests as they come in."""

    def take(self, scope: Scope, now: float) -> Allowance:
        """What the sender of a request may still send, after it; `now` is monotonic."""
        ...


class OpenDoor:
    """No limit."""

    def take(self, scope: Scope, now: float) -> Allowance:  # noqa: ARG002 - a Door
        return UNLIMITED


class AddressDoor:
    """One limit for each address. A peer in `proxies` is believed when it names another."""

    def __init__(self, limit: Limit, rates: RateLimits, *, proxies: Sequence[Network]) -> None:
        self._limit = limit
        self._rates = rates
        self._proxies = tuple(proxies)
        self._read = lru_cache(_KNOWN_PEERS)(self._read_peer)

    def take(self, scope: Scope, now: float) -> Allowance:
        peer = scope.get("client")
        text: str = peer[0] if peer else ""
        name, is_proxy = self._read(text)
        if is_proxy:
            name = bucket(caller(address_of(text), scope["headers"], self._proxies))
        return self._rates.take(name, self._limit, now)

    def _read_peer(self, text: str) -> tuple[str, bool]:
        address = address_of(text)
        return bucket(address), trusted(address, self._proxies)


class Doors(msgspec.Struct, frozen=True, kw_only=True):
    """`callers` counts what asks a model; `operators` all else but the probes."""

    callers: Door = OpenDoor()
    operators: Door = OpenDoor()


OPEN = Doors()


def openai_headers(allowance: Allowance) -> Headers:
    """What is left, as OpenAI tells it; nothing where there is no limit."""
    if not allowance.limit:
        return []
    return [
        (b"x-ratelimit-limit-requests", b"%d" % allowance.limit),
        (b"x-ratelimit-remaining-requests", b"%d" % allowance.remaining),
        (b"x-ratelimit-reset-requests", lasting(allowance.reset_s).encode()),
    ]


def anthropic_headers(allowance: Allowance, *, at: float) -> Headers:
    """What is left, as Anthropic tells it; `at` is the Unix time of the request."""
    if not allowance.limit:
        return []
    reset = datetime.fromtimestamp(ceil(at + allowance.reset_s), tz=UTC).replace(tzinfo=None)
    return [
        (b"anthropic-ratelimit-requests-limit", b"%d" % allowance.limit),
        (b"anthropic-ratelimit-requests-remaining", b"%d" % allowance.remaining),
        (b"anthropic-ratelimit-requests-reset", b"%bZ" % reset.isoformat().encode()),
    ]
