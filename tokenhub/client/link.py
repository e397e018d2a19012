"""How a stream of events is doing, as its reader is told: each change once, in the order they come.

    Connecting ──> Live ──> rows and Missed ──> Retrying ──> Connecting ...

It ends with an error: Unauthorized where the token opens nothing (any more), Refused where it is
turned away for another reason, Unreachable where it gives up. A reader that leaves by itself hears
of nothing more.
"""

from collections.abc import Callable

import msgspec


class Connecting(msgspec.Struct, frozen=True, kw_only=True):
    """It is asked for, for the `tries`-th time since it was live; 0 is the first time."""

    tries: int = 0


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """The server has said that it tells what happens."""


class Retrying(msgspec.Struct, frozen=True, kw_only=True):
    """It was lost, or not let in; in `wait_s` seconds it is asked for again.

    `tries` counts from 1, and begins anew once an event has come or a connection has lasted.
    """

    tries: int
    wait_s: float
    why: str


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """Events were lost that nobody will tell again; the log and the audit trail have the rest.

    `count` is None where the server cannot know: it was started anew since, or it is another one.
    Where the events were overwritten while nobody read, it counts those of all types. They are
    behind `after_id` and before `next_id`; both are empty where this reader was too slow.
    """

    count: int | None = None
    after_id: str = ""
    next_id: str = ""


Change = Connecting | Live | Retrying | Missed
Told = Callable[[Change], None]


def untold(_change: Change) -> None:
    """A Told where nobody wants to know."""
