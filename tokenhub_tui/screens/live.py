"""Decisions as they are taken: who was asked, what it cost, and why not the others."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical

from tokenhub.client.calls.observe import get_request, list_logs
from tokenhub.client.calls.stats import get_stats
from tokenhub.client.errors import ClientError
from tokenhub.client.stream import DROPPED, GAP, Heard
from tokenhub.client.text import from_ms
from tokenhub.filters import Filter, parse
from tokenhub.wire.stats import Stats
from tokenhub_tui.dialogs.why_not import WhyNot
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.screens.facets import values
from tokenhub_tui.state import candidates, decisions
from tokenhub_tui.state.cells import Row
from tokenhub_tui.state.feed import RING, Line
from tokenhub_tui.state.figures import figures
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


class LivePage(Page[Stats]):
    """The feed above, the candidates of the request under the cursor below, or beside it."""

    NAME = "live"
    FILTERS = True
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/live.tcss"]

    def __init__(self) -> None:
        super().__init__()
        self._filter = Filter()
        self._held: list[Line] | None = None
        self._paused_at = 0.0
        self._heard_at_pause = (0, 0)
        self._left_at: tuple[int, int] | None = None
        # The rows of requests that have ended, None of those that the filter does not mean: they
        # change no more, and 2,000 of them four times a second would take a tenth of a core.
        self._rows: dict[str, tuple[int, Row | None]] = {}
        self._shown: tuple[str, int] = ("", -1)
        self._can = (False, False)

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

    @property
    def feed(self) -> Table:
        """The table of requests."""
        return self.query_one("#feed", Table)

    def on_mount(self) -> None:
        self.feed.follow = True
        self.feed.focus()
        self.watch(self.feed, "follow", self._followed, init=False)

    def on_resize(self) -> None:
        self.feed.head = self.size.height >= TITLES_FROM

    async def load(self) -> Stats:
        """The figures; before the first of them, what the log has of before we came."""
        console = self.console
        if not console.seeded:
            page = await console.link(list_logs(limit=SEEDED))
            console.feed.seed(page.logs)
            console.seeded = True
        await self._fill()
        return await console.link(get_stats())

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

    def show(self, data: Stats) -> None:
        """Draw the figures, and the feed."""
        self.query_one(Figures).show(figures(data))
        self._draw()

    def heard(self, events: list[Heard]) -> None:
        """Draw the feed anew; what has been missed is asked for at once."""
        if any(one.type in {GAP, DROPPED} for one in events):
            self.again()
        self._draw_if_loaded()

    def ticked(self) -> None:
        """The clocks of what runs, and of the pause."""
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

    def _draw_if_loaded(self) -> None:
        if self.loaded:
            self._draw()

    def _draw(self) -> None:
        lines = self._held if self._held is not None else self.console.feed.lines
        now = self.console.clock.now()
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
        line = self.console.feed.get(self.feed.row_id)
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
        table.show(rows, columns=candidates.columns(decision))
        if another and rows:
            table.go(rows[0].id)
        self.query_one("#parts", Table).show(candidates.part_rows(decision, asked))
        self.query_one("#parts-box").set_class(candidates.drawn(decision), "-drawn")

    def on_table_moved(self, message: Table.Moved) -> None:
        if message.table is self.feed:
            line = self.console.feed.get(message.row_id)
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
            line.decision, line.turn = detail.decision, line.turn + 1
            self._draw()

    # --- Keys ---

    def _line(self) -> Line | None:
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
            self._held = self.console.feed.lines
            self._paused_at = self.console.clock.now()
            self._heard_at_pause = (self.console.feed.heard, self.console.feed.errors)
        else:
            self._held = None
        self._draw()
