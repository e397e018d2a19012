"""`tokenhub-tui [SCREEN]`: the console in this terminal."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tokenhub import __version__
from tokenhub_tui.actions import PLACES

USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the console; the exit code is 2 where it cannot be run here."""
    given = _parser().parse_args(argv)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(
            "tokenhub-tui draws on a terminal, and this is none. "
            'For pipes and scripts: "tokenhubctl top", "tokenhubctl events", "tokenhubctl logs".',
            file=sys.stderr,
        )
        return USAGE
    # Textual takes 200 ms to load, which --help and a pipe need not wait for.
    from tokenhub.client.errors import BadProfile  # noqa: PLC0415
    from tokenhub.client.profile import load  # noqa: PLC0415
    from tokenhub_tui.app import Console  # noqa: PLC0415

    try:
        profile = load(url=given.url, token_file=given.token_file, context=given.context)
    except BadProfile as error:
        print(f"tokenhub-tui: {error}", file=sys.stderr)
        return USAGE
    console = Console(profile, name=given.context, start=given.screen, read_only=given.read_only)
    console.run(mouse=not given.no_mouse)
    return console.return_code or 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tokenhub-tui", description="The console of a TokenHub server."
    )
    parser.add_argument(
        "screen",
        nargs="?",
        default="live",
        choices=[place.name for place in PLACES],
        help="the screen to begin with; live where none is named",
    )
    parser.add_argument("--context", default="", help="a server of `tokenhubctl context list`")
    parser.add_argument("--url", default="", help="where the server is")
    parser.add_argument("--token-file", type=Path, help="a file that holds the admin token")
    parser.add_argument("--read-only", action="store_true", help="change nothing")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--version", action="version", version=f"tokenhub-tui {__version__}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
