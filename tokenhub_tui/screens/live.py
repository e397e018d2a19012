"""Decisions as they are taken: who was asked, what it cost, and why not the others."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import reactive

from tokenhub.client.calls.observe import get_request, list_logs
from tokenhub.client.calls.stats import get_stats
from tokenhub.client.errors import ClientError
from tokenhub.client.stream import Heard
from tokenhub.filters import Filter, parse
from tokenhub.wire.stats import Stats
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.screens.facets import values
from tokenhub_tui.state import candidates, decisions
from tokenhub_tui.state.feed import Line
from tokenhub_tui.widgets.empty import Empty
from tokenhub_tui.widgets.figures import Figures
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import words
from tokenhub_tui.working import beside

SEEDED = 200


class LivePage(Page[Stats]):
    """The feed above, the candidates of the request under the cursor below."""

    NAME = "live"
    FILTERS = True
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/live.tcss"]

    paused = reactive(default=False)

    def __init__(self) -> None:
        super().__init__()
        self._filter = Filter()
        self._held: list[Line] | None = None
        self._paused_at = 0.0
        self._heard_at_pause = (0, 0)

    def contents(self) -> ComposeResult:
        yield Figures()
        with Vertical(id="feed-box", classes="box") as box:
            box.border_title = "Decisions"
            yield Table(decisions.COLUMNS, name="feed", head=False)
            yield Empty(id="feed-empty")
        with Vertical(id="candidates-box", classes="box") as box:
            box.border_title = "Candidates"
            yield Table(candidates.COLUMNS, name="candidates")

    @property
    def feed(self) -> Table:
        """The table of requests."""
        return self.query_one("#feed", Table)

    def on_mount(self) -> None:
        self.feed.follow = True
        self.feed.focus()

    async def load(self) -> Stats:
        """The figures; before the first of them, what the log has of before we came."""
        console = self.console
        if not console.seeded:
            page = await console.link(list_logs(limit=SEEDED))
            console.feed.seed(page.logs)
            console.seeded = True
        return await console.link(get_stats())

    def show(self, data: Stats) -> None:
        """Draw the figures, and the feed."""
        self.query_one(Figures).show(decisions.figures(data))
        self._draw()

    def heard(self, events: list[Heard]) -> None:
        """Draw the feed anew."""
        del events
        if self.loaded:
            self._draw()

    def ticked(self) -> None:
        """The clocks of what runs, and of the pause."""
        if self.loaded:
            self._draw()

    async def known_values(self) -> Mapping[str, Sequence[str]]:
        """Values of the log: what was asked before is what will be asked."""
        return await values(self.console.link)

    def filtered(self) -> None:
        """Only what the filter means; the ring is here, so nobody is asked."""
        self._filter = parse(self.wanted, now=self.console.clock.now())
        self._draw()

    def _draw(self) -> None:
        lines = self._held if self._held is not None else self.console.feed.lines
        meant = [one for one in lines if self._filter.matches(one.row())] if self.wanted else lines
        now = self.console.clock.now()
        self.feed.show([decisions.row(one, now) for one in meant])
        self._empty(lines, meant)
        self._captions(len(meant), len(lines))
        self._draw_candidates()

    def _empty(self, lines: list[Line], meant: list[Line]) -> None:
        empty = self.query_one("#feed-empty", Empty)
        empty.display, self.feed.display = not meant, bool(meant)
        if not lines:
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
        feed, parts = self.console.feed, [f"{shown} of {there}"] if self.wanted else [f"{there}"]
        if self._held is not None:
            heard, errors = self._heard_at_pause
            waiting = f"{feed.heard - heard} new"
            if feed.errors > errors:
                waiting += f", {feed.errors - errors} ✗"
            paused = decisions.clock(self.console.clock.now() - self._paused_at)
            parts += [f"paused {paused}", waiting]
        elif not self.feed.follow:
            parts.append("not following")
        box.border_subtitle = " · ".join(parts)

    def _draw_candidates(self) -> None:
        box, table = self.query_one("#candidates-box"), self.query_one("#candidates", Table)
        line = self.console.feed.get(self.feed.row_id)
        if line is None or line.decision is None:
            box.border_title = "Candidates"
            table.show([])
            return
        caption = candidates.caption(line.decision)
        box.border_title = words(f"Candidates · {caption} · {line.request_id}")
        asked = f"{line.provider_id}/{line.model_id}" if line.provider_id else ""
        table.show(candidates.rows(line.decision, asked))

    def on_table_moved(self, message: Table.Moved) -> None:
        if message.table is self.feed:
            line = self.console.feed.get(message.row_id)
            if line is not None and line.decision is None and line.over:
                beside(self, partial(self._fetch, line), group="decision")
            self._draw_candidates()

    async def _fetch(self, line: Line) -> None:
        """The decision of a request of before we came."""
        try:
            detail = await self.console.link(get_request(line.request_id))
        except ClientError:
            return
        line.decision = detail.decision
        self._draw_candidates()

    def on_table_opened(self, message: Table.Opened) -> None:
        if message.table is self.feed:
            self.console.open_request(message.row_id)

    def action_open(self) -> None:
        self.feed.action_open()

    def action_follow(self) -> None:
        self.feed.follow = not self.feed.follow
        self._draw()

    def action_pause(self) -> None:
        if self._held is None:
            self._held = self.console.feed.lines
            self._paused_at = self.console.clock.now()
            self._heard_at_pause = (self.console.feed.heard, self.console.feed.errors)
        else:
            self._held = None
        self._draw()
