"""`tokenhubctl apikey ...`."""

from typing import Annotated

import typer

from tokenhub.client.calls import keys, ledger
from tokenhub.client.text import local, milliseconds, money, month_begun, plain, usd
from tokenhub.wire.keys import ApiKey, ApiKeyCreate, ApiKeyIssued, ApiKeyPatch, ApiKeyRotate
from tokenhub_cli.commands.ledger import sums
from tokenhub_cli.fields import JSON_HELP, build, merged
from tokenhub_cli.options import IfMatch, Limit, Offset
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import confirm, session

app = typer.Typer(add_completion=False, rich_markup_mode=None)


# More than a line has room for is told by -o json.
_SHOWN = 3


def _rate(rps: int) -> str:
    """A rate for eyes; the words stand for what the numbers mean."""
    return {0: "default", -1: "none"}.get(rps, str(rps))


def _limit(most: int) -> str:
    """A limit for eyes; 0 is none."""
    return str(most) if most else "none"


def _age(it: ApiKey) -> str:
    """How old a credential may be, and how it stands to that."""
    if not it.rotation_days:
        return "-"
    mark = "" if it.rotation == "fresh" else f" {it.rotation}!"
    return f"{it.rotation_days}d{mark}"


def _all(names: list[str]) -> str:
    """A list of names for eyes: its first ones; an empty one allows all."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (",".join(names[:_SHOWN]) or "all") + more


def _policy(it: ApiKey) -> str:
    """What a key brings along for requests that say nothing themselves; `-` where it is nothing."""
    told = [it.mode] if it.mode else []
    if it.max_budget_usd is not None:
        told.append(f"budget {usd(it.max_budget_usd)}")
    if it.max_latency_ms is not None:
        told.append(f"latency {milliseconds(it.max_latency_ms)}")
    if it.min_weight is not None:
        told.append(f"weight at least {it.min_weight}")
    return plain(", ".join(told))


def _month(budget_usd: float) -> str:
    """A monthly budget for eyes; `-` where there is none."""
    return usd(budget_usd) if budget_usd else plain(None)


_VIEW: View[ApiKey] = View(
    kind="apikey",
    name=lambda it: it.id,
    columns=(
        Column("id", lambda it: it.id),
        Column("name", lambda it: it.name),
        Column("key_prefix", lambda it: it.key_prefix, head="PREFIX", spare=True),
        Column("scopes", lambda it: it.scopes),
        Column("enabled", lambda it: it.enabled),
        Column(
            "rate_limit_rps",
            lambda it: it.rate_limit_rps,
            _rate,
            right=True,
            head="RPS",
            spare=True,
        ),
        Column("directives", lambda it: it.directives, spare=True),
        Column("allowed_models", lambda it: it.allowed_models, _all, head="MODELS", spare=True),
        Column(
            "allowed_providers", lambda it: it.allowed_providers, _all, head="PROVIDERS", spare=True
        ),
        Column("policy", _policy, spare=True),
        Column(
            "monthly_budget_usd",
            lambda it: it.monthly_budget_usd,
            _month,
            right=True,
            head="A MONTH",
        ),
        Column(
            "current_spend_usd", lambda it: it.current_spend_usd, money, right=True, head="SPENT"
        ),
        Column(
            "tokens_per_minute",
            lambda it: it.tokens_per_minute,
            _limit,
            right=True,
            head="TPM",
            spare=True,
        ),
        Column(
            "concurrency", lambda it: it.concurrency, _limit, right=True, head="AT ONCE", spare=True
        ),
        Column("created_at", lambda it: it.created_at, local, head="CREATED", spare=True),
        Column("last_used_at", lambda it: it.last_used_at, local, head="LAST USED", spare=True),
        Column("expires_at", lambda it: it.expires_at, local, head="EXPIRES", spare=True),
        Column("rotation", _age),
        Column("version", lambda it: it.version, right=True, spare=True),
    ),
)
_ISSUED: View[ApiKeyIssued] = View(
    kind="apikey",
    name=lambda it: it.id,
    value=lambda it: it.key,
    columns=(
        Column("id", lambda it: it.id),
        Column("name", lambda it: it.name),
        Column("scopes", lambda it: it.scopes, spare=True),
        Column("key", lambda it: it.key),
    ),
)

_Json = Annotated[str | None, typer.Argument(metavar="[JSON]", help=JSON_HELP)]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The key's id.")]
_Name = Annotated[str | None, typer.Option("--name", help="What it is for.")]
_Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        help='What it may do: chat, plan, embeddings or *; may be repeated; "" for nothing.',
    ),
]


_Rate = Annotated[
    int | None,
    typer.Option(
        "--rate-limit",
        "--rps",
        metavar="RPS",
        help="Requests a second; 0: as many as an address may send, -1: any number.",
    ),
]
_Tokens = Annotated[
    int | None,
    typer.Option(
        "--tokens-per-minute", "--tpm", metavar="N", help="Tokens a minute; 0: any number."
    ),
]
_Places = Annotated[
    int | None,
    typer.Option("--concurrency", metavar="N", help="Requests under way at once; 0: any number."),
]
_Days = Annotated[
    int | None,
    typer.Option(
        "--rotate-days",
        metavar="DAYS",
        help="The age that a credential may have, after which it opens nothing; 0: any.",
    ),
]
_Directives = Annotated[
    bool | None,
    typer.Option("--directives/--no-directives", help="Whether @@tokenhub in messages is obeyed."),
]
_Models = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-model",
        metavar="MODEL",
        help='A model it may use, provider/model, or a beginning such as "gpt-*"; may be repeated; '
        '"" for all.',
    ),
]
_Providers = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-provider",
        metavar="ID",
        help='A provider it may use; may be repeated; "" for all.',
    ),
]
_Mode = Annotated[str | None, typer.Option("--mode", help="Routing mode of its requests.")]
_Budget = Annotated[
    float | None, typer.Option("--budget", metavar="USD", help="Budget of each request.")
]
_Monthly = Annotated[
    float | None,
    typer.Option(
        "--monthly-budget", metavar="USD", help="What it may spend in a month (UTC); 0: any amount."
    ),
]
_Latency = Annotated[
    int | None, typer.Option("--latency", metavar="MS", help="Deadline of each request.")
]
_MinWeight = Annotated[
    int | None, typer.Option("--min-weight", help="Least weight of the models, 0 to 10.")
]


@app.callback(invoke_without_command=True)
def apikey(ctx: typer.Context) -> None:
    """API keys: who may ask. Alone, it lists them."""
    if ctx.invoked_subcommand is None:
        list_keys(ctx)


@app.command("list")
def list_keys(ctx: typer.Context, limit: Limit = None, offset: Offset = None) -> None:
    """List the keys, newest first, without the keys themselves.

    Example: tokenhubctl apikey list -o wide
    """
    with session(ctx) as tokenhub:
        page = tokenhub(keys.list_keys(limit=limit, offset=offset))
        tokenhub.output.page(page, _VIEW, page.keys, total=page.total, offset=page.offset)


@app.command("get")
def get_key(ctx: typer.Context, key_id: _Id) -> None:
    """Show one key, without the key itself.

    Example: tokenhubctl apikey get k_1
    """
    with session(ctx) as tokenhub:
        found = tokenhub(keys.get_key(key_id))
        tokenhub.output.show(found, _VIEW, [found])


@app.command("create")
def create_key(
    ctx: typer.Context,
    json: _Json = None,
    *,
    name: _Name = None,
    scopes: _Scopes = None,
    expires_in: Annotated[
        str | None,
        typer.Option("--expires", metavar="DURATION", help="Such as 30d, 720h; never if left out."),
    ] = None,
    rate_limit: _Rate = None,
    tokens_per_minute: _Tokens = None,
    concurrency: _Places = None,
    rotation_days: _Days = None,
    directives: _Directives = None,
    models: _Models = None,
    providers: _Providers = None,
    mode: _Mode = None,
    max_budget: _Budget = None,
    monthly_budget: _Monthly = None,
    max_latency: _Latency = None,
    min_weight: _MinWeight = None,
) -> None:
    """Make a key and show it, this once. With -o value, the key is all that is printed.

    Example: tokenhubctl apikey create --name my-app --scope chat

    Example: KEY="$(tokenhubctl apikey create '{"name":"my-app"}' -o value)"
    """
    flags = {
        "name": name,
        "scopes": _named(scopes),
        "expires_in": expires_in,
        "rate_limit_rps": rate_limit,
        "tokens_per_minute": tokens_per_minute,
        "concurrency": concurrency,
        "rotation_days": rotation_days,
        "directives": directives,
        "allowed_models": _named(models),
        "allowed_providers": _named(providers),
        "mode": mode,
        "max_budget_usd": max_budget,
        "monthly_budget_usd": monthly_budget,
        "max_latency_ms": max_latency,
        "min_weight": min_weight,
    }
    new = build(ApiKeyCreate, merged(json, flags))
    with session(ctx) as tokenhub:
        issued = tokenhub(keys.create_key(new))
        tokenhub.output.show(issued, _ISSUED, [issued])
        tokenhub.output.note(issued.warning)


@app.command("edit")
def edit_key(
    ctx: typer.Context,
    key_id: _Id,
    json: _Json = None,
    *,
    name: _Name = None,
    scopes: _Scopes = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Whether it opens anything.")
    ] = None,
    expires_in: Annotated[
        str | None,
        typer.Option(
            "--expires", metavar="DURATION", help='From now on, such as 30d; "" for never.'
        ),
    ] = None,
    rate_limit: _Rate = None,
    tokens_per_minute: _Tokens = None,
    concurrency: _Places = None,
    rotation_days: _Days = None,
    directives: _Directives = None,
    models: _Models = None,
    providers: _Providers = None,
    mode: _Mode = None,
    max_budget: _Budget = None,
    monthly_budget: _Monthly = None,
    max_latency: _Latency = None,
    min_weight: _MinWeight = None,
    if_match: IfMatch = None,
) -> None:
    """Change the given fields of a key; holds for the next request.

    Example: tokenhubctl apikey edit k_1 --scope chat --scope embeddings

    Example: tokenhubctl apikey edit k_1 --tpm 100000 --concurrency 8 --rotate-days 90

    Example: tokenhubctl apikey edit k_1 --allow-model "gpt-*" --mode cheap
    """
    flags = {
        "name": name,
        "scopes": _named(scopes),
        "enabled": enabled,
        "expires_in": expires_in,
        "rate_limit_rps": rate_limit,
        "tokens_per_minute": tokens_per_minute,
        "concurrency": concurrency,
        "rotation_days": rotation_days,
        "directives": directives,
        "allowed_models": _named(models),
        "allowed_providers": _named(providers),
        "mode": mode,
        "max_budget_usd": max_budget,
        "monthly_budget_usd": monthly_budget,
        "max_latency_ms": max_latency,
        "min_weight": min_weight,
    }
    patch = build(ApiKeyPatch, merged(json, flags))
    _update(ctx, key_id, patch, "updated", if_match=if_match)


@app.command("rotate")
def rotate_key(
    ctx: typer.Context,
    key_id: _Id,
    *,
    overlap: Annotated[
        str,
        typer.Option(
            "--overlap",
            metavar="DURATION",
            help="For how long the former credential opens the key yet; 0 for not at all.",
        ),
    ] = "24h",
    if_match: IfMatch = None,
) -> None:
    """Give a key a new credential and show it, this once; the key keeps id, limits and history.

    Example: tokenhubctl apikey rotate k_1 -o value

    Example: tokenhubctl apikey rotate k_1 --overlap 0
    """
    with session(ctx) as tokenhub:
        call = keys.rotate_key(key_id, ApiKeyRotate(overlap=overlap), if_match=if_match)
        issued = tokenhub(call)
        tokenhub.output.show(issued, _ISSUED, [issued])
        tokenhub.output.note(issued.warning)
        until = issued.former_until
        tokenhub.output.note(
            f"the former one opens the key {f'until {local(until)}' if until else 'no more'}"
        )


@app.command("enable")
def enable_key(ctx: typer.Context, key_id: _Id) -> None:
    """Let a key open again.

    Example: tokenhubctl apikey enable k_1
    """
    _update(ctx, key_id, ApiKeyPatch(enabled=True), "enabled")


@app.command("disable")
def disable_key(ctx: typer.Context, key_id: _Id) -> None:
    """Keep a key from opening anything, until it is enabled.

    Example: tokenhubctl apikey disable k_1
    """
    _update(ctx, key_id, ApiKeyPatch(enabled=False), "disabled")


@app.command("paid")
def pay_key(ctx: typer.Context, key_id: _Id) -> None:
    """Let a key's month begin anew: what it has spent so far does not count any more.

    Example: tokenhubctl apikey paid k_1
    """
    with session(ctx) as tokenhub:
        done = tokenhub(keys.pay_key(key_id))
        tokenhub.output.changed(done, _VIEW, done.key, "paid")


@app.command("usage")
def key_usage(
    ctx: typer.Context,
    key_id: _Id,
    *,
    by: Annotated[
        str, typer.Option("--by", metavar="GROUPS", help="Any of day, provider and model.")
    ] = "model",
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DAY", help="From the 1st of the month if left out."),
    ] = None,
    until: Annotated[str, typer.Option("--until", metavar="DAY", help="To this day (UTC).")] = "",
    limit: Limit = None,
    offset: Offset = None,
) -> None:
    """Show what a key has cost this month, or since a day, and what is left of its budget.

    Example: tokenhubctl apikey usage k_1 --by day
    """
    with session(ctx) as tokenhub:
        key = tokenhub(keys.get_key(key_id))
        call = ledger.list_ledger(
            group_by=by,
            api_key_id=key.id,
            since=month_begun() if since is None else since,
            until=until,
            limit=limit,
            offset=offset,
        )
        page = tokenhub(call)
        tokenhub.output.page(page, sums(by), page.ledger, total=page.total, offset=page.offset)
        tokenhub.output.note(f"{money(page.sum.cost_usd)} in {page.sum.attempts} attempts")
        if key.monthly_budget_usd:
            spent, budget = money(key.current_spend_usd), money(key.monthly_budget_usd)
            tokenhub.output.note(f"{spent} of this month's budget of {budget} is spent")


@app.command("delete")
def delete_key(ctx: typer.Context, key_id: _Id, *, if_match: IfMatch = None) -> None:
    """Revoke a key for good.

    Example: tokenhubctl apikey delete k_1
    """
    with session(ctx) as tokenhub:
        call = keys.delete_key(key_id, if_match=if_match)
        confirm(ctx, f"Delete API key {key_id}?")
        tokenhub.output.deleted(tokenhub(call), "apikey", key_id)


def _named(names: list[str] | None) -> list[str] | None:
    """The names of a repeated option; an empty one takes all away."""
    return None if not names else [name for name in names if name]


def _update(
    ctx: typer.Context, key_id: str, patch: ApiKeyPatch, what: str, *, if_match: int | None = None
) -> None:
    with session(ctx) as tokenhub:
        done = tokenhub(keys.update_key(key_id, patch, if_match=if_match))
        tokenhub.output.changed(done, _VIEW, done.key, what)
