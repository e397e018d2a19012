"""A Talk, written as a request for a message."""

import re
from collections.abc import Sequence
from hashlib import sha256

import msgspec
from msgspec import Raw

from tokenhub.core.talk import Image, Talk
from tokenhub.dialects import structured
from tokenhub.dialects.anthropic.models import Model
from tokenhub.dialects.anthropic.models import model as of_name
from tokenhub.dialects.anthropic.thinking import Thinks, limit, name, thinks
from tokenhub.dialects.anthropic.tools import choice, tools
from tokenhub.dialects.anthropic.turns import conversation, system
from tokenhub.dialects.translation import Unsayable, Written
from tokenhub.wire import anthropic as wire

_ENCODE = msgspec.json.Encoder().encode
# JSON mode has no switch here; asking is all that there is.
JSON_ONLY = "Answer with a single JSON object and nothing else: no prose, no code fence."

# docs.anthropic.com, "Extended thinking": the least top_p beside it.
_LEAST_TOP_P = 0.95
# The vendor refuses these as `metadata.user_id`, which is to tell nothing of a person: addresses
# of mail, numbers of phones, and more than 256 characters.
_PERSONAL = re.compile(r"[^@\s]@[^@\s]+\.[^@\s]|\A\s*\+?[\d\s()./-]{7,}\Z")
_MAX_USER_CHARS = 256


class _Sampling(msgspec.Struct, frozen=True, kw_only=True):
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None


def write(talk: Talk, *, model: str, max_tokens: int) -> Written:
    """The request for this model; `max_tokens` is the limit where the talk has none.

    Raises Unsayable.
    """
    takes = of_name(model)
    dropped: list[str] = []
    if any(isinstance(p, Image) and p.detail for turn in talk.turns for p in turn.parts):
        dropped.append("messages.content.image_url.detail")
    texts, turns = system(talk.turns)
    schema = bytes(talk.format.schema) if talk.format is not None else b""
    own = structured.said(schema, "anthropic", model) if schema else None
    if talk.format is not None and own is None:
        # Not within the model's own structured output, so that it is told in words.
        texts.append(structured.in_words(schema) if schema else JSON_ONLY)
    messages = conversation(turns)
    prefilled = messages[-1].role == "assistant"
    if prefilled and not takes.prefill:
        raise Unsayable(
            "this model does not go on from the assistant's own words; end with a user message",
            field="messages",
        )
    most = limit(talk, takes, max_tokens)
    thought = thinks(talk, takes, limit=most, prefilled=prefilled)
    if thought.dropped:
        dropped.append(name(talk))
    sampling = _sampling(talk, takes, thought, dropped)
    offered = tools(talk, model, dropped)
    request = wire.Request(
        model=model,
        max_tokens=most,
        system=texts[0] if len(texts) == 1 else [wire.Text(text) for text in texts] or "",
        messages=messages,
        tools=offered or None,
        tool_choice=choice(talk) if talk.tools else wire.Choice(type="none") if offered else None,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        stop_sequences=_stop(talk.stop, dropped),
        thinking=thought.config,
        output_config=_output(thought.effort, own),
        metadata=wire.Metadata(user_id=_user(talk.user)) if talk.user else None,
        stream=talk.stream,
    )
    return Written(_ENCODE(request), (*talk.unread, *dropped))


def _sampling(talk: Talk, takes: Model, thought: Thinks, dropped: list[str]) -> _Sampling:
    temperature = _temperature(talk, takes, thought, dropped)
    return _Sampling(
        temperature=temperature,
        top_p=_top_p(talk, takes, thought, dropped),
        top_k=_top_k(talk, takes, thought, dropped),
    )


def _temperature(talk: Talk, takes: Model, thought: Thinks, dropped: list[str]) -> float | None:
    """Between 0 and 1; OpenAI goes to 2. With thinking, and by later models, only 1 is taken."""
    given = talk.temperature
    if given is None:
        return None
    if thought.on or takes.sampling == "none":
        # The default of both vendors says nothing.
        dropped += [] if given == 1 else ["temperature"]
        return None
    clamped = min(max(given, 0.0), 1.0)
    if clamped != given:
        dropped.append("temperature")
    return clamped


def _top_p(talk: Talk, takes: Model, thought: Thinks, dropped: list[str]) -> float | None:
    """Some models refuse it, some beside temperature, all with thinking where it is low."""
    given = talk.top_p
    if given is None:
        return None
    beside = takes.sampling == "one" and talk.temperature is not None and not thought.on
    if takes.sampling == "none" or beside or (thought.on and given < _LEAST_TOP_P):
        dropped += [] if given == 1 else ["top_p"]
        return None
    return given


def _top_k(talk: Talk, takes: Model, thought: Thinks, dropped: list[str]) -> int | None:
    if talk.top_k is not None and (thought.on or takes.sampling == "none"):
        dropped.append("top_k")
        return None
    return talk.top_k


def _stop(stop: Sequence[str], dropped: list[str]) -> list[str] | None:
    """The sequences that end an answer; the vendor refuses blank ones."""
    kept = [text for text in stop if text.strip()]
    if len(kept) != len(stop):
        dropped.append("stop")
    return kept or None


def _output(effort: str | None, schema: bytes | None) -> wire.Output | None:
    if effort is None and not schema:
        return None
    return wire.Output(effort=effort, format=wire.JsonSchema(Raw(schema)) if schema else None)


def _user(user: str) -> str:
    """The user's name; a hash of one that the vendor refuses, the same for the same user."""
    if len(user) <= _MAX_USER_CHARS and not _PERSONAL.search(user):
        return user
    return sha256(user.encode()).hexdigest()[:32]
