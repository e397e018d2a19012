"""`tokenhubctl provider ...`."""

from typing import Annotated

import typer

from tokenhub.client.calls import catalog, health
from tokenhub.client.text import milliseconds, tokens, usd
from tokenhub.wire.catalog import (
    Discovery,
    Found,
    Model,
    ModelCreate,
    Provider,
    ProviderCreate,
    ProviderDone,
    ProviderPatch,
)
from tokenhub.wire.health import Tested
from tokenhub_cli import options
from tokenhub_cli.commands.model import VIEW as MODEL
from tokenhub_cli.exits import Code
from tokenhub_cli.fields import JSON_HELP, build, hint, merged, secret
from tokenhub_cli.options import IfMatch, Limit, Offset
from tokenhub_cli.output import Column, View
from tokenhub_cli.progress import waiting
from tokenhub_cli.session import Session, confirm, fail, session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# Where a provider of this type is, unless said otherwise: the vendors' public APIs, and the
# address that `vllm serve` listens on. Which types there are is the server's word.
BASE_URLS = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "vllm": "http://localhost:8000",
}

# As the server gives to those that it registers by itself (--autoload-models).
_WEIGHT = 5

_VIEW: View[Provider] = View(
    kind="provider",
    name=lambda it: it.id,
    columns=(
        Column("id", lambda it: it.id),
        Column("type", lambda it: it.type),
        Column("base_url", lambda it: it.base_url),
        Column("endpoints", lambda it: len(it.endpoints), right=True),
        Column("credential", lambda it: it.credential, head="KEY"),
        Column("enabled", lambda it: it.enabled),
        Column("source", lambda it: it.source, spare=True),
        Column("version", lambda it: it.version, right=True, spare=True),
    ),
)
_FOUND: View[Found] = View(
    kind="model",
    name=lambda it: it.id,
    columns=(
        Column("id", lambda it: it.id, head="MODEL"),
        Column("owned_by", lambda it: it.owned_by, head="OWNER", spare=True),
        Column(
            "max_context_tokens",
            lambda it: it.max_context_tokens,
            tokens,
            right=True,
            head="CONTEXT",
        ),
        Column("input_per_1k", lambda it: it.input_per_1k, usd, right=True, head="IN $/1K"),
        Column("output_per_1k", lambda it: it.output_per_1k, usd, right=True, head="OUT $/1K"),
        Column("registered", lambda it: it.registered),
    ),
)

_TESTED: View[Tested] = View(
    kind="provider",
    name=lambda it: it.provider_id,
    columns=(
        Column("provider_id", lambda it: it.provider_id, head="ID"),
        Column("ok", lambda it: it.ok),
        Column("models", lambda it: it.models, right=True),
        Column("latency_ms", lambda it: it.latency_ms, milliseconds, right=True, head="LATENCY"),
        Column("error", lambda it: it.error),
        Column("message", lambda it: it.message),
    ),
)

_Json = Annotated[str | None, typer.Argument(metavar="[JSON]", help=JSON_HELP)]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The provider's id.")]
_Type = Annotated[
    str | None, typer.Option("--type", help="The dialect it speaks: openai, anthropic or vllm.")
]
_BaseUrl = Annotated[str | None, typer.Option("--base-url", metavar="URL", help="Where it is.")]
_Endpoints = Annotated[
    list[str] | None,
    typer.Option("--endpoint", metavar="URL", help="One of several servers that take turns."),
]
_ApiKey = Annotated[str | None, typer.Option("--api-key", metavar="KEY", help="Its key.")]
_ApiKeyStdin = Annotated[
    bool, typer.Option("--api-key-stdin", help="Read its key from stdin, or ask for it.")
]
_ApiKeyEnv = Annotated[
    str | None,
    typer.Option("--api-key-env", metavar="NAME", help="Take its key from this variable of yours."),
]
_Enabled = Annotated[
    bool | None, typer.Option("--enabled/--disabled", help="Whether it may be asked.")
]


@app.callback(invoke_without_command=True)
def provider(ctx: typer.Context) -> None:
    """Providers: who answers. Alone, it lists them."""
    if ctx.invoked_subcommand is None:
        list_providers(ctx)


@app.command("list")
def list_providers(ctx: typer.Context, limit: Limit = None, offset: Offset = None) -> None:
    """List the providers.

    Example: tokenhubctl provider list -o csv
    """
    with session(ctx) as tokenhub:
        page = tokenhub(catalog.list_providers(limit=limit, offset=offset))
        tokenhub.output.page(page, _VIEW, page.items, total=page.total, offset=page.offset)


