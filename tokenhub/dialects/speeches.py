"""What is known of each vendor's format: one row for each."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec

from tokenhub.core.ask import Ask, Shape
from tokenhub.core.outcome import Usage
from tokenhub.core.talk import Delta, Said, Talk, Tool
from tokenhub.dialects.anthropic import answer as anthropic_answer
from tokenhub.dialects.anthropic import passing as anthropic_passing
from tokenhub.dialects.anthropic import request as anthropic_request
from tokenhub.dialects.anthropic import speaking as anthropic_speaking
from tokenhub.dialects.anthropic import stream as anthropic_stream
from tokenhub.dialects.anthropic import writing as anthropic_writing
from tokenhub.dialects.editing import anthropic as anthropic_editing
from tokenhub.dialects.editing import openai as openai_editing
from tokenhub.dialects.editing.edited import Edited, Editor
from tokenhub.dialects.openai import answer as openai_answer
from tokenhub.dialects.openai import chunks as openai_chunks
from tokenhub.dialects.openai import names as openai_names
from tokenhub.dialects.openai import passing as openai_passing
from tokenhub.dialects.openai import request as openai_request
from tokenhub.dialects.openai import stream as openai_stream
from tokenhub.dialects.openai import writing as openai_writing
from tokenhub.dialects.translation import Follower, Written

# Anthropic must be told a limit: the original's, for a caller who named none (original 3.3).
DEFAULT_MAX_TOKENS = 4096


class Reader(Protocol):
    """A provider's stream as deltas."""

    done: bool

    def feed(self, data: bytes) -> list[Delta]: ...

    def end(self) -> list[Delta]: ...


class Writer(Protocol):
    """Deltas as a stream for the caller."""

    terminal: bytes

    def write(self, deltas: Iterable[Delta]) -> bytes: ...


def _none(tools: Iterable[Tool]) -> Mapping[str, str]:
    del tools  # All are as they were.
    return {}


class Speech(msgspec.Struct, frozen=True, kw_only=True):
    """How a format is passed on, edited, and translated.

    `events` makes a stream of a whole answer, as `terminal` ends it. `editor` is None where no
    stream is ever edited: a shape can be asked for in OpenAI's format only. `long_names` are the
    tools' own names by those that a request of this format has for them, where they differ.
    """

    payload: Callable[[Ask, str], bytes]
    usage_of: Callable[[bytes], Usage | None]
    follower: Callable[[Ask], Follower]

    edited: Callable[[bytes, Shape], Edited]
    events: Callable[[Ask, bytes], bytes]
    terminal: bytes
    editor: Callable[[Shape], Editor] | None = None

    read_request: Callable[[bytes], Talk]
    write_request: Callable[[Talk, str], Written]
    read_answer: Callable[[bytes], Said]
    write_answer: Callable[[Said, Ask, int], bytes]
    reader: Callable[[], Reader]
    writer: Callable[[Ask, int], Writer]
    long_names: Callable[[Iterable[Tool]], Mapping[str, str]] = _none


SPEECHES = {
    "openai": Speech(
        payload=openai_passing.payload,
        usage_of=openai_passing.usage_of,
        follower=lambda ask: openai_passing.StreamReader(hide_usage=not ask.wants_usage),
        edited=openai_editing.edited,
        events=lambda ask, body: openai_editing.events(body, show_usage=ask.wants_usage),
        terminal=openai_chunks.Writer.terminal,
        editor=openai_editing.Editor,
        read_request=openai_request.read,
        write_request=lambda talk, model: openai_writing.write(talk, model=model),
        read_answer=openai_answer.read,
        write_answer=lambda said, ask, created: openai_answer.write(
            said, created=created, legacy=openai_request.offers_functions(ask.payload)
        ),
        reader=openai_stream.Reader,
        writer=lambda ask, created: openai_chunks.Writer(
            show_usage=ask.wants_usage,
            created=created,
            legacy=openai_request.offers_functions(ask.payload),
        ),
        long_names=openai_names.long_names,
    ),
    "anthropic": Speech(
        payload=anthropic_passing.payload,
        usage_of=anthropic_passing.usage_of,
        follower=lambda _: anthropic_passing.StreamReader(),
        edited=anthropic_editing.edited,
        events=lambda _, body: anthropic_editing.events(body),
        terminal=anthropic_speaking.Writer.terminal,
        read_request=anthropic_request.read,
        write_request=lambda talk, model: anthropic_writing.write(
            talk, model=model, max_tokens=DEFAULT_MAX_TOKENS
        ),
        read_answer=anthropic_answer.read,
        write_answer=lambda said, _, __: anthropic_answer.write(said),
        reader=anthropic_stream.Reader,
        writer=lambda _, __: anthropic_speaking.Writer(),
    ),
}
