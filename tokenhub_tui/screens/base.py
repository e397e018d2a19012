"""What all screens share: the bars, asking the server while they are seen, and what went wrong.

resume ──> poll: load() ──Loaded──> show(data)      every EVERY_S, counted from its end
                    └────Failed──> a word about it, and what to do; again after AGAIN_S
suspend ──> nothing is asked any more, no page that follows either
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from tokenhub.client.call import Call
from tokenhub.client.errors import ClientError
from tokenhub.client.stream import Heard
from tokenhub.filters import FIELDS, Fields
from tokenhub.wire.catalog import Info
from tokenhub.wire.simulate import Simulation
from tokenhub_tui import actions
from tokenhub_tui.clock import Clock
from tokenhub_tui.link import Link
from tokenhub_tui.messages import Failed, Known, Loaded
from tokenhub_tui.state.feed import Feed
from tokenhub_tui.state.health import Changes
from tokenhub_tui.state.messages import Said
from tokenhub_tui.state.more import Here
from tokenhub_tui.state.replay import Player
from tokenhub_tui.state.standing import REFUSED
from tokenhub_tui.state.vault import Seen
from tokenhub_tui.widgets.empty import Empty
from tokenhub_tui.widgets.filter_bar import FilterBar, wrong
from tokenhub_tui.widgets.keybar import KeyBar
from tokenhub_tui.widgets.seek_bar import SeekBar
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.topbar import TopBar
from tokenhub_tui.working import beside

T = TypeVar("T")
D = TypeVar("D")

# What did not come is asked for again after so long, also where it is asked for only once.
AGAIN_S = 5.0


class Console(Protocol):
    """What a screen may ask of the app; tokenhub_tui.app has it.

    `clock` is the server's. `pace` is by how much longer than usual a screen waits before it asks
    anew. `seeded` says that the feed has what the log had. `changes` are those of health that were
    heard. `prefill` is what the simulator is to begin with.
    """

    link: Link
    clock: Clock
    feed: Feed
    seeded: bool
    read_only: bool
    info: Info | None
    prefill: Simulation | None
    vault: Seen | None
    changes: Changes
    said: list[Said]
    player: Player | None

    @property
    def pace(self) -> int: ...

    async def send(self, call: Call[T], done: str) -> T | None:
        """Send a change and say how it went; its answer, or None."""

    def say(self, text: str, *, tone: str = "good") -> None:
        """Tell the user something, once."""

    def complain(self, error: Exception, *, once: bool = False) -> None:
        """Tell the user what went wrong; with `once`, not again while it is the last word."""

    def explained(self, error: Exception, *, asked: bool = True) -> tuple[str, str]:
        """What went wrong in a sentence, and what to do; `asked` by a screen, not by the user."""

    def can_undo(self, what: str, call: Call[Any]) -> None:
        """Keep how the last small change is taken back."""

    def open_request(self, request_id: str) -> None:
        """Show all about a request."""

    def copy(self, text: str, what: str) -> None:
        """Give the user a text for elsewhere, and say where it is."""

    def show_first(self, place: str) -> None:
        """Show the screen of that name, without what was opened above it."""

    @property
    def here(self) -> Here:
        """What the console goes by."""

    def draw_bars(self) -> None:
        """Say in the first line how things stand."""

    def key_of(self, action: actions.Action) -> str:
        """The keys of an action as they are written: the user's own, else ours."""


def bindings(screen: str) -> list[BindingType]:
    """The keys of a screen, or of the `app`."""
    return [
        Binding(one.keys, one.method, one.title, show=bool(one.bar), id=one.id)
        for one in actions.of(screen)
    ]


