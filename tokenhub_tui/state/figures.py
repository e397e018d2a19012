"""The five figures above the feed: the last minutes, against the hour before them.

What has ended since the server's answer is counted up by its events, and forgotten with the next
answer, which has it: nothing is counted twice for long, and no error is kept. Events that are told
again after a lost connection are older than the answer, and in it already.
"""

from collections.abc import Iterable
from typing import Self

import msgspec
from msgspec.structs import replace

from tokenhub.client.text import usd
from tokenhub.wire.events import Event
from tokenhub.wire.stats import Aggregate, Stats
from tokenhub_tui.state.feed import ENDED, cost_usd, unix

_TITLES = ("req/min", "p95 ms", "cost/h", "errors", "tokens/min")
_NOW, _NOW_MIN, _HOUR_MIN = "5m", 5, 60
_MANY_ERRORS = 0.05
# Below these a decimal more is needed; and against fewer requests than ENOUGH nothing is compared.
_FEW, _CENT, _ENOUGH = 10, 0.01, 30


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number of the top line, with how it stands against the hour before the last minutes."""

    title: str
    value: str
    change: str = ""
    tone: str = ""


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What the requests of a time came to; `unpriced` of them at a price that nobody knows."""

    requests: int = 0
    errors: int = 0
    usd: float = 0.0
    tokens: int = 0
    unpriced: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            requests=self.requests + other.requests, errors=self.errors + other.errors,
            usd=self.usd + other.usd, tokens=self.tokens + other.tokens,
            unpriced=self.unpriced + other.unpriced,
        )  # fmt: skip


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """The server's answer of the time `at`, and what has ended since, until `until`.

    Times are Unix seconds by the console's clock, which is the server's but for a second or two.
    `ahead_s` is by how much the server's is ahead of it still; it shows by events that come from
    the future. Where it is behind, less is counted up.
    """

    stats: Stats | None = None
    at: float = 0.0
    until: float = 0.0
    since: Sums = Sums()
    ahead_s: float = 0.0

    def answered(self, stats: Stats, now: float) -> Self:
        """Whatever had ended by now is in the answer."""
        return replace(self, stats=stats, at=now, until=now, since=Sums())

    def heard(self, events: Iterable[Event], now: float) -> Self:
        """Count the requests that have ended after the answer."""
        ends = [(unix(one.timestamp), one) for one in events if one.type in ENDED]
        ahead_s = max([self.ahead_s, *(at - now for at, _ in ends)])
        new = [one for at, one in ends if at - ahead_s > self.at]
        if not new:
            return replace(self, ahead_s=ahead_s)
        sums = Sums(
            requests=len(new),
            errors=sum(one.type == "route_error" for one in new),
            usd=sum(one.cost_usd for one in new),
            tokens=sum(one.total_tokens for one in new),
            unpriced=sum(cost_usd(one) is None for one in new),
        )
        return replace(self, since=self.since + sums, until=now, ahead_s=ahead_s)

    def figures(self) -> list[Figure]:
        """How it stood when the last request ended: nobody has told of any time after."""
        if self.stats is None:
            return []
        return figures(self.stats, self.since, minutes=(self.until - self.at) / 60)


def figures(stats: Stats, since: Sums | None = None, *, minutes: float = 0.0) -> list[Figure]:
    """Requests, time, money, errors and tokens, each by its unit of time.

    `since` is what has come to the answer in so many `minutes`.
    """
    rows = {one.window: one for one in stats.total or [] if one is not None}
    now = rows.get(_NOW)
    sums = _sums(now) + (since or Sums())
    if not sums.requests:
        return [Figure(title=title, value="-") for title in _TITLES]
    usual = _usual(now, rows.get("1h"))
    steady = usual if _whole_hour(rows) else _Usual()
    minutes += _NOW_MIN
    rate, tokens, spent = sums.requests / minutes, sums.tokens / minutes, sums.usd * 60 / minutes
    p95_ms, failed = now.p95_latency_ms if now else None, sums.errors / sums.requests
    return [
        Figure(title=_TITLES[0], value=_few(rate), **_moved(rate, steady.requests, bad_up=None)),
        Figure(title=_TITLES[1], value=_number(p95_ms),
               **_moved(p95_ms, usual.p95_ms, bad_up=True)),
        Figure(title=_TITLES[2], value=("≥" if sums.unpriced else "") + _spent(spent),
               **_moved(spent, steady.spent, bad_up=True)),
        Figure(title=_TITLES[3], value=f"{failed:.1%}",
               change=f"{sums.errors:,} ✗" if sums.errors else "",
               tone="bad" if failed >= _MANY_ERRORS else ""),
        Figure(title=_TITLES[4], value=_short(tokens),
               **_moved(tokens, steady.tokens, bad_up=None)),
    ]  # fmt: skip


def _sums(one: Aggregate | None) -> Sums:
    if one is None:
        return Sums()
    return Sums(
        requests=one.request_count,
        errors=one.error_count,
        usd=one.total_cost_usd,
        tokens=one.total_tokens,
        unpriced=one.unpriced,
    )


class _Usual(msgspec.Struct, frozen=True, kw_only=True):
    """The hour without the last minutes, by the units of the figures; None where too little was.

    The p95 is that of the whole hour: quantiles do not subtract.
    """

    requests: float | None = None
    spent: float | None = None
    tokens: float | None = None
    p95_ms: float | None = None


def _usual(now: Aggregate | None, hour: Aggregate | None) -> _Usual:
    if now is None or hour is None or hour.request_count - now.request_count < _ENOUGH:
        return _Usual()
    rest = _HOUR_MIN - _NOW_MIN
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
