"""One command's run: the server it talks to, and the one place where failures become exits."""

import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from urllib.parse import urlencode

import msgspec
import typer

from tokenhub.client.errors import (
    BadCall,
    ClientError,
    Conflict,
    NotFound,
    Refused,
    Unauthorized,
    Unreachable,
    Unreadable,
)
from tokenhub_cli import options
from tokenhub_cli.exits import Code, code_of
from tokenhub_cli.options import Form, Shared
from tokenhub_cli.output import Output, ask, attended, talk

if TYPE_CHECKING:
    from tokenhub.client.call import Call
    from tokenhub.client.profile import Profile
    from tokenhub.client.stream import Stream
    from tokenhub.client.transport import AsyncClient, Client, Opened, Sent, Watch

T = TypeVar("T")

# Commands about something that another command than "list" of their own noun lists.
_LISTED_BY = {
    "explain": "logs list",
    "routing explain": "logs list",
    "feedback add": "logs list",
    "rewards reset": "rewards arms",
    "apikey usage": "apikey list",
    "model test": "model list",
    "simulate": "apikey list",
    "chat": "model list",
    "model price sync": "provider list",
    "model price show": "model list",
}
# Commands that send an API key in place of the admin token.
KEYED = frozenset(("chat", "usage", "model test"))
_KEY_HINT = {
    True: "an API key in TOKENHUB_API_KEY, or by --key-file or --key-stdin; "
    '"tokenhubctl apikey create" makes one',
    False: '"tokenhubctl apikey list" shows what each key may do',
}
# How the server asks for the provider of a model that several have.
_WHICH = "?provider_id="
# What the server says of the groups of the ledger.
_GROUPS = "group_by must be one or more of"
# Queries of the API in the server's words, and what they are here.
_OPTIONS = {
    "leave dry_run out": "leave --dry-run out",
    _WHICH: "--provider",
    "?parent_id=": "--plan=",
    _GROUPS: _GROUPS.replace("group_", "--"),
}

# Fields of requests that hold a secret, and the variable that stands for it in a line of curl.
_SECRETS = {
    "api_key": "API_KEY",
    "admin_password": "VAULT_PASSWORD",
    "old_password": "OLD_PASSWORD",
    "new_password": "NEW_PASSWORD",
    "token": "NEW_TOKEN",
    "value": "SECRET",
}
_EVENTS = ("Accept", "text/event-stream")
# Around the name of such a variable, until the line has its quotes: for private use in Unicode.
_MARK = "\ue000"

# Where a run keeps a session that is held.
_HELD = "tokenhub_cli.held"

# What helps, by the server's codes.
_HELP = {
    "address_not_allowed": 'docs/admin/network.md, "Where it calls"',
    "vault_password_wrong": "the right password, or the recovery key",
    "vault_locked": '"tokenhubctl vault unlock"',
    "vault_not_initialized": '"tokenhubctl vault init"',
    "vault_initialized": '"tokenhubctl vault unlock"',
    "vault_damaged": '"tokenhub vault verify --all" on the server\'s machine, or a backup',
    "vault_kdf_refused": "a backup of the server's database",
    "vault_disabled": "TOKENHUB_VAULT_ENABLED=true for the server",
}


