"""The counts of tokens in Anthropic's answers and streams."""

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from tokenhub.core.outcome import Usage
from tokenhub.dialects.anthropic.errors import UNREADABLE
from tokenhub.dialects.told import count
from tokenhub.wire import anthropic as wire

_USAGE = msgspec.json.Decoder(wire.ReadUsage)


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
            _latest(sooner.cache_write_1h_tokens, prompt.cache_write_1h_tokens),
        )


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
    by_life = usage.cache_creation
    return Usage(
        None if fresh is None else count(fresh + (cached or 0) + (written or 0)),
        count(usage.output_tokens),
        cached,
        written,
        count(details.get("thinking_tokens")) if isinstance(details, dict) else None,
        count(by_life.get("ephemeral_1h_input_tokens")) if isinstance(by_life, dict) else None,
    )


def _latest(sooner: int | None, later: int | None) -> int | None:
    return later if later or sooner is None else sooner
