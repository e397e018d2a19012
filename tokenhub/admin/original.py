"""Rows of the original's database as ours; pure.

Each function takes a row as SQLite gave it and returns what it becomes here, with what an operator
should know of the difference. A row that cannot be taken raises BadRequest, and names no value
that could be a secret.
"""

import hashlib
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from tokenhub.admin.models import checked, price_of
from tokenhub.admin.prices import CATALOGUE, MANUAL, UNKNOWN
from tokenhub.admin.providers import NONE, ProviderDraft, proposed
from tokenhub.core.aliases import Alias, Variant, checked_alias
from tokenhub.core.catalog import MAX_WEIGHT, Defaults, Model, Provider, checked_defaults
from tokenhub.core.errors import BadRequest
from tokenhub.core.ids import request_id
from tokenhub.core.keys import MAX_RPS, NO_LIMIT, ApiKey
from tokenhub.core.money import nusd
from tokenhub.core.old_keys import (
    FULL_SCOPES,
    checkable,
    imported_id,
    mark,
    start_of,
)
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.ports.imported import OldHash
from tokenhub.ports.original import Row

# The mark of an imported request, in place of a dialect and of a reason.
IMPORTED = "imported"
MAX_NAME_CHARS = 200
# The original's word for prices of the list that it read (original-behaviour 6.11).
_LISTED = "litellm"
_VLLM = "vllm"
_MILLI = 1000
# What a 64-bit integer can hold of nano-USD, in USD.
_MAX_USD = 9e9
_MAX_TOKENS = 1 << 53
_FAILED = 400
# Ten years: more is as good as never, and its end must be a time.
_MAX_ROTATION_DAYS = 3650
_STATUSES = range(100, 600)

# Go's own form, RFC 3339 and SQLite's (original-behaviour 7.3); what follows the zone is its name.
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?\s?(Z|[+-]\d\d:?\d\d)?(?: .*)?", re.ASCII
)

T = TypeVar("T", bound=msgspec.Struct)


