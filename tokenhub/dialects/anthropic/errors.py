"""The errors of Anthropic's format, as a provider tells of them."""

import msgspec

from tokenhub.dialects.told import Told, ToldError

# What decoding raises for bytes that are not what they should be.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# The status that an error would have had ahead of a stream (docs.anthropic.com, "Errors").
STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}

_OBJECT = msgspec.json.Decoder(dict[str, object])


class TypedError(ToldError):
    """An error whose type tells the status that it would have had."""

    @property
    def status(self) -> int:
        return STATUS.get(self.error.type or "", super().status)


def not_a(body: bytes, what: str) -> ValueError:
    """What to raise for a body that is not what was asked for: the error in it, if it is one."""
    said = error_of(body)
    return ValueError(f"not a {what}") if said == Told() else TypedError(said)


def error_of(body: bytes) -> Told:
    """The error that a provider tells of; empty where its body cannot be read.

    Servers that took the format over put the fields of OpenAI's errors there, so that these are
    read too. Each is read for itself: one of an odd type must not hide the others.
    """
    try:
        found = _OBJECT.decode(body)
    except UNREADABLE:
        return Told()
    error = found.get("error") or (found if isinstance(found.get("message"), str) else None)
    if not isinstance(error, dict):
        return Told(message=error) if isinstance(error, str) else Told()
    message, code = error.get("message"), error.get("code")
    return Told(
        message=message if isinstance(message, str) else "",
        type=_text(error.get("type")),
        param=_text(error.get("param")),
        code=code if isinstance(code, int) else _text(code),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
