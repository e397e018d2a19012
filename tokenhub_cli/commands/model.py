"""`tokenhubctl model ...`."""

from typing import Annotated

import typer

from tokenhub.client.calls import catalog
from tokenhub.client.text import tokens, usd
from tokenhub.wire.catalog import Model, ModelCreate, ModelDone, ModelPatch
from tokenhub_cli.exits import Code
from tokenhub_cli.fields import JSON_HELP, build, merged
from tokenhub_cli.keyed import KeyFile, KeyStdin, keyed
from tokenhub_cli.options import IfMatch, Limit, Offset
from tokenhub_cli.output import Column, View
from tokenhub_cli.prices import app as price
from tokenhub_cli.session import confirm, session

app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.add_typer(price, name="price")

_PROMPT = "Say hello in one word."

VIEW: View[Model] = View(
    kind="model",
    name=lambda it: it.id,
    columns=(
        Column("id", lambda it: it.id, head="MODEL"),
        Column("provider_id", lambda it: it.provider_id, head="PROVIDER"),
        Column("weight", lambda it: it.weight, right=True),
        Column(
            "max_context_tokens",
            lambda it: it.max_context_tokens,
            tokens,
            right=True,
            head="CONTEXT",
        ),
        Column("input_per_1k", lambda it: it.input_per_1k, usd, right=True, head="IN $/1K"),
        Column("output_per_1k", lambda it: it.output_per_1k, usd, right=True, head="OUT $/1K"),
        Column("pricing_source", lambda it: it.pricing_source, head="PRICE FROM", spare=True),
        Column("enabled", lambda it: it.enabled),
        Column("version", lambda it: it.version, right=True, spare=True),
    ),
)

_Json = Annotated[str | None, typer.Argument(metavar="[JSON]", help=JSON_HELP)]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The model's id; it may hold slashes.")]
_Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="The models' ids.")]
_Provider = Annotated[
    str,
    typer.Option("--provider", metavar="ID", help="Which, where it stands at several providers."),
]
_Weight = Annotated[
    int | None, typer.Option("--weight", help="How good it is, 0 to 10; more is preferred.")
]
_Context = Annotated[
    int | None, typer.Option("--context", metavar="TOKENS", help="Its context size; 0 is unknown.")
]
_Input = Annotated[
    float | None, typer.Option("--input-per-1k", metavar="USD", help="Price of 1,000 tokens in.")
]
_Output = Annotated[
    float | None, typer.Option("--output-per-1k", metavar="USD", help="Price of 1,000 tokens out.")
]
_Cached = Annotated[
    float | None,
    typer.Option("--cached-input-per-1k", metavar="USD", help="Of 1,000 tokens read from a cache."),
]
_Write = Annotated[
    float | None,
    typer.Option("--cache-write-per-1k", metavar="USD", help="Of 1,000 tokens put into a cache."),
]
_WriteHour = Annotated[
    float | None,
    typer.Option("--cache-write-1h-per-1k", metavar="USD", help="Of 1,000 put there for an hour."),
]
_Reasoning = Annotated[
    float | None,
    typer.Option("--reasoning-per-1k", metavar="USD", help="Of 1,000 tokens of reasoning."),
]
_Enabled = Annotated[
    bool | None, typer.Option("--enabled/--disabled", help="Whether it may be chosen.")
]


@app.callback(invoke_without_command=True)
def model(ctx: typer.Context) -> None:
    """Models: what is asked, at which price and weight. Alone, it lists them."""
    if ctx.invoked_subcommand is None:
        list_models(ctx)


@app.command("list")
def list_models(
    ctx: typer.Context,
    *,
    provider_id: Annotated[str, typer.Option("--provider", metavar="ID", help="Only its.")] = "",
    limit: Limit = None,
    offset: Offset = None,
) -> None:
    """List the models.

    Example: tokenhubctl model list -o name
    """
    with session(ctx) as tokenhub:
        page = tokenhub(catalog.list_models(provider_id=provider_id, limit=limit, offset=offset))
        tokenhub.output.page(page, VIEW, page.items, total=page.total, offset=page.offset)


@app.command("get")
def get_model(ctx: typer.Context, model_id: _Id, provider_id: _Provider = "") -> None:
    """Show one model.

    Example: tokenhubctl model get org/small
    """
    with session(ctx) as tokenhub:
        found = tokenhub(catalog.get_model(model_id, provider_id=provider_id))
        tokenhub.output.show(found, VIEW, [found])


@app.command("add")
def add_model(
    ctx: typer.Context,
    json: _Json = None,
    *,
    model_id: Annotated[
        str | None, typer.Option("--id", "--name", metavar="ID", help="Its id at the provider.")
    ] = None,
    provider_id: Annotated[
        str | None, typer.Option("--provider", metavar="ID", help="Who answers for it.")
    ] = None,
    weight: _Weight = None,
    max_context_tokens: _Context = None,
    input_per_1k: _Input = None,
    output_per_1k: _Output = None,
    cached_input_per_1k: _Cached = None,
    cache_write_per_1k: _Write = None,
    cache_write_1h_per_1k: _WriteHour = None,
    reasoning_per_1k: _Reasoning = None,
    enabled: _Enabled = None,
) -> None:
    """Register a model, or replace the one of that id and provider. Prices are USD.

    Without a price it has that of the catalogue, where this knows it; else its price is unknown.

    Example: tokenhubctl model add --id gpt-4o --provider openai --weight 8
    """
    flags = {
        "id": model_id,
        "provider_id": provider_id,
        "weight": weight,
        "max_context_tokens": max_context_tokens,
        "input_per_1k": input_per_1k,
        "output_per_1k": output_per_1k,
        "cached_input_per_1k": cached_input_per_1k,
        "cache_write_per_1k": cache_write_per_1k,
        "cache_write_1h_per_1k": cache_write_1h_per_1k,
        "reasoning_per_1k": reasoning_per_1k,
        "enabled": enabled,
    }
    new = build(ModelCreate, merged(json, flags))
    with session(ctx) as tokenhub:
        done = tokenhub(catalog.put_model(new))
        tokenhub.output.changed(done, VIEW, done.model, "saved")


