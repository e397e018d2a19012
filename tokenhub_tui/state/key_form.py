"""What a form for an API key asks for, and what is sent of it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from tokenhub.wire.keys import ApiKey, ApiKeyCreate, ApiKeyPatch, ApiKeyRotate
from tokenhub_tui.state.form import CHECKS, CHOICE, LIST, NUMBER, SWITCH, Field, Value, Values
from tokenhub_tui.state.spans import ahead, short

SCOPES = ("chat", "plan", "embeddings", "*")
MODES = ("cheap", "normal", "high_confidence", "planning", "adversarial", "thompson")
NEVER = "never"
# Where nothing is written, the server's own way holds.
_BY_SERVER = "as the server does"
_LEFT_TO_SERVER = ("mode", "max_budget_usd", "max_latency_ms", "min_weight")
_ZERO_IS_NONE = ("monthly_budget_usd", "tokens_per_minute", "concurrency", "rotation_days")


def new() -> tuple[Field, ...]:
    """The fields of a new key."""
    return (
        Field(id="name", label="Name", required=True, help="What it is for, such as ci-bot."),
        *_fields(
            {"scopes": ("chat", "plan"), "directives": True, "judged": True, "rate_limit_rps": 0},
            NEVER,
        ),
    )


def of(key: ApiKey, now: float) -> tuple[Field, ...]:
    """The fields of a key that there is."""
    left_s = ahead(key.expires_at, now)
    expires = NEVER if left_s is None else f"in {short(left_s)}" if left_s > 0 else "expired"
    return (
        Field(id="name", label="Name", value=key.name, required=True, help="What it is for."),
        Field(
            id="enabled",
            label="On",
            kind=SWITCH,
            value=key.enabled,
            help="One that is off opens nothing until it is on again.",
        ),
        *_fields(values(key), f"as it is: {expires}"),
    )


def values(key: ApiKey) -> dict[str, Value]:
    """What stands in the fields of a key."""
    given: dict[str, Value] = {
        name: getattr(key, name)
        for name in ("name", "enabled", "rate_limit_rps", "directives", "judged")
    }
    # In the order in which they are ticked, or none would be as it was.
    given["scopes"] = tuple(one for one in SCOPES if one in key.scopes)
    for name in ("allowed_models", "allowed_providers"):
        given[name] = tuple(getattr(key, name))
    for name in _LEFT_TO_SERVER:
        given[name] = getattr(key, name)
    for name in _ZERO_IS_NONE:
        given[name] = getattr(key, name) or None
    return given | {"mode": key.mode or "", "expires_in": ""}


def _fields(given: Values, expires: str) -> tuple[Field, ...]:
    """All but the name. `expires` is what holds where nothing is written."""
    return (
        Field(
            id="scopes",
            label="May",
            kind=CHECKS,
            value=given["scopes"],
            choices=tuple((one, "* everything" if one == "*" else one) for one in SCOPES),
            help="What the key may be used for; with nothing ticked it opens nothing.",
        ),
        _number(
            given,
            "monthly_budget_usd",
            "$ a month",
            "What it may spend from the first of the month on, in UTC.",
            whole=False,
        ),
        Field(
            id="expires_in",
            label="Expires in",
            empty=expires,
            help=f'From now on, such as 30d or 720h; "{NEVER}" for never.',
        ),
        _number(
            given,
            "rotation_days",
            "Rotate after",
            "The age in days after which its credential opens nothing; due from 80 % on.",
            empty="days; no limit",
        ),
        *_limits(given),
        *_policy(given),
    )


def _limits(given: Values) -> tuple[Field, ...]:
    return (
        _number(
            given,
            "rate_limit_rps",
            "Requests/s",
            "0 is as many as an address may send, -1 any number.",
            empty="0",
            least=-1,
        ),
        _number(given, "tokens_per_minute", "Tokens/min", "Of prompts and answers together."),
        _number(given, "concurrency", "At once", "Requests that may be under way at once."),
        Field(
            id="allowed_models",
            label="Models",
            kind=LIST,
            value=given.get("allowed_models", ()),
            empty="all",
            help="Models, provider/model, or beginnings such as gpt-*, between commas.",
        ),
        Field(
            id="allowed_providers",
            label="Providers",
            kind=LIST,
            value=given.get("allowed_providers", ()),
            empty="all",
            help="Providers, between commas.",
        ),
    )


def _policy(given: Values) -> tuple[Field, ...]:
    return (
        Field(
            id="mode",
            label="Mode",
            kind=CHOICE,
            value=given.get("mode", ""),
            choices=(("", _BY_SERVER), *((one, one) for one in MODES)),
            help="How its requests are routed where they say nothing themselves.",
        ),
        _number(
            given,
            "max_budget_usd",
            "$ a request",
            "What a request may cost where it says nothing itself.",
            empty=_BY_SERVER,
            whole=False,
        ),
        _number(
            given,
            "max_latency_ms",
            "Within ms",
            "How long a request may take where it says nothing itself.",
            empty=_BY_SERVER,
            least=1,
        ),
        _number(
            given,
            "min_weight",
            "Least weight",
            "The weight that models must have at least, 0 to 10.",
            empty=_BY_SERVER,
            most=10,
        ),
        Field(
            id="directives",
            label="@@tokenhub",
            kind=SWITCH,
            value=given["directives"],
            help="Whether wishes that stand in messages are obeyed.",
        ),
        Field(
            id="judged",
            label="Judged",
            kind=SWITCH,
            value=given["judged"],
            help="Whether its answers may be judged, where the server samples some to be.",
        ),
    )


def _number(
    given: Values,
    name: str,
    label: str,
    help_: str,
    *,
    empty: str = "no limit",
    whole: bool = True,
    least: int = 0,
    most: int | None = None,
) -> Field:
    return Field(
        id=name, label=label, kind=NUMBER, value=given.get(name), empty=empty, whole=whole,
        least=least, most=most, help=help_,
    )  # fmt: skip


def create(written: Values) -> ApiKeyCreate:
    """A new key, as it was written. Raises msgspec.ValidationError."""
    sent = _sent(written)
    # A new key that is to be left to the server says nothing of it.
    kept = {name: value for name, value in sent.items() if value is not None}
    return msgspec.convert(kept, ApiKeyCreate)


def patch(changed: Mapping[str, Value]) -> ApiKeyPatch:
    """The changes of a key. Raises msgspec.ValidationError."""
    return msgspec.convert(_sent(changed), ApiKeyPatch)


def _sent(written: Mapping[str, Value]) -> dict[str, Any]:
    """As the wire has it: lists, nothing for what is left to the server, 0 for no limit."""
    sent: dict[str, Any] = {}
    for name, value in written.items():
        if name in _ZERO_IS_NONE and value == 0:
            # On the wire 0 is no limit; what was meant is nothing at all.
            raise msgspec.ValidationError(f"more than 0; empty is no limit - at `$.{name}`")
        if isinstance(value, tuple):
            sent[name] = list(value)
        elif name in _LEFT_TO_SERVER:
            sent[name] = None if value == "" else value
        elif name in _ZERO_IS_NONE or name == "rate_limit_rps":
            sent[name] = value or 0
        else:
            sent[name] = value
    if str(sent.get("expires_in")).casefold() == NEVER:
        sent["expires_in"] = ""
    return sent


OVERLAP = (
    Field(
        id="overlap",
        label="Former one opens",
        value="24h",
        empty="not at all",
        help="For so long the credential of now opens the key yet, such as 24h; 0 for not at all.",
    ),
)


def rotate(written: Values) -> ApiKeyRotate:
    """A rotation, as it was written."""
    return ApiKeyRotate(overlap=str(written["overlap"]) or "0")
