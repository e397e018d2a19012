"""Money is held for all of a body, wherever in it the prompt is said."""

import json

import pytest

from tests.support.builders import a_model
from tokenhub.core.budget import PROMPT_FACTOR, prompt_tokens
from tokenhub.dialects.anthropic.ask import to_ask as from_messages
from tokenhub.dialects.openai.ask import to_ask

BIG = "x y " * 10_000
HELLO = {"role": "user", "content": "Hello"}


def body(**fields):
    return json.dumps({"model": "m", "messages": [HELLO], "max_tokens": 9} | fields).encode()


@pytest.mark.parametrize(
    "fields",
    [
        {"functions": [{"name": "a", "description": BIG}]},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"d": BIG}}}},
        {"documents": [{"type": "image", "source": BIG}]},
        {"messages": [HELLO | {"name": BIG}]},
        {"messages": [HELLO, {"role": "assistant", "reasoning_content": BIG}]},
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"d": BIG}}]}]},
        {"prompt_token_ids": [1] * 10_000},
    ],
)
def test_what_the_estimate_does_not_see_is_told(fields):
    assert to_ask(body(**fields)).most_tokens >= 10_000


def test_a_file_at_anthropics_route_is_told():
    source = {"type": "base64", "media_type": "application/pdf", "data": "A" * 40_000}
    told = [{"role": "user", "content": [{"type": "document", "source": source}]}]

    assert from_messages(body(messages=told)).most_tokens >= 10_000


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 40_000}},
        {"type": "text", "text": BIG},
    ],
)
def test_pictures_and_texts_are_not_counted_by_their_bytes(part):
    ask = to_ask(body(messages=[{"role": "user", "content": [part]}]))

    assert ask.most_tokens <= ask.input_tokens + 50


def test_no_more_is_held_for_than_the_model_can_read():
    model = a_model(max_context_tokens=1_000)

    assert 1_000 == PROMPT_FACTOR * prompt_tokens(model, 10, 10_000)
    assert 10_000 == prompt_tokens(a_model(max_context_tokens=0), 10, 10_000)
    assert 2_000 == prompt_tokens(model, 2_000, 0)
