"""What requests came to, counted by time and by who: the cells that stats and charts are made of.

    slot   a stretch of time, SLOT_S long or that of a roll-up (levels.py)
    cell   the counts of one slot under one set of labels
    cut    which labels; each request is counted once in every cut of CUTS

A cell of all labels at once would have to be looked at for every question, and there may be
thousands in a slot. A cut has few, and a question reads the smallest that knows its labels. A
request counts when it has ended, with its route, or with the one that was asked last where nobody
answered; tokens and money count with the route of the attempt that used them. So each cut has the
same sums, whatever its labels.
"""

import operator
from collections.abc import Iterable, Mapping
from itertools import repeat, starmap

import msgspec

from tokenhub.core.outcome import Outcome
from tokenhub.core.sketch import Sketch, packed, sketch_of, unpacked

SLOT_S = 10
# The cells of one cut in one slot that are kept: beyond it the smallest become OTHER, and sums stay
# right. While a slot is counted it has those of all labels together, so there may be more of them.
MOST = 500
MOST_LIVE = 4_000
OTHER = "(other)"

# What a cell counts, by its place in `Cell.sums`. Times are microseconds.
REQUESTS, ERRORS, INPUT, OUTPUT, COST, UNPRICED, LATENCY, FIRSTS, FIRST, SKIPS = range(10)
WIDTH = 10
_MICRO = 1_000_000

Labels = tuple[str, ...]
MODEL, PROVIDER, KEY, MODE, STATUS, ERROR_CLASS, REASON = (
    "model", "provider", "key", "mode", "status", "error_class", "reason",
)  # fmt: skip
# What a request is known by, in this order, until it is written down.
LABELS = (MODEL, PROVIDER, KEY, MODE, STATUS, ERROR_CLASS)
_SKIPS = (MODEL, PROVIDER, REASON)
# The smallest first. Status and error class follow from each other, and stand together.
CUTS: Mapping[str, tuple[str, ...]] = {
    "modes": (MODE,),
    "routes": (MODEL, PROVIDER),
    "keys": (KEY,),
    "ends_of_modes": (MODE, STATUS, ERROR_CLASS),
    "ends_of_routes": (MODEL, PROVIDER, STATUS, ERROR_CLASS),
    "ends_of_keys": (KEY, STATUS, ERROR_CLASS),
    "uses": (MODE, MODEL, PROVIDER),
    "callers": (KEY, MODEL, PROVIDER),
    "skips": _SKIPS,
}
_PICKED = {
    name: tuple(LABELS.index(label) for label in labels)
    for name, labels in CUTS.items()
    if labels != _SKIPS
}


class Cell(msgspec.Struct, gc=False):
    """Counts under one set of labels; `latencies` and `firsts` are of seconds.

    `latencies` are of all requests, `firsts` of the streams that began: the time until there was
    something to read.
    """

    sums: list[int]
    latencies: Sketch = 0
    firsts: Sketch = 0


Cells = dict[Labels, Cell]


def empty() -> Cell:
    """A cell that has counted nothing."""
    return Cell([0] * WIDTH)


def add(into: Cell, other: Cell) -> None:
    """Count what another cell has counted, too."""
    into.sums[:] = map(operator.add, into.sums, other.sums)
    into.latencies += other.latencies
    into.firsts += other.firsts


def put(cells: Cells, labels: Labels, cell: Cell) -> None:
    """Add a cell to those that are there; it may be changed later."""
    there = cells.get(labels)
    if there is None:
        there = cells[labels] = empty()
    add(there, cell)


