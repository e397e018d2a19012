"""What Anthropic refuses in a Messages request beyond its types, in the vendor's words."""

import re

from tokenhub.sim import anthropic_ask, anthropic_models, schemas
from tokenhub.sim.anthropic_ask import Choice, Enabled, Prompt, Request, SchemaFormat, Text, Tool
from tokenhub.sim.anthropic_turns import check as check_turns
from tokenhub.sim.call import Refused

MIN_BUDGET = 1024
MAX_CACHED = 4
MIN_TOP_P = 0.95
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")


def check(request: Request, *, system_turns: bool) -> None:
    """Raises Refused for what no model of the vendor would take, or this one would not."""
    if request.temperature is not None and not 0 <= request.temperature <= 1:
        raise Refused("range: 0..1", param="temperature")
    if request.top_p is not None and not 0 <= request.top_p <= 1:
        raise Refused("range: 0..1", param="top_p")
    if request.stop_sequences and not all(stop.strip() for stop in request.stop_sequences):
        raise Refused("each stop sequence must contain non-whitespace", param="stop_sequences")
    anthropic_models.check(request)
    if isinstance(request.thinking, Enabled):
        _thinking(request, request.thinking)
    check_prompt(request, system_turns=system_turns)


def check_prompt(prompt: Prompt | Request, *, system_turns: bool) -> None:
    """The same for what is only to be counted."""
    if prompt.tools or prompt.tool_choice.type != "auto":
        _tools(prompt.tools, prompt.tool_choice)
    if isinstance(prompt.output_config.format, SchemaFormat):
        why = schemas.anthropic(prompt.output_config.format.schema)
        if why:
            raise Refused(why, param="output_config.format.schema")
    if isinstance(prompt.system, list):
        _system(prompt.system)
    check_turns(
        prompt.messages,
        thinks=isinstance(prompt.thinking, Enabled),
        system_turns=system_turns,
    )
    plain = isinstance(prompt.system, str) and anthropic_ask.plain(prompt.messages)
    if not plain and (marked := _marked(prompt)) > MAX_CACHED:
        raise Refused(
            f"A maximum of {MAX_CACHED} blocks with cache_control may be provided. Found {marked}."
        )


def _thinking(request: Request, wish: Enabled) -> None:
    """What must hold beside a budget; adaptive thinking has none."""
    if wish.budget_tokens < MIN_BUDGET:
        raise Refused(
            f"Input should be greater than or equal to {MIN_BUDGET}",
            param="thinking.enabled.budget_tokens",
        )
    if wish.budget_tokens >= request.max_tokens:
        raise Refused("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if request.temperature not in {None, 1}:
        raise Refused("`temperature` may only be set to 1 when thinking is enabled.")
    if request.top_p is not None and request.top_p < MIN_TOP_P:
        raise Refused(
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled."
        )
    if request.top_k is not None:
        raise Refused("`top_k` must be unset when thinking is enabled.")
    if request.tool_choice.type in {"any", "tool"}:
        raise Refused("Thinking may not be enabled when tool_choice forces tool use.")


def _tools(tools: list[Tool], choice: Choice) -> None:
    if not tools:
        raise Refused(
            "tool_choice may only be specified while providing tools.", param="tool_choice"
        )
    for place, tool in enumerate(tools):
        if tool.custom():
            _custom(tool, f"tools.{place}.custom")
    names = [tool.name for tool in tools]
    if len(names) != len(set(names)):
        raise Refused("Tool names must be unique.", param="tools")
    if choice.type == "tool" and choice.name not in names:
        raise Refused(f"Tool '{choice.name}' not found in provided tools", param="tool_choice")


def _custom(tool: Tool, at: str) -> None:
    if not NAME.match(tool.name):
        raise Refused(
            "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"
            if tool.name
            else "Field required",
            param=f"{at}.name",
        )
    if tool.input_schema is None:
        raise Refused("Field required", param=f"{at}.input_schema")
    kind = tool.input_schema.get("type")
    if kind != "object":
        text = "Field required" if kind is None else "Input should be 'object'"
        raise Refused(text, param=f"{at}.input_schema.type")


def _system(blocks: list[Text]) -> None:
    if not all(block.text for block in blocks):
        raise Refused("text content blocks must be non-empty", param="system")


def _marked(prompt: Prompt | Request) -> int:
    """How many blocks ask to be cached."""
    marked = sum([tool.cache_control is not None for tool in prompt.tools])
    if isinstance(prompt.system, list):
        marked += sum([block.cache_control is not None for block in prompt.system])
    for message in prompt.messages:
        if not isinstance(message.content, str):
            marked += sum(
                [getattr(block, "cache_control", None) is not None for block in message.content]
            )
    return marked
