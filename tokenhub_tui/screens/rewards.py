"""What the learning router believes of the routes, and the judgements that it learned that from."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import ContentSwitcher

from tokenhub.client.calls.feedback import give_feedback
from tokenhub.client.calls.rewards import list_arms, list_rewards, reset_rewards
from tokenhub.client.text import cells
from tokenhub.filters import Fields, parse
from tokenhub.wire.feedback import FeedbackIn
from tokenhub.wire.rewards import Arm, Reward, RewardPage
from tokenhub_tui.dialogs.choose import Choose
from tokenhub_tui.dialogs.confirm import TypedConfirm
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.state import judgements, posteriors, series
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.feed import unix
from tokenhub_tui.state.kept import ENOUGH, MOST_EMPTY, Kept, meant, values
from tokenhub_tui.state.posteriors import DRAWS, WINS, arm_id
from tokenhub_tui.widgets.chart import Chart, SeriesTable, legend
from tokenhub_tui.widgets.empty import Empty
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.tabline import TabLine
from tokenhub_tui.widgets.words import words

ARMS, ENTRIES = "arms", "entries"
PAGE = 200
# Rows of the table that are seen at once, on low and on high terminals.
MOST_ROWS = (6, 11)
_SCORES = {"up": "good, 1", "down": "bad, 0"}
_OF_ARMS = {"bucket", "every", "draw", "reset"}
_OF_ENTRIES = {"filter", "open", "judge"}


class Believed(msgspec.Struct, frozen=True, kw_only=True):
    """The arms, and a page of judgements where they are looked at; `after` is the one before."""

    arms: Sequence[Arm] | None = None
    page: RewardPage | None = None
    after: str = ""


class RewardsPage(Page[Believed]):
    """Two tabs: the arms with their curves, and the judgements one by one."""

    NAME = "rewards"
    EVERY_S = 15.0
    FILTERS = True
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/rewards.tcss"]

    def __init__(self) -> None:
        super().__init__()
        self.showing = ARMS
        self._arms: Sequence[Arm] = ()
        self._work, self._every = "", False
        self._colours: dict[str, int] = {}
        self._seed = 0
        self._wins: Mapping[str, int] = {}
        self._kept: Kept[Reward] = Kept(lambda row: str(row.id))
        self._total = 0
        self._empty_pages = 0

    def contents(self) -> ComposeResult:
        yield TabLine({ARMS: "Arms", ENTRIES: "Entries"})
        with ContentSwitcher(initial=f"{ARMS}-pane", id="lists"):
            with Vertical(id=f"{ARMS}-pane"):
                with Vertical(id="beliefs-box", classes="box"):
                    yield Chart(name="beliefs")
                    yield SeriesTable(WINS, name="wins", cursor=False)
                    yield Empty(id="arms-empty")
                with Vertical(id="course-box", classes="box") as box:
                    box.border_title = "mean of the judgements, as they came"
                    yield Chart(name="course")
                with Vertical(id="arms-box", classes="box"):
                    yield SeriesTable(posteriors.columns(every=False), name=ARMS)
            with Vertical(id=f"{ENTRIES}-pane"), Vertical(id="entries-box", classes="box"):
                yield Table(judgements.COLUMNS, name=ENTRIES)
                yield Empty(id="entries-empty")

    @property
    def table(self) -> Table:
        """The table that has the keys."""
        return self.query_one(f"#{self.showing}", Table)

    def on_mount(self) -> None:
        self.table.focus()
        # The legend has colours of the theme.
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    # --- Asking ---

    async def load(self) -> Believed:
        """The arms; and the newest judgements where they, or what came of them, are shown."""
        link = self.console.link
        if self.showing == ARMS and not self.has_class("-tall"):
            return Believed(arms=(await link(list_arms())).arms)
        told, page = await asyncio.gather(link(list_arms()), link(list_rewards(limit=PAGE)))
        return Believed(arms=told.arms, page=page)

    def on_table_nearing(self, message: Table.Nearing) -> None:
        if message.table.id == ENTRIES:
            self._ask_more()

    def _ask_more(self) -> None:
        self.ask_on(self._kept.next, self._more)

    async def _more(self, after: str) -> Believed:
        page = await self.console.link(list_rewards(limit=PAGE, before=after))
        return Believed(page=page, after=after)

    # --- Drawing ---

    def show(self, data: Believed) -> None:
        """Draw what came. What was read further down stays, while it is looked at."""
        if data.arms is not None:
            self._arms = data.arms
        if data.page is not None:
            self._take(data.page, data.after)
        self._draw()

    def _take(self, page: RewardPage, after: str) -> None:
        self._total = page.total
        if after:
            if after == self._kept.next:
                self._empty_pages = 0 if self._wanted(page.rewards) else self._empty_pages + 1
                self._kept.more(page.rewards, page.next)
        elif len(self._kept) <= PAGE or self.table.at_top:
            # What a filter was held against is not asked for anew.
            take = self._kept.renew if self.wanted and len(self._kept) else self._kept.begin
            take(page.rewards, page.next)

    def _wanted(self, rewards: Sequence[Reward]) -> list[Reward]:
        wanted = parse(self.wanted, now=self.console.clock.now(), fields=judgements.FIELDS)
        return meant(rewards, wanted)

    def _draw(self) -> None:
        if not self.display:
            return  # it is being taken apart
        line = self.query_one(TabLine)
        line.active = self.showing
        if not self.loaded:
            return
        if self.showing == ARMS:
            self._draw_arms(line)
        else:
            self._draw_entries(line)
        self.redraw_keys()

    def _meant(self) -> list[Arm]:
        return posteriors.meant(self._arms, self._work, every=self._every)

    def _draw_arms(self, line: TabLine) -> None:
        arms = self._meant()
        what = "every kind of work" if self._every else self._work or posteriors.ANY
        line.said = (f"{what} · 0 useless, 1 right", "dim")
        table = self.query_one(f"#{ARMS}", SeriesTable)
        self._colours = series.coloured(self._colours, posteriors.shown(arms, table.row_id))
        rows = posteriors.rows(arms, self._colours, every=self._every)
        table.show(rows, columns=posteriors.columns(every=self._every))
        box = self.query_one("#arms-box")
        box.border_title = words(f"{len(arms)} arm{'' if len(arms) == 1 else 's'}")
        box.styles.height = min(MOST_ROWS[self.has_class("-tall")], len(arms)) + 3
        empty = self.query_one("#arms-empty", Empty)
        empty.display, box.display = not arms, bool(arms)
        self.query_one("#beliefs").display = bool(arms) and not self._wins
        self.query_one("#wins").display = bool(arms and self._wins)
        if not arms:
            self._draw_nothing(empty)
        elif self._wins:
            self._draw_wins()
        else:
            self._draw_beliefs()
        self._draw_course()

    def _draw_nothing(self, empty: Empty) -> None:
        self.query_one("#beliefs-box").border_title = "what is believed"
        self.query_one("#beliefs-box").border_subtitle = ""
        if self._arms:
            what = self._work or "a kind of work"
            empty.nothing(f"Nobody judged an answer to {what} yet.", "b shows another kind of work")
            return
        empty.nothing(
            "Nothing was learned yet: no answer was judged.",
            "tokenhubctl feedback add REQUEST --up  judges one; callers do by POST /v1/feedback",
        )

    def _draw_beliefs(self) -> None:
        table, box = self.query_one(f"#{ARMS}", SeriesTable), self.query_one("#beliefs-box")
        arms, at = self._meant(), table.row_id
        picture = posteriors.plot(arms, at, self._colours)
        self.query_one("#beliefs", Chart).show(picture)
        box.border_title = "how good its answers are believed to be"
        chosen = next((one for one in arms if arm_id(one) == at), None)
        parts: list[tuple[str, int | None]] = []
        if chosen is not None and at in self._colours:
            colour = self._colours[at]
            parts = [(f"{series.mark(colour)} {posteriors.said(chosen)}", colour)]
        box.border_subtitle = legend(self, parts)

    def _draw_wins(self) -> None:
        table, box = self.query_one("#wins", SeriesTable), self.query_one("#beliefs-box")
        wins = {arm_id(one): self._wins.get(arm_id(one), 0) for one in self._meant()}
        named = max((cells(name) for name in wins), default=0)
        room = self.size.width - min(44, max(18, named)) - 24
        table.show(posteriors.winners(wins, self._colours, room))
        box.border_title = f"who is best in {DRAWS:,} draws · seed {self._seed}"
        box.border_subtitle = "quality alone; 3 Simulate has money and time · esc goes back"

    def _draw_course(self) -> None:
        rewards, now = self._kept.rows, self.console.clock.now()
        first = min((unix(one.timestamp) for one in rewards), default=now - 1)
        picture = posteriors.course(rewards, self._colours, left=first, right=now)
        self.query_one("#course", Chart).show(picture)

    def _draw_entries(self, line: TabLine) -> None:
        rows = self._wanted(self._kept.rows)
        line.said = (f"filter: {self.wanted}", "key") if self.wanted else ("newest first", "dim")
        self.table.show([judgements.row(one) for one in rows])
        empty = self.query_one("#entries-empty", Empty)
        empty.display, self.table.display = not rows, bool(rows)
        if not len(self._kept):
            empty.nothing(
                "No answer was judged yet.",
                "tokenhubctl feedback add REQUEST --up  judges one; J does it here",
            )
        elif not rows:
            empty.no_match(self.wanted)
        there = f"{len(self._kept):,} of {self._total:,}"
        said = f"{len(rows):,} in the newest {there}" if self.wanted else there
        self.query_one("#entries-box").border_subtitle = words(said)
        if self.wanted and len(rows) < ENOUGH and self._empty_pages < MOST_EMPTY:
            self._ask_more()

    def on_table_moved(self, message: Table.Moved) -> None:
        if message.table.id == ARMS and self.loaded and self.showing == ARMS:
            self._draw()

    # --- Keys ---

    def why_not(self, method: str) -> str:
        """Some are of the arms alone, some of the entries."""
        if method in _OF_ARMS and self.showing != ARMS:
            return "it is of the arms"
        if method in _OF_ENTRIES and self.showing != ENTRIES:
            return "it is of the entries"
        if method == "draw" and not self._meant():
            return "there is no arm"
        if method in {"reset", "open", "judge", "copy"} and not self.table.row_id:
            return "there is no row"
        return ""

    def action_other(self) -> None:
        self.action_tab(ENTRIES if self.showing == ARMS else ARMS)

    def action_tab(self, name: str) -> None:
        """Show one of the two lists."""
        if name == self.showing:
            return
        self.showing = name
        self.query_one("#lists", ContentSwitcher).current = f"{name}-pane"
        self._draw()
        self.table.focus()
        self.again()

    def set_focus_to_content(self) -> None:
        self.table.focus()

    def action_bucket(self) -> None:
        known = posteriors.tasks(self._arms)
        place = known.index(self._work) + 1 if self._work in known and not self._every else 0
        self._look(known[place % len(known)], every=False)

    def action_every(self) -> None:
        self._look(self._work, every=not self._every)

    def _look(self, task: str, *, every: bool) -> None:
        self._work, self._every, self._wins = task, every, {}
        self._colours = {}
        self._draw()

    def action_draw(self) -> None:
        self._seed += 1
        self._wins = posteriors.drawn(self._meant(), self._seed)
        self._draw()

    def back(self) -> bool:
        """From the draws back to the curves."""
        if self.showing == ARMS:
            if not self._wins:
                return False
            self._wins = {}
            self._draw()
            return True
        return super().back()

    @property
    def filter_fields(self) -> Fields:
        """Those of judgements."""
        return judgements.FIELDS

    async def known_values(self) -> Mapping[str, Sequence[str]]:
        """The values of the judgements that are here."""
        return values(self._kept.rows, judgements.FIELDS)

    def filtered(self) -> None:
        self._empty_pages = 0
        self._draw()

    def action_reset(self) -> None:
        arm = next((one for one in self._arms if arm_id(one) == self.table.row_id), None)
        if arm is None:
            return
        effect = (
            f"All that was learned of {arm.route} is forgotten, of every kind of work: it will be "
            f"tried as if it were new. {arm.calls:,.0f} calls no longer count. The judgements stay "
            "in the list."
        )
        dialog = TypedConfirm(effect, arm.route)
        self.app.push_screen(dialog, partial(self._reset, arm.route))

    def _reset(self, route: str, sure: bool | None) -> None:  # noqa: FBT001 - a dialog's answer
        if sure:
            self.change(reset_rewards(route=route), f"Forgot what was learned of {route}")

    def action_open(self) -> None:
        self.table.action_open()

    def on_table_opened(self, message: Table.Opened) -> None:
        message.stop()
        one = self._kept.get(message.row_id) if message.table.id == ENTRIES else None
        if one is not None:
            self.console.open_request(one.request_id)

    def action_judge(self) -> None:
        one = self._kept.get(self.table.row_id)
        if one is None:
            return
        rows = [
            Row(id="up", cells=(Cell("✓", "good"), "The answer was good: 1")),
            Row(id="down", cells=(Cell("✗", "bad"), "The answer was bad: 0")),
        ]
        columns = (
            Column(id="mark", title="", width=1),
            Column(id="said", title="", width=20, most=60),
        )
        dialog = Choose(f"How good was {one.request_id}?", columns, rows)
        self.app.push_screen(dialog, partial(self._judged, one.request_id))

    def _judged(self, request_id: str, thumbs: str | None) -> None:
        if thumbs:
            sent = FeedbackIn(request_id=request_id, thumbs=thumbs)
            self.change(give_feedback(sent), f"Judged {request_id} {_SCORES[thumbs]}")

    def action_copy(self) -> None:
        text = self.table.row_id
        one = self._kept.get(text) if self.showing == ENTRIES else None
        copied = one.request_id if one is not None else text.partition("@")[0]
        self.console.copy(copied, copied)
