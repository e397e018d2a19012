"""`tokenhubctl alias ...`."""

from typing import Annotated, Any

import typer

from tokenhub.client.calls import aliases
from tokenhub.wire.aliases import Alias, AliasPut
from tokenhub_cli.fields import JSON_HELP, build, merged
from tokenhub_cli.options import IfMatch, Limit, Offset
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import confirm, session

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _weights(it: Alias) -> list[str]:
    """The models with their weights, as `alias set` takes them."""
    return [f"{one.model_id}={one.weight}" for one in it.variants]


_VIEW: View[Alias] = View(
    kind="alias",
    name=lambda it: it.name,
    columns=(
        Column("name", lambda it: it.name, head="ALIAS"),
        Column("variants", _weights),
        Column("sticky_by", lambda it: it.sticky_by),
        Column("enabled", lambda it: it.enabled),
        Column("version", lambda it: it.version, right=True, spare=True),
    ),
)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name; * for requests without.")]


@app.callback(invoke_without_command=True)
def alias(ctx: typer.Context) -> None:
    """Aliases: names that stand for a split of models. Alone, it lists them."""
    if ctx.invoked_subcommand is None:
        list_aliases(ctx)


@app.command("list")
def list_aliases(ctx: typer.Context, limit: Limit = None, offset: Offset = None) -> None:
    """List the aliases.

    Example: tokenhubctl alias list
    """
    with session(ctx) as tokenhub:
        page = tokenhub(aliases.list_aliases(limit=limit, offset=offset))
        tokenhub.output.page(page, _VIEW, page.items, total=page.total, offset=page.offset)


@app.command("get")
def get_alias(ctx: typer.Context, name: _Name) -> None:
    """Show one alias.

    Example: tokenhubctl alias get fast
    """
    with session(ctx) as tokenhub:
        found = tokenhub(aliases.get_alias(name))
        tokenhub.output.show(found, _VIEW, [found])


@app.command("set")
def set_alias(
    ctx: typer.Context,
    name: _Name,
    json: Annotated[str | None, typer.Argument(metavar="[JSON]", help=JSON_HELP)] = None,
    *,
    variants: Annotated[
        list[str] | None,
        typer.Option(
            "--variant",
            metavar="MODEL=WEIGHT",
            help="A model and its share among all weights; 1 without one; may be repeated.",
        ),
    ] = None,
    sticky_by: Annotated[
        str | None,
        typer.Option("--sticky-by", metavar="WHAT", help="request, api_key or round_robin."),
    ] = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Whether it stands for anything.")
    ] = None,
    if_match: IfMatch = None,
) -> None:
    """Make an alias, or replace the one of that name as a whole.

    Example: tokenhubctl alias set fast --variant gpt=9 --variant org/small=1

    Example: tokenhubctl alias set fast '{"variants":[{"model_id":"gpt"}]}' --sticky-by api_key
    """
    flags = {
        "variants": [_variant(text) for text in variants] if variants else None,
        "sticky_by": sticky_by,
        "enabled": enabled,
    }
    new = build(AliasPut, merged(json, flags))
    with session(ctx) as tokenhub:
        done = tokenhub(aliases.put_alias(name, new, if_match=if_match))
        tokenhub.output.changed(done, _VIEW, done, "saved")


@app.command("delete")
def delete_alias(ctx: typer.Context, name: _Name, *, if_match: IfMatch = None) -> None:
    """Take an alias away; the models stay.

    Example: tokenhubctl alias delete fast
    """
    with session(ctx) as tokenhub:
        call = aliases.delete_alias(name, if_match=if_match)
        confirm(ctx, f"Delete alias {name}?")
        tokenhub.output.deleted(tokenhub(call), "alias", name)


def _variant(text: str) -> dict[str, Any]:
    """`model=weight`. A model's id may hold an equals sign itself: the last one counts."""
    model, _, weight = text.rpartition("=")
    if not model:
        return {"model_id": text, "weight": 1}
    try:
        return {"model_id": model, "weight": int(weight)}
    except ValueError as error:
        raise typer.BadParameter(
            f"{weight!r} is no whole number", param_hint=f"--variant {text}"
        ) from error
