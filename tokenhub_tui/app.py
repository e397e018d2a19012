"""The app: its screens, the one connection, and what every screen may ask of it."""

import asyncio
import itertools
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal, TypeVar

import httpx
from textual.app import App
from textual.events import Event, Key
from textual.message import Message
from textual.screen import Screen

from tokenhub.client.call import Call
from tokenhub.client.calls.info import info
from tokenhub.client.calls.session import whoami
from tokenhub.client.calls.vault import status
from tokenhub.client.errors import ClientError
from tokenhub.client.profile import Profile
from tokenhub.client.stream import Heard
from tokenhub.wire.catalog import Info
from tokenhub.wire.simulate import Simulation
from tokenhub_tui import actions, remedies, servers, theme, vault
from tokenhub_tui.clipboard import copy
from tokenhub_tui.clock import Clock, SystemClock
from tokenhub_tui.dialogs.base import Modal
from tokenhub_tui.dialogs.confirm import Confirm
from tokenhub_tui.dialogs.help import PageHelp
from tokenhub_tui.dialogs.jump import Jump
from tokenhub_tui.kept import Chosen, Kept
from tokenhub_tui.link import Link
from tokenhub_tui.messages import Broken
from tokenhub_tui.offers import Offers, bare
from tokenhub_tui.replay import Played, Recorder
from tokenhub_tui.screens import PAGES
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.screens.request import RequestPage
from tokenhub_tui.servers import Server
from tokenhub_tui.start import Start
from tokenhub_tui.state import key_lines, keymap, standing
from tokenhub_tui.state.feed import Feed
from tokenhub_tui.state.flushes import Flushes
from tokenhub_tui.state.health import Changes
from tokenhub_tui.state.messages import Said
from tokenhub_tui.state.more import Here
from tokenhub_tui.state.vault import Seen, told
from tokenhub_tui.terminal import timed
from tokenhub_tui.widgets.keys_panel import KeysPanel
from tokenhub_tui.widgets.seek_bar import SeekBar
from tokenhub_tui.widgets.topbar import TopBar
from tokenhub_tui.widgets.words import lines
from tokenhub_tui.working import beside

T = TypeVar("T")

# What came meanwhile is drawn at once: no eye reads faster, and a busy server sends hundreds.
FRAME_S = 0.25
# After so long without the focus of the terminal, all is five times rarer; where the terminal does
# not keep up, twice.
BLURRED_S, BLURRED_PACE, SLOW_PACE = 60.0, 5, 2
KEPT_MESSAGES = 100
# The role of a token that changes nothing.
VIEWER = "viewer"
# How long the console's word about something stands. What went wrong with what the user did stays
# until it is closed; what a screen could not ask is in its first line as well.
TOLD_S, FAILED_S, STAYS_S = 4.0, 30.0, 86_400.0
# Where the console is between two servers.
NOWHERE = "nowhere"
_SEVERITY: dict[str, Literal["information", "warning"]] = {"good": "information", "warn": "warning"}


