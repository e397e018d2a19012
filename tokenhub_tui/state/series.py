"""Metrics over time as curves and as rows of a table: what is asked for, and what came of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from tokenhub.client.text import cells
from tokenhub.wire.tsdb import Chart, Series
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.plot import MS, RATE, SHARE, USD, Curve, Plot, Point, exact, moment

# Beyond so many, colours begin anew and nobody tells the curves apart.
MOST = 8
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
NOBODY = "(none)"
ALL = "all"


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """So much of the past, in steps of so long. `words` go after "the"."""

    name: str
    words: str
    length_s: int
    step_s: int


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is charted: a metric of the server, put together in one way.

    `scale` makes what is shown of what the server gives.
    """

    id: str
    title: str
    metric: str
    agg: str
    form: str
    scale: float = 1.0


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """By what there is a curve each: the server's labels; none is one curve of all."""

    title: str
    labels: tuple[str, ...] = ()


WINDOWS = (
    Window(name="5m", words="last 5 minutes", length_s=300, step_s=10),
    Window(name="1h", words="last hour", length_s=3600, step_s=60),
    Window(name="6h", words="last 6 hours", length_s=6 * 3600, step_s=300),
    Window(name="24h", words="last 24 hours", length_s=86_400, step_s=600),
    Window(name="7d", words="last 7 days", length_s=7 * 86_400, step_s=3600),
)
# What stands beside the feed, and how much of it is shown where there has been no more.
NEWEST = Window(name="15m", words="last 15 minutes", length_s=900, step_s=30)
_LEAST_S = 300
P95 = Kind(id="p95", title="p95 latency, ms", metric="latency", agg="p95", form=MS)
COST = Kind(id="cost", title="cost, $/h", metric="cost", agg="rate", form=USD, scale=HOUR_S)
TOKENS = Kind(id="tokens", title="tokens a second", metric="tokens", agg="rate", form=RATE)
ERRORS = Kind(id="errors", title="errors", metric="errors", agg="mean", form=SHARE)
KINDS = (
    P95,
    Kind(id="p50", title="p50 latency, ms", metric="latency", agg="p50", form=MS),
    Kind(id="first", title="p95 to first token, ms", metric="first_token", agg="p95", form=MS),
    COST,
    TOKENS,
    ERRORS,
    Kind(
        id="requests", title="requests a minute", metric="requests", agg="rate", form=RATE, scale=60
    ),
)
# Those that stand beside each other where there is room.
FOUR = (P95, COST, TOKENS, ERRORS)
GROUPS = (
    Group(title="model", labels=("model_id",)),
    Group(title="route", labels=("provider_id", "model_id")),
    Group(title="provider", labels=("provider_id",)),
    Group(title="key", labels=("api_key_id",)),
    Group(title="mode", labels=("mode",)),
    Group(title="nothing"),
)
KEYS = GROUPS[3]

