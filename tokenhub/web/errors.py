"""Errors on the wire: which status each class has, and its body in each dialect.

One table for the admin API and the data plane (reliability.md 3.1 and 3.2). `str(error)` of our
own classes is written for the caller; nothing of any other exception leaves the server.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec

from tokenhub.core.buckets import UNLIMITED, Allowance
from tokenhub.core.errors import (
    BadRequest,
    BudgetExceeded,
    Conflict,
    DeadlineExceeded,
    InFlight,
    KeyReused,
    MethodNotAllowed,
    NoEligibleModel,
    NotFound,
    OutcomeUnknown,
    OutOfScope,
    ProviderFailed,
    ProviderRefused,
    RateLimited,
    Stale,
    TokenHubError,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
    VaultLocked,
)
from tokenhub.core.money import usd
from tokenhub.core.outcome import Attempt
from tokenhub.core.overload import OVERLOADED
from tokenhub.gateway.run import STOPPING
from tokenhub.web.limits import anthropic_headers, openai_headers
from tokenhub.wire.problem import FieldProblem, Problem

Headers = list[tuple[bytes, bytes]]
Rendered = tuple[int, Headers, bytes]

# The codes of an Unavailable that is over as soon as others have been answered, or at another
# server of the same name.
CROWDED = "too_many_large_bodies"
_SOON_OVER = frozenset({CROWDED, OVERLOADED, STOPPING})
OPENAI, ANTHROPIC, PROBLEM = "openai", "anthropic", "problem"

_STATUS: Mapping[type[TokenHubError], int] = {
    TokenHubError: 500,
    BadRequest: 400,
    TooLarge: 413,
    UnsupportedMediaType: 415,
    KeyReused: 422,
    Unauthenticated: 401,
    OutOfScope: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    Stale: 412,
    RateLimited: 429,
    BudgetExceeded: 429,
    NoEligibleModel: 503,
    ProviderFailed: 502,
    DeadlineExceeded: 504,
    Unavailable: 503,
}
# The table of core/failures.py; every other code of a failed provider is a 502.
_UPSTREAM = {
    "upstream_throttled": 429,
    "upstream_overloaded": 503,
    "upstream_timeout": 504,
    "context_length_exceeded": 400,
}
# A provider that refuses our key must not look as if the caller's were bad.
_OURS = frozenset({401, 403, 407})

_OPENAI_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    409: "conflict_error",
    412: "conflict_error",
    429: "rate_limit_error",
}
_ANTHROPIC_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    412: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_INTERNAL = "something failed inside TokenHub; its log has the details under this request id"
_MAX_MESSAGE_CHARS = 2000
_WAITING = (RateLimited, NoEligibleModel, ProviderFailed, InFlight)


def render(error: Exception, *, dialect: str, request_id: str) -> Rendered:
    """Status, headers and body of an error; all headers but the content's length.

    `dialect` is `openai`, `anthropic` or, for all else, `problem`.
    """
    status = status_of(error)
    headers: Headers = [
        (b"content-type", b"application/json"),
        (b"x-content-type-options", b"nosniff"),
        *named(request_id, dialect=dialect),
        *_telling(error),
    ]
    if isinstance(error, RateLimited):
        headers += left(error.allowance, dialect=dialect, at=error.at, tokens=error.tokens)
    if dialect == OPENAI:
        body = _openai(error, status)
    elif dialect == ANTHROPIC:
        body = _anthropic(error, status, request_id)
    else:
        headers[0] = (b"content-type", b"application/problem+json")
        body = _problem(error, status, request_id)
    return status, headers, msgspec.json.encode(body)


def named(request_id: str, *, dialect: str) -> Headers:
    """The request's id, in each header that the SDKs of the dialect look for."""
    value = request_id.encode("ascii", "replace")
    if dialect == ANTHROPIC:
        return [(b"x-request-id", value), (b"request-id", value)]
    return [(b"x-request-id", value)]


def left(
    allowance: Allowance, *, dialect: str, at: float, tokens: Allowance = UNLIMITED
) -> Headers:
    """What a caller may still send, in the words of the dialect; a problem has OpenAI's.

    `at` is the Unix time of the request. Nothing where there is no limit.
    """
    if dialect == ANTHROPIC:
        told = anthropic_headers(allowance, at=at)
        return [*told, *anthropic_headers(tokens, at=at, what=b"tokens")] if tokens.limit else told
    told = openai_headers(allowance)
    return [*told, *openai_headers(tokens, what=b"tokens")] if tokens.limit else told


def status_of(error: Exception) -> int:
    """The status of an error of any class; 500 for what is none of ours."""
    if isinstance(error, ProviderRefused):
        client_error = 400 <= error.status < 500  # noqa: PLR2004 - RFC 9110
        return error.status if client_error and error.status not in _OURS else 502
    if isinstance(error, ProviderFailed) and error.code in _UPSTREAM:
        return _UPSTREAM[error.code]
    if isinstance(error, BudgetExceeded) and error.speech == ANTHROPIC:
        return 402
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 500)


