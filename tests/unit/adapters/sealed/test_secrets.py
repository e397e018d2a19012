"""The providers' keys in the vault: bound to origins, opened for each use."""

import asyncio

import pytest

from tests.support.vaults import NOW
from tokenhub.adapters.sealed.secrets import VaultSecrets
from tokenhub.core.catalog import Provider

pytestmark = pytest.mark.anyio
HERE = Provider(id="here", base_url="https://h/v1", endpoints=("https://h/v1",))


@pytest.fixture
def secrets(safe, draw):
    secrets = VaultSecrets(safe, now=lambda: NOW, draw=draw)
    secrets.apply(secrets.given(HERE, b"sk-1"))
    return secrets


async def test_a_use_is_counted_and_a_look_is_not(secrets, safe):
    safe.used = False
    looked = secrets.peek(HERE)
    after_look = safe.used
    used = secrets.get(HERE)

    assert (b"sk-1", b"sk-1") == (looked, used)
    assert (False, True) == (after_look, safe.used)


async def test_a_new_version_of_the_row_with_its_origin_has_the_key(secrets):
    again = Provider(id="here", base_url="https://h:443/other", endpoints=(), version=9)

    assert b"sk-1" == secrets.get(HERE)
    assert b"sk-1" == secrets.get(again)


@pytest.mark.parametrize("url", ["http://h", "https://h:444", "https://H.evil", "https://hh"])
async def test_another_origin_has_not(secrets, url):
    assert b"sk-1" == secrets.get(HERE)
    assert None is secrets.get(Provider(id="here", base_url=url))


async def test_another_provider_has_not(secrets):
    assert None is secrets.get(Provider(id="there", base_url="https://h"))


async def test_a_new_key_is_used_at_once(secrets):
    secrets.get(HERE)

    secrets.apply(secrets.given(HERE, b"sk-2"))

    assert b"sk-2" == secrets.get(HERE)


async def test_nothing_of_it_holds_a_key_in_clear(secrets, safe):
    secrets.get(HERE)

    held = [secrets._bound, secrets._memory.__dict__, safe.contents]

    assert "sk-1" not in repr(held)


async def test_the_lock_is_the_vaults(secrets, safe):
    assert safe.lock is secrets.lock
    assert isinstance(secrets.lock, asyncio.Lock)