# The columns of the table, each a question of one step as long as the window.
TOTALS = (
    Kind(id="req", title="req", metric="requests", agg="sum", form=RATE),
    Kind(id="p50", title="p50", metric="latency", agg="p50", form=MS),
    Kind(id="p95", title="p95", metric="latency", agg="p95", form=MS),
    Kind(id="p99", title="p99", metric="latency", agg="p99", form=MS),
    Kind(id="first", title="first", metric="first_token", agg="p50", form=MS),
    Kind(id="err", title="err", metric="errors", agg="mean", form=SHARE),
    Kind(id="usd", title="$/h", metric="cost", agg="rate", form=USD, scale=HOUR_S),
    Kind(id="tok", title="tok/s", metric="tokens", agg="rate", form=RATE),
)
_BAD_ERRORS = 0.05


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What the screen wants to know."""

    window: Window = WINDOWS[1]
    group: Group = GROUPS[0]
    kinds: tuple[Kind, ...] = (P95,)
    before: bool = False


class Charted(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it, by the ids of kinds and the names of series. Times are Unix seconds.

    `before` is the window before this one, moved to where this one is.
    """

    ask: Ask
    start: float
    end: float
    lines: Mapping[str, Mapping[str, tuple[Point, ...]]] = {}
    before: Mapping[str, Mapping[str, tuple[Point, ...]]] = {}
    totals: Mapping[str, Mapping[str, float]] = {}

    @property
    def steps(self) -> int:
        """How many steps there are from start to end."""
        return round((self.end - self.start) / self.ask.window.step_s)

    @property
    def names(self) -> list[str]:
        """All series, those with the most requests first."""
        counts = self.totals.get("req", {})
        return sorted(counts, key=lambda name: (-counts[name], name))


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What of it is looked at: `only` one series, or all but the `hidden`; `at` a moment."""

    only: str = ""
    hidden: AbstractSet[str] = frozenset()
    log: bool = False
    at: float | None = None

    def shown(self, names: Iterable[str]) -> list[str]:
        """The series that are drawn, of all in their order."""
        if self.only:
            return [name for name in names if name == self.only]
        return [name for name in names if name not in self.hidden][:MOST]


def asked(kind: Kind, group: Group, *, start: str, end: str = "", step_s: int) -> dict[str, str]:
    """The question for the curves of a kind. `start` and `end` as the API takes them."""
    return {
        "metric": kind.metric,
        "agg": kind.agg,
        "start": start,
        "step": str(step_s * 1000),
        **({"end": end} if end else {}),
        **({"group_by": ",".join(group.labels)} if group.labels else {}),
    }


def asked_total(kind: Kind, group: Group, *, start_s: int) -> dict[str, str]:
    """The question for the one number of all that was since `start_s`.

    Steps begin at multiples of their length, so the only step that begins at `start_s` and does not
    end before now is as long as the time from 1970 to there. Quantiles of it are those of the whole
    window, which cannot be had from those of its steps.
    """
    return asked(kind, group, start=str(start_s * 1000), step_s=start_s)


def curves(
    chart: Chart, kind: Kind, group: Group, keys: Mapping[str, str] = {}, *, moved_s: float = 0.0
) -> dict[str, tuple[Point, ...]]:
    """The points of each series by its name. A step without a point is a gap."""
    step_s = chart.step_ms / 1000
    found = {}
    for one in chart.series:
        points: list[Point] = []
        for point in one.points:
            at = point.t / 1000 + moved_s
            if points and at > points[-1][0] + step_s * 1.5:
                points.append((points[-1][0] + step_s, None))
            points.append((at, point.v * kind.scale))
        found[named(one, group, keys)] = tuple(points)
    return found


def total(chart: Chart, kind: Kind, group: Group, keys: Mapping[str, str] = {}) -> dict[str, float]:
    """The one number of each series by its name."""
    return {
        named(one, group, keys): one.points[-1].v * kind.scale for one in chart.series if one.points
    }


def named(one: Series, group: Group, keys: Mapping[str, str]) -> str:
    """What a series is called; API keys have names beside their ids."""
    if not group.labels:
        return ALL
    labels = [getattr(one, label) or "" for label in group.labels]
    if group is KEYS:
        return keys.get(labels[0], labels[0]) or NOBODY
    return "/".join(label or NOBODY for label in labels) if any(labels) else NOBODY


def fitting_window(chart: Chart, window: Window) -> Window:
    """The shortest window that shows all that a chart of this one does."""
    begun = [one.points[0].t for one in chart.series if one.points]
    if not begun:
        return window
    life_s = (chart.end - min(begun)) / 1000
    return next((one for one in WINDOWS if life_s <= one.length_s < window.length_s), window)


def newest(chart: Chart, models: Iterable[str]) -> Charted:
    """The p95 of these models, by their names, from where there is something to show."""
    found = curves(chart, P95, GROUPS[0])
    lines = {name: found[name] for name in models if found.get(name)}
    begun = min((points[0][0] for points in lines.values()), default=0.0)
    start, end = chart.start / 1000, chart.end / 1000
    return Charted(
        ask=Ask(window=NEWEST),
        start=max(start, min(begun, end - _LEAST_S)),
        end=end,
        lines={P95.id: lines},
        totals={"req": dict.fromkeys(lines, 0.0)},
    )


def told_apart(keys: Mapping[str, str]) -> dict[str, str]:
    """Names of API keys by their ids; to a name that several have, the id is added."""
    count = Counter(keys.values())
    return {
        key_id: name if name and count[name] == 1 else f"{name} {key_id}".strip()
        for key_id, name in keys.items()
    }


def coloured(before: Mapping[str, int], shown: Sequence[str]) -> dict[str, int]:
    """A colour for each that is shown; those that had one keep it."""
    kept = {name: before[name] for name in shown if name in before}
    free = [place for place in range(MOST) if place not in kept.values()]
    for name in shown:
        if name not in kept and free:
            kept[name] = free.pop(0)
    return kept


def plot(data: Charted, kind: Kind, chosen: Chosen, colours: Mapping[str, int]) -> Plot:
    """The picture of a kind."""
    there, before = data.lines.get(kind.id, {}), data.before.get(kind.id, {})
    shown = [name for name in chosen.shown(data.names) if name in colours]
    drawn = [
        Curve(name=name, points=there[name], colour=colours[name], mark=mark(colours[name]))
        for name in reversed(shown)
        if name in there
    ]
    past = [
        Curve(name=name, points=before[name], colour=colours[name], dotted=True)
        for name in shown
        if name in before
    ]
    return Plot(
        curves=(*past, *drawn), left=data.start, right=data.end, form=kind.form,
        # Most shares of errors are 0, which no logarithm shows.
        log=chosen.log and kind.form != SHARE, at=chosen.at,
    )  # fmt: skip


def mark(colour: int) -> str:
    """The sign of a colour, for who cannot see it."""
    return str(colour + 1)


def legend(
    data: Charted, kind: Kind, chosen: Chosen, colours: Mapping[str, int], room: int
) -> list[tuple[str, int | None]]:
    """What a picture's border says: whose curves they are, or what they are at the cross-hair."""
    shown = [name for name in chosen.shown(data.names) if name in colours]
    more = len([name for name in data.names if name not in chosen.hidden]) - len(shown)
    if chosen.at is None:
        entries = [(f"{mark(colours[name])} {name}", colours[name]) for name in shown]
        return fitting([], entries, 0 if chosen.only else max(0, more), room)
    lines = data.lines.get(kind.id, {})
    values = {name: exact(at(lines.get(name, ()), chosen.at), kind.form) for name in shown}
    window = data.ask.window
    when = moment(chosen.at, day=window.length_s > DAY_S, second=window.step_s < MINUTE_S)
    for text in ("{mark} {name} {value}", "{mark} {value}"):
        entries = [
            (text.format(mark=mark(colours[name]), name=name, value=values[name]), colours[name])
            for name in shown
        ]
        parts = fitting([(when, None)], entries, 0, room)
        if len(parts) == 2 * len(entries) + 1:
            break
    return parts


