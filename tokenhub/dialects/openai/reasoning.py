"""Reasoning in OpenAI's format, which has no words of its own for it: what the servers agreed on.

Text is `reasoning_content` (DeepSeek, vLLM) or `reasoning` (OpenRouter, newer vLLM). Signatures
and sealed reasoning, which must come back untouched in the next turn, are in `reasoning_details`
(OpenRouter); where it says something, it says everything.
"""

from collections.abc import Iterable, Sequence

from tokenhub.core.talk import Part, Sealed, Thinking
from tokenhub.wire import openai as wire


def read(message: wire.FullMessage | wire.Answered) -> list[Thinking | Sealed]:
    """The reasoning of a message, in its order."""
    text = aloud(message)
    found = _joined(message.reasoning_details or ())
    if any(part.text for part in found if isinstance(part, Thinking)) or not text:
        return found
    for at, part in enumerate(found):
        # A stream's reader that kept the text elsewhere has only the signature here.
        if isinstance(part, Thinking):
            return [*found[:at], Thinking(text=text, signature=part.signature), *found[at + 1 :]]
    return [Thinking(text=text), *found]


def aloud(message: wire.FullMessage | wire.Answered) -> str:
    """The plain text of the reasoning, by whichever name it goes."""
    for text in (message.reasoning_content, message.reasoning):
        if text and isinstance(text, str):
            return text
    return ""


def write(parts: Iterable[Part]) -> tuple[str | None, list[wire.Reasoning] | None]:
    """`reasoning_content` and `reasoning_details`; the latter only where the text is not all."""
    found = [part for part in parts if isinstance(part, Thinking | Sealed)]
    text = "".join([part.text for part in found if isinstance(part, Thinking)])
    if all(isinstance(part, Thinking) and not part.signature for part in found):
        return text or None, None
    return text or None, [entry(part) for part in found]


def entry(part: Thinking | Sealed) -> wire.Reasoning:
    if isinstance(part, Sealed):
        return wire.Reasoning(type="reasoning.encrypted", data=part.data)
    return wire.Reasoning(type="reasoning.text", text=part.text, signature=part.signature or None)


def _joined(details: Sequence[wire.Reasoning]) -> list[Thinking | Sealed]:
    """The entries as parts. Those of a stream come in pieces, the signature with the last."""
    parts: list[Thinking | Sealed] = []
    for detail in details:
        last = parts[-1] if parts else None
        text, signature = detail.text or detail.summary or "", detail.signature or ""
        if detail.type == "reasoning.encrypted":
            parts += [Sealed(data=detail.data)] if detail.data else []
        elif isinstance(last, Thinking) and not last.signature:
            parts[-1] = Thinking(text=last.text + text, signature=signature)
        elif text or signature:
            parts.append(Thinking(text=text, signature=signature))
    return parts
