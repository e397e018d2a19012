"""Idempotency keys: what a repeat is, and what becomes of the request it repeats.

    (none) -- first seen --> in_flight
    in_flight -- 2xx, or a 4xx that would come again --> done     a repeat is answered the same
              -- answered, and too long to keep -------> unkept   a repeat is refused
              -- may have been billed -----------------> unknown  a repeat is refused, or forced
              -- nothing was spent --------------------> (none)   a repeat runs anew

A refusal is a 409 and never a second charge, until the caller asks for one by
`Idempotency-Retry: force`. Sources: draft-ietf-httpapi-idempotency-key-header-07; RFC 9651 3.3.3
for the quotes.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from tokenhub.core.errors import BadRequest
from tokenhub.core.failures import Kind
from tokenhub.core.outcome import Attempt

State = Literal["in_flight", "done", "unkept", "unknown"]
Headers = tuple[tuple[bytes, bytes], ...]

# How long a key is remembered, from its first sight.
KEPT_S = 86_400.0
# Events of one stream, together. A stream that says more is not gathered to its end.
STREAM_BYTES = 256 * 1024

HEADER = "Idempotency-Key"
_MAX_CHARS = 255
_PRINTABLE = re.compile(rb"[\x20-\x7e]+")
_QUOTED = re.compile(rb'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_ESCAPED = re.compile(rb'\\(["\\])')

# What the same bytes would be told again, once a provider has looked at them.
_FINAL = frozenset({400, 404, 413, 422})
# Never `set-cookie`, `date`, or what is left of a limit: they belong to one moment.
_TOLD_AGAIN = frozenset(
    {b"content-type", b"cache-control", b"x-content-type-options", b"x-negotiated-model"}
)
_OURS = b"x-tokenhub-"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Within what a key means one request. Two API keys never meet: their ids differ.

    `digest` stands for all of it on disk, so that no text of a caller's lies there.
    """

    key_id: str
    method: str
    route: str
    key: str

    @property
    def digest(self) -> bytes:
        return _digest(self.key_id, self.method, self.route, self.key).digest()


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it went out, to be given again. `headers` are lower case."""

    status: int
    headers: Headers
    body: bytes

    @property
    def size(self) -> int:
        """About the bytes of memory it takes."""
        return len(self.body) + sum(len(name) + len(value) for name, value in self.headers)


def key_of(values: Iterable[bytes]) -> str:
    """The key in all `Idempotency-Key` and `X-Idempotency-Key` headers; empty without any.

    Raises BadRequest where one is no key, or where they differ.
    """
    keys = {_key(value.strip(b" \t")) for value in values}
    if len(keys) > 1:
        raise _invalid("this request has two different ones; send one")
    return keys.pop() if keys else ""


def forced(value: bytes) -> bool:
    """Whether `Idempotency-Retry` asks for a run that may be charged a second time."""
    if value not in {b"", b"force"}:
        raise BadRequest(
            'Idempotency-Retry must be "force" where it is sent',
            code="invalid_idempotency_retry",
            field="Idempotency-Retry",
        )
    return value == b"force"


def fingerprint(body: bytes, *meaning: str) -> bytes:
    """What tells requests apart that use one key: 32 bytes.

    `meaning` is all besides the body that changes what is asked, always in one order.
    """
    digest = _digest(*meaning)
    digest.update(body)
    return digest.digest()


def kept(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Kept:
    """The answer without what belongs to one moment; its request id becomes the original's."""
    told: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        if name in _TOLD_AGAIN or name.startswith(_OURS):
            told.append((name, value))
        elif name == b"x-request-id":
            told.append((b"x-tokenhub-original-request-id", value))
    return Kept(status=status, headers=tuple(told), body=body)


def replayed(answer: Kept, request_id: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of the repeat; all headers but the content's length."""
    headers = [
        *answer.headers,
        (b"idempotency-replay", b"true"),
        (b"x-request-id", request_id.encode("ascii", "replace")),
    ]
    return answer.status, headers, answer.body


def ending(status: int, attempts: Sequence[Attempt]) -> State | None:
    """What becomes of a claim whose request was told `status`; None to let go of it.

    A provider that may have been paid for what nobody got is not asked again by itself. A request
    that no provider could be sent was looked at by nobody: another route may carry it tomorrow.
    """
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110
        return "done"
    if spent(attempts):
        return "unknown"
    seen = any(attempt.kind != Kind.UNSUPPORTED for attempt in attempts)
    return "done" if seen and status in _FINAL else None


def spent(attempts: Sequence[Attempt]) -> bool:
    """Whether any of them is charged, or may be."""
    return any(attempt.state != "voided" for attempt in attempts)


def _key(value: bytes) -> str:
    if value.startswith(b'"'):
        quoted = _QUOTED.fullmatch(value)
        if quoted is None:
            raise _invalid("its quotes do not close, or hold what RFC 9651 does not allow")
        value = _ESCAPED.sub(rb"\1", quoted[1])
    if len(value) > _MAX_CHARS or not _PRINTABLE.fullmatch(value):
        raise _invalid(f"send 1 to {_MAX_CHARS} printable ASCII characters")
    return value.decode("ascii")


def _invalid(what: str) -> BadRequest:
    return BadRequest(
        f"the {HEADER} is not valid: {what}", code="invalid_idempotency_key", field=HEADER
    )


def _digest(*parts: str) -> "hashlib._Hash":
    """Each part with its length, so that no two lists of parts read the same."""
    digest = hashlib.sha256()
    for part in parts:
        text = part.encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "big"))
        digest.update(text)
    return digest
