"""Charts over time, and for how long their points are kept."""

from collections.abc import Mapping, Sequence

import msgspec

from tokenhub.admin.changes import By, entry
from tokenhub.core.charts import METRICS, Line, Metric, Question, charted
from tokenhub.core.errors import BadRequest
from tokenhub.core.levels import DAY_S, MOST_DAYS, step_of
from tokenhub.core.series import LABELS, REASON
from tokenhub.ports.clock import Clock
from tokenhub.ports.series import Reading, SeriesStore

KNOWN = (*LABELS, REASON)


class ChartQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator asks for. Times are Unix seconds; None, and a step of 0, are up to us."""

    metric: str
    agg: str = ""
    by: tuple[str, ...] = ()
    only: Mapping[str, str] = {}
    start: float | None = None
    end: float | None = None
    step_s: float = 0
    limit: int = 50


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """The series, and what was understood: whole steps from `start` to before `end`."""

    question: Question
    start: int
    end: int
    step_s: int
    lines: list[Line]


class Charts:
    def __init__(self, *, store: SeriesStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def query(self, query: ChartQuery) -> Chart:
        """The series that a query asks for. Raises BadRequest, Unavailable."""
        question = _question(query)
        cut, now = question.cut, self._clock.now()
        start, end, step_s = _time(query, now)
        reading = Reading(cut=cut, start=start, end=end, step_s=step_s, sketches=question.sketches)
        lines = await self._store.read(
            [reading], lambda slots: charted(question, slots[0], step_s=step_s, now=now)
        )
        return Chart(question=question, start=start, end=end, step_s=step_s, lines=lines)

    @property
    def retention_days(self) -> int:
        return self._store.retention_days

    async def keep(self, days: int, by: By) -> None:
        """Keep points for so many days from now on. Raises BadRequest, Unavailable."""
        if not 1 <= days <= MOST_DAYS:
            raise BadRequest(f"days must be a whole number from 1 to {MOST_DAYS}", field="days")
        audit = entry(
            self._clock.now(),
            "tsdb.retention",
            "tsdb",
            by,
            before={"days": self._store.retention_days},
            after={"days": days},
        )
        await self._store.set_retention(days, audit)

    async def prune(self) -> int:
        """Delete what is older than its time; gives how many rows. Raises Unavailable."""
        return await self._store.prune(self._clock.now())


def _question(query: ChartQuery) -> Question:
    metric = _known(METRICS, query.metric, "metric")
    agg = query.agg or metric.aggs[0]
    _among(metric.aggs, agg, "agg", of=f" of {metric.name}")
    for label in query.by:
        _among(KNOWN, label, "group_by")
    return Question(
        metric=metric,
        agg=agg,
        by=tuple(dict.fromkeys(query.by)),
        only=query.only,
        limit=query.limit,
    )


def _known(known: Mapping[str, Metric], name: str, field: str) -> Metric:
    _among(tuple(known), name, field)
    return known[name]


def _among(known: Sequence[str], name: str, field: str, *, of: str = "") -> None:
    if name not in known:
        raise BadRequest(f"{field}{of} must be one of {', '.join(known)}", field=field)


def _time(query: ChartQuery, now: float) -> tuple[int, int, int]:
    """First and last border and the step, in whole steps."""
    end = now if query.end is None else min(query.end, now)
    start = end - DAY_S if query.start is None else query.start
    if start > end:
        raise BadRequest("start must be before end, and not in the future", field="start")
    step_s = step_of(round(query.step_s), start=start, end=end, now=now)
    # The last request may have ended in this very moment.
    last = int(end // step_s) + 1 if end == now else -int(-end // step_s)
    return int(start // step_s) * step_s, last * step_s, step_s
