"""The vault, the server, this console and its connection; messages, and checks."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from tokenhub.client.calls import vault
from tokenhub.client.calls.catalog import list_models, list_providers
from tokenhub.client.calls.health import test_provider
from tokenhub.client.calls.info import info, readyz
from tokenhub.client.calls.keys import list_keys
from tokenhub.client.calls.log_level import get_log_level
from tokenhub.client.calls.session import whoami
from tokenhub.client.errors import ClientError, Unauthorized
from tokenhub.client.text import cells
from tokenhub_tui.every import every
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.state import checks, more
from tokenhub_tui.state.checks import Check
from tokenhub_tui.state.more import Server
from tokenhub_tui.widgets.empty import Empty
from tokenhub_tui.widgets.facts import Facts
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import lines
from tokenhub_tui.working import beside

# The most that the server gives in one answer.
WHOLE = 1000
# What stands before the text of a message: the cursor, its time, a mark.
TIME = 12


class MorePage(Page[Server]):
    """Facts above; below, what the console has said, or what came of the checks."""

    NAME = "more"
    EVERY_S = 10.0
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/more.tcss"]

    def __init__(self) -> None:
        super().__init__()
        self._server: Server | None = None
        self._checks: dict[str, Check] | None = None
        self._checking = False

    def contents(self) -> ComposeResult:
        with Horizontal(id="facts"):
            with VerticalScroll(classes="box", can_focus=False) as box:
                box.border_title = "Server"
                yield Facts(id="server")
            with VerticalScroll(classes="box", can_focus=False) as box:
                box.border_title = "This console"
                yield Facts(id="console")
        with Vertical(id="list-box", classes="box"):
            yield Table(more.MESSAGES, name="list")
            yield Empty(id="list-empty")
            yield Static(id="whole")

    @property
    def table(self) -> Table:
        """Messages or checks."""
        return self.query_one("#list", Table)

    def on_mount(self) -> None:
        self.table.focus()

    async def load(self) -> Server:
        """What the server says of itself, at once."""
        link = self.console.link
        about, who, level = await asyncio.gather(link(info()), link(whoami()), self._log_level())
        return Server(info=about, who=who, log_level=level)

    async def _log_level(self) -> str:
        try:
            return (await self.console.link(get_log_level())).level
        except Unauthorized:
            return "not for this token"

    def show(self, data: Server) -> None:
        self._server = data
        self._draw()

    def ticked(self) -> None:
        if self.loaded:
            self._draw()

    def _draw(self) -> None:
        now, console = self.console.clock.now(), self.console
        if self._server is not None:
            of_server = list(more.of_server(self._server, console.vault, now))
            self.query_one("#server", Facts).show(of_server)
        per_s = console.feed.per_s(now)
        of_console = list(more.of_console(console.here, console.link.standing, per_s, now))
        self.query_one("#console", Facts).show(of_console)
        self._draw_list()

    def _draw_list(self) -> None:
        box = self.query_one("#list-box")
        self.set_class(self._checks is not None, "-checks")
        if self._checks is None:
            box.border_title = f"Messages · {len(self.console.said)}"
            self.table.show(more.messages(self.console.said), columns=more.MESSAGES)
        else:
            box.border_title = "Checks · asking …" if self._checking else "Checks"
            self.table.show(checks.rows(self._checks.values()), columns=checks.COLUMNS)
        empty = self.query_one("#list-empty", Empty)
        empty.display, self.table.display = not self.table.rows, bool(self.table.rows)
        if self._checks is None:
            empty.nothing("The console has said nothing yet.", "D looks for what may be wrong")
        self._draw_whole()

    def _draw_whole(self) -> None:
        """The row under the cursor in full, with what to do about it."""
        text, row_id = "", self.table.row_id
        if self._checks is not None and row_id in self._checks:
            one = self._checks[row_id]
            text = f"{one.told}\n{one.hint}".strip() if one.hint else ""
        elif row_id.isdigit() and int(row_id) < len(self.console.said):
            said = self.console.said[int(row_id)].text
            # What is not cut in its row need not be said twice.
            text = said if cells(said) > self.table.size.width - TIME else ""
        self.query_one("#whole", Static).update(lines(text))

    def on_table_moved(self) -> None:
        self._draw_whole()

    def action_messages(self) -> None:
        self._checks = None
        self._draw_list()

    def action_check(self) -> None:
        beside(self, self._check, group="checks")

    async def _check(self) -> None:
        self._checks, self._checking = {}, True
        try:
            async for found in self._checked():
                for one in found:
                    self._checks[one.name] = one
                self._draw_list()
        finally:
            self._checking = False
            self._draw_list()
            self.table.action_end(-1)

    async def _checked(self) -> AsyncIterator[Iterable[Check]]:
        """The checks as they are done; one that cannot be made says so."""
        link = self.console.link
        yield [checks.of_way(link.profile.url)]
        for name, check in (
            ("ready", self._ready),
            ("server", self._info),
            ("token", self._token),
            ("vault", self._vault),
            ("prices", self._prices),
            ("keys", self._keys),
            ("providers", self._providers),
        ):
            try:
                yield await check()
            except ClientError as error:
                yield [Check(name=name, tone="bad", told=str(error))]

    async def _ready(self) -> Sequence[Check]:
        return [checks.of_readiness(await self.console.link(readyz()))]

    async def _info(self) -> Sequence[Check]:
        return list(checks.of_info(await self.console.link(info())))

    async def _token(self) -> Sequence[Check]:
        return [checks.of_token(await self.console.link(whoami()))]

    async def _vault(self) -> Sequence[Check]:
        return [checks.of_vault(await self.console.link(vault.status()))]

    async def _prices(self) -> Sequence[Check]:
        listed = partial(list_models, limit=WHOLE)
        found = await every(self.console.link, listed, lambda page: page.items)
        return [checks.of_prices(found)]

    async def _keys(self) -> Sequence[Check]:
        listed = partial(list_keys, limit=WHOLE)
        return [checks.of_keys(await every(self.console.link, listed, lambda page: page.keys))]

    async def _providers(self) -> Sequence[Check]:
        listed = partial(list_providers, limit=WHOLE)
        found = await every(self.console.link, listed, lambda page: page.items)
        if not found:
            return [Check(name="providers", tone="warn", told="there is none", hint="4 adds one.")]
        if self.console.read_only:
            return [Check(name="providers", tone="warn", told="not asked: the console only reads")]
        asked = [self._provider(one.id) for one in found if one.enabled]
        return await asyncio.gather(*asked)

    async def _provider(self, provider_id: str) -> Check:
        try:
            return checks.of_provider(await self.console.link(test_provider(provider_id)))
        except ClientError as error:
            return Check(name=f"provider {provider_id}", tone="bad", told=str(error))
