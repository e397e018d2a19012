import json

import pytest

from tokenhub.core import errors
from tokenhub.core.buckets import Allowance
from tokenhub.core.eligibility import Skip
from tokenhub.core.outcome import Attempt
from tokenhub.web.errors import dialect_of, render, status_of

ATTEMPT = Attempt(
    number=1,
    provider_id="p",
    model_id="m",
    state="voided",
    kind="overloaded",
    status=503,
    latency_s=0.25,
)


def rendered(error, dialect):
    status, headers, body = render(error, dialect=dialect, request_id="req_1")
    return status, dict(headers), json.loads(body)


@pytest.mark.parametrize(
    ("status", "openai", "anthropic", "error"),
    [
        (400, "invalid_request_error", "invalid_request_error", errors.BadRequest("x")),
        (401, "authentication_error", "authentication_error", errors.Unauthenticated("x")),
        (403, "permission_error", "permission_error", errors.OutOfScope("x")),
        (404, "invalid_request_error", "not_found_error", errors.NotFound("x")),
        (
            405,
            "invalid_request_error",
            "invalid_request_error",
            errors.MethodNotAllowed("x", allow=["GET"]),
        ),
        (409, "conflict_error", "conflict_error", errors.Conflict("x")),
        (412, "conflict_error", "conflict_error", errors.Stale("x")),
        (413, "invalid_request_error", "request_too_large", errors.TooLarge("x")),
        (415, "invalid_request_error", "invalid_request_error", errors.UnsupportedMediaType("x")),
        (429, "rate_limit_error", "rate_limit_error", errors.RateLimited("x", retry_after_s=0.1)),
        (500, "server_error", "api_error", errors.TokenHubError("x")),
        (502, "server_error", "api_error", errors.ProviderFailed("x")),
        (503, "server_error", "overloaded_error", errors.NoEligibleModel("x")),
        (503, "server_error", "overloaded_error", errors.Unavailable("x")),
        (504, "server_error", "timeout_error", errors.DeadlineExceeded("x")),
        (
            422,
            "invalid_request_error",
            "invalid_request_error",
            errors.ProviderRefused("x", status=422),
        ),
    ],
)
def test_every_class_has_its_status_and_type_in_each_dialect(status, openai, anthropic, error):
    for dialect, kind in (("openai", openai), ("anthropic", anthropic)):
        found, headers, body = rendered(error, dialect)

        assert (status, kind) == (found, body["error"]["type"])
        assert ("x", error.code) == (body["error"]["message"], body["error"]["code"])
        assert b"application/json" == headers[b"content-type"]
        assert b"req_1" == headers[b"x-request-id"]


def test_every_class_of_the_tree_is_in_the_table():
    tree = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    ours = [kind for kind in tree if issubclass(kind, errors.TokenHubError)]

    for kind in ours:
        found = status_of(kind.__new__(kind)) if kind is not errors.ProviderRefused else 400
        assert kind is errors.TokenHubError or 500 != found


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "upstream_throttled"),
        (503, "upstream_overloaded"),
        (504, "upstream_timeout"),
        (400, "context_length_exceeded"),
        (502, "upstream_credential"),
        (502, "upstream_unreachable"),
        (502, "upstream_invalid_response"),
        (502, "upstream_lost"),
    ],
)
def test_a_failed_provider_has_the_status_of_its_class(status, code):
    assert status == status_of(errors.ProviderFailed("x", code=code))


@pytest.mark.parametrize(("status", "theirs"), [(404, 404), (502, 401), (502, 403), (502, 500)])
def test_a_providers_refusal_of_our_key_never_looks_like_the_callers(status, theirs):
    assert status == status_of(errors.ProviderRefused("x", status=theirs))


def test_a_problem_repeats_its_detail_and_points_at_the_field():
    status, headers, body = rendered(
        errors.BadRequest("no URL", code="invalid_type", field="endpoints[1]"), "problem"
    )

    assert 400 == status
    assert b"application/problem+json" == headers[b"content-type"]
    assert {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "no URL",
        "error": "no URL",
        "code": "invalid_type",
        "request_id": "req_1",
        "errors": [{"pointer": "#/endpoints/1", "message": "no URL"}],
    } == body


def test_the_field_is_the_param_of_openai():
    _, _, body = rendered(errors.BadRequest("x", field="messages"), "openai")

    assert "messages" == body["error"]["param"]


