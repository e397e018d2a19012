"""What OpenAI's models of a family refuse each by itself: a simulation of what is known of them.

Sources: platform.openai.com, the guides on reasoning, on GPT-5 and its successors and on
structured outputs, and the reference of chat completions, as of January 2026. Names that are not
the vendor's (`gpt` alone is none) are under no rule of this kind.
"""

import re

import msgspec

from tokenhub.sim.call import Refused
from tokenhub.sim.openai_ask import LenientRequest, SchemaFormat

MAX_USER = 64
# What a reasoning model takes only at its default, and what it does not know at all.
DEFAULTS = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
UNSUPPORTED = ("logit_bias", "logprobs", "top_logprobs")


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """Models that refuse alike. Without `efforts`, a model does not reason.

    Those that know `none` sample as others do while they do not reason, as is their default.
    `stops` and `parallel` are whether stop sequences and `parallel_tool_calls` are taken.
    """

    names: re.Pattern[str]
    efforts: tuple[str, ...] = ()
    schemas: bool = True
    stops: bool = True
    parallel: bool = True


_CLASSIC = ("low", "medium", "high")

# The first that matches counts.
FAMILIES = (
    Family(names=re.compile(r"gpt-3\.5-|gpt-4(-(turbo|32k|\d{4}|vision).*)?$"), schemas=False),
    Family(names=re.compile(r"gpt-4o-2024-05-13$|chatgpt-4o-latest$"), schemas=False),
    Family(names=re.compile(r"gpt-4o|gpt-4\.1|gpt-4\.5|gpt-5(\.\d)?-chat")),
    Family(names=re.compile(r"o1-(mini|preview)"), schemas=False, parallel=False),
    Family(names=re.compile(r"o1(-|$)"), efforts=_CLASSIC, parallel=False),
    Family(names=re.compile(r"o[34](-|$)"), efforts=_CLASSIC, stops=False, parallel=False),
    Family(names=re.compile(r"gpt-5-pro"), efforts=("high",), stops=False),
    Family(names=re.compile(r"gpt-5-codex"), efforts=_CLASSIC, stops=False),
    Family(names=re.compile(r"gpt-5(-|$)"), efforts=("minimal", *_CLASSIC), stops=False),
    Family(names=re.compile(r"gpt-5\.1-codex-max"), efforts=(*_CLASSIC, "xhigh"), stops=False),
    Family(names=re.compile(r"gpt-5\.1"), efforts=("none", *_CLASSIC), stops=False),
    Family(names=re.compile(r"gpt-5\.\d"), efforts=("none", *_CLASSIC, "xhigh"), stops=False),
)


def check(request: LenientRequest) -> None:
    """Raises Refused for what this model would not take."""
    family = next((one for one in FAMILIES if one.names.match(request.model)), None)
    if family is None:
        return
    if len(request.user or "") > MAX_USER:
        raise Refused(
            f"Invalid 'user': string too long. Expected a string with maximum length {MAX_USER}, "
            f"but got a string with length {len(request.user or '')} instead.",
            param="user",
            code="string_above_max_length",
        )
    _effort(request, family)
    o1 = request.model.startswith("o1-")
    if o1 or (family.efforts and _reasons(request, family)):
        _sampling(request)
    if request.stop and not family.stops:
        raise _unsupported("stop")
    if request.parallel_tool_calls is not None and not family.parallel:
        raise _unsupported("parallel_tool_calls")
    if (family.efforts or o1) and request.max_tokens is not None:
        hint = " Use 'max_completion_tokens' instead."
        raise _unsupported("max_tokens", hint)
    if isinstance(request.response_format, SchemaFormat):
        _schema(request.response_format, family)


def _effort(request: LenientRequest, family: Family) -> None:
    effort = request.reasoning_effort
    if effort is None or effort in family.efforts:
        return
    if not family.efforts:
        raise Refused("Unrecognized request argument supplied: reasoning_effort")
    values = ", ".join([f"'{value}'" for value in family.efforts])
    raise Refused(
        f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model. "
        f"Supported values are: {values}.",
        param="reasoning_effort",
        code="unsupported_value",
    )


def _reasons(request: LenientRequest, family: Family) -> bool:
    return "none" not in family.efforts or request.reasoning_effort not in {None, "none"}


def _sampling(request: LenientRequest) -> None:
    for name in UNSUPPORTED:
        if getattr(request, name):
            raise _unsupported(name)
    for name, default in DEFAULTS.items():
        given = getattr(request, name)
        if given is None or given == default:
            continue
        if name != "temperature":
            raise _unsupported(name)
        raise Refused(
            f"Unsupported value: 'temperature' does not support {given:g} with this model. Only "
            "the default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        )


def _schema(wish: SchemaFormat, family: Family) -> None:
    if not family.schemas:
        raise Refused(
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with "
            "this model.",
            param="response_format",
        )
    kind = wish.json_schema.schema.get("type")
    if kind != "object":
        raise Refused(
            f"Invalid schema for response_format '{wish.json_schema.name}': schema must be a JSON "
            f"Schema of 'type: \"object\"', got 'type: \"{kind}\"'.",
            param="response_format",
            code="invalid_json_schema",
        )


def _unsupported(name: str, hint: str = "") -> Refused:
    return Refused(
        f"Unsupported parameter: '{name}' is not supported with this model.{hint}",
        param=name,
        code="unsupported_parameter",
    )
