"""Lists that are more than one answer."""

from typing import cast

import pytest

from tokenhub.client.call import Call
from tokenhub.client.calls.catalog import list_models
from tokenhub.wire.catalog import Model, ModelPage
from tokenhub_tui.every import every
from tokenhub_tui.link import Link

pytestmark = pytest.mark.anyio

ALL = [f"model {number}" for number in range(5)]


async def server(call: Call[ModelPage]) -> ModelPage:
    """Two rows an answer, and of a sixth it only says that it is there."""
    offset = int(dict(call.query).get("offset", 0))
    items = cast("list[Model]", ALL[offset : offset + 2])
    return ModelPage(items=items, total=6, limit=2, offset=offset)


async def test_a_list_is_read_to_its_end() -> None:
    found = await every(cast("Link", server), list_models, lambda page: page.items)

    assert ALL == found
