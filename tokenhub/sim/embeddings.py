"""OpenAI's embeddings: unit vectors, the same for the same text and seed.

Every model on offer embeds; a real provider keeps special ones for it.
"""

import base64
import zlib
from array import array
from typing import Annotated, Literal

import msgspec

from tokenhub.core import rng
from tokenhub.sim.decode import Limit, Wrong, decoded
from tokenhub.sim.openai_read import refusal
from tokenhub.sim.profile import Model
from tokenhub.sim.words import tokens_in


class EmbeddingsRequest(msgspec.Struct, frozen=True):
    """`input` is one text, many, one list of token numbers, or many of these."""

    model: str
    input: str | Annotated[list[str | int | list[int]], msgspec.Meta(min_length=1)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Limit | None = None

    def inputs(self) -> list[str | list[int]]:
        """One entry for each vector that is asked for."""
        if isinstance(self.input, str):
            return [self.input]
        numbers = [item for item in self.input if isinstance(item, int)]
        texts = [item for item in self.input if not isinstance(item, int)]
        return [*texts, numbers] if numbers else [*texts]


_EMBEDDINGS = msgspec.json.Decoder(EmbeddingsRequest)


def from_embeddings(body: bytes) -> EmbeddingsRequest:
    """The embeddings request. Raises Refused."""
    try:
        return decoded(_EMBEDDINGS, body)
    except Wrong as wrong:
        raise refusal(wrong) from wrong


class Embedding(msgspec.Struct, frozen=True, kw_only=True):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(msgspec.Struct, frozen=True, kw_only=True):
    prompt_tokens: int
    total_tokens: int


class Embeddings(msgspec.Struct, frozen=True, kw_only=True):
    object: Literal["list"] = "list"
    data: tuple[Embedding, ...]
    model: str
    usage: EmbeddingUsage


def embeddings(request: EmbeddingsRequest, model: Model, seed: int) -> bytes:
    """The answer of /v1/embeddings."""
    size = request.dimensions or model.embedding_dimensions
    inputs = request.inputs()
    vectors = [_vector(text, seed, size) for text in inputs]
    tokens = sum(tokens_in(len(text)) if isinstance(text, str) else len(text) for text in inputs)
    data = tuple(
        Embedding(index=index, embedding=_written(vector, request.encoding_format))
        for index, vector in enumerate(vectors)
    )
    usage = EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens)
    return msgspec.json.encode(Embeddings(data=data, model=request.model, usage=usage))


def _vector(text: str | list[int], seed: int, size: int) -> list[float]:
    own = rng.split(seed, zlib.crc32(msgspec.json.encode(text)))
    raw = [rng.uniform(own, place) - 0.5 for place in range(size)]
    length = sum(value * value for value in raw) ** 0.5
    return [value / length for value in raw]


def _written(vector: list[float], encoding: str) -> list[float] | str:
    if encoding == "float":
        return vector
    return base64.b64encode(array("f", vector).tobytes()).decode()