@app.command("get")
def get_provider(ctx: typer.Context, provider_id: _Id) -> None:
    """Show one provider.

    Example: tokenhubctl provider get one -o json
    """
    with session(ctx) as tokenhub:
        found = tokenhub(catalog.get_provider(provider_id))
        tokenhub.output.show(found, _VIEW, [found])


@app.command("add")
def add_provider(
    ctx: typer.Context,
    json: _Json = None,
    *,
    provider_id: Annotated[
        str | None, typer.Option("--id", "--name", metavar="ID", help="Its id.")
    ] = None,
    kind: _Type = None,
    base_url: _BaseUrl = None,
    endpoints: _Endpoints = None,
    api_key: _ApiKey = None,
    api_key_stdin: _ApiKeyStdin = False,
    api_key_env: _ApiKeyEnv = None,
    enabled: _Enabled = None,
    autoload_models: Annotated[
        bool, typer.Option("--autoload-models", help="Register the models that it offers.")
    ] = False,
    discovered: Annotated[
        bool, typer.Option("--discover", help="Then show the models that it offers.")
    ] = False,
) -> None:
    """Register a provider, or replace the one of that id.

    Without a base URL it is that of the type: https://api.openai.com, or
    http://localhost:8000 for vllm. Other vendors are reached as openai, at the base URL of
    their OpenAI-compatible API.

    Example: tokenhubctl provider add --name openai --type openai --api-key-stdin

    Example: tokenhubctl provider add '{"id":"local","type":"vllm","base_url":"http://gpu1:8000"}'
    """
    flags = {
        "id": provider_id,
        "type": kind,
        "base_url": base_url,
        "endpoints": endpoints or None,
        "api_key": secret(
            api_key, from_stdin=api_key_stdin, flag="--api-key", variable=api_key_env
        ),
        "enabled": enabled,
        "autoload_models": autoload_models or None,
    }
    fields = merged(json, flags)
    _hint_at_secret(json, fields)
    if not fields.get("base_url") and not fields.get("endpoints"):
        fields["base_url"] = BASE_URLS.get(fields.get("type", "openai"), "")
    new = build(ProviderCreate, fields)
    with session(ctx) as tokenhub:
        done = tokenhub(catalog.put_provider(new))
        if not discovered or options.given(ctx).dry_run:
            _done(tokenhub, done, "saved")
            return
        # One result goes to stdout, and it is the models.
        tokenhub.output.note(f"provider/{done.provider.id} saved")
        if done.note:
            tokenhub.output.note(done.note)
        _show_found(tokenhub, _asked(tokenhub, done.provider.id))


@app.command("edit")
def edit_provider(
    ctx: typer.Context,
    provider_id: _Id,
    json: _Json = None,
    *,
    kind: _Type = None,
    base_url: _BaseUrl = None,
    endpoints: _Endpoints = None,
    api_key: _ApiKey = None,
    api_key_stdin: _ApiKeyStdin = False,
    api_key_env: _ApiKeyEnv = None,
    enabled: _Enabled = None,
    if_match: IfMatch = None,
) -> None:
    """Change the given fields of a provider.

    Example: tokenhubctl provider edit openai '{"base_url":"https://api.openai.com/v2"}'
    """
    flags = {
        "type": kind,
        "base_url": base_url,
        "endpoints": endpoints or None,
        "api_key": secret(
            api_key, from_stdin=api_key_stdin, flag="--api-key", variable=api_key_env
        ),
        "enabled": enabled,
    }
    fields = merged(json, flags)
    _hint_at_secret(json, fields)
    patch = build(ProviderPatch, fields)
    with session(ctx) as tokenhub:
        call = catalog.update_provider(provider_id, patch, if_match=if_match)
        _done(tokenhub, tokenhub(call), "updated")


@app.command("enable")
def enable_provider(ctx: typer.Context, provider_id: _Id) -> None:
    """Let a provider be asked.

    Example: tokenhubctl provider enable one
    """
    _set_enabled(ctx, provider_id, enabled=True)


@app.command("disable")
def disable_provider(ctx: typer.Context, provider_id: _Id) -> None:
    """Keep a provider from being asked.

    Example: tokenhubctl provider disable one
    """
    _set_enabled(ctx, provider_id, enabled=False)


