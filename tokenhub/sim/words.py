"""The text of simulated answers: a fixed book of words, one word to a token.

Plain ASCII letters, so that a word is the same in JSON, in an event and on the screen. Every
answer opens by saying what it is.
"""

from functools import cache

from tokenhub.core import rng

OPENING = ("Simulated", " answer:")
VOCABULARY = (  # noqa: SIM905  # as a list it would fill a page
    "river stone lantern quiet harbour morning cedar signal amber bridge window garden copper "
    "winter letter meadow silver engine thunder orchard compass feather island granite velvet "
    "market saddle ribbon kettle pillar canyon violet anchor barley candle dragon ember falcon "
    "glacier hollow ivory jasmine kingdom ladder marble needle ocean pepper quarry raven saffron "
    "temple umber valley walnut yonder zephyr basalt clover dapple emerald fennel gable heron"
).split()
PAGES = 1024
# Counter space of the book's own draws, far from those of any request.
STREAM = 0xB00C


class Book:
    """1,024 words drawn from one seed; an answer reads on from a drawn place and wraps round."""

    def __init__(self, seed: int) -> None:
        self._words = _pages(seed) * 2

    def read(self, place: int, tokens: int) -> list[str]:
        """So many tokens (at least one), the opening included, from this place on."""
        rest = max(0, tokens - len(OPENING))
        start = place % PAGES
        if rest <= PAGES:
            return [*OPENING[:tokens], *self._words[start : start + rest]]
        return [*OPENING, *(self._words[start + page % PAGES] for page in range(rest))]


@cache  # a seed's book takes as long as the rest of a simulator's start
def _pages(seed: int) -> list[str]:
    own = rng.split(seed, STREAM)
    count = len(VOCABULARY)
    return [f" {VOCABULARY[rng.below(own, page, count)]}" for page in range(PAGES)]


def tokens_in(characters: int) -> int:
    """The tokens of a prompt of this many characters: four to one, the usual rule of thumb."""
    return -(-characters // 4)
