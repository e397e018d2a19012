"""One request: who was asked in which order, why, under what policy, and what it cost."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from tokenhub.client.call import Call
from tokenhub.client.calls.feedback import list_feedback
from tokenhub.client.calls.keys import get_key
from tokenhub.client.calls.observe import get_request
from tokenhub.client.calls.rewards import list_rewards
from tokenhub.client.errors import ClientError, NotFound
from tokenhub.client.stream import Heard
from tokenhub.wire.keys import ApiKey
from tokenhub_tui.dialogs.choose import Choose
from tokenhub_tui.messages import Failed
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.screens.plan import PlanPage
from tokenhub_tui.state import candidates, copying, request
from tokenhub_tui.state.cells import Column, Row
from tokenhub_tui.state.feed import ENDED
from tokenhub_tui.state.request import Detail
from tokenhub_tui.widgets.empty import Empty
from tokenhub_tui.widgets.json_tree import JsonTree
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import words

T = TypeVar("T")

# Cells of the bars of time, by how wide the screen is.
_BARS = ((160, 40), (100, 30), (0, 16))
_FORMS = (Column(id="form", title="", width=12), Column(id="what", title="", width=20, most=44))


class Sheet(VerticalScroll):
    """What is longer than the screen; lists take these keys as well."""

    BINDINGS: ClassVar = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "Begin", show=False),
        Binding("G", "scroll_end", "End", show=False),
    ]


class RequestPage(Page[Detail]):
    """It stands above the screen that it was opened from; esc goes back there."""

    NAME = "request"
    # What is over changes no more.
    EVERY_S = None
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/request.tcss"]

    def __init__(self, request_id: str) -> None:
        super().__init__()
        self._request_id = request_id
        self._detail: Detail | None = None

    def contents(self) -> ComposeResult:
        yield Static("", id="request-title")
        with ContentSwitcher(initial="sheet", id="request-body"):
            with Sheet(id="sheet"):
                with Vertical(id="left"):
                    yield Static("", id="facts")
                    yield from _section("attempts", "Attempts", request.attempt_columns(16))
                    yield from _section("candidates", "Candidates", candidates.COLUMNS)
                    yield from _section(
                        "parts", "What each score is made of", candidates.PART_COLUMNS
                    )
                with Vertical(id="right"):
                    yield from _section("policy", "Policy", request.POLICY)
                    yield from _section("money", "Money", request.MONEY)
                    yield from _section("judged", "Judged", request.JUDGED)
            yield JsonTree(name="json")

    # --- Asking ---

    async def load(self) -> Detail:
        """The request, and what is known of its key and of its worth where that may be seen."""
        console = self.console
        found = await console.link(get_request(self._request_id))
        key_asked = self._key(found.api_key_id)
        feedback_asked = self._beside(list_feedback(request_id=found.request_id))
        rewards_asked = self._beside(list_rewards(request_id=found.request_id))
        key, feedback, rewards = await asyncio.gather(key_asked, feedback_asked, rewards_asked)
        line = console.feed.get(found.request_id)
        return Detail(
            request=found,
            key=key,
            feedback=feedback.feedback if feedback else (),
            rewards=rewards.rewards if rewards else (),
            first_ms=line.first_ms if line else 0.0,
        )

    async def _key(self, key_id: str) -> ApiKey | None:
        if not key_id:
            return None
        return await self._beside(get_key(key_id))

    async def _beside(self, call: Call[T]) -> T | None:
        """What is not the request itself; without it, there is less to see."""
        try:
            return await self.console.link(call)
        except ClientError:
            return None

    def heard(self, events: list[Heard]) -> None:
        """The end of this request is what it waits for."""
        mine = [one for one in events if one.request_id == self._request_id]
        if any(one.type in ENDED for one in mine):
            self.again()

    def on_failed(self, message: Failed) -> None:
        line = self.console.feed.get(self._request_id)
        if isinstance(message.error, NotFound) and line is not None and not line.over:
            # Textual would go on to what all screens say.
            message.stop()
            message.prevent_default()
            waiting = self.query_one("#waiting", Empty)
            waiting.nothing(
                f"{self._request_id} is still running.", "It is shown here as soon as it is over."
            )

    # --- Drawing ---

    def show(self, data: Detail) -> None:
        """Draw all of it."""
        first, self._detail = self._detail is None, data
        one = data.request
        head = words(request.title(one), request.tone(one))
        self.query_one("#request-title", Static).update(head)
        facts = [
            words(f"{title:>9} ", "dim") + words(text, tone)
            for title, text, tone in request.facts(one, data.first_ms)
        ]
        self.query_one("#facts", Static).update(Content("\n").join(facts))
        self._attempts()
        self._candidates()
        policy = one.decision.policy if one.decision else None
        self._table("policy", request.policy_rows(policy) if policy else ())
        self._say("policy", "; ".join(policy.notes) if policy else "")
        self._table("money", request.money_rows(one))
        self._say("money", request.budget(data))
        self._table("judged", request.judged_rows(data))
        self._say("judged", "" if data.feedback or data.rewards else "nobody has judged it yet")
        self.query_one(JsonTree).show(one)
        self.redraw_keys()
        if first:
            self.set_focus_to_content()

    def _attempts(self) -> None:
        if self._detail is None:
            return
        one = self._detail.request
        bar = next(cells for width, cells in _BARS if self.size.width >= width)
        rows = request.attempt_rows(one, bar, self._detail.first_ms)
        self._table("attempts", rows, request.attempt_columns(bar))
        self._say("attempts", "" if rows else "nobody was asked")

    def _candidates(self) -> None:
        assert self._detail is not None
        one = self._detail.request
        decision = one.decision
        box = self.query_one("#candidates-section")
        asked = f"{one.provider_id}/{one.model_id}" if one.provider_id else ""
        parts = candidates.part_rows(decision, asked) if decision else []
        self.query_one("#parts-section").set_class(not parts, "-none")
        if decision is None:
            self._table("candidates", ())
            self._say("candidates", "no decision was taken, or its record is gone")
            return
        box.border_title = words(f"Candidates · {candidates.caption(decision)}")
        self._table("parts", parts, candidates.part_columns(decision))
        rows, columns = candidates.rows(decision, asked), candidates.columns(decision)
        self._table("candidates", rows, columns)
        self._say("candidates", f"nobody could answer: {decision.error}" if decision.error else "")

    def _table(
        self, name: str, rows: Sequence[Row], columns: Sequence[Column] | None = None
    ) -> None:
        table = self.query_one(f"#{name}", Table)
        table.display = bool(rows)
        table.styles.height = len(rows) + 1
        table.show(rows, columns=columns)

    def _say(self, name: str, text: str) -> None:
        said = self.query_one(f"#{name}-said", Static)
        said.display = bool(text)
        said.update(words(text, "dim"))

    def on_resize(self) -> None:
        self._attempts()

    # --- Keys ---

    def why_not(self, method: str) -> str:
        if self._detail is None and method != "other":
            return "the request is not here yet"
        if method == "parent" and self._detail and not self._detail.request.parent_id:
            return "it is a step of no plan"
        return ""

    def action_other(self) -> None:
        body = self.query_one("#request-body", ContentSwitcher)
        body.current = "json" if body.current == "sheet" else "sheet"
        self.query_one(f"#{body.current}").focus()

    def set_focus_to_content(self) -> None:
        self.query_one(f"#{self.query_one('#request-body', ContentSwitcher).current}").focus()

    def action_copy(self) -> None:
        self.console.copy(self._request_id, self._request_id)

    def action_copy_as(self) -> None:
        rows = [Row(id=name, cells=(name, what)) for name, what in copying.FORMS.items()]
        self.app.push_screen(Choose("Copy as", _FORMS, rows), self._copy_as)

    def _copy_as(self, form: str | None) -> None:
        if form and self._detail:
            url = self.console.link.profile.url
            text = copying.written(form, self._detail.request, url)
            self.console.copy(text, f"{self._request_id} as {form}")

    def action_simulate(self) -> None:
        if self._detail:
            self.console.prefill = request.simulation(self._detail.request)
            self.console.show_first("simulate")

    def action_parent(self) -> None:
        if self._detail:
            self.app.push_screen(PlanPage(self._detail.request.parent_id))


def _section(name: str, title: str, columns: Sequence[Column]) -> ComposeResult:
    with Vertical(id=f"{name}-section", classes="section") as box:
        box.border_title = title
        yield Table(columns, name=name, cursor=False)
        yield Static("", id=f"{name}-said")
