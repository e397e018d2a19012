"""What answers were judged, one by one, as rows of a table; and the filter of them."""

from datetime import datetime
from types import MappingProxyType

from tokenhub.filters import Field, Fields
from tokenhub.wire.rewards import Reward
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.feed import unix

_PARTS = 10**9
FIELDS: Fields = MappingProxyType(
    {
        "model": Field(("model_id",)),
        "provider": Field(("provider_id",)),
        "task": Field(("task",)),
        "source": Field(("source",)),
        "score": Field(("reward",), "number", _PARTS),
        "weight": Field(("weight",), "number", _PARTS),
        "id": Field(("request_id",)),
        "since": Field(("timestamp",), "time", 1000),
        "until": Field(("timestamp",), "time", 1000),
    }
)
COLUMNS = (
    Column(id="time", title="time", width=14),
    Column(id="mark", title="", width=1),
    Column(id="score", title="score", width=5, right=True),
    Column(id="weight", title="weight", width=6, right=True, rank=1),
    Column(id="route", title="route", width=16, most=44),
    Column(id="task", title="work", width=10, most=14, rank=2),
    Column(id="source", title="by", width=8, most=12),
    Column(id="request", title="request", width=13, most=36, rank=3),
)
# From so much on an answer was good, up to so much it was bad.
_GOOD, _BAD = 0.7, 0.3
# Who judged, in words.
SOURCES = {
    "caller": "caller",
    "operator": "operator",
    "judge": "judge",
    "schema": "schema",
    "tool_call": "tool call",
    "retry": "retry",
}


def row(one: Reward) -> Row:
    """A judgement as a row."""
    mark, tone = ("✓", "good") if one.reward >= _GOOD else ("✗", "bad")
    if _BAD < one.reward < _GOOD:
        mark, tone = "!", "warn"
    return Row(
        id=str(one.id),
        cells=(
            at(one.timestamp),
            Cell(mark, tone),
            f"{one.reward:.2f}",
            f"{one.weight:.2f}",
            f"{one.provider_id}/{one.model_id}",
            one.task,
            SOURCES.get(one.source, one.source),
            one.request_id,
        ),
    )


def at(timestamp: str) -> str:
    """Day and time on this machine's clock."""
    unix_s = unix(timestamp)
    return f"{datetime.fromtimestamp(unix_s):%m-%d %H:%M:%S}" if unix_s else ""  # noqa: DTZ006 - local
