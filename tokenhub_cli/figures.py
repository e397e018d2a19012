"""What a window came to, as a table: for `stats` and `top`."""

from collections.abc import Callable
from enum import StrEnum

from tokenhub.client.text import money, timed
from tokenhub.wire.stats import Aggregate, Stats
from tokenhub_cli.output import Column, View

_BARS = "▁▂▃▄▅▆▇█"


class By(StrEnum):
    """What the rows of a table are told apart by."""

    MODEL = "model"
    PROVIDER = "provider"
    KEY = "key"
    MODE = "mode"


class Window(StrEnum):
    """How far back it goes."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    HOUR = "1h"
    DAY = "24h"


class Sort(StrEnum):
    """By which figure; the largest first."""

    REQUESTS = "requests"
    ERRORS = "errors"
    LATENCY = "latency"
    TOKENS = "tokens"
    COST = "cost"


_FIGURES: dict[Sort, Callable[[Aggregate], float]] = {
    Sort.REQUESTS: lambda it: it.request_count,
    Sort.ERRORS: lambda it: it.error_count,
    Sort.LATENCY: lambda it: it.p95_latency_ms or 0,
    Sort.TOKENS: lambda it: it.total_tokens,
    Sort.COST: lambda it: it.total_cost_usd,
}


def name_of(row: Aggregate) -> str:
    """Whose figures they are; empty for those of all."""
    if row.api_key_id is not None:
        return row.api_key_name or row.api_key_id
    return row.model_id or row.provider_id or row.mode or ""


def rows_of(stats: Stats, by: By | None, window: Window | None) -> list[Aggregate]:
    """The rows that are wanted: all windows of all requests, where nothing is said."""
    if by is None:
        rows = stats.total or []
        return [row for row in rows if window is None or row.window == window]
    groups = {
        By.MODEL: stats.by_model,
        By.PROVIDER: stats.by_provider,
        By.KEY: stats.by_api_key,
        By.MODE: stats.by_mode,
    }[by]
    if window is not None:
        return groups.get(window, [])
    return [row for one in Window for row in groups.get(one, [])]


def ranked(rows: list[Aggregate], sort: Sort) -> list[Aggregate]:
    """The largest first; by name where they are equal."""
    return sorted(rows, key=lambda row: (-_FIGURES[sort](row), name_of(row)))


def view_of(by: By | None) -> View[Aggregate]:
    """The table of rows that are told apart by that."""
    named = () if by is None else (Column(by.value, name_of),)
    return View(
        kind="stats",
        name=lambda it: "/".join(filter(None, (name_of(it), it.window))),
        columns=(*named, *_COLUMNS),
    )


def sparkline(values: list[float]) -> str:
    """Bars for values, the highest for the largest; a value of none is the lowest."""
    most = max(values, default=0.0)
    if most <= 0:
        return _BARS[0] * len(values)
    top = len(_BARS) - 1
    return "".join(_BARS[round(max(0.0, value) / most * top)] for value in values)


def percent(part: float) -> str:
    """A part of 1; what is not quite none is shown as such."""
    return "0%" if not part else f"{part:.1%}"


def _of_errors(part: object) -> str:
    """The tone of a part of failures: a twentieth is a warning, a fifth is bad."""
    if not isinstance(part, float) or part <= 0:
        return ""
    return "bad" if part >= 0.2 else "warn" if part >= 0.05 else ""  # noqa: PLR2004 - see above


def _rate(rps: float) -> str:
    return f"{rps:.2f}" if rps >= 0.1 else f"{rps:.2g}"  # noqa: PLR2004 - two digits of it


_COLUMNS: tuple[Column[Aggregate], ...] = (
    Column("window", lambda it: it.window),
    Column("request_count", lambda it: it.request_count, right=True, head="REQUESTS"),
    Column("rps", lambda it: it.rps, _rate, right=True, head="PER S"),
    Column("error_count", lambda it: it.error_count, right=True, head="ERRORS", spare=True),
    Column(
        "error_rate",
        lambda it: it.error_rate,
        percent,
        right=True,
        head="FAILED",
        tone=_of_errors,
    ),
    Column("p50_latency_ms", lambda it: it.p50_latency_ms, timed, right=True, head="P50"),
    Column("p95_latency_ms", lambda it: it.p95_latency_ms, timed, right=True, head="P95"),
    Column(
        "p99_latency_ms", lambda it: it.p99_latency_ms, timed, right=True, head="P99", wide=True
    ),
    Column(
        "p50_first_token_ms",
        lambda it: it.p50_first_token_ms,
        timed,
        right=True,
        head="FIRST TOKEN",
        spare=True,
    ),
    Column("input_tokens", lambda it: it.input_tokens, right=True, head="IN", wide=True),
    Column("output_tokens", lambda it: it.output_tokens, right=True, head="OUT", wide=True),
    Column("total_tokens", lambda it: it.total_tokens, right=True, head="TOKENS", spare=True),
    Column("total_cost_usd", lambda it: it.total_cost_usd, money, right=True, head="COST"),
)
