"""The kind of work, from the words of a request."""

import json

import pytest

from tokenhub.core.tasks import LONG_FROM_TOKENS, TASKS, task_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, who are you?", "chat"),
        ("Write a Python function that reverses a list", "code"),
        ("```\nint main() {}\n```\nwhat is wrong here?", "code"),
        ("Solve 3x + 5 = 20", "maths"),
        ("If I have 12 apples and eat 5, how many are left?", "maths"),
        ("Which is a fruit?\n(A) stone\n(B) plum", "choice"),
        ("Which is a fruit?\nA. stone\nB. plum", "choice"),
        ("Extract all dates from this letter: ...", "extraction"),
        ("Please summarise the following text", "extraction"),
    ],
)
def test_words_tell_the_kind(text: str, expected: str) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()

    assert expected == task_of(body, input_tokens=20)
    assert expected in TASKS


def test_a_long_prompt_is_a_kind_of_its_own() -> None:
    assert "long_context" == task_of(b"def f():", input_tokens=LONG_FROM_TOKENS)


def test_only_the_ends_of_a_prompt_are_read() -> None:
    """However long the body is, the request waits for a few kilobytes of it."""
    body = b"x" * 50_000 + b"```" + b"x" * 50_000

    assert "chat" == task_of(body, input_tokens=10)
