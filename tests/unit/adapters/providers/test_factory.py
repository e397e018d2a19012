"""Which key goes to which version of a provider's row."""

from functools import partial

import pytest

from tests.support.clock import FakeClock
from tests.support.places import allowed
from tokenhub.adapters.memory.secrets import MemorySecrets
from tokenhub.adapters.providers.factory import HttpUpstreams
from tokenhub.adapters.providers.transport import Transport
from tokenhub.core.catalog import Catalog, Provider
from tokenhub.core.failures import Kind
from tokenhub.ports.provider import UpstreamError
from tokenhub.ports.snapshot import Snapshot

HERE = Provider(id="p", base_url="https://h")


class Away(MemorySecrets):
    """Keys that have just been locked away."""

    def get(self, provider: Provider) -> bytes | None:
        del provider
        return None

    def away(self, provider: Provider) -> bool:
        del provider
        return True


def upstreams(secrets: MemorySecrets, now: Provider = HERE) -> HttpUpstreams:
    secrets.hold("p", b"sk-1")
    catalog = Snapshot(Catalog.build(providers=[now]))
    transport = partial(Transport, allowed=allowed())
    return HttpUpstreams(secrets, catalog, transport, clock=FakeClock())


def test_the_key_goes_to_the_row_in_force() -> None:
    secrets = MemorySecrets()

    assert b"sk-1" == upstreams(secrets)._secret(HERE, secrets.get)


def test_the_key_of_a_new_address_does_not_go_to_the_old_one() -> None:
    secrets = MemorySecrets()
    moved = Provider(id="p", base_url="https://other")

    assert None is upstreams(secrets, moved)._secret(HERE, secrets.get)


def test_without_its_key_a_provider_is_not_asked_once_that_is_locked_away() -> None:
    """It would refuse us, and be let alone for minutes as one whose key is bad."""
    secrets = Away()

    with pytest.raises(UpstreamError) as refused:
        upstreams(secrets)._secret(HERE, secrets.get)

    assert Kind.OVERLOADED == refused.value.kind