class Session:
    """What a command works with: `session(call)` sends, `session.output` shows.

    With `--curl` the first call is printed instead and the command ends; with `--dry-run` a change
    is only checked by the server.
    """

    def __init__(
        self, client: "Client", profile: "Profile", output: Output, shared: Shared
    ) -> None:
        self._client = client
        self._shared = shared
        self.profile = profile
        self.output = output

    def __call__(self, call: "Call[T]") -> T:
        if self._shared.all_pages:
            from tokenhub_cli.paging import whole  # noqa: PLC0415 - few ask for it

            return whole(call, self._once)
        return self._once(call)

    def _once(self, call: "Call[T]") -> T:
        call = self._rehearsed(call)
        self.printed(call)
        return self._client(call)

    def rows(self, stream: "Stream[T]") -> "Iterator[Sequence[T]]":
        """The rows of a long answer, as they come."""
        self.printed(stream.opening)
        return self._client.stream(stream)

    def listener(self) -> "AsyncClient":
        """A client for what is waited for beside other things."""
        from tokenhub.client.transport import AsyncClient  # noqa: PLC0415 - httpx: not for --help

        shared = self._shared
        return AsyncClient(
            self.profile,
            timeout_s=shared.timeout,
            retries=shared.retries,
            watch=lambda sent: _watched(sent, verbose=shared.verbose),
        )

    def opened(self, call: "Call[Any]") -> "AbstractContextManager[Opened]":
        """The answer as it comes, unread."""
        call = self._rehearsed(call)
        self.printed(call)
        return self._client.opened(call)

    def _rehearsed(self, call: "Call[T]") -> "Call[T]":
        """The call, as one that the server only checks where `--dry-run` was given."""
        if not (self._shared.dry_run and call.changes):
            return call
        return msgspec.structs.replace(call, query=(*call.query, ("dry_run", "true")))

    def printed(self, *calls: "Call[Any]") -> None:
        """With `--curl`, print the calls, a line each, and end the command."""
        if not self._shared.curl:
            return
        try:
            lines = [curl_of(call, self.profile.url) for call in calls]
        except UnicodeEncodeError as error:
            raise BadCall(f"{error.object!r} holds bytes that are no UTF-8") from error
        for line in lines:
            self.output.text(line)
        raise typer.Exit


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A failure in three parts: what failed, why, what to do."""

    error: str
    because: str
    hint: str = ""
    status: int = 0
    code: str = ""
    request_id: str = ""
    fields: tuple[tuple[str, str], ...] = ()


@contextmanager
def session(ctx: typer.Context) -> Iterator[Session]:
    """A session with the server of this user. Failures are told on stderr and end the command."""
    if (tokenhub := ctx.meta.get(_HELD)) is not None:
        yield tokenhub
        return
    with exits(ctx), open_session(ctx, load_profile(ctx)) as tokenhub:
        yield tokenhub


@contextmanager
def held(ctx: typer.Context) -> Iterator[Session]:
    """A session that all others of this run are, for a command that is run again and again.

    What fails within them is raised in this block.
    """
    with session(ctx) as tokenhub:
        ctx.meta[_HELD] = tokenhub
        yield tokenhub


@contextmanager
def open_session(
    ctx: typer.Context, profile: "Profile", *, watch: "Watch | None" = None
) -> Iterator[Session]:
    """A session with that server. `watch` hears of what is sent too, and failures are raised."""
    from tokenhub.client.transport import Client  # noqa: PLC0415 - httpx: not for --help

    shared = options.given(ctx)
    output = Output(shared)

    def watched(sent: "Sent") -> None:
        _watched(sent, verbose=shared.verbose)
        if watch is not None:
            watch(sent)

    with Client(profile, timeout_s=shared.timeout, retries=shared.retries, watch=watched) as client:
        yield Session(client, profile, output, shared)


@contextmanager
def exits(ctx: typer.Context) -> Iterator[None]:
    """Turn a failure into a message and its exit code."""
    try:
        yield
    except ClientError as error:
        _tell(_failure(ctx, error), options.given(ctx).form)
        raise typer.Exit(code_of(error)) from error
    except BrokenPipeError as error:
        # The reader has gone. Python would complain when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Code.BROKEN_PIPE) from error


def fail(ctx: typer.Context, because: str, *, hint: str, code: Code) -> NoReturn:
    """End the command with a message of this program's own."""
    _, _, command = ctx.command_path.partition(" ")
    failure = Failure(error=f"{command} failed", because=because, hint=hint)
    _tell(failure, options.given(ctx).form)
    raise typer.Exit(code)


