"""Between equals nothing is translated: OpenAI's format to a provider of the same.

The body goes up with only the changed fields replaced, the answer comes down untouched. What is
decoded is decoded to be understood, never to be rewritten.
"""

from typing import TypeVar

import msgspec
from msgspec import Raw

from tokenhub.core.ask import Ask
from tokenhub.core.outcome import Usage
from tokenhub.dialects.following import Following
from tokenhub.dialects.openai import models
from tokenhub.dialects.openai.surrogates import decoded
from tokenhub.dialects.told import Told, ToldError, count
from tokenhub.wire import openai as wire
from tokenhub.wire import sse

_COMPLETION = msgspec.json.Decoder(wire.Completion)
_EMBEDDINGS = msgspec.json.Decoder(wire.Embeddings)
_CHUNK = msgspec.json.Decoder(wire.Chunk)
_OBJECT = msgspec.json.Decoder(dict[str, object])
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_ENCODE = msgspec.json.Encoder().encode

T = TypeVar("T")

DONE = b"data: [DONE]\n\n"


def payload(ask: Ask, model_id: str) -> bytes:
    """The body for a provider of this format: the caller's bytes, with what must differ replaced.

    That is `model`, and in a stream `stream_options`, since usage is always asked for. All other
    fields keep their bytes, known to us or not; but OpenAI's own models get no reasoning that
    others have written into the conversation.
    """
    reasoned = _holds_reasoning(ask.payload) and models.family(model_id).own
    if ask.model == model_id and (not ask.stream or ask.wants_usage) and not reasoned:
        return ask.payload
    fields = _FIELDS.decode(ask.payload)
    fields["model"] = Raw(_ENCODE(model_id))
    if ask.stream and not ask.wants_usage:
        fields["stream_options"] = _with_usage(fields.get("stream_options"))
    if reasoned:
        fields["messages"] = _without_reasoning(fields["messages"])
    return _ENCODE(fields)


# What other servers add to an assistant's message. OpenAI's API is known to refuse a conversation
# that holds one ("Unknown parameter"), and its SDK's users hand messages back as they came.
_REASONING = ("reasoning_content", "reasoning_details", "reasoning")
_AS_NAMES = tuple(f'"{name}"'.encode() for name in _REASONING)


def _holds_reasoning(body: bytes) -> bool:
    return b'"reasoning' in body and any(name in body for name in _AS_NAMES)


def _without_reasoning(messages: Raw) -> Raw:
    return Raw(_ENCODE([_unreasoned(message) for message in _LIST.decode(messages)]))


def _unreasoned(message: Raw) -> Raw:
    """The message without them; as it came, if it has none."""
    if not _holds_reasoning(bytes(message)):
        return message
    fields = _FIELDS.decode(message)
    left = {name: value for name, value in fields.items() if name not in _REASONING}
    return message if len(left) == len(fields) else Raw(_ENCODE(left))


def usage_of(body: bytes) -> Usage | None:
    """The usage of a whole answer, None where it gives none.

    Raises ValueError for a non-answer, and ToldError where it is an error.
    """
    try:
        completion = decoded(_COMPLETION, body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said = error_of(body)
        if said.message or said.code:
            raise ToldError(said) from error
        raise ValueError("not a chat completion") from error
    if not completion.choices:
        raise ValueError("a chat completion without a choice")
    return read_usage(completion.usage)


def embedding_usage(body: bytes) -> Usage | None:
    """The usage of a list of embeddings; nothing is generated. Raises as `usage_of` does."""
    try:
        found = _EMBEDDINGS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said = error_of(body)
        if said.message or said.code:
            raise ToldError(said) from error
        raise ValueError("not a list of embeddings") from error
    usage = read_usage(found.usage)
    return None if usage is None else Usage(usage.input_tokens, 0)


def error_of(body: bytes) -> Told:
    """The error that a provider tells of; empty where its body cannot be read.

    Each field is read for itself: one of an odd type must not hide the code, by which the failure
    is classed. Older vLLM servers put the fields at the top, where others have `error`.
    """
    try:
        found = _OBJECT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Told()
    error = found.get("error") or found
    if not isinstance(error, dict):
        return Told(message=error) if isinstance(error, str) else Told()
    message, code = error.get("message"), error.get("code")
    return Told(
        message=message if isinstance(message, str) else "",
        type=_text(error.get("type")),
        param=_text(error.get("param")),
        code=code if isinstance(code, int) else _text(code),
    )


class StreamReader(Following):
    """Follows a provider's stream as it passes: sans-IO, one per stream.

    `output_tokens` is our own count, for streams that end before the provider's.
    """

    __slots__ = ("_hide_usage",)
    terminal = DONE

    def __init__(self, *, hide_usage: bool) -> None:
        super().__init__()
        self._hide_usage = hide_usage

    def _read(self, event: bytes) -> bool:
        """Understand an event; whether it is to be handed on."""
        data = sse.payload(event)
        if not data:
            return True
        if self.done:
            return False
        try:
            chunk = _CHUNK.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if data.strip() == b"[DONE]":
                return self._end()
            chunk = mended_chunk(_CHUNK, data)
        if chunk.error is not None:
            raise ToldError(error_of(data))
        for choice in chunk.choices or ():
            self._count(choice)
        if chunk.usage is not None:
            self._usage = read_usage(chunk.usage)
            self._counted = self.pieces
            return bool(chunk.choices) or not self._hide_usage
        return True

    def _end(self) -> bool:
        if not self.started:
            raise ValueError("a stream without an answer")
        self.done = True
        return False

    def _count(self, choice: wire.ChunkChoice) -> None:
        size = 0 if choice.delta is None else _size(choice.delta)
        if size:
            self._text_bytes += size
            self.pieces += 1
        self.started = self.started or size > 0 or choice.finish_reason is not None


def mended_chunk(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """A chunk that the decoder has refused, if halves of characters were all that it did not like.

    Raises ValueError.
    """
    try:
        return decoded(decoder, data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("not a chunk of a chat completion") from error


def _with_usage(options: Raw | None) -> Raw:
    fields = {} if options is None or bytes(options) == b"null" else _FIELDS.decode(options)
    fields["include_usage"] = Raw(b"true")
    return Raw(_ENCODE(fields))


def _size(delta: wire.Delta) -> int:
    """Bytes that an event adds to the answer, near enough; 0 for a role alone."""
    piece = (
        delta.content
        or delta.reasoning_content
        or delta.reasoning
        or delta.refusal
        or delta.tool_calls
        or delta.function_call
        or delta.audio
    )
    if not piece:
        return 0
    if not isinstance(piece, str):
        return len(_ENCODE(piece))
    return len(piece) if piece.isascii() else len(piece.encode())


def read_usage(found: object) -> Usage | None:
    """The provider's counts; what is of an odd type counts as not told: no answer is lost by it."""
    if not isinstance(found, dict):
        return None
    prompt = found.get("prompt_tokens_details")
    completion = found.get("completion_tokens_details")
    return Usage(
        count(found.get("prompt_tokens")),
        count(found.get("completion_tokens")),
        _among(prompt, "cached_tokens"),
        _among(prompt, "cache_write_tokens"),
        _among(completion, "reasoning_tokens"),
    )


def _among(details: object, name: str) -> int | None:
    return count(details.get(name)) if isinstance(details, dict) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
