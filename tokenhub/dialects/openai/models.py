"""What each family of OpenAI's own models takes, as one table.

Its server answers a parameter that a model does not know with a 400, so that a request of another
vendor's caller would fail for good. Other servers (vLLM, routers, open models) pass over what they
do not know, so that every other name is read as taking everything.

Known as of 2026-01, from the vendor's API reference, its guide on reasoning, and the refusals that
its API is publicly known to give.
"""

import re

import msgspec

from tokenhub.core.talk import Effort

# From the least to the most.
LEVELS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_CLASSIC: tuple[Effort, ...] = ("low", "medium", "high")
# What a model does where it thinks as it sees fit, which 5.1 and later no longer do unasked.
AS_IT_SEES_FIT: Effort = "medium"


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What a model takes. `own` is whether it is one of OpenAI's own, at OpenAI's own server.

    `efforts` are the levels of `reasoning_effort`, none where it takes no such parameter, and None
    where any may be sent. `samples` is whether it takes `temperature` and `top_p`: always, never,
    or where it is told not to reason (`unreasoned`). `stops` is for `stop`, `parallel` for
    `parallel_tool_calls`.
    """

    own: bool = True
    efforts: tuple[Effort, ...] | None = ()
    samples: str = "always"
    stops: bool = True
    parallel: bool = True


_ANY = Model(own=False, efforts=None)
_CHATS = Model()
_REASONS = Model(efforts=_CLASSIC, samples="never", stops=False, parallel=False)
_FIVE = Model(efforts=("minimal", *_CLASSIC), samples="never", stops=False)
_FIVE_ONE = Model(efforts=("none", *_CLASSIC), samples="unreasoned", stops=False)
_LATER = Model(efforts=("none", *_CLASSIC, "xhigh"), samples="unreasoned", stops=False)
# The chat variants of the reasoning models think as they see fit, and cannot be told how much.
_FIVE_CHATS = Model(efforts=(), samples="never", stops=False)

# The first that matches counts. Names come with a date, a size or a variant behind them.
_FAMILIES: tuple[tuple[re.Pattern[str], Model], ...] = (
    # An open model, which others serve.
    (re.compile(r"gpt-oss"), _ANY),
    # Before effort was a parameter.
    (re.compile(r"o1-(mini|preview)"), Model(samples="never", parallel=False)),
    (re.compile(r"o1(-|$)"), Model(efforts=_CLASSIC, samples="never", parallel=False)),
    (re.compile(r"o[2-9](-|$)"), _REASONS),
    (re.compile(r"gpt-5-chat"), _CHATS),
    (re.compile(r"gpt-5\.\d+-chat"), _FIVE_CHATS),
    (re.compile(r"gpt-5(-|$)"), _FIVE),
    (re.compile(r"gpt-5\.1(-|$)"), _FIVE_ONE),
    (re.compile(r"gpt-([5-9]|\d\d)"), _LATER),
    (re.compile(r"gpt-|chatgpt-"), _CHATS),
)
# A router's name for the vendor, and the vendor's own for a model that was tuned for somebody.
_BEFORE = re.compile(r"(openai/)?(ft:)?")


def family(name: str) -> Model:
    """What the model of this name takes."""
    before = _BEFORE.match(name)
    bare = name[before.end() :] if before else name
    for pattern, found in _FAMILIES:
        if pattern.match(bare):
            return found
    return _ANY


def nearest(wanted: Effort, known: tuple[Effort, ...]) -> Effort:
    """The level that comes nearest, the lesser of two; `known` is not empty."""
    at = LEVELS.index(wanted)
    return min(known, key=lambda level: abs(LEVELS.index(level) - at))
