"""Latency, cost, tokens and errors over time, a curve for each model or whatever is asked for."""

import asyncio
from typing import ClassVar

from msgspec.structs import replace
from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Static

from tokenhub.client.calls.keys import list_keys
from tokenhub.client.calls.tsdb import query_series
from tokenhub.wire.tsdb import Chart
from tokenhub_tui.every import every
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.state import series
from tokenhub_tui.state.series import FOUR, GROUPS, KINDS, TOTALS, WINDOWS, Ask, Charted, Chosen
from tokenhub_tui.widgets.chart import Chart as Picture
from tokenhub_tui.widgets.chart import SeriesTable, legend
from tokenhub_tui.widgets.empty import Empty
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import words

# Where four pictures beside each other show more than one.
FOUR_WIDE, FOUR_HIGH = 100, 34
# Rows of the table that are seen at once, on low and on high terminals.
MOST_ROWS = (6, 11)


class ChartsPage(Page[Charted]):
    """One picture, or four with the same time below them, and a table of the whole window."""

    NAME = "charts"
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/charts.tcss"]

    def __init__(self) -> None:
        super().__init__()
        self._ask = Ask()
        self._kind = KINDS[0]
        self._chosen = Chosen()
        self._colours: dict[str, int] = {}
        self._data: Charted | None = None
        self._sorted = ("req", True)
        # Until the user or the first answer has chosen a window, each answer may.
        self._settled = False
        self._paused_at: float | None = None

    def contents(self) -> ComposeResult:
        yield Static(id="asked")
        with Container(id="panes"):
            for number in range(len(FOUR)):
                with Vertical(id=f"box-{number}", classes="box"):
                    yield Picture(name=f"picture-{number}")
        yield Empty(id="charts-empty")
        with Vertical(id="totals-box", classes="box"):
            yield SeriesTable(series.columns(self._ask.group), name="totals")

    @property
    def _table(self) -> SeriesTable:
        return self.query_one("#totals", SeriesTable)

    @property
    def _four(self) -> bool:
        return self.size.width >= FOUR_WIDE and self.size.height >= FOUR_HIGH

    def on_mount(self) -> None:
        self._table.sorted_by("req", down=True)
        self._table.focus()
        # The legends have colours of the theme.
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())

    def on_resize(self, event: events.Resize) -> None:
        del event
        if self.has_class("-four") != self._four:
            self.set_class(self._four, "-four")
            self.again()
        self.call_after_refresh(self._draw)

    # --- Asking ---

    @property
    def every_s(self) -> float | None:
        """What is held is not asked for."""
        return self.EVERY_S if self._paused_at is None else None

    def _kinds(self) -> tuple[series.Kind, ...]:
        """The chosen metric, and those beside it where there is room."""
        if not self._four:
            return (self._kind,)
        if self._kind in FOUR:
            return FOUR
        return (self._kind, *FOUR[1:])

    async def load(self) -> Charted:
        """The curves and the totals; the first answer says when the server's window began."""
        ask = replace(self._ask, kinds=self._kinds())
        first = await self._curve(ask, ask.kinds[0], start=ask.window.name)
        if not self._settled:
            ask = replace(ask, window=series.fitting_window(first, ask.window))
            if ask.window is not self._ask.window:
                first = await self._curve(ask, ask.kinds[0], start=ask.window.name)
        window, group = ask.window, ask.group
        start_s = first.start // 1000
        keys: dict[str, str] = {}
        if group is series.KEYS:
            known = await every(self.console.link, list_keys, lambda page: page.keys)
            keys = series.told_apart({one.id: one.name for one in known})
        others = [self._curve(ask, one, start=str(first.start)) for one in ask.kinds[1:]]
        before = [self._before(ask, one, start_s) for one in ask.kinds if ask.before]
        totals = [
            self.console.link(query_series(series.asked_total(one, group, start_s=start_s)))
            for one in TOTALS
        ]
        charts = await asyncio.gather(*others, *before, *totals)
        lines = [first, *charts[: len(others)]]
        past = charts[len(others) : len(others) + len(before)]
        return Charted(
            ask=ask,
            start=first.start / 1000,
            end=first.end / 1000,
            lines={
                one.id: series.curves(chart, one, group, keys)
                for one, chart in zip(ask.kinds, lines, strict=True)
            },
            before={
                one.id: series.curves(chart, one, group, keys, moved_s=window.length_s)
                for one, chart in zip(ask.kinds, past, strict=False)
            },
            totals={
                one.id: series.total(chart, one, group, keys)
                for one, chart in zip(TOTALS, charts[len(others) + len(before) :], strict=True)
            },
        )

    async def _curve(self, ask: Ask, kind: series.Kind, *, start: str, end: str = "") -> Chart:
        step_s = ask.window.step_s
        asked = series.asked(kind, ask.group, start=start, end=end, step_s=step_s)
        return await self.console.link(query_series(asked))

    async def _before(self, ask: Ask, kind: series.Kind, start_s: int) -> Chart:
        start = str((start_s - ask.window.length_s) * 1000)
        return await self._curve(ask, kind, start=start, end=str(start_s * 1000))

    # --- Drawing ---

    def show(self, data: Charted) -> None:
        """Draw what came; series keep their colours."""
        if self._paused_at is not None and self._data is not None and data.ask == self._data.ask:
            return
        if not self._settled:
            self._ask = replace(self._ask, window=data.ask.window)
            self._settled = bool(data.names)
        if self._data is None or self._data.ask.group is not data.ask.group:
            self._colours = {}
        self._data = data
        if self._chosen.at is not None and not data.start <= self._chosen.at < data.end:
            self._chosen = replace(self._chosen, at=None)
        self._draw()

    def _draw(self) -> None:
        if not self.display:
            return  # it is being taken apart
        data = self._data
        said = series.said(self._ask, self._chosen, self._paused_at)
        self.query_one("#asked", Static).update(words(said))
        if data is None:
            return
        names = data.names
        self._colours = series.coloured(self._colours, self._chosen.shown(names))
        empty = self.query_one("#charts-empty", Empty)
        empty.display, self.query_one("#panes").display = not names, bool(names)
        self.query_one("#totals-box").display = bool(names)
        if not names:
            empty.nothing(
                f"No request in the {data.ask.window.words}.",
                't shows a longer time; a request is made by  tokenhubctl chat "Hello"',
            )
            return
        for number, kind in enumerate(data.ask.kinds):
            self._draw_picture(number, kind, data)
        self._draw_table(data)
        self.redraw_keys()

    def _draw_picture(self, number: int, kind: series.Kind, data: Charted) -> None:
        box, chosen = self.query_one(f"#box-{number}"), self._chosen
        # By the screen: a box that was never shown has no size yet.
        room = self.size.width // (2 if self._four else 1) - 8
        box.border_title = words(kind.title)
        said = series.legend(data, kind, chosen, self._colours, room)
        box.border_subtitle = legend(self, said)
        picture = self.query_one(f"#picture-{number}", Picture)
        picture.show(series.plot(data, kind, chosen, self._colours))

    def _draw_table(self, data: Charted) -> None:
        by, down = self._sorted
        trend = min(series.trend_width(self.size.width), data.steps)
        rows = series.rows(data, self._chosen, self._colours, by, down=down, trend=trend)
        self._table.show(rows, columns=series.columns(data.ask.group, trend))
        box = self.query_one("#totals-box")
        box.styles.height = min(MOST_ROWS[self.has_class("-tall")], len(rows)) + 3
        box.border_title = words(series.counted(len(rows), data.ask.group))

    # --- Actions ---

    def why_not(self, method: str) -> str:
        """Reading and choosing want something to be read or chosen."""
        nothing = self._data is None or not self._data.names
        if nothing and method in {"earlier", "later", "open", "hide", "sort", "turn"}:
            return "there is no series"
        return ""

    def _wants(self, ask: Ask) -> None:
        """Ask another question; what was chosen of the answer before is chosen no more."""
        if ask.group is not self._ask.group:
            self._chosen = Chosen(log=self._chosen.log)
        self._chosen = replace(self._chosen, at=None)
        self._ask = ask
        self._draw()
        self.again()

    def action_longer(self) -> None:
        self._window(1)

    def action_shorter(self) -> None:
        self._window(-1)

    def _window(self, by: int) -> None:
        self._settled = True
        place = WINDOWS.index(self._ask.window) + by
        self._wants(replace(self._ask, window=WINDOWS[place % len(WINDOWS)]))

    def action_by(self) -> None:
        place = GROUPS.index(self._ask.group) + 1
        self._wants(replace(self._ask, group=GROUPS[place % len(GROUPS)]))

    def action_metric(self) -> None:
        self._kind = KINDS[(KINDS.index(self._kind) + 1) % len(KINDS)]
        self._draw()
        self.again()

    def action_pause(self) -> None:
        self._paused_at = self.console.clock.now() if self._paused_at is None else None
        self._draw()
        self.again()

    def action_overlay(self) -> None:
        self._wants(replace(self._ask, before=not self._ask.before))

    def action_log_scale(self) -> None:
        self._choose(replace(self._chosen, log=not self._chosen.log))

    def action_earlier(self) -> None:
        self._read(-1)

    def action_later(self) -> None:
        self._read(1)

    def _read(self, by: int) -> None:
        if self._data is not None:
            at = series.moved(self._data, self._chosen.at, by)
            self._choose(replace(self._chosen, at=at))

    def action_open(self) -> None:
        name = self._table.row_id
        self._choose(replace(self._chosen, only="" if self._chosen.only == name else name))

    def action_hide(self) -> None:
        hidden = set(self._chosen.hidden) ^ {self._table.row_id}
        self._choose(replace(self._chosen, only="", hidden=frozenset(hidden)))

    def _choose(self, chosen: Chosen) -> None:
        self._chosen = chosen
        self._draw()

    def action_sort(self) -> None:
        ids = ["name", *(one.id for one in TOTALS)]
        self._sort(ids[(ids.index(self._sorted[0]) + 1) % len(ids)])

    def action_turn(self) -> None:
        self._sort(self._sorted[0])

    def _sort(self, column_id: str) -> None:
        """Sort by a column, or the other way round by the one that it is."""
        before, down = self._sorted
        self._sorted = (column_id, not down if column_id == before else column_id != "name")
        self._table.sorted_by(column_id, down=self._sorted[1])
        self._draw()

    def on_table_sorted(self, message: Table.Sorted) -> None:
        if message.column_id not in {"mark", "trend"}:
            self._sort(message.column_id)

    def on_table_opened(self, message: Table.Opened) -> None:
        message.stop()
        self.action_open()

    def back(self) -> bool:
        """Take the cross-hair away, then show all series again."""
        if self._chosen.at is not None:
            self._choose(replace(self._chosen, at=None))
            return True
        if self._chosen.only or self._chosen.hidden:
            self._choose(replace(self._chosen, only="", hidden=frozenset()))
            return True
        return super().back()
