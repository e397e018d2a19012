"""What a caller asks, whatever dialect they speak, and what comes back."""

import msgspec

from tokenhub.core.outcome import Usage

# The original's estimate for a request that names no limit (original-behaviour 2.2).
DEFAULT_OUTPUT_TOKENS = 512
# No context comes near it. It keeps every cost at every price that the control plane accepts (USD
# 1,000 per 1,000 tokens), summed over all attempts, within the 64 bits of the ledger.
MAX_TOKENS = 2**29 - 1


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The policy fields that a request brought itself; None where it said nothing."""

    mode: str | None = None
    max_budget_nusd: int | None = None
    max_latency_s: float | None = None
    min_weight: int | None = None


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A chat request, decoded once.

    `payload` is the JSON body in `dialect`, as it came: a provider of the same dialect gets these
    bytes with only the changed fields replaced, so unknown parameters ride along. `model` is the
    caller's hint, empty where the choice is ours. `substitute` says what may answer instead:
    `any`, `same-model` (another provider of it) or `never`.
    """

    payload: bytes
    dialect: str = "openai"
    model: str = ""
    stream: bool = False
    wants_usage: bool = False
    input_tokens: int = 0
    max_tokens: int | None = None
    answers: int = 1
    wish: Wish = Wish()
    substitute: str = "any"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer: the provider's own bytes, and what was read from them."""

    body: bytes
    usage: Usage | None
