"""Orchestrations with their steps over time, and the workflows of Temporal's."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.containers import Vertical

from tokenhub.client.calls.orchestrations import (
    get_orchestration,
    list_orchestrations,
    list_workflows,
)
from tokenhub.client.errors import ClientError, NotFound
from tokenhub.client.stream import Heard
from tokenhub.filters import Fields, parse
from tokenhub.wire.orchestrations import (
    Orchestration,
    OrchestrationDetail,
    OrchestrationPage,
    WorkflowPage,
)
from tokenhub_tui.messages import Failed
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.state import flows
from tokenhub_tui.state.kept import Kept, meant, values
from tokenhub_tui.widgets.empty import Empty
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.tabline import TabLine
from tokenhub_tui.widgets.words import words
from tokenhub_tui.working import beside

PLANS, WORKFLOWS = "plans", "workflows"
PAGE = 100
# A filter is held against what is here; with fewer that it means, more is asked for.
ENOUGH = 30
# While a plan goes on it is asked for so often; else events tell of the next one, and this is
# for those that were missed.
RUNNING_S, IDLE_S = 3.0, 30.0
OFF = "Temporal is off, so there are no workflows."
INSTEAD = (
    "Plans run in the server itself: tab shows them.\n"
    "This version cannot switch Temporal on:\n"
    "TOKENHUB_TEMPORAL_ENABLED has no effect yet."
)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A page of plans, the one under the cursor with its steps, and the workflows.

    `after` is the page before, empty of the newest.
    """

    page: OrchestrationPage
    plan: OrchestrationDetail | None = None
    workflows: WorkflowPage | None = None
    after: str = ""


