"""The Anthropic format of messages: what TokenHub reads of it, and what it writes.

Source: the API reference of messages, version 2023-06-01, as anthropic 2.12 sends and reads it.
What is read is one loose shape for each object, since new kinds of blocks and events may come at
any time; what is written has a type for each kind.
"""

from typing import Any, Literal

import msgspec
from msgspec import Raw

# --- read: requests


class Block(msgspec.Struct, omit_defaults=True):
    """A block of content of any kind; what is large or has many forms is left undecoded."""

    type: str
    text: str | None = None
    source: Raw = Raw()
    title: str | None = None
    context: str | None = None
    citations: Raw = Raw()
    transformations: Raw = Raw()
    id: str | None = None
    name: str | None = None
    input: Raw = Raw()
    tool_use_id: str | None = None
    content: Raw = Raw()
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    cache_control: Raw = Raw()


class Kind(msgspec.Struct):
    """Of what kind an object is, and nothing else of it."""

    type: str = ""


# The kinds whose fields have the types of `Block`; those of others may have any.
KNOWN_BLOCKS = frozenset(
    ("text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking")
)


class Source(msgspec.Struct, omit_defaults=True):
    """Where a picture or a document is: `base64`, `url`, `text`, `content` or `file`."""

    type: str
    media_type: str = ""
    data: str = ""
    url: str = ""
    content: Raw = Raw()


Content = str | list[Block]


class Message(msgspec.Struct, omit_defaults=True):
    role: str
    content: Content


class OutlinePart(msgspec.Struct, omit_defaults=True):
    """As much of a block as calls, results and signatures are matched by."""

    type: str = ""
    id: Any = ""
    tool_use_id: Any = ""
    signature: Any = None


class OutlineTurn(msgspec.Struct):
    role: str
    content: str | list[OutlinePart]


class Outline(msgspec.Struct):
    """A request, as far as its history is checked."""

    messages: list[OutlineTurn]


class LooseMessage(msgspec.Struct):
    """A turn with blocks that may be new to us."""

    role: str
    content: str | list[Raw]


class LooseRequest(msgspec.Struct, kw_only=True):
    """The prompt of a request with such turns."""

    messages: list[LooseMessage]
    system: str | list[Raw] | None = None


