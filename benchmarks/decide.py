"""What a decision costs, alone: best of many rounds, in microseconds.

    python benchmarks/decide.py [--models 3 100 1000] [--rounds 200]

`greedy` ranks by score; `thompson` draws from the arm of every route and works out how probable
its choice was. Half of the routes have been tried before, each with another past: so no two arms
are alike, which is the dearest case.
"""

import argparse
import time
from collections.abc import Callable

from tokenhub.core.catalog import Catalog, Model, Provider
from tokenhub.core.decide import decide
from tokenhub.core.learning import Arm
from tokenhub.core.policy import Intent, Policy
from tokenhub.core.rng import uniform
from tokenhub.core.signals import Kept, Signal, Signals

# Issue 4: microseconds of a greedy decision at so many models.
TARGETS = {3: 30.0, 100: 150.0}
PROVIDERS = 4


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    given.add_argument("--models", type=int, nargs="+", default=[3, 100, 1000])
    given.add_argument("--rounds", type=int, default=200)
    asked = given.parse_args()
    print(f"{'models':>6}  {'greedy us':>10}  {'thompson us':>11}  target of greedy")
    for count in asked.models:
        catalog, signals = _world(count)
        times = {
            mode: _best_us(_deciding(mode, catalog, signals), asked.rounds)
            for mode in ("normal", "thompson")
        }
        target = TARGETS.get(count)
        held = "" if target is None else f"{target:.0f}: {_verdict(times['normal'], target)}"
        print(f"{count:>6}  {times['normal']:>10.1f}  {times['thompson']:>11.1f}  {held}")


def _world(count: int) -> tuple[Catalog, Signals]:
    providers = [Provider(id=f"p{n}", base_url="http://p.test") for n in range(PROVIDERS)]
    models = [
        Model(
            id=f"model-{n:04d}",
            provider_id=f"p{n % PROVIDERS}",
            weight=n % 11,
            max_context_tokens=128_000,
            input_price=1_000_000 + 977 * n,
            output_price=4_000_000 + 1_009 * n,
        )
        for n in range(count)
    ]
    catalog = Catalog.build(version=1, providers=providers, models=models)
    seen, arms = {}, {}
    for place, route in enumerate(catalog.routes):
        latency_s, failing = 0.2 + uniform(1, place), uniform(2, place) / 10
        seen[route.id] = Signal(latency_s, failing, 100 + place, written=1 + place)
        if place % 2:
            spread = 0.01 + 0.1 * uniform(3, place)
            arms[route.id] = Arm(0.7 + 0.2 * uniform(4, place), spread, spread**2, 0.01)
    return catalog, Signals(seen, arms=Kept(arms))


def _deciding(mode: str, catalog: Catalog, signals: Signals) -> Callable[[int], object]:
    policy = Policy(
        mode=mode,
        max_budget_nusd=50_000_000,
        max_latency_s=120.0,
        min_weight=0,
        origin={},
    )
    intent = Intent(
        policy=policy,
        hint="",
        substitute="any",
        input_tokens=1000,
        output_tokens=512,
        reserved_tokens=0,
    )
    return lambda seed: decide(intent, catalog, signals, seed)


def _best_us(call: Callable[[int], object], rounds: int) -> float:
    """The least of the rounds; each lasts some 2 ms, or one call where that is longer."""
    began = time.perf_counter()
    call(0)
    calls = max(1, int(0.002 / (time.perf_counter() - began)))
    best = float("inf")
    for number in range(rounds):
        began = time.perf_counter()
        for seed in range(calls):
            call(number * calls + seed)
        best = min(best, (time.perf_counter() - began) / calls)
    return best * 1e6


def _verdict(found_us: float, target_us: float) -> str:
    return "held" if found_us <= target_us else "missed"


if __name__ == "__main__":
    main()
