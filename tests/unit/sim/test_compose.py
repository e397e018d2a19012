"""What is said in answer to what."""

import msgspec
import pytest

from tokenhub.sim import sealed
from tokenhub.sim.answer import Say
from tokenhub.sim.cache import Cache
from tokenhub.sim.call import Call, Prefix, Tool
from tokenhub.sim.compose import Draws, plain, scripted, shaped
from tokenhub.sim.words import Book

CALL = Call(model="m", prompt_tokens=1)
BOOK = Book(1)
DRAWS = Draws(id="0" * 32, tokens=12, room=1000, place=5, seed=7)


def changed(**fields) -> Call:
    return msgspec.structs.replace(CALL, **fields)


def answer(call: Call, *uses: Tool):
    return shaped(call, BOOK, DRAWS, uses)


@pytest.mark.parametrize(
    "fields", [{"stop": ("x",)}, {"thinks": True}, {"json": True}, {"last": "[[refuse]]"}]
)
def test_only_mere_words_are_plain(fields) -> None:
    assert plain(CALL)
    assert not plain(changed(**fields))


def test_thinking_is_signed_and_comes_first() -> None:
    said = answer(changed(thinks=True))

    thinking, text = said.parts
    assert ("thinking", "text") == (thinking.kind, text.kind)
    assert sealed.signed(thinking.text(), thinking.signature)
    assert len(thinking.pieces) == said.reasoning
    assert said.tokens == said.reasoning + 12


def test_sealed_thinking_is_known_again() -> None:
    said = answer(changed(last="[[sealed]]"))

    assert "sealed" == said.parts[0].kind
    assert sealed.known(said.parts[0].signature)
    assert not sealed.known(said.parts[0].signature[:-4])


@pytest.mark.parametrize(("mark", "finish"), [("refuse", "refusal"), ("filter", "filter")])
def test_marks_end_the_answer_early(mark, finish) -> None:
    assert finish == answer(changed(last=f"please [[{mark}]]")).finish


def test_several_tools_are_called_with_ids_of_their_own() -> None:
    said = answer(CALL, Tool(name="a"), Tool(name="b"))

    assert [("use", "a"), ("use", "b")] == [(part.kind, part.name) for part in said.parts]
    assert 2 == len({part.id for part in said.parts})
    assert "tool" == said.finish


def test_a_schema_is_fitted() -> None:
    schema = {"type": "object", "properties": {"n": {"const": 4}}, "required": ["n"]}

    said = answer(changed(schema=schema))

    assert {"n": 4} == msgspec.json.decode(said.parts[0].text())


def test_pictures_and_documents_are_counted_and_named() -> None:
    said = answer(changed(images=("image/png of 3 bytes", "https://x"), documents=("a.pdf",)))

    text = said.parts[0].text()
    assert " I see 2 images (image/png of 3 bytes; https://x)." in text
    assert " I see 1 document (a.pdf)." in text


def test_a_limit_ends_a_shaped_answer_too() -> None:
    said = answer(changed(json=True, max_tokens=1))

    assert ("length", 1) == (said.finish, said.tokens)


@pytest.mark.parametrize(
    ("stops", "pieces", "finish", "stop"),
    [
        ((), ("one ", "two ", "three"), "stop", ""),
        (("none",), ("one ", "two ", "three"), "stop", ""),
        (("three", "o t"), ("one ", "tw"), "stop_sequence", "o t"),
        (("one",), (), "stop_sequence", "one"),
        (("wo th",), ("one ", "t"), "stop_sequence", "wo th"),
    ],
)
def test_the_first_stop_sequence_ends_the_text(stops, pieces, finish, stop) -> None:
    say = Say(pieces=("one ", "two ", "three"))

    said = scripted(say, changed(stop=stops), DRAWS.id)

    assert pieces == tuple(piece for part in said.parts for piece in part.pieces)
    assert (finish, stop) == (said.finish, said.stop)


def test_a_script_may_think_call_and_end_as_it_likes() -> None:
    say = Say(thinking=("hm",), pieces=("so",), calls=(("t", '{"a":1}'),), finish="pause")

    said = scripted(say, CALL, DRAWS.id)

    assert ["thinking", "text", "use"] == [part.kind for part in said.parts]
    assert '{"a":1}' == said.parts[2].text()
    assert "pause" == said.finish


def test_a_prefix_is_written_once_and_then_read() -> None:
    cache = Cache()
    counted = Prefix(digest=b"a", tokens=1100, written=True)
    silent = Prefix(digest=b"b", tokens=1100, written=False)

    assert [(0, 1100), (1100, 0)] == [cache.used(counted), cache.used(counted)]
    assert [(0, 0), (1024, 0)] == [cache.used(silent), cache.used(silent)]