class RestOfRequest(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What every request is read for beside its prompt."""

    model: str | None = None
    tools: Raw = Raw()
    max_tokens: int | None = None
    stream: bool | None = None
    models: list[str] | None = None


class MessageRequest(RestOfRequest, omit_defaults=True, kw_only=True):
    """As much of a request as every one is read for."""

    messages: list[Message]
    system: Content | None = None


class ReadTool(msgspec.Struct, omit_defaults=True):
    """A tool on offer. Those with a `type` other than `custom` run at the vendor."""

    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: Raw = Raw()
    strict: bool | None = None
    cache_control: Raw = Raw()


class ReadChoice(msgspec.Struct, omit_defaults=True):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ReadThinking(msgspec.Struct, omit_defaults=True):
    type: str
    budget_tokens: int | None = None
    display: Raw = Raw()


class ReadFormat(msgspec.Struct, omit_defaults=True):
    type: str
    schema: Raw = Raw()


class ReadOutput(msgspec.Struct, omit_defaults=True):
    effort: str | None = None
    format: ReadFormat | None = None


class Metadata(msgspec.Struct, omit_defaults=True):
    user_id: str | None = None


class FullRequest(MessageRequest, omit_defaults=True, kw_only=True):
    """All of a request that has words in another format."""

    tool_choice: ReadChoice | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    thinking: ReadThinking | None = None
    output_config: ReadOutput | None = None
    output_format: ReadFormat | None = None
    metadata: Metadata | None = None


# --- read: answers and events


class ReadUsage(msgspec.Struct, omit_defaults=True):
    """Whatever a provider put there: a count of an odd type must not cost a good answer."""

    input_tokens: Any = None
    output_tokens: Any = None
    cache_read_input_tokens: Any = None
    cache_creation_input_tokens: Any = None
    cache_creation: Any = None
    output_tokens_details: Any = None


class Answered(msgspec.Struct, omit_defaults=True):
    """A whole answer, as far as its usage is read."""

    content: list[Raw]
    usage: Raw = Raw()


class StopDetails(msgspec.Struct, omit_defaults=True):
    explanation: str | None = None


class Opening(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The message that opens a stream: its content comes later."""

    content: list[Raw]
    id: str | None = None
    model: str | None = None
    usage: Raw = Raw()


class Whole(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A whole answer. Each block is decoded for itself: some may be new to us."""

    content: list[Raw]
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: Raw = Raw()


class Delta(msgspec.Struct, omit_defaults=True):
    """What an event adds: to a block by its kind, or to the message why it ended."""

    type: str | None = None
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    citation: Raw = Raw()
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class Event(msgspec.Struct, omit_defaults=True):
    """An event of a stream, of any kind."""

    type: str = ""
    index: int = 0
    delta: Delta | None = None
    content_block: Block | None = None
    message: Raw = Raw()
    usage: Raw = Raw()
    error: Raw = Raw()


class EventKinds(msgspec.Struct, omit_defaults=True):
    """An event by its kind alone, for one whose fields are not those that we know."""

    type: str = ""
    delta: Raw = Raw()
    content_block: Raw = Raw()
    error: Raw = Raw()


class Counted(msgspec.Struct):
    """The answer of count_tokens."""

    input_tokens: int


# --- written: blocks


class Text(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    text: str


class Base64(msgspec.Struct, frozen=True, tag_field="type", tag="base64"):
    media_type: str
    data: str


class Url(msgspec.Struct, frozen=True, tag_field="type", tag="url"):
    url: str


class Plain(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    data: str
    media_type: str = "text/plain"


class Image(msgspec.Struct, frozen=True, tag_field="type", tag="image"):
    source: Base64 | Url


class Document(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="document"):
    source: Base64 | Url | Plain
    title: str = ""


class ToolUse(msgspec.Struct, frozen=True, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: Raw


class ToolResult(
    msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="tool_result"
):
    tool_use_id: str
    content: str | list[Text | Image | Document] = ""
    is_error: bool = False


class Thinking(msgspec.Struct, frozen=True, tag_field="type", tag="thinking"):
    thinking: str
    signature: str


class Redacted(msgspec.Struct, frozen=True, tag_field="type", tag="redacted_thinking"):
    data: str


Written = Text | Image | Document | ToolUse | ToolResult | Thinking | Redacted


# --- written: requests


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    role: Literal["user", "assistant"]
    content: str | list[Written]


class Tool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    description: str = ""
    input_schema: Raw
    strict: bool | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    type: Literal["auto", "any", "none", "tool"]
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class ThinkingConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    type: Literal["enabled", "adaptive", "disabled", "between_tools"]
    budget_tokens: int | None = None


class JsonSchema(msgspec.Struct, frozen=True, tag_field="type", tag="json_schema"):
    schema: Raw


class Output(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    effort: str | None = None
    format: JsonSchema | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    model: str
    max_tokens: int
    system: str | list[Text] = ""
    messages: list[Turn]
    tools: list[Tool] | None = None
    tool_choice: Choice | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    thinking: ThinkingConfig | None = None
    output_config: Output | None = None
    metadata: Metadata | None = None
    stream: bool = False


# --- written: answers and events


class OutputDetails(msgspec.Struct, frozen=True):
    thinking_tokens: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """`input_tokens` is what was neither read from a cache nor written to one."""

    input_tokens: int
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int
    output_tokens_details: OutputDetails | msgspec.UnsetType = msgspec.UNSET


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="message"):
    id: str
    role: Literal["assistant"] = "assistant"
    model: str
    content: list[Written]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Usage


class MessageStart(msgspec.Struct, frozen=True, tag_field="type", tag="message_start"):
    message: Answer


class BlockStart(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="content_block_start"
):
    index: int
    content_block: Written


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    stop_reason: str
    stop_sequence: str | None = None


class MessageDelta(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="message_delta"
):
    delta: Stopped
    usage: Usage


# --- lists of models


class ModelCard(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="model"):
    id: str
    display_name: str
    created_at: str


class ModelPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of `GET /v1/models`; its ends are where the next one begins."""

    data: list[ModelCard]
    has_more: bool
    first_id: str | None
    last_id: str | None
