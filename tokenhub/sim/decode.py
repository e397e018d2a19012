"""The vendors' request bodies, read into a Call. Fields without a meaning here are let pass."""

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from tokenhub.sim.call import Call, Refused, Tool
from tokenhub.sim.words import tokens_in

# What a message costs beside its text (OpenAI's cookbook counts 3 or 4, and 3 for the reply).
MESSAGE_TOKENS = 4
REPLY_TOKENS = 3

Limit = Annotated[int, msgspec.Meta(ge=1)]
T = TypeVar("T")


class Part(msgspec.Struct, frozen=True):
    type: str
    text: str = ""
    content: msgspec.Raw = msgspec.Raw(b"")


class Message(msgspec.Struct, frozen=True):
    role: str
    content: str | list[Part] | None = None

    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return " ".join(part.text for part in self.content or ())

    def answers_tool(self) -> bool:
        """Whether this is a tool's result, in either vendor's way."""
        if self.role == "tool":
            return True
        parts = self.content if isinstance(self.content, list) else ()
        return any(part.type == "tool_result" for part in parts)

    def tokens(self) -> int:
        if isinstance(self.content, str):
            return MESSAGE_TOKENS + tokens_in(len(self.content))
        size = sum(len(part.text) + len(bytes(part.content)) for part in self.content or ())
        return MESSAGE_TOKENS + tokens_in(size)


class OpenAIFunction(msgspec.Struct, frozen=True):
    name: str
    parameters: dict[str, Any] = {}


class OpenAITool(msgspec.Struct, frozen=True):
    function: OpenAIFunction
    type: Literal["function"] = "function"


class OpenAIChoice(msgspec.Struct, frozen=True):
    function: OpenAIFunction
    type: Literal["function"] = "function"


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = False


class OpenAIRequest(msgspec.Struct, frozen=True):
    model: str
    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Limit | None = None
    max_completion_tokens: Limit | None = None
    n: Annotated[int, msgspec.Meta(ge=1)] | None = None
    tools: list[OpenAITool] | None = None
    tool_choice: Literal["none", "auto", "required"] | OpenAIChoice | None = None


class AnthropicTool(msgspec.Struct, frozen=True):
    name: str
    input_schema: dict[str, Any] = {}


class AnthropicChoice(msgspec.Struct, frozen=True):
    type: Literal["auto", "any", "tool", "none"]
    name: str = ""


class AnthropicRequest(msgspec.Struct, frozen=True):
    model: str
    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    max_tokens: Limit
    system: str | list[Part] = ""
    stream: bool = False
    tools: list[AnthropicTool] = []
    tool_choice: AnthropicChoice = AnthropicChoice(type="auto")


_OPENAI = msgspec.json.Decoder(OpenAIRequest)
_ANTHROPIC = msgspec.json.Decoder(AnthropicRequest)


def from_openai(body: bytes) -> Call:
    """The call in a chat completion request. Raises Refused."""
    request = _decode(_OPENAI, body)
    if (request.n or 1) > 1:
        raise Refused("The simulation gives one choice; ask with n = 1.", param="n")
    if request.stream_options and not request.stream:
        raise Refused(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    choice = request.tool_choice
    last = request.messages[-1]
    named = choice.function.name if isinstance(choice, OpenAIChoice) else ""
    return Call(
        model=request.model,
        prompt_tokens=REPLY_TOKENS + sum([message.tokens() for message in request.messages]),
        max_tokens=request.max_completion_tokens or request.max_tokens or 0,
        stream=bool(request.stream),
        include_usage=bool(request.stream_options and request.stream_options.include_usage),
        tools=tuple(
            Tool(name=tool.function.name, schema=tool.function.parameters)
            for tool in request.tools or ()
        ),
        must_call=choice == "required" or bool(named),
        may_call=choice != "none" and not last.answers_tool(),
        named=named,
        last=last.text(),
    )


def from_anthropic(body: bytes) -> Call:
    """The call in a Messages request. Raises Refused."""
    request = _decode(_ANTHROPIC, body)
    choice = request.tool_choice
    last = request.messages[-1]
    system = Message(role="system", content=request.system) if request.system else None
    messages = [system, *request.messages] if system else request.messages
    return Call(
        model=request.model,
        prompt_tokens=REPLY_TOKENS + sum([message.tokens() for message in messages]),
        max_tokens=request.max_tokens,
        stream=request.stream,
        tools=tuple(Tool(name=tool.name, schema=tool.input_schema) for tool in request.tools),
        must_call=choice.type in {"any", "tool"},
        may_call=choice.type != "none" and not last.answers_tool(),
        named=choice.name,
        last=last.text(),
    )


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
    return _decode(_EMBEDDINGS, body)


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Refused(str(error), param=_field(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(
            "We could not parse the JSON body of your request. "
            "The API expects a JSON payload, but what was sent was not valid JSON."
        ) from error


def _field(complaint: str) -> str | None:
    """The field that msgspec complains about, as `messages[0].role`."""
    found = re.search(r"at `\$\.([^`]+)`", complaint) or re.search(r"field `([^`]+)`", complaint)
    return found[1] if found else None
