"""A key that nobody knows is looked at anew before it is refused: it may be an imported one."""

import pytest

from tests.support.builders import a_key
from tests.unit.gateway.house import House
from tokenhub.core.errors import Unauthenticated

pytestmark = pytest.mark.anyio


async def test_a_key_that_was_made_known_is_admitted_and_any_other_refused():
    house = House()
    key, row = a_key()
    seen = []

    async def recognise(text):
        seen.append(text)
        if text == key:
            house.gateway._keys.current = {row.digest: row}

    house.gateway._keys.current = {}
    house.gateway._recognise = recognise

    for unknown in ("tokenhub_other", None, ""):
        with pytest.raises(Unauthenticated):
            await house.gateway.admit_anew(unknown, "chat", house.arrival())
    caller = await house.gateway.admit_anew(key, "chat", house.arrival())

    assert row.id == caller.key.id
    assert ["tokenhub_other", key] == seen


async def test_without_imported_keys_it_stays_unknown():
    house = House()

    with pytest.raises(Unauthenticated, match="invalid api key"):
        await house.gateway.admit_anew("tokenhub_other", "chat", house.arrival())
