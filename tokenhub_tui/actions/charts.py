"""Keys of the charts."""

from tokenhub_tui.actions.base import Action

_QUERY = "tokenhubctl tsdb query latency agg=p95 group_by=model start=1h step=1m"

ACTIONS = (
    Action(
        id="charts.longer",
        keys="t",
        title="Window",
        help="A longer time: 5 minutes, 1 hour, 6 hours, 24 hours, 7 days, and from the beginning.",
        command=_QUERY,
        bar=1,
    ),
    Action(
        id="charts.shorter",
        keys="T",
        title="Shorter window",
        help="A shorter time.",
        command=_QUERY,
    ),
    Action(
        id="charts.by",
        keys="b",
        title="By",
        help="A curve for each model, route, provider, key, mode, or one for all together.",
        command=_QUERY,
        bar=2,
    ),
    Action(
        id="charts.metric",
        keys="m",
        title="Metric",
        help="Another metric: latency (p95, p50), time to first token, cost, tokens, errors, "
        "requests.",
        command=_QUERY,
        bar=3,
    ),
    Action(
        id="charts.earlier",
        keys="left",
        shown="←→",
        title="Read",
        help="Put the cross-hair a step earlier; the border says what the curves are there.",
        bar=4,
    ),
    Action(
        id="charts.later",
        keys="right",
        shown="→",
        title="Read later",
        help="Put the cross-hair a step later; esc takes it away.",
    ),
    Action(
        id="charts.open",
        keys="enter",
        shown="⏎",
        title="Only this",
        help="Draw only the series under the cursor, or all of them again.",
        bar=5,
    ),
    Action(
        id="charts.pause",
        keys="space",
        shown="space",
        title="Pause",
        help="Hold the pictures as they are; another question is still answered.",
        bar=6,
    ),
    Action(
        id="charts.hide",
        keys="x",
        title="Hide",
        help="Leave the series under the cursor out of the pictures, or draw it again.",
        bar=7,
    ),
    Action(
        id="charts.log-scale",
        keys="l",
        title="Log",
        help="A logarithmic scale, or a plain one again.",
        bar=8,
    ),
    Action(
        id="charts.overlay",
        keys="o",
        title="Before",
        help="Draw the same time before this one below it, dotted.",
        bar=9,
    ),
    Action(
        id="charts.sort",
        keys="s",
        title="Sort",
        help="Sort the table by the next column.",
    ),
    Action(
        id="charts.turn",
        keys="S",
        title="Reverse",
        help="Sort the table the other way round.",
    ),
)
