"""The options that every command takes, before it and after it; the last one given holds."""

import os
import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_params_convertors_ctx_param_name_from_function

_PLACE = "tokenhub_cli."

# Options that several commands take.
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many rows.")]
Offset = Annotated[int | None, typer.Option("--offset", min=0, help="Rows to skip.")]
IfMatch = Annotated[
    int | None,
    typer.Option("--if-match", metavar="VERSION", help="Only if this is still its version."),
]
# Of lists of what has happened, which can be followed.
Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="Not before: 24h ago, or a time with zone.")
]
Until = Annotated[
    str, typer.Option("--until", metavar="TIME", help="Before: 24h ago, or a time with zone.")
]
Follow = Annotated[
    bool, typer.Option("--follow", "-f", help="The newest last, and then what comes.")
]
Count = Annotated[
    int | None, typer.Option("--count", min=1, help="Stop after so many that have come.")
]
# Which judgements of answers are meant.
OfRequest = Annotated[str, typer.Option("--request-id", metavar="REQUEST", help="Of this request.")]
OfModel = Annotated[str, typer.Option("--model", metavar="ID", help="Of answers of this model.")]
OfProvider = Annotated[
    str, typer.Option("--provider", metavar="ID", help="Of answers of this provider.")
]


class Form(StrEnum):
    """How a result is written."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    JSONL = "jsonl"
    NAME = "name"
    CSV = "csv"
    VALUE = "value"
    NONE = "none"


class Times(StrEnum):
    """How a time is written in a table."""

    LOCAL = "local"
    RELATIVE = "relative"
    ISO = "iso"
    UNIX = "unix"


class Colour(StrEnum):
    """Whether tables have colours; auto is at a terminal, unless NO_COLOR or TERM=dumb."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


# `--fields` alone.
WHICH_FIELDS = "?"
# `--watch` alone.
EVERY = "2s"


class Shared(NamedTuple):
    """What was given of them. `fields` is WHICH_FIELDS where it is to be told which there are."""

    output: Form | None = None
    fields: str = ""
    filter: str = ""
    all_pages: bool = False
    no_headers: bool = False
    time: Times = Times.LOCAL
    color: Colour = Colour.AUTO
    quiet: bool = False
    verbose: int = 0
    context: str = ""
    url: str = ""
    token_file: Path | None = None
    timeout: float = 30.0
    retries: int = 1
    curl: bool = False
    dry_run: bool = False
    yes: bool = False
    watch: str = ""

    @property
    def form(self) -> Form:
        """How to write the result: as was asked for, else by TOKENHUB_OUTPUT, else a table."""
        if self.output is not None:
            return self.output
        usual = os.environ.get("TOKENHUB_OUTPUT", "")  # noqa: TID251 - before there is a profile
        if usual and usual not in list(Form):
            raise typer.BadParameter(
                f"TOKENHUB_OUTPUT is {usual!r}; there is {', '.join(Form)}", param_hint="-o"
            )
        return Form(usual or Form.TABLE)


def given(ctx: typer.Context) -> Shared:
    """The shared options of this run, wherever they stood on the line."""
    marks = {name: ctx.meta.get(_PLACE + name) for name in Shared._fields}
    return Shared(**{name: value for name, value in marks.items() if value is not None})


def add_shared(command: TyperCommand | TyperGroup, *, told: bool = False) -> None:
    """Give the options to a command and to all below it; unless `told`, its help points to them."""
    own = {name for param in command.params for name in param.opts}
    shared = _params(hidden=not told)
    command.params.extend(param for param in shared if own.isdisjoint(param.opts))
    command.help = _with_examples(command.help or "")
    if not told:
        command.epilog = "-o, --fields, --filter, --dry-run and more: tokenhubctl --help"
    if isinstance(command, TyperGroup):
        for below in command.commands.values():
            assert isinstance(below, TyperCommand | TyperGroup)
            # Else the list of commands cuts their sentences short.
            below.short_help = below.short_help or (below.help or "").partition("\n")[0]
            add_shared(below)


def _with_examples(text: str) -> str:
    """The help with its examples below each other, on lines that stay whole: they get copied."""
    said, *examples = re.split(r"\n+(?:\x08\n)?Example: ", text)
    lines = "".join(f"\nExample: {' '.join(example.split())}" for example in examples)
    # A paragraph that begins with a \b is left as it is.
    return f"{said}\n\n\b{lines}" if examples else text


def completed(args: list[str]) -> list[str]:
    """The line with WHICH_FIELDS behind a `--fields` that stands alone; parsers want a value.

    So does `--watch`, whose value never is a word of its own: an id may stand behind it.
    """
    found = []
    for word, following in zip(args, [*args[1:], "-"], strict=False):
        found.append(f"--watch={EVERY}" if word == "--watch" else word)
        if word == "--fields" and following.startswith("-"):
            found.append(WHICH_FIELDS)
    return found


@cache
def _params(*, hidden: bool) -> tuple[Any, ...]:
    return params_of(_options, hidden=hidden)


def params_of(declared: Callable[..., None], *, hidden: bool) -> tuple[Any, ...]:
    """The options as typer's parameters; they hold nothing of a command or a run."""
    params, _, _ = get_params_convertors_ctx_param_name_from_function(declared)
    for param in params:
        param.expose_value = False  # they are in the context, not in the command's signature
        vars(param)["hidden"] = hidden
    return tuple(params)


def _keep(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> None:
    """Note a value in what all commands of this line share."""
    if value is not None and value is not False and value != 0:
        ctx.meta[f"{_PLACE}{param.name}"] = value


def kept(names: str, text: str, metavar: str | None = None, **more: Any) -> Any:
    """An option whose value is found by `given`."""
    return typer.Option(*names.split(), help=text, metavar=metavar, callback=_keep, **more)


def _options(
    *,
    output: Annotated[Form | None, kept("--output -o", "How to write the result.")] = None,
    fields: Annotated[
        str | None,
        kept("--fields", "Only these fields, with commas; alone, it lists them.", "NAMES"),
    ] = None,
    filter: Annotated[  # noqa: A002 - the option's name
        str | None, kept("--filter", "Only rows such as 'openai enabled:yes'.", "FILTER")
    ] = None,
    all_pages: Annotated[bool, kept("--all", "All pages of a list.")] = False,
    no_headers: Annotated[bool, kept("--no-headers", "Leave out the header line.")] = False,
    time: Annotated[Times | None, kept("--time", "How times are written in tables.")] = None,
    color: Annotated[Colour | None, kept("--color", "Whether tables have colours.")] = None,
    quiet: Annotated[bool, kept("--quiet -q", "No notes on standard error.")] = False,
    verbose: Annotated[
        int,
        kept(
            "--verbose -v",
            "Tell of each request; twice: of its headers.",
            count=True,
            show_default=False,
        ),
    ] = 0,
    context: Annotated[
        str | None, kept("--context -c", "The server of that context.", "NAME")
    ] = None,
    url: Annotated[str | None, kept("--url", "The server.", "URL")] = None,
    token_file: Annotated[
        Path | None, kept("--token-file", "A file with the admin token.", "FILE")
    ] = None,
    timeout: Annotated[float | None, kept("--timeout", "Longest wait.", "SECONDS", min=0.1)] = None,
    retries: Annotated[
        int | None, kept("--retries", "Tries again of what only reads.", "COUNT", min=0, max=10)
    ] = None,
    curl: Annotated[bool, kept("--curl", "Print the request as a curl line, and stop.")] = False,
    dry_run: Annotated[
        bool, kept("--dry-run", "Have the server check the change, and change nothing.")
    ] = False,
    yes: Annotated[bool, kept("--yes -y", "Do not ask.")] = False,
) -> None:
    """Declare the options; typer reads this signature, and nobody calls it."""
