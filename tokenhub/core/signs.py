"""Signs of how good an answer was that cost nothing, and how little each of them says.

A sign that nothing is wrong is what is expected: most bad answers have it too, so that it says
next to nothing. A sign that something is wrong says more, and never as much as one who has read
the answer. The weights are parts of such a reader's.
"""

import msgspec

from tokenhub.core.rewards import RETRY, SCHEMA, TOOL_CALL

# The code of an answer that did not fit its schema, the second try included.
SCHEMA_FAILED = "output_schema_failed"
# Of a model that read request and answer, and was not there when the answer was used.
JUDGED_WEIGHT = 0.5


class Sign(msgspec.Struct, frozen=True):
    """A source of `core.rewards`, its score, and its weight beside a reader's 1."""

    source: str
    score: float
    weight: float


FITTED = Sign(SCHEMA, 1.0, 0.05)
# The caller had a good answer in the end, and paid for two.
MENDED = Sign(SCHEMA, 0.5, 0.2)
MISFIT = Sign(SCHEMA, 0.0, 0.3)
CALLED = Sign(TOOL_CALL, 1.0, 0.05)
MISCALLED = Sign(TOOL_CALL, 0.0, 0.3)
# Whoever asks the same again may only want another one.
ASKED_AGAIN = Sign(RETRY, 0.0, 0.1)


def of_schema(*, error_class: str, mended: bool) -> Sign | None:
    """What the check of an answer's schema says; None for a request that failed otherwise."""
    if error_class:
        return MISFIT if error_class == SCHEMA_FAILED else None
    return MENDED if mended else FITTED


def of_calls(well: bool | None) -> Sign | None:  # noqa: FBT001 - the one thing that it is about
    """What an answer's calls of tools say: whether all can be carried out; None without any."""
    if well is None:
        return None
    return CALLED if well else MISCALLED
