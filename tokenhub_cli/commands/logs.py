"""`tokenhubctl logs ...`."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import typer

from tokenhub.client.call import Call
from tokenhub.client.calls.events import follow_events
from tokenhub.client.calls.info import info
from tokenhub.client.calls.observe import export_logs, get_request, list_logs
from tokenhub.client.calls.views import get_view
from tokenhub.client.stream import Heard
from tokenhub.client.text import local, milliseconds, usd
from tokenhub.filters import FilterError, parse
from tokenhub.wire.observe import LogPage, RequestLog
from tokenhub_cli.explained import explained
from tokenhub_cli.following import follow
from tokenhub_cli.log_counts import facets, histogram
from tokenhub_cli.options import Count, Follow, Form, Since, Until
from tokenhub_cli.output import Column, Sheet, View
from tokenhub_cli.rows import refused
from tokenhub_cli.session import Session, session
from tokenhub_cli.usual import Usual

app = typer.Typer(cls=Usual, add_completion=False, rich_markup_mode=None)

_VIEW: View[RequestLog] = View(
    kind="request",
    name=lambda it: it.request_id,
    columns=(
        Column("timestamp", lambda it: it.timestamp, local, head="TIME"),
        Column("model_id", lambda it: it.model_id, head="MODEL"),
        Column("provider_id", lambda it: it.provider_id, head="PROVIDER", spare=True),
        Column("mode", lambda it: it.mode, spare=True),
        Column(
            "latency_ms",
            lambda it: it.latency_ms,
            milliseconds,
            right=True,
            head="LATENCY",
            spare=True,
        ),
        Column("total_tokens", lambda it: it.total_tokens, right=True, head="TOKENS", spare=True),
        Column(
            "estimated_cost_usd",
            lambda it: it.estimated_cost_usd,
            usd,
            right=True,
            head="COST",
            spare=True,
        ),
        Column("status_code", lambda it: it.status_code, right=True, head="STATUS"),
        Column("error_class", lambda it: it.error_class, head="ERROR", spare=True),
        Column("attempts", lambda it: len(it.attempts), right=True, head="TRIES", spare=True),
        Column("request_id", lambda it: it.request_id, head="REQUEST"),
    ),
)

# More than so many do not come as one page.
_PAGE = 1000
# So many requests are asked for at once while they come, and not more than fit a filter.
_AT_ONCE, _AT_ONCE_CHARS = 20, 1000

_Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many rows.")]
_All = Annotated[bool, typer.Option("--all", help="Every row, however many.")]
_Error = Annotated[
    str, typer.Option("--error-class", metavar="CLASS", help="That ended with this error.")
]
_Mode = Annotated[str, typer.Option("--mode", help="Routed in this mode.")]
_Before = Annotated[
    str, typer.Option("--before", metavar="REQUEST", help="Older than this request.")
]
_Cursor = Annotated[
    str, typer.Option("--cursor", metavar="CURSOR", help="Go on where a page before ended.")
]
_Filter = Annotated[
    str,
    typer.Option(
        "--filter", metavar="FILTER", help="Such as 'model:gpt status:error ms>2000 since:2h'."
    ),
]
_View = Annotated[
    str, typer.Option("--view", metavar="NAME", help="What a saved view means, and its columns.")
]
_Model = Annotated[str, typer.Option("--model", metavar="ID", help="Answered by this model.")]
_Provider = Annotated[
    str, typer.Option("--provider", metavar="ID", help="Answered by this provider.")
]
_Key = Annotated[str, typer.Option("--key", metavar="ID", help="Asked by this key.")]
_Status = Annotated[
    int | None, typer.Option("--status", min=100, max=599, help="Answered with this status.")
]
_Request = Annotated[
    str, typer.Option("--request-id", metavar="REQUEST", help="This request alone.")
]
_Plan = Annotated[str, typer.Option("--plan", metavar="REQUEST", help="The steps of this plan.")]


@app.callback()
def logs() -> None:
    """Show what was asked, who answered and what it cost.

    Newest first.

    Example: tokenhubctl logs --limit 20
    """


@app.command("list")
def list_requests(
    ctx: typer.Context,
    *,
    limit: _Limit = 50,
    every: _All = False,
    before: _Before = "",
    cursor: _Cursor = "",
    wanted: _Filter = "",
    since: Since = "",
    until: Until = "",
    model_id: _Model = "",
    provider_id: _Provider = "",
    api_key_id: _Key = "",
    status: _Status = None,
    error_class: _Error = "",
    mode: _Mode = "",
    request_id: _Request = "",
    parent_id: _Plan = "",
    saved: _View = "",
    following: Follow = False,
    count: Count = None,
) -> None:
    """List requests, newest first; with -f the newest last, and then what comes.

    Example: tokenhubctl logs list --filter 'status:error since:1h' -o csv
    Example: tokenhubctl logs --all --since 24h -o jsonl
    """
    _checked(wanted)
    if following and (every or before or cursor or until):
        raise typer.BadParameter("what comes has no --all, --before, --cursor or --until")
    terms = [wanted, *_exactly("error", error_class), *_exactly("mode", mode)]

    def asked(*more: str, most: int | None = limit) -> Call[LogPage]:
        return list_logs(
            limit=most,
            before=before,
            cursor=cursor,
            wanted=" ".join(filter(None, [*terms, *more])),
            since=since,
            until=until,
            model_id=model_id,
            provider_id=provider_id,
            api_key_id=api_key_id,
            status=status,
            request_id=request_id,
            parent_id=parent_id,
        )

    with session(ctx) as tokenhub:
        if saved:
            view = tokenhub(get_view(saved))
            terms.append(view.filter)
            tokenhub.output = tokenhub.output.of_columns(view.columns)
        if following:
            _follow(tokenhub, asked, limit=min(limit, _PAGE), count=count)
        elif every or limit > _PAGE:
            _export(tokenhub, asked(), limit=None if every else limit)
        else:
            _show(tokenhub, tokenhub(asked()))


def _show(tokenhub: Session, page: LogPage) -> None:
    tokenhub.output.show(page, _VIEW, page.logs)
    if page.next:
        more = f"--cursor {page.cursor}" if page.cursor else f"--before {page.next}"
        total = page.total if page.total_exact else f"at least {page.total}"
        tokenhub.output.note(f"{len(page.logs)} of {total}; more with {more}")


def _export(tokenhub: Session, page: Call[LogPage], *, limit: int | None) -> None:
    """Write rows while they come, of the one long answer that holds them all."""
    portions = tokenhub.rows(export_logs(page, limit=limit))
    if tokenhub.output.form in {Form.JSON, Form.YAML}:
        rows = [row for portion in portions for row in portion]
        tokenhub.output.show(rows, _VIEW, rows)
        return
    sheet = tokenhub.output.sheet(_VIEW)
    for portion in portions:
        sheet.write(portion)
    if sheet.written == limit:
        tokenhub.output.note(f"{limit} rows, and there may be more; --all has every one")


def _follow(
    tokenhub: Session, asked: Callable[..., Call[LogPage]], *, limit: int, count: int | None
) -> None:
    """Write the newest, and then each that is committed: an event tells that it is."""
    types = ("route_success", "route_error")
    tokenhub.printed(asked(most=limit), follow_events(types=types).opening)
    last_id = tokenhub(info()).last_event_id
    newest = tokenhub(asked(most=limit)).logs
    sheet = tokenhub.output.sheet(_VIEW)
    sheet.write(newest[::-1])
    taken = Followed(tokenhub, asked, sheet, shown={row.request_id for row in newest})
    stream = follow_events(types=types, after=last_id)
    elsewhere = "; logs --since has their requests"
    follow(tokenhub, stream, lambda heard: taken.take(heard, count), elsewhere=elsewhere)


class Followed:
    """Requests that were told of, asked for and written. `shown` were written before."""

    def __init__(
        self,
        tokenhub: Session,
        asked: Callable[..., Call[LogPage]],
        sheet: Sheet[RequestLog],
        *,
        shown: set[str],
    ) -> None:
        self._tokenhub = tokenhub
        self._asked = asked
        self._sheet = sheet
        self._shown = shown
        self._written = 0

    def take(self, heard: Sequence[Heard], count: int | None) -> bool:
        """Write those of them that are meant; whether that is enough."""
        ended = [one.request_id for one in heard if one.type in {"route_success", "route_error"}]
        for ids in _together([one for one in ended if one not in self._shown]):
            rows = self._tokenhub(self._asked(*_exactly("id", *ids), most=_PAGE)).logs[::-1]
            left = None if count is None else count - self._written
            self._sheet.write(rows[:left])
            self._written += len(rows[:left])
            if count is not None and self._written >= count:
                return True
        return False


def _together(ids: Sequence[str]) -> Iterator[list[str]]:
    """Ids in groups that one filter can hold."""
    group: list[str] = []
    for one in ids:
        if len(group) == _AT_ONCE or sum(map(len, [*group, one])) > _AT_ONCE_CHARS:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _exactly(field: str, *values: str) -> list[str]:
    """The term of a filter that these values alone fit; none for no value."""
    escaped = [text.replace("\\", "\\\\").replace('"', '\\"') for text in values if text]
    quoted = ",".join(f'"{text}"' for text in escaped)
    return [f"{field}={quoted}"] if quoted else []


def _checked(wanted: str) -> None:
    """Refuse what is no filter with a mark below its fault, before anything is asked."""
    try:
        parse(wanted, now=0.0)
    except FilterError as error:
        raise refused(wanted, error.reason, error.position) from error


@app.command("get")
def get(
    ctx: typer.Context,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id.")],
) -> None:
    """Explain one request: who was tried, who was considered, why others were left out.

    Example: tokenhubctl logs get req_01a1fdc7
    """
    with session(ctx) as tokenhub:
        found = tokenhub(get_request(request_id))
        tokenhub.output.show(found, _VIEW, [found], lines=explained(found))


app.command("facets")(facets)
app.command("histogram")(histogram)
