"""Exchanges between different formats, and those whose answer is to be shaped."""

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from tokenhub.core import tokens
from tokenhub.core.ask import Answer, Ask, Shape
from tokenhub.core.outcome import Usage
from tokenhub.core.pieces import pieces, text_of
from tokenhub.core.shaping import Shaper, shaped
from tokenhub.core.talk import (
    Began,
    CallPiece,
    Delta,
    Ended,
    RefusalPiece,
    Said,
    Talk,
    TextPiece,
    ThinkingPiece,
)
from tokenhub.dialects.anthropic import answer as anthropic_answer
from tokenhub.dialects.anthropic import request as anthropic_request
from tokenhub.dialects.anthropic import stream as anthropic_stream
from tokenhub.dialects.openai import answer as openai_answer
from tokenhub.dialects.openai import request as openai_request
from tokenhub.dialects.openai import stream as openai_stream
from tokenhub.dialects.passing import FORMATS
from tokenhub.dialects.structured import with_rework, with_schema
from tokenhub.dialects.translation import Follower, Written

# Anthropic must be told a limit: the original's, for a caller who named none (original 3.3).
DEFAULT_MAX_TOKENS = 4096
_JSON = Shape(type="json")
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode


class Reader(Protocol):
    """A provider's stream as deltas."""

    done: bool

    def feed(self, data: bytes) -> list[Delta]: ...

    def end(self) -> list[Delta]: ...


class Writer(Protocol):
    """Deltas as a stream for the caller."""

    terminal: bytes

    def write(self, deltas: Iterable[Delta]) -> bytes: ...


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """How a format is read and written."""

    read_request: Callable[[bytes], Talk]
    write_request: Callable[[Talk, str], Written]
    read_answer: Callable[[bytes], Said]
    write_answer: Callable[[Said, int], bytes]
    reader: Callable[[], Reader]
    writer: Callable[[Ask, int], Writer]


_FORMATS = {
    "openai": Format(
        read_request=openai_request.read,
        write_request=lambda talk, model: openai_request.write(talk, model=model),
        read_answer=openai_answer.read,
        write_answer=lambda said, created: openai_answer.write(said, created=created),
        reader=openai_stream.Reader,
        writer=lambda ask, created: openai_stream.Writer(
            show_usage=ask.wants_usage, created=created
        ),
    ),
    "anthropic": Format(
        read_request=anthropic_request.read,
        write_request=lambda talk, model: anthropic_request.write(
            talk, model=model, max_tokens=DEFAULT_MAX_TOKENS
        ),
        read_answer=anthropic_answer.read,
        write_answer=lambda said, _: anthropic_answer.write(said),
        reader=anthropic_stream.Reader,
        writer=lambda _, __: anthropic_stream.Writer(),
    ),
}


class Translating:
    """Reads what the one side says and writes it for the other.

    A stream with a schema is asked for whole, since only a whole answer can be checked; the
    caller gets it as the events of a stream.
    """

    def __init__(self, ask: Ask, speech: str, *, created: int) -> None:
        self.dropped: tuple[str, ...] = ()
        self._ask = ask
        self._speech = speech
        self._created = created
        # What has a schema is to be JSON, without a fence around it.
        self._shape = _JSON if ask.schema and ask.shape is None else ask.shape

    def payload(self, model_id: str) -> bytes:
        ask = self._ask
        body = _whole(ask.payload) if ask.schema and ask.stream else ask.payload
        if ask.speech == self._speech:
            same = replace(ask, payload=_fitting(body, ask, self._speech))
            return FORMATS[ask.speech].payload(
                replace(same, stream=False) if ask.schema else same, model_id
            )
        talk = _FORMATS[ask.speech].read_request(body)
        written = _FORMATS[self._speech].write_request(talk, model_id)
        self.dropped = written.dropped
        return _fitting(written.body, ask, self._speech)

    def answer(self, body: bytes) -> Answer:
        ask = self._ask
        said = _FORMATS[self._speech].read_answer(body)
        if self._shape is not None:
            said = shaped(said, self._shape)
        text = text_of(said.parts) if ask.schema else ""
        if ask.stream:
            writer = _FORMATS[ask.speech].writer(ask, self._created)
            events = writer.write(pieces(said))
            return Answer(
                body=events,
                usage=said.usage,
                text=text,
                dropped=self.dropped,
                terminal=writer.terminal,
            )
        told = _FORMATS[ask.speech].write_answer(said, self._created)
        return Answer(body=told, usage=said.usage, text=text, dropped=self.dropped)

    def follower(self) -> Follower:
        return Translator(
            _FORMATS[self._speech].reader(),
            _FORMATS[self._ask.speech].writer(self._ask, self._created),
            None if self._shape is None else Shaper(self._shape),
        )


class Translator:
    """A stream of one format on its way to a caller of another: read, shaped, written."""

    def __init__(self, reader: Reader, writer: Writer, shaper: Shaper | None) -> None:
        self.started = False
        self._reader = reader
        self._writer = writer
        self._shaper = shaper
        self._usage: Usage | None = None
        self._pieces = 0
        self._text_bytes = 0

    @property
    def done(self) -> bool:
        return self._reader.done

    @property
    def terminal(self) -> bytes:
        return self._writer.terminal

    @property
    def usage(self) -> Usage | None:
        return self._usage

    @property
    def output_tokens(self) -> int:
        """Providers send about a token an event; where they send more, the text tells."""
        return max(self._pieces, tokens.of_bytes(self._text_bytes))

    def feed(self, data: bytes) -> bytes:
        return self._written(self._reader.feed(data))

    def end(self) -> bytes:
        return self._written(self._reader.end())

    def _written(self, deltas: list[Delta]) -> bytes:
        if not deltas:
            return b""
        for delta in deltas:
            self._note(delta)
        if self._shaper is not None:
            deltas = self._shaper.feed(deltas)
        return self._writer.write(deltas)

    def _note(self, delta: Delta) -> None:
        match delta:
            case Began():
                # The prompt's count holds already; the answer's is only known at its end.
                if delta.usage is not None:
                    self._usage = replace(delta.usage, output_tokens=None)
                return
            case Ended():
                self._usage = delta.usage or self._usage
            case TextPiece(text) | ThinkingPiece(text) | RefusalPiece(text) | CallPiece(_, text):
                self._pieces += 1
                self._text_bytes += len(text)
        self.started = True


def _fitting(body: bytes, ask: Ask, speech: str) -> bytes:
    """The body with what a schema and a second try at it add, in the provider's own format.

    After the translation, not before: what its structured output takes, each vendor says.
    """
    if not ask.schema:
        return body
    body = with_schema(body, speech, ask.schema)
    return body if ask.rework is None else with_rework(body, speech, ask.rework)


def _whole(body: bytes) -> bytes:
    """The same request for an answer in one piece."""
    fields = _FIELDS.decode(body)
    return _ENCODE({k: v for k, v in fields.items() if k not in {"stream", "stream_options"}})
