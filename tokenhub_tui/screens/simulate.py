"""Policies side by side: what each would choose now, or would have chosen of what was logged."""

import asyncio
from functools import partial
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Static

from tokenhub.client.calls.routing import get_routing, put_routing, replay, simulate
from tokenhub.client.errors import ClientError, Refused, Unauthorized
from tokenhub.wire.replay import ReplayIn, ReplayResult
from tokenhub.wire.routing import RoutingConfig
from tokenhub.wire.simulate import Result, Simulation
from tokenhub_tui.dialogs.confirm import Confirm
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.screens.explained import ExplainedPage
from tokenhub_tui.state import compared, defaults, differing, policies, replayed, sheet
from tokenhub_tui.state.policies import ASKED, LETTERS, OF_POLICY, Wrong
from tokenhub_tui.widgets.sheet import Sheet
from tokenhub_tui.widgets.words import lines, words
from tokenhub_tui.working import beside

# After so long without another change the server is asked.
QUIET_S = 0.25
# A replay looks back so far; how many of the newest count is a field.
SINCE = "90d"


# Lines of the sentence below.
SAID = 2


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says to a question; `refused` tells what is wrong with the question."""

    question: Simulation
    results: list[Result] = []
    refused: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The defaults in force, and an answer."""

    routing: RoutingConfig
    answer: Answer


