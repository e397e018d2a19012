"""`tokenhubctl apply`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tokenhub.client.calls.config import apply_config
from tokenhub.client.calls.health import test_provider
from tokenhub.client.errors import Refused
from tokenhub.wire.config import Document
from tokenhub_cli import applied, options
from tokenhub_cli.exits import Code
from tokenhub_cli.output import talk
from tokenhub_cli.polling import came_true
from tokenhub_cli.session import confirm, session

if TYPE_CHECKING:
    from tokenhub.client.transport import AsyncClient
    from tokenhub_cli.session import Session

app = typer.Typer(add_completion=False, rich_markup_mode=None)
FileOption = Annotated[
    str, typer.Option("--file", "-f", metavar="FILE", help="YAML or JSON; - for stdin.")
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Delete what the sections of the file do not name.")
]
# Between two questions to a provider that does not answer yet.
_PAUSE_S = 0.5


@app.command("apply")
def apply(
    ctx: typer.Context,
    *,
    file: FileOption,
    prune: Prune = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until the providers of the file answer.")
    ] = False,
    wait_for: Annotated[
        float, typer.Option("--wait-for", metavar="SECONDS", min=0, help="At most so long.")
    ] = 60.0,
) -> None:
    """Bring the configuration to what a file says.

    All of it or nothing. Applied again, it changes nothing. Only with --prune is anything
    deleted. With --wait it ends with 8 where a provider does not answer in time.

    Example: tokenhubctl export | tokenhubctl apply -f -
    """
    from tokenhub_cli.documents import read  # noqa: PLC0415 - yaml: not for --help

    found = read(file)
    shared = options.given(ctx)
    # A line to copy names the variables, where sending it would put in what they hold.
    document = found.document if shared.curl else found.wanted()
    if prune:
        confirm(ctx, "what the file does not name is deleted; go on?")
    with session(ctx) as tokenhub:
        try:
            done = tokenhub(apply_config(document, prune=prune))
        except Refused as error:
            raise found.placed(error) from error
        applied.show(tokenhub.output, done)
        if done.dry_run:
            tokenhub.output.note("this is a dry run: nothing was changed")
        elif wait:
            _wait(tokenhub, document, for_s=wait_for)


def _wait(tokenhub: "Session", document: Document, *, for_s: float) -> None:
    """Ask each provider that is to answer until it does."""
    silent = {one.id: "nothing was heard yet" for one in document.providers or () if one.enabled}

    async def look(client: "AsyncClient") -> bool:
        for name in list(silent):
            told = await client(test_provider(name))
            silent[name] = told.message
            if told.ok:
                del silent[name]
        return not silent

    if came_true(tokenhub, look, limit_s=for_s, every_s=_PAUSE_S):
        return
    for name, message in silent.items():
        talk(f"provider/{name} does not answer: {message}")
    raise typer.Exit(Code.NOT_SO)
