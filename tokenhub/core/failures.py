"""What a failed upstream call means, and what may be done after it.

The classes of reliability.md 2.5. A provider's word decides; where it gives none, its status.
`unsupported` is our own word: the route's dialect cannot carry the request, and nothing was sent.
`credential` is about the key, and so about the provider; `forbidden` is about what the key may do,
and so about the route.

    class         another route   charged    the caller sees
    unreachable   yes             no         502 upstream_unreachable
    timeout       yes             may be     504 upstream_timeout
    lost          yes             may be     502 upstream_lost
    throttled     yes             no         429 upstream_throttled
    exhausted     yes             no         502 upstream_exhausted
    credential    yes             no         502 upstream_credential
    forbidden     yes             no         502 upstream_credential
    overloaded    yes             no         503 upstream_overloaded
    broken        yes             may be     502 upstream_invalid_response
    missing       yes             no         502 upstream_not_found; the provider's own 404 where
                                             the caller named a model that nobody knows
    unsupported   yes             no         400 unsupported_content
    context       larger ones     no         400 context_length_exceeded
    client        never           no         the provider's own 4xx
"""

from enum import StrEnum


class Kind(StrEnum):
    """Why an upstream call brought no answer."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    LOST = "lost"
    THROTTLED = "throttled"
    EXHAUSTED = "exhausted"
    CREDENTIAL = "credential"
    FORBIDDEN = "forbidden"
    OVERLOADED = "overloaded"
    BROKEN = "broken"
    MISSING = "missing"
    UNSUPPORTED = "unsupported"
    CONTEXT = "context"
    CLIENT = "client"


# How a class is told to callers. The others have errors of their own (gateway/finals.py).
CODES = {
    Kind.UNREACHABLE: "upstream_unreachable",
    Kind.LOST: "upstream_lost",
    Kind.THROTTLED: "upstream_throttled",
    Kind.EXHAUSTED: "upstream_exhausted",
    Kind.CREDENTIAL: "upstream_credential",
    Kind.FORBIDDEN: "upstream_credential",
    Kind.OVERLOADED: "upstream_overloaded",
    Kind.BROKEN: "upstream_invalid_response",
    Kind.MISSING: "upstream_not_found",
}
# The request went out and no answer came back, so the provider may have worked and may bill.
MAYBE_BILLED = frozenset({Kind.TIMEOUT, Kind.LOST, Kind.BROKEN})

# OpenAI's error codes for an empty account or a spending limit, Anthropic's error type, and its
# words: it tells of both as of an invalid request (docs.anthropic.com, "Errors", 2026-01).
_EXHAUSTED = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "credit_balance_exhausted",
    "spend_limit_exceeded",
    "billing_error",
    "enforced_spend_limit_reached",
    "credit balance is too low to access",
    "reached your specified api usage limits",
)
# OpenAI's words, under a 401, for a key that is good but restricted to other calls.
_SCOPES = ("missing scopes", "insufficient permissions for this operation")
# What is true of every call with this key, from this place, although the status is 403: OpenAI's
# countries and closed accounts, and servers that say 403 of a wrong key.
_OF_THE_KEY = (
    "unsupported_country",
    "country, region, or territory not supported",
    "account_deactivated",
    "ip_not_authorized",
    "invalid_api_key",
    "invalid api key",
    "authentication_error",
)
# Gateways that read along refuse a text with 403 (OpenRouter, "Errors and debugging", 2026-01).
_FLAGGED = (
    "requires moderation",
    "input was flagged",
    "content_policy",
    "content policy",
    "content_filter",
    "content filter",
    "content management policy",
)
# The vendors' words for a prompt that does not fit (original-behaviour 3.5), lower case.
_CONTEXT = (
    "context_length",
    "context length",
    "prompt is too long",
    "prompt_too_long",
    "input is too long",
    "maximum context",
    "exceed_context_size",
    "exceeds the available context size",
    "too many tokens",
)
_TOO_LARGE = 413
_MAX_SERVER = 599


def classify(status: int, text: str) -> Kind:
    """The class of an answer with this status; `text` is its error code, type and message."""
    said = text.lower()
    if status < 400 or status > _MAX_SERVER:  # noqa: PLR2004 - HTTP: only 4xx and 5xx are errors
        return Kind.BROKEN
    if any(word in said for word in _EXHAUSTED) or status == 402:  # noqa: PLR2004 - RFC 9110
        return Kind.EXHAUSTED
    named = _refused(status, said) if status in {401, 403} else _BY_STATUS.get(status)
    if named is not None:
        return named
    if status >= 500:  # noqa: PLR2004 - RFC 9110
        return Kind.OVERLOADED
    if status == _TOO_LARGE or any(word in said for word in _CONTEXT):
        return Kind.CONTEXT
    return Kind.CLIENT


def lacks_scope(message: str) -> bool:
    """Whether a refusal is of this one call, by a provider that knows and takes the key."""
    said = message.lower()
    return any(word in said for word in _SCOPES)


def _refused(status: int, said: str) -> Kind:
    """A 401 is about the key, a 403 mostly about the model.

    So it is with OpenAI's projects that have no access to one, and Anthropic's permission_error.
    """
    if lacks_scope(said):
        return Kind.FORBIDDEN
    if status == 401 or any(word in said for word in _OF_THE_KEY):  # noqa: PLR2004 - RFC 9110
        return Kind.CREDENTIAL
    return Kind.CLIENT if any(word in said for word in _FLAGGED) else Kind.FORBIDDEN


# 529 is Anthropic's "overloaded"; 408 is a provider that gave up waiting for us.
_BY_STATUS = {
    407: Kind.CREDENTIAL,
    408: Kind.TIMEOUT,
    429: Kind.THROTTLED,
    504: Kind.TIMEOUT,
    529: Kind.OVERLOADED,
}
