"""The original's Thompson sampling, as a rival: what it earned a success was cheap and fast.

An arm is a model and a size of prompt, Beta(1 + sum of rewards, 1 + the rest); every success earns
0.3 x (1 - cost / $0.10) + 0.3 x (1 - latency / budget) + 0.4 (original-behaviour 2.10). The
latency is held equal here, which is the kindest that can be assumed for it.
"""

import random

_SMALL_BELOW, _MEDIUM_UP_TO = 1_000, 10_000
_DEAR_USD = 0.1


class OriginalThompson:
    """Draws of one run; `noise` is its own."""

    def __init__(self, count: int, noise: random.Random) -> None:
        self._noise = noise
        self._count = count
        self._arms: dict[str, list[tuple[float, float]]] = {}

    def choose(self, input_tokens: int) -> int:
        arms = self._of(input_tokens)
        draws = [self._noise.betavariate(alpha, beta) for alpha, beta in arms]
        return draws.index(max(draws))

    def learn(self, choice: int, input_tokens: int, cost_usd: float) -> None:
        arms = self._of(input_tokens)
        alpha, beta = arms[choice]
        earned = 0.3 * (1 - min(cost_usd / _DEAR_USD, 1.0)) + 0.3 + 0.4
        arms[choice] = (alpha + earned, beta + 1 - earned)

    def _of(self, input_tokens: int) -> list[tuple[float, float]]:
        size = "small" if input_tokens < _SMALL_BELOW else "medium"
        size = "large" if input_tokens > _MEDIUM_UP_TO else size
        return self._arms.setdefault(size, [(1.0, 1.0)] * self._count)
