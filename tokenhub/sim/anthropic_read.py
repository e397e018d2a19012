"""Anthropic's Messages and count_tokens requests, read into a Call."""

from collections.abc import Iterator, Sequence

import msgspec

from tokenhub.sim import anthropic_ask, anthropic_rules, media
from tokenhub.sim.call import MIN_CACHED, REPLY_TOKENS, Call, Prefix, Refused, Tool, prefix
from tokenhub.sim.decode import Wrong, decoded
from tokenhub.sim.words import tokens_in

_REQUEST = msgspec.json.Decoder(anthropic_ask.Request)
_PROMPT = msgspec.json.Decoder(anthropic_ask.Prompt)


def from_anthropic(body: bytes, *, system_turns: bool = False) -> Call:
    """The call in a Messages request. Raises Refused."""
    try:
        request = decoded(_REQUEST, body)
    except Wrong as wrong:
        raise _refusal(wrong) from wrong
    anthropic_rules.check(request, system_turns=system_turns)
    choice = request.tool_choice
    last = request.messages[-1]
    call = Call(
        model=request.model,
        prompt_tokens=_prompt_tokens(request),
        max_tokens=request.max_tokens,
        stream=request.stream,
        must_call=choice.type in {"any", "tool"},
        may_call=choice.type != "none" and not last.answers_tool(),
        named=choice.name,
        last=last.text(),
    )
    return _with_extras(call, request)


def from_count(body: bytes, *, system_turns: bool = False) -> tuple[str, int]:
    """Model and tokens of the prompt in a count_tokens request. Raises Refused."""
    try:
        prompt = decoded(_PROMPT, body)
    except Wrong as wrong:
        raise _refusal(wrong) from wrong
    anthropic_rules.check_prompt(prompt, system_turns=system_turns)
    return prompt.model, _prompt_tokens(prompt)


def _refusal(wrong: Wrong) -> Refused:
    path = wrong.path.replace("[", ".").replace("]", "")
    text = {"missing": "Field required", "unknown": "Extra inputs are not permitted"}
    return Refused(text.get(wrong.kind, wrong.text), param=path or None)


def _with_extras(call: Call, request: anthropic_ask.Request) -> Call:
    if (
        not request.tools
        and not request.stop_sequences
        and request.thinking is None
        and request.output_config.format is None
        and call.prompt_tokens < MIN_CACHED
        and anthropic_ask.plain(request.messages)
    ):
        return call
    wish = request.output_config.format
    return msgspec.structs.replace(
        call,
        tools=tuple(
            Tool(name=tool.name, schema=tool.input_schema or {})
            for tool in request.tools
            if tool.custom()
        ),
        parallel=not request.tool_choice.disable_parallel_tool_use,
        stop=tuple(request.stop_sequences),
        thinks=isinstance(request.thinking, anthropic_ask.Enabled | anthropic_ask.Adaptive),
        schema=wish.schema if wish else None,
        images=tuple(_images(request)),
        documents=tuple(_documents(request)),
        prefix=_marked_prefix(request),
    )


def _blocks(request: anthropic_ask.Request) -> Iterator[anthropic_ask.Block]:
    """Every block, those within a tool's result too."""
    for message in request.messages:
        for block in message.blocks():
            yield block
            if isinstance(block, anthropic_ask.ToolResult):
                yield from block.parts()


def _images(request: anthropic_ask.Request) -> Iterator[str]:
    for block in _blocks(request):
        if isinstance(block, anthropic_ask.Image):
            yield _sourced(block.source)


def _documents(request: anthropic_ask.Request) -> Iterator[str]:
    for block in _blocks(request):
        if isinstance(block, anthropic_ask.Document):
            told = _sourced(block.source)
            yield f"{block.title}, {told}" if block.title else told


def _sourced(source: object) -> str:
    match source:
        case anthropic_ask.Base64Source(media_type=kind, data=data):
            return media.named(kind, media.decoded(data) or b"")
        case anthropic_ask.TextSource(media_type=kind, data=data):
            return media.named(kind, data.encode("utf-8", "surrogatepass"))
        case anthropic_ask.UrlSource(url=url):
            return url
        case anthropic_ask.FileSource(file_id=id_):
            return id_
        case _:
            return "content blocks"


def _prompt_tokens(prompt: anthropic_ask.Prompt | anthropic_ask.Request) -> int:
    tokens = REPLY_TOKENS + sum([message.tokens() for message in prompt.messages])
    return tokens + _system_tokens(prompt.system)


def _system_tokens(system: str | list[anthropic_ask.Text]) -> int:
    if not system:
        return 0
    size = len(system) if isinstance(system, str) else sum([len(block.text) for block in system])
    return anthropic_ask.MESSAGE_TOKENS + tokens_in(size)


def _marked_prefix(request: anthropic_ask.Request) -> Prefix | None:
    """The prompt up to the last block that asks to be cached."""
    messages = request.messages
    places = [place for place, message in enumerate(messages) if _marked(message.blocks())]
    if request.cache_control is not None:
        places = [len(messages) - 1]
    system = request.system if isinstance(request.system, list) else ()
    if not (places or _marked(system) or any(tool.cache_control for tool in request.tools)):
        return None
    kept = messages[: places[-1] + 1] if places else ()
    tokens = _system_tokens(request.system) + sum([message.tokens() for message in kept])
    return prefix((request.tools, request.system, kept), tokens, written=True)


def _marked(blocks: Sequence[anthropic_ask.Block]) -> bool:
    return any(getattr(block, "cache_control", None) is not None for block in blocks)
