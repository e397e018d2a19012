"""A whole answer as the pieces of a stream, and pieces as a whole answer."""

from collections.abc import Iterable

from tokenhub.core.talk import (
    Began,
    Call,
    CallBegan,
    CallPiece,
    Delta,
    Ended,
    Part,
    Refusal,
    RefusalPiece,
    Said,
    Sealed,
    SealedPiece,
    SignaturePiece,
    Text,
    TextPiece,
    Thinking,
    ThinkingPiece,
)


def pieces(said: Said) -> list[Delta]:
    """The stream that a whole answer would have been, one piece for each part."""
    deltas: list[Delta] = [Began(id=said.id, model=said.model, usage=said.usage)]
    calls = 0
    for part in said.parts:
        match part:
            case Text(text=text):
                deltas.append(TextPiece(text))
            case Thinking(text=text, signature=signature):
                deltas += [ThinkingPiece(text)] if text else []
                deltas += [SignaturePiece(signature)] if signature else []
            case Sealed(data=data):
                deltas.append(SealedPiece(data))
            case Refusal(text=text):
                deltas.append(RefusalPiece(text))
            case Call(id=id_, name=name, arguments=arguments):
                deltas += [CallBegan(calls, id_, name), CallPiece(calls, arguments)]
                calls += 1
            case _:
                # Pictures, documents and results are the caller's to send, no model's answer.
                continue
    deltas.append(Ended(finish=said.finish, stop=said.stop, usage=said.usage))
    return deltas


def text_of(parts: Iterable[Part]) -> str:
    """What was said aloud: the texts, without reasoning, calls and refusals."""
    return "".join([part.text for part in parts if isinstance(part, Text)])
