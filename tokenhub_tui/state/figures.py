"""The five figures above the feed: the last minutes, against the hour before them."""

import msgspec

from tokenhub.client.text import usd
from tokenhub.wire.stats import Aggregate, Stats

_TITLES = ("req/min", "p95 ms", "cost/h", "errors", "tokens/min")
_MANY_ERRORS = 0.05
# Below these a decimal more is needed; and against fewer requests than ENOUGH nothing is compared.
_FEW, _CENT, _ENOUGH = 10, 0.01, 30


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number of the top line, with how it stands against the hour before the last minutes."""

    title: str
    value: str
    change: str = ""
    tone: str = ""


def figures(stats: Stats) -> list[Figure]:
    """Requests, time, money, errors and tokens, each by its unit of time."""
    rows = {one.window: one for one in stats.total or [] if one is not None}
    now = rows.get("5m") or rows.get("1m")
    if now is None:
        return [Figure(title=title, value="-") for title in _TITLES]
    minutes = 5 if now.window == "5m" else 1
    usual = _usual(now, rows.get("1h"), rest=60 - minutes)
    steady = usual if _whole_hour(rows) else _Usual()
    rate, tokens = now.request_count / minutes, now.total_tokens / minutes
    spent = now.total_cost_usd * 60 / minutes
    return [
        Figure(title=_TITLES[0], value=_few(rate), **_moved(rate, steady.requests, bad_up=None)),
        Figure(title=_TITLES[1], value=_number(now.p95_latency_ms),
               **_moved(now.p95_latency_ms, usual.p95_ms, bad_up=True)),
        Figure(title=_TITLES[2], value=_spent(spent), **_moved(spent, steady.spent, bad_up=True)),
        Figure(title=_TITLES[3], value=f"{now.error_rate:.1%}",
               change=f"{now.error_count:,} ✗" if now.error_count else "",
               tone="bad" if now.error_rate >= _MANY_ERRORS else ""),
        Figure(title=_TITLES[4], value=_short(tokens),
               **_moved(tokens, steady.tokens, bad_up=None)),
    ]  # fmt: skip


class _Usual(msgspec.Struct, frozen=True, kw_only=True):
    """The hour without the last minutes, by the units of the figures; None where too little was.

    The p95 is that of the whole hour: quantiles do not subtract.
    """

    requests: float | None = None
    spent: float | None = None
    tokens: float | None = None
    p95_ms: float | None = None


def _usual(now: Aggregate, hour: Aggregate | None, *, rest: int) -> _Usual:
    if hour is None or hour.request_count - now.request_count < _ENOUGH:
        return _Usual()
    return _Usual(
        requests=(hour.request_count - now.request_count) / rest,
        spent=(hour.total_cost_usd - now.total_cost_usd) * 60 / rest,
        tokens=(hour.total_tokens - now.total_tokens) / rest,
        p95_ms=hour.p95_latency_ms,
    )


def _whole_hour(rows: dict[str, Aggregate]) -> bool:
    """Whether there was traffic before this hour.

    Else the hour may have hardly begun, and what is usual by it would be too little.
    """
    hour, day = rows.get("1h"), rows.get("24h")
    return hour is not None and day is not None and day.request_count > hour.request_count


def _few(value: float) -> str:
    return f"{value:,.0f}" if value >= _FEW or value == 0 else f"{value:.1f}"


def _spent(value: float) -> str:
    return f"${value:,.2f}" if value >= _CENT or value == 0 else usd(value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _short(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f}{unit}" if value < 10 * size else f"{value / size:.0f}{unit}"
    return f"{value:.0f}"


def _moved(value: float | None, usual: float | None, *, bad_up: bool | None) -> dict[str, str]:
    """How a value stands against what is usual; nothing where that is within 2 %."""
    if not value or not usual:
        return {}
    part = value / usual - 1
    if abs(part) < 0.02:  # noqa: PLR2004 - less is noise
        return {}
    tone = "" if bad_up is None else "warn" if (part > 0) is bad_up else "good"
    shown = f"{abs(part):.0%}" if part < 2 else f"×{part + 1:.0f}"  # noqa: PLR2004 - else long
    return {"change": f"{'▲' if part > 0 else '▼'}{shown}", "tone": tone}
