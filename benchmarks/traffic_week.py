"""A week of synthetic requests: a simulation, by no means anybody's traffic."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from tokenhub.core.ids import request_id
from tokenhub.core.outcome import Attempt, Outcome

WEEK_S = 7 * 86_400.0
# Provider, model, and nano-USD for a token of its answers.
ROUTES = tuple(
    (provider, f"{name}-{size}", price)
    for provider, name, price in (
        ("openai", "gpt", 10_000),
        ("anthropic", "claude", 15_000),
        ("vllm", "org/llama", 400),
    )
    for size in ("nano", "small", "medium", "large")
)
KEYS = tuple(f"key_{number:06x}" for number in range(30))
MODES = ("normal", "cheap", "high_confidence", "thompson")
# Status and error class, and how many in a thousand end so.
ENDS = (
    (200, "", 962),
    (429, "rate_limited", 14),
    (502, "upstream_failed", 10),
    (504, "upstream_timeout", 6),
    (400, "invalid_request", 5),
    (503, "no_provider_available", 3),
)


def traffic(
    requests: int, *, end: float, span_s: float = WEEK_S, seed: int = 7
) -> Iterator[Outcome]:
    """So many requests, oldest first, evenly over the time before `end` (Unix seconds).

    Models and keys are used as Zipf has it: the first half of the time, the second a quarter.
    """
    draw = Random(seed)
    routes = draw.choices(ROUTES, [1 / rank for rank in range(1, len(ROUTES) + 1)], k=requests)
    keys = draw.choices(KEYS, [1 / rank for rank in range(1, len(KEYS) + 1)], k=requests)
    modes = draw.choices(MODES, (70, 20, 6, 4), k=requests)
    ends = draw.choices(ENDS, [often for *_, often in ENDS], k=requests)
    for number in range(requests):
        at = end - span_s + number * span_s / requests
        what = _What(routes[number], keys[number], modes[number], ends[number])
        yield _outcome(draw, at, what)


class _What(NamedTuple):
    route: tuple[str, str, int]
    key_id: str
    mode: str
    end: tuple[int, str, int]


def _outcome(draw: Random, at: float, what: _What) -> Outcome:
    provider_id, model_id, price = what.route
    status, error_class, _ = what.end
    latency_s = draw.lognormvariate(0.0, 0.8)
    answered = status == 200
    tokens = int(draw.lognormvariate(5.0, 1.0)) if answered else 0
    attempt = Attempt(
        number=1,
        provider_id=provider_id,
        model_id=model_id,
        state="settled" if answered else "voided",
        kind="" if answered else "transient",
        status=status,
        latency_s=latency_s,
        input_tokens=int(draw.lognormvariate(6.5, 1.0)),
        output_tokens=tokens,
        cost_nusd=tokens * price,
    )
    return Outcome(
        request_id=request_id(at, draw.getrandbits(64)),
        at=at,
        key_id=what.key_id,
        dialect="openai",
        requested_model="auto" if draw.random() < 0.4 else model_id,
        mode=what.mode,
        reason="routed-weight-8",
        model_id=model_id,
        provider_id=provider_id,
        status=status,
        error_class=error_class,
        stream=draw.random() < 0.5,
        latency_s=latency_s + 0.002,
        upstream_s=latency_s,
        attempts=(attempt,),
    )
