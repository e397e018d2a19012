"""Exchanges between equals: the bytes of either side are the bytes of the other."""

import msgspec
from msgspec import Raw

from tokenhub.core.ask import Answer, Ask
from tokenhub.core.outcome import Usage
from tokenhub.dialects.anthropic import passing as anthropic
from tokenhub.dialects.openai import passing as openai
from tokenhub.dialects.speeches import SPEECHES
from tokenhub.dialects.translation import Follower, Unsayable

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode


class Passing:
    """Bytes up with only the changed fields replaced, bytes down untouched."""

    __slots__ = ("_ask", "_speech")
    dropped: tuple[str, ...] = ()

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._speech = SPEECHES[ask.speech]

    def payload(self, model_id: str) -> bytes:
        return self._speech.payload(self._ask, model_id)

    def answer(self, body: bytes) -> Answer:
        return Answer(body=body, usage=self._speech.usage_of(body))

    def follower(self) -> Follower:
        return self._speech.follower(self._ask)


class Embedding:
    """Embeddings have one format only, OpenAI's."""

    dropped: tuple[str, ...] = ()

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def payload(self, model_id: str) -> bytes:
        return with_model(self._ask, model_id)

    def answer(self, body: bytes) -> Answer:
        """The vectors, untouched. They cost what the prompt costs: nothing is generated."""
        return Answer(body=body, usage=openai.embedding_usage(body))

    def follower(self) -> Follower:
        raise Unsayable("embeddings are not streamed", field="stream")


class Counting:
    """A prompt's tokens, counted by a provider of Anthropic's format; free of charge."""

    dropped: tuple[str, ...] = ()

    def __init__(self, ask: Ask, speech: str) -> None:
        self._ask = ask
        self._speech = speech

    def payload(self, model_id: str) -> bytes:
        if self._speech != self._ask.speech:
            raise Unsayable("this provider cannot count tokens ahead of a request", field="model")
        return anthropic.payload(self._ask, model_id)

    def answer(self, body: bytes) -> Answer:
        _ = anthropic.counted(body)
        return Answer(body=body, usage=Usage(0, 0))

    def follower(self) -> Follower:
        raise Unsayable("a count is not streamed", field="stream")


def with_model(ask: Ask, model_id: str) -> bytes:
    """The caller's body, asking for the provider's own name of the model."""
    if ask.model == model_id:
        return ask.payload
    fields = _FIELDS.decode(ask.payload)
    fields["model"] = Raw(_ENCODE(model_id))
    return _ENCODE(fields)
