"""The original's provider keys, imported into the vault, and used after a restart."""

import pytest

from tests.e2e.test_import import PASSWORD, House, chat
from tests.support.original_db import an_original, filled
from tests.support.server import running

pytestmark = pytest.mark.anyio

OURS = "the password of our own vault"


async def test_old_keys_and_old_provider_keys_work_after_an_import(tmp_path, sim, monkeypatch):
    house = House(tmp_path, TOKENHUB_VAULT_PASSWORD=OURS)
    with an_original(house.old) as old:
        keys = filled(old, PASSWORD, base_url=f"{sim.url}/v1")

    report = await house.imports("--vault-password-file", str(house.password()))
    second = await house.imports("--vault-password-file", str(house.password()))

    assert 1 == report["counts"]["secret"]["taken"]
    assert 1 == second["counts"]["secret"]["before"]
    async with running(tmp_path, VAULT_PASSWORD=OURS) as hub:
        answer = await chat(hub, keys["loom"])
    assert 200 == answer.status_code
    assert "Bearer sk-upstream-1" == sim.requests[-1].headers["authorization"]
