"""What the learning router makes of real, judged answers, beside its rivals.

    python benchmarks/routing.py --data DIR [--seeds 20] [--lambdas 10 20 50] [--logs 200]

DIR holds `quality_cost.jsonl`: prompts, and of each the judged quality and the cost of every
model. The router is the product's own: `decide` in mode `thompson`, with a price list in which
every model has the same price for what it writes, so that how dear it is must be found out; it
sees a prompt's text, by the rules of core/tasks.py, and nothing else of a row. Utility is quality
less lambda x cost; mu is 0, as the table has no latency. At the end logs are played out of the
table and replayed (benchmarks/replay.py): how far estimates are off, and how often an interval
holds the truth.
"""

import argparse
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median

import msgspec
from original import OriginalThompson
from replay import tell_coverage

from tokenhub.core.catalog import Catalog, Model, Provider
from tokenhub.core.decide import decide
from tokenhub.core.learning import Worth
from tokenhub.core.money import NANO
from tokenhub.core.policy import THOMPSON, Intent, Policy
from tokenhub.core.rewards import Quality
from tokenhub.core.rng import draw, split
from tokenhub.core.signals import UNMET, Signals, after_writing, signal
from tokenhub.core.tasks import task_of
from tokenhub.gateway.lessons import Lessons

# USD per million tokens written, of every model at the start.
PRICE = 1.0
DRIFT_AT, DRIFT_FOR = 700, 500
PRICE_CUT, QUALITY_LEFT = 50, 0.7
WINDOW, OFTEN, LATEST = 50, 30, (50, 60)
# Routes within so much of the best count as back: more than two models may be as good.
AS_GOOD = 0.03


class Row(msgspec.Struct, frozen=True):
    """A prompt, and what each model made of it."""

    task: str
    tokens: int
    quality: tuple[float, ...]
    cost_usd: tuple[float, ...]


class Table(msgspec.Struct, frozen=True):
    models: tuple[str, ...]
    rows: tuple[Row, ...]


class Learner:
    """The product's decisions over what it was told of its own choices."""

    def __init__(self, count: int, lambda_: float, seed: int) -> None:
        self._count, self._seed, self._step = count, seed, 0
        self._policy = Policy(
            mode=THOMPSON,
            max_budget_nusd=None,
            max_latency_s=120.0,
            min_weight=0,
            origin={},
            worth=Worth(lambda_, 0.0),
        )
        self._lessons = Lessons(lambda: float(self._step))
        self._written = {self._id(number): UNMET for number in range(count)}
        self._prices = [PRICE] * count
        self._catalog = self._priced()

    def announce(self, model: int, factor: float) -> None:
        """A new price, as an operator or the price list would set it."""
        self._prices[model] *= factor
        self._catalog = self._priced()

    def hide(self, model: int, *, hidden: bool) -> None:
        """Take a model out of the catalog, or put it in."""
        self._catalog = self._priced(without=model if hidden else None)

    def choose(self, row: Row) -> int:
        intent = Intent(
            policy=self._policy,
            hint="",
            substitute="any",
            input_tokens=row.tokens,
            output_tokens=512,
            reserved_tokens=0,
            task=row.task,
        )
        known = {name: signal(one, 0.0) for name, one in self._written.items()}
        seed = draw(split(self._seed, 1), self._step) >> 11
        chosen = decide(intent, self._catalog, Signals(known, arms=self._lessons), seed)
        return int(chosen.ranked[0].model.id)

    def learn(self, choice: int, row: Row) -> None:
        name = self._id(choice)
        tokens = row.cost_usd[choice] / self._prices[choice] * 1e6
        self._written[name] = after_writing(self._written[name], tokens, cut=False)
        self._lessons.called(name, failed=False)
        judged = Quality(
            request_id="",
            provider_id="p",
            model_id=str(choice),
            score=row.quality[choice],
            task=row.task,
            at=float(self._step),
        )
        self._lessons.judged(judged)
        self._step += 1

    def _id(self, number: int) -> str:
        return f"p/{number}"

    def _priced(self, without: int | None = None) -> Catalog:
        models = [
            Model(
                id=str(number),
                provider_id="p",
                weight=1,
                input_price=0,
                output_price=round(price * NANO),
            )
            for number, price in enumerate(self._prices)
            if number != without
        ]
        return Catalog.build(
            version=1, providers=[Provider(id="p", base_url="http://p.test")], models=models
        )


class Original:
    """The original's learning, which knows no lambda."""

    def __init__(self, count: int, _lambda: float, seed: int) -> None:
        self._it = OriginalThompson(count, random.Random(seed))

    def choose(self, row: Row) -> int:
        return self._it.choose(row.tokens)

    def learn(self, choice: int, row: Row) -> None:
        self._it.learn(choice, row.tokens, row.cost_usd[choice])


