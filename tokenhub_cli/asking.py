"""One request to a model, as a caller sends it, and what is told of how it was answered."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

import msgspec

from tokenhub.client.errors import Refused, Unreadable
from tokenhub.client.text import usd
from tokenhub.wire.openai import FullChunk, FullMessage, FullRequest, StreamOptions, number
from tokenhub.wire.sse import EventTooLong, Splitter, payload

_DONE = b"[DONE]"


def request(
    prompt: str, *, model: str | None, system: str | None = None, stream: bool = False
) -> FullRequest:
    """The request for one prompt."""
    messages = [FullMessage(role="system", content=system)] if system else []
    return FullRequest(
        messages=[*messages, FullMessage(role="user", content=prompt)],
        model=model,
        stream=stream or None,
        stream_options=StreamOptions(include_usage=True) if stream else None,
    )


class Answering:
    """A stream as it is read: `texts` gives its pieces, and after them `tokens` are known."""

    def __init__(self, portions: Iterable[bytes]) -> None:
        self._portions = portions
        self.tokens: tuple[int, int] | None = None

    def texts(self) -> Iterator[str]:
        """The pieces of the answer. Raises Refused where it broke off, and Unreadable."""
        splitter, whole = Splitter(), False
        try:
            for portion in self._portions:
                for event in splitter.feed(portion):
                    data = payload(event)
                    whole = whole or data == _DONE
                    yield from self._read(data) if data and not whole else ()
        except (msgspec.DecodeError, EventTooLong) as error:
            raise Unreadable("the stream", str(error)) from error
        if not whole:
            raise Refused("the answer broke off before its end", status=200)

    def _read(self, data: bytes) -> Iterator[str]:
        chunk = msgspec.json.decode(data, type=FullChunk)
        if chunk.error is not None:
            told = chunk.error if isinstance(chunk.error, dict) else {}
            raise Refused(
                str(told.get("message", "the answer broke off")),
                status=200,
                code=str(told.get("code") or ""),
            )
        self.tokens = counted(chunk.usage) or self.tokens
        for choice in chunk.choices or ():
            if choice.delta is not None and isinstance(choice.delta.content, str):
                yield choice.delta.content


def counted(usage: object) -> tuple[int, int] | None:
    """Tokens in and out, where a usage tells them."""
    if not isinstance(usage, Mapping):
        return None
    into, out = number(usage.get("prompt_tokens")), number(usage.get("completion_tokens"))
    return None if into is None or out is None else (into, out)


def text_of(content: object) -> str:
    """The text of a whole answer's content, of one text or of parts."""
    if isinstance(content, str):
        return content
    with suppress(AttributeError, TypeError):
        return "".join(part.text or "" for part in content)  # type: ignore[attr-defined]
    return ""


def told(
    headers: Mapping[str, str],
    *,
    tokens: tuple[int, int] | None,
    cost_usd: float | None,
    known: bool,
) -> str:
    """A line on who answered, what it cost where that is `known`, and the request's id."""
    model, provider = headers.get("x-tokenhub-model", "-"), headers.get("x-tokenhub-provider", "-")
    parts = [f"{provider}/{model}"]
    if tokens is not None:
        parts.append(f"{tokens[0]} tokens in, {tokens[1]} out")
    if known:
        parts.append(usd(cost_usd))
    return ", ".join([*parts, headers.get("x-request-id", "-")])
