"""What both vendors can say survives the way to the other's format and back."""

from hypothesis import given, settings
from msgspec.structs import replace

from tests.support.talks import merged, saids, streams, talks
from tests.unit.dialects.anthropic.said import normal
from tokenhub.core.talk import Call, Delta, Image, Result, Said, Talk, Text, Turn
from tokenhub.dialects.anthropic import answer as anthropic_answer
from tokenhub.dialects.anthropic import request as anthropic_request
from tokenhub.dialects.anthropic import stream as anthropic_stream
from tokenhub.dialects.openai import answer as openai_answer
from tokenhub.dialects.openai import request as openai_request
from tokenhub.dialects.openai import stream as openai_stream

MODEL = "claude-new"


def has_blanks(said: Talk) -> bool:
    parts = [part for turn in said.turns for part in turn.parts]
    parts += [part for whole in parts if isinstance(whole, Result) for part in whole.parts]
    texts = [part.text for part in parts if isinstance(part, Text)]
    return not all(text.strip() for text in (*texts, *said.stop))


def told(said: Talk) -> Talk:
    """The talk as both can have it: one of temperature and top_p, and calls only with tools."""
    top_p = None if said.temperature is not None else said.top_p
    return normal(replace(said, top_p=top_p, unread=()))


SAYABLE = talks(thinking=True).filter(lambda said: bool(said.tools) and not has_blanks(said))


def by_openai(said: Talk) -> Talk:
    return openai_request.read(openai_request.write(said, model="m").body)


def by_anthropic(said: Talk) -> Talk:
    body = anthropic_request.write(said, model=MODEL, max_tokens=4096).body
    return anthropic_request.read(body)


@settings(max_examples=50)
@given(SAYABLE)
def test_a_request_from_openai_survives_anthropic(said: Talk) -> None:
    sent = by_openai(told(said))

    got = by_openai(by_anthropic(sent))

    assert told(sent) == told(got)


@settings(max_examples=50)
@given(SAYABLE)
def test_a_request_from_anthropic_survives_openai(said: Talk) -> None:
    sent = by_anthropic(told(said))

    got = by_anthropic(by_openai(sent))

    assert told(sent) == told(got)


@settings(max_examples=50)
@given(saids(thinking=True))
def test_an_answer_survives_both_ways(said: Said) -> None:
    by_way_of_openai = openai_answer.read(openai_answer.write(said, created=1))
    back = anthropic_answer.read(anthropic_answer.write(by_way_of_openai))
    by_way_of_anthropic = anthropic_answer.read(anthropic_answer.write(said))
    forth = openai_answer.read(openai_answer.write(by_way_of_anthropic, created=1))

    assert said == back
    assert said == forth


def openai_bytes(deltas: list[Delta]) -> bytes:
    writer = openai_stream.Writer(show_usage=True, created=1)
    return writer.write(deltas) + writer.terminal


def anthropic_bytes(deltas: list[Delta]) -> bytes:
    writer = anthropic_stream.Writer()
    return writer.write(deltas) + writer.terminal


@settings(max_examples=50)
@given(streams(thinking=True))
def test_a_stream_survives_both_ways(deltas: list[Delta]) -> None:
    back = anthropic_stream.Reader().feed(
        anthropic_bytes(openai_stream.Reader().feed(openai_bytes(deltas)))
    )
    forth = openai_stream.Reader().feed(
        openai_bytes(anthropic_stream.Reader().feed(anthropic_bytes(deltas)))
    )

    assert merged(deltas)[1:] == merged(back)[1:]
    assert merged(deltas)[1:] == merged(forth)[1:]


def test_what_the_other_format_has_no_word_for_is_named() -> None:
    """A failed result on the way to OpenAI, the wish for a resolution on the way to Anthropic."""
    failed = Result(id="c", parts=(Text(text="no"),), error=True)
    called = Turn(role="assistant", parts=(Call(id="c", name="f", arguments="{}"),))
    picture = Image(url="https://example.com/a.png", detail="high")

    to_openai = openai_request.write(
        Talk(turns=(called, Turn(role="user", parts=(failed,)))), model="m"
    )
    to_anthropic = anthropic_request.write(
        Talk(turns=(Turn(role="user", parts=(picture,)),)), model="m", max_tokens=9
    )

    assert ("messages.content.is_error",) == to_openai.dropped
    assert ("messages.content.image_url.detail",) == to_anthropic.dropped
