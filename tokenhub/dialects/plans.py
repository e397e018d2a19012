"""The steps of a plan in OpenAI's format: the caller's own request, and what the step adds.

Every turn and every parameter of the caller is kept, so that system prompts, pictures and limits
count in each step, with three exceptions. No step streams, and each gives one answer. Tools cannot
be called on the way, so they are on offer only where earlier turns have called some, and then not
to be called. And what the caller says of an answer's form is for the steps whose text may be it.
"""

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from tokenhub.core import tokens
from tokenhub.core.ask import Ask, Shape
from tokenhub.core.pieces import text_of
from tokenhub.core.plans.steps import Step
from tokenhub.dialects.openai import answer

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_ENCODE = msgspec.json.Encoder().encode
_STREAM = ("stream", "stream_options")
_SEVERAL = (*_STREAM, "n", "logprobs", "top_logprobs", "modalities", "audio")
_TOOLS = ("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call")
_OFFERED = ("tools", "functions")
_FORM = ("response_format", "stop", "prediction", "logit_bias")
_LIMIT = ("max_tokens", "max_completion_tokens")
# The roles of turns that tell the model how to behave; a step's own comes behind the first ones.
_ABOVE = frozenset({"system", "developer"})


class _Turn(msgspec.Struct):
    role: str = ""
    tool_calls: Raw = Raw()
    function_call: Raw = Raw()


_TURN = msgspec.json.Decoder(_Turn)


def whole(ask: Ask, step: Step) -> Ask:
    """The caller's request as it is, for an answer in one piece, put to the model of a step."""
    fields = _FIELDS.decode(ask.payload)
    if ask.stream:
        fields = _without(fields, _STREAM)
    return replace(
        ask,
        payload=_ENCODE(_put_to(fields, step)),
        stream=False,
        wants_usage=False,
        order=None,
    )


def worded(ask: Ask, step: Step) -> Ask:
    """The request that a step is. `ask` has been rid of its directives."""
    fields = _without(_FIELDS.decode(ask.payload), _SEVERAL)
    turns = _LIST.decode(fields["messages"])
    fields = _quiet(fields, turns)
    if not step.final:
        fields = _without(fields, _FORM)
    if step.schema:
        fields = _without(fields, _LIMIT)
    fields["messages"] = Raw(_ENCODE(_with(turns, step)))
    added = sum(
        tokens.of_text(told) + tokens.PER_MESSAGE for told in (step.system, step.user) if told
    )
    thinks = ask.shape is not None and ask.shape.strip_think
    return replace(
        ask,
        payload=_ENCODE(_put_to(fields, step)),
        stream=False,
        wants_usage=False,
        answers=1,
        input_tokens=ask.input_tokens + added,
        max_tokens=None if step.schema else ask.max_tokens,
        # The rest of the shape is for the end: what is cut or unwrapped could not be gone over.
        shape=Shape(strip_think=True) if thinks else None,
        schema=ask.schema if step.final else step.schema,
        directed=None,
        order=None,
    )


def text_in(body: bytes) -> str:
    """What a whole answer says. Raises ValueError where it is none."""
    return text_of(answer.read(body).parts)


def _quiet(fields: dict[str, Raw], turns: list[Raw]) -> dict[str, Raw]:
    """The fields with tools that are not to be called, or without any."""
    if not any(map(_called, turns)):
        return _without(fields, _TOOLS)
    quiet = {name: fields[name] for name in _OFFERED if name in fields}
    if "tools" in quiet:
        quiet["tool_choice"] = Raw(b'"none"')
    if "functions" in quiet:
        quiet["function_call"] = Raw(b'"none"')
    return {**_without(fields, _TOOLS), **quiet}


def _called(raw: Raw) -> bool:
    turn = _TURN.decode(raw)
    return turn.role in {"tool", "function"} or any(
        bytes(said) not in {b"", b"null", b"[]"} for said in (turn.tool_calls, turn.function_call)
    )


def _with(turns: list[Raw], step: Step) -> list[object]:
    """The turns, with the step's role behind the caller's, and its task at the end."""
    above = 0
    while above < len(turns) and _TURN.decode(turns[above]).role in _ABOVE:
        above += 1
    system = [{"role": "system", "content": step.system}] if step.system else []
    user = [{"role": "user", "content": step.user}] if step.user else []
    return [*turns[:above], *system, *turns[above:], *user]


def _put_to(fields: dict[str, Raw], step: Step) -> dict[str, Raw]:
    """The fields with the model that the step names, or with none."""
    fields = _without(fields, ("model",))
    return {**fields, "model": Raw(_ENCODE(step.seat.model))} if step.seat.model else fields


def _without(fields: dict[str, Raw], names: tuple[str, ...]) -> dict[str, Raw]:
    return {name: value for name, value in fields.items() if name not in names}
