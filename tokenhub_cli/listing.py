"""`--watch`: what lists have in common, beside the options of every command."""

from functools import cache, partial, update_wrapper
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_current_context  # type: ignore[attr-defined]  # typer's copy of click

from tokenhub_cli.options import given, kept, params_of

# Commands that show what there is now, rows of it. A group that lists when alone does so too.
LISTS = frozenset(("list", "arms", "facets", "histogram", "metrics", "models", "stats"))

# Alone, this makes one.
_MAKES = "backup"


def add_watch(command: TyperCommand | TyperGroup) -> None:
    """Give `--watch` to each list of a command and of all below it."""
    for one in command.commands.values() if isinstance(command, TyperGroup) else ():
        assert isinstance(one, TyperCommand | TyperGroup)
        add_watch(one)
    if _lists(command):
        command.params.extend(_params(hidden=isinstance(command, TyperGroup)))
        listed = command.callback
        assert listed is not None
        # For who reads what a command is made of: completion.
        command.callback = update_wrapper(partial(_run, listed), listed)


def _lists(command: TyperCommand | TyperGroup) -> bool:
    if isinstance(command, TyperGroup):
        alone = command.invoke_without_command and command.name != _MAKES
        return alone and not LISTS.isdisjoint(command.commands)
    return command.name in LISTS


def _run(callback: Any, **params: Any) -> Any:
    """Run a list once, or for as long as somebody wants it."""
    ctx = cast("typer.Context", get_current_context())
    every = given(ctx).watch
    if not every or ctx.invoked_subcommand in LISTS:
        return callback(**params)
    if ctx.invoked_subcommand:
        raise typer.BadParameter(
            f"{ctx.invoked_subcommand} shows no list that could keep up", param_hint="--watch"
        )
    if params.get("following"):
        raise typer.BadParameter("-f keeps up already", param_hint="--watch")
    from tokenhub_cli.watching import keep_up  # noqa: PLC0415 - few lists are watched

    return keep_up(ctx, partial(callback, **params), every=every)


@cache
def _params(*, hidden: bool) -> tuple[Any, ...]:
    return params_of(_options, hidden=hidden)


def _options(
    *,
    watch: Annotated[
        str | None,
        kept("--watch", "Keep up: the list again every 2s, or as often as said.", "[=SPAN]"),
    ] = None,
) -> None:
    """Declare the option; typer reads this signature, and nobody calls it."""
