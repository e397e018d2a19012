"""Decisions as they are taken: who was asked, what it cost, and why not the others."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar, NamedTuple

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.containers import Vertical

from tokenhub.client.calls.observe import get_request, list_logs
from tokenhub.client.calls.stats import get_stats
from tokenhub.client.calls.tsdb import query_series
from tokenhub.client.errors import ClientError
from tokenhub.client.stream import DROPPED, GAP, Heard
from tokenhub.client.text import from_ms
from tokenhub.filters import Filter, parse
from tokenhub.wire.stats import Stats
from tokenhub.wire.tsdb import Chart
from tokenhub_tui.dialogs.why_not import WhyNot
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.screens.facets import values
from tokenhub_tui.state import candidates, decisions, series
from tokenhub_tui.state.cells import Row
from tokenhub_tui.state.feed import RING, Line
from tokenhub_tui.state.figures import Counted
from tokenhub_tui.state.series import GROUPS, NEWEST, P95, Chosen
from tokenhub_tui.widgets.chart import Chart as Picture
from tokenhub_tui.widgets.chart import legend
from tokenhub_tui.widgets.empty import Empty
from tokenhub_tui.widgets.figures import Figures
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import words
from tokenhub_tui.working import beside

SEEDED = 200
# As many as the log gives in one answer.
FILLED = 1000
# From so many lines of the terminal on there is room for the titles of the columns.
TITLES_FROM = 30
# Rows of the boxes beside the feed; what is below them must have room.
LEAST_ROWS, MOST_ROWS = 3, {"candidates": 12, "parts": 8}


class Answers(NamedTuple):
    """What the server said: the figures, and how fast the models are where there is room for it."""

    stats: Stats
    chart: Chart | ClientError | None


class LivePage(Page[Answers]):
    """The feed above, the candidates of the request under the cursor below, or beside it."""

    NAME = "live"
    FILTERS = True
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/live.tcss"]

    def __init__(self) -> None:
        super().__init__()
        self._filter = Filter()
        # The lines of when it was paused, as they were: those of the feed change, and leave it.
        self._held: dict[str, Line] | None = None
        self._paused_at = 0.0
        self._heard_at_pause = (0, 0)
        self._left_at: tuple[int, int] | None = None
        # The rows of requests that have ended, None of those that the filter does not mean: they
        # change no more, and 2,000 of them four times a second would take a tenth of a core.
        self._rows: dict[str, tuple[int, Row | None]] = {}
        self._shown: tuple[str, int] = ("", -1)
        # Rows of the boxes beside the feed: what is below must not jump with the cursor.
        self._rows_of = dict.fromkeys(MOST_ROWS, LEAST_ROWS)
        self._counted = Counted()
        self._chart: Chart | ClientError | None = None
        self._colours: dict[str, int] = {}

    def contents(self) -> ComposeResult:
        yield Figures()
        with Vertical(id="feed-box", classes="box") as box:
            box.border_title = "Decisions"
            yield Table(decisions.COLUMNS, name="feed", head=False)
            yield Empty(id="feed-empty")
        with Vertical(id="side"):
            with Vertical(id="candidates-box", classes="box") as box:
                box.border_title = "Candidates"
                yield Table(candidates.COLUMNS, name="candidates", quiet=True)
                yield Empty(id="undecided")
            with Vertical(id="parts-box", classes="box") as box:
                box.border_title = "What the scores are made of"
                yield Table(candidates.PART_COLUMNS, name="parts", quiet=True)
            with Vertical(id="chart-box", classes="box") as box:
                box.border_title = f"{P95.title} · {NEWEST.words}"
                yield Picture(name="chart")
                yield Empty(id="uncharted")

    @property
    def feed(self) -> Table:
        """The table of requests."""
        return self.query_one("#feed", Table)

    def on_mount(self) -> None:
        self.feed.follow = True
        self.feed.focus()
        self.watch(self.feed, "follow", self._followed, init=False)
        # The legend has colours of the theme.
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw_chart())

    @property
    def _roomy(self) -> bool:
        """Whether there is room for the chart."""
        return self.has_class("-huge") and self.has_class("-tall")

    def on_resize(self) -> None:
        self.feed.head = self.size.height >= TITLES_FROM
        self._fit()
        if not self._roomy:
            self._chart = None
        elif self._chart is None:
            self.again()
        # The legend has the room of its box.
        self.call_after_refresh(self._draw_chart)

    async def load(self) -> Answers:
        """The figures; before the first of them, what the log has of before we came."""
        console = self.console
        if not console.seeded:
            page = await console.link(list_logs(limit=SEEDED))
            console.feed.seed(page.logs)
            console.seeded = True
        await self._fill()
        chart, stats = await asyncio.gather(self._ask_chart(), console.link(get_stats()))
        return Answers(stats, chart)

    async def _ask_chart(self) -> Chart | ClientError | None:
        if not self._roomy:
            return None
        asked = series.asked(P95, GROUPS[0], start=NEWEST.name, step_s=NEWEST.step_s)
        try:
            return await self.console.link(query_series(asked))
        except ClientError as error:
            # The feed can do without, and what was is better than nothing.
            return self._chart or error

    async def _fill(self) -> None:
        """Take from the log what no event will tell any more."""
        feed, gap = self.console.feed, self.console.feed.gap
        if gap is None:
            return
        since = feed.filled_from()
        page = await self.console.link(
            list_logs(limit=FILLED, since=from_ms(since * 1000) if since else "")
        )
        self.console.say(decisions.filled(gap, feed.fill(page.logs, gap)), tone="warn")

    def show(self, data: Answers) -> None:
        """Draw the figures, the feed, and the chart."""
        self._counted = self._counted.answered(data.stats, self.console.clock.now())
        self._draw_figures()
        self._draw()
        self._chart = data.chart or self._chart
        self._draw_chart()

    def heard(self, events: list[Heard]) -> None:
        """Draw the feed anew; what has been missed is asked for at once."""
        self._counted = self._counted.heard(events, self.console.clock.now())
        if any(one.type in {GAP, DROPPED} for one in events):
            self.again()
        self._draw_if_loaded()

    def ticked(self) -> None:
        """The figures, and the clocks of what runs and of the pause.

        `since:5m` means other requests by now.
        """
        if self.loaded:
            self._draw_figures()
        if self._held is None and self.wanted and self.loaded:
            meant = parse(self.wanted, now=self.console.clock.now())
            if meant != self._filter:
                self.filtered()
                return
        if self._held is not None or any(not line.over for line in self.console.feed.lines):
            self._draw_if_loaded()

    async def known_values(self) -> Mapping[str, Sequence[str]]:
        """Values of the log: what was asked before is what will be asked."""
        return await values(self.console.link)

    def filtered(self) -> None:
        """Only what the filter means; the ring is here, so nobody is asked."""
        self._filter = parse(self.wanted, now=self.console.clock.now())
        self._rows.clear()
        self._draw()

    # --- Drawing ---

    def _draw_figures(self) -> None:
        self.query_one(Figures).show(self._counted.figures())

    def _draw_if_loaded(self) -> None:
        if self.loaded:
            self._draw()

    def _draw(self) -> None:
        lines, now = self.console.feed.lines, self.console.clock.now()
        if self._held is not None:
            lines, now = list(self._held.values()), self._paused_at
        rows = [row for row in (self._row(line, now) for line in lines) if row is not None]
        self.feed.show(rows)
        if len(self._rows) > 2 * RING:
            kept = {line.request_id for line in lines}
            self._rows = {name: row for name, row in self._rows.items() if name in kept}
        self._empty(there=bool(lines), meant=bool(rows))
        self._captions(len(rows), len(lines))
        self._draw_candidates()

    def _row(self, line: Line, now: float) -> Row | None:
        """The row of a request, None where the filter does not mean it."""
        turn, row = self._rows.get(line.request_id, (-1, None))
        if turn != line.turn or not line.over:
            meant = not self.wanted or self._filter.matches(line.row())
            row = decisions.row(line, now) if meant else None
            self._rows[line.request_id] = (line.turn, row)
        return row

    def _empty(self, *, there: bool, meant: bool) -> None:
        empty = self.query_one("#feed-empty", Empty)
        empty.display, self.feed.display = not meant, meant
        if not there:
            empty.nothing(
                "No request yet.",
                'Send one to /v1/chat/completions, or with  tokenhubctl chat "Hello"',
            )
        elif not meant:
            empty.no_match(self.wanted)

    def _captions(self, shown: int, there: int) -> None:
        box = self.query_one("#feed-box")
        title = f"Decisions · filter: {self.wanted}" if self.wanted else "Decisions"
        box.border_title = words(title)
        parts = [f"{shown:,} of {there:,}"] if self.wanted else [f"{there:,}"]
        if self._held is not None:
            paused = decisions.clock(self.console.clock.now() - self._paused_at)
            parts += [f"paused {paused}", self._waiting(self._heard_at_pause)]
        elif self._left_at is not None:
            parts += ["f follows", self._waiting(self._left_at)]
        box.border_subtitle = " · ".join(parts)

    def _waiting(self, since: tuple[int, int]) -> str:
        """What has ended since: so many requests, and errors among them."""
        feed, (heard, errors) = self.console.feed, since
        failed = f", {feed.errors - errors:,} ✗" if feed.errors > errors else ""
        return f"{feed.heard - heard:,} new{failed}"

    def _draw_candidates(self) -> None:
        line = self._line()
        shown = (line.request_id, line.turn) if line else ("", 0)
        if shown == self._shown:
            return
        another, self._shown = shown[0] != self._shown[0], shown
        box, table = self.query_one("#candidates-box"), self.query_one("#candidates", Table)
        empty = self.query_one("#undecided", Empty)
        decision = line.decision if line else None
        table.display, empty.display = decision is not None, decision is None
        box.border_subtitle = words(line.request_id) if line else ""
        self.redraw_keys()
        if line is None or decision is None:
            box.border_title = "Candidates"
            empty.update(decisions.undecided(line))
            table.show([])
            self.query_one("#parts", Table).show([])
            return
        box.border_title = words(f"Candidates · {candidates.caption(decision)}")
        asked = f"{line.provider_id}/{line.model_id}" if line.provider_id else ""
        rows = candidates.rows(decision, asked)
        parts = candidates.part_rows(decision, asked)
        self._fit(candidates=len(rows), parts=len(parts))
        table.show(rows, columns=candidates.columns(decision))
        if another and rows:
            table.go(rows[0].id)
        of_parts = self.query_one("#parts", Table)
        of_parts.show(parts, columns=candidates.part_columns(decision))

    def _fit(self, **rows: int) -> None:
        """Let the boxes beside the feed be as high as the most rows that they have had."""
        for name, most in MOST_ROWS.items():
            self._rows_of[name] = max(self._rows_of[name], min(most, rows.get(name, 0)))
            # Beside the rows there are the head, and the border above and below.
            height = self._rows_of[name] + 3 if self._roomy else None
            self.query_one(f"#{name}-box").styles.height = height

    def _draw_chart(self) -> None:
        chart = self._chart
        # It may be being taken apart.
        if chart is None or not self._roomy or not self.display:
            return
        box = self.query_one("#chart-box")
        picture, empty = self.query_one("#chart", Picture), self.query_one("#uncharted", Empty)
        if isinstance(chart, ClientError):
            box.border_subtitle = ""
            empty.failed(*self.console.explained(chart))
            picture.display, empty.display = False, True
            return
        on_screen = (self.console.feed.get(row.id) for row in self.feed.seen)
        models = Counter(line.model_id for line in on_screen if line is not None)
        data = series.newest(chart, [name for name, _ in models.most_common(series.MOST)])
        shown = Chosen().shown(data.names)
        self._colours = series.coloured(self._colours, shown)
        picture.show(series.plot(data, P95, Chosen(), self._colours))
        room = box.size.width - 4
        box.border_subtitle = legend(self, series.legend(data, P95, Chosen(), self._colours, room))
        empty.nothing(f"No answer of these models in the {NEWEST.words}.", "")
        picture.display, empty.display = bool(shown), not shown

    def on_table_moved(self, message: Table.Moved) -> None:
        if message.table is self.feed:
            line = self._line()
            if line is not None and line.decision is None and line.over and not line.parent:
                beside(self, partial(self._fetch, line), group="decision")
            self._draw_candidates()

    async def _fetch(self, line: Line) -> None:
        """The decision of a request of before we came."""
        try:
            detail = await self.console.link(get_request(line.request_id))
        except ClientError:
            return
        if detail.decision is not None:
            # While it is paused, the feed has another line of it.
            line.decision, line.turn = detail.decision, line.turn + 1
            heard = self.console.feed.get(line.request_id)
            if heard is not None and heard is not line:
                heard.decision, heard.turn = detail.decision, heard.turn + 1
            self._draw()

    # --- Keys ---

    def _line(self) -> Line | None:
        """The request under the cursor."""
        if self._held is not None:
            return self._held.get(self.feed.row_id)
        return self.console.feed.get(self.feed.row_id)

    def why_not(self, method: str) -> str:
        line = self._line()
        if method in {"open", "copy"} and line is None:
            return "there is no request yet"
        # One that goes on will have a decision in a moment: a key that flickers helps nobody.
        if method == "why_not" and (line is None or (line.over and line.decision is None)):
            return "this request has no decision"
        return ""

    def on_table_opened(self, message: Table.Opened) -> None:
        if message.table is self.feed:
            self.console.open_request(message.row_id)

    def action_open(self) -> None:
        self.feed.action_open()

    def action_why_not(self) -> None:
        line = self._line()
        if line is not None and line.decision is not None:
            self.app.push_screen(WhyNot(line))

    def action_copy(self) -> None:
        line = self._line()
        if line is not None:
            self.console.copy(line.request_id, "the id of the request")

    def action_follow(self) -> None:
        self.feed.follow = not self.feed.follow

    def _followed(self, follow: bool) -> None:  # noqa: FBT001 - Textual's watcher
        feed = self.console.feed
        self._left_at = None if follow else (feed.heard, feed.errors)
        self._draw_if_loaded()

    def action_pause(self) -> None:
        if self._held is None:
            self._held = {line.request_id: replace(line) for line in self.console.feed.lines}
            self._paused_at = self.console.clock.now()
            self._heard_at_pause = (self.console.feed.heard, self.console.feed.errors)
        else:
            self._held = None
        self._draw()
