"""Any failure of a call as what it means."""

import re
from collections.abc import Callable

from tokenhub.adapters.providers.connection import Response
from tokenhub.adapters.providers.transport import beginning, failure, retry_after_s
from tokenhub.core.errors import BadRequest
from tokenhub.core.failures import Kind, classify
from tokenhub.core.redaction import HIDDEN, without_secrets
from tokenhub.dialects.told import Told, ToldError
from tokenhub.dialects.translation import Unsayable
from tokenhub.ports.provider import UpstreamError

_MAX_MESSAGE = 500
_MAX_FIELD = 200
# A word of a vendor's. Some servers put a sentence there, with what the caller sent in it.
_CODE = re.compile(r"[\w.-]{1,64}", re.ASCII)
# A key that is shorter may well be a word: `none`, `EMPTY`.
_LEAST_KEY = 8
_BAD_REQUEST = 400
# On every answer of Anthropic itself (docs.anthropic.com, "API overview", 2026-01).
_ANTHROPIC = b"anthropic-organization-id"
# What OpenAI's words for an error would have been as a status (platform.openai.com, "Error codes",
# 2026-01), for errors that come under a 200. Its codes and types are one namespace here.
_STATUS = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "model_not_found": 404,
    "invalid_request_error": 400,
    "server_error": 500,
    "overloaded_error": 503,
}
_UNNAMED = 502
# All that a call can end with, but for a cancellation.
FAILURES = (UpstreamError, OSError, ValueError)


def understood(error: Exception, *, status: int = 0) -> UpstreamError:
    """Any failure of a call as what it means."""
    if isinstance(error, UpstreamError):
        return error
    if isinstance(error, ToldError):
        return told(error.error, _named(error), retry_after_s=None)
    if isinstance(error, Unsayable | BadRequest):
        return UpstreamError(
            Kind.UNSUPPORTED,
            status=_BAD_REQUEST,
            message=str(error),
            code=error.code,
            field=error.field or "",
        )
    failed = failure(error)
    return UpstreamError(failed.kind, status=status) if status else failed


def _named(error: ToldError) -> int:
    """The status of an error that told none: by its code, which says more than its type."""
    if error.status != _UNNAMED:
        return error.status
    by_type = _STATUS.get(error.error.type or "", _UNNAMED)
    return _STATUS.get(str(error.error.code), by_type)


def source(error: Exception) -> BaseException | None:
    """What to name as the cause of an UpstreamError: never itself."""
    return error.__cause__ if isinstance(error, UpstreamError) else error


def told(error: Told, status: int, *, retry_after_s: float | None) -> UpstreamError:
    """What a provider's own error means.

    Its words may be passed on, so what has the form of a key is taken out; `hushed` takes out ours.
    """
    code, field = without_secrets(str(error.code or "")), without_secrets(error.param or "")
    return UpstreamError(
        classify(status, f"{code} {error.type or ''} {error.message}"),
        status=status,
        message=without_secrets(error.message)[:_MAX_MESSAGE],
        code=code if _CODE.fullmatch(code) else "",
        field=field if len(field) <= _MAX_FIELD and field.isprintable() else "",
        retry_after_s=retry_after_s,
    )


def hushed(error: UpstreamError, peek: Callable[[], bytes | None]) -> UpstreamError:
    """The error without the key that `peek` gives, which the provider may have said back to us.

    Where the key was locked away meanwhile it cannot be looked for, and nothing is passed on.
    """
    if not (error.message or error.code or error.field):
        return error
    try:
        key = (peek() or b"").decode("latin-1")
    except UpstreamError:
        error.message = error.code = error.field = ""
        return error
    if len(key) >= _LEAST_KEY:
        error.message = _without(error.message, key)
        error.code = "" if key in error.code else error.code
        error.field = "" if key in error.field else error.field
    return error


def _without(message: str, key: str) -> str:
    message = message.replace(key, HIDDEN)
    # A long message was cut, and the key may have stood where.
    cut = next((n for n in range(len(key) - 1, 3, -1) if message.endswith(key[:n])), 0)
    return message[: len(message) - cut] + HIDDEN if cut else message


async def refusal(response: Response, error_of: Callable[[bytes], Told]) -> UpstreamError:
    """What a response other than 200 means; the connection is let go."""
    try:
        error = error_of(await beginning(response))
    finally:
        response.close()
    failed = told(error, response.status, retry_after_s=retry_after_s(response))
    silent = b"retry-after" not in response.headers
    # Anthropic says how long to wait, but for an account whose spending limit is reached
    # (reliability.md 2.5). Servers that merely speak its dialect do not name the account.
    if failed.kind is Kind.THROTTLED and silent and _ANTHROPIC in response.headers:
        failed.kind = Kind.EXHAUSTED
    return failed
