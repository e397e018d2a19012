from pathlib import Path

import pytest

from tests.contract.kept import AUDIT
from tests.support import blank
from tests.support.vaults import NOW, a_password, draws
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.vault.changes import founded
from tokenhub.ports.vault import Safe


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def draw():
    return draws()


@pytest.fixture
async def stores(tmp_path: Path):
    path = tmp_path / "tokenhub.sqlite"
    blank.lay(path)
    async with open_stores(path) as opened:
        yield opened


@pytest.fixture
async def safe(stores, draw):
    """A vault that is set up and open."""
    step = founded(a_password(), now=NOW, draw=draw)
    await stores.vault.commit(step.change, AUDIT)
    safe = Safe()
    safe.swap(step.contents, step.ring)
    return safe
