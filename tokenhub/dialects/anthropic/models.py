"""What each generation of Anthropic's models takes, and what it refuses with a 400.

Source: the vendor's pages on extended and adaptive thinking, effort, structured outputs and the
migration guides of each model, with the refusals that callers have published; as of November 2026.
A later version of a family takes what the last one in the table does. A name that is not in it (a
fine-tune, another vendor's server of this format) is let have everything: who refuses what is then
for the provider to say.
"""

import re
from typing import Literal

import msgspec

from tokenhub.core.talk import Effort

_ALL: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What a model takes.

    `thinking` is asked for with a budget, as adaptive, or in both ways. `off` is how it is left
    off: by saying so, by saying `between_tools` (the least of it), by silence, or never.
    `sampling` is how many of temperature and top_p it takes. `prefill` is whether a conversation
    may end with the assistant's own words. What it takes of a schema, `dialects.structured` knows.
    """

    thinking: Literal["none", "budget", "adaptive", "both"] = "both"
    off: Literal["disabled", "between_tools", "silence", "never"] = "disabled"
    efforts: tuple[Effort, ...] = _ALL
    sampling: Literal["none", "one", "both"] = "both"
    prefill: bool = True


UNKNOWN = Model()

_BY_ITSELF = Model(thinking="adaptive", sampling="none", prefill=False)
_ALWAYS = msgspec.structs.replace(_BY_ITSELF, off="never")
_BUDGETED = Model(thinking="budget", efforts=(), sampling="one")

# The first row counts whose family is that of the model ("" is any) and whose version is not later.
_TABLE: tuple[tuple[str, tuple[int, int], Model], ...] = (
    ("fable", (0, 0), _ALWAYS),
    ("mythos", (0, 0), _ALWAYS),
    ("sonnet", (5, 5), msgspec.structs.replace(_BY_ITSELF, off="between_tools")),
    ("opus", (5, 5), _ALWAYS),
    ("", (5, 0), _BY_ITSELF),
    ("", (4, 7), msgspec.structs.replace(_BY_ITSELF, off="silence")),
    ("", (4, 6), Model(efforts=("low", "medium", "high", "max"), sampling="one", prefill=False)),
    ("opus", (4, 5), msgspec.structs.replace(_BUDGETED, efforts=("low", "medium", "high"))),
    ("", (4, 1), _BUDGETED),
    ("", (3, 7), msgspec.structs.replace(_BUDGETED, sampling="both")),
    ("", (0, 0), Model(thinking="none", efforts=())),
)
# `claude-opus-4-5-20251101`, `claude-3-5-haiku`, `us.anthropic.claude-opus-4-6-v1`: the family
# stands before the version or behind it, and a date is none.
_NAME = re.compile(
    r"claude-(?:(opus|sonnet|haiku|instant|fable|mythos)-)?v?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)"
    r"(?:-(opus|sonnet|haiku))?"
)
_UNVERSIONED = re.compile(r"claude-(fable|mythos)\b")


def model(model_id: str) -> Model:
    """What the model of this name takes."""
    name = model_id.lower()
    if named := _NAME.search(name):
        family, version = named[1] or named[4] or "", (int(named[2]), int(named[3] or 0))
        # Since its fourth generation, all of the vendor's own names have a family.
        return _of(family, version) if family or version < (4, 0) else UNKNOWN
    if named := _UNVERSIONED.search(name):
        return _of(named[1], (0, 0))
    return UNKNOWN


def _of(family: str, version: tuple[int, int]) -> Model:
    return next(
        takes for known, since, takes in _TABLE if known in {"", family} and version >= since
    )
