"""The app: its screens, the one connection, and what every screen may ask of it."""

import time
from typing import Any, ClassVar, TypeVar

import httpx
from textual import work
from textual.app import App
from textual.message import Message

from tokenhub.client.call import Call
from tokenhub.client.calls.info import info
from tokenhub.client.errors import ClientError, NotFound, Refused, Unauthorized, Unreachable
from tokenhub.client.profile import Profile
from tokenhub.wire.catalog import Info
from tokenhub.wire.simulate import Simulation
from tokenhub_tui import actions, theme
from tokenhub_tui.clock import Clock, SystemClock
from tokenhub_tui.link import Link
from tokenhub_tui.screens import PAGES
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.state import standing
from tokenhub_tui.state.feed import Feed
from tokenhub_tui.state.messages import Said
from tokenhub_tui.widgets.topbar import TopBar
from tokenhub_tui.widgets.words import lines
from tokenhub_tui.working import beside

T = TypeVar("T")

# What came meanwhile is drawn at once: no eye reads faster, and a busy server sends hundreds.
FRAME_S = 0.25
# After so long without the focus of the terminal, only every fifth question is asked.
BLURRED_S, BLURRED_PACE = 60.0, 5.0
KEPT_MESSAGES = 100
# What helps, by the server's codes.
_REMEDIES = {
    "vault_locked": "u unlocks the vault",
    "vault_not_initialized": "u sets the vault up",
}