class FlowsPage(Page[Found]):
    """The plans above, the steps of the one under the cursor below; or the workflows."""

    NAME = "flows"
    FILTERS = True
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/flows.tcss"]

    def __init__(self) -> None:
        super().__init__()
        self._kept: Kept[Orchestration] = Kept(lambda one: one.id)
        self._total = 0
        self._plan: OrchestrationDetail | None = None
        self._heard = flows.Heard()
        self._follow = True
        self._stale = False

    def contents(self) -> ComposeResult:
        yield TabLine({PLANS: "Orchestrations", WORKFLOWS: "Workflows"})
        with Vertical(id="plans-pane"):
            with Vertical(id="plans-box", classes="box"):
                yield Table(flows.COLUMNS, name="plans")
                yield Empty(id="plans-empty")
            with Vertical(id="steps-box", classes="box"):
                yield Table(flows.step_columns((), 80), name="steps")
        with Vertical(id="workflows-pane"):
            yield Table(flows.WORKFLOWS, name="workflows")
            yield Empty(id="workflows-empty")

    @property
    def plans(self) -> Table:
        """The list of plans."""
        return self.query_one("#plans", Table)

    @property
    def steps(self) -> Table:
        """The steps of the plan under the cursor."""
        return self.query_one("#steps", Table)

    @property
    def every_s(self) -> float | None:
        """Often while anything goes on."""
        return RUNNING_S if self._under_way else IDLE_S

    @property
    def _under_way(self) -> int:
        return sum(one.status == "running" for one in self._kept.rows)

    def _meant(self, rows: Sequence[Orchestration]) -> list[Orchestration]:
        now = self.console.clock.now()
        return meant(rows, parse(self.wanted, now=now, fields=flows.FIELDS))

    def on_mount(self) -> None:
        self.action_tab(PLANS)

    async def load(self) -> Found:
        """The newest plans; the one under the cursor with its steps, where it may have changed."""
        link = self.console.link
        page = await link(list_orchestrations(limit=PAGE))
        wanted = self.plans.row_id
        newest = self._meant(page.orchestrations)
        if newest and (self._follow or not wanted):
            wanted = newest[0].id
        plan = await self._detail(wanted) if wanted else None
        workflows = await link(list_workflows(limit=PAGE))
        return Found(page=page, plan=plan, workflows=workflows)

    async def _detail(self, plan_id: str) -> OrchestrationDetail | None:
        """A plan with its steps; None where its record is gone."""
        known = self._plan
        if known is not None and known.id == plan_id and known.status != "running":
            return known
        try:
            return await self.console.link(get_orchestration(plan_id))
        except NotFound:
            return None

    def show(self, data: Found) -> None:
        """Draw what came."""
        self._total = data.page.total
        take = self._kept.more if data.after else self._kept.renew
        take(data.page.orchestrations, data.page.next)
        if data.plan is not None:
            self._plan = data.plan
        self._draw_plans()
        if data.workflows is not None:
            self._draw_workflows(data.workflows)
        self.redraw_keys()

    def on_table_nearing(self, message: Table.Nearing) -> None:
        if message.table is self.plans:
            self._ask_more()

    def _ask_more(self) -> None:
        self.ask_on(self._kept.next, self._more)

    async def _more(self, after: str) -> Found:
        page = await self.console.link(list_orchestrations(limit=PAGE, before=after))
        return Found(page=page, after=after)

    @property
    def filter_fields(self) -> Fields:
        """Those of plans."""
        return flows.FIELDS

    async def known_values(self) -> Mapping[str, Sequence[str]]:
        """The values of the plans that are here."""
        return values(self._kept.rows, flows.FIELDS)

    def filtered(self) -> None:
        """Draw those that are meant, and ask for the steps of the first."""
        self._draw_plans()
        self.again()

    def heard(self, events: list[Heard]) -> None:
        """Steps that began are drawn at once; what has ended is asked for, once a second."""
        if self._heard.apply(events):
            self._stale = True
            if self.loaded:
                self._draw_steps()

    def ticked(self) -> None:
        """The clocks of what runs."""
        if self._stale:
            self._stale = False
            self.again()
        if self.loaded and self.every_s == RUNNING_S:
            self._draw_plans()

    def on_resize(self) -> None:
        if self.loaded:
            self.call_after_refresh(self._draw_steps)

    # --- Drawing ---

    def _draw_plans(self) -> None:
        if not self.loaded:
            return
        now, rows = self.console.clock.now(), self._meant(self._kept.rows)
        self.plans.show([flows.row(one, now) for one in rows])
        if self._follow:
            self.plans.to_top()
        empty, there = self.query_one("#plans-empty", Empty), bool(rows)
        if there and not self.plans.display and self._tab == PLANS:
            self.plans.display = True
            self.plans.focus()
        empty.display = not there
        self.plans.display = self.query_one("#steps-box").display = there
        if not len(self._kept):
            empty.nothing(
                "No orchestration yet.",
                "A request to /v1/plan makes one; its key needs the scope plan:\n"
                "tokenhubctl apikey create --name planner --scope chat --scope plan",
            )
        elif not rows:
            empty.no_match(self.wanted)
        self.query_one(TabLine).said = (f"filter: {self.wanted}" if self.wanted else "", "key")
        self._caption()
        self._draw_steps()
        if self.wanted and len(rows) < ENOUGH:
            self._ask_more()

    def _caption(self) -> None:
        kept, box = len(self._kept), self.query_one("#plans-box")
        told = [f"{kept:,} of {self._total:,}"] if self._total > kept else [f"{kept:,}"]
        if self.wanted:
            told = [f"{len(self.plans.rows):,} in the newest {told[0]}"]
        told += [f"{self._under_way} running"] if self._under_way else []
        told += [] if self._follow else ["not following"]
        box.border_subtitle = " · ".join(told) if kept else ""

    def _draw_steps(self) -> None:
        plan, box = self._plan, self.query_one("#steps-box")
        if plan is None or plan.id != self.plans.row_id:
            box.border_title, box.border_subtitle = "Steps", ""
            self.steps.show([])
            return
        now, width = self.console.clock.now(), self.size.width
        several = flows.steps(plan, self._heard, self.console.feed.lines)
        box.border_title = words(f"Steps of {plan.id}")
        box.border_subtitle = words(flows.caption(plan))
        rows = flows.step_rows(plan, several, now=now, width=width)
        self.steps.show(rows, columns=flows.step_columns(several, width))

    def _draw_workflows(self, page: WorkflowPage) -> None:
        table, empty = (
            self.query_one("#workflows", Table),
            self.query_one("#workflows-empty", Empty),
        )
        table.show([flows.workflow(one) for one in page.workflows])
        table.display, empty.display = bool(page.workflows), not page.workflows
        if page.temporal_enabled:
            empty.nothing("No workflow yet.", "Requests run as workflows while Temporal is on.")
        else:
            empty.nothing(OFF, INSTEAD)

    # --- Moving about ---

    def on_table_moved(self, message: Table.Moved) -> None:
        if message.table is not self.plans or not self.loaded:
            return
        rows, row_id = self.plans.rows, self.plans.row_id
        self._follow = self._follow and (not rows or rows[0].id == row_id)
        self._caption()
        self._draw_steps()
        if row_id and (self._plan is None or self._plan.id != row_id):
            beside(self, partial(self._fetch, row_id), group="plan")

    async def _fetch(self, plan_id: str) -> None:
        try:
            found = await self._detail(plan_id)
        except ClientError as error:
            self.post_message(Failed(error))
            return
        if found is not None and plan_id == self.plans.row_id:
            self._plan = found
            self._draw_steps()

    def on_table_opened(self, message: Table.Opened) -> None:
        if message.table is self.plans:
            self.steps.focus()
        elif message.table is self.steps:
            self.console.open_request(message.row_id)

    def back(self) -> bool:
        """From the steps to the plans."""
        if self.steps.has_focus:
            self.plans.focus()
            return True
        return super().back()

    # --- Actions ---

    def why_not(self, method: str) -> str:
        """Nothing is open to these where there is no row."""
        if method in {"open", "copy"} and not self._here.row_id:
            return "there is nothing under the cursor"
        if method == "filter" and self._tab == WORKFLOWS:
            return "it is of the orchestrations"
        if method == "open" and self._tab == WORKFLOWS:
            return "workflows have no detail yet"
        return ""

    @property
    def _tab(self) -> str:
        return self.query_one(TabLine).active

    @property
    def _here(self) -> Table:
        """The list that has the cursor."""
        if self._tab == WORKFLOWS:
            return self.query_one("#workflows", Table)
        return self.steps if self.steps.has_focus else self.plans

    def action_open(self) -> None:
        self._here.action_open()

    def action_follow(self) -> None:
        self._follow = not self._follow
        self._draw_plans()

    def action_copy(self) -> None:
        self.console.copy(self._here.row_id, self._here.row_id)

    def action_other(self) -> None:
        self.action_tab(WORKFLOWS if self._tab == PLANS else PLANS)

    def action_tab(self, name: str) -> None:
        self.query_one(TabLine).active = name
        for one in (PLANS, WORKFLOWS):
            self.query_one(f"#{one}-pane").display = one == name
        table = self.query_one(f"#{name}", Table)
        if table.display:
            table.focus()
        else:
            self.set_focus(None)
        self.redraw_keys()
