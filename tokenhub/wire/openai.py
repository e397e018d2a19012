"""The OpenAI chat format: the parts that TokenHub reads. All other fields pass through unread.

Source: the API reference of chat completions, as openai 3.52 sends and reads it.
"""

from typing import Any

import msgspec


class Part(msgspec.Struct, omit_defaults=True):
    type: str
    text: str | None = None


class Message(msgspec.Struct, omit_defaults=True):
    role: str
    content: str | list[Part] | None = None
    tool_calls: list[msgspec.Raw] | None = None


class StreamOptions(msgspec.Struct, omit_defaults=True):
    include_usage: bool | None = None


class ChatRequest(msgspec.Struct, omit_defaults=True):
    messages: list[Message]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: Any = None
    tools: msgspec.Raw = msgspec.Raw()


class Usage(msgspec.Struct, omit_defaults=True):
    """Whatever a provider put there: a count of an odd type must not cost a good answer."""

    prompt_tokens: Any = None
    completion_tokens: Any = None


class Completion(msgspec.Struct, omit_defaults=True):
    """A whole answer, as far as it is read."""

    choices: list[msgspec.Raw]
    usage: msgspec.Raw = msgspec.Raw()


# Most servers send text. Mistral's reasoning models send content as a list of parts.
Piece = str | list[msgspec.Raw] | dict[str, msgspec.Raw] | None


class Delta(msgspec.Struct, omit_defaults=True):
    """What an event adds to the answer. Reasoning goes by two names: vLLM has had both."""

    content: Piece = None
    reasoning_content: Piece = None
    reasoning: Piece = None
    refusal: Piece = None
    tool_calls: list[msgspec.Raw] | None = None
    function_call: Piece = None
    audio: Piece = None


class ChunkChoice(msgspec.Struct, omit_defaults=True):
    delta: Delta | None = None
    finish_reason: Any = None


class Chunk(msgspec.Struct, omit_defaults=True):
    """One event of a stream. `error` is what some servers send when they fail on the way."""

    choices: list[ChunkChoice] | None = None
    usage: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class ModelCard(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A model in `GET /v1/models`; both lengths are the context size: clients know either."""

    id: str
    object: str = msgspec.field(default="model")
    created: int = 0
    owned_by: str = ""
    context_length: int | None = None
    max_model_len: int | None = None


class ModelList(msgspec.Struct):
    object: str
    data: list[ModelCard]


class ProviderModel(msgspec.Struct, omit_defaults=True):
    """A model in a provider's own list."""

    id: str
    owned_by: str = ""


class ProviderModels(msgspec.Struct):
    data: list[ProviderModel]