class SimulatePage(Page[Found]):
    """The request above, a column for each policy below."""

    NAME = "simulate"
    EVERY_S = None
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/simulate.tcss"]

    class Answered(Message):
        """The simulation, or the replay, is here; or neither, and why."""

        def __init__(self, answer: Answer | ReplayResult | ClientError) -> None:
            super().__init__()
            self.answer = answer

    def __init__(self) -> None:
        super().__init__()
        self._bench = policies.usual()
        self._before = self._bench
        self._results: list[Result] = []
        self._routing: RoutingConfig | None = None
        self._refused = ""
        self._line, self._cell, self._column = 1, 0, 0
        # Since when a replay is waited for, and what came of it.
        self._asked_at: float | None = None
        self._replayed: ReplayResult | None = None

    def contents(self) -> ComposeResult:
        yield Sheet()
        yield Static(id="remark")

    def on_screen_resume(self) -> None:
        """Begin with a request that somebody brought along; Page's own handler asks about it."""
        if self.console.prefill is not None:
            self._bench = policies.taken(self.console.prefill)
            self.console.prefill = None
            self._column = 0
            self._put(1, 0)
            self._leave_replay()

    def on_sheet_resized(self) -> None:
        if self.loaded:
            self._draw()

    # --- Asking ---

    async def load(self) -> Found:
        """The defaults, and what the policies come to."""
        link, question = self.console.link, self._bench.question
        return Found(routing=await link(get_routing()), answer=await self._answer(question))

    async def _answer(self, question: Simulation) -> Answer:
        """What the server makes of a question. What it refuses is an answer, too."""
        try:
            found = await self.console.link(simulate(question))
        except Unauthorized:
            raise
        except Refused as error:
            return Answer(question=question, refused=str(error))
        return Answer(question=question, results=found.results)

    def show(self, data: Found) -> None:
        """Draw both."""
        self._routing = data.routing
        self._take(data.answer)
        if not isinstance(self.focused, Sheet) and not self._sheet.writing:
            self._sheet.focus()

    @property
    def _sheet(self) -> Sheet:
        return self.query_one(Sheet)

    def _ask(self) -> None:
        """Ask anew, when nothing has changed for a moment."""
        beside(self, partial(self._simulate, self._bench.question), group="simulate")

    async def _simulate(self, question: Simulation) -> None:
        await asyncio.sleep(QUIET_S)
        try:
            answer = await self._answer(question)
        except ClientError as error:
            self.post_message(self.Answered(error))
        else:
            self.post_message(self.Answered(answer))

    async def _replay(self, question: ReplayIn) -> None:
        try:
            found = await self.console.link(replay(question))
        except ClientError as error:
            self.post_message(self.Answered(error))
        else:
            self.post_message(self.Answered(found))

    def on_simulate_page_answered(self, message: Answered) -> None:
        message.stop()
        answer = message.answer
        if isinstance(answer, Answer):
            self._take(answer)
            return
        self._asked_at = None
        if isinstance(answer, ReplayResult):
            self._replayed = answer
        else:
            self.console.complain(answer)
        self._draw()

    def _take(self, answer: Answer) -> None:
        """An answer to another question than the one that stands there comes too late."""
        if answer.question == self._bench.question:
            self._refused = answer.refused
            self._results = answer.results or self._results[: len(self._bench.policies)]
            self._draw()

    def ticked(self) -> None:
        """The clock of a replay."""
        if self._asked_at is not None:
            self._draw()

    # --- Drawing ---

    def _draw(self) -> None:
        room = self._sheet.size.width - 1
        count = len(self._bench.policies)
        shown = sheet.visible(count, self._column, room)
        width = sheet.width(len(shown), room)
        made = compared.head(self._bench, self._results, shown, room)
        made += self._below(shown, width, self.query_one("#content").size.height - SAID - len(made))
        cell = self._cell if self._line == 0 else shown.index(self._column)
        column = shown.index(self._column)
        self._sheet.styles.height = len(made)
        self._sheet.show(made, width=width, at=(self._line, cell), column=column)
        if not self._sheet.writing:
            self._remark()
        self.redraw_keys()

    def _below(self, shown: list[int], width: int, room: int) -> list[sheet.Line]:
        if self._asked_at is not None:
            return []
        if self._replayed is not None:
            return replayed.lines(self._replayed, shown, width=width, room=room)
        if len(self._results) < len(self._bench.policies):
            return []
        ends = compared.sums(self._results, shown)
        ours = [self._results[at] for at in shown]
        return [*compared.ranks(ours, width=width, room=max(1, room - len(ends))), *ends]

    def _remark(self) -> None:
        """The sentence below: what is the matter, or why two policies differ."""
        said, tone = "", ""
        if self._asked_at is not None:
            waited_s = self.console.clock.now() - self._asked_at
            said = (
                f"Deciding the newest {self._bench.last:,} logged requests again, "
                f"{waited_s:.0f} s … esc leaves it"
            )
        elif self._replayed is not None:
            said = replayed.remark(self._replayed, self._column)
        elif self._refused:
            said, tone = f"✗ {self._refused}", "bad"
        elif len(self._results) == len(self._bench.policies):
            said = differing.difference(self._results, self._column)
        self.query_one("#remark", Static).update(lines(said, tone))

    # --- The cursor, and what is written ---

    @property
    def _field(self) -> str:
        return ASKED[self._cell] if self._line == 0 else OF_POLICY[self._line - 1]

    def _put(self, line: int, cell: int) -> None:
        self._line = max(0, min(len(OF_POLICY), line))
        if self._line == 0:
            self._cell = max(0, min(len(ASKED) - 1, cell))
        else:
            self._column = max(0, min(len(self._bench.policies) - 1, cell))

    def action_go_line(self, by: int) -> None:
        self._line = max(0, min(len(OF_POLICY), self._line + by))
        self._draw()

    def action_go_cell(self, by: int) -> None:
        self._put(self._line, (self._cell if self._line == 0 else self._column) + by)
        self._draw()

    def on_sheet_clicked(self, message: Sheet.Clicked) -> None:
        room = self._sheet.size.width - 1
        shown = sheet.visible(len(self._bench.policies), self._column, room)
        if message.line == 0:
            self._put(0, message.cell)
        else:
            line = message.line if message.line <= len(OF_POLICY) else self._line or 1
            self._put(line, shown[message.cell])
        self._draw()
        if message.twice and message.line <= len(OF_POLICY):
            self.action_edit()

    def action_edit(self) -> None:
        self._before = self._bench
        text = policies.written(self._bench, self._field, self._column)
        choices = policies.MODES if self._field == "mode" else ()
        self._sheet.write(text, choices)
        self._hint()

    def on_sheet_written(self, message: Sheet.Written) -> None:
        try:
            bench = policies.changed(self._bench, self._field, self._column, message.text)
        except Wrong as wrong:
            self.query_one("#remark", Static).update(words(f"✗ {self._field}: {wrong}", "bad"))
            return
        self._to(bench)
        if message.done:
            self._sheet.close()
            self._remark()
        else:
            self._hint()

    def _hint(self) -> None:
        """What the field takes; of weights, what parts of the score they come to."""
        weights = self._bench.policies[self._column].weights
        said = policies.HINTS[self._field]
        if self._field == "weights" and weights:
            said = f"{policies.shares(weights)}  (sum {sum(weights.values()):g})"
        self.query_one("#remark", Static).update(words(said, "dim"))

    def _to(self, bench: policies.Bench) -> None:
        """Go on with another question."""
        same = bench.question == self._bench.question
        self._bench = bench
        if not same:
            self._leave_replay()
            self._ask()
        self._draw()

    def _leave_replay(self) -> None:
        self.workers.cancel_group(self, "replay")
        self._asked_at, self._replayed = None, None

    def back(self) -> bool:
        """Leave what is being written as it was, then the replay."""
        if self._sheet.writing:
            self._sheet.close()
            self._to(self._before)
            return True
        if self._asked_at is not None or self._replayed is not None:
            self._leave_replay()
            self._draw()
            return True
        return super().back()

    # --- Actions ---

    def why_not(self, method: str) -> str:
        """A comparison has one policy at least, and 16 at most."""
        if not self.loaded:
            return "there is no answer yet"
        count = len(self._bench.policies)
        if method == "delete" and count == 1:
            return "one policy has to stay"
        if method == "new" and count == policies.MOST:
            return f"{policies.MOST} are compared at most"
        if method in {"explain", "save"} and self._result is None:
            return "there is no answer yet"
        return ""

    @property
    def _result(self) -> Result | None:
        """That of the policy under the cursor."""
        known = len(self._results) == len(self._bench.policies)
        return self._results[self._column] if known else None

    def action_lower(self) -> None:
        self._step(-1)

    def action_higher(self) -> None:
        self._step(1)

    def _step(self, by: int) -> None:
        now = defaults.in_force(self._result, self._field)
        self._to(policies.stepped(self._bench, self._field, self._column, by=by, now=now))

    def action_new(self) -> None:
        several = list(self._bench.policies)
        several.insert(self._column + 1, msgspec.structs.replace(several[self._column]))
        self._column += 1
        self._line = 1
        self._to(self._bench.having(several))

    def action_delete(self) -> None:
        several = list(self._bench.policies)
        del several[self._column]
        del self._results[self._column : self._column + 1]
        self._column = min(self._column, len(several) - 1)
        self._to(self._bench.having(several))

    def action_replay(self) -> None:
        self._leave_replay()
        self._asked_at = self.console.clock.now()
        question = ReplayIn(policies=self._bench.policies, since=SINCE, limit=self._bench.last)
        beside(self, partial(self._replay, question), group="replay")
        self._draw()

    def action_explain(self) -> None:
        if self._result is not None:
            name = LETTERS[self._column]
            self.app.push_screen(ExplainedPage(name, self._result, self._bench.question))

    def action_copy(self) -> None:
        self.console.copy(
            policies.command(self._bench), "the line of tokenhubctl that asks the same"
        )

    def action_save(self) -> None:
        result, routing = self._result, self._routing
        if result is None or routing is None:
            return
        policy = self._bench.policies[self._column]
        wrong = defaults.impossible(result.policy)
        if wrong:
            self.console.say(wrong, tone="warn")
            return
        self.app.push_screen(
            Confirm(defaults.effect(routing, result.policy, policy), "Save"),
            partial(self._saved, routing, result),
        )

    def _saved(self, before: RoutingConfig, result: Result, sure: bool | None) -> None:  # noqa: FBT001 - what a dialog answers
        if not sure:
            return
        call = put_routing(defaults.wanted(result.policy), if_match=before.version)

        def undoable(now: RoutingConfig) -> None:
            back = put_routing(defaults.again(before), if_match=now.version)
            self.console.can_undo("Put the routing defaults back", back)

        self.change(call, "Saved the routing defaults", then=undoable)
