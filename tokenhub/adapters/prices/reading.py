"""Looks models up in genai-prices. Runs as a program of its own: a question in, an answer out.

The package is data as Python code on pydantic and httpx2: 0.35 s of CPU and 80 MB (measured
November 2026) that a server would hold for ever, for a question that operators ask now and then.
So this file imports nothing of TokenHub's, and `installed.py` runs it as a child process.

Its own look-up finds models by the beginnings and parts of names, which gives a new model the
price of an older one. Here a name must stand in the list: as it is, or without the date at its end.
"""

import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

# Prices of TokenHub's Model, and the list's names of them.
CLASSES = {
    "input_price": "input_mtok",
    "output_price": "output_mtok",
    "cached_price": "cache_read_mtok",
    "cache_write_price": "cache_write_mtok",
    "cache_write_1h_price": "cache_write_1h_mtok",
    "reasoning_price": "output_reasoning_mtok",
}
# What a class is a part of: its price stands in where the class has none.
PARTS_OF = {
    "cached_price": "input_price",
    "cache_write_price": "input_price",
    "cache_write_1h_price": "cache_write_price",
    "reasoning_price": "output_price",
}
# Vendors whose address does not tell the price: what runs there, or in which region, under which
# contract or in which of the customer's own deployments, is not in it.
UNCERTAIN = frozenset({"aws", "azure", "cursor", "databricks", "github-copilot", "modal"})
NANO = 1_000_000_000
# USD 1,000 per 1,000 tokens: TokenHub takes no higher price.
DEAREST = 1000 * 1000 * NANO
_DATE = re.compile(r"[-@](20\d{2}-?\d{2}-?\d{2})$")


def answered(question: dict[str, Any]) -> dict[str, Any]:
    """The answer to `{"at": Unix seconds, "wanted": [[base URL, model id], ...]}`."""
    # Imported here: where they are installed is a part of the question.
    import genai_prices  # noqa: PLC0415
    from genai_prices.data import providers  # noqa: PLC0415

    at = datetime.fromtimestamp(question["at"], UTC)
    entries = [entry(providers, base, model_id, at) for base, model_id in question["wanted"]]
    return {"name": f"genai-prices {genai_prices.__version__}", "entries": entries}


def entry(vendors: Iterable[Any], base_url: str, model_id: str, at: datetime) -> dict[str, Any]:
    """What the list says of one model, as the fields of a Listed."""
    here = [
        vendor
        for vendor in vendors
        if vendor.id not in UNCERTAIN and serves(vendor.api_pattern, base_url)
    ]
    if not here:
        return {"missing": "vendor_not_listed"}
    found = [model for vendor in here for model in vendor.models if names(model, model_id)]
    if not found:
        return {"missing": "model_not_listed"}
    return _entry(found[0], at)


def serves(pattern: str, base_url: str) -> bool:
    """Whether a vendor's pattern is of this server: of its whole host, not of how it begins.

    `https://api.openai.com.example` is not OpenAI.
    """
    parts = urlsplit(base_url)
    folders = [part for part in parts.path.split("/") if part]
    origin = f"{parts.scheme}://{parts.netloc}"
    places = ["/".join([origin, *folders[:count]]) for count in range(len(folders) + 1)]
    whole = re.compile(pattern.replace(".*", "[^/]*"), re.IGNORECASE)
    return any(whole.fullmatch(place) or whole.fullmatch(f"{place}/") for place in places)


def names(model: Any, model_id: str) -> bool:
    """Whether the list names this model: by its id, by another of its names, or with a date."""
    # Google's lists of models write `models/` before each name.
    asked = model_id.lower().removeprefix("models/")
    if not model.is_match(asked):
        return False
    known = {model.id.lower(), *_names(model.match)}
    return asked in known or _DATE.sub("", asked) in known or _spelled_out(model.match, asked)


