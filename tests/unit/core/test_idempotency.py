"""Keys as callers write them, fingerprints, and which ending each request comes to."""

import hypothesis.strategies as st
import pytest
from hypothesis import given
from msgspec.structs import replace

from tokenhub.core.errors import BadRequest
from tokenhub.core.idempotency import (
    Scope,
    ending,
    fingerprint,
    forced,
    kept,
    key_of,
    replayed,
)
from tokenhub.core.outcome import Attempt


def attempt(state: str) -> Attempt:
    return Attempt(number=1, provider_id="openai", model_id="gpt", state=state)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ([], ""),
        ([b"order 7"], "order 7"),
        ([b' "order 7"\t'], "order 7"),
        ([rb'"a\"b\\c"'], r'a"b\c'),
        ([b'a"b'], 'a"b'),
        ([b"x" * 255], "x" * 255),
        ([b"same", b'"same"'], "same"),
    ],
)
def test_key_is_read_with_and_without_quotes(values: list[bytes], key: str) -> None:
    assert key == key_of(values)


@pytest.mark.parametrize(
    "values",
    [
        [b""],
        [b'""'],
        [b"x" * 256],
        [b"tab\there"],
        ["größe".encode()],
        [b'"open'],
        [b'"a"b"'],
        [rb'"a\b"'],
        [b'"a";b=1'],
        [b'"'],
        [b"one", b"two"],
    ],
)
def test_what_is_no_key_is_refused(values: list[bytes]) -> None:
    with pytest.raises(BadRequest) as refused:
        key_of(values)

    assert ("invalid_idempotency_key", "Idempotency-Key") == (
        refused.value.code,
        refused.value.field,
    )


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255))
def test_quoted_key_of_any_text_is_that_text(text: str) -> None:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    assert text == key_of([quoted.encode()])


def test_only_force_forces() -> None:
    with pytest.raises(BadRequest, match="force") as refused:
        forced(b"yes")

    assert "invalid_idempotency_retry" == refused.value.code
    assert forced(b"force")
    assert not forced(b"")


def test_fingerprint_changes_with_the_body_and_with_each_meaning() -> None:
    asked = [
        fingerprint(b"{}", "any", ""),
        fingerprint(b"{ }", "any", ""),
        fingerprint(b"{}", "never", ""),
        fingerprint(b"{}", "any", "beta"),
        fingerprint(b"{}", "", "any"),
        fingerprint(b"{}", "any"),
    ]

    assert len(asked) == len(set(asked))
    assert asked[0] == fingerprint(b"{}", "any", "")
    assert 32 == len(asked[0])


def test_scopes_that_read_alike_are_apart() -> None:
    one = Scope(key_id="k1", method="POST", route="/v1/chat", key="a")
    others = [
        Scope(key_id="k2", method="POST", route="/v1/chat", key="a"),
        Scope(key_id="k1", method="POST", route="/v1/chat/completions", key="a"),
        Scope(key_id="k1P", method="OST", route="/v1/chat", key="a"),
        Scope(key_id="k1", method="POST", route="/v1/chata", key=""),
    ]

    assert one.digest not in {other.digest for other in others}


@pytest.mark.parametrize(
    ("status", "states", "state"),
    [
        (200, ["settled"], "done"),
        (200, ["unknown", "settled"], "done"),
        (400, ["voided"], "done"),
        (404, ["voided"], "done"),
        (413, ["voided"], "done"),
        (422, ["voided"], "done"),
        (400, [], None),
        (401, [], None),
        (403, ["voided"], None),
        (429, ["voided"], None),
        (502, ["voided", "voided"], None),
        (503, [], None),
        (504, ["voided", "unknown"], "unknown"),
        (400, ["unknown", "voided"], "unknown"),
        (503, ["settled"], "unknown"),
        (429, ["unknown"], "unknown"),
    ],
)
def test_ending_follows_from_the_status_and_what_was_spent(
    status: int, states: list[str], state: str | None
) -> None:
    assert state == ending(status, [attempt(one) for one in states])


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        (["unsupported"], None),
        (["unsupported", "unsupported"], None),
        (["unsupported", "client"], "done"),
        (["context"], "done"),
    ],
)
def test_error_is_kept_only_where_a_provider_has_looked(
    kinds: list[str], state: str | None
) -> None:
    attempts = [replace(attempt("voided"), kind=kind) for kind in kinds]

    assert state == ending(400, attempts)


def test_kept_headers_leave_out_what_belongs_to_one_moment() -> None:
    answer = kept(
        200,
        [
            (b"content-type", b"application/json"),
            (b"date", b"today"),
            (b"set-cookie", b"a=b"),
            (b"x-ratelimit-remaining-requests", b"3"),
            (b"x-negotiated-model", b"gpt"),
            (b"x-tokenhub-model", b"gpt"),
            (b"x-request-id", b"req_1"),
        ],
        b"{}",
    )

    status, headers, body = replayed(answer, "req_2")

    assert (200, b"{}") == (status, body)
    assert [
        (b"content-type", b"application/json"),
        (b"x-negotiated-model", b"gpt"),
        (b"x-tokenhub-model", b"gpt"),
        (b"x-tokenhub-original-request-id", b"req_1"),
        (b"idempotency-replay", b"true"),
        (b"x-request-id", b"req_2"),
    ] == headers
