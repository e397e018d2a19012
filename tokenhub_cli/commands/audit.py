"""`tokenhubctl audit ...`."""

import time
from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from tokenhub.client.call import Call
from tokenhub.client.calls.audit import list_audit, verify_audit
from tokenhub.client.text import local
from tokenhub.wire.audit import AuditEntry, AuditPage, AuditVerified
from tokenhub_cli.exits import Code
from tokenhub_cli.options import Count, Follow, Since, Until
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import Session, session
from tokenhub_cli.usual import Usual

app = typer.Typer(cls=Usual, add_completion=False, rich_markup_mode=None)

_VIEW: View[AuditEntry] = View(
    kind="audit",
    name=lambda it: str(it.id),
    columns=(
        Column("id", lambda it: it.id, right=True),
        Column("timestamp", lambda it: it.timestamp, local, head="TIME"),
        Column("actor", lambda it: it.actor),
        Column("address", lambda it: it.address, spare=True),
        Column("action", lambda it: it.action),
        Column("resource", lambda it: it.resource),
        Column("outcome", lambda it: it.why or it.outcome),
        Column("times", lambda it: it.times, right=True, spare=True),
        Column("request_id", lambda it: it.request_id, head="REQUEST", spare=True),
    ),
)
_VERDICT: View[AuditVerified] = View(
    kind="audit",
    name=lambda it: str(it.last_id),
    columns=(
        Column("ok", lambda it: it.ok),
        Column("rows", lambda it: it.rows, right=True),
        Column("last_id", lambda it: it.last_id, right=True),
        Column("last_hash", lambda it: it.last_hash),
        Column("broken", lambda it: "" if it.broken is None else str(it.broken.id)),
        Column("reason", lambda it: "" if it.broken is None else it.broken.reason),
    ),
)

# What is added is looked for so often, and read so many at a time.
_POLL_S = 1.0
_PAGE = 1000

_Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many rows.")]
_Before = Annotated[
    int | None, typer.Option("--before", metavar="ID", min=1, help="Older than this entry.")
]
_Action = Annotated[
    str, typer.Option("--action", help="What was done, such as model.patch or 'model.*'.")
]
_Resource = Annotated[str, typer.Option("--resource", help="To what; 'openai/*' is any of them.")]
_Actor = Annotated[str, typer.Option("--actor", help="By whom.")]
_Address = Annotated[str, typer.Option("--address", help="From this address.")]
_Outcome = Annotated[str, typer.Option("--outcome", metavar="ok|refused", help="How it ended.")]
_Request = Annotated[
    str, typer.Option("--request-id", metavar="REQUEST", help="In this request alone.")
]


@app.callback()
def audit() -> None:
    """Show who changed what, who came in and who was turned away.

    Newest first.

    Example: tokenhubctl audit --limit 20
    """


@app.command("list")
def list_entries(
    ctx: typer.Context,
    *,
    limit: _Limit = 50,
    before: _Before = None,
    action: _Action = "",
    resource: _Resource = "",
    actor: _Actor = "",
    address: _Address = "",
    outcome: _Outcome = "",
    request_id: _Request = "",
    since: Since = "",
    until: Until = "",
    following: Follow = False,
    count: Count = None,
) -> None:
    """List entries, newest first; with -f the newest last, and then what comes.

    Example: tokenhubctl audit list --action 'apikey.*' --since 24h
    """
    if following and (before or until):
        raise typer.BadParameter("what comes has no --before or --until")

    def asked(most: int = limit, older: int | None = before) -> Call[AuditPage]:
        return list_audit(
            limit=most,
            before=older,
            action=action,
            resource=resource,
            actor=actor,
            address=address,
            outcome=outcome,
            request_id=request_id,
            since=since,
            until=until,
        )

    with session(ctx) as tokenhub:
        if following:
            _follow(tokenhub, asked, count=count)
            return
        page = tokenhub(asked())
        tokenhub.output.show(page, _VIEW, page.logs)
        if page.next:
            tokenhub.output.note(
                f"{len(page.logs)} of {page.total}; more with --before {page.next}"
            )


def _follow(tokenhub: Session, asked: Callable[..., Call[AuditPage]], *, count: int | None) -> None:
    """Write the newest, and then each that is added. Not all of it is told as an event."""
    sheet = tokenhub.output.sheet(_VIEW)
    newest = tokenhub(asked()).logs[::-1]
    sheet.write(newest)
    last = newest[-1].id if newest else 0
    begun = len(newest)
    while count is None or sheet.written - begun < count:
        time.sleep(_POLL_S)
        added = list(_added(tokenhub, asked, last))[::-1]
        sheet.write(added if count is None else added[: count - (sheet.written - begun)])
        last = added[-1].id if added else last


def _added(
    tokenhub: Session, asked: Callable[..., Call[AuditPage]], last: int
) -> Iterator[AuditEntry]:
    """The entries behind an id, newest first."""
    before: int | None = None
    while True:
        page = tokenhub(asked(_PAGE, before)).logs
        added = [row for row in page if row.id > last]
        yield from added
        if len(added) < _PAGE:
            return
        before = added[-1].id


@app.command("verify")
def verify(
    ctx: typer.Context,
    *,
    row_id: Annotated[
        int | None, typer.Option("--id", metavar="ID", min=1, help="An entry that was noted.")
    ] = None,
    digest: Annotated[
        str, typer.Option("--hash", metavar="HASH", help="The hash that it had then.")
    ] = "",
) -> None:
    """Prove that no entry was changed, put in or taken out; exit code 8 where one was.

    Example: tokenhubctl audit verify
    """
    with session(ctx) as tokenhub:
        found = tokenhub(verify_audit(row_id=row_id, digest=digest))
        tokenhub.output.show(found, _VERDICT, [found], lines=_told(found))
    if not found.ok:
        raise typer.Exit(Code.NOT_SO)


def _told(found: AuditVerified) -> list[str]:
    if found.broken is not None:
        return [f"The audit trail is broken at entry {found.broken.id}: {found.broken.reason}."]
    if not found.rows:
        return ["The audit trail is empty."]
    return [
        f"All {found.rows} entries are as they were written.",
        f"Note the last one elsewhere: --id {found.last_id} --hash {found.last_hash}",
    ]
