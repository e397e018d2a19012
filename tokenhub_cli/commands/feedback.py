"""`tokenhubctl feedback ...`."""

from typing import Annotated

import typer

from tokenhub.client.calls.feedback import give_feedback
from tokenhub.client.calls.feedback import list_feedback as of_server
from tokenhub.client.text import local
from tokenhub.wire.feedback import FeedbackGiven, FeedbackIn, FeedbackRow
from tokenhub_cli.fields import build, merged
from tokenhub_cli.options import Limit, Offset, OfModel, OfProvider, OfRequest
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import session
from tokenhub_cli.usual import Usual

app = typer.Typer(cls=Usual, add_completion=False, rich_markup_mode=None)

_VIEW: View[FeedbackRow] = View(
    kind="feedback",
    name=lambda it: f"{it.request_id}/{it.source}",
    columns=(
        Column("timestamp", lambda it: it.timestamp, local, head="TIME"),
        Column("request_id", lambda it: it.request_id, head="REQUEST"),
        Column("provider_id", lambda it: it.provider_id, head="PROVIDER", spare=True),
        Column("model_id", lambda it: it.model_id, head="MODEL"),
        Column("source", lambda it: it.source),
        Column("task", lambda it: it.task, spare=True),
        Column("score", lambda it: it.score, right=True),
        Column("label", lambda it: it.label),
        Column("comment", lambda it: it.comment),
    ),
)
_GIVEN: View[FeedbackGiven] = View(
    kind="feedback",
    name=lambda it: it.request_id,
    columns=(
        Column("request_id", lambda it: it.request_id, head="REQUEST"),
        Column("model", lambda it: it.model),
        Column("provider", lambda it: it.provider),
        Column("score", lambda it: it.score, right=True),
        Column("label", lambda it: it.label),
        Column("replaced", lambda it: it.replaced),
    ),
)


@app.callback()
def feedback() -> None:
    """What was said of answers.

    Example: tokenhubctl feedback --limit 20
    """


@app.command("list")
def list_feedback(
    ctx: typer.Context,
    *,
    request_id: OfRequest = "",
    source: Annotated[str, typer.Option("--source", help="By whom it was said.")] = "",
    api_key_id: Annotated[
        str, typer.Option("--key", metavar="ID", help="Of requests of this key.")
    ] = "",
    model_id: OfModel = "",
    provider_id: OfProvider = "",
    limit: Limit = None,
    offset: Offset = None,
) -> None:
    """List what was said, that of the newest request first.

    Example: tokenhubctl feedback list --model gpt -o csv
    """
    with session(ctx) as tokenhub:
        page = tokenhub(
            of_server(
                request_id=request_id,
                source=source,
                api_key_id=api_key_id,
                model_id=model_id,
                provider_id=provider_id,
                limit=limit,
                offset=offset,
            )
        )
        tokenhub.output.page(page, _VIEW, page.feedback, total=page.total, offset=page.offset)


@app.command("add")
def add(
    ctx: typer.Context,
    request: Annotated[
        str,
        typer.Argument(metavar="REQUEST|JSON", help="The request's id, or JSON with all of it."),
    ],
    *,
    score: Annotated[
        float | None, typer.Option("--score", min=0, max=1, help="How good it was, 0 to 1.")
    ] = None,
    thumbs: Annotated[bool | None, typer.Option("--up/--down", help="Whether it was good.")] = None,
    label: Annotated[str | None, typer.Option("--label", help="In a word of yours.")] = None,
    comment: Annotated[str | None, typer.Option("--comment", help="In your words.")] = None,
) -> None:
    """Say how good an answer was; a second word takes the place of the first.

    Example: tokenhubctl feedback add req_01a1fdc7 --up
    """
    json = request if request[:1] in {"{", "@", "-"} else None
    flags = {
        "request_id": None if json else request,
        "score": score,
        "thumbs": None if thumbs is None else ("up" if thumbs else "down"),
        "label": label,
        "comment": comment,
    }
    said = build(FeedbackIn, merged(json, flags))
    with session(ctx) as tokenhub:
        done = tokenhub(give_feedback(said))
        what = "replaced" if done.replaced else "noted"
        tokenhub.output.changed(done, _GIVEN, done, f"{what}: {done.model} scored {done.score:g}")
