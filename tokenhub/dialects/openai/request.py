"""A chat completion request as a Talk, and a Talk as a chat completion request."""

import re
from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw, UnsetType

from tokenhub.core.errors import BadRequest
from tokenhub.core.talk import Choice, Effort, Format, Result, Talk, Tool
from tokenhub.dialects.decoding import checked_limit, decoded
from tokenhub.dialects.openai import messages
from tokenhub.dialects.translation import Unsayable, Written
from tokenhub.wire import openai as wire

_REQUEST = msgspec.json.Decoder(wire.FullRequest)
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_VALUE = msgspec.json.Decoder()
_ENCODE = msgspec.json.Encoder().encode

# OpenAI's limit.
MAX_STOPS = 4

# --- reading


def read(body: bytes) -> Talk:
    """The talk. Raises BadRequest naming the field, and Unsayable for what a Talk has no place."""
    request = decoded(_REQUEST, body)
    if not request.messages:
        raise BadRequest("messages is required", field="messages")
    if "audio" in (request.modalities or ()):
        raise Unsayable("modalities: this provider answers in text only", field="modalities")
    choice, allowed = _choice(request)
    format_ = _format(request.response_format)
    return Talk(
        turns=messages.read(request.messages),
        tools=_tools(request, allowed=allowed),
        choice=choice,
        parallel=request.parallel_tool_calls,
        max_tokens=_limit(request),
        temperature=request.temperature,
        top_p=request.top_p,
        # vLLM: 0 and -1 take all tokens.
        top_k=request.top_k if request.top_k and request.top_k > 0 else None,
        stop=_stop(request.stop),
        thinks=False if request.reasoning_effort == "none" else None,
        effort=request.reasoning_effort,
        format=format_,
        user=request.safety_identifier or request.user or "",
        stream=bool(request.stream),
        unread=_unread(body, request, format_=format_),
    )


def _limit(request: wire.FullRequest) -> int | None:
    """The most tokens that the answer may have; the newer of the two names counts."""
    if request.max_completion_tokens is None:
        return checked_limit(request.max_tokens)
    return checked_limit(request.max_completion_tokens, field="max_completion_tokens")


def _stop(stop: str | list[str] | None) -> tuple[str, ...]:
    given = [stop] if isinstance(stop, str) else stop or []
    return tuple([sequence for sequence in given if sequence])


def _tools(request: wire.FullRequest, *, allowed: frozenset[str] | None) -> tuple[Tool, ...]:
    """The functions on offer: only the allowed ones, which to a model is the same."""
    functions = [_function(tool, at=at) for at, tool in enumerate(request.tools or ())]
    functions += request.functions or []
    return tuple(
        [
            Tool(
                name=function.name,
                description=function.description or "",
                schema=_schema(function.parameters),
                strict=function.strict,
            )
            for function in functions
            if allowed is None or function.name in allowed
        ]
    )


def _function(tool: wire.Tool, *, at: int) -> wire.Function:
    if tool.type != "function":
        raise Unsayable(
            f"tools[{at}]: a tool of type {tool.type[:64]!r} cannot be carried to this provider",
            field=f"tools[{at}]",
        )
    if tool.function is None:
        field = f"tools[{at}].function"
        raise BadRequest(f"{field} is required", field=field)
    return tool.function


def _schema(schema: Raw | UnsetType) -> Raw:
    return Raw(b"") if schema is UNSET or bytes(schema) == b"null" else schema


_KINDS = {
    "auto": Choice(kind="auto"),
    "none": Choice(kind="none"),
    "required": Choice(kind="any"),
}


def _choice(request: wire.FullRequest) -> tuple[Choice | None, frozenset[str] | None]:
    """Whether tools are to be used, and the names of the only ones that may be."""
    given = request.tool_choice
    if given is None:
        return _legacy_choice(request.function_call), None
    if isinstance(given, str):
        return _kind(given, field="tool_choice"), None
    if given.type == "function" and given.function is not None:
        return Choice(kind="tool", name=given.function.name), None
    if given.type == "allowed_tools" and given.allowed_tools is not None:
        only = given.allowed_tools
        names = frozenset(tool.function.name for tool in only.tools if tool.function is not None)
        return _kind(only.mode, field="tool_choice"), names
    if given.type == "custom":
        raise Unsayable("tool_choice: only functions can be carried over", field="tool_choice")
    raise BadRequest(
        "tool_choice must be auto, none, required, a function or allowed_tools",
        field="tool_choice",
    )


def _legacy_choice(given: str | wire.Named | None) -> Choice | None:
    if given is None:
        return None
    if isinstance(given, str):
        return _kind(given, field="function_call")
    return Choice(kind="tool", name=given.name)


def _kind(word: str, *, field: str) -> Choice:
    choice = _KINDS.get(word)
    if choice is None:
        raise BadRequest(f"{field} must be one of {', '.join(_KINDS)}", field=field)
    return choice


def _format(given: wire.ResponseFormat | None) -> Format | None:
    if given is None or given.type not in {"json_object", "json_schema"}:
        return None
    if given.type == "json_object":
        return Format()
    if given.json_schema is None:
        field = "response_format.json_schema"
        raise BadRequest(f"{field} is required", field=field)
    schema = given.json_schema
    return Format(schema=_schema(schema.schema), name=schema.name or "", strict=schema.strict)


