"""What the palette offers: actions, places, themes, messages, and what the server has."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import ClassVar, NamedTuple, Protocol, TypeVar

from textual.screen import Screen

from tokenhub.client.call import Call
from tokenhub.client.calls.catalog import list_models, list_providers
from tokenhub.client.calls.keys import list_keys
from tokenhub.client.errors import ClientError
from tokenhub.client.text import clean, from_ms, local
from tokenhub.wire.catalog import Model, Provider
from tokenhub.wire.keys import ApiKey
from tokenhub_tui import actions
from tokenhub_tui.actions import Action
from tokenhub_tui.dialogs.palette import Palette
from tokenhub_tui.every import P, every
from tokenhub_tui.link import Link
from tokenhub_tui.state.feed import Feed
from tokenhub_tui.state.messages import Said
from tokenhub_tui.state.palette import Entry
from tokenhub_tui.working import beside

# The most that the server gives in one answer.
OBJECTS = 1000
REQUESTS = 200
# As tokenhub/core/ids.py makes them.
REQUEST_ID = re.compile(r"req_[0-9a-f]{28}")
Run = Callable[[], object]
S = TypeVar("S")


class Named(NamedTuple):
    """Something of the server: what it is, the id of its row, its name and a word about it."""

    kind: str
    row_id: str
    title: str
    told: str


class Page(Protocol):
    """What of a screen is needed here."""

    NAME: ClassVar[str]

    def off(self, method: str) -> str: ...


class Console(Protocol):
    """What of the app is needed here."""

    link: Link
    feed: Feed
    said: list[Said]
    theme: str

    @property
    def page(self) -> Page | None: ...

    @property
    def available_themes(self) -> Mapping[str, object]: ...

    async def push_screen_wait(self, screen: Screen[S], /) -> S | None: ...

    def off(self, method: str) -> str: ...

    def no_place(self, place: str) -> str: ...

    def key_of(self, action: Action) -> str: ...

    async def act(self, action: Action) -> None: ...

    def action_go(self, place: str) -> None: ...

    def find(self, place: str, kind: str, row_id: str) -> None: ...

    def keep_theme(self, name: str) -> None: ...

    def contexts(self) -> list[tuple[str, str]]: ...

    def use_context(self, name: str) -> None: ...

    def open_request(self, request_id: str) -> None: ...


class Offers:
    """The entries of one palette, and what each does."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._does: dict[str, Run] = {}
        self._theme = console.theme

    async def ask(self, text: str = "") -> None:
        """Show the palette, and do what is chosen in it."""
        dialog = Palette(list(self.here()), self._passed, self._typed, text=text)
        asked = partial(self._objects, dialog)
        beside(dialog, asked, group="objects")
        chosen = await self._console.push_screen_wait(dialog)
        if chosen:
            done = self._does[chosen]()
            if asyncio.iscoroutine(done):
                await done

    def _passed(self, entry: Entry | None) -> None:
        """Show a theme while the cursor is on it."""
        name = entry.id.removeprefix("theme ") if entry and entry.group == "theme" else self._theme
        if self._console.theme != name:
            self._console.theme = name

    def _entry(self, entry: Entry, run: Run) -> Entry:
        self._does[entry.id] = run
        return entry

    def here(self) -> Iterator[Entry]:
        """All that needs no asking."""
        page = self._console.page
        for one in actions.of(page.NAME) if page else ():
            yield self._action(one, "here", page.off(bare(one)) if page else "")
        for one in actions.of(actions.APP):
            if not one.does.startswith("go("):
                yield self._action(one, "everywhere", self._console.off(bare(one)))
        for place in actions.PLACES:
            yield self._entry(
                Entry(
                    id=f"go {place.name}", title=place.title, group="go to",
                    key=self._key(place.name), help=place.help,
                    off=self._console.no_place(place.name),
                ),
                partial(self._console.action_go, place.name),
            )  # fmt: skip
        yield from self._themes()
        yield from self._contexts()
        yield from self._requests()
        yield from self._messages()

    def _key(self, name: str) -> str:
        """The key that leads there by hand."""
        return next(self._console.key_of(one) for one in actions.of(actions.APP)
                    if one.id == f"{actions.APP}.{name}")  # fmt: skip

    def _action(self, one: Action, group: str, off: str) -> Entry:
        entry = Entry(
            id=one.id, title=one.title, group=group, key=self._console.key_of(one), help=one.help,
            command=one.command, off=off,
        )  # fmt: skip
        return self._entry(entry, partial(self._console.act, one))

    def _themes(self) -> Iterator[Entry]:
        for name in sorted(self._console.available_themes):
            here = " (this one)" if name == self._theme else ""
            yield self._entry(
                Entry(
                    id=f"theme {name}", title=f"{name}{here}", group="theme", quiet=True,
                    key=self._key("themes"), help="Shown while it is marked; ⏎ keeps it.",
                ),
                partial(self._console.keep_theme, name),
            )  # fmt: skip

    def _contexts(self) -> Iterator[Entry]:
        for name, url in self._console.contexts():
            yield self._entry(
                Entry(
                    id=f"context {name}", title=name, group="context", quiet=True,
                    key=self._key("contexts"), help=url,
                ),
                partial(self._console.use_context, name),
            )  # fmt: skip

    def _requests(self) -> Iterator[Entry]:
        for line in reversed(self._console.feed.lines[-REQUESTS:]):
            told = " ".join(filter(None, (line.model_id, line.error_class, line.key)))
            yield self._request(line.request_id, f"  {clean(told)}")

    def _typed(self, text: str) -> Entry | None:
        """A request that is named whole: the server may know it, though the feed does not."""
        return self._request(text) if REQUEST_ID.fullmatch(text) else None

    def _request(self, request_id: str, told: str = "") -> Entry:
        return self._entry(
            Entry(
                id=f"request {request_id}", title=f"{request_id}{told}", group="request",
                help="All about this request.", command=f"tokenhubctl logs get {request_id}",
                quiet=True,
            ),
            partial(self._console.open_request, request_id),
        )  # fmt: skip

    def _messages(self) -> Iterator[Entry]:
        for number, said in enumerate(reversed(self._console.said)):
            yield self._entry(
                Entry(
                    id=f"message {number}", title=said.text, group="message", quiet=True,
                    key=self._key("more"),
                    help=f"Said at {local(from_ms(said.at * 1000))}; all stand on the screen More.",
                ),
                partial(self._console.action_go, "more"),
            )  # fmt: skip

    async def _objects(self, dialog: Palette) -> None:
        """What the server has, as far as it answers."""
        asked = (
            self._named(list_providers, lambda page: map(_provider, page.items), "fleet"),
            self._named(list_models, lambda page: map(_model, page.items), "fleet"),
            self._named(list_keys, lambda page: map(_key, page.keys), "keys"),
        )
        for entries in asyncio.as_completed(asked):
            dialog.add(await entries)

    async def _named(
        self, listed: Callable[..., Call[P]], named: Callable[[P], Iterable[Named]], place: str
    ) -> list[Entry]:
        """Entries of what a list has, each of which leads to its row in a place."""
        try:
            pages = partial(listed, limit=OBJECTS)
            found = await every(self._console.link, pages, lambda page: list(named(page)))
        except ClientError:
            # Who may not see it, or has no server now, finds the rest.
            return []
        off = self._console.no_place(place)
        return [
            self._entry(
                Entry(
                    id=f"{one.kind} {one.row_id}", title=one.title, group=one.kind, help=one.told,
                    key=self._key(place), off=off, quiet=True,
                ),
                partial(self._console.find, place, one.kind, one.row_id),
            )
            for one in found
        ]  # fmt: skip


def _provider(one: Provider) -> Named:
    return Named("provider", one.id, one.id, f"{one.type} at {one.base_url}{_off(one)}")


def _model(one: Model) -> Named:
    where = f"{one.provider_id}/{one.id}"
    return Named("model", where, where, f"weight {one.weight}{_off(one)}")


def _key(one: ApiKey) -> Named:
    return Named("key", one.id, one.name, f"{one.key_prefix}…{_off(one)}")


def _off(one: Provider | Model | ApiKey) -> str:
    return "" if one.enabled else ", off; x switches it on there"


def bare(action: Action) -> str:
    """The method of an action, without its arguments."""
    return action.method.partition("(")[0]
