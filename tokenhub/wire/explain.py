"""A request explained: its row, its decision, the same in words, and whether it can be verified."""

import msgspec

from tokenhub.wire.observe import Decision, RequestLog, Terms


class Setting(msgspec.Struct, kw_only=True):
    """One field of the policy: what it was, and where it came from."""

    field: str
    value: str
    origin: str


class Place(msgspec.Struct, kw_only=True):
    """Why a candidate stands at its rank.

    `parts` are its terms times the weights of the decision; the score is their sum, that of
    `weight` taken off.
    """

    rank: int
    route: str
    score: float
    parts: Terms
    why: str


class Reason(msgspec.Struct, kw_only=True):
    """Why a route was left out, with the numbers in words."""

    route: str
    why: str


class Explanation(msgspec.Struct, kw_only=True):
    """The decision in words for people. `happened` is one line for each call, and the end."""

    summary: str
    asked: str
    policy: list[Setting]
    candidates: list[Place]
    skipped: list[Reason]
    happened: list[str]
    notes: list[str]


class Explained(msgspec.Struct, kw_only=True):
    """A request, why it went where it went, and what came of it.

    With `?verify=true` the decision is computed again: `verified` is null where nobody can tell
    any more, and `reason` says why; `differences` name what came out otherwise.
    """

    request: RequestLog
    decision: Decision | None
    explanation: Explanation
    verified: bool | msgspec.UnsetType | None = msgspec.UNSET
    differences: list[str] | msgspec.UnsetType = msgspec.UNSET
    reason: str | msgspec.UnsetType = msgspec.UNSET
