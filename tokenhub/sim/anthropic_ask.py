"""Anthropic's Messages request as types: every parameter that the vendor knows.

Parameters: docs.anthropic.com, Messages API version 2023-06-01, as of January 2026. Tools that
run at the vendor are let pass and never called.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Raw

from tokenhub.sim.decode import Limit
from tokenhub.sim.words import tokens_in

MESSAGE_TOKENS = 4
NOTHING = Raw(b"")


class CacheControl(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class Text(msgspec.Struct, frozen=True, tag="text", forbid_unknown_fields=True):
    text: str
    cache_control: CacheControl | None = None
    citations: Raw = NOTHING


class Base64Source(msgspec.Struct, frozen=True, tag="base64", forbid_unknown_fields=True):
    media_type: str
    data: str


class UrlSource(msgspec.Struct, frozen=True, tag="url", forbid_unknown_fields=True):
    url: str


class TextSource(msgspec.Struct, frozen=True, tag="text", forbid_unknown_fields=True):
    media_type: Literal["text/plain"]
    data: str


class FileSource(msgspec.Struct, frozen=True, tag="file", forbid_unknown_fields=True):
    file_id: str


class ContentSource(msgspec.Struct, frozen=True, tag="content", forbid_unknown_fields=True):
    content: Raw


class Image(msgspec.Struct, frozen=True, tag="image", forbid_unknown_fields=True):
    source: Base64Source | UrlSource | FileSource
    cache_control: CacheControl | None = None


class Document(msgspec.Struct, frozen=True, tag="document", forbid_unknown_fields=True):
    source: Base64Source | UrlSource | TextSource | FileSource | ContentSource
    title: str | None = None
    context: str | None = None
    citations: Raw = NOTHING
    cache_control: CacheControl | None = None


class ToolUse(msgspec.Struct, frozen=True, tag="tool_use", forbid_unknown_fields=True):
    id: str
    name: str
    input: dict[str, Any]
    cache_control: CacheControl | None = None


class ToolResult(msgspec.Struct, frozen=True, tag="tool_result", forbid_unknown_fields=True):
    tool_use_id: str
    content: str | list[Text | Image | Document] = ""
    is_error: bool = False
    cache_control: CacheControl | None = None

    def parts(self) -> list[Text | Image | Document]:
        return self.content if isinstance(self.content, list) else []

    def size(self) -> int:
        if isinstance(self.content, str):
            return len(self.content)
        return sum([len(part.text) for part in self.content if isinstance(part, Text)])


class Thinking(msgspec.Struct, frozen=True, tag="thinking", forbid_unknown_fields=True):
    thinking: str
    signature: str


class Redacted(msgspec.Struct, frozen=True, tag="redacted_thinking", forbid_unknown_fields=True):
    data: str


Block = Text | Image | Document | ToolUse | ToolResult | Thinking | Redacted


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]

    def blocks(self) -> list[Block]:
        """The content, block by block; none where it is plain text."""
        return self.content if isinstance(self.content, list) else []

    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return " ".join([block.text for block in self.content if isinstance(block, Text)])

    def answers_tool(self) -> bool:
        """Whether a tool's result is in it."""
        if isinstance(self.content, str):
            return False
        return any(isinstance(block, ToolResult) for block in self.content)

    def tokens(self) -> int:
        if isinstance(self.content, str):
            return MESSAGE_TOKENS + tokens_in(len(self.content))
        return MESSAGE_TOKENS + tokens_in(sum([_size(block) for block in self.content]))


def _size(block: Block) -> int:
    match block:
        case Text(text=text) | Thinking(thinking=text):
            return len(text)
        case ToolResult():
            return block.size()
        case ToolUse(name=name, input=given):
            return len(name) + len(msgspec.json.encode(given))
        case _:
            return 0


class Tool(msgspec.Struct, frozen=True):
    """A custom tool must have its schema; one of the vendor's own has a type instead."""

    name: str = ""
    input_schema: dict[str, Any] | None = None
    type: str | None = None
    description: str | None = None
    cache_control: CacheControl | None = None

    def custom(self) -> bool:
        return self.type in {None, "custom"}


def plain(messages: Sequence[Message]) -> bool:
    """Whether all of it is mere text."""
    for message in messages:  # noqa: SIM110  # of every request: three times as fast as all()
        if not isinstance(message.content, str):
            return False
    return True


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["auto", "any", "tool", "none"]
    name: str = ""
    disable_parallel_tool_use: bool = False


class Enabled(msgspec.Struct, frozen=True, tag="enabled", forbid_unknown_fields=True):
    budget_tokens: int
    display: Literal["summarized", "omitted"] = "summarized"


class Adaptive(msgspec.Struct, frozen=True, tag="adaptive", forbid_unknown_fields=True):
    display: Literal["summarized", "omitted"] = "summarized"


class Disabled(msgspec.Struct, frozen=True, tag="disabled", forbid_unknown_fields=True):
    pass


class SchemaFormat(msgspec.Struct, frozen=True, tag="json_schema", forbid_unknown_fields=True):
    schema: dict[str, Any]


class OutputConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: SchemaFormat | None = None


class Metadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    user_id: str | None = None


AUTO = Choice(type="auto")
NO_CONFIG = OutputConfig()


class Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What /v1/messages/count_tokens takes: all that a prompt consists of."""

    model: str
    messages: Annotated[tuple[Message, ...], msgspec.Meta(min_length=1)]
    system: str | list[Text] = ""
    tools: list[Tool] = []
    tool_choice: Choice = AUTO
    thinking: Enabled | Adaptive | Disabled | None = None
    output_config: OutputConfig = NO_CONFIG
    context_management: Raw = NOTHING
    mcp_servers: Raw = NOTHING
    cache_control: CacheControl | None = None


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    messages: Annotated[tuple[Message, ...], msgspec.Meta(min_length=1)]
    max_tokens: Limit
    system: str | list[Text] = ""
    tools: list[Tool] = []
    tool_choice: Choice = AUTO
    thinking: Enabled | Adaptive | Disabled | None = None
    output_config: OutputConfig = NO_CONFIG
    cache_control: CacheControl | None = None
    stream: bool = False
    stop_sequences: list[str] = []
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    metadata: Metadata | None = None
    service_tier: Literal["auto", "standard_only"] = "auto"
    container: Raw = NOTHING
    context_management: Raw = NOTHING
    inference_geo: Raw = NOTHING
    mcp_servers: Raw = NOTHING
