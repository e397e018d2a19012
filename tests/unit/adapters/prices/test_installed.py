"""The package that is installed, asked as the server asks it."""

import sys

import pytest

from tokenhub.adapters.prices.installed import PATIENCE_S, InstalledPriceList
from tokenhub.client.transport import TIMEOUT_S
from tokenhub.core.errors import Unavailable
from tokenhub.ports.prices import Listed, Wanted

AT = 1_795_000_000.0  # 2026-11-18
OPENAI = "https://api.openai.com"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.anyio
async def test_the_installed_list_knows_prices_that_have_long_been_published():
    wanted = [
        Wanted(base_url=OPENAI, model_id="gpt-4o"),
        Wanted(base_url="https://api.anthropic.com", model_id="claude-haiku-4-5-20251001"),
        Wanted(base_url=OPENAI, model_id="claude-haiku-4-5"),
        Wanted(base_url="https://llm.example", model_id="gpt-4o"),
    ]

    edition = await InstalledPriceList().find(wanted, at=AT)

    gpt, claude, stranger, elsewhere = edition.entries
    assert edition.name.startswith("genai-prices ")
    assert (
        Listed(
            max_context_tokens=128_000,
            input_price=2_500_000_000,
            output_price=10_000_000_000,
            cached_price=1_250_000_000,
        )
        == gpt
    )
    assert (1_000_000_000, 100_000_000, 1_250_000_000, 2_000_000_000, 5_000_000_000) == (
        claude.input_price,
        claude.cached_price,
        claude.cache_write_price,
        claude.cache_write_1h_price,
        claude.output_price,
    )
    assert ("model_not_listed", "vendor_not_listed") == (stranger.missing, elsewhere.missing)


def test_a_list_that_never_answers_is_told_while_somebody_listens():
    """An operator's program that has given up would not hear the reason."""
    assert PATIENCE_S < TIMEOUT_S


@pytest.mark.anyio
async def test_a_list_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr(sys, "path", [])

    with pytest.raises(Unavailable, match="install") as refused:
        await InstalledPriceList().find([Wanted(base_url=OPENAI, model_id="gpt-4o")], at=AT)

    assert "price_list_unreadable" == refused.value.code
