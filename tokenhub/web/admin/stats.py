"""`/admin/v1/stats`: the last minute to the last day."""

from litestar import Response, get
from litestar.di import NamedDependency

from tokenhub.admin.stats import Statistics, Stats
from tokenhub.core import series
from tokenhub.core.charts import QUANTILES
from tokenhub.core.money import usd
from tokenhub.core.series import KEY, MODE, MODEL, PROVIDER
from tokenhub.core.sketch import Sketch, quantile_s
from tokenhub.core.windows import GLOBAL, WINDOWS, Summary
from tokenhub.web.amounts import milliseconds
from tokenhub.web.auth import needs
from tokenhub.web.body import Http
from tokenhub.web.paging import queried
from tokenhub.web.tags import answer
from tokenhub.wire import stats as wire

_MICRO = 1_000_000


@get("/stats", opt=needs("viewer"))
async def get_stats(request: Http, statistics: NamedDependency[Statistics]) -> Response[bytes]:
    queried(request, ())
    stats = await statistics.now()
    whole = _shown(stats, GLOBAL)
    return answer(
        wire.Stats(
            total=[row for rows in whole.values() for row in rows] or None,
            by_model=_shown(stats, MODEL),
            by_provider=_shown(stats, PROVIDER),
            by_api_key=_shown(stats, KEY),
            by_mode=_shown(stats, MODE),
        )
    )


def _shown(stats: Stats, group: str) -> dict[str, list[wire.Aggregate]]:
    return {
        window: [
            _aggregate(stats, window, group, name, summary)
            for name, summary in stats.groups[group][window].items()
        ]
        for window in WINDOWS
        if window in stats.groups[group]
    }


def _aggregate(
    stats: Stats, window: str, group: str, name: str, summary: Summary
) -> wire.Aggregate:
    cell = summary.cell
    sums = cell.sums
    requests, firsts = sums[series.REQUESTS], sums[series.FIRSTS]
    latencies, first_tokens = _quantiles(cell.latencies), _quantiles(cell.firsts)
    return wire.Aggregate(
        window=window,
        model_id=name if group == MODEL else None,
        provider_id=name if group == PROVIDER else None,
        api_key_id=name if group == KEY else None,
        api_key_name=stats.names.get(name, name) if group == KEY else None,
        mode=name if group == MODE else None,
        request_count=requests,
        error_count=sums[series.ERRORS],
        error_rate=sums[series.ERRORS] / requests if requests else 0.0,
        avg_latency_ms=_mean_ms(sums[series.LATENCY], requests) or 0.0,
        p50_latency_ms=latencies["p50"],
        p95_latency_ms=latencies["p95"],
        p99_latency_ms=latencies["p99"],
        first_token_count=firsts,
        avg_first_token_ms=_mean_ms(sums[series.FIRST], firsts),
        p50_first_token_ms=first_tokens["p50"],
        p95_first_token_ms=first_tokens["p95"],
        p99_first_token_ms=first_tokens["p99"],
        total_cost_usd=usd(sums[series.COST]),
        unpriced=sums[series.UNPRICED],
        input_tokens=sums[series.INPUT],
        output_tokens=sums[series.OUTPUT],
        total_tokens=sums[series.INPUT] + sums[series.OUTPUT],
        rps=round(requests / stats.seconds[window], 6),
        errors_by_class=dict(sorted(summary.classes.items())),
    )


def _mean_ms(total_us: int, count: int) -> float | None:
    return milliseconds(total_us / count / _MICRO) if count else None


def _quantiles(sketch: Sketch) -> dict[str, float | None]:
    found = {name: quantile_s(sketch, part) for name, part in QUANTILES.items()}
    return {name: None if s is None else milliseconds(s) for name, s in found.items()}
