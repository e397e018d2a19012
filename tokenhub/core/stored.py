"""Decision records out of their stored JSON, those of older versions too.

A field that came later stands at the end of its struct and has a default, so most old records read
as new ones. One has another form: before the router learned by feedback, a route of mode `thompson`
was drawn from a Beta of what its cost, its time and its success had earned, and its sample had
three fields. It is kept as that, and nothing can be drawn from it any more.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from tokenhub.core.decide import Candidate, Record

_READ = msgspec.json.Decoder(Record)
_SAMPLE = Candidate.__struct_fields__.index("sample")


class Earned(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The two parameters of the Beta that a route was drawn from, and the draw."""

    alpha: float
    beta: float
    draw: float


class Earner(Candidate, frozen=True, gc=False, array_like=True, kw_only=True):
    """A candidate of such a record; it has no `sample`."""

    earned: Earned


_EARNED = len(Earned.__struct_fields__)


def record_of(written: bytes) -> Record:
    """The record. Raises msgspec.DecodeError where it is in no form that we know."""
    try:
        return _READ.decode(written)
    except msgspec.ValidationError:
        return _older(written)


def drawn_otherwise(record: Record) -> bool:
    """Whether its order was drawn by the rule of before, which is not here any more."""
    return any(isinstance(one, Earner) for one in record.candidates)


def _older(written: bytes) -> Record:
    fields = msgspec.json.decode(written, type=dict[str, Any])
    raw = msgspec.convert(fields.pop("candidates", []), list[list[Any]])
    candidates = tuple([_candidate(values) for values in raw])
    return replace(msgspec.convert({**fields, "candidates": []}, Record), candidates=candidates)


def _candidate(values: list[Any]) -> Candidate:
    sample = values[_SAMPLE] if len(values) > _SAMPLE else None
    if not isinstance(sample, list) or len(sample) != _EARNED:
        return msgspec.convert(values, Candidate)
    before, after = values[:_SAMPLE], values[_SAMPLE + 1 :]
    return msgspec.convert([*before, None, *after, sample], Earner)