class Page(Screen[None], Generic[D]):
    """A screen of the console. `NAME` is that of its actions.

    `load` asks the server, in a worker; `show` draws what it gave. `contents` are its widgets.
    """

    NAME: ClassVar[str] = ""
    # Seconds between the end of an answer and the next question; None asks once.
    EVERY_S: ClassVar[float | None] = 5.0
    # Whether `/` filters here.
    FILTERS: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.wanted = ""
        self.loaded = False
        self._again = asyncio.Event()
        self._sought: tuple[str, str] | None = None
        self._following: object = None

    @property
    def console(self) -> Console:
        """The app, by its own type."""
        return cast("Console", self.app)

    def compose(self) -> ComposeResult:
        yield TopBar()
        with ContentSwitcher(initial="waiting", id="body"):
            yield Empty("Asking the server …", id="waiting")
            with Container(id="content"):
                yield from self.contents()
        if self.console.player is not None:
            yield SeekBar(self.console.player)
        if self.FILTERS:
            yield FilterBar()
        keys = [*actions.of(self.NAME), *actions.of(actions.APP)]
        yield KeyBar(keys, self._off, self.console.key_of)

    @property
    def every_s(self) -> float | None:
        """EVERY_S, where how things stand does not change it."""
        return self.EVERY_S

    def contents(self) -> ComposeResult:
        """The widgets between the bars."""
        yield from ()

    async def load(self) -> D:
        """What this screen shows, from the server. Raises ClientError."""
        raise NotImplementedError

    def show(self, data: D) -> None:
        """Draw what was loaded."""
        raise NotImplementedError

    def heard(self, events: list[Heard]) -> None:
        """Events have come, while this screen is seen."""

    def ticked(self) -> None:
        """A second has passed, while this screen is seen: for clocks."""

    # --- Asking ---

    def on_screen_resume(self) -> None:
        self.console.draw_bars()
        beside(self, self._poll, group="poll")

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "poll")
        self.workers.cancel_group(self, "more")
        self._following = None

    async def _poll(self) -> None:
        while True:
            self._again.clear()
            try:
                data = await self.load()
            except Exception as error:  # noqa: BLE001 - told, and asked again: see Console.explained
                self.post_message(Failed(error))
                await self._rest(AGAIN_S)
            else:
                self.post_message(Loaded(data))
                await self._rest(self.every_s)

    async def _rest(self, every_s: float | None) -> None:
        # Each refused token is written down, and too many shut out all who come from here.
        refused = self.console.link.standing.state == REFUSED
        rest_s = None if every_s is None or refused else every_s * self.console.pace
        try:
            await asyncio.wait_for(self._again.wait(), rest_s)
        except TimeoutError:
            return

    def again(self) -> None:
        """Ask the server anew, now."""
        self._again.set()

    def ask_on(
        self, following: str | None, page: Callable[[str], Awaitable[D]], *, of: object = None
    ) -> None:
        """Ask for the page that follows, where one does; it is shown as what `load` gives is.

        Not for the one that is on its way already; `of` is what it is a page of.
        """
        if not following or self._following == (of, following):
            return
        self._following = (of, following)

        async def asked() -> None:
            try:
                self.post_message(Loaded(await page(following)))
            except ClientError as error:
                self.console.complain(error, once=True)
            finally:
                if self._following == (of, following):
                    self._following = None

        beside(self, asked, group="more")

    def changed(self) -> None:
        """The configuration of the server, or its vault, has changed while this screen is seen."""
        self.again()

    def on_loaded(self, message: Loaded) -> None:
        message.stop()
        if not self.app.is_running:
            return
        self.loaded = True
        self.query_one("#body", ContentSwitcher).current = "content"
        self.show(message.data)
        self._seek()

    def on_failed(self, message: Failed) -> None:
        message.stop()
        if self.loaded:
            # What is shown stays, with its age in the bar: old is better than nothing.
            self.console.complain(message.error, once=True)
            return
        self.query_one("#body", ContentSwitcher).current = "waiting"
        self.query_one("#waiting", Empty).failed(*self.console.explained(message.error))

    # --- Finding ---

    def find(self, kind: str, row_id: str) -> None:
        """Go to a `provider`, `model` (PROVIDER/MODEL) or `key`, as soon as it is shown."""
        self._sought = (kind, row_id)
        if self.loaded:
            self._seek()

    def _seek(self) -> None:
        if self._sought is not None:
            (kind, row_id), self._sought = self._sought, None
            self.found(kind, row_id)

    def found(self, kind: str, row_id: str) -> None:  # noqa: ARG002 - for screens of several lists
        """Put the cursor on a row that is asked for: in whatever list has it."""
        for table in self.query(Table):
            if table.go(row_id):
                table.focus()
                return

    # --- Changing ---

    def change(self, call: Call[T], done: str, *, then: Callable[[T], None] | None = None) -> None:
        """Send a change. `done` says it in the past tense; `then` gets its answer."""

        async def sent() -> None:
            answer = await self.console.send(call, done)
            if answer is not None:
                self.again()
                if then is not None:
                    then(answer)

        self.work(sent)

    @property
    def pending(self) -> bool:
        """Whether something was changed here that is not sent yet."""
        return False

    def forget(self) -> None:
        """Take that back."""

    def work(self, what: Callable[[], Awaitable[Any]]) -> None:
        """Do something beside the screen; it ends with the screen."""
        beside(self, what, group="change", exclusive=False)

    @property
    def begun(self) -> str:
        """What would be lost if the console ended now, in a sentence; empty where nothing would."""
        return ""

    # --- Actions of every screen ---

    def why_not(self, method: str) -> str:  # noqa: ARG002 - the screens' own
        """Why an action cannot be used now, in a few words; empty where it can."""
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question: None is greyed."""
        del parameters
        return None if self.off(action) else True

    def off(self, method: str) -> str:
        """Why an action cannot be used now; empty where it can, or is none of this screen."""
        for one in actions.called(method, self.NAME):
            if one.changes and self.console.read_only:
                return "the console only reads here"
        return self.why_not(method)

    def _off(self, action: actions.Action) -> bool:
        if action.screen == actions.APP:
            return self.app.check_action(action.method.partition("(")[0], ()) is not True
        return bool(self.off(action.method.partition("(")[0]))

    def redraw_keys(self) -> None:
        """What can be done here has changed."""
        self.refresh_bindings()
        self.query_one(KeyBar).refresh()

    @property
    def filter_fields(self) -> Fields:
        """What `/` filters by."""
        return FIELDS

    async def known_values(self) -> Mapping[str, Sequence[str]]:
        """Values of these fields, to complete a filter with. Asked once for each filter."""
        return {}

    def action_filter(self) -> None:
        self.query_one(FilterBar).open(self.wanted, self.filter_fields)
        self.work(self._know)

    async def _know(self) -> None:
        self.post_message(Known(await self.known_values()))

    def on_known(self, message: Known) -> None:
        message.stop()
        self.query_one(FilterBar).know(message.values)

    def on_filter_bar_asked(self, message: FilterBar.Asked) -> None:
        message.stop()
        self.wanted = message.text
        self.set_focus_to_content()
        self.filtered()

    def begin_with(self, text: str) -> None:
        """Begin with a filter; where it is none here, with a word about it."""
        why = wrong(text, self.filter_fields) if self.FILTERS else "this screen has no filter"
        if why:
            self.console.say(f"--filter: {why}", tone="warn")
            return
        self.wanted = text
        self.call_after_refresh(self.filtered)

    def filtered(self) -> None:
        """The filter, `wanted`, is another; shows what it means, or asks for it."""
        self.again()

    def back(self) -> bool:
        """Leave what stands in front: the filter's line, the filter. Whether there was anything."""
        for bar in self.query(FilterBar):
            if bar.display:
                bar.close()
                self.set_focus_to_content()
                return True
        if self.wanted:
            self.wanted = ""
            self.filtered()
            return True
        return False

    def set_focus_to_content(self) -> None:
        """Give the keys back to what is shown."""
        for widget in self.query("#content *"):
            if widget.focusable:
                widget.focus()
                return
