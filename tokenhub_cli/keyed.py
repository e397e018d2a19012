"""The API key of commands that ask as a caller does: from stdin, a file or the environment."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from tokenhub.client.errors import BadProfile
from tokenhub_cli import options
from tokenhub_cli.session import Session, exits, load_profile, open_session

VARIABLE = "TOKENHUB_API_KEY"

KeyFile = Annotated[
    Path | None, typer.Option("--key-file", metavar="FILE", help="Take the API key from a file.")
]
KeyStdin = Annotated[
    bool, typer.Option("--key-stdin", help="Take the API key from a line of stdin.")
]


@contextmanager
def keyed(
    ctx: typer.Context, *, file: Path | None, stdin: bool, reads: bool = False
) -> Iterator[Session]:
    """A session that sends an API key, and never the admin token.

    Without a key it sends none, and the server says what is missing. What does more than it
    `reads` costs money, so that --dry-run is refused.
    """
    if options.given(ctx).dry_run and not reads:
        raise typer.BadParameter(
            "a request to a model cannot be rehearsed; --curl prints it", param_hint="--dry-run"
        )
    with exits(ctx):
        key, source = api_key(file=file, stdin=stdin)
        profile = replace(load_profile(ctx), token=key, token_source=source)
        with open_session(ctx, profile) as tokenhub:
            yield tokenhub


def api_key(*, file: Path | None, stdin: bool) -> tuple[str, str]:
    """The key and where it was found; both empty without one. Raises BadProfile."""
    if file is not None and stdin:
        raise typer.BadParameter("give one of --key-file and --key-stdin")
    if stdin:
        return _one_line(sys.stdin.readline(), "stdin"), "stdin"
    if file is not None:
        try:
            return _one_line(file.read_text(encoding="utf-8", errors="replace"), str(file)), str(
                file
            )
        except OSError as error:
            raise typer.BadParameter(f"cannot read {file}: {error.strerror}") from error
    held = os.environ.get(VARIABLE, "")  # noqa: TID251 - the caller's own key, no setting
    return (_one_line(held, VARIABLE), VARIABLE) if held.strip() else ("", "")


def _one_line(text: str, source: str) -> str:
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise BadProfile(f"{source} holds no API key: one line of printable ASCII")
    return key
