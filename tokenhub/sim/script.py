"""What happens to each request: drawn from the profile's seed and the request's number alone.

Request n of a profile always meets the same fate: the same fault or none, the same delays, the
same words. Numbers are given in order of arrival, so one caller at a time sees one story.
"""

import math
from enum import IntEnum
from typing import Literal

import msgspec

from tokenhub.core import rng
from tokenhub.sim import tools
from tokenhub.sim.call import Call, Tool
from tokenhub.sim.fault import (
    NONE,
    AnyFault,
    Cut,
    Drip,
    Hang,
    Nonsense,
    Overflow,
    Overloaded,
    Reset,
    Slow,
    Status,
)
from tokenhub.sim.profile import Distribution, Faults, Latency, Lognormal, Model, Profile
from tokenhub.sim.words import Book, tokens_in

Finish = Literal["stop", "length", "tool"]
# Tokens of a tool call beside its arguments and name.
TOOL_TOKENS = 8
# Characters of tool arguments in one streamed piece.
ARGUMENT_PIECE = 8


class Counter(IntEnum):
    """Which draw of a request's own stream is for what. A normal takes two."""

    FAULT = 0
    FIRST_TOKEN = 1
    LENGTH = 3
    PLACE = 5
    ID = 6
    ARGUMENTS = 8


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One request and all that will happen to it.

    `pieces` are the answer's tokens, or the tool's arguments in pieces where `tool` is set.
    `body`, where set, is a whole answer that is no conversation: embeddings, a list of models.
    """

    id: str
    call: Call
    model: Model
    fault: AnyFault
    first_s: float
    gap_s: float
    pieces: list[str]
    completion_tokens: int
    finish: Finish
    tool: Tool | None = None
    body: bytes | None = None

    def whole_s(self) -> float:
        """When the answer is complete, from the request's arrival."""
        return self.first_s + self.gap_s * len(self.pieces)


class Script:
    """A profile made ready to play: its book of words, its faults laid out between 0 and 1."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._models = {model.id: model for model in profile.models}
        self._book = Book(profile.seed)
        self._odds = _odds(profile)

    def model(self, name: str) -> Model | None:
        return self._models.get(name)

    def id(self, number: int) -> str:
        """32 hex digits of request `number`, for the vendor's ids."""
        seed = rng.split(self.profile.seed, number)
        return f"{rng.draw(seed, Counter.ID):016x}{rng.draw(seed, Counter.ID + 1):016x}"

    def turn(self, call: Call, model: Model, number: int, fault: AnyFault | None = None) -> Turn:
        """The fate of request `number`; a given fault stands instead of the drawn one."""
        seed = rng.split(self.profile.seed, number)
        fault = self._fault(seed) if fault is None else fault
        tool = tools.chosen(call, self.profile.tools)
        latency = self.profile.latency if model.latency is msgspec.UNSET else model.latency
        pieces, finish, tokens = _tool_use(tool, seed) if tool else self._text(call, model, seed)
        return Turn(
            id=self.id(number),
            call=call,
            model=model,
            fault=fault,
            first_s=_first_s(latency, fault, seed),
            gap_s=1.0 / latency.tokens_per_s if latency.tokens_per_s else 0.0,
            pieces=pieces,
            completion_tokens=tokens,
            finish=finish,
            tool=tool,
        )

    def _fault(self, seed: int) -> AnyFault:
        if not self._odds:
            return NONE
        drawn = rng.uniform(seed, Counter.FAULT)
        return next((fault for limit, fault in self._odds if drawn < limit), NONE)

    def _text(self, call: Call, model: Model, seed: int) -> tuple[list[str], Finish, int]:
        wish = (
            self.profile.answer_tokens
            if model.answer_tokens is msgspec.UNSET
            else model.answer_tokens
        )
        wanted = max(1, round(_drawn(wish, seed, Counter.LENGTH)))
        # The context holds the answer too: a long prompt leaves less room for it.
        room = max(1, model.context_tokens - call.prompt_tokens)
        tokens = min(wanted, room, call.max_tokens or wanted)
        pieces = self._book.read(rng.draw(seed, Counter.PLACE), tokens)
        return pieces, "stop" if tokens == wanted else "length", tokens


def _odds(profile: Profile) -> tuple[tuple[float, AnyFault], ...]:
    """Each possible fault with the upper end of its share of [0, 1)."""
    rates = msgspec.structs.asdict(profile.faults)
    shares: list[tuple[float, AnyFault]] = []
    limit = 0.0
    for name, fault in _faults(profile).items():
        limit += rates[name]
        if rates[name]:
            shares.append((limit, fault))
    return tuple(shares)


def _faults(profile: Profile) -> dict[str, AnyFault]:
    """What each rate of the profile stands for, in the order of its fields."""
    retry_after = (("retry-after", str(profile.retry_after_s)),)
    kinds: tuple[AnyFault, ...] = (
        Status(status=429, headers=retry_after),
        Status(status=429),
        Status(status=500),
        Overloaded(),
        Overflow(),
        Nonsense(),
        Hang(),
        Reset(),
        Cut(how="reset"),
        Cut(how="closed"),
        Cut(how="ended"),
        Drip(),
    )
    return dict(zip(Faults.__struct_fields__, kinds, strict=True))


def _first_s(latency: Latency, fault: AnyFault, seed: int) -> float:
    if isinstance(fault, Slow):
        return fault.first_token_s
    return _drawn(latency.first_token_s, seed, Counter.FIRST_TOKEN)


def _drawn(distribution: Distribution, seed: int, counter: int) -> float:
    if isinstance(distribution, Lognormal):
        return distribution.median * math.exp(distribution.sigma * rng.normal(seed, counter))
    return distribution.value


def _tool_use(tool: Tool, seed: int) -> tuple[list[str], Finish, int]:
    text = tools.arguments(tool, rng.split(seed, Counter.ARGUMENTS))
    pieces = [text[at : at + ARGUMENT_PIECE] for at in range(0, len(text), ARGUMENT_PIECE)]
    return pieces, "tool", TOOL_TOKENS + tokens_in(len(tool.name) + len(text))
