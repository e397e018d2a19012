"""`tokenhubctl api`."""

import codecs
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec.structs import replace

from tokenhub.client.call import Call
from tokenhub.client.calls.raw import request
from tokenhub.client.errors import BadCall
from tokenhub_cli import options
from tokenhub_cli.fields import decoded
from tokenhub_cli.keyed import KeyFile, KeyStdin, keyed
from tokenhub_cli.options import Form
from tokenhub_cli.session import Session, session

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("api")
def api(
    ctx: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Such as GET or POST.")],
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="Such as /admin/v1/models?limit=5, or models.")
    ],
    *,
    data: Annotated[
        str | None,
        typer.Option("--data", "-d", metavar="JSON", help="The body; @FILE, or - for stdin."),
    ] = None,
    headers: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", metavar="NAME:VALUE", help="A header; may be repeated."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All pages of a list, one row a line.")
    ] = False,
    key_file: KeyFile = None,
    key_stdin: KeyStdin = False,
) -> None:
    """Send any request, and print the body of its answer as it comes.

    With -o json or yaml the body is written in that form. Routes under /v1 get the API key of
    --key-stdin, --key-file or TOKENHUB_API_KEY, all others the admin token.

    Example: tokenhubctl api GET /admin/v1/info

    Example: tokenhubctl api GET "logs?limit=500" --all

    Example: tokenhubctl api PATCH /admin/v1/models/gpt -d '{"weight":3}'
    """
    body = None if data is None else msgspec.json.encode(decoded(data))
    try:
        call = request(method, path, body=body, headers=[*map(_header, headers or ())])
    except BadCall as error:
        raise typer.BadParameter(str(error), param_hint="PATH") from error
    if every and call.method != "GET":
        raise typer.BadParameter("--all is for GET")
    with _session(ctx, call, key_file, stdin=key_stdin) as tokenhub:
        if every:
            _all(tokenhub, call)
        elif options.given(ctx).output in {Form.JSON, Form.YAML}:
            with tokenhub.opened(call) as opened:
                tokenhub.output.document(_value(b"".join(opened.portions)))
        else:
            _as_it_comes(tokenhub, call)


def _session(
    ctx: typer.Context, call: Call[bytes], key_file: Path | None, *, stdin: bool
) -> AbstractContextManager[Session]:
    """With the token that this route wants."""
    if call.path.startswith("/v1/"):
        return keyed(ctx, file=key_file, stdin=stdin, reads=not call.changes)
    return session(ctx)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not text.isascii() or not text.isprintable():
        raise typer.BadParameter(f"{text!r} is no header such as X-TokenHub-Mode:cheap")
    return name.strip(), value.strip()


def _as_it_comes(tokenhub: Session, call: Call[bytes]) -> None:
    """Portion by portion; at a terminal a line's end comes last."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    last = "\n"
    with tokenhub.opened(call) as opened:
        for portion in opened.portions:
            tokenhub.output.portion(portion, decoder.decode(portion))
            last = portion[-1:].decode("latin-1") or last
    if last != "\n":
        tokenhub.output.end_of_text()


def _all(tokenhub: Session, call: Call[bytes]) -> None:
    """Every row of every page, as lines of JSON, or as one list with -o json."""
    rows = _rows(tokenhub, call)
    if tokenhub.output.form in {Form.JSON, Form.YAML}:
        tokenhub.output.document(list(rows))
        return
    for row in rows:
        tokenhub.output.json_line(row)


def _rows(tokenhub: Session, call: Call[bytes]) -> Iterator[Any]:
    """The rows of a list, page by page: by its cursor, its `next`, or its offset."""
    while True:
        page = _value(tokenhub(call))
        rows = _list(page)
        yield from rows
        following = _following(page, len(rows))
        if following is None:
            return
        kept = [pair for pair in call.query if pair[0] not in {"cursor", "before", "offset"}]
        call = replace(call, query=(*kept, following))


def _list(page: object) -> list[Any]:
    """The rows of a page: its one list, before any sum of it."""
    if isinstance(page, list):
        return page
    if isinstance(page, dict) and ("total" in page or page.get("object") == "list"):
        for value in page.values():
            if isinstance(value, list):
                return value
    raise typer.BadParameter("this answer is no list; leave --all out")


def _following(page: Any, count: int) -> tuple[str, str] | None:
    """What to ask the next page with; None behind the last one."""
    if not isinstance(page, dict):
        return None
    for name, parameter in (("cursor", "cursor"), ("next", "before")):
        if page.get(name):
            return parameter, str(page[name])
    if "cursor" in page or "next" in page or not count:
        return None
    end = page.get("offset", 0) + count
    return ("offset", str(end)) if end < page.get("total", 0) else None


def _value(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise typer.BadParameter(
            f"the answer is no JSON ({error}); leave -o and --all out"
        ) from error