# Read in full, or of no effect on what the answer means.
_READ = frozenset(wire.FullRequest.__struct_fields__)
# What OpenAI takes for granted: who sends it has asked for nothing.
_DEFAULTS: dict[str, tuple[object, ...]] = {
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "metadata": ({},),
    "n": (1,),
    "presence_penalty": (0,),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
}


def _unread(body: bytes, request: wire.FullRequest, *, format_: Format | None) -> tuple[str, ...]:
    """The names of the parameters that say something for which a Talk has no place."""
    names = [
        name
        for name, raw in _FIELDS.decode(body).items()
        if name not in _READ and bytes(raw) != b"null" and not _is_default(name, raw)
    ]
    if set(request.modalities or ()) - {"text"}:
        names.append("modalities")
    given = request.response_format
    if given is not None and given.type != "text" and format_ is None:
        names.append("response_format")
    if given is not None and given.json_schema is not None and given.json_schema.description:
        names.append("response_format.json_schema.description")
    if any(one.name for one in request.messages if one.role != "function"):
        names.append("messages.name")
    if any(
        part.prompt_cache_breakpoint is not None
        for one in request.messages
        if isinstance(one.content, list)
        for part in one.content
    ):
        names.append("messages.content.prompt_cache_breakpoint")
    return tuple(names)


def _is_default(name: str, raw: Raw) -> bool:
    return name in _DEFAULTS and _VALUE.decode(raw) in _DEFAULTS[name]


# --- writing

# OpenAI's own models: the only ones that must have the newer name of the limit, the reasoning ones
# among them refusing the older one. Everyone else knows `max_tokens`, and some (DeepSeek, older
# servers of open models) pass over the newer name in silence, which would lift the limit.
_OPENAIS_OWN = re.compile(r"(openai/)?(gpt-(?!oss)|chatgpt-|o[1-9](-|$))")


def write(talk: Talk, *, model: str) -> Written:
    """The body for a provider of this format, and what of the talk it has no words for.

    Raises Unsayable for content that it cannot hold.
    """
    own = _OPENAIS_OWN.match(model) is not None
    dropped = [*talk.unread]
    if talk.top_k is not None:
        dropped.append("top_k")
    if len(talk.stop) > MAX_STOPS:
        dropped.append("stop_sequences")
    if any(isinstance(p, Result) and p.error for turn in talk.turns for p in turn.parts):
        dropped.append("messages.content.is_error")
    request = wire.FullRequest(
        # OpenAI's models reason in secret, and its API knows no reasoning in messages.
        messages=messages.write(talk.turns, reasons=not own),
        model=model,
        stream=True if talk.stream else None,
        stream_options=wire.StreamOptions(include_usage=True) if talk.stream else None,
        max_tokens=None if own else talk.max_tokens,
        max_completion_tokens=talk.max_tokens if own else None,
        temperature=talk.temperature,
        top_p=talk.top_p,
        stop=list(talk.stop[:MAX_STOPS]) or None,
        tools=_written_tools(talk.tools),
        # OpenAI refuses both where there are no tools; they mean nothing then.
        tool_choice=_written_choice(talk.choice) if talk.tools else None,
        parallel_tool_calls=talk.parallel if talk.tools else None,
        reasoning_effort=effort(talk),
        response_format=_written_format(talk.format),
        user=talk.user or None,
    )
    return Written(_ENCODE(request), tuple(dropped))


# Anthropic counts what OpenAI names. Its own coding client has had three budgets, for a little,
# for hard and for the hardest thought: 4,000, 10,000 and 31,999 tokens. Each is the middle of its
# word here.
_LOW_TOKENS, _MEDIUM_TOKENS = 6_000, 20_000


def effort(talk: Talk) -> Effort | None:
    """OpenAI's word for how long to think; None where nothing was said of it."""
    if talk.thinks is False:
        return "none"
    if talk.effort is not None or talk.thinking_tokens is None:
        return talk.effort
    if talk.thinking_tokens <= _LOW_TOKENS:
        return "low"
    return "medium" if talk.thinking_tokens <= _MEDIUM_TOKENS else "high"


def _written_tools(tools: Sequence[Tool]) -> list[wire.Tool] | None:
    return [
        wire.Tool(
            type="function",
            function=wire.Function(
                name=tool.name,
                description=tool.description or None,
                parameters=tool.schema if bytes(tool.schema) else UNSET,
                strict=tool.strict,
            ),
        )
        for tool in tools
    ] or None


_WORDS = {"auto": "auto", "none": "none", "any": "required"}


def _written_choice(choice: Choice | None) -> str | wire.ToolChoice | None:
    if choice is None:
        return None
    if choice.kind == "tool":
        return wire.ToolChoice(type="function", function=wire.Named(name=choice.name))
    return _WORDS[choice.kind]


def _written_format(given: Format | None) -> wire.ResponseFormat | None:
    if given is None:
        return None
    if not bytes(given.schema):
        return wire.ResponseFormat(type="json_object")
    schema = wire.JSONSchema(
        # OpenAI wants a name.
        name=given.name or "answer",
        schema=given.schema,
        strict=given.strict,
    )
    return wire.ResponseFormat(type="json_schema", json_schema=schema)
