"""From a request to what is said in answer to it.

Words in double brackets in the last message steer the answer: `[[think]]` reasons before it
speaks (Anthropic: only where the request allows thinking), `[[sealed]]` thinks so that nobody can
read it (Anthropic's redacted_thinking; elsewhere as `[[think]]`), `[[refuse]]` refuses,
`[[filter]]` is stopped by the vendor's filter. Everything else follows from the request: tools
named in the last message are called, all of them at once where that is allowed; a JSON Schema is
fitted; pictures and documents are counted and named; stop sequences and limits end the text.
"""

from collections.abc import Sequence

import msgspec

from tokenhub.core import rng
from tokenhub.sim import sealed, tools
from tokenhub.sim.answer import Answer, Finish, Part, Say
from tokenhub.sim.call import Call, Tool
from tokenhub.sim.words import OPENING, Book, tokens_in

# Tokens of a tool call beside its arguments and name.
TOOL_TOKENS = 8
# Characters of tool arguments or other JSON in one streamed piece.
JSON_PIECE = 8
THINKING = ("Simulated", " thinking:")
THINKING_TOKENS = 8
REFUSAL = ("Simulated", " refusal.")
MARKS = ("think", "sealed", "refuse", "filter")
ANY_OBJECT = {"simulated": True, "answer": "Simulated answer"}


class Draws(msgspec.Struct, frozen=True, kw_only=True):
    """What chance said about one answer: its id, length and place in the book, and a seed.

    `room` is what the model's context has left for it, in tokens.
    """

    id: str
    tokens: int
    room: int
    place: int
    seed: int


def plain(call: Call) -> bool:
    """Whether nothing of the request shapes the answer: some words from the book will do."""
    return not (
        call.tools
        or call.stop
        or call.thinks
        or call.json
        or call.schema is not None
        or call.images
        or call.documents
        or "[[" in call.last
    )


def shaped(call: Call, book: Book, draws: Draws, uses: Sequence[Tool]) -> Answer:
    """The answer to a call that asks for more than words; `uses` are the tools that it calls."""
    marks = marked(call.last)
    parts: list[Part] = []
    if "sealed" in marks:
        parts.append(Part("sealed", (), signature=sealed.data(draws.id)))
    elif call.thinks or "think" in marks:
        place = draws.place + THINKING_TOKENS
        rest = book.read(place, len(OPENING) + THINKING_TOKENS)[len(OPENING) :]
        parts.append(_thought((*THINKING, *rest)))
    if "refuse" in marks:
        return _finished([*parts, Part("refusal", REFUSAL)], "refusal")
    if uses:
        for place, tool in enumerate(uses):
            arguments = tools.arguments(tool, rng.split(draws.seed, place))
            parts.append(_use(tool.name, arguments, draws.id, place))
        return _finished(parts, "tool")
    pieces, stop = _stopped(_spoken(call, book, draws), call.stop)
    limit = min(draws.room, call.max_tokens or draws.room)
    if "filter" in marks:
        return _finished([*parts, Part("text", pieces[: len(pieces) // 2])], "filter")
    if len(pieces) > limit:
        return _finished([*parts, Part("text", pieces[:limit])], "length")
    text = [Part("text", pieces)] if pieces else []
    return _finished(parts + text, "stop_sequence" if stop else "stop", stop)


def scripted(say: Say, call: Call, id_: str) -> Answer:
    """A test's own answer; only the request's stop sequences still end it."""
    parts = [_thought(say.thinking)] if say.thinking else []
    finish: Finish = "tool" if say.calls else "stop"
    pieces, stop = _stopped(say.pieces, call.stop)
    if pieces:
        parts.append(Part("text", pieces))
    if stop:
        return _finished([*parts], "stop_sequence", stop)
    if say.refusal:
        parts.append(Part("refusal", say.refusal))
        finish = "refusal"
    for place, (name, arguments) in enumerate(say.calls):
        parts.append(_use(name, arguments, id_, place))
    return _finished(parts, say.finish or finish)


def marked(text: str) -> tuple[str, ...]:
    """The words that stand in the text in double brackets and mean something here."""
    return tuple(mark for mark in MARKS if f"[[{mark}]]" in text)


def _spoken(call: Call, book: Book, draws: Draws) -> Sequence[str]:
    if call.schema is not None:
        return _cut(tools.fitting(call.schema, draws.seed))
    if call.json:
        return _cut(msgspec.json.encode(ANY_OBJECT).decode())
    seen = _seen(call)
    words = book.read(draws.place, draws.tokens)
    return (*words[: len(OPENING)], *seen, *words[len(OPENING) :])


def _seen(call: Call) -> tuple[str, ...]:
    """Pieces that say what came, as in ` I see 2 images (image/png of 70 bytes; ...)`."""
    told: list[str] = []
    for name, things in (("image", call.images), ("document", call.documents)):
        if things:
            many = "" if len(things) == 1 else "s"
            told.append(f" I see {len(things)} {name}{many} ({'; '.join(things)}).")
    return tuple(told)


def _stopped(pieces: Sequence[str], stops: Sequence[str]) -> tuple[Sequence[str], str]:
    """The pieces before the first stop sequence, and that sequence; empty where there is none."""
    text = "".join(pieces) if stops else ""
    places = [(text.find(stop), stop) for stop in stops if stop and stop in text]
    if not places:
        return pieces, ""
    end, stop = min(places)
    kept: list[str] = []
    for piece in pieces:
        kept.append(piece[:end])
        end -= len(piece)
        if end <= 0:
            break
    return [piece for piece in kept if piece], stop


def _thought(pieces: Sequence[str]) -> Part:
    return Part("thinking", pieces, signature=sealed.signature("".join(pieces)))


def _use(name: str, arguments: str, id_: str, place: int) -> Part:
    own = id_[:24] if place == 0 else f"{id_[:22]}{place:02d}"
    return Part("use", _cut(arguments), id=own, name=name)


def _cut(text: str) -> list[str]:
    return [text[at : at + JSON_PIECE] for at in range(0, len(text), JSON_PIECE)]


def _finished(parts: Sequence[Part], finish: Finish, stop: str = "") -> Answer:
    reasoning = sum([_tokens(part) for part in parts if part.kind in {"thinking", "sealed"}])
    return Answer(tuple(parts), finish, sum([_tokens(part) for part in parts]), reasoning, stop)


def _tokens(part: Part) -> int:
    if part.kind == "use":
        return TOOL_TOKENS + tokens_in(len(part.name) + len(part.text()))
    return THINKING_TOKENS if part.kind == "sealed" else len(part.pieces)