class Slot(msgspec.Struct):
    """What ended in one stretch of SLOT_S: requests by LABELS, skipped routes by theirs."""

    requests: Cells
    skips: dict[Labels, int]

    def count(self, outcome: Outcome) -> None:
        """Count a request with all its attempts."""
        attempts = outcome.attempts
        model, provider = outcome.model_id, outcome.provider_id
        if attempts and not model:
            model, provider = attempts[-1].model_id, attempts[-1].provider_id
        told = (outcome.key_id, outcome.mode, str(outcome.status), outcome.error_class)
        cell = self._cell((model, provider, *told))
        sums, latency_s, first_s = cell.sums, outcome.latency_s, outcome.first_token_s
        sums[REQUESTS] += 1
        sums[LATENCY] += round(latency_s * _MICRO)
        cell.latencies += sketch_of(latency_s)
        if outcome.error_class:
            sums[ERRORS] += 1
        if first_s:
            sums[FIRSTS] += 1
            sums[FIRST] += round(first_s * _MICRO)
            cell.firsts += sketch_of(first_s)
        for attempt in attempts:
            if attempt.model_id != model or attempt.provider_id != provider:
                sums = self._cell((attempt.model_id, attempt.provider_id, *told)).sums
            else:
                sums = cell.sums
            sums[INPUT] += attempt.input_tokens
            sums[OUTPUT] += attempt.output_tokens
            if attempt.cost_nusd is None:
                sums[UNPRICED] += 1
            else:
                sums[COST] += attempt.cost_nusd
        for route, reason in outcome.skipped:
            provider, _, model = route.partition("/")
            self._skip((model, provider, reason))

    def add(self, other: "Slot") -> None:
        """Count what another slot has counted, too."""
        for labels, cell in other.requests.items():
            add(self._cell(labels), cell)
        for skip, count in other.skips.items():
            self._skip(skip, count)

    def _skip(self, skip: Labels, count: int = 1) -> None:
        if skip not in self.skips and len(self.skips) >= MOST:
            skip = (OTHER, OTHER, skip[2])
        self.skips[skip] = self.skips.get(skip, 0) + count

    def _cell(self, labels: Labels) -> Cell:
        cell = self.requests.get(labels)
        if cell is None:
            if len(self.requests) >= MOST_LIVE:
                # Keys are what there may be thousands of; names of all kinds only by mischief.
                kept = (
                    (*labels[:2], OTHER, *labels[3:]) if len(self.requests) < 2 * MOST_LIVE else ()
                )
                labels = kept or (OTHER,) * len(LABELS)
                if (cell := self.requests.get(labels)) is not None:
                    return cell
            cell = self.requests[labels] = empty()
        return cell

    def cut(self, name: str) -> Cells:
        """The cells of a cut."""
        cells: Cells = {}
        if name not in _PICKED:
            for skip, count in self.skips.items():
                cells[skip] = empty()
                cells[skip].sums[SKIPS] = count
            return cells
        places = _PICKED[name]
        for labels, cell in self.requests.items():
            put(cells, tuple([labels[place] for place in places]), cell)
        return cells


def slot() -> Slot:
    """A slot in which nothing has ended yet."""
    return Slot({}, {})


def ended_at(outcome: Outcome) -> int:
    """The slot that a request counts in, by the Unix second at which it begins."""
    return int(outcome.at + outcome.latency_s) // SLOT_S * SLOT_S


def bounded(cells: Cells, most: int = MOST) -> Cells:
    """No more cells than so many: those with the fewest requests become one."""
    if len(cells) <= most:
        return cells
    ranked = sorted(cells, key=lambda labels: (-_rank(cells[labels]), labels))
    kept = {labels: cells[labels] for labels in ranked[: most - 1]}
    rest, other = empty(), (OTHER,) * len(ranked[0])
    for labels in ranked[most - 1 :]:
        add(rest, cells[labels])
    if other in kept:
        add(rest, kept[other])
    kept[other] = rest
    return kept


def _rank(cell: Cell) -> int:
    return cell.sums[REQUESTS] + cell.sums[SKIPS]


# --- as they are written down: the sums, and the sketches beside them, which few questions need

_encoder = msgspec.msgpack.Encoder()
_sums = msgspec.msgpack.Decoder(list[tuple[tuple[str, ...], list[int]]])
_sketches = msgspec.msgpack.Decoder(list[tuple[int, int, bytes]])


class Encoded(msgspec.Struct, frozen=True):
    """Cells as bytes; what was not read is empty."""

    sums: bytes
    latencies: bytes = b""
    firsts: bytes = b""


def encoded(cells: Cells) -> Encoded:
    """The cells as bytes."""
    every = cells.values()
    return Encoded(
        _encoder.encode([(labels, cell.sums) for labels, cell in cells.items()]),
        _encoder.encode([packed(cell.latencies) for cell in every]),
        _encoder.encode([packed(cell.firsts) for cell in every]),
    )


def decoded(found: Encoded) -> Iterable[tuple[Labels, Cell]]:
    """The cells again; those without the sketches that were not read."""
    rows = _sums.decode(found.sums)
    latencies, firsts = _unpacked(found.latencies), _unpacked(found.firsts)
    for (labels, sums), latency, first in zip(rows, latencies, firsts, strict=False):
        yield labels, Cell(sums, latency, first)


def _unpacked(content: bytes) -> Iterable[Sketch]:
    if not content:
        return repeat(0)
    return starmap(unpacked, _sketches.decode(content))
