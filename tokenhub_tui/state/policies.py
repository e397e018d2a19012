"""The question that the simulator asks, and how each of its fields is written and changed."""

from collections.abc import Callable, Mapping
from string import ascii_uppercase
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import replace

from tokenhub.client.text import usd
from tokenhub.wire.native import PolicyIn
from tokenhub.wire.observe import Terms
from tokenhub.wire.simulate import Simulation

LETTERS = ascii_uppercase
# The server compares so many at once.
MOST = 16
# Empty is the server's own default; the others are those that route one request.
MODES = ("", "cheap", "normal", "high_confidence", "planning", "adversarial", "thompson")
THOMPSON = "thompson"
TERMS = ("cost", "latency", "failure", "weight")
# The fields of the request stand in one line, those of a policy below each other.
ASKED = ("tokens", "answer", "hint", "seed", "last")
OF_POLICY = ("mode", "budget", "latency", "min weight", "weights")
HINTS: Mapping[str, str] = MappingProxyType(
    {
        "tokens": "Tokens of the prompt.",
        "answer": "Tokens of the answer; empty is what each model usually writes.",
        "hint": "The model or alias that the request names; empty for any.",
        "seed": "Draws and ties follow from it: the same seed, the same answer.",
        "last": "So many of the newest logged requests are replayed by p.",
        "mode": f"One of {', '.join(MODES[1:])}; empty is the server's. Arrows up and down choose.",
        "budget": "Most that a request may cost, in USD, up to 100; empty is the default.",
        "latency": "Longest that it may take: 5000, 5000ms or 5s, up to 300 s; empty: the default.",
        "min weight": "Models of a lower weight are left out, 0 to 10; empty is the default.",
        "weights": "Cost, latency, failure and weight, in any proportions: 3 2 1 4. Empty: mode's.",
    }
)


class Wrong(ValueError):
    """What is written is none of what the field takes; the message says what it does."""


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """A question with its policies, and how many of the newest logged requests a replay takes."""

    question: Simulation
    last: int = 200

    @property
    def policies(self) -> list[PolicyIn]:
        """Those that are compared, one at least."""
        return self.question.policies or [PolicyIn()]

    def having(self, policies: list[PolicyIn]) -> "Bench":
        """The same with other policies."""
        return replace(self, question=replace(self.question, policies=policies))


def usual() -> Bench:
    """The server's default against three ways to choose."""
    modes = (None, "cheap", "high_confidence", "thompson")
    return Bench(question=Simulation(token_count=500, policies=[PolicyIn(mode) for mode in modes]))


def taken(given: Simulation) -> Bench:
    """The question of a request that was made: A is its own policy, the others choose otherwise."""
    first = PolicyIn(
        given.mode, given.max_budget_usd, given.max_latency_ms, given.min_weight, given.weights
    )
    own = given.policies or [first]
    modes = {one.mode for one in own}
    others = [
        replace(first, mode=mode, min_weight=None, weights=None)
        for mode in ("cheap", "high_confidence", "thompson")
        if mode not in modes
    ]
    question = replace(
        given, mode=None, max_budget_usd=None, max_latency_ms=None, min_weight=None, weights=None,
        policies=[*own, *others][:MOST],
    )  # fmt: skip
    return Bench(question=question)


# --- What stands in a field, and what is written into it ---


def written(bench: Bench, field: str, column: int) -> str:
    """What stands in a field, as it is edited."""
    asked, policy = bench.question, bench.policies[column]
    weights = policy.weights
    values: dict[str, object] = {
        "tokens": asked.token_count or 500,
        "answer": asked.output_tokens,
        "hint": asked.model_hint,
        "seed": asked.seed,
        "last": bench.last,
        "mode": policy.mode,
        "budget": policy.max_budget_usd,
        "latency": policy.max_latency_ms,
        "min weight": policy.min_weight,
        "weights": weights and " ".join(f"{weights.get(term, 0):g}" for term in TERMS),
    }
    value = values[field]
    return "" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)


def changed(bench: Bench, field: str, column: int, text: str) -> Bench:
    """The bench with another text in a field. Raises Wrong."""
    text = text.strip()
    if field == "last":
        return replace(bench, last=_whole(text, 1, 50_000))
    if field in ASKED:
        name, read = _ASKED[field]
        return replace(bench, question=replace(bench.question, **{name: read(text)}))
    name, read = _POLICY[field]
    several = list(bench.policies)
    several[column] = _with(several[column], name, read(text) if text else None)
    return bench.having(several)


def stepped(bench: Bench, field: str, column: int, *, by: int, now: float | None = None) -> Bench:
    """The bench with a field a step up or down; `now` is what counts where it says nothing."""
    text = written(bench, field, column)
    if field == "mode":
        at = MODES.index(text) if text in MODES else 0
        return changed(bench, field, column, MODES[(at + by) % len(MODES)])
    if field in {"hint", "weights"}:
        return bench
    value = float(text) if text else now
    if value is None:
        return bench
    if field in {"seed", "min weight"}:
        most = 10 if field == "min weight" else 2**53 - 1
        return changed(bench, field, column, str(int(max(0, min(most, value + by)))))
    return changed(bench, field, column, f"{_bounded(field, rung(value, by)):.12g}")