def load_profile(ctx: typer.Context, *, context: str | None = None) -> "Profile":
    """Where the server is, and the token for it; `context` in place of -c. Raises BadProfile."""
    from tokenhub.client import profile  # noqa: PLC0415 - not for --help

    shared = options.given(ctx)
    named = shared.context if context is None else context
    return profile.load(url=shared.url, token_file=shared.token_file, context=named)


def confirm(ctx: typer.Context, question: str) -> None:
    """Go on, or end the command: asks only where somebody is there to answer."""
    shared = options.given(ctx)
    if shared.yes or shared.dry_run or shared.curl or not attended():
        return
    if not ask(question):
        talk("nothing was changed")
        raise typer.Exit(Code.USAGE)


def unrehearsed(ctx: typer.Context) -> None:
    """Refuse --dry-run and --curl for a command that writes files of this machine, and no more."""
    shared = options.given(ctx)
    if shared.dry_run or shared.curl:
        raise typer.BadParameter(
            "this writes files here, and asks no server",
            param_hint="--dry-run" if shared.dry_run else "--curl",
        )


def curl_of(call: "Call[Any]", url: str) -> str:
    """The call as a line for a shell, with the token by the variable that holds it.

    Other secrets are by variables too, and the shell refuses the line where those are not set.
    """
    token = "TOKENHUB_API_KEY" if call.path.startswith("/v1/") else "TOKENHUB_ADMIN_TOKEN"
    # What comes bit by bit is to be seen as it comes.
    words = ["curl", "-sSN" if _EVENTS in call.headers else "-sS", "-X", call.method]
    query = f"?{urlencode(call.query)}" if call.query else ""
    words.append(shlex.quote(f"{url}{call.path}{query}"))
    words += ["-H", f'"Authorization: Bearer ${token}"']
    for name, value in call.headers:
        words += ["-H", shlex.quote(f"{name}: {value}")]
    if call.if_match is not None:
        words += ["-H", shlex.quote(f'If-Match: "{call.if_match}"')]
    if call.body is not None:
        words += ["-H", shlex.quote("Content-Type: application/json")]
        body = _without_secrets(msgspec.json.decode(msgspec.json.encode(call.body)))
        quoted = shlex.quote(msgspec.json.encode(body).decode())
        words += ["-d", re.sub(f"{_MARK}([A-Z_]+){_MARK}", r"""'"${\1:?}"'""", quoted)]
    return " ".join(words)


def _without_secrets(body: Any) -> Any:
    """The body of a call with marks where its secrets were."""
    if isinstance(body, list):
        return [_without_secrets(one) for one in body]
    if not isinstance(body, dict):
        return body
    return {
        name: f"{_MARK}{_SECRETS[name]}{_MARK}"
        if name in _SECRETS and value and isinstance(value, str)
        else _without_secrets(value)
        for name, value in body.items()
    }


def _watched(sent: "Sent", *, verbose: int) -> None:
    """A line for each request with -v; with -vv its headers too."""
    if verbose:
        talk(f"{sent.method} {sent.url} {sent.status} {sent.took_s * 1000:.0f}ms")
    if verbose > 1:
        for mark, headers in ((">", sent.request_headers), ("<", sent.response_headers)):
            for name, value in headers:
                talk(f"  {mark} {name}: {value}")


def _tell(failure: Failure, form: Form) -> None:
    """On stderr, as JSON where the result would have been JSON."""
    if form in {Form.JSON, Form.JSONL, Form.YAML}:
        talk(msgspec.json.encode(failure).decode())
        return
    talk(f"error: {failure.error}")
    talk(f"  because: {failure.because}" + _source(failure))
    for pointer, message in failure.fields:
        if message != failure.because:
            talk(f"    {pointer}: {message}")
    if failure.hint:
        talk(f"  try: {failure.hint}")


