"""What the events of a recording say to questions that were not asked while it was made."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from urllib.parse import parse_qs, unquote

import msgspec

from tokenhub.client.stream import Heard
from tokenhub.client.text import from_ms
from tokenhub.filters import LEAST, FilterError, parse
from tokenhub.wire.logs import LogBar, LogHistogram
from tokenhub.wire.observe import LogPage, RequestDetail, RequestLog
from tokenhub.wire.stats import Aggregate, Stats
from tokenhub_tui.state.feed import ENDED, cost_usd, logged, unix

HISTOGRAM = "/admin/v1/logs/histogram"
LOGS, REQUESTS, STATS = "/admin/v1/logs", "/admin/v1/requests/", "/admin/v1/stats"
WINDOWS = (("1m", 60.0), ("5m", 300.0), ("1h", 3600.0), ("24h", 86_400.0))
_LIMIT, _BARS, _MOST_BARS = 100, 60, 500
_MINUTE_S = 60.0
_SERVER_ERRORS = 500


def retold(path: str, query: str, events: Sequence[Heard], now: float) -> msgspec.Struct | None:
    """The answer to a question, of the events up to now; None where they have none."""
    if path == LOGS:
        return _logs(query, events, now)
    if path == HISTOGRAM:
        return _histogram(query, events, now)
    if path == STATS:
        return _stats(events, now)
    if path.startswith(REQUESTS):
        return _detail(unquote(path.removeprefix(REQUESTS)), events)
    return None


def _logs(query: str, events: Sequence[Heard], now: float) -> LogPage | None:
    """The newest requests that a filter means, all on one page."""
    asked = parse_qs(query)
    if not set(asked) <= {"limit", "filter"}:
        return None
    limit = int(asked.get("limit", [str(_LIMIT)])[0])
    meant = _meant(asked.get("filter", [""])[0], events, now)
    if meant is None:
        return None
    return LogPage(logs=meant[:limit], total=len(meant), limit=limit, offset=0, next=None)


def _meant(text: str, events: Sequence[Heard], now: float) -> list[RequestLog] | None:
    """The requests that a filter means, newest first; None where it is none."""
    try:
        wanted = parse(text, now=now)
    except FilterError:
        return None
    rows = [_row(one) for one in reversed(events) if one.type in ENDED]
    return [row for row in rows if wanted.matches(logged(row).row())]


def _histogram(query: str, events: Sequence[Heard], now: float) -> LogHistogram | None:
    """How many requests there were by time, from the first of the recording on."""
    asked = parse_qs(query)
    text = asked.get("filter", [""])[0]
    meant = _meant(text, events, now)
    if meant is None or not events or not set(asked) <= {"filter", "buckets", "step"}:
        return None
    since_ms, _ = parse(text, now=now).window
    begin = since_ms / 1000 if since_ms > LEAST else unix(events[0].timestamp)
    many = int(asked.get("buckets", [str(_MOST_BARS if "step" in asked else _BARS)])[0])
    step_s = max(_MINUTE_S if "step" in asked else 1.0, (now - begin) / many)
    bars = [
        LogBar(
            timestamp=from_ms((begin + place * step_s) * 1000),
            total=0,
            ok=0,
            client_errors=0,
            server_errors=0,
        )
        for place in range(max(1, ceil((now - begin) / step_s)))
    ]
    for row in meant:
        bar = bars[max(0, min(len(bars) - 1, int((unix(row.timestamp) - begin) / step_s)))]
        bar.total += 1
        bar.ok += not row.error_class
        bar.client_errors += bool(row.error_class) and row.status_code < _SERVER_ERRORS
        bar.server_errors += bool(row.error_class) and row.status_code >= _SERVER_ERRORS
    return LogHistogram(
        since=from_ms(begin * 1000),
        until=from_ms(now * 1000),
        step_s=step_s,
        total=len(meant),
        exact=True,
        buckets=bars,
    )


def _detail(request_id: str, events: Sequence[Heard]) -> RequestDetail | None:
    of_it = [one for one in events if one.request_id == request_id]
    ended = next((one for one in of_it if one.type in ENDED), None)
    if ended is None:
        return None
    decided = next((one.decision for one in of_it if one.decision is not None), None)
    return RequestDetail(**msgspec.structs.asdict(_row(ended)), decision=decided)


def _row(event: Heard) -> RequestLog:
    """The row of the log of a request that has ended."""
    return RequestLog(
        request_id=event.request_id,
        timestamp=event.timestamp,
        model_id=event.model_id,
        provider_id=event.provider_id,
        mode=event.mode,
        requested_model="",
        reason=event.reason,
        estimated_cost_usd=cost_usd(event),
        latency_ms=event.latency_ms,
        overhead_ms=0.0,
        status_code=event.status_code or (0 if event.error_class else 200),
        error_class=event.error_class,
        api_key_id=event.api_key_id,
        input_tokens=event.input_tokens,
        output_tokens=event.output_tokens,
        total_tokens=event.total_tokens,
        stream=event.stream,
        estimated=False,
        attempts=event.attempts,
        parent_id=event.parent_id,
        api_key_name=event.api_key_name,
        task=event.task,
    )


def _stats(events: Sequence[Heard], now: float) -> Stats:
    ended = [one for one in events if one.type in ENDED]
    return Stats(
        total=list(_windows(ended, now)), by_model={}, by_provider={}, by_api_key={}, by_mode={}
    )


def _windows(ended: Sequence[Heard], now: float) -> Iterator[Aggregate]:
    for name, span_s in WINDOWS:
        found = [one for one in ended if unix(one.timestamp) > now - span_s]
        if found:
            yield _aggregate(name, found, span_s)


def _aggregate(window: str, ended: Sequence[Heard], span_s: float) -> Aggregate:
    times = sorted(one.latency_ms for one in ended)
    errors = sum(one.type == "route_error" for one in ended)
    return Aggregate(
        window=window,
        request_count=len(ended),
        error_count=errors,
        error_rate=errors / len(ended),
        avg_latency_ms=sum(times) / len(times),
        p50_latency_ms=_quantile(times, 0.5),
        p95_latency_ms=_quantile(times, 0.95),
        p99_latency_ms=_quantile(times, 0.99),
        first_token_count=0,
        avg_first_token_ms=None,
        p50_first_token_ms=None,
        p95_first_token_ms=None,
        p99_first_token_ms=None,
        total_cost_usd=sum(one.cost_usd for one in ended),
        unpriced=sum(cost_usd(one) is None for one in ended),
        input_tokens=sum(one.input_tokens for one in ended),
        output_tokens=sum(one.output_tokens for one in ended),
        total_tokens=sum(one.total_tokens for one in ended),
        rps=len(ended) / span_s,
        errors_by_class=_counted(one.error_class for one in ended if one.error_class),
    )


def _quantile(ordered: Sequence[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _counted(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts
