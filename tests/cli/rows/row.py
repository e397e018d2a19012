"""What one command has to show: its table, its JSON, an error, and its exit codes.

Lines are without `tokenhubctl` and the words of the command. In them, and in what is expected,
stand for what nobody chose: `k_1` (the key's id), `req_01a1fdc7` (the request), `<key>`, `<url>`
(the server), `<sim>` (the provider), `<home>`, and `<made>` (what the last line of `before` said).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tokenhub_cli.exits import Code

# Where nobody listens.
NOBODY = "--url http://127.0.0.1:9 --retries 0"
NO_ANSWER = ("no answer from http://127.0.0.1:9: connection refused", '"tokenhub serve"', "--url")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A command's line that works, what comes of it, and one that fails.

    `shows` are regular expressions that must be found in the table, where ^ and $ are of a line.
    `of` is the type of the JSON, all of whose fields it must have, and no others; `holds` are
    values in it, by paths such as `items[id=gpt].weight` and `[0].name`. `says` are words of the
    failure: why, and what to do. `before` are lines that go before each of the two that work, and
    `after` those that put things back.

    Rows share a server that nothing changes, and those with `changes` another one, where they
    make what they change. Those that are `alone` have one of their own, without a vault. What
    fails has a third: a refused request is one too.
    """

    shows: tuple[str, ...] = ()
    holds: Mapping[str, object] = {}
    fails: str
    code: Code
    says: tuple[str, ...]
    of: Any = dict[str, Any]
    takes: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    stdin: str = ""
    env: Mapping[str, str] = {}
    ends: Code = Code.DONE
    changes: bool = False
    alone: bool = False
    # Why there is no line that works, or none with JSON, where that is so.
    never: str = ""
    no_json: str = ""


def unanswered(
    *,
    of: Any = dict[str, Any],
    takes: str = "",
    shows: tuple[str, ...],
    holds: Mapping[str, object],
) -> Row:
    """A row of a command that takes nothing which could be wrong: its server is not there."""
    return Row(
        takes=takes,
        shows=shows,
        of=of,
        holds=holds,
        fails=f"{takes} {NOBODY}",
        code=Code.UNREACHABLE,
        says=NO_ANSWER,
    )


def missing(words: str, *, listed: str, fails: str = "nope") -> Mapping[str, Any]:
    """The fields of a row on something that is not there."""
    return {
        "fails": fails,
        "code": Code.NOT_FOUND,
        "says": (words, f'"tokenhubctl {listed}" shows what there is'),
    }
