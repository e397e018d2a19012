"""A Talk, written as a chat completion request."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from msgspec import UNSET

from tokenhub.core.talk import Choice, Effort, Format, Result, Talk, Text, Tool, Turn
from tokenhub.dialects import structured
from tokenhub.dialects.openai import turns
from tokenhub.dialects.openai.models import AS_IT_SEES_FIT, Model, family, nearest
from tokenhub.dialects.openai.names import short_name, short_user
from tokenhub.dialects.translation import Written
from tokenhub.wire import openai as wire

_ENCODE = msgspec.json.Encoder().encode
T = TypeVar("T")

# OpenAI's limit.
MAX_STOPS = 4

# Anthropic counts what OpenAI names. Its own coding client has had three budgets, for a little,
# for hard and for the hardest thought: 4,000, 10,000 and 31,999 tokens. Each is the middle of its
# word here.
_LOW_TOKENS, _MEDIUM_TOKENS = 6_000, 20_000


def write(talk: Talk, *, model: str) -> Written:
    """The body for a provider of this format, and what of the talk it has no words for.

    Raises Unsayable for content that it cannot hold.
    """
    takes = family(model)
    dropped = _Dropped(talk.unread)
    effort = _effort(talk, takes, dropped)
    samples = takes.samples == "always" or (takes.samples == "unreasoned" and effort == "none")
    format_, told = _format(talk.format, model)
    if talk.top_k is not None:
        dropped.note("top_k")
    if any(isinstance(p, Result) and p.error for turn in talk.turns for p in turn.parts):
        dropped.note("messages.content.is_error")
    request = wire.FullRequest(
        messages=turns.write([*told, *talk.turns], own=takes.own),
        model=model,
        stream=True if talk.stream else None,
        stream_options=wire.StreamOptions(include_usage=True) if talk.stream else None,
        # Everyone else knows the older name, and some (DeepSeek, older servers of open models) pass
        # over the newer one in silence, which would lift the limit.
        max_tokens=None if takes.own else talk.max_tokens,
        max_completion_tokens=talk.max_tokens if takes.own else None,
        temperature=dropped.kept("temperature", talk.temperature, takes=samples, default=1),
        top_p=dropped.kept("top_p", talk.top_p, takes=samples, default=1),
        stop=_stop(talk, takes, dropped),
        tools=_tools(talk.tools),
        # OpenAI refuses both where there are no tools; they mean nothing then.
        tool_choice=_choice(talk.choice) if talk.tools else None,
        parallel_tool_calls=_parallel(talk, takes, dropped),
        reasoning_effort=effort,
        response_format=format_,
        user=short_user(talk.user) or None,
    )
    return Written(_ENCODE(request), tuple(dropped.names))


class _Dropped:
    """The names of what is left out, in the words of the other vendor's callers."""

    def __init__(self, unread: Sequence[str]) -> None:
        self.names = [*unread]

    def note(self, name: str) -> None:
        self.names.append(name)

    def kept(
        self, name: str, value: T | None, *, takes: bool, default: T | None = None
    ) -> T | None:
        """The value, where the model takes such a one; its default goes without saying."""
        if takes or value is None:
            return value
        if value != default:
            self.note(name)
        return None


def _effort(talk: Talk, takes: Model, dropped: _Dropped) -> Effort | None:
    """OpenAI's word for how long to think; None where nothing was said of it.

    A level that the model does not know becomes the nearest that it knows. That it thinks all the
    same, where it was told not to, is named, and so is all thinking that it cannot be told of.
    """
    wanted = _wanted(talk)
    if wanted is None and talk.thinks:
        # Only a model of which it is known that it thinks is told to think as it sees fit.
        wanted = AS_IT_SEES_FIT if takes.efforts else None
    if wanted is None or takes.efforts is None:
        _note_thinking(talk, dropped, vanished=wanted is None)
        return wanted
    if not takes.efforts:
        # Not to think is what such a model does anyhow.
        _note_thinking(talk, dropped, vanished=wanted != "none")
        return None
    if wanted == "none" and "none" not in takes.efforts:
        dropped.note("thinking")
    return nearest(wanted, takes.efforts)


def _wanted(talk: Talk) -> Effort | None:
    if talk.thinks is False:
        return "none"
    if talk.effort is not None or talk.thinking_tokens is None:
        return talk.effort
    if talk.thinking_tokens <= _LOW_TOKENS:
        return "low"
    return "medium" if talk.thinking_tokens <= _MEDIUM_TOKENS else "high"


def _note_thinking(talk: Talk, dropped: _Dropped, *, vanished: bool) -> None:
    if vanished and talk.thinks:
        dropped.note("thinking")
    if vanished and talk.effort is not None:
        dropped.note("output_config.effort")


def _stop(talk: Talk, takes: Model, dropped: _Dropped) -> list[str] | None:
    taken = talk.stop[:MAX_STOPS] if takes.stops else ()
    if len(taken) < len(talk.stop):
        dropped.note("stop_sequences")
    return list(taken) or None


def _parallel(talk: Talk, takes: Model, dropped: _Dropped) -> bool | None:
    """Whether several calls at once are wanted, which is OpenAI's default."""
    if not talk.tools:
        return None
    return dropped.kept(
        "tool_choice.disable_parallel_tool_use",
        talk.parallel,
        takes=takes.parallel,
        default=True,
    )


def _tools(tools: Sequence[Tool]) -> list[wire.Tool] | None:
    return [
        wire.Tool(
            type="function",
            function=wire.Function(
                name=short_name(tool.name),
                description=tool.description or None,
                parameters=tool.schema if bytes(tool.schema) else UNSET,
                strict=tool.strict,
            ),
        )
        for tool in tools
    ] or None


_WORDS = {"auto": "auto", "none": "none", "any": "required"}


def _choice(choice: Choice | None) -> str | wire.ToolChoice | None:
    if choice is None:
        return None
    if choice.kind == "tool":
        return wire.ToolChoice(type="function", function=wire.Named(name=short_name(choice.name)))
    return _WORDS[choice.kind]


def _format(given: Format | None, model: str) -> tuple[wire.ResponseFormat | None, Sequence[Turn]]:
    """The format, or a turn that tells of a schema which the model's own does not take."""
    if given is None:
        return None, ()
    schema = bytes(given.schema)
    if not schema:
        return wire.ResponseFormat(type="json_object"), ()
    own = structured.said(schema, "openai", model)
    if own is None:
        words = Text(text=structured.in_words(schema))
        return None, (Turn(role="system", parts=(words,)),)
    told = wire.JSONSchema(
        # OpenAI wants a name.
        name=given.name or "answer",
        schema=msgspec.Raw(own),
        strict=structured.strict(own) if given.strict is None else given.strict,
    )
    return wire.ResponseFormat(type="json_schema", json_schema=told), ()
