"""Logs: every request that was made, and every change, newest first."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import ContentSwitcher

from tokenhub.client.calls.views import delete_view, list_views, put_view
from tokenhub.client.errors import ClientError
from tokenhub.client.stream import Heard
from tokenhub.filters import FIELDS, Fields, Filter, parse
from tokenhub.wire.audit import AuditEntry
from tokenhub.wire.observe import RequestLog
from tokenhub.wire.views import View, ViewPut
from tokenhub_tui.dialogs.change import Change
from tokenhub_tui.dialogs.confirm import Confirm
from tokenhub_tui.dialogs.export import Export
from tokenhub_tui.dialogs.views import DELETE, SAVE, Named, Picked, Views
from tokenhub_tui.exported import write
from tokenhub_tui.messages import Failed
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.screens.facets import values
from tokenhub_tui.screens.log_source import AUDIT, REQUESTS, Answer, Requests, Source, Trail
from tokenhub_tui.state import audit, exporting, requests
from tokenhub_tui.state.kept import ENOUGH, MOST_EMPTY, Kept
from tokenhub_tui.state.standing import LIVE
from tokenhub_tui.widgets.empty import Empty
from tokenhub_tui.widgets.histogram import Histogram
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.tabline import TabLine
from tokenhub_tui.widgets.words import words
from tokenhub_tui.working import beside

ENDED = {"route_success", "route_error"}
CHANGED = {"config_changed", "vault_changed"}
MOST_VIEWS = 200
# Fields that events do not tell: a filter of these counts what is new without them.
_UNHEARD = {"asked", "overhead", "reason"}


class Viewed(Message):
    """The saved views are here."""

    def __init__(self, views: Sequence[View]) -> None:
        super().__init__()
        self.views = views


class Exporting(Message):
    """How far the export is; empty where it has ended."""

    def __init__(self, said: str) -> None:
        super().__init__()
        self.said = said


class LogsPage(Page[Answer | None]):
    """Two lists. At the top what is new is shown; elsewhere it is counted, and nothing jumps."""

    NAME = "logs"
    EVERY_S = 3.0
    FILTERS = True
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/logs.tcss"]

    def __init__(self) -> None:
        super().__init__()
        self.showing = REQUESTS
        self._wanted = {REQUESTS: "", AUDIT: ""}
        self._kept: dict[str, Kept[Any]] = {
            REQUESTS: Kept(lambda row: row.request_id),
            AUDIT: Kept(lambda row: str(row.id)),
        }
        self._total = {REQUESTS: "", AUDIT: ""}
        self._columns: Sequence[str] = ()
        # How often something was wished for, and which of these wishes was fulfilled last.
        self._wishes, self._fulfilled = 1, 0
        # Whether it was away from the top, where nothing is asked.
        self._away = False
        self._heard_at = -1
        self._new = (0, 0)
        self._empty_pages = 0
        self._exporting = ""
        self._parsed = ("", Filter())

    def contents(self) -> ComposeResult:
        yield TabLine({REQUESTS: "Requests", AUDIT: "Audit"})
        with ContentSwitcher(initial=f"{REQUESTS}-pane", id="lists"):
            with Vertical(id=f"{REQUESTS}-pane"):
                yield Histogram()
                with Vertical(id=f"{REQUESTS}-box", classes="box"):
                    yield Table(requests.COLUMNS, name=REQUESTS)
                    yield Empty(id=f"{REQUESTS}-empty")
            with Vertical(id=f"{AUDIT}-pane"), Vertical(id=f"{AUDIT}-box", classes="box"):
                yield Table(audit.COLUMNS, name=AUDIT)
                yield Empty(id=f"{AUDIT}-empty")

    @property
    def table(self) -> Table:
        """The list that is shown."""
        return self.query_one(f"#{self.showing}", Table)

    @property
    def kept(self) -> Kept[Any]:
        """Its rows."""
        return self._kept[self.showing]

    def on_mount(self) -> None:
        self.table.focus()

    # --- Asking ---

    def _source(self) -> Source:
        link, now = self.console.link, self.console.clock.now()
        return Requests(link, now) if self.showing == REQUESTS else Trail(link, now)

    async def load(self) -> Answer | None:
        """The newest page, where it is looked at and there may be something new."""
        heard, wishes = self.console.feed.heard, self._wishes
        quiet = self.console.link.standing.state == LIVE and heard == self._heard_at
        idle = not self.table.at_top or (self.showing == REQUESTS and quiet)
        fresh = wishes != self._fulfilled
        if idle and not fresh:
            self._away = self._away or not self.table.at_top
            return None
        width = self.query_one(Histogram).room
        answer = await self._source().page(self.wanted, after=None, width=width)
        # A question that failed, or was left, is asked again.
        fresh, self._away = fresh or self._away, False
        self._heard_at, self._fulfilled = heard, wishes
        return replace(answer, fresh=fresh)

    def again(self) -> None:
        self._wishes += 1
        super().again()

    def changed(self) -> None:
        """A change is an entry of the trail: shown at the top, else counted as it was heard."""
        if self.showing == AUDIT and self.table.at_top:
            super().again()

    def heard(self, events: list[Heard]) -> None:
        """Count what is new, where it is not shown by itself."""
        if not self.loaded or self.table.at_top:
            return
        new, failed = self._new
        if self.showing == AUDIT:
            self._new = (new + sum(one.type in CHANGED for one in events), 0)
        else:
            ended = [one for one in events if one.type in ENDED and self._means(one)]
            self._new = (
                new + len(ended), failed + sum(one.type == "route_error" for one in ended)
            )  # fmt: skip
        self._captions()

    def _means(self, event: Heard) -> bool:
        """Whether a request is none of those that are here, and the filter means it."""
        if self.kept.get(event.request_id) is not None:
            return False
        line = self.console.feed.get(event.request_id)
        if line is None or not self.wanted:
            return True
        return self._of_events().matches(line.row())

    def _of_events(self) -> Filter:
        """What the filter means of what events tell; read once for each filter."""
        text, meant = self._parsed
        if text != self.wanted:
            told = parse(self.wanted, now=self.console.clock.now()).terms
            meant = Filter(tuple(term for term in told if term.field not in _UNHEARD))
            self._parsed = (self.wanted, meant)
        return meant

    def on_table_nearing(self, message: Table.Nearing) -> None:
        if message.table is self.table:
            self._ask_more()

    def _ask_more(self) -> None:
        self.ask_on(self.kept.next, self._more, of=(self.showing, self.wanted))

    async def _more(self, after: str) -> Answer:
        return await self._source().page(self.wanted, after=after, width=0)

    # --- Drawing ---

    def show(self, data: Answer | None) -> None:
        """Draw a page: the newest in the place of all, or one that follows."""
        if data is None or data.tab != self.showing or data.wanted != self.wanted:
            return
        kept, table = self.kept, self.table
        if data.after is not None and data.after != kept.next:
            return  # it follows what is here no more
        top = table.at_top
        if data.after is not None:
            kept.more(data.rows, data.next)
        else:
            # A page with enough serves for itself; of a rare filter, all that was found is kept.
            take = kept.begin if data.fresh or len(data.rows) >= ENOUGH else kept.renew
            take(data.rows, data.next)
            self._total[data.tab], self._new = data.total, (0, 0)
        if data.chart is not None:
            self.query_one(Histogram).show(data.chart)
        self._draw()
        if top and data.after is None:
            table.to_top()
        if data.rows or data.fresh:
            self._empty_pages = 0
        elif data.after is not None:
            self._empty_pages += 1
        self._fill()

    def _fill(self) -> None:
        """Ask on where a page had next to nothing: only so much is looked at for one answer."""
        if len(self.kept) < ENOUGH and self._empty_pages < MOST_EMPTY:
            self._ask_more()

    def _draw(self) -> None:
        rows, table, now = self.kept.rows, self.table, self.console.clock.now()
        if self.showing == REQUESTS:
            columns = requests.columns(self._columns)
            table.show([requests.row(one, now, columns) for one in rows], columns=columns)
        else:
            table.show([audit.row(one, now) for one in rows])
        empty = self.query_one(f"#{self.showing}-empty", Empty)
        empty.display, table.display = not rows, bool(rows)
        if self.wanted:
            empty.no_match(self.wanted)
        elif self.showing == REQUESTS:
            empty.nothing("No request yet.", 'tokenhubctl chat "Hello"  makes one')
        else:
            empty.nothing("Nothing was changed yet.", "tokenhubctl provider add  is a change")
        self._captions()

    def _captions(self) -> None:
        line, box = self.query_one(TabLine), self.query_one(f"#{self.showing}-box")
        line.active = self.showing
        line.said = (f"filter: {self.wanted}", "key") if self.wanted else ("newest first", "dim")
        if self._exporting:
            line.said = (self._exporting, "key")
        count, total = f"{len(self.kept):,}", self._total[self.showing]
        parts = [f"{count} of {total}" if total else count]
        if self.kept.full:
            parts.append("E writes all to a file")
        new, failed = self._new
        if new:
            parts.append(f"{new} new{f', {failed} ✗' if failed else ''}: N shows them")
        box.border_subtitle = words(" · ".join(parts))

    # --- Keys ---

    def action_other(self) -> None:
        self.action_tab(AUDIT if self.showing == REQUESTS else REQUESTS)

    def action_tab(self, name: str) -> None:
        """Show one of the two lists."""
        if name == self.showing:
            return
        self._wanted[self.showing] = self.wanted
        self.showing, self.wanted = name, self._wanted[name]
        self.query_one("#lists", ContentSwitcher).current = f"{name}-pane"
        self._new = (0, 0)
        self._draw()
        self.table.focus()
        self.redraw_keys()
        self.again()

    def set_focus_to_content(self) -> None:
        self.table.focus()

    @property
    def filter_fields(self) -> Fields:
        """Those of the list that is shown."""
        return FIELDS if self.showing == REQUESTS else audit.FIELDS

    async def known_values(self) -> Mapping[str, Sequence[str]]:
        """Values of the log's fields; of the trail those of the rows that are here."""
        if self.showing == REQUESTS:
            return await values(self.console.link)
        return {
            name: sorted({str(getattr(row, field.keys[0])) for row in self.kept.rows})
            for name, field in audit.FIELDS.items()
            if field.kind == "text"
        }

    def filtered(self) -> None:
        self._columns = ()
        self._kept[self.showing].begin([], None)
        self._total[self.showing] = ""
        self._new = (0, 0)
        self._draw()
        # Whether anything matches is not known before the answer.
        self.query_one(f"#{self.showing}-empty", Empty).update("Asking the server …")
        self.query_one(f"#{self.showing}-box").border_subtitle = words("asking …")
        self.again()

    def on_failed(self, message: Failed) -> None:
        super().on_failed(message)
        if self._wishes != self._fulfilled and not len(self.kept):
            why = self.console.explained(message.error)
            self.query_one(f"#{self.showing}-empty", Empty).failed(*why)
            self.query_one(f"#{self.showing}-box").border_subtitle = words("not answered")

    def why_not(self, method: str) -> str:
        if method == "views" and self.showing == AUDIT:
            return "views are of the requests"
        return ""

    def on_table_opened(self, message: Table.Opened) -> None:
        row = self.kept.get(message.row_id)
        if isinstance(row, RequestLog):
            self.console.open_request(row.request_id)
        elif isinstance(row, AuditEntry):
            self.app.push_screen(Change(row))

    def action_open(self) -> None:
        self.table.action_open()

    def action_newest(self) -> None:
        self.table.to_top()
        self.again()

    def action_copy(self) -> None:
        if self.table.row_id:
            self.console.copy(self.table.row_id, self.table.row_id)

    # --- Views ---

    def action_views(self) -> None:
        self.work(self._ask_views)

    async def _ask_views(self) -> None:
        try:
            found = await self.console.link(list_views(limit=MOST_VIEWS))
        except ClientError as error:
            self.console.complain(error)
            return
        self.post_message(Viewed(found.items))

    def on_viewed(self, message: Viewed) -> None:
        views = {one.name: one for one in message.views}
        dialog = Views(message.views, self.wanted, read_only=self.console.read_only)
        self.app.push_screen(dialog, partial(self._picked, views))

    def _picked(self, views: Mapping[str, View], picked: Picked | None) -> None:
        if picked is None:
            return
        if picked.verb == SAVE:
            what = f"The filter  {self.wanted or '(all requests)'}  is saved under this name."
            self.app.push_screen(Named(what), partial(self._save, views))
            return
        view = views[picked.name]
        if picked.verb == DELETE:
            effect = f"The view {view.name} is deleted for all operators. Requests stay."
            self.app.push_screen(Confirm(effect, "Delete"), partial(self._delete, view))
            return
        self.wanted = view.filter
        self.filtered()
        self._columns = view.columns

    def _save(self, views: Mapping[str, View], name: str | None) -> None:
        if name:
            there = views.get(name)
            view = ViewPut(filter=self.wanted, columns=list(self._columns))
            call = put_view(name, view, if_match=there.version if there else None)
            self.change(call, f"Saved view {name}")

    def _delete(self, view: View, sure: bool | None) -> None:  # noqa: FBT001 - Textual's answer
        if sure:
            self.change(delete_view(view.name, if_match=view.version), f"Deleted view {view.name}")

    # --- Export ---

    def action_export(self) -> None:
        if self._exporting:
            self.workers.cancel_group(self, "export")
            self._exports("")
            self.console.say("Stopped the export; it left no file", tone="warn")
            return
        what = "Requests" if self.showing == REQUESTS else "The audit trail"
        of = f"of  {self.wanted}" if self.wanted else "of all times"
        total = self._total[self.showing]
        name = exporting.usual_name(self.showing, self.console.clock.now())
        dialog = Export(f"{what} {of}{f': {total}' if total else ''}", name)
        self.app.push_screen(dialog, self._export)

    def _export(self, file: Path | None) -> None:
        if file is not None:
            # Another list, or another filter, may be shown before it has ended.
            total = self._total[self.showing]
            portions = self._source().portions(self.wanted, exporting.form(file.name))
            self._exports(exporting.told(0, 0, total))
            beside(self, partial(self._written, portions, file, total), group="export")

    async def _written(self, portions: AsyncGenerator[bytes, None], file: Path, total: str) -> None:
        def told(count: int, size: int) -> None:
            self.post_message(Exporting(exporting.told(count, size, total)))

        try:
            count, _ = await write(portions, file, told)
        except (ClientError, OSError) as error:
            self._failed(error, file)
        else:
            rows = count - (file.suffix == exporting.CSV)
            self.console.say(f"Exported {rows:,} row{'' if rows == 1 else 's'} to {file}")
        finally:
            self.post_message(Exporting(""))

    def _failed(self, error: ClientError | OSError, file: Path) -> None:
        if isinstance(error, ClientError):
            self.console.complain(error)
        else:
            self.console.say(f"{file} could not be written: {error.strerror}", tone="bad")

    def on_exporting(self, message: Exporting) -> None:
        self._exports(message.said)

    def _exports(self, said: str) -> None:
        self._exporting = said
        self._captions()
