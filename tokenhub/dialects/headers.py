"""The policy of a request in its headers, for callers whose format has no place for one.

X-TokenHub-Mode: cheap
X-TokenHub-Max-Budget-Usd: 0.01
X-TokenHub-Max-Latency-Ms: 5000
X-TokenHub-Min-Weight: 3
X-TokenHub-Weights: cost=0.7, latency=0.1, failure=0.1, weight=0.1
X-TokenHub-Judge: no
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from tokenhub.core.ask import NO_WISH, Wish
from tokenhub.core.catalog import MAX_BUDGET_NUSD, MAX_LATENCY_S, MAX_WEIGHT, MODES
from tokenhub.core.errors import BadRequest
from tokenhub.core.money import NANO, nusd
from tokenhub.core.scoring import Weights, weights
from tokenhub.dialects.native import unmixed

_MAX_CHARS = 200
_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)


def header_wish(headers: Iterable[tuple[bytes, bytes]]) -> Wish:
    """What headers of `POLICY` say. Raises BadRequest naming the header."""
    found: dict[str, Any] = {}
    for name, value in headers:
        field, shown, read = _READERS[name]
        if field in found:
            raise BadRequest(f"{shown} is there twice; send it once", field=shown)
        if len(value) > _MAX_CHARS:
            raise BadRequest(f"{shown} is too long", field=shown)
        found[field] = read(value.decode("latin-1").strip(), shown)
    return unmixed(Wish(**found), field="X-TokenHub-Weights") if found else NO_WISH


def _mode(text: str, shown: str) -> str:
    if text.lower() not in MODES:
        raise BadRequest(f"{shown} must be one of {', '.join(MODES)}", field=shown)
    return text.lower()


def _budget(text: str, shown: str) -> int:
    most = MAX_BUDGET_NUSD // NANO
    amount = float(text) if _AMOUNT.fullmatch(text) else 0.0
    if not 0 < amount <= most:
        raise BadRequest(f"{shown} must be USD above 0 and at most {most}", field=shown)
    # A budget below what we can count is a budget all the same.
    return max(1, nusd(amount))


def _latency(text: str, shown: str) -> float:
    most = int(MAX_LATENCY_S * 1000)
    latency_ms = int(text) if _WHOLE.fullmatch(text) else 0
    if not 0 < latency_ms <= most:
        raise BadRequest(f"{shown} must be whole milliseconds from 1 to {most}", field=shown)
    return latency_ms / 1000


def _min_weight(text: str, shown: str) -> int:
    weight = int(text) if _WHOLE.fullmatch(text) else -1
    if not 0 <= weight <= MAX_WEIGHT:
        raise BadRequest(f"{shown} must be a whole number from 0 to {MAX_WEIGHT}", field=shown)
    return weight


def _weights(text: str, shown: str) -> Weights:
    given: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (side.strip() for side in part.partition("="))
        if name in given or not _AMOUNT.fullmatch(value):
            raise BadRequest(
                f"{shown} must look like cost=0.7,latency=0.1,failure=0.1,weight=0.1, with "
                "numbers from 0 and each name once",
                field=shown,
            )
        given[name] = float(value)
    return weights(given, field=shown)


def _judged(text: str, shown: str) -> bool:
    if text.lower() not in {"yes", "no"}:
        raise BadRequest(f"{shown} must be yes or no", field=shown)
    return text.lower() == "yes"


_READERS: dict[bytes, tuple[str, str, Callable[[str, str], Any]]] = {
    b"x-tokenhub-mode": ("mode", "X-TokenHub-Mode", _mode),
    b"x-tokenhub-max-budget-usd": ("max_budget_nusd", "X-TokenHub-Max-Budget-Usd", _budget),
    b"x-tokenhub-max-latency-ms": ("max_latency_s", "X-TokenHub-Max-Latency-Ms", _latency),
    b"x-tokenhub-min-weight": ("min_weight", "X-TokenHub-Min-Weight", _min_weight),
    b"x-tokenhub-weights": ("weights", "X-TokenHub-Weights", _weights),
    b"x-tokenhub-judge": ("judged", "X-TokenHub-Judge", _judged),
}
# The names of these headers, as ASGI has them.
POLICY = frozenset(_READERS)