def fitting(
    first: Sequence[tuple[str, int | None]],
    entries: Sequence[tuple[str, int]],
    more: int,
    room: int,
) -> list[tuple[str, int | None]]:
    """As many entries as there is room for, and how many more there are."""
    parts: list[tuple[str, int | None]] = [*first]
    used = sum(cells(text) for text, _ in parts)
    for number, (text, colour) in enumerate(entries):
        between = "  " if parts else ""
        rest = more + len(entries) - number - 1
        need = cells(between + text) + (len(f"  +{rest}") if rest else 0)
        if used + need > room:
            more += len(entries) - number
            break
        parts += [(between, None), (text, colour)] if between else [(text, colour)]
        used += cells(between + text)
    return [*parts, (f"{'  ' if parts else ''}+{more}", None)] if more else parts


def at(points: Sequence[Point], when: float) -> float | None:
    """The value at a moment; None in a gap."""
    return next((y for x, y in points if abs(x - when) < 0.5), None)  # noqa: PLR2004 - the same


def moved(data: Charted, when: float | None, by: int) -> float:
    """The step that a cross-hair comes to; it begins at the last that is over."""
    step_s = data.ask.window.step_s
    last = data.end - step_s
    if when is None:
        return last
    return min(last, max(data.start, when + by * step_s))


def said(ask: Ask, chosen: Chosen, paused_at: float | None = None) -> str:
    """The question in one line, and since when its answer is held."""
    window, group = ask.window, ask.group
    parts = [window.words, f"step {step(window.step_s)}"]
    parts.append(f"by {group.title}" if group.labels else "all together")
    if chosen.only:
        parts.append(f"only {chosen.only}")
    elif chosen.hidden:
        parts.append(f"{len(chosen.hidden)} hidden")
    if chosen.log:
        parts.append("log scale")
    if ask.before:
        parts.append(f"dots: the {window.name} before")
    if paused_at is not None:
        parts.append(f"paused at {moment(paused_at, second=True)}")
    return " · ".join(parts)


