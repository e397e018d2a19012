"""Where a request comes from."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenhub.core.addresses import NOBODY, Network, address_of, bucket, caller


class Peers:
    """A peer in `proxies` is believed when it names another; any other names itself."""

    def __init__(self, proxies: Sequence[Network] = ()) -> None:
        self._proxies = tuple(proxies)

    def of(self, scope: Mapping[str, Any]) -> tuple[str, str]:
        """The address of who sent a request, and the name that it is counted by."""
        peer = scope.get("client")
        address = caller(
            address_of(peer[0] if peer else ""), scope.get("headers", ()), self._proxies
        )
        return (str(address) if address else NOBODY), bucket(address)
