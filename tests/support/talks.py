"""Talks, answers and streams that both vendors can say, for laws of translation.

Left out is what one of them has no words for: an image's detail, a failed result, a temperature
above 1, reasoning without a signature, an answer that was filtered.
"""

import base64
import string
from collections.abc import Iterable
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import Raw

from tokenhub.core.outcome import Usage
from tokenhub.core.talk import (
    Began,
    Call,
    CallBegan,
    CallPiece,
    Choice,
    Delta,
    Document,
    Ended,
    Finish,
    Image,
    Part,
    RefusalPiece,
    Result,
    Said,
    Sealed,
    SealedPiece,
    SignaturePiece,
    Talk,
    Text,
    TextPiece,
    Thinking,
    ThinkingPiece,
    Tool,
    Turn,
)

_SAFE = string.ascii_letters + string.digits + "_-"
# What could be taken for the frame around it.
_TRICKY = ["data: [DONE]\n\n", '"choices":[', "\r\n\r\n", "日本語 🙂", '{"error":{}}', "\\u0000\\"]

words = st.text(min_size=1, max_size=12).filter(str.strip) | st.sampled_from(_TRICKY)
names = st.text(_SAFE, min_size=1, max_size=12)
base64s = st.binary(min_size=1, max_size=12).map(lambda data: base64.b64encode(data).decode())
json_objects = st.dictionaries(
    st.text(max_size=5),
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5),
    max_size=3,
)
arguments = json_objects.map(lambda value: msgspec.json.encode(value).decode())
texts = st.builds(Text, text=words)
images = st.builds(
    Image,
    media_type=st.sampled_from(["image/png", "image/jpeg", "image/gif", "image/webp"]),
    data=base64s,
) | st.builds(Image, url=names.map("https://pictures.test/{}.png".format))
documents = st.builds(
    Document, media_type=st.just("application/pdf"), data=base64s, name=names.map("{}.pdf".format)
)
thinkings = st.builds(Thinking, text=words, signature=base64s) | st.builds(Sealed, data=base64s)
schemas = st.dictionaries(
    names, st.sampled_from([{"type": "string"}, {"type": "integer"}, {"enum": ["é", 1, None]}])
).map(lambda fields: Raw(msgspec.json.encode({"type": "object", "properties": fields})))
tools = st.builds(Tool, name=names, description=st.just("") | words, schema=schemas)


@st.composite
def talks(draw: st.DrawFn, *, thinking: bool = False) -> Talk:
    """A request: system text first, then turns of user and assistant, each call with its result.

    With `thinking`, assistant turns may begin with signed or sealed reasoning.
    """
    given = draw(st.lists(tools, max_size=3, unique_by=lambda tool: tool.name))
    choice = draw(st.none() | choices(given)) if given else None
    calls_more = choice is not None and choice.kind != "none"
    return Talk(
        turns=draw(_turns(thinking=thinking)),
        tools=tuple(given),
        choice=choice,
        parallel=draw(st.none() | st.booleans()) if calls_more else None,
        max_tokens=draw(st.integers(1, 32_000)),
        temperature=draw(st.none() | st.floats(0, 1)),
        top_p=draw(st.none() | st.floats(0, 1)),
        stop=tuple(draw(st.lists(words, max_size=4))),
        user=draw(st.just("") | names),
        stream=draw(st.booleans()),
    )


def choices(given: list[Tool]) -> st.SearchStrategy[Choice]:
    """Whether and which of these tools are to be used."""
    kinds = st.sampled_from(["auto", "any", "none"])
    named = st.sampled_from([tool.name for tool in given])
    return st.builds(Choice, kind=kinds) | st.builds(Choice, kind=st.just("tool"), name=named)


def calls(*, max_size: int = 3) -> st.SearchStrategy[list[Call]]:
    one = st.builds(
        Call, id=st.text(_SAFE, min_size=8, max_size=64), name=names, arguments=arguments
    )
    return st.lists(one, max_size=max_size, unique_by=lambda call: call.id)


@st.composite
def _turns(draw: st.DrawFn, *, thinking: bool) -> tuple[Turn, ...]:
    turns = []
    if system := draw(st.lists(texts, max_size=2)):
        turns.append(Turn(role="system", parts=tuple(system)))
    turns.append(Turn(role="user", parts=draw(_content(min_size=1))))
    for _ in range(draw(st.integers(0, 2))):
        said = draw(_answered(thinking=thinking))
        turns.append(Turn(role="assistant", parts=said))
        results = [draw(_result(part.id)) for part in said if isinstance(part, Call)]
        content = draw(_content(min_size=0 if results else 1))
        turns.append(Turn(role="user", parts=(*results, *content)))
    return tuple(turns)