def dialect_of(path: str) -> str:
    """The dialect of a route family, known before anything else of a request is looked at."""
    parts = [part for part in path.split("/", 4) if part]
    if parts[:2] == ["v1", "messages"]:
        return ANTHROPIC
    return OPENAI if parts[:1] == ["v1"] else PROBLEM


def _openai(error: Exception, status: int) -> object:
    server = 500 <= status < 600  # noqa: PLR2004 - RFC 9110
    kind = _OPENAI_TYPES.get(status, "server_error" if server else "invalid_request_error")
    if isinstance(error, BudgetExceeded):
        kind = "insufficient_quota"
    said = {"message": _message(error), "type": kind, "param": _field(error), "code": _code(error)}
    return {"error": {**said, **_history(error)}, **_money(error)}


def _anthropic(error: Exception, status: int, request_id: str) -> object:
    server = 500 <= status < 600  # noqa: PLR2004 - RFC 9110
    kind = _ANTHROPIC_TYPES.get(status, "api_error" if server else "invalid_request_error")
    said = {"type": kind, "message": _message(error), "code": _code(error)}
    told = {"type": "error", "error": {**said, **_history(error)}, "request_id": request_id}
    return {**told, **_money(error)}


def _problem(error: Exception, status: int, request_id: str) -> object:
    message, field = _message(error), _field(error)
    problem = Problem(
        type="about:blank",
        title=_title(status),
        status=status,
        detail=message,
        code=_code(error),
        error=message,
        request_id=request_id,
        errors=[FieldProblem(pointer=_pointer(field), message=message)] if field else [],
    )
    return {**msgspec.to_builtins(problem), **_history(error)}


def _money(error: Exception) -> dict[str, float]:
    """The original's two figures of a spent budget, where its clients look for them."""
    if not isinstance(error, BudgetExceeded):
        return {}
    return {"budget_usd": usd(error.budget_nusd), "spent_usd": usd(error.spent_nusd)}


def _message(error: Exception) -> str:
    """The error's text. A caller's own words in it may be long, or hold half a character."""
    if not isinstance(error, TokenHubError):
        return _INTERNAL
    return str(error)[:_MAX_MESSAGE_CHARS].encode("utf-8", "replace").decode()


def _code(error: Exception) -> str:
    return error.code if isinstance(error, TokenHubError) else TokenHubError.code


def _field(error: Exception) -> str | None:
    field = error.field if isinstance(error, BadRequest | ProviderRefused) else None
    return field.encode("utf-8", "replace").decode() if field else None


def _pointer(field: str) -> str:
    """A field such as `endpoints[1]` as a JSON pointer (RFC 6901), in the fragment of a URL."""
    parts = field.replace("[", ".").replace("]", "").split(".")
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in ["#", *parts])[1:]


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _telling(error: Exception) -> Headers:
    """The headers that say what to do next."""
    if isinstance(error, Unauthenticated):
        return [(b"www-authenticate", b"Bearer")]
    if isinstance(error, MethodNotAllowed):
        return [(b"allow", ", ".join(error.allow).encode("ascii", "replace"))]
    if isinstance(error, OutcomeUnknown | BudgetExceeded):
        # Both SDKs try every 409 and 429 again unless this tells them not to.
        return [(b"x-should-retry", b"false")]
    if isinstance(error, Unavailable) and error.code in _SOON_OVER:
        return [(b"retry-after", b"1")]
    if isinstance(error, RateLimited) and error.retry_after_s is None:
        return [(b"x-should-retry", b"false")]
    wait_s = error.retry_after_s if isinstance(error, _WAITING) else None
    return [] if wait_s is None else [(b"retry-after", b"%d" % max(1, ceil(wait_s)))]


def _history(error: Exception) -> dict[str, object]:
    """What was tried, or why nothing was. Never a provider's own words."""
    if isinstance(error, BudgetExceeded):
        return {**_money(error), "reserved_usd": usd(error.reserved_nusd)}
    if isinstance(error, ProviderFailed) and error.attempts:
        return {"attempts": [_attempt(attempt) for attempt in error.attempts]}
    if isinstance(error, NoEligibleModel | VaultLocked) and error.skipped:
        return {"skipped": _skips(error.skipped)}
    return {}


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "provider": attempt.provider_id,
        "model": attempt.model_id,
        "class": attempt.kind,
        "status": attempt.status,
        "ms": round(attempt.latency_s * 1000, 3),
    }


def _skips(skipped: Sequence[Any]) -> list[dict[str, str]]:
    return [{"route": skip.route, "reason": skip.reason} for skip in skipped]
