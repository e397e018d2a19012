"""Where a request comes from."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenhub.core.addresses import Address, Network, address_of, caller


class Peers:
    """Who requests are from, behind the proxies that are believed."""

    def __init__(self, proxies: Sequence[Network] = ()) -> None:
        self._proxies = tuple(proxies)

    def address(self, scope: Mapping[str, Any]) -> Address | None:
        """The address as `limits.AddressDoor` counts it; None where there is none."""
        peer = scope.get("client")
        return caller(address_of(peer[0] if peer else ""), scope["headers"], self._proxies)
