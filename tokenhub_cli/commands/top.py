"""`tokenhubctl top`."""

from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec
import typer

from tokenhub.client.calls.health import get_health
from tokenhub.client.calls.info import info
from tokenhub.client.calls.stats import get_stats
from tokenhub.client.errors import Unreachable
from tokenhub.client.text import clean, money, seconds, timed
from tokenhub.wire.catalog import Info
from tokenhub.wire.health import Health
from tokenhub.wire.stats import Aggregate, Stats
from tokenhub_cli.figures import By, Sort, Window, percent, ranked, rows_of, view_of
from tokenhub_cli.screen import LEAVE, Screen, at_terminal, screen
from tokenhub_cli.session import Session, session
from tokenhub_cli.spans import span_s

app = typer.Typer(add_completion=False, rich_markup_mode=None)
E = TypeVar("E", bound=StrEnum)
_HEALTHY = "healthy"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the table is of, and in which order."""

    by: By = By.MODEL
    sort: Sort = Sort.REQUESTS
    window: Window = Window.FIVE_MINUTES

    def after(self, key: str) -> "Shown":
        """What a key makes of it."""
        if key == "b":
            return msgspec.structs.replace(self, by=_next(self.by))
        if key == "s":
            return msgspec.structs.replace(self, sort=_next(self.sort))
        if key == "w":
            return msgspec.structs.replace(self, window=_next(self.window))
        return self


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the server has told last."""

    about: Info
    stats: Stats
    health: Health


@app.command("top")
def top(
    ctx: typer.Context,
    *,
    by: Annotated[By, typer.Option("--by", help="A row for each of them.")] = By.MODEL,
    sort: Annotated[
        Sort, typer.Option("--sort", help="The largest of this first.")
    ] = Sort.REQUESTS,
    window: Annotated[Window, typer.Option("--window", help="How far back.")] = Window.FIVE_MINUTES,
    every: Annotated[
        str, typer.Option("--every", "-n", metavar="SPAN", help="How often it is drawn.")
    ] = "2s",
) -> None:
    """Who is busy now: one screen that keeps up.

    q leaves; b, s and w change what it is by, its order and its window. Where nobody looks, it is
    written once.

    Example: tokenhubctl top --by provider --sort cost
    """
    every_s = max(0.1, span_s(every, flag="--every"))
    shown = Shown(by=by, sort=sort, window=window)
    with session(ctx) as tokenhub:
        seen = _ask(tokenhub)
        if not at_terminal():
            rows = _rows(seen, shown)
            tokenhub.output.show(rows, view_of(by), rows)
            return
        with screen() as terminal:
            _keep_up(tokenhub, terminal, shown, seen, every_s)


def _keep_up(tokenhub: Session, terminal: Screen, shown: Shown, seen: Seen, every_s: float) -> None:
    trouble = ""
    while True:
        terminal.show(_page(tokenhub, shown, seen, trouble or f"every {every_s:g}s"))
        key = terminal.key(every_s)
        if key == LEAVE:
            return
        shown = shown.after(key)
        if key:
            continue  # what is there already, in another order
        try:
            seen, trouble = _ask(tokenhub), ""
        except Unreachable as error:
            trouble = str(error)


def _ask(tokenhub: Session) -> Seen:
    return Seen(about=tokenhub(info()), stats=tokenhub(get_stats()), health=tokenhub(get_health()))


def _rows(seen: Seen, shown: Shown) -> list[Aggregate]:
    return ranked(rows_of(seen.stats, shown.by, shown.window), shown.sort)


def _page(tokenhub: Session, shown: Shown, seen: Seen, state: str) -> list[str]:
    keys = f"q quit  b by {shown.by}  s sorted by {shown.sort}  w last {shown.window}"
    return [
        *(clean(line) for line in _head(tokenhub.profile.url, seen)),
        clean(f"{keys}  {state}"),
        "",
        *tokenhub.output.page_of(view_of(shown.by), _rows(seen, shown)),
    ]


def _head(url: str, seen: Seen) -> list[str]:
    about = seen.about
    states = [(one.provider_id, one.state) for one in seen.health.providers]
    ill = [f"{name} {state}" for name, state in states if state != _HEALTHY]
    well = len(states) - len(ill)
    return [
        f"tokenhub {about.version} at {url}, up {seconds(about.uptime_s)}",
        *(_minute(row) for row in rows_of(seen.stats, None, Window.MINUTE)),
        f"{well} of {len(states)} providers healthy" + "".join(f", {one}" for one in ill),
    ]


def _minute(row: Aggregate) -> str:
    return (
        f"last minute: {row.rps:.2f} requests/s, {percent(row.error_rate)} failed, "
        f"p95 {timed(row.p95_latency_ms)}, {money(row.total_cost_usd)}"
    )


def _next(value: E) -> E:
    """The one behind it; the first behind the last."""
    every = list(type(value))
    return every[(every.index(value) + 1) % len(every)]