def step(step_s: int) -> str:
    """`10 s`, `1 m`, `1 h`."""
    for unit_s, unit in ((3600, "h"), (60, "m")):
        if step_s >= unit_s:
            return f"{step_s // unit_s} {unit}"
    return f"{step_s} s"


def counted(count: int, group: Group) -> str:
    """`1 model`, `4 models`."""
    if not group.labels:
        return "all together"
    return f"{count} {group.title}{'' if count == 1 else 's'}"


def columns(group: Group, trend: int = 0) -> tuple[Column, ...]:
    """The columns of the table below the pictures, the last of them `trend` cells wide."""
    return (
        Column(id="mark", title="", width=1),
        Column(id="name", title=group.title if group.labels else "", width=16, most=44),
        Column(id="req", title="req", width=6, most=9, right=True),
        Column(id="p50", title="p50", width=6, most=8, right=True, rank=4),
        Column(id="p95", title="p95", width=6, most=8, right=True),
        Column(id="p99", title="p99", width=6, most=8, right=True, rank=3),
        Column(id="first", title="first", width=6, most=8, right=True, rank=5),
        Column(id="err", title="err", width=6, right=True),
        Column(id="usd", title="$/h", width=7, most=9, right=True),
        Column(id="tok", title="tok/s", width=6, most=8, right=True, rank=2),
        *((Column(id="trend", title=" trend", width=trend + 1, rank=6),) if trend else ()),
    )


def trend_width(width: int) -> int:
    """The cells that the trends may have on a screen of so many; none where it has no room."""
    return next((cells for least, cells in ((160, 72), (110, 24)) if width >= least), 0)


def rows(
    data: Charted,
    chosen: Chosen,
    colours: Mapping[str, int],
    by: str,
    *,
    down: bool,
    trend: int = 0,
) -> list[Row]:
    """A row for each series, sorted by a column."""
    values = data.totals.get(by, {})
    names = data.names
    if by == "name":
        names = sorted(names, reverse=down)
    elif by:
        there = sorted((name for name in names if name in values), key=lambda name: values[name],
                       reverse=down)  # fmt: skip
        names = [*there, *(name for name in names if name not in values)]
    return [_row(name, data, chosen, colours, trend) for name in names]


def _row(name: str, data: Charted, chosen: Chosen, colours: Mapping[str, int], trend: int) -> Row:
    hidden = name in chosen.hidden or bool(chosen.only and name != chosen.only)
    if hidden:
        sign = Cell("x", "dim")
    elif name in colours:
        sign = Cell(mark(colours[name]), f"series-{colours[name]}")
    else:
        sign = Cell("·", "dim")
    cells = [_value(kind, data.totals.get(kind.id, {}).get(name)) for kind in TOTALS]
    if trend:
        points = data.lines[data.ask.kinds[0].id].get(name, ())
        tone = f"series-{colours[name]}" if name in colours and not hidden else "dim"
        cells.append(Cell(" " + spark(points, data.start, data.end, trend), tone))
    return Row(id=name, cells=(sign, name, *cells), tone="dim" if hidden else "")


def spark(points: Sequence[Point], left: float, right: float, width: int) -> str:
    """The course of values in one line, the highest of a cell in it; a gap is a space."""
    cells: list[float | None] = [None] * width
    for x, y in points:
        place = int((x - left) / (right - left) * width)
        if y is not None and 0 <= place < width:
            cells[place] = max(y, cells[place] or 0.0)
    top = max((value for value in cells if value is not None), default=0.0)
    return "".join(
        " " if value is None else "▁▂▃▄▅▆▇█"[min(7, int(value / top * 8)) if top else 0]
        for value in cells
    )


def _value(kind: Kind, value: float | None) -> str | Cell:
    text = exact(value, kind.form)
    if kind.id == "err" and value is not None and value >= _BAD_ERRORS:
        return Cell(text, "bad")
    return text