@app.command("delete")
def delete_provider(
    ctx: typer.Context,
    provider_id: _Id,
    *,
    cascade: Annotated[
        bool,
        typer.Option(
            "--cascade/--no-cascade", help="Its models too, or not while it has any models."
        ),
    ] = True,
    if_match: IfMatch = None,
) -> None:
    """Take a provider away, and its models with it.

    Example: tokenhubctl provider delete openai
    """
    with session(ctx) as tokenhub:
        if not cascade:
            models = tokenhub(catalog.list_models(provider_id=provider_id, limit=1)).total
            if models:
                fail(
                    ctx,
                    f"provider {provider_id!r} has {models} models",
                    hint="--cascade takes them away with it",
                    code=Code.CONFLICT,
                )
        call = catalog.delete_provider(provider_id, if_match=if_match)
        confirm(ctx, f"Delete provider {provider_id} and its models?")
        tokenhub.output.deleted(tokenhub(call), "provider", provider_id)


@app.command("discover")
def discover(
    ctx: typer.Context,
    provider_id: _Id,
    *,
    register: Annotated[
        str | None,
        typer.Option(
            "--register",
            metavar="IDS",
            help="Register these models, with commas between, or all; those that are there stay.",
        ),
    ] = None,
) -> None:
    """Ask a provider which models it offers.

    Example: tokenhubctl provider discover one -o value

    Example: tokenhubctl provider discover one --register all
    """
    with session(ctx) as tokenhub:
        found = _asked(tokenhub, provider_id)
        if register is None:
            _show_found(tokenhub, found)
        else:
            _register(tokenhub, found, register)


@app.command("test")
def test(ctx: typer.Context, provider_id: _Id) -> None:
    """Ask a provider for its models, with its key; the exit code tells whether it answered.

    Example: tokenhubctl provider test openai
    """
    with session(ctx) as tokenhub:
        found = tokenhub(health.test_provider(provider_id))
        well = f"answered in {milliseconds(found.latency_ms)} and offers {found.models} models"
        told = well if found.ok else f"did not answer as it should: {found.error}"
        lines = [f"provider/{provider_id} {told}", *filter(None, [found.message])]
        tokenhub.output.show(found, _TESTED, [found], lines=lines)
    if not found.ok:
        raise typer.Exit(Code.NOT_SO)


def _asked(tokenhub: Session, provider_id: str) -> Discovery:
    with waiting(f"asking {provider_id} for its models", quiet=tokenhub.output.quiet):
        return tokenhub(catalog.discover_models(provider_id))


def _show_found(tokenhub: Session, found: Discovery) -> None:
    tokenhub.output.show(found, _FOUND, found.models)


def _register(tokenhub: Session, found: Discovery, which: str) -> None:
    """Register models that are not yet; those that were before a failure are told as well."""
    offered = {one.id: one for one in found.models}
    names = [name.strip() for name in which.split(",") if name.strip()]
    names = list(offered) if names == ["all"] else names
    for name in names:
        if name not in offered:
            raise typer.BadParameter(
                f"{found.provider_id} offers no {name!r}", param_hint="--register"
            )
    there = [name for name in names if offered[name].registered]
    added: list[Model] = []
    try:
        for name in names:
            if not offered[name].registered:
                new = ModelCreate(id=name, provider_id=found.provider_id, weight=_WEIGHT)
                added.append(tokenhub(catalog.put_model(new)).model)
    finally:
        lines = [f"model/{one.id} saved{tokenhub.output.of_dry_run}" for one in added]
        tokenhub.output.show(added, MODEL, added, lines=lines)
    if there:
        tokenhub.output.note(f"registered before: {', '.join(there)}")


def _set_enabled(ctx: typer.Context, provider_id: str, *, enabled: bool) -> None:
    with session(ctx) as tokenhub:
        call = catalog.update_provider(provider_id, ProviderPatch(enabled=enabled))
        _done(tokenhub, tokenhub(call), "enabled" if enabled else "disabled")


def _done(tokenhub: Session, done: ProviderDone, what: str) -> None:
    tokenhub.output.changed(done, _VIEW, done.provider, what)
    if done.note:
        tokenhub.output.note(done.note)


def _hint_at_secret(json: str | None, fields: dict[str, object]) -> None:
    """A key in the JSON of the line shows as one in a flag does."""
    if json is not None and json[:1] not in {"-", "@"} and fields.get("api_key"):
        hint("--api-key")