class Console(App[None]):
    """The console of one server. `pace` is 1, or more where nobody looks."""

    TITLE = "TokenHub"
    CSS_PATH: ClassVar = ["styles/app.tcss"]
    MODES: ClassVar = dict(PAGES)
    BINDINGS: ClassVar = bindings(actions.APP)
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"

    class Told(Message):
        """What the server says of itself is here."""

        def __init__(self, info: Info) -> None:
            super().__init__()
            self.info = info

    def __init__(
        self,
        profile: Profile,
        *,
        name: str = "",
        start: str = "live",
        read_only: bool = False,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__()
        self.clock = clock or SystemClock()
        self.server_name = name or profile.url.partition("://")[2]
        self.read_only = read_only
        self.link = Link(profile, self.clock, transport)
        self.feed = Feed()
        self.seeded = False
        self.info: Info | None = None
        self.said: list[Said] = []
        self.prefill: Simulation | None = None
        self._start = start
        self._before = start
        self._blurred_at = 0.0
        self._undo: tuple[str, Call[Any]] | None = None

    @property
    def pace(self) -> float:
        """By how much longer than usual screens wait before they ask anew."""
        away = self._blurred_at and self.clock.now() - self._blurred_at > BLURRED_S
        return BLURRED_PACE if away else 1.0

    @property
    def page(self) -> Page[object] | None:
        """The screen that is seen, where it is one of ours and no dialog stands before it."""
        return self.screen if isinstance(self.screen, Page) else None

    def on_mount(self) -> None:
        for one in theme.THEMES:
            self.register_theme(one)
        self.theme = theme.DARK.name
        self.switch_mode(self._start)
        beside(self, self.link.listen, group="events")
        self._ask_info()
        self.set_interval(FRAME_S, self._take)
        self.set_interval(1.0, self._tick)

    async def on_unmount(self) -> None:
        await self.link.aclose()

    # --- What comes ---

    def _take(self) -> None:
        """Take what was heard since the last frame, and let the screen that is seen draw it."""
        events, self.link.inbox = self.link.inbox, []
        if not events:
            return
        self.feed.apply(events)
        if any(one.type in {"vault_changed", "config_changed", "connected"} for one in events):
            self._ask_info()
        if self.page is not None:
            self.page.heard(events)
            if any(one.type == "config_changed" for one in events):
                self.page.again()

    def _tick(self) -> None:
        self.draw_bars()
        if self.page is not None:
            self.page.ticked()

    @work(group="info", exclusive=True, exit_on_error=False)
    async def _ask_info(self) -> None:
        try:
            self.post_message(self.Told(await self.link(info())))
        except ClientError:
            # The bar tells of a server that is away; each screen of what it could not load.
            return

    def on_console_told(self, message: Told) -> None:
        self.info = message.info
        self.draw_bars()

    def draw_bars(self) -> None:
        """Say in the first line how things stand."""
        now = self.clock.now()
        states = [standing.told(self.link.standing, self.feed.per_s(now), now)]
        if self.link.standing.missed:
            states.insert(0, (f"{self.link.standing.missed} missed", "warn"))
        if self.read_only:
            states.append(("read-only", "dim"))
        if self.info is not None:
            states.append(_vault(self.info))
        for bar in self.screen.query(TopBar):
            bar.place = self.current_mode
            bar.server = self.server_name
            bar.states = tuple(states)

    # --- What screens ask for ---

    async def send(self, call: Call[T], done: str) -> T | None:
        """Send a change and say how it went; its answer, or None."""
        began = time.perf_counter()
        try:
            answer = await self.link(call)
        except ClientError as error:
            self.complain(error)
            return None
        self.say(f"{done} in {(time.perf_counter() - began) * 1000:.0f} ms")
        return answer

    def say(self, text: str, *, tone: str = "good") -> None:
        """Tell the user something, once."""
        self._keep(text, tone)
        self.notify(str(lines(text)), markup=False, timeout=4)

    def complain(self, error: ClientError, *, once: bool = False) -> None:
        """Tell the user what went wrong; with `once`, not again while it is the last word."""
        why, remedy = self.explained(error)
        if once and self.said and self.said[-1].text == why:
            return
        self._keep(why, "bad")
        self.notify(f"{why}\n{remedy}", severity="error", markup=False, timeout=30)

    def _keep(self, text: str, tone: str) -> None:
        self.said.append(Said(at=self.clock.now(), text=text, tone=tone))
        del self.said[:-KEPT_MESSAGES]

    def explained(self, error: ClientError) -> tuple[str, str]:
        """What went wrong in a sentence, and what to do about it."""
        if isinstance(error, Unauthorized):
            return str(error), "c chooses another server or token"
        if isinstance(error, Unreachable):
            return str(error), "it is asked again by itself; r asks now"
        if isinstance(error, NotFound):
            return str(error), "esc goes back"
        if isinstance(error, Refused):
            said = f"{error} (request {error.request_id})" if error.request_id else str(error)
            return said, _REMEDIES.get(error.code, "r asks again")
        return str(error), "r asks again"

    def can_undo(self, what: str, call: Call[Any]) -> None:
        """Keep how the last small change is taken back."""
        self._undo = (what, call)

    def open_request(self, request_id: str) -> None:
        """Show all about a request."""

    # --- Keys of everywhere ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """None is greyed."""
        del parameters
        if action == "undo":
            return None if self._undo is None or self.read_only else True
        return True

    def action_go(self, place: str) -> None:
        if place in PAGES and place != self.current_mode:
            self._before = self.current_mode
            self.switch_mode(place)

    def action_step(self, by: int) -> None:
        names = list(PAGES)
        self.action_go(names[(names.index(self.current_mode) + by) % len(names)])

    def action_last(self) -> None:
        self.action_go(self._before)

    def action_refresh(self) -> None:
        if self.page is not None:
            self.page.again()
        self._ask_info()

    async def action_back(self) -> None:
        if self.page is not None and not self.page.back() and len(self.screen_stack) > 1:
            await self.pop_screen()

    def action_undo(self) -> None:
        if self._undo is None or self.page is None:
            return
        what, call = self._undo
        self._undo = None
        self.page.change(call, what)

    def action_keys_panel(self) -> None:
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    def action_leave(self) -> None:
        self.exit()


def _vault(told: Info) -> tuple[str, str]:
    """The vault in a few words, and their tone."""
    if not told.vault_initialized:
        return "no vault", "warn"
    return ("vault locked", "warn") if told.vault_locked else ("vault open", "good")
