"""What plans are made of: who is asked what, and what it came to.

A plan has no I/O and no clock. Whoever drives it runs the steps that `next` gives, at once or one
by one, tells of each how it ended, and asks again:

    next() ── steps ──► run them ──► answered(step, ...) or failed(step, ...) ──► next() ── Done

While steps that were given are still under way, `next` gives none.
"""

from typing import Protocol

import msgspec

# The original's bound (original-behaviour 1.11).
MAX_ITERATIONS = 10
MODES = ("planning", "adversarial", "vote", "refine")
# The modes that say nothing of how to route one request, so that they stand for a plan wherever
# plans are run. The other two are routing modes, too.
COMPOSED = ("vote", "refine")


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to answer a step: a model by its name, or the best by mode and least weight.

    With `alone`, no other model may take the place of the one named. With `named`, it is a model
    that the plan has met, and its name is no alias.
    """

    model: str = ""
    mode: str = ""
    min_weight: int = 0
    alone: bool = False
    named: bool = False


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller wants carried out. `iterations` 0 is the mode's own number.

    `mode` of a seat is empty where the caller chose none: each step then has its own.
    """

    mode: str = ""
    iterations: int = 0
    primary: Seat = Seat()
    review: Seat = Seat()
    plan_only: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a plan: the caller's own, with what `system` and `user` add to its turns.

    `final` says that its text may be the answer, and has to be of the caller's form. `schema` is
    the step's own, for a text that only the plan reads.
    """

    name: str
    seat: Seat
    system: str = ""
    user: str = ""
    final: bool = False
    schema: str = ""


class Sketch(msgspec.Struct, frozen=True, kw_only=True):
    """A step before it is known in words; its prompt will hold so many earlier answers."""

    seat: Seat
    answers: int = 0


class Single(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the caller's own request."""

    text: str


class Revised(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that was criticised and revised: the first, the last critique, and the best so far.

    `critique` is empty where none came. None for both where only a plan was wanted.
    """

    initial_plan: str
    critique: str | None = None
    refined_plan: str | None = None


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """One voter's answer."""

    model_id: str
    text: str


class Elected(msgspec.Struct, frozen=True, kw_only=True):
    """Several answers, and the place of the one that was chosen.

    `judge` is the model that chose, empty where nobody had to. `judge_error` tells why nobody
    could: the first answer stands then.
    """

    voices: tuple[Voice, ...]
    selected: int
    judge: str = ""
    judge_error: str = ""


class Refined(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that its model has gone over so many times as were wanted."""

    text: str
    iterations: int
    model_id: str


Result = Single | Revised | Elected | Refined


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The end. `result` is None where nothing came of it; `partial` where a step had failed."""

    result: Result | None
    reason: str = ""
    model_id: str = ""
    partial: bool = False


class Plan(Protocol):
    """A machine that is driven. Every step that it gave is to be told of, once."""

    def outline(self) -> tuple[Sketch, ...]:
        """The steps if none fails: as many as there will ever be."""
        ...

    def next(self) -> tuple[Step, ...] | Done:
        """The steps to run now, which may run at once."""
        ...

    def answered(self, step: Step, text: str, *, model_id: str) -> None: ...

    def failed(self, step: Step, error_class: str) -> None: ...
