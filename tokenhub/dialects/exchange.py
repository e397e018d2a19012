"""One call between a caller's format and a provider's: the request up, the answer down.

same format      bytes pass through, with only what must differ replaced (passing.py)
... to shape     the texts of the answer are edited, all else passes (reshaping.py)
another format   read -> Talk -> write; the answer read -> Said or deltas -> write (translating.py)
"""

from typing import Protocol

from tokenhub.core.ask import Answer, Ask
from tokenhub.dialects.passing import Counting, Embedding, Passing
from tokenhub.dialects.reshaping import Reshaping
from tokenhub.dialects.translating import Translating
from tokenhub.dialects.translation import Follower


class Exchange(Protocol):
    """`dropped` names the parameters without a counterpart, once the payload is written."""

    dropped: tuple[str, ...]

    def payload(self, model_id: str) -> bytes:
        """The body to send. Raises Unsayable for what the provider's format cannot carry."""
        ...

    def answer(self, body: bytes) -> Answer:
        """A whole answer. Raises ValueError for what is none, ToldError for an error."""
        ...

    def follower(self) -> Follower: ...


def exchange(ask: Ask, speech: str, *, created: int) -> Exchange:
    """The exchange with a provider of this speech; `created` is Unix seconds, for the answer."""
    if ask.task == "embeddings":
        return Embedding(ask)
    if ask.task == "count":
        return Counting(ask, speech)
    if ask.speech != speech:
        return Translating(ask, speech, created=created)
    return Passing(ask) if ask.shape is None and not ask.schema else Reshaping(ask)
