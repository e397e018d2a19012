"""The fleet: who answers, with which models, at which weight, by which names."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from tokenhub.client.call import Call
from tokenhub.client.calls import aliases, catalog
from tokenhub.client.calls.health import get_health, test_provider
from tokenhub.client.calls.routing import get_routing
from tokenhub.client.calls.stats import get_stats
from tokenhub.client.errors import ClientError
from tokenhub.client.stream import Heard
from tokenhub.filters import Fields, Filter, parse
from tokenhub.wire.aliases import Alias
from tokenhub.wire.catalog import ModelPatch, ProviderPatch
from tokenhub_tui.dialogs.confirm import Confirm, TypedConfirm
from tokenhub_tui.dialogs.discover import Discover
from tokenhub_tui.dialogs.wizard import Wizard
from tokenhub_tui.every import every
from tokenhub_tui.screens import fleet_forms
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.state import fleet, health
from tokenhub_tui.state.fleet import ALIASES, MODELS, PROVIDERS, ROUTING, Fleet
from tokenhub_tui.state.fleet_forms import MAX_WEIGHT, alias_sent
from tokenhub_tui.state.wizard import Draft
from tokenhub_tui.widgets.empty import Empty
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.tabline import TabLine
from tokenhub_tui.widgets.words import words

TABS = (PROVIDERS, MODELS, ROUTING, ALIASES)
# Several presses of + are one change.
REST_S = 0.6
# As long is waited for the last of them where the console is left.
LEAVING_S = 2.0
_NOTHING = {
    PROVIDERS: (
        "No provider yet.",
        "n adds one step by step, or  tokenhubctl provider add --help",
    ),
    MODELS: ("No model yet.", "D on a provider finds them, or  tokenhubctl model add --help"),
    ALIASES: ("No alias yet.", "n adds one, or  tokenhubctl alias set fast --variant gpt=9"),
    ROUTING: ("No defaults.", "tokenhubctl routing get"),
}


class FleetPage(Page[Fleet]):
    """Four lists; what is known of the row under the cursor stands below, or at the right."""

    NAME = "fleet"
    FILTERS = True
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/fleet.tcss"]

    def __init__(self) -> None:
        super().__init__()
        self.showing = PROVIDERS
        self._fleet = Fleet()
        self._filters: dict[str, tuple[str, Filter]] = {tab: ("", Filter()) for tab in TABS}
        self._places = dict.fromkeys(TABS, "")
        self._sorts: dict[str, tuple[str, bool]] = dict.fromkeys(TABS, ("", False))
        # Weights that are chosen and not seen at the server yet; those of them that were sent.
        self._weights: dict[str, int] = {}
        self._sent: dict[str, int] = {}
        self._sending = asyncio.Lock()
        self._resting: Timer | None = None
        self._rests = False
        self._busy: list[str] = []
        self._draft = Draft()

    def contents(self) -> ComposeResult:
        yield TabLine(fleet.counted(self._fleet))
        with Container(id="fleet-lists"):
            with Vertical(id="fleet-box", classes="box"):
                yield Table(fleet.COLUMNS[PROVIDERS], name="fleet")
                yield Empty(id="fleet-empty")
            with Vertical(id="fleet-of", classes="box"):
                yield Static(id="fleet-facts")

    @property
    def table(self) -> Table:
        """The list that is shown."""
        return self.query_one("#fleet", Table)

    @property
    def row_id(self) -> str:
        """The row under the cursor."""
        return self.table.row_id

    def on_mount(self) -> None:
        self._link = self.console.link
        self.query_one(TabLine).active = self.showing
        self.table.focus()

    async def load(self) -> Fleet:
        """All of it at once: what stands beside each other is of the same moment."""
        link = self.console.link
        (providers, models, engine, known), (stats, names, routing) = await asyncio.gather(
            asyncio.gather(
                every(link, catalog.list_providers, lambda page: page.items),
                every(link, catalog.list_models, lambda page: page.items),
                link(catalog.engine_models()),
                link(get_health()),
            ),
            asyncio.gather(
                link(get_stats()),
                every(link, aliases.list_aliases, lambda page: page.items),
                link(get_routing()),
            ),
        )
        return Fleet(
            providers=providers,
            models=models,
            engine=engine,
            health=known,
            stats=stats,
            aliases=names,
            routing=routing,
        )

    def show(self, data: Fleet) -> None:
        self._fleet = data
        self._draw()

    def heard(self, events: list[Heard]) -> None:
        """A change of health is asked about at once."""
        if any(one.type == "health_change" for one in events):
            self.again()

    def ticked(self) -> None:
        """What rests is counted down; ages stand beside the list."""
        if not self.loaded:
            return
        now = self.console.clock.now()
        rested, self._rests = self._rests, self._fleet.rests(now)
        if rested or self._rests:
            self._draw()
        else:
            self._draw_one(now)

    # --- Drawing ---

    def _draw(self) -> None:
        now, tab = self.console.clock.now(), self.showing
        text, wanted = self._filters[tab]
        found = fleet.rows(
            self._fleet, tab, now=now, wanted=wanted if text else None, pending=self._weights
        )
        by, down = self._sorts[tab]
        self.table.show(fleet.ordered(found, tab, by, down=down), columns=fleet.COLUMNS[tab])
        self.table.sorted_by(by, down=down)
        self._empty(shown=bool(found))
        self._captions(len(found), fleet.count(self._fleet, tab))
        self._draw_one(now)

    def _empty(self, *, shown: bool) -> None:
        empty = self.query_one("#fleet-empty", Empty)
        empty.display, self.table.display = not shown, shown
        if not shown and self.wanted:
            empty.no_match(self.wanted)
        elif not shown:
            empty.nothing(*_NOTHING[self.showing])

    def _captions(self, shown: int, total: int) -> None:
        tabs = self.query_one(TabLine)
        tabs.titles(fleet.counted(self._fleet))
        tabs.active = self.showing
        tabs.said = (f"{self._busy[-1]} …", "key") if self._busy else ("tab ⇆", "dim")
        box = self.query_one("#fleet-box")
        box.border_title = words(f"filter: {self.wanted}") if self.wanted else ""
        box.border_subtitle = words(f"{shown} of {total}") if self.wanted else ""

    def _draw_one(self, now: float) -> None:
        box = self.query_one("#fleet-of")
        told = fleet.detail(self._fleet, self.showing, self.row_id, now)
        box.display = bool(told)
        box.border_title = words(self.row_id)
        facts = [words(text, tone) for text, tone in told]
        self.query_one("#fleet-facts", Static).update(Content("\n").join(facts))

    def on_table_moved(self, message: Table.Moved) -> None:
        message.stop()
        self._draw_one(self.console.clock.now())
        self.redraw_keys()

    def on_table_sorted(self, message: Table.Sorted) -> None:
        message.stop()
        by, down = self._sorts[self.showing]
        self._sort(message.column_id, down=not down if by == message.column_id else False)

    def on_table_opened(self, message: Table.Opened) -> None:
        message.stop()
        self.action_open()

    # --- Lists ---

    def action_tab(self, name: str) -> None:
        """Show another list, with its own filter and its cursor where it was."""
        self._places[self.showing] = self.row_id
        self.showing = name
        self.wanted = self._filters[name][0]
        self._draw()
        self.table.go(self._places[name])
        self.set_focus(self.table)
        self.redraw_keys()

    def found(self, kind: str, row_id: str) -> None:
        """The row of a provider or model, in the list of its kind, without a filter before it."""
        tab = {"provider": PROVIDERS, "model": MODELS}.get(kind, self.showing)
        self._filters[tab] = ("", Filter())
        self.action_tab(tab)
        self.table.go(row_id)

    def action_other(self, by: int) -> None:
        self.action_tab(TABS[(TABS.index(self.showing) + by) % len(TABS)])

    def action_sort(self) -> None:
        names = ["", *(one.id for one in fleet.COLUMNS[self.showing] if one.title)]
        by, down = self._sorts[self.showing]
        self._sort(names[(names.index(by) + 1) % len(names)], down=down)

    def action_turn(self) -> None:
        by, down = self._sorts[self.showing]
        self._sort(by or fleet.COLUMNS[self.showing][0].id, down=not down)

    def _sort(self, column_id: str, *, down: bool) -> None:
        self._sorts[self.showing] = (column_id, down)
        self._draw()

    @property
    def filter_fields(self) -> Fields:
        return fleet.FIELDS[self.showing]

    async def known_values(self) -> Mapping[str, Sequence[str]]:
        return fleet.known(self._fleet, self.showing)

    def filtered(self) -> None:
        meant = parse(self.wanted, fields=self.filter_fields)
        self._filters[self.showing] = (self.wanted, meant)
        self._draw()

    # --- What can be done now ---

    def why_not(self, method: str) -> str:
        tab, here = self.showing, bool(self.row_id)
        reasons = (
            ({"new"}, tab == ROUTING, "there is one set of defaults; e edits it"),
            ({"new"}, tab == MODELS and not self._fleet.providers, "there is no provider for it"),
            ({"test", "discover"}, not self._provider_id(), "it is for providers and models"),
            ({"heavier", "lighter"}, tab != MODELS, "weights are those of models"),
            (
                {"open"},
                tab != PROVIDERS and self.console.read_only,
                "it edits the row, and the console only reads here",
            ),
            ({"enable", "delete"}, tab == ROUTING, "defaults can only be edited"),
            (
                {"open", "edit", "enable", "delete", "heavier", "lighter"},
                not here,
                "there is no row",
            ),
        )
        return next((why for methods, off, why in reasons if method in methods and off), "")

    def _provider_id(self) -> str:
        """The provider of the row under the cursor; empty where it has none."""
        if self.showing == PROVIDERS:
            return self.row_id
        return self.row_id.partition("/")[0] if self.showing == MODELS else ""

    # --- Changing ---

    def action_open(self) -> None:
        if self.showing != PROVIDERS:
            self.action_edit()
            return
        text = f'provider="{self.row_id}"'
        self._filters[MODELS] = (text, parse(text, fields=fleet.FIELDS[MODELS]))
        self.action_tab(MODELS)

    def action_new(self) -> None:
        link, known = self.console.link, self._fleet
        if self.showing == PROVIDERS:
            taken = frozenset(one.id for one in known.providers)
            self._draft = Draft() if self._draft.done else self._draft
            self.app.push_screen(Wizard(link, self._draft, taken), self._left_wizard)
        elif self.showing == MODELS:
            ids = [one.id for one in known.providers]
            here, there = self._provider_id(), frozenset(fleet.route(one) for one in known.models)
            self._ask(fleet_forms.new_model_form(link, ids, here, there))
        elif self.showing == ALIASES:
            names = frozenset(one.name for one in known.aliases)
            self._ask(fleet_forms.alias_form(link, None, names))

    @property
    def begun(self) -> str:
        if self._weights:
            return f"The weight of {', '.join(self._weights)} is not sent yet."
        return "A new provider is begun: 4, then n goes on with it." if self._draft.begun else ""

    def _left_wizard(self, done: bool | None) -> None:  # noqa: FBT001 - Textual's own parameter
        if done:
            self.console.say(f"Added provider {self._draft.id}")
        elif self._draft.begun:
            self.console.say("The new provider waits; n goes on with it.")
        self.again()

    def action_edit(self) -> None:
        link, known = self.console.link, self._fleet
        if self.off("edit"):
            return
        if self.showing == PROVIDERS and (provider := known.provider(self.row_id)) is not None:
            self._ask(fleet_forms.provider_form(link, provider))
        elif self.showing == MODELS and (model := known.model(self.row_id)) is not None:
            self._ask(fleet_forms.model_form(link, model))
        elif self.showing == ALIASES and (alias := known.alias(self.row_id)) is not None:
            self._ask(fleet_forms.alias_form(link, alias, frozenset()))
        elif self.showing == ROUTING and known.routing is not None:
            self._ask(fleet_forms.routing_form(link, known.routing))

    def _ask(self, form: Screen[str]) -> None:
        self.app.push_screen(form, self._saved)

    def _saved(self, said: str | None) -> None:
        if said:
            self.console.say(said)
            self.again()

    def action_enable(self) -> None:
        name, known = self.row_id, self._fleet
        if self.showing == PROVIDERS and (provider := known.provider(name)) is not None:
            self._switch(f"provider {name}", partial(_provider_on, name), on=not provider.enabled)
        elif self.showing == MODELS and (model := known.model(name)) is not None:
            of = partial(_model_on, model.id, model.provider_id)
            self._switch(f"model {model.id}", of, on=not model.enabled)
        elif self.showing == ALIASES and (alias := known.alias(name)) is not None:
            self._switch(f"alias {name}", partial(_alias_on, alias), on=not alias.enabled)

    def _switch(self, what: str, call: Callable[[bool], Call[Any]], *, on: bool) -> None:
        said = {True: f"Enabled {what}", False: f"Disabled {what}"}

        def done(answer: object) -> None:
            # All of an alias is sent: of the one that came back, and of no other since.
            back = partial(_alias_on, answer) if isinstance(answer, Alias) else call
            self.console.can_undo(said[not on], back(not on))
            self.redraw_keys()

        self.change(call(on), said[on], then=done)

    def action_delete(self) -> None:
        tab, name = self.showing, self.row_id
        effect = fleet.effect(self._fleet, tab, name)
        if tab == PROVIDERS:
            more = bool(self._fleet.models_of(name))
            call, what = catalog.delete_provider(name), f"provider {name}"
        elif tab == MODELS:
            provider_id, _, model_id = name.partition("/")
            call, what = catalog.delete_model(model_id, provider_id=provider_id), f"model {name}"
            more = False
        else:
            call, what, more = aliases.delete_alias(name), f"alias {name}", False

        async def asked() -> None:
            if not self.is_active:
                return  # it was asked already
            dialog = TypedConfirm(effect, name) if more else Confirm(effect, "Delete")
            if await self.app.push_screen_wait(dialog):
                self.change(call, f"Deleted {what}")

        self.work(asked)

    def action_heavier(self) -> None:
        self._weigh(1)

    def action_lighter(self) -> None:
        self._weigh(-1)

    def _weigh(self, by: int) -> None:
        """Change the weight in place; it is sent once the key rests."""
        model = self._fleet.model(self.row_id)
        if model is None:
            return
        name = self.row_id
        weight = max(0, min(MAX_WEIGHT, self._weights.get(name, model.weight) + by))
        self._weights[name] = weight
        if weight == model.weight and name not in self._sent:
            del self._weights[name]
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST_S, lambda: self.work(self._send_weights))
        self._draw()

    @property
    def pending(self) -> bool:
        return bool(self._weights) and not self._sending.locked()

    def forget(self) -> None:
        self._weights.clear()
        self._draw()

    async def _send_weights(self) -> None:
        """Send what was chosen. What is chosen meanwhile is sent after it, with its version."""
        async with self._sending:
            for name, weight in tuple(self._weights.items()):
                self._sent[name] = weight
                await self._send_weight(name, weight)
            await self._settle()

    async def _send_weight(self, name: str, weight: int) -> None:
        model = self._fleet.model(name)
        if model is None or model.weight == weight:
            return
        of = partial(catalog.update_model, model.id, provider_id=model.provider_id)
        said = f"Set the weight of {model.id}"
        done = await self.console.send(
            of(ModelPatch(weight=weight), if_match=model.version),
            f"{said} from {model.weight} to {weight}",
        )
        if done is not None:
            self._fleet = self._fleet.having(done.model)
            back = of(ModelPatch(weight=model.weight), if_match=done.model.version)
            self.console.can_undo(f"{said} back to {model.weight}", back)

    async def _settle(self) -> None:
        """Read what there is now, before the weights that were sent are forgotten."""
        try:
            data = await self.load()
        except ClientError:
            data = self._fleet
            self.again()
        self._weights = {
            name: weight for name, weight in self._weights.items() if self._sent.get(name) != weight
        }
        self._sent.clear()
        self.show(data)
        self.redraw_keys()

    async def on_unmount(self) -> None:
        """Send what still rests when the console is left, or shows another server."""
        with suppress(ClientError, TimeoutError):
            async with asyncio.timeout(LEAVING_S):
                for name, weight in self._weights.items():
                    model = self._fleet.model(name)
                    if model is not None:
                        # Of one that is on its way nobody knows the version yet.
                        version = None if name in self._sent else model.version
                        patch, of = ModelPatch(weight=weight), model.provider_id
                        await self._link(
                            catalog.update_model(model.id, patch, provider_id=of, if_match=version)
                        )

    # --- Asking a provider ---

    def action_test(self) -> None:
        name = self._provider_id()

        async def tested() -> None:
            text, tone = health.answered(await self.console.link(test_provider(name)))
            self.console.say(text, tone=tone)
            self.again()

        self._meanwhile(f"testing {name}", tested)

    def action_discover(self) -> None:
        name = self._provider_id()

        async def asked() -> None:
            found = await self.console.link(catalog.discover_models(name))
            if not self.is_active:
                # Whoever writes elsewhere meanwhile would tick models by it.
                self.console.say(f"{name} offers {found.total} models; D shows them")
                return
            self.app.push_screen(Discover(self.console.link, found), self._saved)

        self._meanwhile(f"asking {name}", asked)

    def _meanwhile(self, what: str, do: Callable[[], Awaitable[None]]) -> None:
        """Do what takes a while, and say so as long; once at a time."""
        if what in self._busy:
            return
        self._busy.append(what)
        self._draw()

        async def doing() -> None:
            try:
                await do()
            except ClientError as error:
                self.console.complain(error)
            finally:
                self._busy.remove(what)
                self._draw()

        self.work(doing)


def _provider_on(name: str, on: bool) -> Call[Any]:  # noqa: FBT001 - the switch itself
    return catalog.update_provider(name, ProviderPatch(enabled=on))


def _alias_on(alias: Alias, on: bool) -> Call[Any]:  # noqa: FBT001 - the switch itself
    """An alias is put whole: only over the one that was seen."""
    sent = alias_sent(alias, enabled=on)
    return aliases.put_alias(alias.name, sent, if_match=alias.version)


def _model_on(model_id: str, provider_id: str, on: bool) -> Call[Any]:  # noqa: FBT001 - the switch itself
    return catalog.update_model(model_id, ModelPatch(enabled=on), provider_id=provider_id)
