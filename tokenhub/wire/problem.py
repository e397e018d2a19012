"""The one error body of the admin API: RFC 9457, with what the original's scripts read."""

import msgspec


class FieldProblem(msgspec.Struct, kw_only=True):
    pointer: str
    message: str


class Reason(msgspec.Struct, kw_only=True):
    """Why, as the vendors' formats have it."""

    message: str
    code: str | None = None


class Refusal(msgspec.Struct, kw_only=True):
    """The error body of the routes under /v1, in either vendor's format."""

    error: Reason
    request_id: str = ""


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`error` repeats `detail`, for scripts written against the original's `{"error": "..."}`."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    error: str
    request_id: str = ""
    instance: str = ""
    errors: list[FieldProblem] = []
