from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.kept import Kept, in_memory, on_disk


@pytest.fixture(params=["memory", "sqlite"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    """Every adapter of the ports, one after the other."""
    keeping = in_memory() if request.param == "memory" else on_disk(tmp_path / "tokenhub.sqlite")
    async with keeping as kept:
        yield kept
