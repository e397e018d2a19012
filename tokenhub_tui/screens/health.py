"""How providers and their routes are doing, and how that came."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tokenhub.client.calls.health import get_health, reset_health, test_provider
from tokenhub.client.calls.observe import list_logs
from tokenhub.client.errors import ClientError
from tokenhub.client.stream import Heard
from tokenhub.filters import Fields, Filter, parse
from tokenhub.wire.health import Health
from tokenhub_tui.dialogs.confirm import Confirm
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.state import health
from tokenhub_tui.state.health import Probes, Slot
from tokenhub_tui.widgets.empty import Empty
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import words

SEEDED = 200
ILL = "!state:healthy"


class HealthPage(Page[Health]):
    """Providers with their routes above; the one under the cursor, and its changes, below."""

    NAME = "health"
    EVERY_S = 2.0
    FILTERS = True
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/health.tcss"]

    def __init__(self) -> None:
        super().__init__()
        self._known = Health(providers=[])
        self._probes = Probes()
        self._filter = Filter()
        self._testing: set[str] = set()
        self._counted = (-1, 0)
        self._slots: Mapping[str, Sequence[Slot]] = {}

    def contents(self) -> ComposeResult:
        with Vertical(id="routes-box", classes="box") as box:
            box.border_title = "Health"
            yield Table(health.columns(0), name="routes")
            yield Empty(id="routes-empty")
        with Vertical(id="of-box", classes="box"):
            yield Static(id="of-facts")
            yield Table(health.CHANGES, name="changes", head=False)

    @property
    def routes(self) -> Table:
        """The table of providers and routes."""
        return self.query_one("#routes", Table)

    def on_mount(self) -> None:
        self.routes.focus()

    async def load(self) -> Health:
        """The health; before the first of it, the calls that the log has of before we came."""
        console = self.console
        if not console.seeded:
            page = await console.link(list_logs(limit=SEEDED))
            console.feed.seed(page.logs)
            console.seeded = True
        return await console.link(get_health())

    def show(self, data: Health) -> None:
        self._known = data
        self._probes.saw(data)
        self._draw()

    def heard(self, events: list[Heard]) -> None:
        """A change of health is asked about at once."""
        if any(one.type == "health_change" for one in events):
            self.again()

    def ticked(self) -> None:
        """What rests is counted down, and calls have come."""
        if self.loaded:
            self._draw()

    @property
    def filter_fields(self) -> Fields:
        return health.FIELDS

    async def known_values(self) -> Mapping[str, Sequence[str]]:
        return health.known(self._known)

    def filtered(self) -> None:
        self._filter = parse(self.wanted, fields=health.FIELDS)
        self._draw()

    def _draw(self) -> None:
        room = health.room(self.size.width)
        now = self.console.clock.now()
        wanted = self._filter.matches if self.wanted else None
        rows = health.rows(
            self._known,
            self._calls(),
            self._probes,
            now=now,
            room=room,
            wanted=wanted,
        )
        self.routes.show(rows, columns=health.columns(room))
        self._empty(shown=bool(rows))
        box = self.query_one("#routes-box")
        box.border_title = words(f"Health · filter: {self.wanted}" if self.wanted else "Health")
        testing = [f"testing {', '.join(sorted(self._testing))} …"] if self._testing else []
        box.border_subtitle = words(" · ".join([*testing, health.counted(self._known)]))
        self._draw_one(now)

    def _calls(self) -> Mapping[str, Sequence[Slot]]:
        """The last calls, counted anew only where requests have ended since."""
        feed = self.console.feed
        state = (feed.heard, len(feed))
        if state != self._counted:
            self._counted, self._slots = state, health.slots(feed.lines)
        return self._slots

    def _empty(self, *, shown: bool) -> None:
        empty = self.query_one("#routes-empty", Empty)
        empty.display, self.routes.display = not shown, shown
        if not self._known.providers:
            empty.nothing(
                "No provider yet.", "4 and n add one, or  tokenhubctl provider add --help"
            )
        elif not shown and self.wanted == ILL:
            empty.nothing("✓ All are healthy.", "i or esc shows all")
        elif not shown:
            empty.no_match(self.wanted)

    def _draw_one(self, now: float) -> None:
        name = self.routes.row_id
        one = health.find(self._known, name)
        box = self.query_one("#of-box")
        box.display = one is not None
        if one is None:
            return
        changes = self.console.changes.of(name)
        box.border_title = words(name)
        box.border_subtitle = health.count_of(changes)
        told = [words(text, tone) for text, tone in health.facts(one, now)]
        self.query_one("#of-facts", Static).update(Content("\n").join(told))
        self.query_one("#changes", Table).show(health.heard(changes, name, now))

    def on_resize(self) -> None:
        if self.loaded:
            self._draw()

    def on_table_moved(self, message: Table.Moved) -> None:
        if message.table is self.routes:
            self._draw_one(self.console.clock.now())
            self.redraw_keys()

    # --- Actions ---

    def why_not(self, method: str) -> str:
        if method in {"test", "reset"} and not self.routes.row_id:
            return "there is no provider"
        return ""

    def action_ill(self) -> None:
        self.wanted = "" if self.wanted == ILL else ILL
        self.filtered()

    def action_test(self) -> None:
        name = health.provider_of(self._known, self.routes.row_id)

        if name in self._testing:
            return
        self._testing.add(name)
        self._draw()

        async def tested() -> None:
            try:
                answer = await self.console.link(test_provider(name))
            except ClientError as error:
                self.console.complain(error)
            else:
                text, tone = health.answered(answer)
                self.console.say(text, tone=tone)
            finally:
                self._testing.discard(name)
                self.again()

        self.work(tested)

    def action_reset(self) -> None:
        name = self.routes.row_id
        if not name:
            return

        async def asked() -> None:
            if not self.is_active:
                return  # it was asked already
            effect = health.effect_of_reset(self._known, name)
            if await self.app.push_screen_wait(Confirm(effect, "Reset")):
                self.change(reset_health(name), f"Reset {name}")

        self.work(asked)