class Chance:
    """Any model, each as often as any other."""

    def __init__(self, count: int, _lambda: float, seed: int) -> None:
        self._noise, self._count = random.Random(seed), count

    def choose(self, _row: Row) -> int:
        return self._noise.randrange(self._count)

    def learn(self, _choice: int, _row: Row) -> None:
        """Nothing is learned."""


Player = Learner | Original | Chance


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    given.add_argument("--data", type=Path, required=True)
    given.add_argument("--seeds", type=int, default=20)
    given.add_argument("--lambdas", type=float, nargs="+", default=[10.0, 20.0, 50.0])
    given.add_argument("--first", type=int, default=0, help="the first seed")
    given.add_argument("--logs", type=int, default=200, help="logs to replay; 0 for none")
    asked = given.parse_args()
    table = read(asked.data / "quality_cost.jsonl")
    print(f"{len(table.rows)} prompts, {len(table.models)} models, {asked.seeds} seeds")
    for lambda_ in asked.lambdas:
        seeds = range(asked.first, asked.first + asked.seeds)
        _compare(table, lambda_, seeds)
        _drift(table, lambda_, seeds)
    if asked.logs:
        print()
        tell_coverage(asked.data, asked.logs)


def read(path: Path) -> Table:
    """The table of a file; the benchmark that a prompt is from is not looked at."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    models = tuple(found[0]["arms"])
    return Table(models, tuple([_row(one["prompt"], one["arms"], models) for one in found]))


def _row(prompt: str, arms: dict[str, dict[str, float]], models: Sequence[str]) -> Row:
    tokens = max(1, len(prompt) // 4)
    return Row(
        task=task_of(json.dumps(prompt).encode(), input_tokens=tokens),
        tokens=tokens,
        quality=tuple([arms[name]["quality"] for name in models]),
        cost_usd=tuple([arms[name]["cost_usd"] for name in models]),
    )


class Run(msgspec.Struct, frozen=True):
    """One pass: its mean utility and quality, USD per 1,000 requests, and the choices."""

    utility: float
    quality: float
    usd: float
    choices: list[int]


def played(player: Player, rows: Sequence[Row], lambda_: float) -> Run:
    choices = []
    for row in rows:
        choice = player.choose(row)
        player.learn(choice, row)
        choices.append(choice)
    return _run(rows, choices, lambda_)


def _run(rows: Sequence[Row], choices: list[int], lambda_: float) -> Run:
    quality = mean(row.quality[one] for row, one in zip(rows, choices, strict=True))
    cost = mean(row.cost_usd[one] for row, one in zip(rows, choices, strict=True))
    return Run(quality - lambda_ * cost, quality, 1000 * cost, choices)


def fixed(rows: Sequence[Row], model: int, lambda_: float) -> Run:
    return _run(rows, [model] * len(rows), lambda_)


def _best(rows: Sequence[Row], count: int, lambda_: float) -> Run:
    return max((fixed(rows, one, lambda_) for one in range(count)), key=lambda run: run.utility)


def _oracle(rows: Sequence[Row], lambda_: float) -> Run:
    choices = []
    for row in rows:
        values = [q - lambda_ * c for q, c in zip(row.quality, row.cost_usd, strict=True)]
        choices.append(values.index(max(values)))
    return _run(rows, choices, lambda_)


def _shuffled(table: Table, seed: int) -> list[Row]:
    rows = list(table.rows)
    random.Random(seed).shuffle(rows)
    return rows


def _compare(table: Table, lambda_: float, seeds: range) -> None:
    count = len(table.models)
    best = _best(table.rows, count, lambda_)
    print(f"\nlambda {lambda_:g}\n{'':34}  utility      +-   regret  quality  USD/1000")
    for number, name in enumerate(table.models):
        _line(f"always {name}", [fixed(table.rows, number, lambda_)], [best])
    _line("best fixed", [best], [best])
    _line("oracle", [_oracle(table.rows, lambda_)], [best])
    players: list[tuple[str, Callable[[int, float, int], Player]]] = [
        ("random", Chance),
        ("original Thompson", Original),
        ("learning", Learner),
    ]
    for name, player in players:
        colds, warms, fresh, rivals = [], [], [], []
        for seed in seeds:
            rows = _shuffled(table, seed)
            colds.append(played(player(count, lambda_, seed), rows, lambda_))
            half = len(rows) // 2
            taught = player(count, lambda_, seed)
            played(taught, rows[:half], lambda_)
            warms.append(played(taught, rows[half:], lambda_))
            fresh.append(played(player(count, lambda_, seed), rows[half:], lambda_))
            rivals.append(_best(rows[half:], count, lambda_))
        _line(f"{name}, cold", colds, [best] * len(seeds))
        _line(f"{name}, warm, second half", warms, rivals)
        _line(f"{name}, cold, second half", fresh, rivals)


def _line(name: str, runs: list[Run], rivals: list[Run]) -> None:
    utilities = [run.utility for run in runs]
    middle = mean(utilities)
    spread = (mean((one - middle) ** 2 for one in utilities)) ** 0.5
    regret = mean(rival.utility - run.utility for run, rival in zip(runs, rivals, strict=True))
    quality, usd = mean(run.quality for run in runs), mean(run.usd for run in runs)
    print(f"{name:34}  {middle:.4f}  {spread:.4f}  {regret:+.4f}    {quality:.4f}  {usd:8.3f}")


def _drift(table: Table, lambda_: float, seeds: range) -> None:
    """After how many requests each change was found: in 30 of the last 50 requests."""
    count = len(table.models)
    order = sorted(range(count), key=lambda one: -fixed(table.rows, one, lambda_).utility)
    # The dearest that is not chosen; the one that is; and it again, as a model that arrives.
    cut = max(order[1:], key=lambda one: fixed(table.rows, one, lambda_).usd)
    for name, change in (
        (f"price of {table.models[cut]} / {PRICE_CUT}", _PriceCut(cut)),
        (f"quality of {table.models[order[0]]} x {QUALITY_LEFT}", _Drop(order[0])),
        (f"{table.models[order[0]]} arrives", _Arrival(order[0])),
    ):
        runs = [_drifting(table, lambda_, seed, change) for seed in seeds]
        found = [run[0] for run in runs if run[0] is not None]
        late = f"{median(found):.0f} in the median, {max(found)} at worst" if found else "never"
        soon = [sum(one <= latest for one in found) for latest in LATEST]
        print(
            f"{name:40} found within {LATEST[0]}: {soon[0]}, within {LATEST[1]}: {soon[1]} of "
            f"{len(seeds)} ({late}); "
            f"then {mean(run[1] for run in runs):+.4f} of the best"
        )


class _PriceCut:
    def __init__(self, model: int) -> None:
        self.model = model

    def before(self, player: Learner) -> None:
        """All is as in the table."""

    def begun(self, player: Learner) -> None:
        player.announce(self.model, 1 / PRICE_CUT)

    def row(self, row: Row) -> Row:
        costs = list(row.cost_usd)
        costs[self.model] /= PRICE_CUT
        return msgspec.structs.replace(row, cost_usd=tuple(costs))

    def right(self, values: list[float]) -> set[int]:
        return {self.model} if values[self.model] == max(values) else _as_good(values)


class _Drop(_PriceCut):
    def begun(self, player: Learner) -> None:
        """Nobody tells."""

    def row(self, row: Row) -> Row:
        quality = list(row.quality)
        quality[self.model] *= QUALITY_LEFT
        return msgspec.structs.replace(row, quality=tuple(quality))

    def right(self, values: list[float]) -> set[int]:
        return _as_good(values)


class _Arrival(_PriceCut):
    def before(self, player: Learner) -> None:
        player.hide(self.model, hidden=True)

    def begun(self, player: Learner) -> None:
        player.hide(self.model, hidden=False)

    def row(self, row: Row) -> Row:
        return row


def _as_good(values: list[float]) -> set[int]:
    return {number for number, value in enumerate(values) if value >= max(values) - AS_GOOD}


def _drifting(
    table: Table, lambda_: float, seed: int, change: _PriceCut
) -> tuple[int | None, float]:
    """When the change was found, and the utility after it less that of the best model."""
    rows = _shuffled(table, 1000 + seed)
    at = min(DRIFT_AT, len(rows) // 2)
    player = Learner(len(table.models), lambda_, seed)
    change.before(player)
    played(player, rows[:at], lambda_)
    change.begun(player)
    rows = [change.row(row) for row in rows[at : at + DRIFT_FOR]]
    run = played(player, rows, lambda_)
    values = [fixed(rows, one, lambda_).utility for one in range(len(table.models))]
    right = change.right(values)
    found = None
    for step in range(len(rows)):
        last = run.choices[max(0, step + 1 - WINDOW) : step + 1]
        if sum(one in right for one in last) >= OFTEN:
            found = step + 1
            break
    return found, run.utility - max(values)


if __name__ == "__main__":
    main()
