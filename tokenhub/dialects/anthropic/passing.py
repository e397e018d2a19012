"""Between equals nothing is translated: Anthropic's format to a provider of the same.

The body goes up with only the model's name replaced, the answer comes down untouched. What is
decoded is decoded to be understood, never to be rewritten.
"""

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from tokenhub.core import tokens
from tokenhub.core.ask import Ask
from tokenhub.core.outcome import Usage
from tokenhub.dialects.told import Told, ToldError, count
from tokenhub.wire import anthropic as wire
from tokenhub.wire import sse

_ANSWERED = msgspec.json.Decoder(wire.Answered)
_COUNTED = msgspec.json.Decoder(wire.Counted)
_EVENT = msgspec.json.Decoder(wire.Event)
_USAGE = msgspec.json.Decoder(wire.ReadUsage)
_OPENING = msgspec.json.Decoder(wire.Whole)
_OBJECT = msgspec.json.Decoder(dict[str, object])
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode
_NOTHING = (b"", b"null")
_CR = 13
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

# The status that an error would have had ahead of a stream (docs.anthropic.com, "Errors").
STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class TypedError(ToldError):
    """An error whose type tells the status that it would have had."""

    @property
    def status(self) -> int:
        return STATUS.get(self.error.type or "", super().status)


def payload(ask: Ask, model_id: str) -> bytes:
    """The body for a provider of this format: the caller's bytes, with `model` replaced."""
    if ask.model == model_id:
        return ask.payload
    fields = _FIELDS.decode(ask.payload)
    fields["model"] = Raw(_ENCODE(model_id))
    return _ENCODE(fields)


def usage_of(body: bytes) -> Usage | None:
    """The usage of a whole answer, None where it gives none.

    Raises ValueError for a non-answer, and ToldError where it is an error.
    """
    try:
        return read_usage(_ANSWERED.decode(body).usage)
    except UNREADABLE as error:
        raise not_a(body, "message") from error


def counted(body: bytes) -> int:
    """The tokens that a prompt has. Raises as `usage_of` does."""
    try:
        told = count(_COUNTED.decode(body).input_tokens)
    except UNREADABLE as error:
        raise not_a(body, "count of tokens") from error
    if told is None:
        raise ValueError("not a count of tokens")
    return told


def not_a(body: bytes, what: str) -> ValueError:
    """What to raise for a body that is not what was asked for: the error in it, if it is one."""
    said = error_of(body)
    return ValueError(f"not a {what}") if said == Told() else TypedError(said)


def error_of(body: bytes) -> Told:
    """The error that a provider tells of; empty where its body cannot be read.

    Servers that took the format over put the fields of OpenAI's errors there, so that these are
    read too. Each is read for itself: one of an odd type must not hide the others.
    """
    try:
        found = _OBJECT.decode(body)
    except UNREADABLE:
        return Told()
    error = found.get("error") or (found if isinstance(found.get("message"), str) else None)
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

    `terminal` is the event that ended it, as the provider sent it. `output_tokens` is our own
    count, for streams that end before the provider's.
    """

    __slots__ = (
        "_counted",
        "_counts",
        "_splitter",
        "_text_bytes",
        "done",
        "pieces",
        "started",
        "terminal",
    )

    def __init__(self) -> None:
        self._splitter = sse.Splitter()
        self._text_bytes = 0
        self._counts = Counts()
        self._counted = 0
        self.pieces = 0
        self.started = False
        self.done = False
        self.terminal = MESSAGE_STOP

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
        """The provider's counts; of the output only where they count all that came."""
        usage = self._counts.usage
        if usage is None or self._counted == self.pieces:
            return usage
        return replace(usage, output_tokens=None)

    @property
    def output_tokens(self) -> int:
        """Providers send about a token an event; where they send more, the text tells."""
        return max(self.pieces, tokens.of_bytes(self._text_bytes))

    def _read(self, event: bytes) -> bool:
        """Understand an event; whether it is to be handed on."""
        if self.done:
            return False
        told = read_event(event)
        if told is None:
            return True
        if told.type == "content_block_delta":
            self._count(told.delta)
        elif told.type == "message_stop":
            self.terminal = event
            self.done = True
            return False
        else:
            self._note(told)
        return True

    def _count(self, delta: wire.Delta | None) -> None:
        if delta is None:
            return
        piece = delta.text or delta.partial_json or delta.thinking
        if piece:
            self._text_bytes += len(piece) if piece.isascii() else len(piece.encode())
            self.pieces += 1
            self.started = True
        elif delta.signature or memoryview(delta.citation):
            self.started = True

    def _note(self, told: wire.Event) -> None:
        match told.type:
            case "message_start":
                self._counts.begin(opening(told).usage)
            case "content_block_start":
                self.started = self.started or _has_content(told.content_block)
            case "message_delta":
                self._counts.add(told.usage)
                self._counted = self.pieces
                self.started = True