@app.command("edit")
def edit_model(
    ctx: typer.Context,
    model_id: _Id,
    json: _Json = None,
    *,
    provider_id: _Provider = "",
    weight: _Weight = None,
    max_context_tokens: _Context = None,
    input_per_1k: _Input = None,
    output_per_1k: _Output = None,
    cached_input_per_1k: _Cached = None,
    cache_write_per_1k: _Write = None,
    cache_write_1h_per_1k: _WriteHour = None,
    reasoning_per_1k: _Reasoning = None,
    pricing_source: Annotated[
        str | None,
        typer.Option(
            "--pricing-source",
            metavar="SOURCE",
            help="catalogue: take its prices; manual: keep those that stand.",
        ),
    ] = None,
    enabled: _Enabled = None,
    if_match: IfMatch = None,
) -> None:
    """Change the given fields of a model.

    Example: tokenhubctl model edit gpt-4o '{"weight":9}'
    """
    flags = {
        "weight": weight,
        "max_context_tokens": max_context_tokens,
        "input_per_1k": input_per_1k,
        "output_per_1k": output_per_1k,
        "cached_input_per_1k": cached_input_per_1k,
        "cache_write_per_1k": cache_write_per_1k,
        "cache_write_1h_per_1k": cache_write_1h_per_1k,
        "reasoning_per_1k": reasoning_per_1k,
        "pricing_source": pricing_source,
        "enabled": enabled,
    }
    patch = build(ModelPatch, merged(json, flags))
    with session(ctx) as tokenhub:
        call = catalog.update_model(model_id, patch, provider_id=provider_id, if_match=if_match)
        done = tokenhub(call)
        tokenhub.output.changed(done, VIEW, done.model, "updated")


@app.command("enable")
def enable_models(ctx: typer.Context, model_ids: _Ids, provider_id: _Provider = "") -> None:
    """Let models be chosen.

    Example: tokenhubctl model enable gpt large
    """
    _set_enabled(ctx, model_ids, provider_id, enabled=True)


@app.command("disable")
def disable_models(ctx: typer.Context, model_ids: _Ids, provider_id: _Provider = "") -> None:
    """Keep models from being chosen.

    Example: tokenhubctl model disable org/small
    """
    _set_enabled(ctx, model_ids, provider_id, enabled=False)


@app.command("test")
def try_model(
    ctx: typer.Context,
    model_id: _Id,
    *,
    provider_id: _Provider = "",
    prompt: Annotated[str, typer.Option("--prompt", help="What to ask.")] = _PROMPT,
    key_file: KeyFile = None,
    key_stdin: KeyStdin = False,
) -> None:
    """Ask a model one thing, with an API key; the exit code tells whether it answered.

    No other model takes its place. The request is logged and costs what it costs; the key is that
    of --key-stdin, --key-file or TOKENHUB_API_KEY.

    Example: tokenhubctl model test gpt
    """
    from tokenhub_cli.trying import TRIED, said, tried  # noqa: PLC0415 - for this command alone

    name = f"{provider_id}/{model_id}" if provider_id else model_id
    with keyed(ctx, file=key_file, stdin=key_stdin) as tokenhub:
        found = tried(tokenhub, name, prompt)
        tokenhub.output.show(found, TRIED, [found], lines=said(found))
    if not found.ok:
        raise typer.Exit(Code.NOT_SO)


@app.command("delete")
def delete_model(
    ctx: typer.Context,
    model_id: _Id,
    *,
    provider_id: _Provider = "",
    if_match: IfMatch = None,
) -> None:
    """Take a model out of the catalog.

    Example: tokenhubctl model delete large
    """
    with session(ctx) as tokenhub:
        call = catalog.delete_model(model_id, provider_id=provider_id, if_match=if_match)
        confirm(ctx, f"Delete model {model_id}?")
        tokenhub.output.deleted(tokenhub(call), "model", model_id)


def _set_enabled(
    ctx: typer.Context, model_ids: list[str], provider_id: str, *, enabled: bool
) -> None:
    """One after the other; the first failure ends it, and what was changed is told.

    Several are told as one list: JSON would have several values else, and csv as many headers.
    """
    patch = ModelPatch(enabled=enabled)
    what = "enabled" if enabled else "disabled"
    changed: list[ModelDone] = []
    with session(ctx) as tokenhub:
        try:
            for model_id in model_ids:
                call = catalog.update_model(model_id, patch, provider_id=provider_id)
                changed.append(tokenhub(call))
        finally:
            rows = [done.model for done in changed]
            lines = [f"model/{row.id} {what}{tokenhub.output.of_dry_run}" for row in rows]
            if changed:
                answer = changed[0] if len(model_ids) == 1 else changed
                tokenhub.output.show(answer, VIEW, rows, lines=lines)
