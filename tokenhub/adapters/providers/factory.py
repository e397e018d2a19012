"""From a provider's row to something that can be called."""

from collections.abc import Callable
from functools import partial

from tokenhub.adapters.providers.http import HttpProvider
from tokenhub.adapters.providers.transport import Transport
from tokenhub.adapters.providers.vendors import BY_TYPE
from tokenhub.core.catalog import Catalog, Provider
from tokenhub.core.errors import BadRequest
from tokenhub.core.failures import Kind
from tokenhub.core.urls import within
from tokenhub.ports.clock import Clock
from tokenhub.ports.provider import Upstream, UpstreamError
from tokenhub.ports.secrets import Secrets
from tokenhub.ports.snapshot import Snapshot


class HttpUpstreams:
    """One adapter for each version of a row; one transport for each provider, for life."""

    def __init__(
        self,
        secrets: Secrets,
        catalog: Snapshot[Catalog],
        transport: Callable[[], Transport],
        *,
        clock: Clock,
        strict: bool = False,
    ) -> None:
        self._secrets = secrets
        self._catalog = catalog
        self._new_transport = transport
        self._clock = clock
        self._strict = strict
        self._transports: dict[str, Transport] = {}
        self._adapters: dict[str, tuple[Provider, Upstream]] = {}

    def of(self, provider: Provider) -> Upstream:
        known = self._adapters.get(provider.id)
        if known is not None and known[0] is provider:
            return known[1]
        # Every change of the catalog reads all rows anew: most of them say what they said.
        adapter = known[1] if known is not None and known[0] == provider else self._make(provider)
        self._adapters[provider.id] = (provider, adapter)
        return adapter

    def be_strict(self, *, strict: bool) -> None:
        """Whether parameters that a vendor has no words for are refused, from the next call on."""
        if strict != self._strict:
            self._strict = strict
            self._adapters.clear()

    async def close(self) -> None:
        for transport in self._transports.values():
            await transport.close()

    def _make(self, provider: Provider) -> Upstream:
        vendor = BY_TYPE.get(provider.type)
        if vendor is None:
            raise BadRequest(f"there is no provider type {provider.type!r}", field="type")
        transport = self._transports.get(provider.id)
        if transport is None:
            transport = self._transports[provider.id] = self._new_transport()
        return HttpProvider(
            provider.endpoints or (provider.base_url,),
            vendor=vendor,
            transport=transport,
            secret=partial(self._secret, provider, self._secrets.get),
            peek=partial(self._secret, provider, self._secrets.peek),
            clock=self._clock,
            strict=self._strict,
        )

    def _secret(
        self, provider: Provider, found: Callable[[Provider], bytes | None]
    ) -> bytes | None:
        """The key, where it may be sent to this row's addresses.

        A request keeps the catalog it began with. Its row may name an address that the provider
        has left since, and a key that was given for the new one must not go to the old.

        Raises UpstreamError where it was locked away after the route was chosen: without it the
        provider would refuse us, and be let alone as one whose key is bad.
        """
        now = self._catalog.current.providers.get(provider.id)
        if now is not provider and (now is None or not within(provider, now)):
            return None
        secret = found(now)
        if secret is None and self._secrets.away(now):
            raise UpstreamError(Kind.OVERLOADED)
        return secret