class Counts:
    """The counts of a stream, of which each event gives some; a later one that is not 0 wins."""

    __slots__ = ("usage",)

    def __init__(self) -> None:
        self.usage: Usage | None = None

    def begin(self, raw: Raw) -> None:
        """The counts of `message_start`: its output is but the first token, and no count."""
        usage = read_usage(raw)
        self.usage = None if usage is None else replace(usage, output_tokens=None)

    def add(self, raw: Raw) -> None:
        later, sooner = read_usage(raw), self.usage
        if later is None or sooner is None:
            self.usage = later or sooner
            return
        # The three counts of the prompt are a sum: they are told together or not at all.
        prompt = later if later.input_tokens or not sooner.input_tokens else sooner
        self.usage = Usage(
            prompt.input_tokens,
            _latest(sooner.output_tokens, later.output_tokens),
            _latest(sooner.cached_tokens, prompt.cached_tokens),
            _latest(sooner.cache_write_tokens, prompt.cache_write_tokens),
            _latest(sooner.reasoning_tokens, later.reasoning_tokens),
        )


def read_event(event: bytes) -> wire.Event | None:
    """An event as it is to be understood; None for a comment.

    Raises ValueError for what is none of this format, and ToldError for an error.
    """
    data = _data(event)
    if not data:
        return None
    try:
        told = _EVENT.decode(data)
    except UNREADABLE as error:
        raise ValueError("not an event of a message") from error
    if told.type and told.type != "error" and bytes(told.error) in _NOTHING:
        return told
    said = error_of(data)
    if told.type == "error" or event.startswith(b"event: error") or said != Told():
        raise TypedError(said)
    raise ValueError("not an event of a message")


def opening(told: wire.Event) -> wire.Whole:
    """The message that `message_start` opens with. Raises ValueError."""
    try:
        return _OPENING.decode(told.message)
    except UNREADABLE as error:
        raise ValueError("not the opening of a message") from error


def read_usage(raw: Raw) -> Usage | None:
    """The provider's counts; what cannot be read counts as not told."""
    if not memoryview(raw):
        return None
    try:
        usage = _USAGE.decode(raw)
    except UNREADABLE:
        return None
    cached, written = count(usage.cache_read_input_tokens), count(usage.cache_creation_input_tokens)
    fresh, details = count(usage.input_tokens), usage.output_tokens_details
    return Usage(
        None if fresh is None else count(fresh + (cached or 0) + (written or 0)),
        count(usage.output_tokens),
        cached,
        written,
        count(details.get("thinking_tokens")) if isinstance(details, dict) else None,
    )


def _data(event: bytes) -> bytes:
    """The data of an event, quickly for the form that the vendor sends."""
    start = event.find(b"\n")
    if (
        event.startswith(b"event: ")
        and event.startswith(b"\ndata: ", start)
        and event.find(b"\n", start + 1) == len(event) - 2
        and event[-3] != _CR
    ):
        return event[start + 7 : -2]
    return sse.payload(event)


def _latest(sooner: int | None, later: int | None) -> int | None:
    return later if later or sooner is None else sooner


def _has_content(block: wire.Block | None) -> bool:
    """Whether a block begins with some: texts come empty, all others bring something."""
    return block is not None and (
        block.type not in {"text", "thinking"} or bool(block.text or block.thinking)
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
