"""Anthropic's rules for the turns of a conversation: roles, tools and their results, thinking.

Consecutive messages of one role are one turn, as the vendor has it.
"""

import re
from collections.abc import Iterable, Sequence

from tokenhub.sim import media, sealed
from tokenhub.sim.anthropic_ask import (
    Base64Source,
    Block,
    Document,
    Image,
    Message,
    Redacted,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    UrlSource,
)
from tokenhub.sim.call import Refused

ID = re.compile(r"[a-zA-Z0-9_-]+\Z")
# Which blocks stand in only one side's messages.
SIDE: dict[type, str] = {
    Image: "user",
    Document: "user",
    ToolResult: "user",
    ToolUse: "assistant",
    Thinking: "assistant",
    Redacted: "assistant",
}
Placed = tuple[str, Block]


def check(messages: Sequence[Message], *, thinks: bool, system_turns: bool) -> None:
    """Raises Refused for turns that are out of order or hold what they may not."""
    plain = _plain(messages, system_turns=system_turns)
    if messages[0].role == "assistant":
        raise Refused('first message must use the "user" role', param="messages")
    last = messages[-1]
    if last.role == "assistant":
        text = last.text()
        if text != text.rstrip():
            raise Refused(
                "final assistant content cannot end with trailing whitespace", param="messages"
            )
    if plain:
        return
    turns = _turns(messages)
    _paired(turns)
    if thinks:
        _thought_before_tools(turns)


def _plain(messages: Sequence[Message], *, system_turns: bool) -> bool:
    """Whether all of it is mere text; each message by itself is checked on the way."""
    plain = True
    last = len(messages) - 1
    for place, message in enumerate(messages):
        if message.role == "system" and not system_turns:
            raise Refused(
                'Unexpected role "system". The Messages API accepts a top-level `system` '
                'parameter, not "system" as an input message role.',
                param="messages",
            )
        if not message.content and (place < last or message.role == "user"):
            raise Refused(
                "all messages must have non-empty content except for the optional final "
                "assistant message",
                param=f"messages.{place}",
            )
        if isinstance(message.content, list):
            plain = False
            for number, block in enumerate(message.content):
                _block(block, f"messages.{place}.content.{number}", message.role)
    return plain


def _block(block: Block, at: str, role: str) -> None:
    side = SIDE.get(type(block), role)
    name = block.__struct_config__.tag
    if side != role:
        where = at.partition(".content")[0]
        raise Refused(f"`{name}` blocks can only be in `{side}` messages", param=where)
    match block:
        case Text():
            _text(block)
        case Image() | Document():
            _media(block, f"{at}.{name}.source")
        case ToolResult(tool_use_id=id_):
            _id(id_, f"{at}.tool_result.tool_use_id")
            for number, part in enumerate(block.parts()):
                _block(part, f"{at}.tool_result.content.{number}", "user")
        case ToolUse(id=id_):
            _id(id_, f"{at}.tool_use.id")
        case Thinking() | Redacted():
            _thought(block, at)


def _thought(block: Thinking | Redacted, at: str) -> None:
    if isinstance(block, Redacted) and not sealed.known(block.data):
        raise Refused("Invalid `data` in `redacted_thinking` block", param=at)
    if isinstance(block, Thinking) and not sealed.signed(block.thinking, block.signature):
        raise Refused("Invalid `signature` in `thinking` block", param=at)


def _text(block: Text) -> None:
    if not block.text:
        raise Refused("text content blocks must be non-empty", param="messages")
    if not block.text.strip():
        raise Refused("text content blocks must contain non-whitespace text", param="messages")


def _id(id_: str, at: str) -> None:
    if not ID.match(id_):
        raise Refused("String should match pattern '^[a-zA-Z0-9_-]+$'", param=at)


