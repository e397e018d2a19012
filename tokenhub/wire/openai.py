"""The OpenAI chat format: the parts that TokenHub reads. All other fields pass through unread.

The `Full` types are for translation, where all that has a meaning is read; the others are light,
for every request. Source: the API reference of chat completions, as openai 3.52 sends and reads it.
"""

from typing import Any, Literal

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
    models: list[str] | None = None


class Completion(msgspec.Struct, omit_defaults=True):
    """A whole answer, as far as it is read."""

    choices: list[msgspec.Raw]
    usage: Any = None


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
    usage: Any = None
    error: Any = None


class EmbeddingRequest(msgspec.Struct):
    """What is read of a request for embeddings. `input` is a text, texts, or lists of tokens."""

    input: str | list[str | int | list[int]]
    model: str | None = None


class Embeddings(msgspec.Struct):
    """A list of embeddings, as far as it is read: never a vector."""

    data: list[msgspec.Raw]
    usage: Any = None


# --- translated


class ImageURL(msgspec.Struct, omit_defaults=True):
    url: str
    detail: str | None = None


class File(msgspec.Struct, omit_defaults=True):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class Content(msgspec.Struct, omit_defaults=True):
    """A part of a message's content. `thinking` is Mistral's, in answers only."""

    type: str
    text: str | None = None
    image_url: ImageURL | str | None = None
    file: File | None = None
    refusal: str | None = None
    thinking: "str | list[Content] | None" = None
    prompt_cache_breakpoint: Any = None


class Reasoning(msgspec.Struct, omit_defaults=True):
    """An entry of `reasoning_details`, which OpenRouter made common; OpenAI has nothing like it.

    `type` is `reasoning.text` (`text`, `signature`), `reasoning.summary` or `reasoning.encrypted`
    (`data`). `format` says whose proofs signature and data are. The pieces of a stream that belong
    together have one `index`. Only written: what comes in is read field by field.
    """

    type: str
    text: str | None = None
    signature: str | None = None
    summary: str | None = None
    data: str | None = None
    format: str | None = None
    index: int | None = None


class Called(msgspec.Struct, omit_defaults=True):
    """A function that is called. Some servers send the arguments as an object."""

    name: str | None = None
    arguments: str | dict[str, msgspec.Raw] | None = None


class ToolCall(msgspec.Struct, omit_defaults=True):
    """A call; in a stream a piece of one, where `index` says of which."""

    id: str | None = None
    type: str | None = None
    function: Called | None = None
    index: int | None = None


class FullMessage(msgspec.Struct, omit_defaults=True):
    """A message. The vendor may have more roles tomorrow."""

    role: str
    content: str | list[Content] | msgspec.UnsetType | None = msgspec.UNSET
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    function_call: Called | None = None
    refusal: str | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_details: Any = None
    audio: Any = None


class Function(msgspec.Struct, omit_defaults=True):
    """A function on offer."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    strict: bool | None = None


class Tool(msgspec.Struct, omit_defaults=True):
    type: str
    function: Function | None = None


class Named(msgspec.Struct, omit_defaults=True):
    name: str


class Allowed(msgspec.Struct, omit_defaults=True):
    type: str = "function"
    function: Named | None = None


class AllowedTools(msgspec.Struct, omit_defaults=True):
    mode: str
    tools: list[Allowed]


class ToolChoice(msgspec.Struct, omit_defaults=True):
    type: str
    function: Named | None = None
    allowed_tools: AllowedTools | None = None


class JSONSchema(msgspec.Struct, omit_defaults=True):
    name: str | None = None
    schema: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None
    description: str | None = None


class ResponseFormat(msgspec.Struct, omit_defaults=True):
    type: str
    json_schema: JSONSchema | None = None


class FullRequest(msgspec.Struct, omit_defaults=True):
    """A request as far as it is translated. `top_k` is no parameter of OpenAI's, but of vLLM's."""

    messages: list[FullMessage]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: str | list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: list[Function] | None = None
    function_call: str | Named | None = None
    reasoning_effort: str | None = None
    response_format: ResponseFormat | None = None
    modalities: list[str] | None = None
    user: str | None = None
    safety_identifier: str | None = None


class OfOld(msgspec.Struct):
    """What tells a caller who knows functions only."""

    functions: list[msgspec.Raw] | None = None


class AnsweredFunction(msgspec.Struct):
    """A function that the model calls. Some servers send the arguments as an object or a list."""

    name: Any = None
    arguments: Any = None


class AnsweredCall(msgspec.Struct):
    """A call of the model's, or in a stream a piece of one, where `index` says of which."""

    id: Any = None
    function: AnsweredFunction | None = None
    index: Any = None


class Answered(msgspec.Struct):
    """What the model says. Much may be of odd types, which `text` and `number` read."""

    content: str | list[Content] | None = None
    tool_calls: list[AnsweredCall] | None = None
    function_call: AnsweredFunction | None = None
    refusal: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_details: Any = None


class FullChoice(msgspec.Struct):
    """`stop_reason` is vLLM's: the sequence that ended the answer, or the number of a token."""

    message: Answered
    index: Any = 0
    finish_reason: Any = None
    stop_reason: Any = None


class FullCompletion(msgspec.Struct):
    choices: list[FullChoice]
    id: Any = None
    model: Any = None
    usage: Any = None


class FullChunkChoice(msgspec.Struct, gc=False):
    index: Any = 0
    delta: Answered | None = None
    finish_reason: Any = None
    stop_reason: Any = None


class FullChunk(msgspec.Struct, gc=False):
    id: Any = None
    model: Any = None
    choices: list[FullChunkChoice] | None = None
    usage: Any = None
    error: Any = None


def text(given: object) -> str:
    """What a server sent where a text belongs: a number in digits, and nothing for all else."""
    if isinstance(given, str):
        return given
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else ""


def number(given: object) -> int | None:
    """What a server sent where a count belongs, digits in a text too; None for all else."""
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < _DIGITS:
        return int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) else None


# Enough for any index; Python itself refuses to read thousands of digits.
_DIGITS = 10


class ToldPiece(msgspec.Struct, omit_defaults=True):
    """A piece of reasoning in a stream as it is written."""

    reasoning_content: str | None = None
    reasoning_details: list[Reasoning] | None = None


class ToldUsage(msgspec.Struct, omit_defaults=True):
    """Usage as it is written: only what is known."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: "PromptDetails | None" = None
    completion_tokens_details: "CompletionDetails | None" = None


class PromptDetails(msgspec.Struct, omit_defaults=True):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class CompletionDetails(msgspec.Struct, omit_defaults=True):
    reasoning_tokens: int | None = None


class ToldMessage(msgspec.Struct, omit_defaults=True):
    """An answer as it is written. `content` and `refusal` are there even when they are null."""

    role: str
    content: str | None
    refusal: str | None
    tool_calls: list[ToolCall] | None = None
    function_call: Called | None = None
    reasoning_content: str | None = None
    reasoning_details: list[Reasoning] | None = None


class ToldChoice(msgspec.Struct):
    message: ToldMessage
    finish_reason: str
    index: int = 0
    logprobs: None = None


class ToldCompletion(msgspec.Struct, omit_defaults=True):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ToldChoice]
    usage: ToldUsage | None = None


# --- lists of models


class ModelCard(msgspec.Struct, omit_defaults=True, kw_only=True, tag_field="object", tag="model"):
    """A model in `GET /v1/models`; both lengths are the context size: clients know either."""

    id: str
    created: int
    owned_by: str
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
