"""What happens to each request: drawn from the profile's seed and the request's number alone.

Request n of a profile always meets the same fate: the same fault or none, the same delays, the
same words. Numbers are given in order of arrival, so one caller at a time sees one story.
"""

import math
from enum import IntEnum

import msgspec

from tokenhub.core import rng
from tokenhub.sim import tools
from tokenhub.sim.answer import Answer, Finish, Part, Say, Spent
from tokenhub.sim.call import Call
from tokenhub.sim.compose import Draws, plain, scripted, shaped
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
from tokenhub.sim.words import Book


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

    `body`, where set, is a whole answer that is no conversation: embeddings, a list of models.
    """

    id: str
    call: Call
    model: Model
    fault: AnyFault
    first_s: float
    gap_s: float
    parts: tuple[Part, ...]
    spent: Spent
    finish: Finish
    stop: str = ""
    body: bytes | None = None

    def whole_s(self) -> float:
        """When the answer is complete, from the request's arrival."""
        if not self.gap_s:
            return self.first_s
        return self.first_s + self.gap_s * sum([len(part.pieces) for part in self.parts])


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
        return _id(rng.split(self.profile.seed, number))

    def turn(
        self,
        call: Call,
        model: Model,
        number: int,
        fault: AnyFault | None = None,
        *,
        say: Say | None = None,
        cached: tuple[int, int] = (0, 0),
    ) -> Turn:
        """The fate of request `number`; a given fault stands instead of the drawn one.

        `cached` are the tokens read from the prompt cache and those written to it.
        """
        seed = rng.split(self.profile.seed, number)
        fault = self._fault(seed) if fault is None else fault
        latency = self.profile.latency if model.latency is msgspec.UNSET else model.latency
        id_ = _id(seed)
        answer = self._composed(call, model, seed, id_) if say is None else scripted(say, call, id_)
        return Turn(
            id=id_,
            call=call,
            model=model,
            fault=fault,
            first_s=_first_s(latency, fault, seed),
            gap_s=1.0 / latency.tokens_per_s if latency.tokens_per_s else 0.0,
            parts=answer.parts,
            spent=say.spent
            if say is not None and say.spent is not None
            else Spent(call.prompt_tokens, answer.tokens, answer.reasoning, *cached),
            finish=answer.finish,
            stop=answer.stop,
        )

    def _fault(self, seed: int) -> AnyFault:
        if not self._odds:
            return NONE
        drawn = rng.uniform(seed, Counter.FAULT)
        return next((fault for limit, fault in self._odds if drawn < limit), NONE)

    def _composed(self, call: Call, model: Model, seed: int, id_: str) -> Answer:
        wish = (
            self.profile.answer_tokens
            if model.answer_tokens is msgspec.UNSET
            else model.answer_tokens
        )
        wanted = max(1, round(_drawn(wish, seed, Counter.LENGTH)))
        # The context holds the answer too: a long prompt leaves less room for it.
        room = max(1, model.context_tokens - call.prompt_tokens)
        place = rng.draw(seed, Counter.PLACE)
        if plain(call):
            tokens = min(wanted, room, call.max_tokens or wanted)
            text = Part("text", self._book.read(place, tokens))
            return Answer((text,), "stop" if tokens == wanted else "length", tokens)
        own = rng.split(seed, Counter.ARGUMENTS)
        draws = Draws(id=id_, tokens=wanted, room=room, place=place, seed=own)
        return shaped(call, self._book, draws, tools.called(call, self.profile.tools))


def _id(seed: int) -> str:
    return f"{rng.draw(seed, Counter.ID):016x}{rng.draw(seed, Counter.ID + 1):016x}"


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
