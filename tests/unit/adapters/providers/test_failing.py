"""What a provider says of its failure: what may be handed on, and what is left out."""

import pytest

from tokenhub.adapters.providers.failing import hushed, told, understood
from tokenhub.core.errors import BadRequest
from tokenhub.core.failures import Kind
from tokenhub.dialects.told import Told, ToldError
from tokenhub.dialects.translation import Unsayable
from tokenhub.ports.provider import UpstreamError

PROMPT = "Hello, this is what the caller sent. " * 300


@pytest.mark.parametrize(
    ("code", "handed_on"),
    [
        ("context_length_exceeded", "context_length_exceeded"),
        ("a.b-c_1", "a.b-c_1"),
        (400, "400"),
        ("x" * 64, "x" * 64),
        ("x" * 65, ""),
        (PROMPT, ""),
        ("two words", ""),
        ("caf\u00e9", ""),
        ("line\n", ""),
        (None, ""),
        ("", ""),
    ],
)
def test_code_is_a_word_or_nothing(code: str | int | None, handed_on: str) -> None:
    assert handed_on == told(Told(code=code), 400, retry_after_s=None).code


@pytest.mark.parametrize(
    ("field", "handed_on"),
    [
        ("messages[0].content", "messages[0].content"),
        ("x" * 200, "x" * 200),
        ("x" * 201, ""),
        ("two\nlines", ""),
        (None, ""),
    ],
)
def test_field_is_short_and_printable_or_nothing(field: str | None, handed_on: str) -> None:
    assert handed_on == told(Told(param=field), 400, retry_after_s=None).field


def test_message_is_cut() -> None:
    assert 500 == len(told(Told(message=PROMPT), 400, retry_after_s=None).message)


def test_code_that_is_not_handed_on_classes_the_failure_all_the_same() -> None:
    error = told(Told(code="sorry: insufficient_quota"), 429, retry_after_s=None)

    assert (Kind.EXHAUSTED, "") == (error.kind, error.code)


@pytest.mark.parametrize(
    ("error", "code", "field"),
    [
        (Unsayable("no sound", field="messages[0]"), "unsupported_content", "messages[0]"),
        (BadRequest("no", code="invalid_type", field="tools"), "invalid_type", "tools"),
        (BadRequest("no"), "invalid_request", ""),
    ],
)
def test_what_cannot_be_translated_is_told_in_our_words(
    error: Exception, code: str, field: str
) -> None:
    failed = understood(error)

    assert (Kind.UNSUPPORTED, 400) == (failed.kind, failed.status)
    assert (str(error), code, field) == (failed.message, failed.code, failed.field)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("overloaded_error", Kind.OVERLOADED),
        ("rate_limit_error", Kind.THROTTLED),
        ("invalid_request_error", Kind.CLIENT),
    ],
)
def test_error_under_a_200_keeps_its_class(word: str, kind: Kind) -> None:
    assert kind is understood(ToldError(Told(type=word)), status=200).kind


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_our_key_is_taken_out_of_words_that_may_be_passed_on(status: int) -> None:
    words = "model gpt is not there for Bearer abc.def and sk-proj-0123456789abcdef"

    failed = told(Told(message=words), status, retry_after_s=None)

    assert "model gpt is not there for Bearer [hidden] and [hidden]" == failed.message


@pytest.mark.parametrize("word", ["code", "param"])
def test_a_key_in_any_of_its_words_is_not_passed_on(word: str) -> None:
    failed = told(Told(**{word: "sk-proj-0123456789abcdef"}), 400, retry_after_s=None)

    assert "0123456789" not in failed.message + failed.code + failed.field


KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


@pytest.mark.parametrize("words", [f"not with {KEY}!", "x" * 490 + KEY, KEY, f"{KEY} {KEY}"])
def test_our_key_is_taken_out_by_its_value_wherever_it_is_cut(words: str) -> None:
    failed = told(Told(message=words, code=KEY, param=KEY), 400, retry_after_s=None)

    said = hushed(failed, KEY.encode)

    assert KEY[:4] not in said.message + said.code + said.field
    assert "[hidden]" in said.message


@pytest.mark.parametrize("key", [b"", b"EMPTY", b"another key of ours"])
def test_words_without_it_stay_as_they_are(key: bytes) -> None:
    failed = told(Told(message="EMPTY is no model", code="a", param="b"), 400, retry_after_s=None)

    said = hushed(failed, lambda: key or None)

    assert ("EMPTY is no model", "a", "b") == (said.message, said.code, said.field)


def test_without_the_key_at_hand_nothing_is_passed_on() -> None:
    def away() -> bytes | None:
        raise UpstreamError(Kind.OVERLOADED)

    failed = told(Told(message=KEY, code="a", param="b"), 400, retry_after_s=None)

    said = hushed(failed, away)

    assert (Kind.CLIENT, "", "", "") == (said.kind, said.message, said.code, said.field)
