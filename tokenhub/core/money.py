"""Money: integers of nano-USD, so that sums agree to the last digit.

A price is kept as nano-USD per million tokens, an integer too: vendors publish USD per million
tokens with at most four decimals, and the original's USD per 1,000 tokens is the same figure
divided by a thousand.
"""

NANO = 1_000_000_000
# The most that a row holds: nine billion dollars, as 64 bits have it.
MOST_NUSD = 2**63 - 1
MILLION = 1_000_000


def nusd(usd: float) -> int:
    """Nano-USD of an amount in USD, rounded to the nearest."""
    return round(usd * NANO)


def usd(amount_nusd: int) -> float:
    """USD of an amount in nano-USD; for the wire and for people, never for sums."""
    return amount_nusd / NANO


def price(usd_per_1k: float) -> int:
    """A price in nano-USD per million tokens, from USD per 1,000 tokens."""
    return round(usd_per_1k * 1000 * NANO)


def usd_per_1k(price_nusd_per_m: int) -> float:
    """The price on the wire, USD per 1,000 tokens."""
    return price_nusd_per_m / 1000 / NANO


def cost_nusd(
    input_tokens: int, output_tokens: int, input_price: int | None, output_price: int | None
) -> int | None:
    """What a call costs in nano-USD, rounded up; None where a needed price is unknown.

    Rounded up, so that a sum of attempts is never below what a provider may bill.
    """
    if (input_price is None and input_tokens) or (output_price is None and output_tokens):
        return None
    total = input_tokens * (input_price or 0) + output_tokens * (output_price or 0)
    return -(-total // MILLION)
