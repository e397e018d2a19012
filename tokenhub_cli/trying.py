"""One small request to one model, to see whether it answers."""

import time

import msgspec
from msgspec.structs import replace

from tokenhub.client.calls import public
from tokenhub.client.errors import Refused, Unreadable
from tokenhub.client.text import milliseconds
from tokenhub.wire.openai import FullCompletion
from tokenhub_cli.asking import request, text_of
from tokenhub_cli.exits import Code, code_of
from tokenhub_cli.output import Column, View
from tokenhub_cli.progress import waiting
from tokenhub_cli.session import Session

# Enough for a word, of a model that thinks before it too.
_MAX_TOKENS = 256
_NOBODY_ELSE = (("X-TokenHub-Substitute", "never"),)


class Tried(msgspec.Struct, kw_only=True):
    """What came of it; `error` is the server's code where there was no answer."""

    model_id: str
    provider_id: str
    ok: bool
    latency_ms: float
    answer: str
    error: str
    message: str
    request_id: str


TRIED: View[Tried] = View(
    kind="model",
    name=lambda it: it.model_id,
    columns=(
        Column("model_id", lambda it: it.model_id, head="MODEL"),
        Column("provider_id", lambda it: it.provider_id, head="PROVIDER"),
        Column("ok", lambda it: it.ok),
        Column("latency_ms", lambda it: it.latency_ms, milliseconds, right=True, head="LATENCY"),
        Column("answer", lambda it: it.answer),
        Column("error", lambda it: it.error),
        Column("message", lambda it: it.message),
        Column("request_id", lambda it: it.request_id, head="REQUEST"),
    ),
)


def tried(tokenhub: Session, model: str, prompt: str) -> Tried:
    """Ask it. Raises what is not the model's fault: the key, the model's name, the vault."""
    asked = replace(request(prompt, model=model), max_tokens=_MAX_TOKENS)
    call = public.complete(asked, headers=_NOBODY_ELSE)
    began = time.perf_counter()
    try:
        with (
            waiting(f"asking {model}", quiet=tokenhub.output.quiet),
            tokenhub.opened(call) as opened,
        ):
            body, headers = b"".join(opened.portions), opened.headers
    except Refused as error:
        if code_of(error) is not Code.REFUSED:
            raise
        return Tried(
            model_id=model,
            provider_id="",
            ok=False,
            latency_ms=_since(began),
            answer="",
            error=error.code,
            message=error.detail,
            request_id=error.request_id,
        )
    return Tried(
        model_id=headers.get("x-tokenhub-model", model),
        provider_id=headers.get("x-tokenhub-provider", ""),
        ok=True,
        latency_ms=_since(began),
        answer=_text(tokenhub, body),
        error="",
        message="",
        request_id=headers.get("x-request-id", ""),
    )


def said(it: Tried) -> list[str]:
    """The result in a line."""
    if it.ok:
        took = milliseconds(it.latency_ms)
        return [f"model/{it.model_id} of {it.provider_id} answered in {took}: {it.answer}"]
    return [f"model/{it.model_id} did not answer: {it.error}", it.message]


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)


def _text(tokenhub: Session, body: bytes) -> str:
    try:
        answer = msgspec.json.decode(body, type=FullCompletion)
    except msgspec.DecodeError as error:
        raise Unreadable(tokenhub.profile.url, str(error)) from error
    return " ".join(text_of(choice.message.content).strip() for choice in answer.choices)
