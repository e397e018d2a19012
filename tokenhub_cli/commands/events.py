"""`tokenhubctl events`."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
import typer

from tokenhub.client.calls.events import follow_events
from tokenhub.client.calls.info import info
from tokenhub.client.stream import CONNECTED, DRAINING, DROPPED, END, GAP, HEARTBEAT, Heard
from tokenhub.client.text import local, money, of_state, of_status, timed
from tokenhub.wire.events import TYPES
from tokenhub_cli import options
from tokenhub_cli.exits import Code
from tokenhub_cli.following import follow
from tokenhub_cli.options import WHICH_FIELDS, Form, Shared
from tokenhub_cli.output import Column, Output, Sheet, View
from tokenhub_cli.session import Session, session
from tokenhub_cli.spans import moment, span_s

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# Of the stream, and no events; what they mean is told on stderr.
_OF_THE_STREAM = frozenset((CONNECTED, GAP, DROPPED, END))
# Before all that is kept.
_OLDEST = "0"


def _route(it: Heard) -> str:
    return "/".join(part for part in (it.provider_id, it.model_id) if part)


def _told(it: Heard) -> str:
    """What there is to say of an event beside its figures."""
    if it.type == "health_change":
        return f"{it.old_state} -> {it.new_state}" + (f" ({it.reason})" if it.reason else "")
    if it.type == "budget_alert":
        spent = f"{money(it.spent_usd)} of {money(it.budget_usd)}"
        return f"{it.api_key_name}: {it.percent}% spent, {spent}"
    if it.decision is not None:
        routes = [one.route for one in it.decision.candidates]
        return f"{it.reason}: {' > '.join(routes)}" if routes else it.error_class
    changed = (it.action, it.resource, it.actor and f"by {it.actor}", it.new_state)
    request = (it.api_key_name, it.mode, it.task, it.activity_type, it.reason, it.error_class)
    return " ".join(filter(None, changed if it.action else (*request, it.new_state)))


VIEW: View[Heard] = View(
    kind="event",
    name=lambda it: it.id,
    columns=(
        Column("timestamp", lambda it: it.timestamp, local, head="TIME"),
        Column("type", lambda it: it.type),
        Column("route", _route),
        Column(
            "status_code",
            lambda it: it.status_code or None,
            right=True,
            head="STATUS",
            tone=of_status,
        ),
        Column("latency_ms", lambda it: it.latency_ms or None, timed, right=True, head="LATENCY"),
        Column("cost_usd", lambda it: it.cost_usd or None, money, right=True, head="COST"),
        Column("request_id", lambda it: it.request_id, head="REQUEST", spare=True),
        Column("id", lambda it: it.id, right=True, wide=True),
        Column("what", _told, tone=of_state),
    ),
)


@app.command("events")
def events(
    ctx: typer.Context,
    *,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="Only this type; several, or with commas."),
    ] = None,
    since: Annotated[
        str,
        typer.Option(
            "--since", metavar="ID|TIME", help="After this event; or from a time, or 10m ago, on."
        ),
    ] = "",
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="Stop after so many events.")
    ] = None,
    lasting: Annotated[
        str, typer.Option("--for", metavar="SPAN", help="Stop after a time, such as 30s.")
    ] = "",
    no_follow: Annotated[
        bool, typer.Option("--no-follow", help="Show what the server has kept, and stop.")
    ] = False,
) -> None:
    """Show what happens, as it happens: requests, decisions, changes.

    A connection that is lost is made again, and goes on behind the last event.

    Example: tokenhubctl events --no-follow
    Example: tokenhubctl events --no-follow --type config_changed -o jsonl
    """
    shared = _of_a_stream(options.given(ctx))
    asked = _types(types or ())
    after, begin = _since(since)
    for_s = span_s(lasting, flag="--for") if lasting else None
    matches = _matches(shared.filter)
    if shared.fields == WHICH_FIELDS:  # they need no event
        Output(shared).show(None, VIEW, [Heard(type="", timestamp="")])
    with session(ctx) as tokenhub:
        sheet = Output(shared).sheet(VIEW)
        watch = Watch(sheet, asked=asked, count=count, begin=begin)
        after = after or (_OLDEST if no_follow else "")
        stream = follow_events(types=asked, wanted=shared.filter, after=after)
        tokenhub.printed(stream.opening)
        if no_follow:
            watch.head = int(tokenhub(info()).last_event_id)
            watch.matches = matches
            # Of all types: whatever the newest is, it tells that there is no more to be had.
            stream = follow_events(after=after)
        _run(lambda: follow(tokenhub, stream, watch.take, for_s=for_s), watch, tokenhub)
        if watch.over == "interrupted":
            bounded = count is not None or for_s is not None
            raise typer.Exit(Code.DONE if bounded and sheet.written else Code.INTERRUPTED)


class Watch:
    """Takes events as they come, until there are enough of them. `over` says why it ended.

    `head` is the id behind which there is no more to be waited for; then all that is kept comes,
    and `matches` says which of it is meant.
    """

    def __init__(
        self,
        sheet: Sheet[Heard],
        *,
        asked: Sequence[str],
        count: int | None,
        begin: datetime | None,
    ) -> None:
        self.sheet = sheet
        self.head: int | None = None
        self.matches: Callable[[Heard], bool] = _everything
        self.last_id = ""
        self.over = ""
        self._asked = frozenset(asked)
        self._count = count
        self._begin = begin

    def take(self, portion: Sequence[Heard]) -> bool:
        """Write what is meant of it; whether that is enough."""
        found = []
        for one in portion:
            self.last_id = one.id or self.last_id
            if self._of_the_stream(one):
                continue
            if self._wants(one):
                found.append(one)
            if self._count is not None and self.sheet.written + len(found) >= self._count:
                self.sheet.write(found)
                return True
        self.sheet.write(found)
        return self.head is not None and int(self.last_id or 0) >= self.head

    def _wants(self, one: Heard) -> bool:
        if self._begin is not None and datetime.fromisoformat(one.timestamp) < self._begin:
            return False
        if self.head is None:
            return True
        return (not self._asked or one.type in self._asked) and self.matches(one)

    def _of_the_stream(self, one: Heard) -> bool:
        """Whether it is no event; what it means is told by who follows."""
        if one.type == END and one.reason != DRAINING:
            self.over = one.reason
        if one.type == HEARTBEAT:
            return HEARTBEAT not in self._asked
        return one.type in _OF_THE_STREAM


def _run(work: Callable[[], None], watch: Watch, tokenhub: Session) -> None:
    """Follow until it ends or somebody leaves, and tell where to go on."""
    try:
        work()
    except KeyboardInterrupt:
        watch.over = "interrupted"
    finally:
        if watch.last_id and (watch.sheet.written or watch.over):
            tokenhub.output.note(f"the last event was {watch.last_id}; go on with --since")


def _of_a_stream(shared: Shared) -> Shared:
    """The options, with the form that is usual for a stream in a pipe."""
    if shared.output is None and shared.form is Form.TABLE and not sys.stdout.isatty():
        return shared._replace(output=Form.JSONL)
    return shared


def _types(given: Sequence[str]) -> list[str]:
    """The types of all options. Raises a usage error for one that no server knows."""
    names = [name.strip() for part in given for name in part.split(",") if name.strip()]
    for name in names:
        if name not in TYPES:
            raise typer.BadParameter(
                f"there is no type of events {name!r}; there is {', '.join(TYPES)}",
                param_hint="--type",
            )
    return names


def _since(text: str) -> tuple[str, datetime | None]:
    """The id to go on from, and the time before which nothing is meant."""
    # Ids are of 16 digits, and count microseconds; a span in seconds has few.
    if text.isascii() and text.isdigit():
        return text, None
    return (
        (_OLDEST, moment(text, flag="--since", also="the id of an event")) if text else ("", None)
    )


def _matches(text: str) -> Callable[[Heard], bool]:
    """What a filter means, over events. Raises a usage error with a mark."""
    if not text:
        return _everything
    from tokenhub.filters import FilterError, parse  # noqa: PLC0415 - regexes, not for --help
    from tokenhub_cli.rows import refused  # noqa: PLC0415 - the same

    try:
        wanted = parse(text)
    except FilterError as error:
        raise refused(text, error.reason, error.position) from error
    return lambda one: wanted.matches(msgspec.to_builtins(one))


def _everything(_one: Heard) -> bool:
    return True
