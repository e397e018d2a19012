"""What a call costs, in nano-USD: expected before it is made, exact once its tokens are counted.

Tokens have classes with prices of their own. An unknown price of a class is the price of the class
that it is a part of, which is what vendors charge where their lists name none:

    input -> cached input
          -> cache write -> cache write for an hour
    output -> reasoning

Where that price is unknown as well, so is the cost of a call that has such tokens: None, never 0.
A sum is rounded up once, so that it is never below what a provider may bill.
"""

from tokenhub.core.catalog import Model, Tier
from tokenhub.core.money import MILLION, cost_nusd
from tokenhub.core.outcome import Usage


def rates(model: Model, input_tokens: int) -> Model | Tier:
    """The prices for a prompt of this length: those of the highest tier that it exceeds.

    A tier's prices hold for all tokens of the call, as the vendors that have tiers bill.
    """
    found: Model | Tier = model
    for tier in model.tiers:
        if input_tokens > tier.above_tokens:
            found = tier
    return found


def estimated_nusd(model: Model, input_tokens: int, output_tokens: int) -> int | None:
    """What a call is expected to cost, at full price: what a cache will give nobody knows."""
    at = rates(model, input_tokens) if model.tiers else model
    return cost_nusd(input_tokens, output_tokens, at.input_price, at.output_price)


def spent_nusd(
    model: Model, input_tokens: int, output_tokens: int, *, of_them: Usage
) -> int | None:
    """What a call cost; `of_them` tells the classes of its tokens.

    A class that is told to have more tokens than the whole has counts as the whole.
    """
    if not (of_them.cached_tokens or of_them.cache_write_tokens or of_them.reasoning_tokens):
        return estimated_nusd(model, input_tokens, output_tokens)
    at = rates(model, input_tokens)
    cached = min(of_them.cached_tokens or 0, input_tokens)
    written = min(of_them.cache_write_tokens or 0, input_tokens - cached)
    for_an_hour = min(of_them.cache_write_1h_tokens or 0, written)
    reasoned = min(of_them.reasoning_tokens or 0, output_tokens)
    write_price = _first(at.cache_write_price, at.input_price)
    total = 0
    for tokens, price in (
        (input_tokens - cached - written, at.input_price),
        (cached, _first(at.cached_price, at.input_price)),
        (written - for_an_hour, write_price),
        (for_an_hour, _first(at.cache_write_1h_price, write_price)),
        (output_tokens - reasoned, at.output_price),
        (reasoned, _first(at.reasoning_price, at.output_price)),
    ):
        if tokens and price is None:
            return None
        total += tokens * (price or 0)
    return -(-total // MILLION)


def _first(price: int | None, otherwise: int | None) -> int | None:
    return otherwise if price is None else price