def _source(failure: Failure) -> str:
    if not failure.status:
        return ""
    request = f", request {failure.request_id}" if failure.request_id else ""
    return f" (HTTP {failure.status}{request})"


def _failure(ctx: typer.Context, error: ClientError) -> Failure:
    _, _, command = ctx.command_path.partition(" ")
    failure = Failure(error=f"{command} failed", because=_because(error), hint=_hint(ctx, error))
    if not isinstance(error, Refused):
        return failure
    return msgspec.structs.replace(
        failure,
        status=error.status,
        code=error.code,
        request_id=error.request_id,
        fields=error.fields,
    )


def _because(error: ClientError) -> str:
    """The server's words, with the option of this program where they name a query of the API."""
    told = str(error)
    for query, option in _OPTIONS.items():
        told = told.replace(query, option)
    return told


def _hint(ctx: typer.Context, error: ClientError) -> str:
    """What to do about it."""
    if isinstance(error, NotFound | Unreadable) and (root := _root(ctx)):
        return f"the server's root, without what its pages and routes begin with: --url {root}"
    if isinstance(error, Refused) and (known := _hint_of_refusal(ctx, error)):
        return known
    noun, listed = _nouns(ctx)
    hints: tuple[tuple[type[ClientError], str], ...] = (
        (BadCall, f'"{ctx.command_path} --help"; a shell variable in the line may be empty'),
        (Unreachable, 'start it with "tokenhub serve", or name another with --url or TOKENHUB_URL'),
        (Unreadable, "check --url or TOKENHUB_URL; it should be the server's root"),
        (NotFound, f'"{listed}" shows what there is'),
        (Conflict, f'"{noun} get" shows it as it is now'),
    )
    for kind, hint in hints:
        if isinstance(error, kind):
            return hint
    if isinstance(error, Refused) and error.status < 500:  # noqa: PLR2004 - server's fault from here
        return f'"{ctx.command_path} --help"'
    return "the server's log tells more" if isinstance(error, Refused) else ""


def _hint_of_refusal(ctx: typer.Context, error: Refused) -> str:
    """What to do about a refusal that tells by itself what it is of; else nothing."""
    program, _, command = ctx.command_path.partition(" ")
    if error.code in _HELP:
        return _HELP[error.code]
    if isinstance(error, Unauthorized):
        unknown = error.status == 401  # noqa: PLR2004 - RFC 9110
        if command in KEYED or str(ctx.params.get("path", "")).startswith("/v1/"):
            return _KEY_HINT[unknown]
        # A 403 knows the token: it, or the name of the server, is not one for this.
        return _token_hint(ctx) if unknown else "--token-file names another token"
    if isinstance(error, Conflict) and _WHICH in str(error):
        return "say which with --provider"
    alone = _nouns(ctx) == (program, f"{program} list")
    known = alone and isinstance(error, NotFound | Conflict)
    return f'"{ctx.command_path} --help"' if known else ""


def _root(ctx: typer.Context) -> str:
    """The server's root, where the URL in use goes on behind it; else nothing."""
    url = str(ctx.params.get("where") or load_profile(ctx).url)
    deeper = re.fullmatch(r"(https?://[^/]+(?:/.+?)??)/(?:admin|v1)(?:/.*)?", url)
    return deeper[1] if deeper else ""


def _nouns(ctx: typer.Context) -> tuple[str, str]:
    """The command's noun, and the command that lists what it is about."""
    noun = ctx.parent.command_path if ctx.parent else ctx.command_path
    program, _, command = ctx.command_path.partition(" ")
    listed = f"{program} {_LISTED_BY[command]}" if command in _LISTED_BY else f"{noun} list"
    return noun, listed


def _token_hint(ctx: typer.Context) -> str:
    source = load_profile(ctx).token_source
    if source:
        return f"the token came from {source}; the server's is in .admin-token beside its data"
    return "set TOKENHUB_ADMIN_TOKEN; the server keeps its token in .admin-token beside its data"
