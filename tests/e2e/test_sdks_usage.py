"""Tokens as each official SDK counts them, whichever vendor's provider told them.

OpenAI's prompt tokens include those that were read from a cache or written to one, Anthropic's
input tokens exclude them; reasoning is a part of what was generated at both.
"""

import msgspec
import pytest

from tests.e2e import test_sdks as sdks
from tests.e2e.test_sdks import BUDGET, HELLO, THINK
from tokenhub.sim.answer import Spent
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

upstream, gpt, claude = sdks.upstream, sdks.gpt, sdks.claude

STREAMED = pytest.mark.parametrize("streamed", [False, True])
TOTAL, CACHED, WRITTEN, ANSWERED, REASONED = 100, 30, 20, 10, 4
SPENT = Spent(TOTAL, ANSWERED, REASONED, CACHED, WRITTEN)
# What the simulation does not count as its vendor does today: tokens written to a cache at
# OpenAI, tokens of thinking at Anthropic. Here a provider tells them all.
OPENAI = {
    "prompt_tokens": TOTAL,
    "completion_tokens": ANSWERED,
    "total_tokens": TOTAL + ANSWERED,
    "prompt_tokens_details": {"cached_tokens": CACHED, "cache_write_tokens": WRITTEN},
    "completion_tokens_details": {"reasoning_tokens": REASONED},
}
ANTHROPIC = {
    "input_tokens": TOTAL - CACHED - WRITTEN,
    "cache_read_input_tokens": CACHED,
    "cache_creation_input_tokens": WRITTEN,
    "output_tokens": ANSWERED,
    "output_tokens_details": {"thinking_tokens": REASONED},
}
# The least that either vendor caches (prompt caching guides), and a prompt that is longer.
LEAST = 1_024
LONG = "word " * 1_100


@STREAMED
async def test_openai_counts_what_a_provider_of_each_type_spent(gpt, upstream, streamed):
    upstream.say("Hello", spent=SPENT)

    usage = await _told_openai(gpt, streamed)

    assert (TOTAL, ANSWERED, TOTAL + ANSWERED) == (
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.total_tokens,
    )
    assert CACHED == usage.prompt_tokens_details.cached_tokens
    if "anthropic" == upstream.profile.dialect:
        assert WRITTEN == usage.prompt_tokens_details.cache_write_tokens
    else:
        assert REASONED == usage.completion_tokens_details.reasoning_tokens


@STREAMED
async def test_anthropic_counts_what_a_provider_of_each_type_spent(claude, upstream, streamed):
    upstream.say("Hello", spent=SPENT)

    usage = await _told_anthropic(claude, streamed)

    assert (CACHED, ANSWERED) == (usage.cache_read_input_tokens, usage.output_tokens)
    if "anthropic" == upstream.profile.dialect:
        assert WRITTEN == usage.cache_creation_input_tokens
        assert TOTAL - CACHED - WRITTEN == usage.input_tokens
    else:
        assert TOTAL - CACHED == usage.input_tokens
        assert REASONED == usage.output_tokens_details.thinking_tokens


@STREAMED
async def test_openai_counts_every_kind_of_token(gpt, upstream, streamed):
    upstream.next(_counted(upstream.profile.dialect, streamed=streamed))

    usage = await _told_openai(gpt, streamed)

    assert OPENAI == usage.to_dict()


@STREAMED
async def test_anthropic_counts_every_kind_of_token(claude, upstream, streamed):
    upstream.next(_counted(upstream.profile.dialect, streamed=streamed))

    usage = await _told_anthropic(claude, streamed)

    assert ANTHROPIC == usage.to_dict()


@STREAMED
async def test_the_log_has_the_tokens_of_both(gpt, claude, hub, upstream, streamed):
    upstream.next(*[_counted(upstream.profile.dialect, streamed=streamed)] * 2)

    await _told_openai(gpt, streamed)
    await _told_anthropic(claude, streamed)

    rows = await hub.logs()
    assert [(TOTAL, ANSWERED, False)] * 2 == [
        (row["input_tokens"], row["output_tokens"], row["estimated"]) for row in rows
    ]