class Console(App[None]):
    """The console of one server. `pace` is 1, or more where nobody looks."""

    TITLE = "TokenHub"
    CSS_PATH: ClassVar = ["styles/app.tcss", "styles/form.tcss"]
    MODES: ClassVar = dict(PAGES)
    BINDINGS: ClassVar = bindings(actions.APP)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-huge")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (40, "-tall")]
    # Ours is of the registry, and knows what the server has.
    ENABLE_COMMAND_PALETTE = False

    class Told(Message):
        """What a server says of itself, and of its vault, is here."""

        def __init__(self, link: Link, info: Info, seen: Seen, role: str) -> None:
            super().__init__()
            self.link = link
            self.info = info
            self.vault = seen
            self.role = role

    def __init__(
        self,
        server: Server | Profile,
        *,
        start: Start | str = "live",
        read_only: bool = False,
        kept: Kept | None = None,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        name: str = "",
        play: Played | None = None,
        record: Recorder | None = None,
    ) -> None:
        self.flushes = Flushes()
        super().__init__(driver_class=timed(self.flushes.took))
        self.player = play.player if play is not None else None
        if isinstance(server, Profile):
            server = Server(profile=server, name=name or server.url.partition("://")[2])
        self.server = server
        self.kept = kept or Kept.nothing()
        self._reads = read_only
        self._role = ""
        self._transport = transport
        self._recorder = record
        self._ours = clock or SystemClock()
        self.link = play or Link(server.profile, self._ours, transport)
        self.clock: Clock = self.link
        self.link.witness = record
        self.link.read_only = self.read_only
        self.feed = Feed()
        self.changes = Changes()
        self.seeded = False
        self.info: Info | None = None
        self.vault: Seen | None = None
        self.said: list[Said] = []
        self.prefill: Simulation | None = None
        self._start = start if isinstance(start, Start) else Start(place=start)
        self._before = self._start.place
        self._keys: dict[str, str] = {}
        self._asked_for_token = False
        self._asks = self._once_more = False
        self._blurred_at = 0.0
        self._undo: tuple[str, Call[Any]] | None = None
        self._early: list[Event] = []

    @property
    def pace(self) -> int:
        """By how much longer than usual all waits that comes again: questions, clocks, frames."""
        if self._blurred_at and self.clock.now() - self._blurred_at > BLURRED_S:
            return BLURRED_PACE
        return SLOW_PACE if self.flushes.slow else 1

    @property
    def read_only(self) -> bool:
        """Whether nothing is changed here: by the flag, the server's context, or the token."""
        return self._reads or self.server.read_only or self._role == VIEWER

    @property
    def page(self) -> Page[object] | None:
        """The screen that is seen, where it is one of ours and no dialog stands before it."""
        # An app that ends has no screen any more, and its clocks may still tick once.
        seen = self.screen_stack[-1:] if self.is_running else []
        return seen[0] if seen and isinstance(seen[0], Page) else None

    def on_mount(self) -> None:
        if not self.is_headless:
            # Killed without a word, it would leave the terminal raw and without an echo.
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop = asyncio.get_running_loop()
                loop.add_signal_handler(number, self.exit, None, 128 + number)
        for one in theme.THEMES:
            self.register_theme(one)
        self.theme = self._first_theme()
        self._take_keys()
        self._begin()
        if (asked := self._start.theme) and asked != self.theme:
            self.say(f"--theme: there is no {asked}; ctrl+t shows what there is", tone="warn")
        self.set_interval(FRAME_S, self._paced(self._take))
        self.set_interval(1.0, self._paced(self._tick))

    def _begin(self) -> None:
        """Show the first screen of a server, and hear what happens there."""
        self.switch_mode(self._start.place)
        beside(self, self.link.listen, group="events")
        self._ask_info()
        if self._start.wanted and self.page is not None:
            self.page.begin_with(self._start.wanted)
        if self._start.request_id:
            self.open_request(self._start.request_id)

    def _first_theme(self) -> str:
        """The theme that was asked for, else the one that was chosen last."""
        named = (self._start.theme, self.kept.chosen().theme, theme.DARK.name)
        return next(one for one in named if one in self.available_themes)

    def _take_keys(self) -> None:
        """Go by the keys of the user's own, and say what is wrong with the others."""
        self._keys, wrong = keymap.taken(actions.ACTIONS, self.kept.config.keys)
        self.set_keymap(self._keys)
        for one in wrong:
            self.say(one, tone="warn")

    def _fatal_error(self) -> None:
        """What ended the console, without the values: they may be a key or a password."""
        # It takes 20 ms to load, of every start.
        from rich.traceback import Traceback  # noqa: PLC0415

        self.bell()
        self._exit_renderables.append(Traceback(show_locals=False))
        self._close_messages_no_wait()

    async def on_unmount(self) -> None:
        await self.link.aclose()

    def on_app_blur(self) -> None:
        self._blurred_at = self.clock.now()

    def on_app_focus(self) -> None:
        """Somebody looks again: at what is now."""
        away, self._blurred_at = self.pace == BLURRED_PACE, 0.0
        if away:
            self._take()
            self._tick()
            self.action_refresh()

    def _paced(self, what: Callable[[], None]) -> Callable[[], None]:
        """The same, done at every turn, or as rarely as `pace` says."""
        turns = itertools.count()

        def maybe() -> None:
            if next(turns) % self.pace == 0:
                what()

        return maybe

    # --- What comes ---

    def _take(self) -> None:
        """Take what was heard since the last frame, and let the screen that is seen draw it."""
        events, self.link.inbox = self.link.inbox, []
        for line in self.screen.query(SeekBar) if self.screen_stack else ():
            line.refresh()
        if not events:
            return
        self.feed.apply(events)
        self.changes.apply(events)
        if any(one.type in {"vault_changed", "config_changed", "connected"} for one in events):
            self._ask_info()
        if self.page is not None:
            self.page.heard(events)
            if any(one.type in {"config_changed", "vault_changed"} for one in events):
                self.page.changed()

    def _tick(self) -> None:
        if self._early:
            # Should a dialog have gone before it was open.
            self.call_later(self.on_opened)
        if self._recorder is not None and self._recorder.closed:
            self._end_recording(self._recorder.why)
        self.draw_bars()
        # Not over a dialog: what is written there, or a key that is shown once, would be gone.
        refused = self.link.standing.state == standing.REFUSED and self.page is not None
        if refused and not self._asked_for_token:
            self._asked_for_token = True
            beside(self, partial(servers.sign_in, self, self.link.standing.reason), group="servers")
        if self.vault is not None and self.vault.stale(self.clock.now()):
            self._ask_info()
        if self.page is not None:
            self.page.ticked()

    def _ask_info(self) -> None:
        """Ask what the first line says of the server; while it is asked, once more after that."""
        self._once_more = True
        if not self._asks:
            self._asks = True
            beside(self, self._inform, group="info")

    async def _inform(self) -> None:
        try:
            while self._once_more:
                self._once_more = False
                link = self.link
                try:
                    known = await link(info())
                    seen = Seen(status=await link(status()), at=self.clock.now())
                    role = self._role if self.read_only else (await link(whoami())).role
                except ClientError:
                    # The bar tells of a server that is away; each screen of what it could not load.
                    continue
                self.post_message(self.Told(link, known, seen, role))
        finally:
            self._asks = False

    def on_console_told(self, message: Told) -> None:
        if message.link is not self.link:
            return
        self.info, self.vault = message.info, message.vault
        if message.role != self._role:
            self._role = message.role
            self.link.read_only = self.read_only
            if self._role == VIEWER:
                self.say("The token may only read: its role is viewer.", tone="warn")
            if self.page is not None:
                self.page.redraw_keys()
        if self.screen_stack:
            self.draw_bars()

    def draw_bars(self) -> None:
        """Say in the first line how things stand."""
        if not self.screen_stack:
            return
        now = self.clock.now()
        state = standing.told(self.link.standing, self.feed.per_s(now), now)
        states = [state if self.player is None else ("▶ replay", "warn")]
        if self._recorder is not None:
            states.insert(0, ("● records", "warn"))
        if missed := standing.lost(self.link.standing):
            states.insert(0, (missed, "warn"))
        if self.flushes.slow:
            states.append(("slow", "warn"))
        if self.read_only:
            states.append(("read-only", "dim"))
        of_vault = told(self.info, self.vault, now)
        if of_vault[0]:
            states.append(of_vault)
        for bar in self.screen.query(TopBar):
            bar.place = self.current_mode
            bar.server, bar.accent = self.server.name, self.server.accent
            bar.states = tuple(states)
        self.screen.set_class(standing.old(self.link.standing, now), "-old")
        for panel in self.screen.query(KeysPanel):
            panel.again()

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
        if tone == "bad":
            self._notify_error(text, STAYS_S)
        else:
            self.notify(str(lines(text)), severity=_SEVERITY[tone], markup=False, timeout=TOLD_S)

    def complain(self, error: Exception, *, once: bool = False) -> None:
        """Tell the user what went wrong; with `once`, not again while it is the last word."""
        why, remedy = self.explained(error, asked=once)
        if once and self.said and self.said[-1].text == why:
            return
        self._keep(why, "bad")
        self._notify_error(f"{why} · {remedy}" if remedy else why, FAILED_S if once else STAYS_S)

    def _notify_error(self, text: str, timeout_s: float) -> None:
        said = str(lines(f"{text} · esc closes this"))
        self.notify(said, severity="error", markup=False, timeout=timeout_s)

    def _keep(self, text: str, tone: str) -> None:
        self.said.append(Said(at=self.clock.now(), text=text, tone=tone))
        del self.said[:-KEPT_MESSAGES]

    def explained(self, error: Exception, *, asked: bool = True) -> tuple[str, str]:
        """What went wrong in a sentence, and what to do about it: see remedies."""
        return remedies.explained(error, asked=asked, token=self.server.profile.token)

    def on_broken(self, message: Broken) -> None:
        self.complain(message.error)

    def can_undo(self, what: str, call: Call[Any]) -> None:
        """Keep how the last small change is taken back."""
        self._undo = (what, call)

    def open_request(self, request_id: str) -> None:
        """Show all about a request."""
        if request_id:
            self.push_screen(RequestPage(request_id))

    def copy(self, text: str, what: str) -> None:
        """Give the user a text for elsewhere, and say where it is."""
        try:
            self.say(copy(self, text, what))
        except OSError as error:
            self.say(f"{what} could not be written: {error}", tone="bad")

    # --- Keys of everywhere ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """None is greyed."""
        del parameters
        return None if self.off(action) else True

    def off(self, method: str) -> str:
        """Why an action of everywhere cannot be used now; empty where it can."""
        if self.read_only and any(one.changes for one in actions.called(method, actions.APP)):
            return "the console only reads here"
        if method in {"seek", "speed"} and self.player is None:
            return "no recording is played"
        if method == "undo" and self._undo is None and not (self.page and self.page.pending):
            return "nothing to undo"
        return ""

    def key_of(self, action: actions.Action) -> str:
        """The keys of an action as they are written: the user's own, else ours."""
        return self._keys.get(action.id, "").replace(",", " ") or action.label

    async def act(self, action: actions.Action) -> None:
        """Do what an action does, as if its key were pressed."""
        where = self if action.screen == actions.APP else self.screen
        method = action.method if "(" in action.method else f"{action.method}()"
        await self.run_action(method, default_namespace=where)

    def no_place(self, place: str) -> str:
        """Why a screen cannot be gone to; empty where it can."""
        return "" if place in PAGES else "this console has no such screen"

    def find(self, place: str, kind: str, row_id: str) -> None:
        """Go to where something is: see Page.find."""
        self.show_first(place)
        if self.page is not None:
            self.page.find(kind, row_id)

    def action_go(self, place: str) -> None:
        """A place as it was left; where it is shown already, its first screen."""
        if place == self.current_mode:
            self.show_first(place)
        elif place in PAGES:
            self._before = self.current_mode
            self.switch_mode(place)

    def show_first(self, place: str) -> None:
        """Show the first screen of a place, without what was opened above it."""
        if place != self.current_mode:
            self.action_go(place)
        while self.page is not None and len(self.screen_stack) > 1:
            self.pop_screen()

    def action_step(self, by: int) -> None:
        names = list(PAGES)
        self.action_go(names[(names.index(self.current_mode) + by) % len(names)])

    def action_last(self) -> None:
        self.action_go(self._before)

    def action_refresh(self) -> None:
        if self.page is not None:
            self.page.again()
        self._ask_info()

    async def on_event(self, event: Event) -> None:
        """Textual's door for all events. What is typed while a dialog opens is kept for it."""
        typed = isinstance(event, Key) and not event.is_forwarded
        if typed and (self._early or not self._takes_keys):
            self._early.append(event)
        else:
            await super().on_event(event)

    @property
    def _takes_keys(self) -> bool:
        seen = self.screen_stack[-1:]
        return not (seen and isinstance(seen[0], Modal)) or seen[0].open

    async def on_opened(self) -> None:
        """Hand on what was typed meanwhile."""
        while self._early and self._takes_keys:
            await super().on_event(self._early.pop(0))

    def on_key(self, event: Key) -> None:
        """Say why a key does nothing that could do something at another time."""
        bound = self.screen.active_bindings.get(event.key)
        if bound is None or bound.enabled or self.page is None:
            return
        method = bound.binding.action.partition("(")[0]
        why = self.page.off(method) or self.off(method)
        said = f"{bound.binding.description}: {why}"
        last = self.said[-1] if self.said else None
        still = last and last.text == said and self.clock.now() - last.at < TOLD_S
        if why and not still:
            self.say(said, tone="warn")

    async def action_back(self) -> None:
        if self.screen.query("Toast.-error"):
            self.clear_notifications()
        elif self.page is not None and not self.page.back() and len(self.screen_stack) > 1:
            await self.pop_screen()

    def action_undo(self) -> None:
        if self.page is not None and self.page.pending:
            self.page.forget()
            return
        if self._undo is None or self.page is None:
            return
        what, call = self._undo
        self._undo = None
        self.page.change(call, what)

    def action_vault(self) -> None:
        if self.page is not None:
            beside(self, partial(vault.attend, self), group="vault")

    def action_palette(self, text: str = "") -> None:
        if self.page is not None:
            beside(self, partial(Offers(self).ask, text), group="palette")

    def action_themes(self) -> None:
        self.action_palette("theme ")

    def keep_theme(self, name: str) -> None:
        """Show a theme, from now on."""
        self.theme = name
        wrong = self.kept.choose(Chosen(theme=name))
        if wrong:
            self.say(f"The theme is not remembered: {wrong}", tone="warn")

    def action_keys_panel(self) -> None:
        panels = self.screen.query(KeysPanel)
        if panels:
            panels.remove()
        elif self.page is not None:
            self.screen.mount(KeysPanel(self._key_lines))

    def _key_lines(self) -> list[key_lines.Line]:
        page = self.page
        return key_lines.lines(
            actions.of(page.NAME) if page is not None else (),
            actions.of(actions.APP),
            self.key_of,
            lambda one: (self.off if one.screen == actions.APP or page is None else page.off)(
                bare(one)
            ),
        )

    def action_page_help(self) -> None:
        told = actions.manual.about(self.page.NAME) if self.page is not None else None
        if self.page is None or told is None:
            return
        here = [(one, self.key_of(one)) for one in actions.of(self.page.NAME)]
        self.push_screen(PageHelp(actions.titles()[self.page.NAME], told, here))

    def action_jump(self) -> None:
        if self.page is not None:
            parts = [part for part in self.screen.focus_chain if part.region]
            self.push_screen(Jump(parts), lambda part: part and part.focus())

    def action_picture(self) -> None:
        name = f"tokenhub-{self.current_mode}-{self.clock.now():.0f}.svg"
        try:
            where = self.save_screenshot(name)
        except OSError as error:
            self.say(f"cannot write {name}: {error.strerror or error}", tone="bad")
            return
        self.say(f"Saved the screen as {where}")

    # --- Recordings ---

    def action_seek(self, by_s: int) -> None:
        if self.player is not None:
            self._sought(self.player.at, self.player.seek(self.player.at + by_s))

    def on_seek_bar_sought(self, message: SeekBar.Sought) -> None:
        if self.player is not None:
            self._sought(self.player.at, self.player.seek_part(message.part))

    def action_speed(self, by: int) -> None:
        if self.player is not None:
            self.player.faster(by)
            self.draw_bars()

    def _sought(self, before: float, events: list[Heard]) -> None:
        """Show what had happened up to another place of the recording."""
        if self.player is not None and self.player.at < before:
            self.feed, self.changes, self.link.inbox = Feed(), Changes(), []
        self.link.inbox += events
        self._take()
        self.action_refresh()
        self.draw_bars()

    def _end_recording(self, why: str) -> None:
        """Record no more, and say so."""
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = self.link.witness = None
            self.say(f"The recording ended: {why}", tone="warn")

    # --- Servers ---

    @property
    def here(self) -> Here:
        """What this console goes by, for whoever wonders."""
        return Here(
            url=self.server.profile.url,
            context=self.server.context,
            token_source=self.server.profile.token_source,
            read_only=self.read_only,
            theme=self.theme,
            keys=len(self._keys),
            requests=len(self.feed),
        )

    def contexts(self) -> list[tuple[str, str]]:
        """The names of other servers, and where they are."""
        known = servers.known(self).contexts.items()
        return [(name, one.url) for name, one in known if name != self.server.context]

    def action_contexts(self) -> None:
        if self.page is not None:
            beside(self, partial(servers.choose, self), group="servers")

    def use_context(self, name: str) -> None:
        """Show another server."""
        servers.use(self, name)

    def connect(self, server: Server) -> None:
        """Show a server, with nothing left of the one before."""
        self.call_later(self._connect, server)

    async def _connect(self, server: Server) -> None:
        self._start = Start(place=self.current_mode if self.current_mode in PAGES else "live")
        self.workers.cancel_all()
        self.clear_notifications()
        self.player = None
        before, self.link = self.link, Link(server.profile, self._ours, self._transport)
        self.clock = self.link
        same = server.profile.url == self.server.profile.url
        if same:
            self.link.witness = self._recorder
        await self._clear()
        await before.aclose()
        self.server, self._role = server, ""
        self.link.read_only = self.read_only
        self.feed, self.changes, self.seeded, self.said = Feed(), Changes(), False, []
        self.info = self.vault = self.prefill = self._undo = None
        self._asked_for_token = self._asks = False
        self._begin()
        self.say(f"This is {server.name} now")
        if not same:
            self._end_recording("it is of one server")

    async def _clear(self) -> None:
        """Take all screens away; the next ones begin with nothing."""
        if NOWHERE not in self._modes:
            self.add_mode(NOWHERE, Screen)
        await self.switch_mode(NOWHERE)
        for name, page in PAGES.items():
            await self.remove_mode(name)
            self.add_mode(name, page)

    def action_leave(self) -> None:
        """Go, but not with something begun that nobody meant to lose."""
        stacks = self._screen_stacks.values()
        pages = [one for stack in stacks for one in stack if isinstance(one, Page)]
        begun = [one.begun for one in pages if one.begun]
        if not begun:
            self.exit()
            return
        effect = "\n".join(("Leave the console?", *begun))
        self.push_screen(Confirm(effect, "Leave"), lambda yes: self.exit() if yes else None)