def _content(*, min_size: int) -> st.SearchStrategy[tuple[Part, ...]]:
    return st.lists(texts | images | documents, min_size=min_size, max_size=3).map(tuple)


def _result(call_id: str) -> st.SearchStrategy[Result]:
    said = st.lists(texts, min_size=1, max_size=2).map(tuple)
    return st.builds(Result, id=st.just(call_id), parts=said)


@st.composite
def _answered(draw: st.DrawFn, *, thinking: bool) -> tuple[Part, ...]:
    """An assistant's parts, in the order that both vendors have."""
    thought = draw(st.lists(thinkings, max_size=2)) if thinking else []
    said: list[Any] = [*draw(st.lists(texts, max_size=1)), *draw(calls())]
    return (*thought, *(said or [draw(texts)]))


@st.composite
def saids(draw: st.DrawFn, *, thinking: bool = False) -> Said:
    """A whole answer."""
    parts = draw(_answered(thinking=thinking))
    return Said(
        id=draw(names),
        model=draw(names),
        parts=parts,
        finish=draw(finishes(called=any(isinstance(part, Call) for part in parts))),
        usage=draw(usages),
    )


def finishes(*, called: bool) -> st.SearchStrategy[Finish]:
    return st.just(Finish.TOOLS) if called else st.sampled_from([Finish.STOP, Finish.LENGTH])


@st.composite
def _usages(draw: st.DrawFn) -> Usage:
    cached = draw(st.none() | st.integers(0, 500))
    written = draw(st.none() | st.integers(0, 500))
    fresh = draw(st.integers(0, 500))
    return Usage(
        fresh + (cached or 0) + (written or 0), draw(st.integers(0, 1000)), cached, written
    )


usages = _usages()


@st.composite
def streams(draw: st.DrawFn, *, thinking: bool = False) -> list[Delta]:
    """A whole stream: Began, the pieces of an answer in small cuts, Ended with all usage."""
    deltas: list[Delta] = [Began(id=draw(names), model=draw(names))]
    parts = draw(_answered(thinking=thinking))
    count = 0
    for part in parts:
        match part:
            case Text(text=text):
                deltas += [TextPiece(cut) for cut in draw(_cuts(text))]
            case Thinking(text=text, signature=signature):
                deltas += [ThinkingPiece(cut) for cut in draw(_cuts(text))]
                deltas += [SignaturePiece(cut) for cut in draw(_cuts(signature))]
            case Sealed(data=data):
                deltas.append(SealedPiece(data))
            case Call(id=call_id, name=name, arguments=text):
                deltas.append(CallBegan(count, call_id, name))
                deltas += [CallPiece(count, cut) for cut in draw(_cuts(text))]
                count += 1
    finish = draw(finishes(called=count > 0))
    return [*deltas, Ended(finish=finish, usage=draw(usages))]


def _cuts(text: str) -> st.SearchStrategy[list[str]]:
    at = st.lists(st.integers(1, max(1, len(text) - 1)), max_size=3, unique=True).map(sorted)
    return at.map(lambda places: _cut(text, places))


def _cut(text: str, places: list[int]) -> list[str]:
    ends = [*places, len(text)]
    return [cut for start, end in zip([0, *places], ends, strict=True) if (cut := text[start:end])]


def merged(deltas: Iterable[Delta]) -> list[Delta]:
    """The same stream with neighbours of one kind as one piece, and no empty ones."""
    out: list[Delta] = []
    for delta in deltas:
        last = out[-1] if out else None
        match last, delta:
            case _, (
                TextPiece("") | ThinkingPiece("") | SignaturePiece("") | RefusalPiece("")
            ) | CallPiece(_, ""):
                continue
            case TextPiece(a), TextPiece(b):
                out[-1] = TextPiece(a + b)
            case ThinkingPiece(a), ThinkingPiece(b):
                out[-1] = ThinkingPiece(a + b)
            case SignaturePiece(a), SignaturePiece(b):
                out[-1] = SignaturePiece(a + b)
            case RefusalPiece(a), RefusalPiece(b):
                out[-1] = RefusalPiece(a + b)
            case CallPiece(index, a), CallPiece(other, b) if index == other:
                out[-1] = CallPiece(index, a + b)
            case _:
                out.append(delta)
    return out
