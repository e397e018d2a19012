"""OpenAI's and vLLM's chat completion requests, read into a Call."""

from collections.abc import Iterator

import msgspec

from tokenhub.sim import media, openai_ask, openai_rules
from tokenhub.sim.call import MIN_CACHED, REPLY_TOKENS, Call, Refused, Tool, prefix
from tokenhub.sim.decode import Wrong, decoded

_STRICT = msgspec.json.Decoder(openai_ask.Request)
_LENIENT = msgspec.json.Decoder(openai_ask.LenientRequest)


def from_openai(body: bytes, *, lenient: bool = False) -> Call:
    """The call in a chat completion request; lenient as vLLM is. Raises Refused."""
    try:
        request = decoded(_LENIENT, body) if lenient else decoded(_STRICT, body)
    except Wrong as wrong:
        raise refusal(wrong) from wrong
    if not lenient:
        openai_rules.check(request)
    messages = request.messages
    choice = request.tool_choice
    last = messages[-1]
    named = choice.function.name if isinstance(choice, openai_ask.NamedChoice) else ""
    tokens = [message.tokens() for message in messages]
    call = Call(
        model=request.model,
        prompt_tokens=REPLY_TOKENS + sum(tokens),
        max_tokens=request.max_completion_tokens or request.max_tokens or 0,
        stream=bool(request.stream),
        include_usage=bool(request.stream_options and request.stream_options.include_usage),
        must_call=choice == "required" or bool(named),
        may_call=choice != "none" and last.role != "tool",
        named=named,
        last=last.text(),
    )
    return _with_extras(call, request, tokens)


def refusal(wrong: Wrong) -> Refused:
    if wrong.kind == "missing":
        text = f"Missing required parameter: '{wrong.path}'."
        return Refused(text, param=wrong.path, code="missing_required_parameter")
    if wrong.kind == "unknown" and "." not in wrong.path:
        return Refused(f"Unrecognized request argument supplied: {wrong.path}")
    if wrong.kind == "unknown":
        text = f"Unknown parameter: '{wrong.path}'."
        return Refused(text, param=wrong.path, code="unknown_parameter")
    code = "invalid_type" if ", got " in wrong.text else "invalid_value"
    text = f"Invalid value for '{wrong.path}': {wrong.text}."
    return Refused(text, param=wrong.path or None, code=code)


def _with_extras(call: Call, request: openai_ask.LenientRequest, tokens: list[int]) -> Call:
    effort = request.reasoning_effort
    wish = request.response_format
    # A plain request, which is what benchmarks send, is not copied.
    if (
        request.tools is None
        and wish is None
        and effort is None
        and request.stop is None
        and call.prompt_tokens < MIN_CACHED
        and openai_ask.plain(request.messages)
    ):
        return call
    json_schema = wish.json_schema if isinstance(wish, openai_ask.SchemaFormat) else None
    return msgspec.structs.replace(
        call,
        tools=tuple(
            Tool(name=tool.function.name, schema=tool.function.parameters or {})
            for tool in request.tools or ()
        ),
        parallel=request.parallel_tool_calls is not False,
        stop=request.stops(),
        thinks=effort not in {None, "none"},
        json=isinstance(wish, openai_ask.ObjectFormat),
        schema=json_schema.schema if json_schema else None,
        images=tuple(_images(request)),
        documents=tuple(_documents(request)),
        prefix=prefix(request.messages[:-1], sum(tokens[:-1]), written=False),
    )


def _parts(request: openai_ask.LenientRequest) -> Iterator[openai_ask.Part]:
    for message in request.messages:
        yield from message.parts()


def _images(request: openai_ask.LenientRequest) -> Iterator[str]:
    for part in _parts(request):
        if isinstance(part, openai_ask.Image):
            yield _told(part.image_url.url)


def _documents(request: openai_ask.LenientRequest) -> Iterator[str]:
    for part in _parts(request):
        if isinstance(part, openai_ask.File):
            given = part.file
            told = _told(given.file_data) if given.file_data else given.file_id
            yield f"{given.filename}, {told}" if given.filename else told


def _told(url: str) -> str:
    inline = media.data_url(url)
    return media.named(inline[0], media.decoded(inline[1]) or b"") if inline else url