def test_anthropic_bodies_carry_the_request_id():
    _, _, body = rendered(errors.NotFound("x"), "anthropic")

    assert ("error", "req_1") == (body["type"], body["request_id"])


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "problem"])
def test_attempts_are_told_beside_the_message(dialect):
    _, _, body = rendered(errors.ProviderFailed("x", attempts=[ATTEMPT]), dialect)

    told = body if dialect == "problem" else body["error"]
    assert [
        {"provider": "p", "model": "m", "class": "overloaded", "status": 503, "ms": 250.0}
    ] == told["attempts"]


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "problem"])
def test_skipped_routes_are_told_beside_the_message(dialect):
    _, _, body = rendered(
        errors.NoEligibleModel("x", skipped=[Skip("p/m", "budget_exceeded", 5, 3)]), dialect
    )

    told = body if dialect == "problem" else body["error"]
    assert [{"route": "p/m", "reason": "budget_exceeded"}] == told["skipped"]


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "problem"])
def test_an_unknown_exception_tells_nothing_of_itself(dialect):
    status, _, body = render(ValueError("sk-secret"), dialect=dialect, request_id="req_1")

    assert 500 == status
    assert b"sk-secret" not in body
    assert b"internal_error" in body


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        (b"www-authenticate", b"Bearer", errors.Unauthenticated("x")),
        (b"allow", b"GET, POST", errors.MethodNotAllowed("x", allow=["GET", "POST"])),
        (b"retry-after", b"4", errors.RateLimited("x", retry_after_s=3.2)),
        (b"retry-after", b"1", errors.RateLimited("x", retry_after_s=0.0)),
        (b"retry-after", b"7", errors.ProviderFailed("x", retry_after_s=7.0)),
    ],
)
def test_headers_say_what_to_do_next(name, value, error):
    _, headers, _ = rendered(error, "openai")

    assert value == headers[name]


def test_no_retry_is_advised_where_nobody_knows_when():
    _, headers, _ = rendered(errors.ProviderFailed("x"), "openai")

    assert b"retry-after" not in headers


def test_half_characters_and_endless_messages_are_rendered():
    status, _, body = rendered(
        errors.BadRequest("\ud800" + "x" * 99_999, field="\ud800"), "problem"
    )

    assert 400 == status
    assert 2000 == len(body["detail"])


@pytest.mark.parametrize(
    ("dialect", "path"),
    [
        ("openai", "/v1/chat/completions"),
        ("openai", "/v1"),
        ("openai", "//v1//nothing"),
        ("anthropic", "/v1/messages"),
        ("anthropic", "/v1/messages/count_tokens"),
        ("openai", "/v1/messagesx"),
        ("problem", "/admin/v1/messages"),
        ("problem", "/v1x"),
        ("problem", "/"),
        ("problem", ""),
    ],
)
def test_the_path_decides_the_dialect(dialect, path):
    assert dialect == dialect_of(path)


@pytest.mark.parametrize(
    ("dialect", "told"),
    [
        (
            "openai",
            {
                b"x-ratelimit-limit-requests": b"3",
                b"x-ratelimit-remaining-requests": b"0",
                b"x-ratelimit-reset-requests": b"1.5s",
            },
        ),
        (
            "anthropic",
            {
                b"anthropic-ratelimit-requests-limit": b"3",
                b"anthropic-ratelimit-requests-remaining": b"0",
                b"anthropic-ratelimit-requests-reset": b"2023-11-14T22:13:22Z",
            },
        ),
        (
            "problem",
            {
                b"x-ratelimit-limit-requests": b"3",
                b"x-ratelimit-remaining-requests": b"0",
                b"x-ratelimit-reset-requests": b"1.5s",
            },
        ),
    ],
)
def test_a_rate_tells_what_is_left_in_the_words_of_the_dialect(dialect, told):
    left = Allowance(allowed=False, limit=3, retry_after_s=0.5, reset_s=1.5)
    error = errors.RateLimited("x", retry_after_s=0.5, allowance=left, at=1_700_000_000.0)

    _, headers, _ = rendered(error, dialect)

    assert told == {name: value for name, value in headers.items() if b"ratelimit" in name}
    assert b"1" == headers[b"retry-after"]


@pytest.mark.parametrize(
    ("dialect", "name"),
    [
        ("openai", "x-ratelimit-{}-{}"),
        ("problem", "x-ratelimit-{}-{}"),
        ("anthropic", "anthropic-ratelimit-{1}-{0}"),
    ],
)
def test_both_limits_are_told_in_the_words_of_the_dialect(dialect, name):
    error = errors.RateLimited(
        "x",
        retry_after_s=3.0,
        allowance=Allowance(limit=120, remaining=7, reset_s=2.0),
        tokens=Allowance(allowed=False, limit=9000, remaining=400, reset_s=57.0),
        at=1_750_000_000.0,
    )

    _, headers, _ = rendered(error, dialect)

    said = {
        (of, what): headers[name.format(of, what).encode()]
        for of in ("limit", "remaining")
        for what in ("requests", "tokens")
    }
    assert {
        ("limit", "requests"): b"120",
        ("remaining", "requests"): b"7",
        ("limit", "tokens"): b"9000",
        ("remaining", "tokens"): b"400",
    } == said
    resets = [headers[name.format("reset", what).encode()] for what in ("requests", "tokens")]
    as_time = [b"2025-06-15T15:06:42Z", b"2025-06-15T15:07:37Z"]
    assert (as_time if dialect == "anthropic" else [b"2s", b"57s"]) == resets


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_where_waiting_is_no_help_the_sdks_are_told_not_to(dialect):
    status, headers, _ = rendered(errors.RateLimited("x", retry_after_s=None), dialect)

    assert (429, b"false") == (status, headers[b"x-should-retry"])
    assert b"retry-after" not in headers
