"""How Anthropic's model is to think: what was wished for, as each generation takes it."""

import msgspec

from tokenhub.core.talk import Call, Effort, Sealed, Talk, Thinking
from tokenhub.dialects.anthropic.models import Model
from tokenhub.wire import anthropic as wire

# docs.anthropic.com, "Extended thinking": the least budget.
_LEAST_BUDGET = 1024
# Tokens to think for models that are told a budget and know no effort. With the default limit of
# an answer, all stay below the 32,000 tokens that the least of these models can give.
_BUDGETS: dict[Effort, int] = {
    "none": 0,
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16_384,
    "xhigh": 24_576,
    "max": 24_576,
}


class Thinks(msgspec.Struct, frozen=True, kw_only=True):
    """How the answer is to be thought about. `dropped` is whether not as it was wished for."""

    config: wire.ThinkingConfig | None = None
    effort: Effort | None = None
    dropped: bool = False

    @property
    def on(self) -> bool:
        return self.config is not None and self.config.type in {"enabled", "adaptive"}


def limit(talk: Talk, takes: Model, default: int) -> int:
    """The most tokens of the answer, the thinking among them.

    The caller's limit bounds what may be spent and is never raised; ours makes room for a budget,
    so that the effort is what decides and the answer keeps its own.
    """
    if talk.max_tokens is not None:
        return talk.max_tokens
    return default + (_budget(talk) if _is_budgeted(talk, takes) else 0)


def thinks(talk: Talk, takes: Model, *, limit: int, prefilled: bool) -> Thinks:
    """What to say of thinking. `prefilled`: the conversation ends with the assistant."""
    wished = _wished(talk, takes, limit)
    if not wished.on or not (prefilled or _forced(talk) or _unthought(talk)):
        return wished
    # The vendor refuses thinking where a tool is forced on the model, and where the turn that is
    # to go on began without it; the tools are what the caller's program depends on.
    return Thinks(effort=wished.effort, dropped=True)


def name(talk: Talk) -> str:
    """What the caller called it."""
    return "thinking" if talk.effort is None else "reasoning_effort"


def _wished(talk: Talk, takes: Model, limit: int) -> Thinks:
    if talk.thinks is None and talk.effort is None and talk.thinking_tokens is None:
        return Thinks()
    effort, lowered = _effort(talk, takes)
    if talk.thinks is False or talk.effort == "none":
        return _off(takes, effort)
    if takes.thinking == "none":
        return Thinks(dropped=True)
    if not _is_budgeted(talk, takes):
        config = wire.ThinkingConfig(type="adaptive") if talk.thinks else None
        return Thinks(config=config, effort=effort, dropped=lowered or bool(talk.thinking_tokens))
    # A named budget may take all but the last token; one that we chose leaves half to the answer.
    room = limit - 1 if talk.thinking_tokens or talk.max_tokens is None else limit // 2
    budget = min(_budget(talk), room)
    if budget < _LEAST_BUDGET:
        return Thinks(effort=effort, dropped=True)
    config = wire.ThinkingConfig(type="enabled", budget_tokens=budget)
    return Thinks(config=config, effort=effort, dropped=lowered)


def _off(takes: Model, effort: Effort | None) -> Thinks:
    if takes.thinking == "none" or takes.off == "silence":
        return Thinks(effort=effort)
    if takes.off == "never":
        return Thinks(effort=effort, dropped=True)
    return Thinks(config=wire.ThinkingConfig(type=takes.off), effort=effort)


def _is_budgeted(talk: Talk, takes: Model) -> bool:
    """Whether thinking is asked for by its budget: where nothing else says how much of it."""
    if talk.thinks is False or talk.effort == "none":
        return False
    if takes.thinking == "budget":
        return bool(talk.thinks or talk.thinking_tokens or (talk.effort and not takes.efforts))
    return takes.thinking == "both" and talk.thinking_tokens is not None


def _budget(talk: Talk) -> int:
    return talk.thinking_tokens or _BUDGETS[talk.effort or "medium"]


def _effort(talk: Talk, takes: Model) -> tuple[Effort | None, bool]:
    """The effort as the model knows it, and whether it is less than was asked for."""
    wished = talk.effort
    if wished is None or wished == "none" or not takes.efforts:
        return None, False
    if wished == "minimal":
        return "low", False
    return (wished, False) if wished in takes.efforts else (takes.efforts[-1], True)


def _forced(talk: Talk) -> bool:
    return bool(talk.tools) and talk.choice is not None and talk.choice.kind in {"any", "tool"}


def _unthought(talk: Talk) -> bool:
    """Whether the model is to go on from calls whose thinking did not come back."""
    for turn in reversed(talk.turns):
        if turn.role == "assistant":
            first = turn.parts[0] if turn.parts else None
            signed = isinstance(first, Thinking) and bool(first.signature)
            began = signed or isinstance(first, Sealed)
            return not began and any(isinstance(part, Call) for part in turn.parts)
    return False