@STREAMED
async def test_anthropic_reads_a_prompt_that_came_before_from_the_cache(claude, upstream, streamed):
    """At its own vendor because the caller marked it, at the others by itself."""
    marked = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}

    first = await _told_anthropic(claude, streamed, system=[marked])
    second = await _told_anthropic(claude, streamed, system=[marked])

    assert not first.cache_read_input_tokens
    assert LEAST <= second.cache_read_input_tokens
    assert _prompt(first) == _prompt(second)
    if "anthropic" == upstream.profile.dialect:
        assert first.cache_creation_input_tokens == second.cache_read_input_tokens
        assert 0 == second.cache_creation_input_tokens


@pytest.mark.parametrize("upstream", ["openai", "vllm"], indirect=True)
@STREAMED
async def test_openai_reads_a_prompt_that_came_before_from_the_cache(gpt, upstream, streamed):
    messages = [{"role": "system", "content": LONG}, *HELLO]

    first = await _told_openai(gpt, streamed, messages=messages)
    second = await _told_openai(gpt, streamed, messages=messages)

    assert 0 == first.prompt_tokens_details.cached_tokens
    assert LEAST <= second.prompt_tokens_details.cached_tokens < second.prompt_tokens
    assert first.prompt_tokens == second.prompt_tokens


@pytest.mark.parametrize("upstream", ["openai"], indirect=True)
@STREAMED
async def test_reasoning_that_is_not_shown_is_counted(gpt, claude, streamed):
    ours = await _told_openai(gpt, streamed, messages=THINK, reasoning_effort="low")
    theirs = await _told_anthropic(claude, streamed, messages=THINK, thinking=BUDGET)

    assert 0 < ours.completion_tokens_details.reasoning_tokens < ours.completion_tokens
    assert 0 < theirs.output_tokens_details.thinking_tokens < theirs.output_tokens


async def _told_openai(client, streamed, **request):
    asked = {"model": "gpt", "messages": HELLO, **request}
    if not streamed:
        return (await client.chat.completions.create(**asked)).usage
    asked |= {"stream_options": {"include_usage": True}}
    async with client.chat.completions.stream(**asked) as stream:
        return (await stream.get_final_completion()).usage


async def _told_anthropic(client, streamed, **request):
    return (await sdks._messaged(client, streamed, **{"messages": HELLO, **request})).usage


def _prompt(usage):
    """Every token of the prompt, as OpenAI counts."""
    read, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    return usage.input_tokens + (read or 0) + (written or 0)


def _counted(kind, *, streamed):
    """An answer that counts tokens of every kind, in the format of this type of provider."""
    write = _anthropic if kind == "anthropic" else _openai
    content_type = "text/event-stream" if streamed else "application/json"
    return Fault.body(write(streamed=streamed), status=200, content_type=content_type)


def _openai(*, streamed):
    about = {"id": "chatcmpl-1", "created": 1, "model": "gpt"}
    message = {"role": "assistant", "content": "Hello"}
    if not streamed:
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole = {**about, "object": "chat.completion", "choices": [choice], "usage": OPENAI}
        return msgspec.json.encode(whole)
    about["object"] = "chat.completion.chunk"
    said = {"index": 0, "delta": message, "finish_reason": None}
    ended = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks = [{"choices": [said]}, {"choices": [ended]}, {"choices": [], "usage": OPENAI}]
    events = [msgspec.json.encode(about | {"usage": None} | chunk) for chunk in chunks]
    return b"".join(b"data: %b\n\n" % event for event in (*events, b"[DONE]"))


def _anthropic(*, streamed):
    about = {"id": "msg_1", "type": "message", "role": "assistant", "model": "gpt"}
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    text = {"type": "text", "text": "Hello"}
    if not streamed:
        return msgspec.json.encode({**about, **stop, "content": [text], "usage": ANTHROPIC})
    # The vendor counts the prompt in the first event, and what was generated in the last.
    later = {"output_tokens", "output_tokens_details"}
    begun = {name: count for name, count in ANTHROPIC.items() if name not in later}
    message = {**about, "content": [], "stop_reason": None, "usage": begun | {"output_tokens": 1}}
    events = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": text | {"text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": text | {"type": "text_delta"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": stop,
            "usage": {name: ANTHROPIC[name] for name in sorted(later)},
        },
        {"type": "message_stop"},
    ]
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), msgspec.json.encode(event))
        for event in events
    )