class _Provider(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: str = ""
    enabled: bool = True
    base_url: str = ""
    cred_store: str = NONE


class _Model(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    provider_id: str
    weight: int = 1
    max_context_tokens: int = 0
    input_per_1k: float = 0.0
    output_per_1k: float = 0.0
    enabled: bool = True
    pricing_source: str = MANUAL
    tool_name_map: str = "{}"
    gemma4_output: bool = False


class _Alias(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    variants: str = "[]"
    enabled: bool = True
    sticky_by: str = ""


class _Key(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    key_hash: str
    key_prefix: str
    name: str = ""
    scopes: str = ""
    created_at: str = ""
    last_used_at: str = ""
    expires_at: str = ""
    rotation_days: int = 0
    enabled: bool = True
    monthly_budget_usd: float = 0.0
    rate_limit_rps: int = 0
    budget_reset_at: str = ""


class _Defaults(msgspec.Struct, frozen=True, kw_only=True):
    default_mode: str = ""
    default_max_budget_usd: float = 0.0
    default_max_latency_ms: int = 0


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    timestamp: str
    model_id: str = ""
    provider_id: str = ""
    mode: str = ""
    estimated_cost_usd: float | None = None
    latency_ms: float = 0.0
    status_code: int = 200
    error_class: str = ""
    request_id: str = ""
    api_key_id: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    alias_from: str = ""


class TakenKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key and the hash that waits for its first use."""

    key: ApiKey
    hash: OldHash


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A provider; `sealed` says that the original kept its key in the vault."""

    row: Provider
    sealed: bool


def provider(row: Row) -> Endpoint:
    """A provider. Its key is not in the row."""
    old = _read(row, _Provider)
    draft = ProviderDraft(
        id=old.id, type=old.type or "openai", base_url=old.base_url, enabled=old.enabled
    )
    return Endpoint(row=proposed(draft), sealed=old.cred_store == "vault")


def model(row: Row, *, provider_type: str) -> tuple[Model, Sequence[str]]:
    """A model, and what of it is different here."""
    old = _read(row, _Model)
    told = []
    if old.tool_name_map.strip() not in {"", "{}", "null"}:
        told.append("its tool_name_map has no effect here")
    if old.gemma4_output:
        told.append("its gemma4_output has no effect here")
    weight = min(max(old.weight, 0), MAX_WEIGHT)
    if weight != old.weight:
        told.append(f"its weight {old.weight} became {weight}")
    prices, source = _prices(old, provider_type)
    if source == UNKNOWN:
        told.append("it had no price; the installed list gives one where it knows the model")
    taken = Model(
        id=old.id,
        provider_id=old.provider_id,
        weight=weight,
        max_context_tokens=max(old.max_context_tokens, 0),
        input_price=prices[0],
        output_price=prices[1],
        enabled=old.enabled,
        pricing_source=source,
    )
    return checked(taken), told


def alias(row: Row) -> Alias:
    """An alias; whether its models are there is the caller's to see."""
    old = _read(row, _Alias)
    try:
        variants = msgspec.json.decode(old.variants, type=tuple[Variant, ...])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise BadRequest("its variants are no list of models with weights") from error
    return checked_alias(
        Alias(
            name=old.name,
            variants=variants,
            enabled=old.enabled,
            sticky_by=old.sticky_by or "request",
        )
    )


def defaults(row: Row) -> Defaults:
    """The stored routing defaults. A budget or latency of 0 says nothing, there and here."""
    old = _read(row, _Defaults)
    if not old.default_mode:
        raise BadRequest("they have no mode, and had no effect in the original")
    said = Defaults(
        mode=old.default_mode,
        max_budget_nusd=nusd(_amount(old.default_max_budget_usd, "default_max_budget_usd")),
        max_latency_s=old.default_max_latency_ms / _MILLI,
    )
    checked_defaults(replace(said, max_latency_s=said.max_latency_s or 1.0))
    return said


def key_id(row: Row) -> str:
    """What the id of a key becomes here."""
    return imported_id(str(row.get("id", "")))


def key(row: Row, *, now: float) -> tuple[TakenKey, Sequence[str]]:
    """A key that waits for its first use, and what of it is different here."""
    old = _read(row, _Key)
    if not checkable(old.key_hash):
        raise BadRequest("its hash is not a bcrypt hash that can be checked")
    try:
        start = start_of(old.id, old.key_prefix)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    scopes, told = _scopes(old.scopes)
    rps = min(max(old.rate_limit_rps, NO_LIMIT), MAX_RPS)
    if rps != old.rate_limit_rps:
        told.append(f"its rate_limit_rps {old.rate_limit_rps} became {rps}")
    reset_at = old.budget_reset_at if old.monthly_budget_usd else ""
    if reset_at and _month(moment(reset_at)) == _month(now):
        told.append("its budget was set back this month; here all of the month counts")
    later, untaken = _later(old)
    taken = ApiKey(
        id=imported_id(old.id),
        name=_name(old.name),
        digest=mark(old.key_hash),
        prefix=f"{old.key_prefix}...",
        scopes=scopes,
        created_at=moment(old.created_at) if old.created_at else now,
        expires_at=moment(old.expires_at) if old.expires_at else None,
        enabled=old.enabled,
        rate_limit_rps=rps,
        **later,
    )
    waiting = OldHash(key_id=taken.id, start=start, hash=old.key_hash)
    return TakenKey(key=taken, hash=waiting), [*told, *untaken]


def request(row: Row) -> Outcome:
    """A row of the request log, with one attempt where the original knew who answered.

    Its id is made of its time and of what told it apart there, so that it is the same each time.
    The original's cost is a float of USD; it becomes the nearest nano-USD (`money.nusd`), and the
    request and its attempt both have that figure. A cost that is no amount is unknown.
    """
    old = _read(row, _Request)
    at = moment(old.timestamp)
    if old.status_code not in _STATUSES:
        raise BadRequest("its status is none of HTTP")
    name = f"{old.id}\0{old.request_id}\0{old.timestamp}".encode("utf-8", "replace")
    latency_s = _bounded(old.latency_ms) / _MILLI
    cost = _cost(old.estimated_cost_usd)
    return Outcome(
        request_id=request_id(at, int.from_bytes(hashlib.sha256(name).digest()[:8])),
        at=at,
        key_id=imported_id(old.api_key_id) if old.api_key_id else "",
        dialect=IMPORTED,
        requested_model=old.alias_from,
        mode=old.mode,
        reason=IMPORTED,
        model_id=old.model_id,
        provider_id=old.provider_id,
        status=old.status_code,
        error_class=old.error_class,
        latency_s=latency_s,
        upstream_s=latency_s,
        attempts=(_attempt(old, cost, latency_s),) if old.model_id or cost else (),
    )


def moment(text: str) -> float:
    """Unix seconds of any of the original's three ways to write a time. Raises BadRequest."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise BadRequest("a time in it cannot be read")
    day, clock, fraction, zone = found.groups()
    try:
        whole = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=_zone(zone))
    except ValueError as error:
        raise BadRequest("a time in it does not exist") from error
    if not 1970 <= whole.year < 10_000:  # noqa: PLR2004 - before Unix time, and what no id can hold
        raise BadRequest("a time in it is out of range")
    return max(0.0, whole.timestamp() + float(fraction or 0))


def _zone(zone: str | None) -> timezone:
    if zone in (None, "Z"):
        return UTC
    assert zone is not None
    digits = zone[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if zone[0] == "-" else offset)


def _month(at: float) -> tuple[int, int]:
    day = datetime.fromtimestamp(at, UTC)
    return day.year, day.month


def _read(row: Row, kind: type[T]) -> T:
    """The row as a value. SQLite keeps 1 for true, and a number in a column of text."""
    try:
        return msgspec.convert(
            {name: value for name, value in row.items() if name in kind.__struct_fields__},
            kind,
            strict=False,
        )
    except msgspec.ValidationError as error:
        raise BadRequest(f"it cannot be read: {error}") from error


def _prices(old: _Model, provider_type: str) -> tuple[tuple[int | None, int | None], str]:
    """Prices of input and output, and whose they are.

    Both 0 meant in the original that nobody had given any, except for servers of one's own.
    """
    if not old.input_per_1k and not old.output_per_1k and provider_type != _VLLM:
        return (None, None), UNKNOWN
    prices = (
        price_of(old.input_per_1k, field="input_per_1k"),
        price_of(old.output_per_1k, field="output_per_1k"),
    )
    return prices, CATALOGUE if old.pricing_source == _LISTED else MANUAL


def _scopes(text: str) -> tuple[tuple[str, ...], list[str]]:
    """The scopes. None at all meant all of them, and text that was no list meant none."""
    try:
        said = msgspec.json.decode(text, type=tuple[str, ...] | None) if text.strip() else ()
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return (), ["its scopes cannot be read: it may do nothing, as in the original"]
    if not said:
        return FULL_SCOPES, ["it had no scopes, which meant all; they are written out now"]
    known = tuple(dict.fromkeys(scope for scope in said if scope in FULL_SCOPES))
    unknown = len(set(said)) - len(known)
    return known, [f"{unknown} of its scopes mean nothing here"] if unknown else []


def _later(old: _Key) -> tuple[dict[str, Any], list[str]]:
    """The one place where limits and rotation of a key are mapped.

    A field that `ApiKey` does not have in this build is named instead of being dropped in silence.
    """
    given: dict[str, Any] = {}
    if _amount(old.monthly_budget_usd, "monthly_budget_usd"):
        given["budget_nusd"] = nusd(old.monthly_budget_usd)
    if old.rotation_days > 0:
        given["rotation_days"] = min(old.rotation_days, _MAX_ROTATION_DAYS)
    known = {name: value for name, value in given.items() if name in ApiKey.__struct_fields__}
    return known, [f"its {name} is not taken" for name in given if name not in known]


def _name(name: str) -> str:
    """The name as ours may be: printable and not too long."""
    plain = "".join(letter for letter in name if letter.isprintable()).strip()
    return plain[:MAX_NAME_CHARS].strip() or "imported"


def _amount(amount_usd: float, field: str) -> float:
    if not 0 <= amount_usd < _MAX_USD:
        raise BadRequest(f"its {field} is no amount")
    return amount_usd


def _cost(cost_usd: float | None) -> int | None:
    if cost_usd is None or not 0 <= cost_usd < _MAX_USD:
        return None
    return nusd(cost_usd)


def _bounded(number: float) -> float:
    return min(max(number, 0.0), 1e9) if math.isfinite(number) else 0.0


def _attempt(old: _Request, cost_nusd: int | None, latency_s: float) -> Attempt:
    return Attempt(
        number=1,
        provider_id=old.provider_id,
        model_id=old.model_id,
        state="settled" if cost_nusd or old.status_code < _FAILED else "voided",
        kind=old.error_class,
        status=old.status_code,
        latency_s=latency_s,
        input_tokens=min(max(old.input_tokens, 0), _MAX_TOKENS),
        output_tokens=min(max(old.output_tokens, 0), _MAX_TOKENS),
        cost_nusd=cost_nusd,
        estimated=True,
    )
