"""`tokenhubctl`: the root of all commands. Imports typer and nothing else of weight."""

import os
import sys
from typing import Annotated

import typer

from tokenhub import __version__
from tokenhub_cli.exits import Code
from tokenhub_cli.lazy import Entry, LazyGroup


class Root(LazyGroup):
    """What there is, with the lines that `--help` shows, so that no command need be loaded."""

    entries = (
        Entry("status", "Show the server: version, providers, models, keys."),
        Entry("login", "Sign in, and keep the server and its token as a context."),
        Entry("logout", "Sign out: forget the token of a context."),
        Entry("context", "Contexts: servers that have a name, each with its token.", ("contexts",)),
        Entry("admin-token", "Print the admin token and nothing else."),
        Entry(
            "rotate-admin-token",
            "Replace the server's own admin token, and print the new one.",
            hidden=True,
        ),
        Entry("provider", "Providers: who answers.", ("providers",)),
        Entry("model", "Models: what is asked, at which price and weight.", ("models",)),
        Entry("apikey", "API keys: who may ask.", ("apikeys", "key", "keys")),
        Entry("vault", "The vault: the providers' keys, and secrets of your own."),
        Entry("token", "Admin tokens: who operates the server.", ("tokens",)),
        Entry("alias", "Aliases: names that stand for a split of models.", ("aliases",)),
        Entry("routing", "The policy of requests that bring none."),
        Entry(
            "simulate",
            "Ask the router what it would choose, by one policy or several.",
        ),
        Entry("replay", "Tell what other policies would have made of logged requests."),
        Entry("chat", "Ask a model, with an API key."),
        Entry("usage", "Show what an API key has spent this month, and may still."),
        Entry("ledger", "Money: what calls cost."),
        Entry("health", "How providers and their models are doing."),
        Entry("stats", "What the last minute to the last day came to."),
        Entry("logs", "Show what was asked, who answered and what it cost.", ("log",)),
        Entry("audit", "Show who changed what, who came in and who was turned away."),
        Entry("rewards", "What answers were worth, and what was learned of it.", ("reward",)),
        Entry("feedback", "What was said of answers."),
        Entry("explain", "Tell why a request went where it went."),
        Entry("reload", "Make the server read settings and credentials again."),
        Entry("engine", "The catalog as the router sees it.", ("engines",)),
        Entry("view", "Saved views: names for filters of the log.", ("views",)),
        Entry("apply", "Bring the configuration to what a file says."),
        Entry("diff", "Tell what an apply of a file would change."),
        Entry("export", "Write the configuration as a file."),
        Entry(
            "events", "Show what happens, as it happens: requests, decisions, changes.", ("event",)
        ),
        Entry("top", "Who is busy now: one screen that keeps up."),
        Entry("tsdb", "Charts over time: metrics, queries, how long they are kept."),
        Entry("wait", "Wait until the server, the vault or a provider is ready."),
        Entry("workflow", "Workflows of Temporal's, where it is on.", ("workflows",)),
        Entry(
            "orchestration",
            "Plans: requests that were answered in several steps.",
            ("orchestrations",),
        ),
        Entry("log-level", "Show how much the server logs, or change it."),
        Entry("backup", "Backups of all that the server keeps."),
        Entry("api", "Send any request, and print the body of its answer as it comes."),
        Entry("doctor", "Check what can be wrong, and tell what to do about it."),
        Entry("config", "Settings of this program."),
        Entry("version", "Print the version."),
        Entry("completion", "Completion of commands, options and ids in your shell."),
        Entry("man", "Write the manual pages, one of each noun, into a folder."),
        Entry("docs", "Write the reference as pages of Markdown into a folder."),
        Entry("help", "Explain a command or a topic."),
    )


app = typer.Typer(
    cls=Root,
    no_args_is_help=True,
    add_completion=False,  # typer's options for what the noun `completion` does
    rich_markup_mode=None,  # rich would take 120 ms of every help page
    pretty_exceptions_enable=False,  # they print the values of variables, keys among them
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line of this process."""
    _open_streams()
    try:
        try:
            app(prog_name="tokenhubctl")
        finally:
            sys.stdout.flush()
    except OSError as error:
        _throw_away()
        if isinstance(error, BrokenPipeError):
            sys.exit(Code.BROKEN_PIPE)
        if error.filename is not None:  # another file than stdout
            _give_up(str(error))
        _give_up(f"the result cannot be written: {error.strerror or error}")


def _open_streams() -> None:
    """Stand in for streams that the caller has closed (`<&-`), which Python has as None."""
    # Open until the process ends, as the streams they stand for.
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 - see above
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - see above
    if sys.stdout is None:
        # Nothing is sent: what a change came to (a new key, say) would be lost.
        _give_up("stdout is closed; > /dev/null throws the result away")


def _give_up(why: str) -> None:
    from tokenhub_cli.output import talk  # noqa: PLC0415 - msgspec: not for --help

    talk(f"error: {why}")
    sys.exit(Code.REFUSED)


def _throw_away() -> None:
    """Let what is still buffered go nowhere: Python would complain when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"tokenhubctl {__version__}")
        raise typer.Exit


@app.callback()
def tokenhubctl(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Operate a TokenHub from a shell: providers, models, keys, routing and logs.

    The server is that of --url, TOKENHUB_URL or ~/.tokenhub/env, else http://localhost:8080.
    """


if __name__ == "__main__":
    main()