def _media(block: Image | Document, at: str) -> None:
    source = block.source
    if isinstance(source, UrlSource) and not source.url.startswith("https://"):
        raise Refused("Only HTTPS URLs are supported.", param=f"{at}.url.url")
    if not isinstance(source, Base64Source):
        return
    allowed = media.IMAGES if isinstance(block, Image) else ("application/pdf",)
    if source.media_type not in allowed:
        raise Refused(
            f"Input should be {' or '.join([repr(name) for name in allowed])}",
            param=f"{at}.base64.media_type",
        )
    content = media.decoded(source.data)
    if content is None:
        raise Refused("invalid base64 data", param=f"{at}.base64")
    told = media.kind(content)
    if told and told != source.media_type:
        raise Refused(
            f"The file was specified using the {source.media_type} media type, but it appears "
            f"to be a {told} one",
            param=f"{at}.base64",
        )


def _turns(messages: Sequence[Message]) -> list[tuple[str, int, list[Placed]]]:
    """Role, place of the last message and blocks of each turn; text alone counts as a block."""
    turns: list[tuple[str, int, list[Placed]]] = []
    for place, message in enumerate(messages):
        if message.role == "system":
            continue
        blocks: Iterable[Block] = message.blocks() or (Text(text=message.text()),)
        placed = [(f"messages.{place}.content.{n}", block) for n, block in enumerate(blocks)]
        if turns and turns[-1][0] == message.role:
            turns[-1] = (message.role, place, turns[-1][2] + placed)
        else:
            turns.append((message.role, place, placed))
    return turns


def _paired(turns: Sequence[tuple[str, int, list[Placed]]]) -> None:
    """Every use of a tool is answered at the start of the next turn, and only these are."""
    asked: list[str] = []
    seen: set[str] = set()
    place = 0
    for role, until, placed in turns:
        if role == "user":
            _answered(asked, place, placed)
            asked = []
            continue
        asked = [block.id for _, block in placed if isinstance(block, ToolUse)]
        if len(asked) != len(set(asked)) or seen & set(asked):
            raise Refused("`tool_use` ids must be unique", param=f"messages.{until}")
        seen |= set(asked)
        place = until
    if asked:
        raise _unanswered(asked, place)


def _answered(asked: list[str], place: int, placed: list[Placed]) -> None:
    results = [(at, block) for at, block in placed if isinstance(block, ToolResult)]
    for at, result in results:
        if result.tool_use_id not in asked:
            raise Refused(
                f"unexpected `tool_use_id` found in `tool_result` blocks: {result.tool_use_id}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the "
                "previous message.",
                param=at,
            )
    ids = [result.tool_use_id for _, result in results]
    if twice := [id_ for id_ in asked if ids.count(id_) > 1]:
        raise Refused(
            "each tool_use must have a single result. Found multiple `tool_result` blocks with "
            f"id: {twice[0]}",
            param=results[0][0],
        )
    # Results that stand behind other blocks are no answer to the vendor.
    first = [block.tool_use_id for _, block in placed[: len(ids)] if isinstance(block, ToolResult)]
    if missing := [id_ for id_ in asked if id_ not in first]:
        raise _unanswered(missing, place)


def _unanswered(ids: list[str], place: int) -> Refused:
    return Refused(
        f"`tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(ids)}. Each `tool_use` block must have a corresponding `tool_result` block "
        "in the next message.",
        param=f"messages.{place}",
    )


def _thought_before_tools(turns: Sequence[tuple[str, int, list[Placed]]]) -> None:
    """With a budget, an unfinished round of tools must begin with its thinking."""
    if turns[-1][0] == "assistant":
        at, first = turns[-1][2][0]
    elif len(turns) > 1 and any(isinstance(block, ToolResult) for _, block in turns[-1][2]):
        at, first = turns[-2][2][0]
    else:
        return
    if not isinstance(first, Thinking | Redacted):
        raise Refused(
            f"Expected `thinking` or `redacted_thinking`, but found "
            f"`{first.__struct_config__.tag}`. When `thinking` is enabled, a final `assistant` "
            "message must start with a thinking block (preceeding the lastmost set of `tool_use` "
            "and `tool_result` blocks). To avoid this requirement, disable `thinking`.",
            param=f"{at}.type",
        )
