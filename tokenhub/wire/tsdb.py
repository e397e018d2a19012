"""Charts: metrics over time, each series with its labels and points.

Times are Unix milliseconds; a point stands at the beginning of its step.
"""

import msgspec


class Point(msgspec.Struct):
    """`t` is in Unix milliseconds, `v` in the unit of the metric."""

    t: int
    v: float


class Series(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of a chart. A label is there where it was asked for; steps without data are not.

    `(other)` in a label stands for all those that were too many to tell apart.
    """

    metric: str
    points: list[Point]
    model_id: str | None = None
    provider_id: str | None = None
    api_key_id: str | None = None
    mode: str | None = None
    status: str | None = None
    error_class: str | None = None
    reason: str | None = None


class Chart(msgspec.Struct, kw_only=True):
    """The answer to a query, and what was understood of it.

    `step_ms` may be more than was asked for, where nothing finer is kept of that time.
    """

    series: list[Series]
    metric: str
    agg: str
    unit: str
    group_by: list[str]
    start: int
    end: int
    step_ms: int


class MetricInfo(msgspec.Struct, kw_only=True):
    """A metric that can be asked for; the first of `aggs` is the usual one."""

    name: str
    unit: str
    help: str
    aggs: list[str]


class LevelInfo(msgspec.Struct, kw_only=True):
    """For how long points of which step are kept."""

    step_ms: int
    days: float


class Metrics(msgspec.Struct, kw_only=True):
    """What can be asked for. `labels` are those that go together in one query, set by set."""

    metrics: list[str]
    details: list[MetricInfo]
    labels: list[list[str]]
    levels: list[LevelInfo]
    quantile_error: float


class Pruned(msgspec.Struct, kw_only=True):
    """How many rows were older than their time."""

    deleted: int


class Retention(msgspec.Struct, kw_only=True):
    """For how many days points are kept."""

    ok: bool
    retention_days: int


class RetentionChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`days`, or `retention_days`, which means the same."""

    days: int | None = None
    retention_days: int | None = None
