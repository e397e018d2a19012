"""What is known of how good an answer was: one judgement of one answer."""

import msgspec

# Who judged: the caller, an operator, a model, or a sign that costs nothing.
CALLER, OPERATOR, JUDGE = "caller", "operator", "judge"
SCHEMA, TOOL_CALL, RETRY = "schema", "tool_call", "retry"
SOURCES = frozenset({CALLER, OPERATOR, JUDGE, SCHEMA, TOOL_CALL, RETRY})


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """A `score` from 0 to 1 for the answer of one route.

    `weight` is how much it says, 1 for the word of somebody who read the answer and less for a
    mere sign. `task` is the class of the request, empty where it is not known. `at` is Unix
    seconds. `replaces` is the score that the same source gave the same answer before, with the
    same weight: this one stands in its place, and is none beside it.
    """

    request_id: str
    provider_id: str
    model_id: str
    score: float
    weight: float = 1.0
    source: str = CALLER
    task: str = ""
    at: float
    replaces: float | None = None