def _names(match: Any) -> Iterator[str]:
    """The names in a rule: those that it asks for whole, and those that may only get a date."""
    for rule in _alternatives(match):
        for kind in ("equals", "starts_with"):
            if name := getattr(rule, kind, ""):
                yield name.lower()


def _spelled_out(match: Any, asked: str) -> bool:
    """Whether a rule describes the whole name."""
    described = [getattr(rule, "regex", "") for rule in _alternatives(match)]
    whole = [regex for regex in described if regex.startswith("^") and regex.endswith("$")]
    return any(re.search(regex, asked) for regex in whole)


def _alternatives(match: Any) -> Iterator[Any]:
    for rule in getattr(match, "or_", [match]):
        if hasattr(rule, "or_"):
            yield from _alternatives(rule)
        else:
            yield rule


def _entry(model: Any, at: datetime) -> dict[str, Any]:
    context = {"max_context_tokens": model.context_window or 0}
    by_the_hour = [held(prices) for prices in _of_the_day(model, at)]
    if None in by_the_hour:
        return {"missing": "other_units", **context}
    known = [prices for prices in by_the_hour if prices is not None]
    if all(prices == known[0] for prices in known):
        return {**known[0], **context}
    if any(prices["tiers"] for prices in known):
        return {"missing": "other_units", **context}
    return {**_dearest(known), "tiers": [], "dearest_hours": True, **context}


def _of_the_day(model: Any, at: datetime) -> Iterator[Any]:
    """The prices in force, or those of each half hour where they depend on it."""
    hours = any(
        hasattr(getattr(price, "constraint", None), "start_time")
        for price in (model.prices if isinstance(model.prices, list) else ())
    )
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    for half_hours in range(48 if hours else 1):
        moment = midnight + timedelta(minutes=30 * half_hours) if hours else at
        yield model.get_prices(moment)


def held(prices: Any) -> dict[str, Any] | None:
    """Prices as a Model has them; None where a call costs more than its tokens."""
    stated = {name: getattr(prices, theirs) for name, theirs in CLASSES.items()}
    if stated["input_price"] is None or prices.requests_kcount is not None:
        return None
    starts = {tier.start for price in stated.values() for tier in getattr(price, "tiers", ())}
    base = {name: _nano(getattr(price, "base", price)) for name, price in stated.items()}
    tiers = [
        {"above_tokens": start}
        | {name: _nano(_above(price, start)) for name, price in stated.items()}
        for start in sorted(starts)
    ]
    every = [price for row in (base, *tiers) for name, price in row.items() if name in CLASSES]
    if any(price is not None and not 0 <= price <= DEAREST for price in every):
        return None
    return {**base, "tiers": tiers}


def _above(price: Any, start: int) -> Decimal | None:
    """The price of prompts that are just longer than `start`."""
    found: Decimal | None = getattr(price, "base", price)
    for tier in getattr(price, "tiers", ()):
        if tier.start <= start:
            found = tier.price
    return found


def _dearest(every: Sequence[dict[str, Any]]) -> dict[str, int | None]:
    """The highest price of each class, so that no hour costs more than was reckoned with."""

    def price(row: dict[str, Any], name: str) -> int | None:
        stated: int | None = row[name]
        return price(row, PARTS_OF[name]) if stated is None and name in PARTS_OF else stated

    found: dict[str, int | None] = {}
    for name in CLASSES:
        if all(row[name] is None for row in every):
            found[name] = None
            continue
        known = [cost for cost in (price(row, name) for row in every) if cost is not None]
        found[name] = max(known, default=None)
    return found


def _nano(usd_per_million: Decimal | None) -> int | None:
    """Nano-USD per million tokens, rounded up."""
    return None if usd_per_million is None else math.ceil(usd_per_million * NANO)


def main() -> None:
    """Answer the question on stdin."""
    question = json.load(sys.stdin)
    sys.path[:] = question["path"]
    json.dump(answered(question), sys.stdout)


if __name__ == "__main__":
    main()
