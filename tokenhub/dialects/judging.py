"""What an answer says and calls, for whoever looks at it after it was given."""

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from tokenhub.core import tokens
from tokenhub.core.ask import Ask
from tokenhub.core.errors import BadRequest
from tokenhub.core.judging import SCHEMA, SYSTEM, Case
from tokenhub.core.talk import (
    Call,
    CallBegan,
    CallPiece,
    Document,
    Image,
    Part,
    Refusal,
    Result,
    Text,
    TextPiece,
    Turn,
)
from tokenhub.dialects.speeches import SPEECHES
from tokenhub.dialects.told import ToldError
from tokenhub.dialects.translation import Unsayable

# In every call of either vendor, and in no text: there, quotation marks are escaped.
_CALLS = (b'"arguments"', b'"tool_use"')
_OFFERS = (b'"tools"', b'"functions"')
_ENCODE = msgspec.json.Encoder().encode
# What the readers raise for what is not of their format.
_UNREADABLE = (ValueError, ToldError, Unsayable, BadRequest)


class _Named(msgspec.Struct):
    name: str = ""


class _Offered(msgspec.Struct):
    """A tool of either vendor, by its name alone."""

    name: str = ""
    function: _Named | None = None


class _Offers(msgspec.Struct):
    tools: list[_Offered] | None = None
    functions: list[_Named] | None = None


class _Prompt(msgspec.Struct):
    messages: Raw = Raw(b"")
    system: Raw = Raw(b"")


class _Store(msgspec.Struct):
    store: bool | None = None


_READ_OFFERS = msgspec.json.Decoder(_Offers)
_READ_PROMPT = msgspec.json.Decoder(_Prompt)
_READ_STORE = msgspec.json.Decoder(_Store)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])


def offers_tools(ask: Ask) -> bool:
    """Whether the model may have been given tools to call: a quick look, which may be too kind."""
    return any(mark in ask.payload for mark in _OFFERS)


def prompt_of(ask: Ask) -> bytes:
    """What makes two requests the same to their sender: all turns, and no parameter."""
    prompt = _READ_PROMPT.decode(ask.payload)
    return b"%b\n%b" % (prompt.system, prompt.messages)


def called_well(ask: Ask, body: bytes, *, stream: bool) -> bool | None:
    """Whether every call of an answer names a tool on offer and has an object for arguments.

    None where it calls nothing, or cannot be read.
    """
    if not any(mark in body for mark in _CALLS):
        return None
    try:
        calls = [part for part in _parts(ask, body, stream=stream) if isinstance(part, Call)]
        offered = _READ_OFFERS.decode(ask.payload)
    except (*_UNREADABLE, msgspec.MsgspecError):
        return None
    if not calls:
        return None
    names = {tool.function.name if tool.function else tool.name for tool in offered.tools or ()}
    names |= {function.name for function in offered.functions or ()}
    return all(call.name in names and _is_object(call.arguments) for call in calls)


def case_of(ask: Ask, body: bytes, *, stream: bool) -> Case | None:
    """A request and its answer in words; None where words cannot tell it, or it was forbidden.

    Pictures and files cannot be told. OpenAI's `"store": false` forbids it.
    """
    try:
        if _READ_STORE.decode(ask.payload).store is False:
            return None
        turns = SPEECHES[ask.speech].read_request(ask.payload).turns
        asked = [_worded(turn) for turn in turns]
        said = _told(_parts(ask, body, stream=stream))
    except (*_UNREADABLE, msgspec.MsgspecError):
        return None
    if said is None or not said.strip() or None in asked:
        return None
    return Case("\n\n".join(turn for turn in asked if turn is not None), said)


def judging(model: str, question: str) -> Ask:
    """The request to a judge, which no other model may answer in its place."""
    turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    return Ask(
        payload=_ENCODE({"model": model, "messages": turns}),
        dialect="judge",
        model=model,
        input_tokens=sum(tokens.of_text(turn["content"]) + tokens.PER_MESSAGE for turn in turns),
        substitute="same-model",
        schema=SCHEMA,
    )


def _parts(ask: Ask, body: bytes, *, stream: bool) -> Iterable[Part]:
    """What was said. Raises ValueError, or ToldError, for what cannot be read."""
    speech = SPEECHES[ask.speech]
    if not stream:
        return speech.read_answer(body).parts
    names: dict[int, str] = {}
    arguments: dict[int, list[str]] = {}
    texts = []
    for delta in speech.reader().feed(body):
        match delta:
            case TextPiece(text):
                texts.append(text)
            case CallBegan(index, _, name):
                names[index] = name
            case CallPiece(index, words):
                arguments.setdefault(index, []).append(words)
    calls = [
        Call(id="", name=name, arguments="".join(arguments.get(index, ())))
        for index, name in names.items()
    ]
    return (Text(text="".join(texts)), *calls)


def _is_object(arguments: str) -> bool:
    """Nothing at all is what some servers send for a tool without parameters."""
    if not arguments.strip():
        return True
    try:
        _OBJECT.decode(arguments)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def _worded(turn: Turn) -> str | None:
    said = _told(turn.parts)
    return None if said is None else f"{turn.role}: {said}"


def _told(parts: Iterable[Part]) -> str | None:
    """Texts, calls and results; None where there is something that has no words."""
    told: list[str] = []
    for part in parts:
        match part:
            case Text(text=text):
                told.append(text)
            case Call(name=name, arguments=arguments):
                told.append(f"[calls {name} with {arguments or '{}'}]")
            case Result(parts=inner):
                found = _told(inner)
                if found is None:
                    return None
                told.append(f"[result: {found}]")
            case Refusal(text=text):
                told.append(text)
            case Image() | Document():
                return None
            case _:
                continue  # reasoning, which is no part of the answer
    return "\n".join(text for text in told if text)