def rung(value: float, by: int) -> float:
    """The next of 1, 2, 5, 10, 20 ... above or below."""
    rungs = [step * 10.0**power for power in range(-6, 7) for step in (1, 2, 5)]
    if by > 0:
        return next((one for one in rungs if one > value * 1.0001), rungs[-1])
    return next((one for one in reversed(rungs) if one < value * 0.9999), rungs[0])


def shares(weights: Mapping[str, float]) -> str:
    """Weights as parts of their sum: `cost 30% · latency 20% · failure 10% · weight 40%`."""
    total = sum(weights.values()) or 1.0
    return " · ".join(f"{term} {weights.get(term, 0) / total:.0%}" for term in TERMS)


def short(weights: Mapping[str, float] | Terms) -> str:
    """The same in the order of TERMS alone: `30 20 10 40 %`."""
    given = msgspec.structs.asdict(weights) if isinstance(weights, Terms) else weights
    total = sum(given.values()) or 1.0
    return " ".join(f"{given.get(term, 0) / total * 100:.0f}" for term in TERMS) + " %"


def command(bench: Bench) -> str:
    """The line of tokenhubctl that asks the same."""
    asked = bench.question
    given = {
        "token_count": asked.token_count or 500,
        "policies": [_said(it) for it in bench.policies],
    }
    given |= {
        name: value
        for name in ("output_tokens", "max_tokens", "model_hint", "models", "seed", "api_key_id")
        if (value := getattr(asked, name))
    }
    if asked.substitute != "any":
        given["substitute"] = asked.substitute
    json = msgspec.json.encode(given).decode().replace("'", "\\u0027")
    return f"tokenhubctl simulate '{json}'"


def _said(policy: PolicyIn) -> dict[str, Any]:
    return {
        name: value for name, value in msgspec.structs.asdict(policy).items() if value is not None
    }


def _with(policy: PolicyIn, name: str, value: object) -> PolicyIn:
    return replace(policy, **{name: value})


def _bounded(field: str, value: float) -> float:
    most = {"budget": 100.0, "latency": 300_000.0, "last": 50_000.0}.get(field, 10_000_000.0)
    return min(most, value if field == "budget" else max(1.0, value))


def _whole(text: str, least: int, most: int) -> int:
    try:
        value = int(text.replace(" ", "").replace("_", "").replace(",", ""))
    except ValueError:
        raise Wrong(f"a whole number, {least:,} to {most:,}") from None
    if not least <= value <= most:
        raise Wrong(f"{least:,} to {most:,}")
    return value


def _tokens(text: str) -> int:
    return _whole(text, 1, 10_000_000)


def _answer(text: str) -> int | None:
    return _tokens(text) if text else None


def _seed(text: str) -> int:
    return _whole(text or "0", 0, 2**53 - 1)


def _mode(text: str) -> str:
    found = [mode for mode in MODES if mode == text]
    if not found:
        raise Wrong(f"one of {', '.join(MODES[1:])}")
    return found[0]


def _budget(text: str) -> float:
    try:
        value = float(text.removeprefix("$"))
    except ValueError:
        raise Wrong("an amount in USD, as in 0.05") from None
    if not 0 <= value <= 100:  # noqa: PLR2004 - the server's bound, not a NaN either
        raise Wrong(f"$0 to $100, and {usd(value)} is not")
    return value


def _latency(text: str) -> int:
    if text.endswith("ms"):
        return _whole(text[:-2], 1, 300_000)
    if text.endswith("s"):
        try:
            return _whole(f"{float(text[:-1]) * 1000:.0f}", 1, 300_000)
        except ValueError:
            raise Wrong("milliseconds, as in 5000, or seconds, as in 5s") from None
    return _whole(text, 1, 300_000)


def _min_weight(text: str) -> int:
    return _whole(text, 0, 10)


def _weights(text: str) -> dict[str, float]:
    try:
        values = [float(one) for one in text.replace(",", " ").replace("%", " ").split()]
    except ValueError:
        values = []
    if len(values) != len(TERMS):
        raise Wrong("four numbers: cost, latency, failure, weight")
    if not all(0 <= value < float("inf") for value in values) or not any(values):
        raise Wrong("none below 0, and not all of them 0")
    return dict(zip(TERMS, values, strict=True))


_ASKED: Mapping[str, tuple[str, Callable[[str], object]]] = MappingProxyType(
    {
        "tokens": ("token_count", _tokens),
        "answer": ("output_tokens", _answer),
        "hint": ("model_hint", str),
        "seed": ("seed", _seed),
    }
)
_POLICY: Mapping[str, tuple[str, Callable[[str], object]]] = MappingProxyType(
    {
        "mode": ("mode", _mode),
        "budget": ("max_budget_usd", _budget),
        "latency": ("max_latency_ms", _latency),
        "min weight": ("min_weight", _min_weight),
        "weights": ("weights", _weights),
    }
)
