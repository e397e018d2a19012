"""OpenAI's chat completion request as types: every parameter that the vendor knows.

Parameters: platform.openai.com/docs/api-reference/chat/create as of January 2026. The lenient
types let unknown fields pass, as vLLM does.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Raw

from tokenhub.sim.decode import Limit
from tokenhub.sim.words import tokens_in

# What a message costs beside its text (OpenAI's cookbook counts 3 or 4, and 3 for the reply).
MESSAGE_TOKENS = 4
NOTHING = Raw(b"")
Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


class Text(msgspec.Struct, frozen=True, tag="text", forbid_unknown_fields=True):
    text: str


class ImageUrl(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    detail: Literal["auto", "low", "high", "original"] = "auto"


class Image(msgspec.Struct, frozen=True, tag="image_url", forbid_unknown_fields=True):
    image_url: ImageUrl


class Audio(msgspec.Struct, frozen=True, tag="input_audio", forbid_unknown_fields=True):
    input_audio: dict[str, Any]


class Attached(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file_data: str = ""
    file_id: str = ""
    filename: str = ""


class File(msgspec.Struct, frozen=True, tag="file", forbid_unknown_fields=True):
    file: Attached


class Refusal(msgspec.Struct, frozen=True, tag="refusal", forbid_unknown_fields=True):
    refusal: str


Part = Text | Image | Audio | File | Refusal


class Called(msgspec.Struct, frozen=True):
    name: str
    arguments: str


class ToolCall(msgspec.Struct, frozen=True):
    id: str
    function: Called
    type: Literal["function"]


class LenientMessage(msgspec.Struct, frozen=True):
    role: Role
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    audio: Raw = NOTHING
    function_call: Raw = NOTHING
    annotations: Raw = NOTHING

    def parts(self) -> list[Part]:
        """The content, part by part; none where it is plain text."""
        return self.content if isinstance(self.content, list) else []

    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return " ".join([part.text for part in self.content or () if isinstance(part, Text)])

    def tokens(self) -> int:
        if isinstance(self.content, str):
            return MESSAGE_TOKENS + tokens_in(len(self.content))
        size = len(self.text())
        for call in self.tool_calls or ():
            size += len(call.function.name) + len(call.function.arguments)
        return MESSAGE_TOKENS + tokens_in(size)


class Message(LenientMessage, frozen=True, forbid_unknown_fields=True):
    """A message with nothing in it that the vendor does not know."""


def plain(messages: Sequence[LenientMessage]) -> bool:
    """Whether all of it is mere text."""
    for message in messages:  # noqa: SIM110  # of every request: three times as fast as all()
        if not isinstance(message.content, str):
            return False
    return True


class Function(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    function: Function
    type: Literal["function"]


class Named(msgspec.Struct, frozen=True):
    name: str


class NamedChoice(msgspec.Struct, frozen=True):
    function: Named
    type: Literal["function"]


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = False


class TextFormat(msgspec.Struct, frozen=True, tag="text"):
    pass


class ObjectFormat(msgspec.Struct, frozen=True, tag="json_object"):
    pass


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    schema: dict[str, Any] = {}
    strict: bool | None = None
    description: str | None = None


class SchemaFormat(msgspec.Struct, frozen=True, tag="json_schema"):
    json_schema: Schema


class LenientRequest(msgspec.Struct, frozen=True):
    model: str
    messages: Annotated[tuple[LenientMessage, ...], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Limit | None = None
    max_completion_tokens: Limit | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    stop: str | list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: Effort | None = None
    response_format: TextFormat | ObjectFormat | SchemaFormat | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    metadata: dict[str, str] | None = None
    seed: int | None = None
    user: str | None = None
    audio: Raw = NOTHING
    function_call: Raw = NOTHING
    functions: Raw = NOTHING
    modalities: Raw = NOTHING
    prediction: Raw = NOTHING
    prompt_cache_key: Raw = NOTHING
    prompt_cache_retention: Raw = NOTHING
    safety_identifier: Raw = NOTHING
    service_tier: Raw = NOTHING
    store: Raw = NOTHING
    verbosity: Raw = NOTHING
    web_search_options: Raw = NOTHING

    def stops(self) -> tuple[str, ...]:
        if isinstance(self.stop, str):
            return (self.stop,)
        return tuple(self.stop or ())


class Request(LenientRequest, frozen=True, forbid_unknown_fields=True):
    messages: Annotated[tuple[Message, ...], msgspec.Meta(min_length=1)]
