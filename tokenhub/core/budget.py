"""The most that a call can cost, and how long its answer may be for the money that is left."""

import msgspec

from tokenhub.core.catalog import Model, Tier
from tokenhub.core.money import MILLION
from tokenhub.core.pricing import rates

# Our count of a prompt is a quarter of its bytes. Code and JSON come to a token for 2.5 bytes, so
# twice the count is above what providers bill but for the strangest text.
PROMPT_FACTOR = 2
# What an answer may come to where nobody has said: the most that every current model writes, so no
# provider refuses it, and what is asked of one whose format must have a number.
UNSAID_TOKENS = 4096
# An answer that is cut shorter than this for want of money is of no use.
FLOOR_TOKENS = 256


class Bound(msgspec.Struct, frozen=True):
    """What to hold for a call, and the limit of each of its answers."""

    amount_nusd: int
    max_tokens: int


class Prices(msgspec.Struct, frozen=True):
    """The dearest price of what goes in and of what comes out, in nano-USD per million tokens."""

    prompt: int
    answer: int

    def nusd(self, prompt_tokens: int, answer_tokens: int) -> int:
        """What so many tokens cost at the most."""
        return -(-(prompt_tokens * self.prompt + answer_tokens * self.answer) // MILLION)


def dearest(model: Model, input_tokens: int, *, writes: bool) -> Prices | None:
    """The prices of a call of this size; None where one that it needs is unknown.

    A call that only reads, as one for embeddings, needs none of what comes out.
    """
    at: Model | Tier = rates(model, input_tokens * PROMPT_FACTOR) if model.tiers else model
    read, written = at.input_price, at.output_price if writes else 0
    if read is None or written is None:
        return None
    return Prices(
        max(read, at.cache_write_price or 0, at.cache_write_1h_price or 0),
        max(written, at.reasoning_price or 0) if writes else 0,
    )


def prompt_tokens(model: Model, input_tokens: int, most_tokens: int) -> int:
    """The prompt to hold money for: what may be in it beside our count of it is held for, too.

    That is no more than the model can read, where this is known.
    """
    room = -(-model.max_context_tokens // PROMPT_FACTOR) or most_tokens
    return max(input_tokens, min(most_tokens, room))


def wanted_tokens(model: Model, input_tokens: int, max_tokens: int | None) -> int:
    """The longest answer that is asked for; where nobody said, what the model has room for."""
    if max_tokens is not None:
        return max_tokens
    room = model.max_context_tokens - input_tokens
    return min(UNSAID_TOKENS, room) if room > 0 else UNSAID_TOKENS


def bound(
    prices: Prices, *, input_tokens: int, wanted: int, answers: int, left_nusd: int | None
) -> Bound | None:
    """The longest call that the money bears; None where it bears none of use.

    `input_tokens` is our estimate of the prompt. Of `wanted` tokens for each answer, no fewer than
    FLOOR_TOKENS are left, and a shorter answer is not cut at all; a call that only reads wants 0.
    `left_nusd` of None bears everything.
    """
    prompt = input_tokens * PROMPT_FACTOR
    amount = prices.nusd(prompt, wanted * answers)
    if left_nusd is None or amount <= left_nusd:
        return Bound(amount, wanted)
    each = prices.answer * answers
    if not each:
        return None
    most = (left_nusd * MILLION - prompt * prices.prompt) // each
    if most < min(wanted, FLOOR_TOKENS):
        return None
    return Bound(prices.nusd(prompt, most * answers), most)
