"""Whether the estimates of a replay are right: logs out of a table in which the truth is known.

    python benchmarks/replay.py --data DIR [--logs N]

DIR holds `quality_cost.jsonl`: for each prompt the judged quality and the cost of every model. For
each row of a log one model is chosen, as by a policy that mostly takes its favourite, and only that
model's answer is kept. From the log alone the mean of every model is estimated, and held against
its mean over the whole table. Costs are predicted half too high, for the estimate to put right.
"""

import argparse
import json
from pathlib import Path
from random import Random
from statistics import fmean

from tokenhub.core.estimates import Estimate, Logged, Priced, costed, estimated

# What is shown for an estimate that was refused.
NONE = "-"


def table(folder: Path) -> list[dict[str, tuple[float, float]]]:
    """For each prompt the quality and the USD of every model."""
    lines = (folder / "quality_cost.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        {name: (float(one["quality"]), float(one["cost_usd"])) for name, one in row["arms"].items()}
        for row in rows
    ]


def a_log(
    rows: list[dict[str, tuple[float, float]]], draw: Random, chances: dict[str, float]
) -> list[tuple[dict[str, tuple[float, float]], str]]:
    """Prompts drawn with replacement, each with the model that was chosen for it."""
    names, weights = list(chances), list(chances.values())
    prompts = draw.choices(rows, k=len(rows))
    return list(zip(prompts, draw.choices(names, weights, k=len(rows)), strict=True))


def quality_of(
    log: list[tuple[dict[str, tuple[float, float]], str]],
    chances: dict[str, float],
    wanted: dict[str, float],
) -> Estimate:
    return estimated(
        [Logged(chosen, chances[chosen], wanted, row[chosen][0]) for row, chosen in log]
    )


def cost_of(
    log: list[tuple[dict[str, tuple[float, float]], str]],
    usual: dict[str, float],
    wanted: dict[str, float],
) -> Estimate:
    """Predicted from what a model's answers usually cost, as a router does that knows prices."""
    return costed([Priced(chosen, wanted, usual, row[chosen][1]) for row, chosen in log])


def tell_coverage(folder: Path, logs: int, explore: float = 0.2) -> None:
    """Print how right the estimates of so many logs are, each of another favourite.

    A log of the whole table that is mostly one model's says little of the others: so each is also
    cut to a third, where estimates are to be refused.
    """
    rows = table(folder)
    models = sorted(rows[0])
    truths = {name: fmean(row[name][0] for row in rows) for name in models}
    for size in (len(rows), len(rows) // 3):
        errors, held, refused = [], [], []
        for number in range(logs):
            favourite = models[number % len(models)]
            chances = {
                name: explore / len(models) + (1 - explore) * (name == favourite) for name in models
            }
            log = a_log(rows, Random(f"coverage {number}"), chances)[:size]
            for name in models:
                told = quality_of(log, chances, {name: 1.0})
                if told.mean is None or told.low is None or told.high is None:
                    refused.append(told.effective)
                    continue
                errors.append(abs(told.mean - truths[name]))
                held.append(told.low <= truths[name] <= told.high)
        print(
            f"replay of {logs} logs of {size} requests, {len(models)} policies each: mean error of "
            f"quality {fmean(errors):.4f}, the interval holds the truth in {fmean(held):.1%}; "
            f"{len(refused)} refused"
            + (f", at most {max(refused):.0f} effective" if refused else "")
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the table")
    parser.add_argument("--logs", type=int, default=200)
    parser.add_argument("--explore", type=float, default=0.2, help="how much is chosen at random")
    given = parser.parse_args()
    rows = table(given.data)
    models = sorted(rows[0])
    print(
        f"{len(rows)} prompts, {len(models)} models, {given.logs} logs; a favourite is taken for "
        f"{1 - given.explore:.0%}, any model for the rest"
    )
    print(f"{'favourite':>34} {'estimated':>34}  effective  truth  error  held   cost error  held")
    errors, held = [], []
    for favourite in models:
        chances = {
            name: given.explore / len(models) + (1 - given.explore) * (name == favourite)
            for name in models
        }
        for model in models:
            truth = fmean(row[model][0] for row in rows)
            usual = {name: fmean(row[name][1] for row in rows) for name in models}
            found, costs = [], []
            for seed in range(given.logs):
                log = a_log(rows, Random(f"{favourite} {seed}"), chances)
                found.append(quality_of(log, chances, {model: 1.0}))
                costs.append(cost_of(log, {n: c * 1.5 for n, c in usual.items()}, {model: 1.0}))
            told = [one for one in found if one.mean is not None]
            wrong = fmean(abs(one.mean - truth) for one in told) if told else 0.0
            right = fmean(one.low <= truth <= one.high for one in told) if told else 0.0
            off = fmean(abs(one.mean / usual[model] - 1) for one in costs)
            kept = fmean(one.low <= usual[model] <= one.high for one in costs)
            errors.append(wrong)
            held.append(right)
            print(
                f"{favourite:>34} {model:>34}  {fmean(o.effective for o in found):9.0f}  "
                f"{truth:.3f}  {wrong:.4f}  {right:4.0%}  {off:10.1%}  {kept:4.0%}"
            )
    print(
        f"quality: mean error {fmean(errors):.4f} (bar .015), largest {max(errors):.4f}; "
        f"intervals hold the truth in {fmean(held):.0%} (bar 90 %), at least {min(held):.0%}"
    )


if __name__ == "__main__":
    main()
