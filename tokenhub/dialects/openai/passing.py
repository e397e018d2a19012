"""Between equals nothing is translated: OpenAI's format to a provider of the same.

The body goes up with only the changed fields replaced, the answer comes down untouched. What is
decoded is decoded to be understood, never to be rewritten.
"""

import msgspec
from msgspec import Raw

from tokenhub.core import tokens
from tokenhub.core.ask import Ask
from tokenhub.core.outcome import Usage
from tokenhub.dialects.told import Told, ToldError, count
from tokenhub.wire import openai as wire
from tokenhub.wire import sse

_COMPLETION = msgspec.json.Decoder(wire.Completion)
_EMBEDDINGS = msgspec.json.Decoder(wire.Embeddings)
_CHUNK = msgspec.json.Decoder(wire.Chunk)
_OBJECT = msgspec.json.Decoder(dict[str, object])
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode

DONE = b"data: [DONE]\n\n"


def payload(ask: Ask, model_id: str) -> bytes:
    """The body for a provider of this format: the caller's bytes, with what must differ replaced.

    That is `model`, and in a stream `stream_options`, since usage is always asked for. All other
    fields keep their bytes, known to us or not.
    """
    if ask.model == model_id and (not ask.stream or ask.wants_usage):
        return ask.payload
    fields = _FIELDS.decode(ask.payload)
    fields["model"] = Raw(_ENCODE(model_id))
    if ask.stream and not ask.wants_usage:
        fields["stream_options"] = _with_usage(fields.get("stream_options"))
    return _ENCODE(fields)


def usage_of(body: bytes) -> Usage | None:
    """The usage of a whole answer, None where it gives none.

    Raises ValueError for a non-answer, and ToldError where it is an error.
    """
    try:
        completion = _COMPLETION.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said = error_of(body)
        if said.message or said.code:
            raise ToldError(said) from error
        raise ValueError("not a chat completion") from error
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


class StreamReader:
    """Follows a provider's stream as it passes: sans-IO, one per stream.

    `started` turns true with the first piece of an answer, `done` with the event that ends a whole
    stream. `output_tokens` is our own count, for streams that end before the provider's.
    """

    __slots__ = (
        "_counted",
        "_hide_usage",
        "_splitter",
        "_text_bytes",
        "_usage",
        "done",
        "pieces",
        "started",
    )
    terminal = DONE

    def __init__(self, *, hide_usage: bool) -> None:
        self._splitter = sse.Splitter()
        self._hide_usage = hide_usage
        self._text_bytes = 0
        self._usage: Usage | None = None
        self._counted = 0
        self.pieces = 0
        self.started = False
        self.done = False

    def feed(self, data: bytes) -> bytes:
        """The bytes to hand on: whole events, without the terminal one.

        Raises ValueError for what is no event of this format, and ToldError for an error event.
        """
        events = self._splitter.feed(data)
        if len(events) == 1:
            return events[0] if self._read(events[0]) else b""
        return b"".join([event for event in events if self._read(event)])

    def end(self) -> bytes:
        """The same for what the provider did not end with a blank line; its last event may be so.

        Raises as `feed` does.
        """
        rest = self._splitter.rest.strip()
        if not rest:
            return b""
        event = rest + b"\n\n"
        return event if self._read(event) else b""

    @property
    def usage(self) -> Usage | None:
        """The provider's counts; of the output only where they count all that came.

        Some send usage ahead of the answer, or with each piece of it.
        """
        usage = self._usage
        if usage is None or self._counted == self.pieces:
            return usage
        return Usage(usage.input_tokens, None)

    @property
    def output_tokens(self) -> int:
        """Providers send about a token an event; where they send more, the text tells."""
        return max(self.pieces, tokens.of_bytes(self._text_bytes))

    def _read(self, event: bytes) -> bool:
        """Understand an event; whether it is to be handed on."""
        data = sse.payload(event)
        if not data:
            return True
        if self.done:
            return False
        try:
            chunk = _CHUNK.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if data.strip() != b"[DONE]":
                raise ValueError("not a chunk of a chat completion") from error
            self.done = True
            return False
        if chunk.error is not None:
            raise ToldError(error_of(data))
        for choice in chunk.choices or ():
            self._count(choice)
        if chunk.usage is not None:
            self._usage = read_usage(chunk.usage)
            self._counted = self.pieces
            return bool(chunk.choices) or not self._hide_usage
        return True

    def _count(self, choice: wire.ChunkChoice) -> None:
        size = 0 if choice.delta is None else _size(choice.delta)
        if size:
            self._text_bytes += size
            self.pieces += 1
        self.started = self.started or size > 0 or choice.finish_reason is not None


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
