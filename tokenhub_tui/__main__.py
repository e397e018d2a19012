"""`tokenhub-tui [SCREEN]`, `tokenhub-tui req ID`: the console in this terminal."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokenhub import __version__
from tokenhub_tui.actions import PLACES
from tokenhub_tui.start import Start

if TYPE_CHECKING:
    from tokenhub_tui.kept import Kept
    from tokenhub_tui.replay import Played
    from tokenhub_tui.servers import Server

USAGE = 2
REQUEST = "req"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the console; the exit code is 2 where it cannot be run here."""
    parser = _parser()
    given = parser.parse_args(argv)
    if (given.screen == REQUEST) != bool(given.id):
        parser.error("the id of one request goes with req, as in: tokenhub-tui req 0192f3c5")
    if given.screen == REQUEST and (given.model or given.filter):
        parser.error("one request is not filtered; a list is: tokenhub-tui logs --filter ...")
    if unfit := _unfit():
        print(f"tokenhub-tui: {unfit}", file=sys.stderr)
        return USAGE
    # Textual takes 200 ms to load, which --help and a pipe need not wait for.
    from tokenhub.client.errors import BadProfile  # noqa: PLC0415
    from tokenhub_tui.app import Console  # noqa: PLC0415
    from tokenhub_tui.kept import Kept  # noqa: PLC0415
    from tokenhub_tui.replay import Recorder  # noqa: PLC0415

    kept = Kept.of_user()
    try:
        kept.load()
        if given.replay is not None:
            server, played = _played(given.replay)
        else:
            server, played = _server(given, kept), None
        recorder = Recorder(given.record) if given.record is not None else None
        console = Console(
            server,
            start=_start(given),
            read_only=given.read_only,
            kept=kept,
            play=played,
            record=recorder,
        )
    except OSError as error:
        print(f"tokenhub-tui: {error.filename}: {error.strerror}", file=sys.stderr)
        return USAGE
    except (BadProfile, ValueError) as error:
        print(f"tokenhub-tui: {error}", file=sys.stderr)
        return USAGE
    console.run(mouse=not given.no_mouse)
    if recorder is not None:
        recorder.close()
        print(f"Recorded in {given.record}; tokenhub-tui --replay {given.record} plays it.")
    return console.return_code or 0


def _unfit() -> str:
    """Why it cannot draw here, and what to do; empty where it can."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return (
            "it draws on a terminal, and this is none. "
            'For pipes and scripts: "tokenhubctl top", "tokenhubctl events", "tokenhubctl logs".'
        )
    if not sys.stderr.isatty():
        return "it draws on the error output, which is no terminal here; start it without 2>"
    if os.environ.get("TERM") == "dumb":  # noqa: TID251 - of the terminal, no setting
        return (
            "TERM is dumb: this terminal cannot place text. Use another one, or say what it is, "
            'as in "TERM=xterm-256color tokenhub-tui"; "tokenhubctl top" works here.'
        )
    if sys.stderr.encoding.lower() != "utf-8":
        return (
            f"the locale's encoding is {sys.stderr.encoding}, and it draws in UTF-8. Where the "
            'terminal knows that, start it with "LC_ALL=C.UTF-8 tokenhub-tui".'
        )
    return ""


def _server(given: argparse.Namespace, kept: "Kept") -> "Server":
    """The server that is meant, as its context has it marked. Raises BadProfile."""
    from tokenhub.client.profile import load  # noqa: PLC0415
    from tokenhub_tui.servers import Server, of_context  # noqa: PLC0415

    profile = load(url=given.url, token_file=given.token_file, context=given.context)
    name = profile.url_source.removeprefix("context ")
    if name != profile.url_source:
        return of_context(profile, name, kept.contexts().named(name))
    return Server(profile=profile, name=profile.url.partition("://")[2])


def _played(file: Path) -> "tuple[Server, Played]":
    """A recording in the place of a server. Raises OSError and ValueError."""
    from tokenhub_tui.replay import Played, load  # noqa: PLC0415
    from tokenhub_tui.servers import Server  # noqa: PLC0415

    try:
        played = Played(load(file), file)
    except ValueError as error:
        raise ValueError(
            f'{file} is no recording: {error}; "tokenhub-tui --record {file.stem}.jsonl" and '
            '"tokenhubctl events -o jsonl" make some'
        ) from error
    return Server(profile=played.profile, name=file.name, read_only=True), played


def _start(given: argparse.Namespace) -> Start:
    """Where to begin, and with which filter."""
    if given.screen == REQUEST:
        return Start(place="logs", request_id=given.id, theme=given.theme)
    model = (
        f'model:"{given.model}"' if " " in given.model else given.model and f"model:{given.model}"
    )
    wanted = " ".join(filter(None, (model, given.filter)))
    return Start(place=given.screen, wanted=wanted, theme=given.theme)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tokenhub-tui", description="The console of a TokenHub server."
    )
    parser.add_argument(
        "screen",
        nargs="?",
        default="live",
        choices=[*(place.name for place in PLACES), REQUEST],
        help="the screen to begin with; live where none is named, req for one request",
    )
    parser.add_argument("id", nargs="?", default="", help="which request, for req")
    parser.add_argument("--model", default="", help="begin with a filter of this model")
    parser.add_argument("--filter", default="", help="begin with a filter, as after /")
    parser.add_argument("--theme", default="", help="tokenhub-dark, tokenhub-light, high-contrast")
    parser.add_argument("--context", default="", help="a server of `tokenhubctl context list`")
    parser.add_argument("--url", default="", help="where the server is")
    parser.add_argument("--token-file", type=Path, help="a file that holds the admin token")
    parser.add_argument("--read-only", action="store_true", help="change nothing")
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="play what `tokenhubctl events -o jsonl` wrote"
    )
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="write down what comes, for --replay"
    )
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--version", action="version", version=f"tokenhub-tui {__version__}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
