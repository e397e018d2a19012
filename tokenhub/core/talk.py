"""A conversation in nobody's dialect: what is translated between the vendors' formats.

    request    Talk   = turns of parts, tools, and how to answer
    answer     Said   = parts, why it ended, what it used
    stream     Delta… = Began, then pieces, then Ended

Each dialect has a reader into these and a writer out of them, so that n formats need n pairs and
not n x n. A writer says what it could not put into words; nothing is lost in silence.
"""

from enum import StrEnum
from typing import Literal

import msgspec
from msgspec import Raw

from tokenhub.core.outcome import Usage

# --- parts


class Text(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    text: str


class Image(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A picture: `data` in base64 with its `media_type`, or a `url`; never both.

    `detail` is OpenAI's wish for the resolution, empty where it was not said.
    """

    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str = ""


class Document(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A file to read: base64 `data` with its `media_type`, a `url`, or plain `text`."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    text: str = ""
    name: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model calls a tool. `arguments` is the JSON text of an object, as the model wrote it."""

    id: str
    name: str
    arguments: str


class Result(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a call came to. `id` is the call's."""

    id: str
    parts: tuple[Text | Image | Document, ...]
    error: bool = False


class Thinking(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model's reasoning. With a `signature` it must come back untouched in the next turn."""

    text: str
    signature: str = ""


class Sealed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Reasoning that only its vendor can read; to be handed back untouched."""

    data: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model's own words for why it will not answer."""

    text: str


Part = Text | Image | Document | Call | Result | Thinking | Sealed | Refusal


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """`system` turns may stand anywhere. Results of tools are parts of a `user` turn."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]


# --- how to answer


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A function on offer. `schema` is the JSON Schema of its arguments, byte for byte."""

    name: str
    description: str = ""
    schema: Raw = Raw(b"")
    strict: bool | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Whether tools are to be used: `any` must use one of them, `tool` the one named."""

    kind: Literal["auto", "any", "none", "tool"]
    name: str = ""


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """The answer is to be JSON: any object, or one that fits `schema`, byte for byte."""

    schema: Raw = Raw(b"")
    name: str = ""
    strict: bool | None = None


Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """A request. None and the empty value mean that nothing was said.

    `parallel` is whether several tools may be called at once. `thinking_tokens` is Anthropic's
    budget, `effort` OpenAI's word for it; `thinks` is whether to think at all. `unread` names the
    parameters that have no place here: whoever writes the talk in another dialect drops them.
    """

    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    choice: Choice | None = None
    parallel: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    thinks: bool | None = None
    thinking_tokens: int | None = None
    effort: Effort | None = None
    format: Format | None = None
    user: str = ""
    stream: bool = False
    unread: tuple[str, ...] = ()


# --- what comes back


class Finish(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    CONTEXT = "context"
    TOOLS = "tools"
    REFUSAL = "refusal"
    FILTERED = "filtered"
    PAUSE = "pause"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. `id` and `model` are the provider's; `stop` the sequence that ended it."""

    id: str
    model: str
    parts: tuple[Part, ...]
    finish: Finish | None = None
    stop: str = ""
    usage: Usage | None = None


class Began(msgspec.Struct, frozen=True, kw_only=True):
    """The first of a stream. `usage` is what the vendor counted so far, the prompt as a rule."""

    id: str
    model: str
    usage: Usage | None = None


class TextPiece(msgspec.Struct, frozen=True):
    text: str


class ThinkingPiece(msgspec.Struct, frozen=True):
    text: str


class SignaturePiece(msgspec.Struct, frozen=True):
    """The signature of the thinking that came before, whole or in pieces."""

    signature: str


class SealedPiece(msgspec.Struct, frozen=True):
    data: str


class RefusalPiece(msgspec.Struct, frozen=True):
    text: str


class CallBegan(msgspec.Struct, frozen=True):
    """A call begins; `index` counts the calls of this answer from 0."""

    index: int
    id: str
    name: str


class CallPiece(msgspec.Struct, frozen=True):
    """More of the arguments of call `index`, as JSON text cut anywhere."""

    index: int
    arguments: str


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """The last of a stream that is whole. `usage` is the vendor's final count."""

    finish: Finish | None = None
    stop: str = ""
    usage: Usage | None = None


Delta = (
    Began
    | TextPiece
    | ThinkingPiece
    | SignaturePiece
    | SealedPiece
    | RefusalPiece
    | CallBegan
    | CallPiece
    | Ended
)
