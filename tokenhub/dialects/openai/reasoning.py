"""Reasoning in OpenAI's format, which has no words of its own for it: what the servers agreed on.

Text is `reasoning_content` (DeepSeek, vLLM) or `reasoning` (OpenRouter, newer vLLM). Signatures
and sealed reasoning, which must come back untouched in the next turn, are in `reasoning_details`
(OpenRouter); where it says something, it says everything.

A proof holds for its own vendor only, which `format` tells: a talk carries Anthropic's alone, and
those of others are left out, the text that they sign staying as it is.
"""

from collections.abc import Iterable

import msgspec

from tokenhub.core.talk import Part, Sealed, Thinking
from tokenhub.wire import openai as wire

# OpenRouter's word for Anthropic's proofs ("Reasoning tokens", 2026-01). It is told with the proof
# only: clients that put a stream together join the texts of an entry, this one too, so that what
# they hand back may begin with it again and again.
FORMAT = "anthropic-claude-v1"
# Servers that know of no other vendor leave it out, or say so.
_OURS = ("anthropic", "unknown")


class Detail(msgspec.Struct, frozen=True):
    """An entry of `reasoning_details`: a text, a signature of what was said, or sealed `data`."""

    text: str = ""
    signature: str = ""
    data: str = ""


def read(message: wire.FullMessage | wire.Answered) -> list[Thinking | Sealed]:
    """The reasoning of a message, in its order."""
    text = aloud(message)
    found = _joined(details(message))
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


def details(message: wire.FullMessage | wire.Answered) -> list[Detail]:
    """The entries of `reasoning_details`, without proofs that are not Anthropic's."""
    given = message.reasoning_details
    entries = given if isinstance(given, list) else []
    return [_detail(entry) for entry in entries if isinstance(entry, dict)]


def has_foreign_proofs(message: wire.FullMessage) -> bool:
    """Whether there are proofs of another vendor than Anthropic, which no talk carries."""
    given = message.reasoning_details
    return isinstance(given, list) and any(
        isinstance(entry, dict)
        and not _is_ours(entry)
        and bool(entry.get("signature") or entry.get("data"))
        for entry in given
    )


def write(parts: Iterable[Part]) -> tuple[str | None, list[wire.Reasoning] | None]:
    """`reasoning_content` and `reasoning_details`; the latter only where the text is not all."""
    found = [part for part in parts if isinstance(part, Thinking | Sealed)]
    text = "".join([part.text for part in found if isinstance(part, Thinking)])
    if all(isinstance(part, Thinking) and not part.signature for part in found):
        return text or None, None
    return text or None, [entry(part) for part in found]


def entry(part: Thinking | Sealed) -> wire.Reasoning:
    if isinstance(part, Sealed):
        return wire.Reasoning(type="reasoning.encrypted", data=part.data, format=FORMAT)
    if not part.signature:
        return wire.Reasoning(type="reasoning.text", text=part.text)
    return wire.Reasoning(
        type="reasoning.text", text=part.text, signature=part.signature, format=FORMAT
    )


def _detail(entry: dict[str, object]) -> Detail:
    text = _text(entry, "text") or _text(entry, "summary")
    if not _is_ours(entry):
        return Detail(text)
    sealed = entry.get("type") == "reasoning.encrypted"
    return Detail(text, _text(entry, "signature"), _text(entry, "data") if sealed else "")


def _is_ours(entry: dict[str, object]) -> bool:
    given = entry.get("format")
    return not given or (isinstance(given, str) and given.startswith(_OURS))


def _text(entry: dict[str, object], name: str) -> str:
    given = entry.get(name)
    return given if isinstance(given, str) else ""


def _joined(found: Iterable[Detail]) -> list[Thinking | Sealed]:
    """The entries as parts. Those of a stream come in pieces, the signature with the last."""
    parts: list[Thinking | Sealed] = []
    texts: list[str] = []
    for detail in found:
        if detail.data:
            parts += [*_thought(texts, ""), Sealed(data=detail.data)]
            texts.clear()
            continue
        texts += [detail.text] if detail.text else []
        if detail.signature:
            parts += _thought(texts or [""], detail.signature)
            texts.clear()
    return [*parts, *_thought(texts, "")]


def _thought(texts: list[str], signature: str) -> list[Thinking]:
    return [Thinking(text="".join(texts), signature=signature)] if texts else []
