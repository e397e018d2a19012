"""OpenAI's bodies and events, and vLLM's where they differ: errors and the list of models.

Formats: platform.openai.com/docs/api-reference (chat, streaming, embeddings, models) and vLLM's
OpenAI-compatible server, both as of January 2026. Written without `tokenhub.wire`, so that a
mistake there does not find its twin here.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from tokenhub.sim import framing
from tokenhub.sim.answer import Part
from tokenhub.sim.fault import Headers
from tokenhub.sim.profile import Model
from tokenhub.sim.script import Turn

# The day every simulated thing was made; a clock would make answers differ between runs.
CREATED = 1_767_225_600
FINGERPRINT = "fp_simulation"
DONE = b"data: [DONE]\n\n"
FINISH = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context": "length",
    "tool": "tool_calls",
    "refusal": "stop",
    "filter": "content_filter",
    "pause": "stop",
}
# What everybody sees; reasoning is shown by vLLM alone.
SHOWN = {"text", "use", "refusal"}
# Stands for the piece that differs from chunk to chunk.
GAP = "@@"

# Status -> type, code, message.
OPENAI_ERRORS = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", None, "You are not allowed to use this resource."),
    404: ("invalid_request_error", None, "The requested resource does not exist."),
    405: ("invalid_request_error", "method_not_supported", "Not allowed to use this method."),
    413: ("invalid_request_error", None, "The request body is too large."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    503: ("server_error", None, "That model is currently overloaded with other requests."),
}
OPENAI_FAILED = ("server_error", None, "The server had an error while processing your request.")
VLLM_ERRORS = {
    400: ("BadRequestError", "The request is not valid."),
    404: ("NotFoundError", "Not Found"),
    405: ("MethodNotAllowed", "Method Not Allowed"),
    413: ("RequestEntityTooLarge", "The request body is too large."),
    429: ("TooManyRequests", "Too many requests."),
    503: ("ServiceUnavailableError", "The server is overloaded."),
}
VLLM_FAILED = ("InternalServerError", "Internal server error")
Unset = msgspec.UnsetType


class PromptDetails(msgspec.Struct, frozen=True, kw_only=True):
    cached_tokens: int = 0
    audio_tokens: int = 0


class CompletionDetails(msgspec.Struct, frozen=True, kw_only=True):
    reasoning_tokens: int = 0
    audio_tokens: int = 0


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails = PromptDetails()
    completion_tokens_details: CompletionDetails = CompletionDetails()


class Function(msgspec.Struct, frozen=True, kw_only=True):
    name: str | Unset = msgspec.UNSET
    arguments: str


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    index: int | Unset = msgspec.UNSET
    id: str | Unset = msgspec.UNSET
    type: Literal["function"] | Unset = msgspec.UNSET
    function: Function


class Message(msgspec.Struct, frozen=True, kw_only=True):
    role: Literal["assistant"] | Unset = msgspec.UNSET
    content: str | Unset | None = msgspec.UNSET
    refusal: str | Unset | None = msgspec.UNSET
    reasoning_content: str | Unset = msgspec.UNSET
    tool_calls: tuple[ToolCall, ...] | Unset = msgspec.UNSET


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Of a whole answer (`message`) or of a chunk (`delta`)."""

    index: int = 0
    message: Message | Unset = msgspec.UNSET
    delta: Message | Unset = msgspec.UNSET
    logprobs: None = None
    finish_reason: str | None


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer, or a chunk of one."""

    id: str
    object: Literal["chat.completion", "chat.completion.chunk"]
    created: int = CREATED
    model: str
    system_fingerprint: str = FINGERPRINT
    choices: tuple[Choice, ...]
    usage: Usage | Unset | None = msgspec.UNSET


class Error(msgspec.Struct, frozen=True, kw_only=True):
    message: str
    type: str
    param: str | None
    code: str | int | None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    error: Error


class ShownModel(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["model"] = "model"
    created: int = CREATED
    owned_by: str = "tokenhub-simulation"
    root: str | Unset = msgspec.UNSET
    parent: Unset | None = msgspec.UNSET
    max_model_len: int | Unset = msgspec.UNSET


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    object: Literal["list"] = "list"
    data: tuple[ShownModel, ...]


class OpenAI:
    """The dialect of the /v1 routes; `vllm` changes errors and the list of models."""

    overloaded = 503

    def __init__(self, *, vllm: bool = False) -> None:
        self._vllm = vllm

    def headers(self, id_: str) -> Headers:
        return (("x-request-id", f"req_{id_}"),)

    def whole(self, turn: Turn) -> bytes:
        completion = Completion(
            id=f"chatcmpl-{turn.id}",
            object="chat.completion",
            model=turn.call.model,
            choices=(Choice(message=self._message(turn), finish_reason=FINISH[turn.finish]),),
            usage=_usage(turn),
        )
        return msgspec.json.encode(completion)

    def _message(self, turn: Turn) -> Message:
        if len(turn.parts) == 1 and turn.parts[0].kind == "text":
            return Message(role="assistant", content=turn.parts[0].text(), refusal=None)
        said: dict[str, str] = {}
        for part in turn.parts:
            if part.kind != "use":
                said[part.kind] = said.get(part.kind, "") + part.text()
        used = tuple(
            ToolCall(
                id=f"call_{part.id}",
                type="function",
                function=Function(name=part.name, arguments=part.text()),
            )
            for part in turn.parts
            if part.kind == "use"
        )
        thought = said.get("thinking", "") if self._vllm else ""
        spoken = not used and "refusal" not in said
        return Message(
            role="assistant",
            content=said.get("text", "" if spoken else None),
            refusal=said.get("refusal"),
            reasoning_content=thought or msgspec.UNSET,
            tool_calls=used or msgspec.UNSET,
        )

    def events(self, turn: Turn) -> list[bytes]:
        parts = [part for part in turn.parts if self._vllm or part.kind in SHOWN]
        pending = _event(turn, _opening(parts))
        events: list[bytes] = []
        uses = 0
        for part in parts:
            if part.kind == "use":
                pending += _event(turn, _began(part, uses)) if uses or part is not parts[0] else b""
                uses += 1
            gap = _event(turn, _delta(part.kind, GAP, max(0, uses - 1)))
            before, after = gap.split(b'"%b"' % GAP.encode())
            encode = msgspec.json.encode
            first = len(events)
            events += [b"".join((before, encode(piece), after)) for piece in part.pieces]
            if len(events) > first:
                events[first] = pending + events[first]
                pending = b""
        finish = _event(turn, Message(), finish=FINISH[turn.finish])
        usage = _sse(_chunk(turn, (), usage=_usage(turn))) if turn.call.include_usage else b""
        return [*events, pending + framing.closing(turn.fault, finish, usage, DONE)]

    def error(
        self, status: int, id_: str, *, code: str = "", message: str = "", param: str | None = None
    ) -> bytes:
        del id_  # OpenAI gives it in the header only
        if self._vllm and status == 401:  # noqa: PLR2004  # vLLM's key check has a body of its own
            return b'{"error":"Unauthorized"}'
        if self._vllm:
            kind, text = VLLM_ERRORS.get(status, VLLM_FAILED)
            error = Error(message=message or text, type=kind, param=param, code=code or status)
        else:
            kind, usual, text = OPENAI_ERRORS.get(status, OPENAI_FAILED)
            error = Error(message=message or text, type=kind, param=param, code=code or usual)
        return msgspec.json.encode(Failure(error=error))

    def unknown_model(self, model: str, id_: str) -> bytes:
        """The body of the 404 for a model that is not on offer."""
        if self._vllm:
            return self.error(404, id_, message=f"The model `{model}` does not exist.")
        text = f"The model `{model}` does not exist or you do not have access to it."
        return self.error(404, id_, code="model_not_found", message=text)

    def overflow(self, turn: Turn) -> bytes:
        asked, room = turn.call.prompt_tokens, turn.model.context_tokens
        asked = max(asked, room + 1)
        start = f"This model's maximum context length is {room} tokens. However, "
        if self._vllm:
            total = asked + turn.call.max_tokens
            text = (
                f"{start}you requested {total} tokens ({asked} in the messages, "
                f"{turn.call.max_tokens} in the completion). "
                "Please reduce the length of the messages or completion."
            )
            return self.error(400, turn.id, message=text)
        text = f"{start}your messages resulted in {asked} tokens. Please reduce their length."
        code = "context_length_exceeded"
        return self.error(400, turn.id, code=code, message=text, param="messages")

    def broken(self, status: int = 500) -> bytes:
        return b"data: " + self.error(status, "") + b"\n\n"

    def ping(self) -> bytes:
        """An event without meaning: a chunk that has no choices."""
        kind = b'"object":"chat.completion.chunk"'
        return b'data: {"id":"",%b,"created":0,"model":"","choices":[]}\n\n' % kind

    def nonsense(self) -> bytes:
        return b'data: {"id":"chatcmpl-","object":"chat.completion.chunk","choi\n\n'

    def models(self, models: tuple[Model, ...]) -> bytes:
        """GET /v1/models."""
        return msgspec.json.encode(ModelList(data=tuple(self._shown(model) for model in models)))

    def one_model(self, model: Model) -> bytes:
        """GET /v1/models/{id}."""
        return msgspec.json.encode(self._shown(model))

    def _shown(self, model: Model) -> ShownModel:
        if not self._vllm:
            return ShownModel(id=model.id)
        return ShownModel(
            id=model.id, root=model.id, parent=None, max_model_len=model.context_tokens
        )


def _usage(turn: Turn) -> Usage:
    spent = turn.spent
    prompt, completion = spent.prompt, spent.completion
    if not (spent.cached or spent.reasoning):
        return Usage(
            prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion
        )
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=PromptDetails(cached_tokens=spent.cached),
        completion_tokens_details=CompletionDetails(reasoning_tokens=spent.reasoning),
    )


def _opening(parts: Sequence[Part]) -> Message:
    """The first chunk's delta: the role, and the tool's name where a call comes first."""
    if not parts or parts[0].kind != "use":
        return Message(role="assistant", content="", refusal=None)
    began = _began(parts[0], 0)
    return Message(role="assistant", content=None, refusal=None, tool_calls=began.tool_calls)


def _began(part: Part, index: int) -> Message:
    """The delta that opens a call: its id and name."""
    function = Function(name=part.name, arguments="")
    used = ToolCall(index=index, id=f"call_{part.id}", type="function", function=function)
    return Message(tool_calls=(used,))


def _delta(kind: str, piece: str, index: int) -> Message:
    match kind:
        case "use":
            used = ToolCall(index=index, function=Function(arguments=piece))
            return Message(tool_calls=(used,))
        case "thinking" | "sealed":
            return Message(reasoning_content=piece)
        case "refusal":
            return Message(refusal=piece)
        case _:
            return Message(content=piece)


def _event(turn: Turn, delta: Message, *, finish: str | None = None) -> bytes:
    return _sse(_chunk(turn, (Choice(delta=delta, finish_reason=finish),)))


def _chunk(turn: Turn, choices: tuple[Choice, ...], usage: Usage | None = None) -> Completion:
    return Completion(
        id=f"chatcmpl-{turn.id}",
        object="chat.completion.chunk",
        model=turn.call.model,
        choices=choices,
        # With include_usage every chunk has the field, null but in the last one.
        usage=usage if turn.call.include_usage else msgspec.UNSET,
    )


def _sse(completion: Completion) -> bytes:
    return b"data: " + msgspec.json.encode(completion) + b"\n\n"
